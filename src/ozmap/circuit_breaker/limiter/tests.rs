//! Concurrent calls, and the trial of a half-open circuit.

use reqwest::StatusCode;

use super::*;

async fn concurrent_calls(limiter: &CallLimiter) -> usize {
    let mut passes = Vec::new();
    for reservation in 0..8 {
        let entered = tokio::time::timeout(Duration::from_secs(1), limiter.enter(reservation));
        let Ok(Ok(permit)) = entered.await else { break };
        passes.push(permit);
    }
    passes.len()
}

fn throttled(seconds: u64) -> Error {
    let asked = Some(Duration::from_secs(seconds));
    Error::answered(
        FailureKind::RateLimited,
        StatusCode::TOO_MANY_REQUESTS,
        asked,
    )
}

#[tokio::test(start_paused = true)]
async fn a_longer_retry_after_while_the_circuit_is_open_delays_the_probe() {
    let limiter = CallLimiter::new(4);
    let began = Instant::now();
    let (first, second) = (
        limiter.enter(1).await.unwrap(),
        limiter.enter(2).await.unwrap(),
    );
    first.record_failure(&throttled(1));
    let late = async {
        sleep(Duration::from_millis(500)).await;
        second.record_failure(&throttled(60));
    };
    let due = limiter.probe_is_due(Duration::from_secs(30));
    tokio::join!(due, late);
    assert!(
        began.elapsed() >= Duration::from_secs(60),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_probed_at_once_and_not_judged_by_responses_to_the_old_one() {
    let refused = || Error::answered(FailureKind::Unauthorized, StatusCode::UNAUTHORIZED, None);
    let limiter = CallLimiter::new(4);
    let (work, began) = (limiter.enter(1).await.unwrap(), Instant::now());
    let change = async {
        sleep(Duration::from_millis(500)).await;
        limiter.key_changed();
    };
    // The circuit is closed, and no probe is due for a while.
    tokio::join!(limiter.probe_is_due(Duration::from_secs(30)), change);
    assert!(began.elapsed() < Duration::from_secs(1));
    work.record_failure(&refused());
    assert!(
        limiter.rejection().is_none(),
        "the 401 concerned the old key"
    );
    limiter.enter(2).await.unwrap().record_failure(&refused());
    let open = limiter.rejection().unwrap();
    assert_eq!(open.why, FailureKind::Unauthorized);
    // A trial with the old key passes to another caller.
    limiter.probe().await.answered();
    let first = limiter.enter(3).await.unwrap();
    limiter.key_changed();
    first.record_failure(&refused());
    assert!(limiter.enter(4).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_succeeded_does_not_release_a_later_trial() {
    let limiter = CallLimiter::new(16);
    let reopen = || async {
        let permit = limiter.enter(7).await.unwrap();
        permit.record_failure(&throttled(1));
        limiter.probe().await.answered();
        limiter.enter(8).await.unwrap()
    };
    let first = reopen().await;
    first.answered();
    let second = reopen().await;
    drop(first);
    assert!(limiter.enter(9).await.is_err(), "one call is the trial");
    drop(second);
    assert!(limiter.enter(9).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn concurrent_calls_are_halved_after_a_429_and_grow_again_with_successes() {
    let limiter = CallLimiter::new(4);
    limiter
        .enter(1)
        .await
        .unwrap()
        .record_failure(&throttled(1));
    sleep(Duration::from_secs(1)).await;
    limiter.probe().await.answered();
    limiter.enter(2).await.unwrap().answered();
    assert_eq!(concurrent_calls(&limiter).await, 2);
    for reservation in 0..24 {
        limiter.enter(reservation).await.unwrap().answered();
    }
    assert_eq!(concurrent_calls(&limiter).await, 4);
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_failed_as_before_passes_to_another_caller() {
    let lost = Error::maybe(FailureKind::Lost, "");
    let limiter = CallLimiter::new(4);
    for reservation in 0..5 {
        limiter
            .enter(reservation)
            .await
            .unwrap()
            .record_failure(&lost);
    }
    sleep(Duration::from_secs(1)).await;
    limiter.probe().await.answered();
    assert!(
        limiter.enter(3).await.is_err(),
        "reservations that did not fail come first"
    );
    sleep(Duration::from_secs(3)).await;
    let first = limiter.enter(3).await.unwrap();
    assert!(limiter.enter(99).await.is_err(), "one call is the trial");
    first.record_failure(&lost);
    drop(first);
    limiter.enter(99).await.unwrap().answered();
    assert_eq!(concurrent_calls(&limiter).await, 4);
}
