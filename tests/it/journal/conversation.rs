//! The failures of a conversation in a row, and its open question.

use ozmap_cancel::domain::{Question, Standing};
use std::time::Duration;

use super::*;

const WINDOW: Duration = Duration::from_secs(1_800);

#[tokio::test]
async fn consecutive_failures_of_a_conversation_are_counted_across_a_restart() {
    let book = Book::open(LONG);
    let failed = async |id: &str| {
        let failed = book.journal.conversation_failed(id.to_owned(), 1, WINDOW);
        failed.await.unwrap()
    };
    assert_eq!(
        (failed("a").await, failed("a").await, failed("b").await),
        (1, 2, 1)
    );
    book.journal
        .conversation_succeeded("a".to_owned())
        .await
        .unwrap();
    assert_eq!((failed("a").await, failed("b").await), (1, 2));
    let foreign = file::Foreign::of(book.folder.path());
    foreign.run("UPDATE conversation SET updated_at = updated_at - 1800001");
    assert_eq!(failed("b").await, 1, "after a silence the count restarts");
    foreign.run("UPDATE conversation SET updated_at = updated_at - 86400001 WHERE id = 'a'");
    book.journal.forget_old_counts().await.unwrap();
    let kept = file::table(book.folder.path(), "conversation");
    assert_eq!(kept.len(), 1, "{kept:?}");
    book.journal.close().await.unwrap();
    let again = Journal::open(&journal_place(book.folder.path()), LONG).unwrap();
    assert_eq!(
        again
            .conversation_failed("b".to_owned(), 1, WINDOW)
            .await
            .unwrap(),
        2
    );
}

/// After this silence the failures count from zero.
const SILENCE: Duration = Duration::from_secs(1_800);

fn question(code: &str, asked_by: &str) -> Question {
    Question {
        code: code.to_owned(),
        mode: Mode::Real,
        asked_by: asked_by.to_owned(),
        standing: Standing::Open,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_open_question_is_answered_and_only_once() {
    let book = Book::open(LONG);
    let journal = &book.journal;
    let (first, second) = (question("1|1", "m-1"), question("2|2", "m-2"));
    let answer = |asked: &Question| {
        let key = Some("k-1".to_owned());
        journal.answer_question("c".to_owned(), asked.clone(), "m-3".to_owned(), key)
    };
    let remember =
        |asked: &Question| journal.remember_question("c".to_owned(), asked.clone(), SILENCE);
    assert!(!answer(&first).await.unwrap(), "nothing was asked");
    remember(&first).await.unwrap();
    remember(&second).await.unwrap();
    assert!(!answer(&first).await.unwrap(), "another question is open");
    assert!(answer(&second).await.unwrap());
    assert!(!answer(&second).await.unwrap(), "it was answered");
    remember(&first).await.unwrap();
    let dropped = journal.drop_this_question("c".to_owned(), first.clone());
    assert!(dropped.await.unwrap());
    assert!(!answer(&first).await.unwrap(), "it was dropped");
    let again = journal.drop_this_question("c".to_owned(), first.clone());
    assert!(!again.await.unwrap(), "it was dropped before");
}
