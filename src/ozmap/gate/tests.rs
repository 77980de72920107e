//! Who is let in at once, and who goes first.

use reqwest::StatusCode;

use super::*;

async fn let_in_at_once(gate: &Gate) -> usize {
    let mut passes = Vec::new();
    for mark in 0..8 {
        let entered = tokio::time::timeout(Duration::from_secs(1), gate.enter(mark));
        let Ok(Ok(pass)) = entered.await else { break };
        passes.push(pass);
    }
    passes.len()
}

fn throttled(seconds: u64) -> Error {
    let asked = Some(Duration::from_secs(seconds));
    Error::answered(Trouble::Throttled, StatusCode::TOO_MANY_REQUESTS, asked)
}

#[tokio::test(start_paused = true)]
async fn a_longer_wait_that_is_asked_for_while_it_is_shut_is_kept_by_the_probe_too() {
    let gate = Gate::new(4);
    let began = Instant::now();
    let (first, second) = (gate.enter(1).await.unwrap(), gate.enter(2).await.unwrap());
    first.troubled(&throttled(1));
    let late = async {
        sleep(Duration::from_millis(500)).await;
        second.troubled(&throttled(60));
    };
    let due = gate.probe_is_due(Duration::from_secs(30));
    tokio::join!(due, late);
    assert!(
        began.elapsed() >= Duration::from_secs(60),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_probed_at_once_and_not_judged_by_what_the_old_one_hears() {
    let refused = || Error::answered(Trouble::Unauthorized, StatusCode::UNAUTHORIZED, None);
    let gate = Gate::new(4);
    let (work, began) = (gate.enter(1).await.unwrap(), Instant::now());
    let change = async {
        sleep(Duration::from_millis(500)).await;
        gate.key_changed();
    };
    // It is open, and nobody would probe for a while.
    tokio::join!(gate.probe_is_due(Duration::from_secs(30)), change);
    assert!(began.elapsed() < Duration::from_secs(1));
    work.troubled(&refused());
    assert!(gate.turned_away().is_none(), "that was the old key");
    gate.enter(2).await.unwrap().troubled(&refused());
    let shut = gate.turned_away().unwrap();
    assert_eq!(shut.why, Trouble::Unauthorized);
    // Whoever goes first with the old key leaves its place to another.
    gate.probe().await.answered();
    let first = gate.enter(3).await.unwrap();
    gate.key_changed();
    first.troubled(&refused());
    assert!(gate.enter(4).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn one_that_went_first_and_was_heard_frees_nobody_else_s_place() {
    let gate = Gate::new(16);
    let shut_again = || async {
        let pass = gate.enter(7).await.unwrap();
        pass.troubled(&throttled(1));
        gate.probe().await.answered();
        gate.enter(8).await.unwrap()
    };
    let first = shut_again().await;
    first.answered();
    let second = shut_again().await;
    drop(first);
    assert!(gate.enter(9).await.is_err(), "one goes first");
    drop(second);
    assert!(gate.enter(9).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn fewer_are_let_in_at_once_after_a_429_and_more_again_as_it_goes_well() {
    let gate = Gate::new(4);
    gate.enter(1).await.unwrap().troubled(&throttled(1));
    sleep(Duration::from_secs(1)).await;
    gate.probe().await.answered();
    gate.enter(2).await.unwrap().answered();
    assert_eq!(let_in_at_once(&gate).await, 2);
    for mark in 0..24 {
        gate.enter(mark).await.unwrap().answered();
    }
    assert_eq!(let_in_at_once(&gate).await, 4);
}

#[tokio::test(start_paused = true)]
async fn one_that_went_first_and_failed_as_before_leaves_its_place_to_another() {
    let lost = Error::maybe(Trouble::Lost, "");
    let gate = Gate::new(4);
    for mark in 0..5 {
        gate.enter(mark).await.unwrap().troubled(&lost);
    }
    sleep(Duration::from_secs(1)).await;
    gate.probe().await.answered();
    assert!(gate.enter(3).await.is_err(), "newcomers go first");
    sleep(Duration::from_secs(3)).await;
    let first = gate.enter(3).await.unwrap();
    assert!(gate.enter(99).await.is_err(), "one goes first");
    first.troubled(&lost);
    drop(first);
    gate.enter(99).await.unwrap().answered();
    assert_eq!(let_in_at_once(&gate).await, 4);
}
