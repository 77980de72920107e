//! The events of one scenario, all drawn from the seed: requests, faults, kills of processes.
//!
//! - `faults`: single faults of OZmap
//! - `coincidences`: events that are dangerous only together
//!
//! It must never depend on the behaviour of the service: the same seed is the same scenario.

mod coincidences;
mod faults;

use std::time::Duration;

use super::points::Point;
use super::rng::Rng;

/// The latest time of a fault; afterwards all faults are over.
pub(crate) const TROUBLE: Duration = Duration::from_secs(120);

/// The settlement period of a DELETE: shorter than by default, so that more scenarios run in the
/// same time.
const SETTLE_MS: i64 = 90_000;

/// The time of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    /// Counted from the beginning of the scenario.
    At(Duration),
    /// Counted from the `nth` time that a point is passed.
    After {
        point: Point,
        nth: u64,
        pause: Duration,
    },
}

/// An event and its time.
#[derive(Clone, Debug)]
pub(crate) struct Scheduled {
    pub(crate) when: When,
    pub(crate) event: Event,
}

/// An event.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A webhook arrives, possibly not for the first time.
    Ask { webhook: usize },
    /// Calls of OZmap fail or get wrong answers.
    Fault(String),
    /// All faults of OZmap end.
    Heal,
    /// A technician installs the customer.
    Install { code: usize },
    /// Another user of OZmap deletes the reservation and makes a new one with the same code.
    ReserveAgain { code: usize },
    /// Another user of OZmap makes a reservation of this code.
    Reserve { code: usize },
    /// A process is killed, and another one replaces it after a while.
    Kill {
        process: usize,
        back_after: Duration,
        rules: RulesOf,
    },
    /// A process is frozen for a while.
    Freeze { process: usize, time: Duration },
    /// The machine of all processes is suspended: only its wall clock goes on.
    Suspend { time: Duration },
    /// The journal is unavailable for a while.
    JournalAway { time: Duration },
    /// The journal is slow for a while: an operation takes up to `ms`.
    JournalSlow { time: Duration, ms: u64 },
    /// The next calls of OZmap panic.
    Panic { process: usize, times: u64 },
}

/// The operator's rules for a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RulesOf {
    Work,
    DryRun,
    Pause,
}

/// One request of one customer; the platform may send it several times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Webhook {
    pub(crate) code: usize,
    pub(crate) key: Key,
    pub(crate) wish: Wish,
}

/// Whether the platform sends an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Own,
    Missing,
}

/// The mode of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Cancel,
    DryRun,
}

/// Whether OZmap ever recovers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    AllIsWell,
    NeverWell,
}

/// One scenario.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) processes: usize,
    /// The number of reservations of each code at the beginning.
    pub(crate) copies: Vec<usize>,
    pub(crate) webhooks: Vec<Webhook>,
    pub(crate) events: Vec<Scheduled>,
    pub(crate) ending: Ending,
    /// When OZmap recovers.
    pub(crate) well_at: Duration,
    pub(crate) deletes_per_hour_max: u32,
    pub(crate) settle_ms: i64,
}

impl Scenario {
    /// One process without any event.
    pub(crate) fn quiet(copies: Vec<usize>, webhooks: Vec<Webhook>) -> Self {
        Self {
            processes: 1,
            copies,
            webhooks,
            events: Vec::new(),
            ending: Ending::AllIsWell,
            well_at: TROUBLE,
            deletes_per_hour_max: 1_000,
            settle_ms: SETTLE_MS,
        }
    }

    /// The scenario of a seed.
    pub(crate) fn of(rng: &Rng) -> Self {
        let codes = if rng.one_in(3) { 3 } else { 1 };
        let copies = (0..codes).map(|_| copies(rng)).collect();
        let mut scenario = Self::quiet(copies, Vec::new());
        scenario.processes = usize::from(rng.one_in(2)) + 1;
        if rng.one_in(25) {
            scenario.deletes_per_hour_max = 1;
        }
        scenario.draw_asks(rng);
        let has_coincidence = rng.one_in(2);
        if has_coincidence {
            coincidences::draw(rng, &mut scenario);
        }
        if !has_coincidence || scenario.settle_ms == SETTLE_MS && rng.one_in(2) {
            scenario.draw_troubles(rng);
        }
        scenario
    }

    fn draw_asks(&mut self, rng: &Rng) {
        for code in 0..self.copies.len() {
            for _ in 0..rng.number(1..=3) {
                let webhook = self.webhooks.len();
                self.webhooks.push(Webhook {
                    code,
                    key: if rng.one_in(4) {
                        Key::Missing
                    } else {
                        Key::Own
                    },
                    wish: if rng.one_in(12) {
                        Wish::DryRun
                    } else {
                        Wish::Cancel
                    },
                });
                let first = rng.millis(0..=30_000);
                for again in 0..rng.number(1..=3) {
                    let at = first + rng.millis(0..=30_000 * again);
                    self.at(at, Event::Ask { webhook });
                }
            }
        }
    }

    fn draw_troubles(&mut self, rng: &Rng) {
        for _ in 0..rng.number(0..=6) {
            self.at(rng.millis(0..=60_000), Event::Fault(faults::fault(rng)));
        }
        for _ in 0..rng.number(0..=3) {
            let when = if rng.one_in(2) {
                When::At(rng.millis(0..=90_000))
            } else {
                When::After {
                    point: rng.pick(&Point::ALL).copied().unwrap_or(Point::DeleteSent),
                    nth: rng.number(1..=3),
                    pause: rng.millis(0..=3_000) / u32::try_from(rng.number(1..=4)).unwrap_or(1),
                }
            };
            let event = self.blow(rng);
            self.events.push(Scheduled { when, event });
        }
        if rng.one_in(2) {
            for fault in faults::wrong_once(rng) {
                self.at(Duration::ZERO, Event::Fault(fault));
            }
        }
    }

    fn blow(&self, rng: &Rng) -> Event {
        let within = |number: usize| {
            let last = u64::try_from(number.saturating_sub(1)).unwrap_or(0);
            usize::try_from(rng.number(0..=last)).unwrap_or(0)
        };
        let (process, code) = (within(self.processes), within(self.copies.len()));
        match rng.number(0..=13) {
            0..=2 => Event::Kill {
                process,
                back_after: rng.millis(0..=40_000),
                rules: RulesOf::Work,
            },
            3 | 4 => Event::Freeze {
                process,
                time: rng.millis(1..=60_000),
            },
            5 => Event::JournalAway {
                time: rng.millis(1..=20_000),
            },
            6 => Event::Install { code },
            7 | 8 => Event::ReserveAgain { code },
            9 => Event::Reserve { code },
            10 => Event::Kill {
                process,
                back_after: rng.millis(0..=5_000),
                rules: if rng.one_in(2) {
                    RulesOf::DryRun
                } else {
                    RulesOf::Pause
                },
            },
            11 => Event::JournalSlow {
                time: rng.millis(1..=20_000),
                ms: rng.number(100..=8_000),
            },
            12 if self.processes == 1 => Event::Suspend {
                time: rng.millis(1_000..=60_000),
            },
            _ => Event::Panic {
                process,
                times: rng.number(1..=4),
            },
        }
    }

    fn at(&mut self, at: Duration, event: Event) {
        let when = When::At(at);
        self.events.push(Scheduled { when, event });
    }

    fn after(&mut self, point: Point, nth: u64, pause_ms: u64, event: Event) {
        let pause = Duration::from_millis(pause_ms);
        let when = When::After { point, nth, pause };
        self.events.push(Scheduled { when, event });
    }
}

fn copies(rng: &Rng) -> usize {
    match rng.number(0..=15) {
        0 => 0,
        1 => 2,
        _ => 1,
    }
}
