//! Which fault hits which call.
//!
//! Responsible for counting: how many matching calls a fault has let pass and how many it has hit.
//! A call gets every delay that is due and, beside them, the first other fault that is due; the
//! faults behind that one do not count the call. It must never carry a fault out.

use std::time::Duration;

use serde_json::{Value, json};

use super::faults::{Fault, Group};
use super::kinds::Kind;

/// The faults that are set, in the order in which they were set.
#[derive(Debug, Default)]
pub(super) struct Plan {
    counted: Vec<Counted>,
}

#[derive(Debug)]
struct Counted {
    fault: Fault,
    passed: u64,
    fired: u64,
}

/// What one call has to suffer.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate {
    pub(super) delay: Duration,
    pub(super) kind: Option<Kind>,
}

impl Plan {
    pub(super) fn new(faults: Vec<Fault>) -> Plan {
        let mut plan = Plan::default();
        plan.add(faults);
        plan
    }

    pub(super) fn add(&mut self, faults: Vec<Fault>) {
        self.counted.extend(faults.into_iter().map(|fault| Counted {
            fault,
            passed: 0,
            fired: 0,
        }));
    }

    pub(super) fn clear(&mut self) {
        self.counted.clear();
    }

    /// Counts a call of this group, about this code if about one, and says what happens to it.
    pub(super) fn draw(&mut self, group: Group, code: Option<&str>) -> Fate {
        let mut fate = Fate::default();
        for counted in &mut self.counted {
            match counted.fault.kind() {
                Kind::Delay(pause) => {
                    let pause = *pause;
                    if counted.fires(group, code) {
                        fate.delay += pause;
                    }
                }
                Kind::Canned(_)
                | Kind::Cut(_)
                | Kind::Delivery(_)
                | Kind::Tamper(_)
                | Kind::Deletion(_)
                | Kind::Aftermath(_) => {
                    if fate.kind.is_none() && counted.fires(group, code) {
                        fate.kind = Some(counted.fault.kind().clone());
                    }
                }
            }
        }
        fate
    }

    /// The faults with their counts, as `GET /__sim/faults` shows them.
    pub(super) fn to_json(&self) -> Value {
        self.counted
            .iter()
            .map(|counted| {
                let mut shown = counted.fault.to_json();
                shown["passed"] = json!(counted.passed);
                shown["fired"] = json!(counted.fired);
                shown
            })
            .collect()
    }
}

impl Counted {
    fn fires(&mut self, group: Group, code: Option<&str>) -> bool {
        if !self.fault.matches(group, code) {
            return false;
        }
        if self.passed < self.fault.skip() {
            self.passed += 1;
            return false;
        }
        let is_spent = self.fault.times().is_some_and(|times| self.fired >= times);
        if is_spent || !rand::random_bool(self.fault.probability()) {
            return false;
        }
        self.fired += 1;
        true
    }
}
