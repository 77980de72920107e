//! A promise whose caller was told "no" while it was written down: undone, unless somebody else relies on it.

use ozmap_cancel::journal::Withdrawn;

use super::*;

/// A call with a key of its own, as every call has.
fn call(code: &str, key: &str, n: usize) -> Acceptance {
    Acceptance {
        call_key: format!("call:{n}"),
        ..asking(code, key)
    }
}

async fn accepted(book: &Book, asked: &Acceptance) -> Record {
    match book.journal.accept(asked.clone(), || true).await.unwrap() {
        Accepted::Fresh(held) => held.record,
        Accepted::Joined(record) | Accepted::Repeated(record) => *record,
        other @ (Accepted::KeyReused | Accepted::TooManyCodes) => panic!("{other:?}"),
    }
}

async fn withdrawn(book: &Book, record: &Record, call: DeliveryKey) -> Withdrawn {
    book.journal.withdraw(record.id, call).await.unwrap()
}

#[tokio::test]
async fn what_nobody_else_relies_on_is_undone_and_its_retry_begins_anew() {
    let book = Book::open(LONG);
    let asked = call("c-1", "k-1", 1);
    let mut held = book.held("c-0").await;
    let record = accepted(&book, &asked).await;
    assert_eq!(
        withdrawn(&book, &record, asked.delivery.clone()).await,
        Withdrawn::Undone
    );
    let row = book
        .rows()
        .into_iter()
        .find(|row| row["code"] == "c-1")
        .unwrap();
    assert_eq!(
        (&row["outcome"], &row["reason"], &row["needs_human"]),
        (&json!("expired"), &json!("caller_was_told_no"), &json!(0))
    );
    let again = accepted(&book, &call("c-1", "k-1", 2)).await;
    assert_ne!(again.id, record.id);
    // It touches no other cancellation.
    let target = deletable("c-0", TARGET);
    drop(book.journal.intend(&mut held, &target).await.unwrap());
}

#[tokio::test]
async fn whoever_worked_on_what_was_undone_can_write_nothing_more() {
    let book = Book::open(LONG);
    let mut held = book.held("c-1").await;
    let record = held.record.clone();
    assert_eq!(
        withdrawn(&book, &record, asking("c-1", "c-1").delivery).await,
        Withdrawn::Undone
    );
    let target = deletable("c-1", TARGET);
    assert_fenced(book.journal.intend(&mut held, &target).await);
    assert_fenced(
        book.journal
            .finish(&mut held, ending(Outcome::NotFound))
            .await,
    );
}

#[tokio::test]
async fn what_another_webhook_has_joined_is_kept_until_that_one_is_told_no_too() {
    let book = Book::open(LONG);
    let (first, second) = (call("c-1", "k-1", 1), call("c-1", "k-2", 2));
    let record = accepted(&book, &first).await;
    assert_eq!(accepted(&book, &second).await.id, record.id);
    let kept = withdrawn(&book, &record, first.delivery.clone()).await;
    assert_eq!(kept, Withdrawn::OthersRelyOnIt);
    assert_eq!(book.rows()[0]["state"], "accepted");
    // The one that was told no asks again, and hears what comes of it.
    assert_eq!(accepted(&book, &call("c-1", "k-1", 3)).await.id, record.id);
    let kept = withdrawn(&book, &record, second.delivery.clone()).await;
    assert_eq!(kept, Withdrawn::OthersRelyOnIt, "the one that asked again");
    let undone = withdrawn(&book, &record, call("c-1", "k-1", 3).call()).await;
    assert_eq!(undone, Withdrawn::Undone);
}

#[tokio::test]
async fn a_repetition_that_was_promised_the_same_is_not_betrayed() {
    let book = Book::open(LONG);
    let (first, repetition) = (call("c-1", "k-1", 1), call("c-1", "k-1", 2));
    let record = accepted(&book, &first).await;
    assert_eq!(accepted(&book, &repetition).await.id, record.id);
    let kept = withdrawn(&book, &record, first.delivery.clone()).await;
    assert_eq!(kept, Withdrawn::OthersRelyOnIt);
    assert_eq!(
        accepted(&book, &call("c-1", "k-1", 3)).await.id,
        record.id,
        "the key is not forgotten"
    );
}

#[tokio::test]
async fn nothing_is_undone_after_a_target_was_written_down() {
    let book = Book::open(LONG);
    let held = book.intended("c-1").await;
    let late = withdrawn(&book, &held.record, asking("c-1", "c-1").delivery).await;
    assert_eq!(late, Withdrawn::TooLate);
    assert_eq!(book.rows()[0]["state"], "intent");
}

#[tokio::test]
async fn what_a_caller_is_told_in_the_end_is_noted_over_its_no() {
    let book = Book::open(LONG);
    let (first, second) = (call("c-1", "k-1", 1), call("c-1", "k-2", 2));
    let record = accepted(&book, &first).await;
    accepted(&book, &second).await;
    withdrawn(&book, &record, first.delivery.clone()).await;
    for outcome in [Outcome::Cancelled, Outcome::NotFound] {
        book.journal
            .told(first.delivery.clone(), outcome)
            .await
            .unwrap();
    }
    let told: Vec<Value> = file::table(book.folder.path(), "delivery")
        .into_iter()
        .map(|row| row["told_outcome"].clone())
        .collect();
    assert!(
        told.contains(&json!("cancelled")) && !told.contains(&json!("not_found")),
        "{told:?}"
    );
}

#[tokio::test]
async fn what_has_ended_remembers_each_webhook_once() {
    let book = Book::open(LONG);
    let mut held = book.held("c-1").await;
    for n in 1..=3 {
        accepted(&book, &call("c-1", "c-1", n)).await;
    }
    let rows = || file::table(book.folder.path(), "delivery").len();
    assert_eq!(rows(), 4, "the webhook, and three that repeat it");
    book.journal
        .finish(&mut held, ending(Outcome::NotFound))
        .await
        .unwrap();
    assert_eq!(rows(), 1);
}
