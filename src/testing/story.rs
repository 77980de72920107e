//! What happens in one schedule, all of it drawn from the seed: who asks, what goes wrong, who is killed.

use std::time::Duration;

use super::dice::Dice;

/// The latest that something goes wrong; after this everything is well again.
pub(crate) const TROUBLE_MS: u64 = 300_000;

/// What can happen to any call.
const TROUBLES: &[&str] = &[
    "status=400",
    "status=403",
    "status=409",
    "status=429",
    "status=429,7",
    "status=500",
    "status=502",
    "status=503",
    "html_404",
    "express_404",
    "html_200",
    "redirect=302",
    "error_string_200",
    "empty_200",
    "reset_before",
    "reset_after",
    "timeout_before",
    "timeout_after",
    "delay_ms=1500",
    "delay_ms=9000",
];

/// What can happen to a body.
const BODIES: &[&str] = &["drip=5", "truncated", "truncated_close", "huge"];

/// What can happen to a look.
const LOOKS: &[&str] = &[
    "client_null",
    "client_string",
    "implanted_missing",
    "implanted_string",
    "duplicate_keys",
    "id_missing",
    "two_rows",
    "wrong_code",
    "implant_after",
    "rereserve_after",
];

/// What can happen to a look by id.
const GETS: &[&str] = &[
    "client_null",
    "client_string",
    "implanted_missing",
    "implanted_string",
    "duplicate_keys",
    "id_missing",
    "wrong_code",
    "implant_after",
    "rereserve_after",
];

/// An OZmap that says "nothing there" once although it is: the looks that can be wrong so, each in all the words for it that the settings list.
const WRONG_ONCE: &[&str] = &[
    "lookup:nothing",
    "lookup:nothing=not_found",
    "lookup:nothing=no_content",
    "lookup:nothing=null",
    "lookup:nothing=unprocessable",
    "lookup:nothing=empty",
    "lookup:nothing=empty_object",
    "get:nothing",
    "get:nothing=no_content",
    "get:nothing=null",
    "filter:nothing",
];

/// What can happen to a deletion. A late one takes effect before the record settles, as the settings promise.
const DELETIONS: &[&str] = &[
    "status=404",
    "delayed_delete_ms=900",
    "delayed_delete_ms=15000",
    "delayed_delete_ms=60000",
    "stale_ms=2500",
    "ignored_delete",
    "status=401",
];

/// One thing that happens, and when.
#[derive(Clone, Debug)]
pub(crate) struct Happening {
    pub(crate) at: Duration,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// A webhook comes, maybe not for the first time.
    Ask { code: usize, webhook: u64 },
    /// Something goes wrong with the calls of OZmap.
    Fault(String),
    /// The customer is installed.
    Install { code: usize },
    /// Somebody else makes the reservation anew.
    ReserveAgain { code: usize },
    /// A process is killed, and another takes its place after a while.
    Kill {
        process: usize,
        back_after: Duration,
    },
    /// A process stands still for a while.
    Freeze { process: usize, time: Duration },
    /// The journal is away for a while.
    BookAway { time: Duration },
    /// The next calls of OZmap end in a panic.
    Panic { process: usize, times: u64 },
}

/// A schedule.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) processes: usize,
    pub(crate) codes: usize,
    pub(crate) happenings: Vec<Happening>,
}

impl Story {
    /// The schedule of a seed.
    pub(crate) fn of(dice: &Dice) -> Self {
        let processes = usize::from(dice.one_in(2)) + 1;
        let codes = if dice.one_in(3) { 3 } else { 1 };
        let mut happenings = Vec::new();
        let mut webhook = 0;
        for code in 0..codes {
            for _ in 0..dice.number(1..=3) {
                webhook += 1;
                let first = dice.ms(0..=40_000);
                for again in 0..dice.number(1..=3) {
                    let at = first + dice.ms(0..=30_000 * again);
                    happenings.push(Happening {
                        at,
                        what: What::Ask { code, webhook },
                    });
                }
            }
        }
        for _ in 0..dice.number(0..=6) {
            happenings.push(Happening {
                at: dice.ms(0..=60_000),
                what: What::Fault(fault(dice)),
            });
        }
        for _ in 0..dice.number(0..=3) {
            let at = dice.ms(0..=90_000);
            happenings.push(Happening {
                at,
                what: blow(dice, processes, codes),
            });
        }
        if dice.one_in(2) {
            happenings.extend(scene(dice, &happenings));
        }
        if dice.one_in(2) {
            happenings.extend(wrong_once(dice));
        }
        happenings.sort_by_key(|happening| happening.at);
        Self {
            processes,
            codes,
            happenings,
        }
    }
}

/// Things that are only dangerous together, and that chance alone would hardly bring together.
fn scene(dice: &Dice, so_far: &[Happening]) -> Vec<Happening> {
    let at_the_start = |faults: Vec<String>| {
        let at = Duration::ZERO;
        let what = faults.into_iter().map(What::Fault);
        what.map(|what| Happening { at, what }).collect()
    };
    let asks = so_far.iter().filter_map(|happening| match happening.what {
        What::Ask { .. } => Some(happening.at),
        What::Fault(_)
        | What::Install { .. }
        | What::ReserveAgain { .. }
        | What::Kill { .. }
        | What::Freeze { .. }
        | What::BookAway { .. }
        | What::Panic { .. } => None,
    });
    let first = asks.min().unwrap_or_default();
    match dice.number(0..=5) {
        // Installed after the guard looked, and only the late deletion can still do it.
        0 | 1 => at_the_start(vec![
            "lookup:implant_after*1".to_owned(),
            format!(
                "delete:delayed_delete_ms={}*1",
                dice.number(1_000..=100_000)
            ),
        ]),
        // A route that is not there says of everything that it is gone.
        2 => at_the_start(vec![
            "delete:ignored_delete*1".to_owned(),
            format!("get:status=404*{}", dice.number(1..=3)),
        ]),
        // OZmap is away for everybody until all is well again.
        3 => {
            let kind = dice.one_of(&["status=503", "status=401", "reset_before", "html_200"]);
            at_the_start(vec![format!(
                "any:{}*5000",
                kind.copied().unwrap_or_default()
            )])
        }
        // Whoever has it stands still for longer than the lease.
        _ => {
            let at = first + dice.ms(0..=2_500);
            let freeze = |process| Happening {
                at,
                what: What::Freeze {
                    process,
                    time: dice.ms(31_000..=70_000),
                },
            };
            vec![freeze(0)]
        }
    }
}

/// An OZmap that is wrong once; where a deletion had no effect and the code was changed meanwhile, that is dangerous.
fn wrong_once(dice: &Dice) -> Vec<Happening> {
    let faults = match dice.number(0..=3) {
        0 => vec![
            "lookup:rename_after*1".to_owned(),
            "delete:ignored_delete*1".to_owned(),
            "get:nothing*1".to_owned(),
        ],
        1 => vec![
            "delete:ignored_delete*1".to_owned(),
            "get:nothing*1".to_owned(),
        ],
        _ => {
            let look = dice.one_of(WRONG_ONCE).copied().unwrap_or_default();
            vec![format!("{look}*1+{}", dice.number(0..=3))]
        }
    };
    let happen = |fault| Happening {
        at: Duration::ZERO,
        what: What::Fault(fault),
    };
    faults.into_iter().map(happen).collect()
}

fn fault(dice: &Dice) -> String {
    let pick = |lists: &[&[&'static str]]| {
        let list = dice.one_of(lists).copied().unwrap_or_default();
        dice.one_of(list).copied().unwrap_or_default()
    };
    let (route, kind) = match dice.number(0..=9) {
        0..=3 => ("delete", pick(&[DELETIONS, TROUBLES])),
        4..=6 => ("lookup", pick(&[LOOKS, TROUBLES, BODIES])),
        7 | 8 => ("get", pick(&[GETS, TROUBLES, BODIES])),
        _ => ("any", pick(&[TROUBLES])),
    };
    let skip = dice.number(0..=2);
    let times = if dice.one_in(8) {
        50
    } else {
        dice.number(1..=3)
    };
    format!("{route}:{kind}*{times}+{skip}")
}

fn blow(dice: &Dice, processes: usize, codes: usize) -> What {
    let within = |number: usize| {
        let last = u64::try_from(number.saturating_sub(1)).unwrap_or(0);
        usize::try_from(dice.number(0..=last)).unwrap_or(0)
    };
    let process = within(processes);
    match dice.number(0..=9) {
        0..=2 => What::Kill {
            process,
            back_after: dice.ms(0..=40_000),
        },
        3 | 4 => What::Freeze {
            process,
            time: dice.ms(1..=60_000),
        },
        5 => What::BookAway {
            time: dice.ms(1..=20_000),
        },
        6 => What::Install {
            code: within(codes),
        },
        7 | 8 => What::ReserveAgain {
            code: within(codes),
        },
        _ => What::Panic {
            process,
            times: dice.number(1..=4),
        },
    }
}
