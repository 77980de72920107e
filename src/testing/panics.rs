//! A bug that panics every time: after three panics the cancellation is left for review.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::harness::Harness;
use super::rng::Rng;
use super::scenario::{Event, Key, Scenario, Webhook, Wish};

/// The history of the code.
#[derive(Clone, Copy, Debug)]
enum Before {
    Nothing,
    Cancelled,
}

/// Runs one cancellation whose calls panic once a fault has spared the first of them. Returns its
/// row and the kinds of its events.
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
    // The spared call has arrived at OZmap now, and its answer is lost.
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
fn a_cancellation_is_left_for_review_after_three_panics() {
    let (row, kinds) = run(Before::Nothing, "lookup:status=503");
    assert_eq!(row, ["review", "panicked_too_often", "1", "0"]);
    let panics = kinds.iter().filter(|kind| *kind == "panicked").count();
    assert_eq!(panics, 3, "{kinds:?}");
}

#[test]
fn after_three_panics_no_further_delete_is_sent_and_the_outcome_is_unknown() {
    let (row, kinds) = run(Before::Nothing, "delete:timeout_before");
    assert_eq!(row, ["unknown", "panicked_too_often", "1", "1"]);
    let panics = kinds.iter().filter(|kind| *kind == "panicked").count();
    assert_eq!(panics, 3, "{kinds:?}");
}

#[test]
fn panics_after_an_earlier_cancellation_end_as_unknown() {
    let (row, _) = run(Before::Cancelled, "lookup:status=503");
    assert_eq!(row, ["unknown", "panicked_too_often", "1", "0"]);
}
