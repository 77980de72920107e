//! What a trouble does to the breaker: to everybody, to one reservation, or to nobody.
//!
//! It must never let what is about one reservation keep OZmap from the others.

use std::time::Duration;

use tokio::time::Instant;

use super::weight::{Weight, is_an_answer, weight};
use super::{Breaker, Change, Door, Proof, Purpose};
use crate::ozmap::trouble::Trouble;

/// After it was shut so often in a row, a probe that fails is not enough to keep everybody away.
const PROBES_BELIEVED: u32 = 8;

/// How long a key that was refused is not shown again.
pub(super) const KEY_REFUSED: Duration = Duration::from_secs(30);

/// How often a doubt whether OZmap itself answers is settled by a probe that would not be due yet.
const DOUBT_EVERY: Duration = Duration::from_secs(10);

impl Breaker {
    /// A call gave no usable answer.
    pub(in crate::ozmap) fn troubled(
        &mut self,
        purpose: Purpose,
        trouble: Trouble,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Change {
        match purpose {
            Purpose::Probe => self.probe_troubled(trouble, retry_after, now),
            Purpose::Work(mark) => self.work_troubled(mark, trouble, retry_after, now),
        }
    }

    fn probe_troubled(
        &mut self,
        trouble: Trouble,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Change {
        self.probed(now);
        if !matches!(self.door, Door::Shut { .. }) {
            let is_met_by_all = is_an_answer(trouble) && self.recent.is_doubtful();
            return match self.door {
                // What customers met is met where no reservation is asked for: it is no OZmap that answers.
                Door::Open if is_met_by_all => {
                    let wait = self.next_wait();
                    self.shut(Purpose::Probe, trouble, wait, now)
                }
                // It is for the health page alone: nobody is kept waiting because of a question that no customer asked.
                Door::Open | Door::Trial { .. } | Door::Shut { .. } => Change::None,
            };
        }
        self.calm = 0;
        match weight(trouble) {
            Weight::OneOnly => self.begin_trial(Proof::Answered, now),
            // Somebody is there. Whether it is an OZmap on which only a probe fails, or something else, only a
            // cancellation can find out; it goes alone.
            Weight::Odd => self.begin_trial(Proof::Presumed, now),
            // The probe has been alone for long.
            Weight::All if self.shuts >= PROBES_BELIEVED => self.begin_trial(Proof::Presumed, now),
            Weight::Key => self.shut(Purpose::Probe, trouble, KEY_REFUSED, now),
            Weight::All | Weight::Throttle => {
                let wait = retry_after.unwrap_or_else(|| self.next_wait());
                self.shut(Purpose::Probe, trouble, wait, now)
            }
        }
    }

    fn work_troubled(
        &mut self,
        mark: u64,
        trouble: Trouble,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Change {
        let (purpose, was_known) = (Purpose::Work(mark), self.recent.is_known(mark, now));
        self.calm = 0;
        match weight(trouble) {
            Weight::OneOnly => self.answered(purpose, now),
            Weight::Odd => {
                self.recent.odd(mark, now);
                if self.is_proven_trial() {
                    return Change::None;
                }
                self.doubt(now);
                self.shut_trial(purpose, trouble, now)
            }
            Weight::Key => {
                self.recent.bad(Some(mark), now);
                self.shut(purpose, trouble, KEY_REFUSED, now)
            }
            Weight::Throttle => {
                if matches!(self.door, Door::Open) {
                    self.limit = (self.limit / 2).max(1);
                }
                let wait = retry_after.unwrap_or_else(|| self.next_wait());
                self.shut(purpose, trouble, wait, now)
            }
            Weight::All => {
                // No reservation was named yet.
                let is_nameless = trouble.is_before_any_request();
                self.recent.bad((!is_nameless).then_some(mark), now);
                if let Some(wait) = retry_after {
                    return self.shut(purpose, trouble, wait, now);
                }
                // It failed before, and a probe did not: that says nothing of the others.
                if was_known && !is_nameless && self.is_proven_trial() {
                    return Change::None;
                }
                match self.door {
                    Door::Open if !self.recent.speak_against_all(now) => Change::None,
                    Door::Open | Door::Shut { .. } | Door::Trial { .. } => {
                        let wait = self.next_wait();
                        self.shut(purpose, trouble, wait, now)
                    }
                }
            }
        }
    }

    pub(super) fn begin_trial(&mut self, proof: Proof, now: Instant) -> Change {
        if let Door::Shut { why, .. } = self.door {
            self.door = Door::Trial {
                since: now,
                why,
                is_taken: false,
                proof,
            };
        }
        Change::None
    }

    fn is_proven_trial(&self) -> bool {
        matches!(
            self.door,
            Door::Trial {
                proof: Proof::Answered,
                ..
            }
        )
    }

    /// Shuts it again if this was the one that went first.
    fn shut_trial(&mut self, purpose: Purpose, trouble: Trouble, now: Instant) -> Change {
        match self.door {
            Door::Trial { .. } => {
                let wait = self.next_wait();
                self.shut(purpose, trouble, wait, now)
            }
            Door::Open | Door::Shut { .. } => Change::None,
        }
    }

    /// Asks for a probe before its time when many met something else than OZmap and nobody an OZmap.
    fn doubt(&mut self, now: Instant) {
        if self.recent.is_very_doubtful() && self.doubt_at.is_none() {
            let earliest = self.probed_at.map_or(now, |at| at + DOUBT_EVERY);
            self.doubt_at = Some(earliest.max(now));
        }
    }

    pub(super) fn probed(&mut self, now: Instant) {
        self.doubt_at = None;
        self.probed_at = Some(now);
    }
}
