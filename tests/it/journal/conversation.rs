//! How often a conversation failed in a row.

use std::time::Duration;

use super::*;

const WINDOW: Duration = Duration::from_secs(1_800);

#[tokio::test]
async fn failures_of_a_conversation_are_counted_in_a_row_and_over_a_restart() {
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
    assert_eq!(failed("b").await, 1, "after a silence it counts anew");
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
