//! An outage of OZmap for an hour: requests are accepted and wait, the service hardly calls OZmap,
//! and every cancellation ends soon after the outage.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::harness::{Answered, Harness, lock};
use super::invariants;
use super::rng::Rng;
use super::scenario::{Key, Scenario, Webhook, Wish};
use super::service::TIMES;
use crate::domain::Outcome;
use crate::journal::Times;

/// The number of requests within the hour, each for another code.
const CODES: usize = 60;

/// The time within which every cancellation ends after the outage; usually a minute suffices.
const DONE_WITHIN: Duration = Duration::from_secs(90);

/// Runs an hour without OZmap and its aftermath; returns the calls in that hour, and the time until
/// every cancellation had ended.
async fn hour_without_ozmap(fault: &str, seed: u64) -> Result<(u64, Duration), String> {
    let webhook = |code| Webhook {
        code,
        key: Key::Own,
        wish: Wish::Cancel,
    };
    let scenario = Scenario::quiet(vec![1; CODES], (0..CODES).map(webhook).collect());
    // A deadline of a day, as in the default configuration.
    let times = Times {
        deadline_ms: 86_400_000,
        ..TIMES
    };
    let harness = Harness::with(&scenario, &Rng::new(seed), times).ok_or("no harness")?;
    if !harness.simulator.fault(fault) {
        return Err(format!("no fault: {fault}"));
    }
    let (began, before) = (Instant::now(), harness.simulator.calls());
    for webhook in 0..CODES {
        // The journal is slow now and then: a caller whose request was declined repeats it.
        for _ in 0..3 {
            if Arc::clone(&harness).ask(webhook).await {
                break;
            }
        }
        sleep(Duration::from_secs(60).saturating_sub(Duration::from_secs(4))).await;
    }
    let (calls, away) = (harness.simulator.calls() - before, began.elapsed());
    if away < Duration::from_secs(3_500) {
        return Err(format!("no hour: {away:?}"));
    }
    let replies = lock(&harness.replies).clone();
    let answers: Vec<Outcome> = replies
        .iter()
        .filter_map(|reply| match reply.answer {
            Answered::With(outcome) => Some(outcome),
            Answered::Declined(_) | Answered::Killed | Answered::TooLate => None,
        })
        .collect();
    if answers.len() != CODES || answers.iter().any(|outcome| *outcome != Outcome::Pending) {
        return Err(format!("not every caller was told pending: {replies:#?}"));
    }
    harness.simulator.heal();
    let healed = Instant::now();
    while harness.active() > 0 {
        if healed.elapsed() > Duration::from_secs(3_600) {
            return Err(format!("{} never ended", harness.active()));
        }
        sleep(Duration::from_secs(1)).await;
    }
    let took = healed.elapsed();
    let broken = invariants::broken(&harness, &scenario);
    let deleted = harness.simulator.deletions().len();
    if broken.is_empty() && deleted == CODES {
        Ok((calls, took))
    } else {
        Err(format!("{deleted} deleted; {broken:#?}"))
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "the figures of the test")]
fn an_hour_without_ozmap_costs_nothing_but_waiting() {
    for fault in ["any:reset_before", "any:status=503"] {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .ok();
        let hour = runtime.map(|runtime| runtime.block_on(hour_without_ozmap(fault, 1)));
        let Some(Ok((calls, took))) = &hour else {
            unreachable!("{fault}: {hour:?}")
        };
        eprintln!("{fault}: {CODES} waited, {calls} calls in the hour, done {took:?} after it");
        assert!(
            *calls <= 3_600,
            "{fault}: more than a call in a second: {calls}"
        );
        assert!(*took <= DONE_WITHIN, "{fault}: {took:?}");
    }
}
