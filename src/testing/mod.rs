//! The production code of a cancellation under simulated time, against the simulator's faults and a journal that
//! fails: many schedules, each from a seed, none of which may break a promise.
//!
//! Nothing here is a double of what is tested: `cancel`, `guard`, the OZmap client above its wire and the journal's
//! statements are those of the service. Simulated are the wire (pipes to the simulator), the thread of the journal,
//! the clocks and chance. `OZMAP_CANCEL_SCHEDULES=100000 cargo test --lib testing` runs more of them, and
//! `OZMAP_CANCEL_SEED=42` one alone, with what happened in it.

mod dice;
mod journal;
mod outage;
mod ozmap;
mod panics;
mod process;
mod story;
mod truth;
mod world;

pub(crate) use dice::Dice;
pub(crate) use process::Process;
use story::Story;
use world::World;

/// How many schedules are run unless more are asked for.
const SCHEDULES: u64 = 200;

/// The first seed; any will do, but the same every time.
const FIRST: u64 = 1;

/// Runs the schedule of one seed; returns the promises that it broke, and what happened.
fn run(seed: u64) -> (Vec<String>, String) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let Ok(runtime) = runtime else {
        return (vec!["no runtime".to_owned()], String::new());
    };
    let dice = Dice::new(seed);
    let story = Story::of(&dice);
    let broken = runtime.block_on(async {
        let Some(world) = World::new(&story, &dice.split()) else {
            return (vec!["no world".to_owned()], String::new());
        };
        world.run(&story).await;
        let told = world::lock(&world.told).clone();
        let rows = world.book.rows("SELECT id, code, state, lease_owner, lease_until, next_at, attempt, fence, created_at, updated_at FROM op");
        let events = world
            .book
            .rows("SELECT at_ms, kind, detail FROM op_event ORDER BY at_ms, seq");
        (
            truth::broken(&world, &story),
            format!("{story:#?}\n{told:#?}\n{rows:?}\n{events:?}"),
        )
    });
    runtime.shutdown_background();
    broken
}

/// A number from the environment; the only thing that a test here reads of it.
#[expect(
    clippy::disallowed_methods,
    reason = "a test is told how long to run by its environment"
)]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn no_schedule_breaks_a_promise() {
    if let Some(seed) = asked("OZMAP_CANCEL_SEED") {
        let (broken, happened) = run(seed);
        assert!(broken.is_empty(), "seed {seed}: {broken:#?}\n{happened}");
        return;
    }
    let schedules = asked("OZMAP_CANCEL_SCHEDULES").unwrap_or(SCHEDULES);
    let mut failed = Vec::new();
    for seed in FIRST..FIRST + schedules {
        let (broken, _) = run(seed);
        failed.extend(
            broken
                .into_iter()
                .map(|what| format!("OZMAP_CANCEL_SEED={seed}: {what}")),
        );
    }
    assert!(
        failed.is_empty(),
        "{} broken promises: {failed:#?}",
        failed.len()
    );
}
