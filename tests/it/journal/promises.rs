//! The requests that the journal accepts from webhooks, and those that it recognizes.

use std::collections::HashSet;

use super::*;
use crate::cancel::{CODE, SHORT};
use crate::support::World;

async fn accepted(book: &Book, asked: Acceptance) -> Accepted {
    book.journal.accept(asked, || true).await.unwrap()
}

fn record(accepted: Accepted) -> (&'static str, Record) {
    match accepted {
        Accepted::Fresh(held) => ("fresh", held.record),
        Accepted::Joined(record) => ("joined", *record),
        Accepted::Repeated(record) => ("repeated", *record),
        other @ (Accepted::KeyReused | Accepted::TooManyCodes) => panic!("{other:?}"),
    }
}

/// A request of a platform that sends no idempotency key.
fn keyless(code: &str, n: usize) -> Acceptance {
    let mut asked = asking(code, &format!("none-{n}"));
    asked.conversation = Some("chatbot/551199".to_owned());
    asked.duplicate_window_ms = Some(400);
    asked
}

#[tokio::test]
async fn a_code_has_one_running_cancellation_and_a_new_one_after_it() {
    let book = Book::open(LONG);
    let (first, one) = record(accepted(&book, asking("c-1", "k-1")).await);
    let (second, two) = record(accepted(&book, asking("c-1", "k-2")).await);
    assert_eq!((first, second, one.id), ("fresh", "joined", two.id));
    let (other, _) = record(accepted(&book, asking("c-2", "k-3")).await);
    assert_eq!(other, "fresh");
    let twice = file::Foreign::of(book.folder.path()).try_run(
        "INSERT INTO op SELECT 'x', '1', code, dry_run, channel, note, first_name, state, outcome, reason, property_id, \
         snapshot, settle_at, delete_sent, attempt, fence, lease_owner, lease_until, next_at, deadline_at, needs_human, \
         created_at, updated_at, done_at, came_as FROM op WHERE code = 'c-1'",
    );
    let refused = twice.unwrap_err().to_ascii_lowercase();
    assert!(refused.contains("unique"), "{refused}");
    let mut held = book.held("c-3").await;
    book.journal
        .finish(&mut held, ending(Outcome::NotFound))
        .await
        .unwrap();
    let (anew, _) = record(accepted(&book, asking("c-3", "k-4")).await);
    assert_eq!(anew, "fresh");
}

#[tokio::test]
async fn a_dry_run_runs_beside_the_real_cancellation() {
    let book = Book::open(LONG);
    let mut rehearsal = asking("c-1", "k-1");
    rehearsal.mode = Mode::DryRun;
    assert_eq!(record(accepted(&book, rehearsal).await).0, "fresh");
    assert_eq!(
        record(accepted(&book, asking("c-1", "k-2")).await).0,
        "fresh"
    );
}

#[tokio::test]
async fn the_same_webhook_always_gets_the_same_cancellation() {
    let book = Book::open(LONG);
    let mut held = book.intended("c-1").await;
    let (running, record_of) = record(accepted(&book, asking("c-1", "c-1")).await);
    assert_eq!((running, record_of.id), ("repeated", held.record.id));
    book.journal
        .finish(&mut held, ending(Outcome::Cancelled))
        .await
        .unwrap();
    let (ended, record_of) = record(accepted(&book, asking("c-1", "c-1")).await);
    assert_eq!(
        (ended, record_of.outcome),
        ("repeated", Some(Outcome::Cancelled))
    );
    assert_eq!(record_of.protocol, held.record.protocol);
    // Another channel may use the same key.
    let mut elsewhere = asking("c-1", "c-1");
    elsewhere.delivery.channel = "phone".to_owned();
    assert_eq!(record(accepted(&book, elsewhere).await).0, "fresh");
}

#[tokio::test]
async fn a_reused_key_with_other_content_is_not_accepted() {
    let book = Book::open(LONG);
    drop(book.held("c-1").await);
    let reused = accepted(&book, asking("c-2", "c-1")).await;
    assert!(matches!(reused, Accepted::KeyReused), "{reused:?}");
    assert_eq!(book.rows().len(), 1);
    assert_eq!(file::table(book.folder.path(), "delivery").len(), 1);
}

#[tokio::test]
async fn without_a_key_the_same_request_of_a_conversation_is_the_same_for_a_while() {
    let book = Book::open(LONG);
    let (first, one) = record(accepted(&book, keyless("c-1", 1)).await);
    let (second, two) = record(accepted(&book, keyless("c-1", 2)).await);
    assert_eq!((first, second, one.id), ("fresh", "repeated", two.id));
    let mut stranger = keyless("c-1", 3);
    stranger.conversation = Some("chatbot/551188".to_owned());
    assert_eq!(record(accepted(&book, stranger).await).0, "joined");
    // A caller that got `pending` may ask long after, and again after the end: the window counts
    // from the end.
    let foreign = file::Foreign::of(book.folder.path());
    foreign.run("UPDATE delivery SET received_at = received_at - 3600000");
    assert_eq!(
        record(accepted(&book, keyless("c-1", 4)).await).0,
        "repeated"
    );
    for (outcome, expected) in [
        (Outcome::Cancelled, "repeated"),
        (Outcome::NotFound, "fresh"),
    ] {
        let code = format!("c-{outcome}");
        let mut asked = keyless(&code, 5);
        asked.duplicate_window_ms = Some(3_600_000);
        asked.delivery.key = format!("first-{outcome}");
        let Accepted::Fresh(mut held) = accepted(&book, asked.clone()).await else {
            panic!("somebody asked before");
        };
        foreign.run("UPDATE op SET property_id = '62d194b46c9401002392c704'");
        foreign.run("UPDATE delivery SET received_at = received_at - 7200000");
        book.journal
            .finish(&mut held, ending(outcome))
            .await
            .unwrap();
        asked.delivery.key = format!("again-{outcome}");
        assert_eq!(record(accepted(&book, asked.clone()).await).0, expected);
        foreign.run("UPDATE op SET done_at = done_at - 7200000 WHERE outcome = 'cancelled'");
        asked.delivery.key = format!("late-{outcome}");
        let late = record(accepted(&book, asked).await).0;
        // The second cancellation, after one that was not found, is still running.
        let expected = if outcome == Outcome::Cancelled {
            "fresh"
        } else {
            "repeated"
        };
        assert_eq!(late, expected, "{outcome}");
    }
}

/// A clock that was a day ahead and was corrected leaves an end in the future, which is not
/// replayed for a day.
#[tokio::test]
async fn an_end_in_the_future_does_not_count_as_a_recent_one() {
    let book = Book::open(LONG);
    let mut asked = keyless("c-1", 1);
    asked.duplicate_window_ms = Some(600_000);
    let Accepted::Fresh(mut held) = accepted(&book, asked.clone()).await else {
        panic!("somebody asked before");
    };
    let target = deletable("c-1", TARGET);
    drop(book.journal.intend(&mut held, &target).await.unwrap());
    let cancelled = ending(Outcome::Cancelled);
    book.journal.finish(&mut held, cancelled).await.unwrap();
    let foreign = file::Foreign::of(book.folder.path());
    foreign.run("UPDATE op SET done_at = done_at + 86400000");
    foreign.run("UPDATE delivery SET received_at = received_at + 86400000");
    asked.delivery.key = "again".to_owned();
    let (how, fresh) = record(accepted(&book, asked.clone()).await);
    assert_eq!(how, "fresh");
    // While that one runs, it counts, whatever the time of the other one.
    foreign.run("UPDATE op SET done_at = done_at - 86400000");
    asked.delivery.key = "once more".to_owned();
    let (how, running) = record(accepted(&book, asked).await);
    assert_eq!((how, running.id), ("repeated", fresh.id));
}

#[tokio::test]
async fn a_conversation_may_try_a_limited_number_of_codes_and_each_of_them_repeatedly() {
    let book = Book::open(LONG);
    for n in 0..5 {
        let asked = keyless(&format!("c-{n}"), n);
        assert_eq!(record(accepted(&book, asked).await).0, "fresh");
    }
    let refused = accepted(&book, keyless("c-5", 5)).await;
    assert!(matches!(refused, Accepted::TooManyCodes), "{refused:?}");
    assert_eq!(book.rows().len(), 5, "nothing was accepted");
    let mut again = keyless("c-0", 6);
    again.duplicate_window_ms = None;
    assert_eq!(record(accepted(&book, again).await).0, "joined");
}

#[tokio::test(flavor = "multi_thread")]
async fn protocol_numbers_are_digits_and_unique() {
    let book = Book::open(LONG);
    let mut running = tokio::task::JoinSet::new();
    for n in 0..500 {
        let journal = book.journal.clone();
        let asked = asking(&format!("c-{n}"), &format!("k-{n}"));
        running.spawn(async move { record(journal.accept(asked, || true).await.unwrap()).1 });
    }
    let mut numbers = HashSet::new();
    while let Some(record) = running.join_next().await {
        let protocol = record.unwrap().protocol;
        let digits = protocol.as_str();
        assert!(digits.starts_with("20261123") && digits.bytes().all(|b| b.is_ascii_digit()));
        assert!(numbers.insert(protocol), "a number twice");
    }
    assert_eq!(numbers.len(), 500);
}

#[tokio::test]
async fn the_outcome_that_a_webhook_got_is_noted_once() {
    let book = Book::open(LONG);
    drop(book.held("c-1").await);
    let key = || asking("c-1", "c-1");
    book.journal
        .record_reply(key(), Outcome::Cancelled)
        .await
        .unwrap();
    book.journal
        .record_reply(key(), Outcome::Installed)
        .await
        .unwrap();
    let row = &file::table(book.folder.path(), "delivery")[0];
    assert_eq!(row["told_outcome"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_spellings_of_a_code_are_one_cancellation_and_the_typed_one_is_kept() {
    let mut world = World::with(SHORT).await;
    world.ozmap.fault("lookup:status=503").await;
    let first = world.cancel("“123 | 123”", "m-1").await;
    let second = world.cancel(CODE, "m-2").await;
    assert_eq!(
        (first.outcome().as_str(), second.outcome().as_str()),
        ("pending", "pending")
    );
    assert_eq!(first.json()["protocol"], second.json()["protocol"]);
    world.restart().await;
    let shown = world.service.launch().run(&["journal", "show", CODE]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains("came as") && shown.contains("“123 | 123”"),
        "{shown}"
    );
    assert_eq!(world.journal()[0]["came_as"], "“123 | 123”");
    world.ozmap.heal().await;
    let ended = world
        .ask_until_final(crate::cancel::asking(CODE, "m-2"))
        .await;
    assert_eq!(ended.outcome(), "cancelled");
}
