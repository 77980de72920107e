//! What happens in one scenario, all of it drawn from the seed: who asks, what fails, which process
//! is killed.
//!
//! - `faults`: single faults of OZmap
//! - `coincidences`: what is only dangerous together
//!
//! It must never look at what the service does: the same seed is the same scenario.

mod coincidences;
mod faults;

use std::time::Duration;

use super::points::Point;
use super::rng::Rng;

/// The latest that something goes wrong; after this everything is well again.
pub(crate) const TROUBLE: Duration = Duration::from_secs(120);

/// How long a deletion that was sent may still take effect: shorter than by default, to play more
/// in the same time.
const SETTLE_MS: i64 = 90_000;

/// When something happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    /// So long after the beginning.
    At(Duration),
    /// So long after the nth time that a point is passed.
    After {
        point: Point,
        nth: u64,
        pause: Duration,
    },
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) struct Scheduled {
    pub(crate) when: When,
    pub(crate) event: Event,
}

/// What can happen.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A webhook arrives, maybe not for the first time.
    Ask { webhook: usize },
    /// Something goes wrong with the calls of OZmap.
    Fault(String),
    /// No call of OZmap goes wrong any more.
    Heal,
    /// The customer is installed.
    Install { code: usize },
    /// Another user of OZmap deletes the reservation and makes it anew.
    ReserveAgain { code: usize },
    /// Another user of OZmap makes a reservation of this code.
    Reserve { code: usize },
    /// A process is killed, and another takes its place after a while.
    Kill {
        process: usize,
        back_after: Duration,
        rules: RulesOf,
    },
    /// A process stands still for a while.
    Freeze { process: usize, time: Duration },
    /// The machine of all processes is suspended: only its wall clock goes on.
    Suspend { time: Duration },
    /// The journal is away for a while.
    JournalAway { time: Duration },
    /// The journal is slow for a while: an operation takes up to `ms`.
    JournalSlow { time: Duration, ms: u64 },
    /// The next calls of OZmap end in a panic.
    Panic { process: usize, times: u64 },
}

/// What the operator of a process allows.
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

/// Whether the platform gives a request a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Own,
    Missing,
}

/// What a customer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Cancel,
    DryRun,
}

/// Whether OZmap is ever well again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    AllIsWell,
    NeverWell,
}

/// Everything of one scenario.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) processes: usize,
    /// How many reservations each code has at the beginning.
    pub(crate) copies: Vec<usize>,
    pub(crate) webhooks: Vec<Webhook>,
    pub(crate) events: Vec<Scheduled>,
    pub(crate) ending: Ending,
    /// When OZmap is well again.
    pub(crate) well_at: Duration,
    pub(crate) deletes_per_hour_max: u32,
    pub(crate) settle_ms: i64,
}

impl Scenario {
    /// One process in which nothing happens by itself.
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
