//! Who is let in at once, and who goes first.

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
async fn a_longer_wait_that_is_asked_for_while_it_is_shut_is_kept_by_the_probe_too() {
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
async fn a_new_key_is_probed_at_once_and_not_judged_by_what_the_old_one_hears() {
    let refused = || Error::answered(FailureKind::Unauthorized, StatusCode::UNAUTHORIZED, None);
    let limiter = CallLimiter::new(4);
    let (work, began) = (limiter.enter(1).await.unwrap(), Instant::now());
    let change = async {
        sleep(Duration::from_millis(500)).await;
        limiter.key_changed();
    };
    // It is open, and nobody would probe for a while.
    tokio::join!(limiter.probe_is_due(Duration::from_secs(30)), change);
    assert!(began.elapsed() < Duration::from_secs(1));
    work.record_failure(&refused());
    assert!(limiter.rejection().is_none(), "that was the old key");
    limiter.enter(2).await.unwrap().record_failure(&refused());
    let shut = limiter.rejection().unwrap();
    assert_eq!(shut.why, FailureKind::Unauthorized);
    // Whoever goes first with the old key leaves its place to another.
    limiter.probe().await.answered();
    let first = limiter.enter(3).await.unwrap();
    limiter.key_changed();
    first.record_failure(&refused());
    assert!(limiter.enter(4).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn one_that_went_first_and_was_heard_frees_nobody_else_s_place() {
    let limiter = CallLimiter::new(16);
    let shut_again = || async {
        let permit = limiter.enter(7).await.unwrap();
        permit.record_failure(&throttled(1));
        limiter.probe().await.answered();
        limiter.enter(8).await.unwrap()
    };
    let first = shut_again().await;
    first.answered();
    let second = shut_again().await;
    drop(first);
    assert!(limiter.enter(9).await.is_err(), "one goes first");
    drop(second);
    assert!(limiter.enter(9).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn fewer_are_let_in_at_once_after_a_429_and_more_again_as_it_goes_well() {
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
async fn one_that_went_first_and_failed_as_before_leaves_its_place_to_another() {
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
    assert!(limiter.enter(3).await.is_err(), "newcomers go first");
    sleep(Duration::from_secs(3)).await;
    let first = limiter.enter(3).await.unwrap();
    assert!(limiter.enter(99).await.is_err(), "one goes first");
    first.record_failure(&lost);
    drop(first);
    limiter.enter(99).await.unwrap().answered();
    assert_eq!(concurrent_calls(&limiter).await, 4);
}
