//! A model of the protocol: replicas, a journal, an OZmap and everything that goes wrong between them, played
//! through by chance and checked against what a customer and an operator were promised.
//!
//! It does no I/O, knows no wall clock and follows the rules of the real code step by step (`cancel/advance.rs`,
//! `cancel/flow.rs`, `journal/sql.rs`). A second test takes every safeguard away, one at a time, and demands that
//! the promise breaks which it keeps: a safeguard that is not missed is not tested, or not needed.
//!
//! `OZMAP_CANCEL_MODEL_SCHEDULES=1000000 cargo test --release --test it model::` plays more of them;
//! `OZMAP_CANCEL_MODEL_SEED=fair:42 cargo test --test it model::one_seed -- --nocapture` plays one alone and shows
//! it. With `OZMAP_CANCEL_MODEL_WITHOUT=Settle` that one goes without a safeguard.
//!
//! What the model takes for granted, because no protocol could do without: ids of properties are never used twice; a
//! DELETE that OZmap has received takes effect before the cancellation has settled, or never; whoever reads from
//! a copy that lags reads from one that lags as much the next time; what the key may see does not shrink meanwhile.

mod acts;
mod checks;
mod clockwork;
mod flow;
mod front;
mod latecomers;
mod life;
mod ozmap;
mod plan;
mod random;
mod safeguards;
mod store;
mod world;

use std::collections::BTreeMap;
use std::iter;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use checks::Broken;
use plan::{Plan, Weather};
use safeguards::{Promise, Safeguard};
use world::World;

/// How many schedules are played in each weather unless the environment says otherwise.
const SCHEDULES: u64 = 15_000;

/// How many schedules a missing safeguard may survive.
const MUTANT_SCHEDULES: u64 = 20_000;

const WEATHERS: [Weather; 2] = [Weather::Fair, Weather::Rough];

/// Long after the last deadline.
const HORIZON_MS: i64 = 20_000_000;

fn schedules(default: u64) -> u64 {
    let wanted = std::env::var("OZMAP_CANCEL_MODEL_SCHEDULES");
    wanted.map_or(default, |wanted| {
        wanted.parse().expect("a number of schedules")
    })
}

/// Plays one schedule; what broke in it, and its trace.
fn play(plan: Plan, traced: bool) -> (Vec<Broken>, String) {
    let world = World::new(plan, traced);
    let watcher = world.clone();
    world.clockwork.spawn(None, async move {
        let mut quiet = 0;
        while quiet < 4 {
            watcher.sleep(2_000).await;
            let is_quiet = watcher.note(|notes| notes.to_come == 0)
                && watcher.truth.borrow().on_their_way == 0
                && watcher
                    .store
                    .borrow()
                    .ops
                    .iter()
                    .all(|op| op.state == store::State::Done);
            quiet = if is_quiet { quiet + 1 } else { 0 };
        }
        watcher.note(|notes| notes.is_over = true);
    });
    let is_over = || world.notes.borrow().is_over;
    world
        .clockwork
        .run(HORIZON_MS, is_over, |me| world.frozen_until(me));
    world.check_end();
    world.clockwork.clear();
    let broken = std::mem::take(&mut world.notes.borrow_mut().broken);
    (broken, world.trace())
}

fn name_of(weather: Weather) -> &'static str {
    match weather {
        Weather::Fair => "fair",
        Weather::Rough => "rough",
    }
}

/// The first thing that broke, with the schedule that shows it and how to play it again.
fn report(seed: u64, weather: Weather, without: &[Safeguard]) -> String {
    let (broken, trace) = play(Plan::draw(seed, weather, without), true);
    let texts: Vec<String> = broken
        .iter()
        .map(|broken| format!("{:?}: {}", broken.promise, broken.text))
        .collect();
    let without: Vec<String> = without.iter().map(|one| format!("{one:?}")).collect();
    let without = if without.is_empty() {
        String::new()
    } else {
        format!("OZMAP_CANCEL_MODEL_WITHOUT={} ", without.join(","))
    };
    format!(
        "{}\n\n{trace}\n\nagain: {without}OZMAP_CANCEL_MODEL_SEED={}:{seed} cargo test --test it model::one_seed -- --nocapture",
        texts.join("\n"),
        name_of(weather),
    )
}

/// Plays many schedules on all processors; how often each promise broke beyond help, or the first that broke without.
fn play_all(seeds: Range<u64>, weather: Weather) -> BTreeMap<Promise, u64> {
    let next = AtomicU64::new(seeds.start);
    let workers = thread::available_parallelism().map_or(2, usize::from);
    let work = || {
        let mut irreducible = BTreeMap::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return irreducible;
            }
            for broken in play(Plan::draw(seed, weather, &[]), false).0 {
                assert!(broken.irreducible, "\n{}", report(seed, weather, &[]));
                *irreducible.entry(broken.promise).or_insert(0) += 1;
            }
        }
    };
    let found = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads
            .into_iter()
            .map(join)
            .collect::<Vec<BTreeMap<_, _>>>()
    });
    let mut sum = BTreeMap::new();
    for (promise, count) in found.into_iter().flatten() {
        *sum.entry(promise).or_insert(0) += count;
    }
    sum
}

#[test]
fn the_promises_hold_whatever_fails() {
    let count = schedules(SCHEDULES);
    let beyond_help = play_all(0..count, Weather::Fair);
    eprintln!("fair: {count} schedules, beyond help: {beyond_help:?}");
    // Only what was written down and said not to be.
    let others = beyond_help
        .keys()
        .any(|promise| *promise != Promise::DeclinedIsNothing);
    assert!(!others, "{beyond_help:?}");
    assert!(
        beyond_help.values().sum::<u64>() * 40 <= count.max(400),
        "{beyond_help:?}"
    );
}

#[test]
fn processes_that_stand_still_and_clocks_that_jump_break_only_what_nothing_could_help() {
    let count = schedules(SCHEDULES);
    let beyond_help = play_all(0..count, Weather::Rough);
    eprintln!("rough: {count} schedules, beyond help: {beyond_help:?}");
    assert!(
        beyond_help.values().sum::<u64>() * 20 <= count.max(400),
        "{beyond_help:?}"
    );
}

/// The first seed at which a promise breaks without some safeguards.
fn missed_at(
    without: &[Safeguard],
    promises: &[Promise],
    weathers: &[Weather],
    count: u64,
) -> Option<(u64, Weather)> {
    let is_kept = |broken: &Broken| !broken.irreducible && promises.contains(&broken.promise);
    let breaks = |seed, weather| {
        let (broken, _) = play(Plan::draw(seed, weather, without), false);
        broken.iter().any(is_kept).then_some((seed, weather))
    };
    (0..count).find_map(|seed| weathers.iter().find_map(|weather| breaks(seed, *weather)))
}

#[test]
fn every_safeguard_is_missed_when_it_is_taken_away() {
    let next = AtomicU64::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(safeguard) =
            Safeguard::ALL.get(next.fetch_add(1, Ordering::Relaxed) as usize)
        {
            let without: Vec<_> = iter::once(*safeguard)
                .chain(safeguard.second_to())
                .collect();
            let at = missed_at(&without, safeguard.keeps(), &WEATHERS, MUTANT_SCHEDULES);
            match at {
                Some((seed, weather)) => {
                    eprintln!("{safeguard:?}: missed at {}:{seed}", name_of(weather))
                }
                None => eprintln!("{safeguard:?}: NOT missed"),
            }
            found.push((*safeguard, at));
        }
        found
    };
    let workers = thread::available_parallelism().map_or(2, usize::from);
    let found: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(found.len(), Safeguard::ALL.len());
    let survivors: Vec<_> = found
        .iter()
        .filter(|(_, at)| at.is_none())
        .map(|(one, _)| (one, one.keeps()))
        .collect();
    assert!(survivors.is_empty(), "nobody misses {survivors:?}");
}

/// In fair weather: a lease is counted on a clock that stands still while the machine sleeps, the age of a reading not.
#[test]
fn a_second_line_holds_when_the_first_is_gone() {
    for second in Safeguard::ALL {
        let Some(first) = second.second_to() else {
            continue;
        };
        let broken_at = missed_at(&[first], second.keeps(), &[Weather::Fair], 2_000);
        assert_eq!(
            broken_at, None,
            "{second:?} does not hold without {first:?}"
        );
    }
}

#[test]
fn one_seed() {
    let Ok(asked) = std::env::var("OZMAP_CANCEL_MODEL_SEED") else {
        return;
    };
    let (weather, seed) = asked.split_once(':').unwrap_or(("fair", &asked));
    let weather = match weather {
        "rough" => Weather::Rough,
        _ => Weather::Fair,
    };
    let without = std::env::var("OZMAP_CANCEL_MODEL_WITHOUT").unwrap_or_default();
    let named = |name: &str| {
        *Safeguard::ALL
            .iter()
            .find(|one| format!("{one:?}") == name)
            .expect("a safeguard")
    };
    let without: Vec<Safeguard> = without
        .split(',')
        .filter(|name| !name.is_empty())
        .map(named)
        .collect();
    let seed = seed.parse().expect("fair:NUMBER or rough:NUMBER");
    eprintln!("{}", report(seed, weather, &without));
    let (broken, _) = play(Plan::draw(seed, weather, &without), false);
    assert!(
        broken.iter().all(|broken| broken.irreducible),
        "a promise broke"
    );
}

#[test]
fn a_seed_is_the_same_schedule_every_time() {
    for seed in 0..50 {
        let trace = || play(Plan::draw(seed, Weather::Rough, &[]), true).1;
        assert_eq!(trace(), trace());
    }
}
