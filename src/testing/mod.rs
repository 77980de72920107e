//! The production code of a cancellation under simulated time, against the faults of the simulator
//! and a failing journal. It runs many scenarios, each from a seed; none may break a promise.
//!
//! Nothing here replaces the code under test: `cancel`, `guard`, the OZmap client above its wire
//! and the statements of the journal are those of the service. The wire (pipes to the simulator),
//! the thread of the journal, the clocks and the randomness are simulated.
//! `OZMAP_CANCEL_SCENARIOS=100000 cargo test --lib testing` runs more scenarios, and
//! `OZMAP_CANCEL_SEED=42` runs one alone and prints its log.
//!
//! - `scenario`: the events, drawn from the seed; `rng`, `points`: the random numbers, and the
//!   moments at which events happen
//! - `harness`: the processes and the customers; `process`, `service`: one process, and how it is
//!   set up
//! - `ozmap`, `journal`: the simulated wire and the simulated database of the production code
//! - `audit`, `invariants`: the rules for each commit, and for the whole scenario
//! - `outage`, `panics`: two scenarios written by hand

mod audit;
mod harness;
mod invariants;
mod journal;
mod outage;
mod ozmap;
mod panics;
mod points;
mod process;
mod rng;
mod scenario;
mod service;

use harness::Harness;
use process::Process;
use rng::Rng;
use scenario::Scenario;

/// The number of scenarios unless the environment asks for more.
const SCENARIOS: u64 = 200;

/// The number of shards that run at the same time.
const SHARDS: u64 = 4;

/// The first seed. Any value works, but every run must use the same one.
const FIRST: u64 = 1;

/// Runs the scenario of one seed; returns the broken promises and the log.
fn play(seed: u64) -> (Vec<String>, String) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let Ok(runtime) = runtime else {
        return (vec!["no runtime".to_owned()], String::new());
    };
    let rng = Rng::new(seed);
    let scenario = Scenario::of(&rng);
    let played = runtime.block_on(async {
        let Some(harness) = Harness::new(&scenario, &rng.split()) else {
            return (vec!["no harness".to_owned()], String::new());
        };
        harness.run().await;
        let broken = invariants::broken(&harness, &scenario);
        let log = if broken.is_empty() {
            String::new()
        } else {
            log(&harness, &scenario)
        };
        (broken, log)
    });
    runtime.shutdown_background();
    played
}

/// Everything that a developer needs to understand a failure.
fn log(harness: &Harness, scenario: &Scenario) -> String {
    let replies = harness::lock(&harness.replies).clone();
    let rows = harness.database.rows("SELECT id, code, state, outcome, reason, property_id, lease_owner, lease_until, next_at, attempt, fence, created_at, updated_at FROM op");
    let events = harness
        .database
        .rows("SELECT at_ms, op_id, kind, detail FROM op_event ORDER BY at_ms, seq");
    let (began_ms, sent) = (harness.database.began_ms(), harness.sent.all());
    format!("{scenario:#?}\n{replies:#?}\n{sent:#?}\nbegan at {began_ms}\n{rows:#?}\n{events:#?}")
}

/// A number from the environment. The tests in this folder read nothing else from it.
#[expect(
    clippy::disallowed_methods,
    reason = "the environment says how many scenarios a test runs"
)]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs every fourth seed; stops at the first one that breaks a promise.
fn play_shard(shard: u64) {
    if let Some(seed) = asked("OZMAP_CANCEL_SEED") {
        let (broken, log) = play(seed);
        let is_ours = (seed - FIRST) % SHARDS == shard;
        assert!(
            broken.is_empty() || !is_ours,
            "seed {seed}: {broken:#?}\n{log}"
        );
        return;
    }
    let all = asked("OZMAP_CANCEL_SCENARIOS").unwrap_or(SCENARIOS);
    for seed in (0..all.div_ceil(SHARDS)).map(|number| FIRST + number * SHARDS + shard) {
        let (broken, _) = play(seed);
        assert!(broken.is_empty(), "OZMAP_CANCEL_SEED={seed}: {broken:#?}");
    }
}

#[test]
fn no_scenario_of_the_first_shard_breaks_a_promise() {
    play_shard(0);
}

#[test]
fn no_scenario_of_the_second_shard_breaks_a_promise() {
    play_shard(1);
}

#[test]
fn no_scenario_of_the_third_shard_breaks_a_promise() {
    play_shard(2);
}

#[test]
fn no_scenario_of_the_fourth_shard_breaks_a_promise() {
    play_shard(3);
}
