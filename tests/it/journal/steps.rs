//! The state machine: the steps that the database itself refuses.

use super::*;

#[tokio::test]
async fn a_cancellation_never_changes_its_target() {
    let book = Book::open(LONG);
    let mut held = book.intended("c-1").await;
    let (again, other) = (deletable("c-1", TARGET), deletable("c-1", OTHER));
    assert_fenced(book.journal.intend(&mut held, &other).await);
    drop(book.journal.intend(&mut held, &again).await.unwrap());
    book.journal.acked(&mut held).await.unwrap();
    assert_fenced(book.journal.intend(&mut held, &other).await);
    let row = &book.rows()[0];
    assert_eq!(
        (&row["property_id"], &row["delete_sent"]),
        (&json!(TARGET), &json!(2))
    );
    assert_eq!(row["snapshot"], json!(format!("{{\"_id\":\"{TARGET}\"}}")));
    let events = file::events(book.folder.path());
    assert_eq!(
        events,
        ["accepted", "intent", "intent", "acked"],
        "a refused step leaves no trace"
    );
}

#[tokio::test]
async fn an_ended_cancellation_never_changes_again() {
    let book = Book::open(LONG);
    let mut held = book.intended("c-1").await;
    book.journal
        .finish(&mut held, ending(Outcome::Cancelled))
        .await
        .unwrap();
    assert_eq!(held.record.state, State::Done);
    let before = book.rows();
    let target = deletable("c-1", TARGET);
    assert_fenced(book.journal.intend(&mut held, &target).await);
    assert_fenced(book.journal.acked(&mut held).await);
    assert_fenced(
        book.journal
            .back_off(&held, std::time::Duration::ZERO, Reason::Joined)
            .await,
    );
    assert_fenced(book.journal.renew(&held.lease.renewer()).await);
    for outcome in Outcome::ALL {
        assert_fenced(book.journal.finish(&mut held, ending(outcome)).await);
    }
    assert_eq!(book.rows(), before);
    assert!(book.journal.take_due().await.unwrap().is_none());
}

#[tokio::test]
async fn only_cancelled_ends_a_cancellation_before_it_has_settled() {
    let settle = Times {
        settle_ms: 400,
        ..LONG
    };
    let book = Book::open(settle);
    let mut held = book.intended("c-1").await;
    for outcome in Outcome::ALL
        .into_iter()
        .filter(|one| *one != Outcome::Cancelled)
    {
        assert_fenced(book.journal.finish(&mut held, ending(outcome)).await);
    }
    assert_eq!(book.rows()[0]["state"], "intent");
    crate::support::eventually("the settling", async || {
        held.record.unsettled_for().is_none().then_some(())
    })
    .await;
    book.journal
        .finish(&mut held, ending(Outcome::Installed))
        .await
        .unwrap();

    let mut held = book.intended("c-2").await;
    book.journal
        .finish(&mut held, ending(Outcome::Cancelled))
        .await
        .unwrap();
}

#[tokio::test]
async fn nothing_is_cancelled_without_a_target() {
    let book = Book::open(LONG);
    let mut held = book.held("c-1").await;
    let refused = book
        .journal
        .finish(&mut held, ending(Outcome::Cancelled))
        .await;
    assert!(refused.is_err(), "{refused:?}");
    assert_fenced(book.journal.acked(&mut held).await);
    assert_eq!(book.rows()[0]["state"], "accepted");
    // A negative outcome needs none.
    book.journal
        .finish(&mut held, ending(Outcome::NotFound))
        .await
        .unwrap();
}

#[tokio::test]
async fn every_written_intent_restarts_the_settlement_period() {
    let book = Book::open(LONG);
    let mut held = book.intended("c-1").await;
    let first = held.record.settle_at_ms;
    crate::support::eventually("the clock to advance", async || {
        (Moment::now().unix_ms() > first - LONG.settle_ms + 5).then_some(())
    })
    .await;
    drop(
        book.journal
            .intend(&mut held, &deletable("c-1", TARGET))
            .await
            .unwrap(),
    );
    assert!(held.record.settle_at_ms > first);
}

#[tokio::test]
async fn a_failed_operation_does_not_undo_the_others_of_its_commit() {
    let book = Book::open(LONG);
    let mut held = book.intended("c-0").await;
    book.journal
        .finish(&mut held, ending(Outcome::Cancelled))
        .await
        .unwrap();
    // Queued together, so that they are committed together: every second one is refused.
    let accepted: Vec<Acceptance> = (1..=40)
        .map(|n| asking(&format!("c-{n}"), &format!("k-{n}")))
        .collect();
    let mut running = tokio::task::JoinSet::new();
    for asked in accepted {
        let journal = book.journal.clone();
        running.spawn(async move { journal.accept(asked, || true).await.is_ok() });
        let (journal, renewer) = (book.journal.clone(), held.lease.renewer());
        running.spawn(async move { matches!(journal.renew(&renewer).await, Err(Error::Fenced)) });
    }
    while let Some(went_as_expected) = running.join_next().await {
        assert!(went_as_expected.unwrap());
    }
    assert_eq!(book.rows().len(), 41);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_deletions_do_not_exceed_the_hourly_limit() {
    let book = Book::open(LONG);
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let journal = book.journal.clone();
        running.spawn(async move { journal.spend_deletion(5).await.unwrap() });
    }
    let mut spent = 0;
    while let Some(got) = running.join_next().await {
        spent += usize::from(got.unwrap());
    }
    let hours = file::table(book.folder.path(), "budget").len();
    assert!(spent >= 5 && spent <= 5 * hours, "{spent} in {hours} hours");
    assert!(!book.journal.spend_deletion(0).await.unwrap());
}
