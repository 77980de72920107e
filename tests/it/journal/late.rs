//! Events after a look-up: webhooks that join after a deletion was decided, whatever the clock
//! does, and a deletion during a dry run.

use ozmap_cancel::journal::SplitReason;

use super::*;

const APART: LateJoiners = LateJoiners::SplitForReview(SplitReason::ReservedAgain);

/// Ends a cancellation whose code now leads to another reservation.
async fn end_apart(book: &Book, mut held: LeasedRecord) {
    let ending = Ending {
        late_joiners: APART,
        ..ending(Outcome::Cancelled)
    };
    book.journal.finish(&mut held, ending).await.unwrap();
}

/// The outcome that a retry gets.
async fn heard(book: &Book, code: &str, key: &str) -> Option<Outcome> {
    match book.journal.accept(asking(code, key), || true).await {
        Ok(Accepted::Repeated(record)) => record.outcome,
        other => panic!("{other:?}"),
    }
}

/// A clock that jumps forward makes the guard's look-up seem older than it is, even older than the
/// request.
#[tokio::test]
async fn the_first_webhook_of_a_cancellation_is_never_late() {
    let book = Book::open(LONG);
    let target = deletable("c-1", TARGET);
    let looked_at = Moment::now().unix_ms();
    crate::support::eventually("the clock to advance", async || {
        (Moment::now().unix_ms() > looked_at + 5).then_some(())
    })
    .await;
    let mut held = book.held("c-1").await;
    drop(book.journal.intend(&mut held, &target).await.unwrap());
    end_apart(&book, held).await;
    assert_eq!(heard(&book, "c-1", "c-1").await, Some(Outcome::Cancelled));
    assert_eq!(book.rows().len(), 1);
}

/// After the clock was set back, a webhook after the intent gets an earlier time than the intent.
#[tokio::test]
async fn a_webhook_after_the_intent_is_late_although_the_clock_was_set_back() {
    let book = Book::open(LONG);
    let held = book.intended("c-1").await;
    // As if the intent had been written before the clock was set back by a minute.
    file::Foreign::of(book.folder.path())
        .run("UPDATE op_event SET at_ms = at_ms + 60000 WHERE kind = 'intent'");
    match book.journal.accept(asking("c-1", "m-2"), || true).await {
        Ok(Accepted::Joined(_)) => {}
        other => panic!("{other:?}"),
    }
    end_apart(&book, held).await;
    assert_eq!(heard(&book, "c-1", "c-1").await, Some(Outcome::Cancelled));
    assert_eq!(heard(&book, "c-1", "m-2").await, Some(Outcome::Unknown));
}

/// A dry run looked up the code before the real cancellation decided, and would complete after it.
#[tokio::test]
async fn a_dry_run_does_not_end_on_a_look_up_from_before_the_real_deletion() {
    let book = Book::open(LONG);
    // An earlier one, from a clock that was ahead: by its time it stays the last that ended.
    let mut earlier = book.intended("c-1").await;
    let cancelled = super::ending(Outcome::Cancelled);
    book.journal.finish(&mut earlier, cancelled).await.unwrap();
    file::Foreign::of(book.folder.path()).run("UPDATE op SET done_at = done_at + 86400000");
    let real = match book.journal.accept(asking("c-1", "m-1"), || true).await {
        Ok(Accepted::Fresh(held)) => *held,
        other => panic!("{other:?}"),
    };
    let rehearsal = Acceptance {
        mode: Mode::DryRun,
        ..asking("c-1", "m-2")
    };
    let mut rehearsed = match book.journal.accept(rehearsal, || true).await.unwrap() {
        Accepted::Fresh(held) => *held,
        other @ (Accepted::Joined(_)
        | Accepted::Repeated(_)
        | Accepted::KeyReused
        | Accepted::TooManyCodes) => panic!("{other:?}"),
    };
    let before = book
        .journal
        .live_cancellations(&real.record.code)
        .await
        .unwrap();
    let mut real = real;
    let target = deletable("c-1", OTHER);
    drop(book.journal.intend(&mut real, &target).await.unwrap());
    for _ in ["while it runs", "when it has ended"] {
        let ending = Ending {
            live: Some(before.clone()),
            ..ending(Outcome::WouldCancel)
        };
        let refused = book.journal.finish(&mut rehearsed, ending).await;
        assert!(matches!(refused, Err(Error::Joined)), "{refused:?}");
        assert_eq!(rehearsed.record.outcome, None);
        if real.record.outcome.is_none() {
            let cancelled = super::ending(Outcome::Cancelled);
            book.journal.finish(&mut real, cancelled).await.unwrap();
        }
    }
    assert_eq!(book.rows().len(), 3);
}
