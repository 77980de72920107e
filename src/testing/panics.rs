//! A bug that panics every time: after three panics the cancellation is left to a person.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::harness::Harness;
use super::rng::Rng;
use super::scenario::{Event, Key, Scenario, Webhook, Wish};

/// What became of the code before.
#[derive(Clone, Copy, Debug)]
enum Before {
    Nothing,
    Cancelled,
}

/// Runs one cancellation whose calls panic, after `spared` of them did not; returns its row and the
/// kinds of its events.
async fn panicking(before: Before, spared: &str) -> Option<(Vec<String>, Vec<String>)> {
    let webhook = Webhook {
        code: 0,
        key: Key::Own,
        wish: Wish::Cancel,
    };
    let scenario = Scenario::quiet(vec![1], vec![webhook; 2]);
    let harness = Harness::new(&scenario, &Rng::new(1))?;
    if let Before::Cancelled = before {
        Arc::clone(&harness).ask(1).await;
    }
    harness.simulator.fault(spared).then_some(())?;
    Arc::clone(&harness).ask(0).await;
    // What was spared has happened by now, and the answer to it is lost.
    harness.perform(&Event::Panic {
        process: 0,
        times: u64::MAX,
    });
    for _ in 0..600 {
        if harness.active() == 0 {
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    let row = "SELECT outcome, reason, needs_human, delete_sent FROM op WHERE state = 'done' AND outcome <> 'cancelled'";
    let rows = harness.database.rows(row).ok()?;
    let events = harness
        .database
        .rows("SELECT kind FROM op_event ORDER BY at_ms, seq")
        .ok()?;
    let kinds = events.into_iter().flatten().collect();
    Some((rows.into_iter().next()?, kinds))
}

fn run(before: Before, spared: &str) -> (Vec<String>, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .ok();
    let ended = runtime.and_then(|runtime| runtime.block_on(panicking(before, spared)));
    ended.unwrap_or_else(|| unreachable!("{spared}: it never ended"))
}

#[test]
fn what_panics_every_time_is_left_to_a_person_after_three_times() {
    let (row, kinds) = run(Before::Nothing, "lookup:status=503");
    assert_eq!(row, ["review", "panicked_too_often", "1", "0"]);
    let panics = kinds.iter().filter(|kind| *kind == "panicked").count();
    assert_eq!(panics, 3, "{kinds:?}");
}

#[test]
fn after_three_panics_nothing_more_is_deleted_and_nothing_is_denied() {
    let (row, kinds) = run(Before::Nothing, "delete:timeout_before");
    assert_eq!(row, ["unknown", "panicked_too_often", "1", "1"]);
    let panics = kinds.iter().filter(|kind| *kind == "panicked").count();
    assert_eq!(panics, 3, "{kinds:?}");
}

#[test]
fn what_panics_after_an_earlier_cancellation_is_not_said_to_have_changed_nothing() {
    let (row, _) = run(Before::Cancelled, "lookup:status=503");
    assert_eq!(row, ["unknown", "panicked_too_often", "1", "0"]);
}
