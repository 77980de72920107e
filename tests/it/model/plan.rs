//! One schedule: what the world is like and what goes wrong in it, drawn from a seed.

use super::random::Random;
use super::safeguards::Safeguard;

/// Where in a cancellation something may be made to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    AcceptAsked,
    Accepted,
    Declined,
    LookUpServed,
    LookUpAnswered,
    IntentAsked,
    IntentWritten,
    DeleteChecked,
    DeleteSent,
    DeleteAnswered,
    AckWritten,
    LookAgainServed,
    DoneAsked,
    DoneWritten,
}

const POINTS: [Point; 14] = [
    Point::AcceptAsked,
    Point::Accepted,
    Point::Declined,
    Point::LookUpServed,
    Point::LookUpAnswered,
    Point::IntentAsked,
    Point::IntentWritten,
    Point::DeleteChecked,
    Point::DeleteSent,
    Point::DeleteAnswered,
    Point::AckWritten,
    Point::LookAgainServed,
    Point::DoneAsked,
    Point::DoneWritten,
];

/// What happens to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The replica is killed and comes back after a while.
    Kill { back_after: i64 },
    /// It is asked to stop, drains, and comes back.
    Stop { back_after: i64 },
    /// It comes back with a rehearsal, a pause, or neither.
    Reconfigure { rules: Rules },
    /// Its process stands still.
    Freeze { ms: i64 },
    /// Its whole machine sleeps, and its monotonic clock with it.
    Suspend { ms: i64 },
    /// The database's clock is set.
    Jump { ms: i64 },
    /// The customer is installed.
    Implant,
    /// Somebody else deletes the reservation, and it is made anew.
    ReserveAnew,
    /// The same code is reserved in another project too.
    ReserveAlso,
    /// The journal cannot be written for a while.
    Outage { ms: i64 },
    /// OZmap does not accept the key for a while.
    Revoke { ms: i64 },
    /// Something before OZmap answers everything with a JSON 404.
    Gateway { ms: i64 },
    /// The route by id answers 404 for whatever is asked.
    RouteGone { ms: i64 },
    /// OZmap is wrong for a moment: it denies what is there to the next reads.
    Deny {
        /// The next reads by its code.
        by_code: u32,
        /// The next reads by its id.
        by_id: u32,
        /// For so long its code leads to nothing, as if it had another one.
        renamed_ms: i64,
    },
    /// Every request of the plan arrives once more.
    Again,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rules {
    #[default]
    Work,
    Rehearse,
    Pause,
}

/// When: at a time, or some time after the n-th passing of a point.
#[derive(Clone, Copy, Debug)]
pub enum When {
    At(i64),
    Passing { point: Point, nth: u32, after: i64 },
}

#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub when: When,
    pub act: Act,
    pub replica: usize,
}

/// A customer's message; a platform may send it several times.
#[derive(Clone, Debug)]
pub struct Message {
    pub code: usize,
    pub has_key: bool,
    pub rehearsal: bool,
    pub arrivals: Vec<(i64, usize)>,
}

/// A reservation at the beginning.
#[derive(Clone, Copy, Debug)]
pub struct Reserved {
    pub code: usize,
    pub implanted: bool,
}

/// How often things go wrong, in a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Odds {
    pub read_fails: i64,
    pub read_is_slow: i64,
    pub delete_fails: i64,
    pub write_stalls: i64,
    pub commit_in_doubt: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Everything but freezes and clocks that jump.
    Fair,
    /// Those too.
    Rough,
}

pub struct Plan {
    pub seed: u64,
    pub weather: Weather,
    /// The safeguards that are taken away.
    pub without: Vec<Safeguard>,
    pub replicas: usize,
    pub codes: usize,
    pub reserved: Vec<Reserved>,
    pub messages: Vec<Message>,
    pub events: Vec<Event>,
    pub odds: Odds,
    pub lag_ms: i64,
    /// OZmap answers a JSON 404 for an unknown code, instead of an empty list.
    pub says_404: bool,
    /// OZmap matches codes loosely.
    pub matches_loosely: bool,
    pub budget: i64,
}

/// Half a minute is where most of a cancellation happens.
const MOST: i64 = 30_000;

impl Plan {
    pub fn draw(seed: u64, weather: Weather, without: &[Safeguard]) -> Self {
        let salt = match weather {
            Weather::Fair => 0,
            Weather::Rough => 1 << 60,
        };
        let random = Random::new(seed ^ salt);
        let replicas = random.pick(&[1, 2, 2]);
        let codes = random.pick(&[1, 1, 2]);
        let mut plan = Self {
            seed,
            weather,
            without: without.to_vec(),
            replicas,
            codes,
            reserved: reserved(&random, codes),
            messages: messages(&random, codes, replicas),
            events: events(&random, weather, replicas),
            odds: odds(&random),
            lag_ms: random.pick(&[0, 0, 0, 500, 4_000]),
            says_404: random.chance(350),
            matches_loosely: random.chance(100),
            budget: random.pick(&[1, 60, 60, 60]),
        };
        if random.chance(300) {
            plan.draw_a_coincidence(&random);
        }
        if random.chance(30) {
            plan.draw_a_long_wait(&random);
        }
        if random.chance(120) {
            plan.draw_a_denial(&random);
        }
        plan
    }

    /// OZmap is wrong once by a code; or twice in a row by an id, whose code was changed meanwhile.
    fn draw_a_denial(&mut self, random: &Random) {
        let (when, act) = if random.chance(500) {
            (
                When::At(0),
                Act::Deny {
                    by_code: 1,
                    by_id: 0,
                    renamed_ms: 0,
                },
            )
        } else {
            self.odds.delete_fails = 950;
            (
                When::Passing {
                    point: Point::DeleteSent,
                    nth: 1,
                    after: 0,
                },
                Act::Deny {
                    by_code: 0,
                    by_id: random.pick(&[1, 2]),
                    renamed_ms: 40_000,
                },
            )
        };
        self.events.push(Event {
            when,
            act,
            replica: 0,
        });
    }

    /// What was asked for waits until its customer has reserved anew.
    fn draw_a_long_wait(&mut self, random: &Random) {
        let again_at = random.between(150_000, 400_000);
        let events = [
            (
                0,
                Act::Revoke {
                    ms: again_at + 1_000,
                },
            ),
            (again_at, Act::ReserveAnew),
        ];
        self.events.extend(events.map(|(at, act)| Event {
            when: When::At(at),
            act,
            replica: 0,
        }));
    }

    /// What must come together for a rule to matter, and hardly ever would by chance.
    fn draw_a_coincidence(&mut self, random: &Random) {
        let (now, late) = (random.pick(&[0, 1, 400]), random.between(111_000, 119_000));
        let (point, acts): (Point, Vec<(Act, i64)>) =
            match random.between(0, 3 + i64::from(self.weather == Weather::Rough)) {
                // Looked at just before the DELETE takes effect, answered just after it has settled.
                0 => {
                    self.odds.read_is_slow = 700;
                    self.odds.delete_fails = 950;
                    (
                        Point::DeleteSent,
                        vec![(Act::Implant, now), (Act::Kill { back_after: 200 }, late)],
                    )
                }
                // A target that is written down, said not to be, and another one there when it is tried again.
                1 => {
                    self.odds.commit_in_doubt = 400;
                    (Point::IntentAsked, vec![(Act::ReserveAnew, 1 + now)])
                }
                // Installed while a slow answer is on its way.
                2 => {
                    self.odds.read_is_slow = 700;
                    (
                        random.pick(&[Point::LookUpServed, Point::LookAgainServed]),
                        vec![(Act::Implant, now)],
                    )
                }
                // The journal goes away while a caller is told no, and asks again.
                3 => {
                    self.odds.write_stalls = 250;
                    (
                        Point::Declined,
                        vec![(Act::Outage { ms: 3_000 }, now), (Act::Again, now)],
                    )
                }
                // Installed while the machine sleeps on what it has read.
                _ => {
                    let point = random.pick(&[
                        Point::LookUpAnswered,
                        Point::IntentAsked,
                        Point::IntentWritten,
                    ]);
                    (
                        point,
                        vec![
                            (
                                Act::Suspend {
                                    ms: random.pick(&[6_000, 15_000, 40_000]),
                                },
                                0,
                            ),
                            (Act::Implant, now),
                        ],
                    )
                }
            };
        for (act, after) in acts {
            let when = When::Passing {
                point,
                nth: 1,
                after,
            };
            self.events.push(Event {
                when,
                act,
                replica: 0,
            });
        }
    }
}

fn reserved(random: &Random, codes: usize) -> Vec<Reserved> {
    let mut reserved = Vec::new();
    for code in 0..codes {
        let copies = random.pick(&[0, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
        for _ in 0..copies {
            reserved.push(Reserved {
                code,
                implanted: random.chance(80),
            });
        }
    }
    reserved
}

fn messages(random: &Random, codes: usize, replicas: usize) -> Vec<Message> {
    let count = random.pick(&[1, 1, 2, 3]);
    let message = |_| {
        let first = random.between(0, random.pick(&[2_000, MOST]));
        let has_key = random.chance(600);
        // A platform repeats within minutes; with a key it may do so much later.
        let latest = if has_key { 800_000 } else { 550_000 };
        let mut arrivals = vec![(first, replica(random, replicas))];
        for _ in 0..random.pick(&[0, 0, 1, 1, 2]) {
            let gap = random.between(0, random.pick(&[500, 5_000, MOST, latest]));
            arrivals.push((first + gap.min(latest), replica(random, replicas)));
        }
        Message {
            code: random.pick(&[0, codes - 1]),
            has_key,
            rehearsal: random.chance(70),
            arrivals,
        }
    };
    (0..count).map(message).collect()
}

fn replica(random: &Random, replicas: usize) -> usize {
    random.pick(&[0, replicas - 1])
}

fn odds(random: &Random) -> Odds {
    Odds {
        read_fails: random.pick(&[0, 0, 100, 400]),
        read_is_slow: random.pick(&[0, 0, 200, 600]),
        delete_fails: random.pick(&[0, 300, 700, 950]),
        write_stalls: random.pick(&[0, 0, 20, 120]),
        commit_in_doubt: random.pick(&[0, 0, 30, 120]),
    }
}

fn events(random: &Random, weather: Weather, replicas: usize) -> Vec<Event> {
    let mut events = Vec::new();
    for _ in 0..random.pick(&[0, 1, 2, 3, 5]) {
        let act = fair_act(random);
        events.push(event(random, act, replicas));
    }
    if weather == Weather::Rough {
        for _ in 0..random.pick(&[1, 1, 2]) {
            let act = rough_act(random);
            events.push(event(random, act, replicas));
        }
    }
    events
}

fn event(random: &Random, act: Act, replicas: usize) -> Event {
    let when = if random.chance(750) {
        When::Passing {
            point: random.pick(&POINTS),
            nth: random.pick(&[1, 1, 1, 2, 3]),
            after: random.pick(&[0, 0, 0, 1, 500, 3_000, 10_000, 115_000]),
        }
    } else {
        When::At(random.between(0, random.pick(&[MOST, 200_000])))
    };
    Event {
        when,
        act,
        replica: replica(random, replicas),
    }
}

fn fair_act(random: &Random) -> Act {
    let a_while = random.between(500, random.pick(&[5_000, 60_000]));
    let long = random.pick(&[a_while, a_while, 200_000, 3_000_000]);
    match random.between(0, 15) {
        0..=3 => Act::Kill {
            back_after: random.between(100, random.pick(&[2_000, 60_000])),
        },
        4 => Act::Stop {
            back_after: random.between(100, 5_000),
        },
        5 => Act::Reconfigure {
            rules: random.pick(&[Rules::Rehearse, Rules::Pause, Rules::Work]),
        },
        6 | 7 => Act::Implant,
        8 | 9 => Act::ReserveAnew,
        10 => Act::ReserveAlso,
        11 => Act::Outage { ms: a_while },
        12 => Act::Revoke { ms: long },
        13 => Act::Gateway { ms: a_while },
        14 => Act::RouteGone { ms: a_while },
        _ => Act::Again,
    }
}

fn rough_act(random: &Random) -> Act {
    let ms = random.pick(&[5_000, 20_000, 40_000, 75_000, 200_000]);
    match random.between(0, 4) {
        0..=2 => Act::Freeze { ms },
        3 => Act::Suspend { ms },
        _ => Act::Jump {
            ms: ms * random.pick(&[-2, 1, 2]),
        },
    }
}
