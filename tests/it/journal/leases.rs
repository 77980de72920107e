//! Leases: a worker that lost its lease changes nothing.

use std::time::Duration;

use super::*;
use crate::support::eventually;
use crate::support::store::is_embedded;

const SHORT_LEASE: Times = Times {
    lease_ms: 150,
    settle_ms: 1,
    deadline_ms: 60_000,
};

/// Waits until the lease expires, and takes the cancellation over.
async fn taken_over(book: &Book) -> LeasedRecord {
    eventually("a lease to expire", async || {
        book.journal.take_due().await.unwrap()
    })
    .await
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_changes_nothing() {
    let book = Book::open(SHORT_LEASE);
    let mut late = book.intended("c-1").await;
    let now = taken_over(&book).await;
    // It was interrupted and did not fail.
    assert_eq!((now.record.id, now.record.attempts), (late.record.id, 1));
    let before = book.rows();
    let target = deletable("c-1", TARGET);
    assert_fenced(book.journal.renew(&late.lease.renewer()).await);
    assert_fenced(book.journal.intend(&mut late, &target).await);
    assert_fenced(book.journal.acked(&mut late).await);
    assert_fenced(
        book.journal
            .back_off(&late, Duration::ZERO, Reason::Joined)
            .await,
    );
    for outcome in Outcome::ALL {
        assert_fenced(book.journal.finish(&mut late, ending(outcome)).await);
    }
    assert_eq!(book.rows(), before);
}

#[tokio::test]
async fn an_expired_lease_writes_nothing_even_when_it_was_not_taken_over() {
    let book = Book::open(SHORT_LEASE);
    let mut held = book.intended("c-1").await;
    eventually("the end of the lease", async || {
        held.lease.left().is_zero().then_some(())
    })
    .await;
    let before = book.rows();
    assert_fenced(book.journal.renew(&held.lease.renewer()).await);
    assert_fenced(
        book.journal
            .intend(&mut held, &deletable("c-1", TARGET))
            .await,
    );
    assert_fenced(
        book.journal
            .finish(&mut held, ending(Outcome::Cancelled))
            .await,
    );
    assert_eq!(book.rows(), before);
}

#[tokio::test]
async fn a_renewed_lease_is_not_taken_over() {
    let book = Book::open(SHORT_LEASE);
    let held = book.held("c-1").await;
    let granted = std::time::Instant::now();
    let renewer = held.lease.renewer();
    eventually("three lease periods", async || {
        book.journal.renew(&renewer).await.unwrap();
        assert!(book.journal.take_due().await.unwrap().is_none());
        (granted.elapsed() > Duration::from_millis(450)).then_some(())
    })
    .await;
    assert!(!held.lease.left().is_zero());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_due_cancellation_is_taken_by_one_worker_only() {
    let book = Book::open(LONG);
    let held = book.held("c-1").await;
    book.journal
        .back_off(&held, Duration::ZERO, Reason::Panicked)
        .await
        .unwrap();
    assert_eq!(book.rows()[0]["reason"], Reason::Panicked.id());
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let journal = book.journal.clone();
        running.spawn(async move { journal.take_due().await.unwrap().is_some() });
    }
    let mut taken = 0;
    while let Some(took) = running.join_next().await {
        taken += usize::from(took.unwrap());
    }
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn a_waiting_cancellation_is_not_taken_before_it_is_due() {
    let book = Book::open(LONG);
    let held = book.held("c-1").await;
    // Before the release, because the wait begins there.
    let given_back = std::time::Instant::now();
    book.journal
        .back_off(&held, Duration::from_millis(300), Reason::Unsettled)
        .await
        .unwrap();
    assert!(book.journal.take_due().await.unwrap().is_none());
    let wait = book.journal.next_due().await.unwrap().unwrap();
    assert!(wait <= Duration::from_millis(300), "{wait:?}");
    drop(taken_over(&book).await);
    assert!(given_back.elapsed() >= Duration::from_millis(290));
    assert_fenced(book.journal.renew(&held.lease.renewer()).await);
}

#[tokio::test]
async fn a_restart_takes_over_the_leases_of_the_last_run() {
    if !is_embedded() {
        return;
    }
    let book = Book::open(LONG);
    let held = book.intended("c-1").await;
    let Book { journal, folder } = book;
    drop(journal);
    let journal = eventually("the lock", async || {
        Journal::open(&journal_place(folder.path()), LONG).ok()
    })
    .await;
    let taken = journal.take_due().await.unwrap().unwrap();
    assert_eq!(taken.record.id, held.record.id);
    assert_eq!(taken.record.state, State::Intent);
    assert_eq!(taken.record.property.unwrap().as_str(), TARGET);
}
