//! A journal whose tables reject a cancellation is not ready, and `check` reports it.

use super::*;
use crate::cancel::CODE;
use crate::support::{World, eventually};

/// Changes that an operator may make to a table, and their reversal.
const ALTERATIONS: [(&str, &str); 6] = [
    (
        "ALTER TABLE delivery RENAME TO deliveries",
        "ALTER TABLE deliveries RENAME TO delivery",
    ),
    (
        "ALTER TABLE op RENAME COLUMN note TO remark",
        "ALTER TABLE op RENAME COLUMN remark TO note",
    ),
    (
        "ALTER TABLE op_event RENAME COLUMN detail TO more",
        "ALTER TABLE op_event RENAME COLUMN more TO detail",
    ),
    (
        "ALTER TABLE attempt RENAME COLUMN at_ms TO at",
        "ALTER TABLE attempt RENAME COLUMN at TO at_ms",
    ),
    (
        "ALTER TABLE budget RENAME TO budgets",
        "ALTER TABLE budgets RENAME TO budget",
    ),
    (
        "ALTER TABLE delivery ADD COLUMN more BIGINT NOT NULL DEFAULT 0 CHECK (more > 0)",
        "ALTER TABLE delivery DROP COLUMN more",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn readiness_runs_the_writes_of_an_acceptance() {
    let world = World::new().await;
    assert_eq!(world.service.get("/health/ready").await.status, 200);
    let foreign = file::Foreign::of(world.folder.path());
    for (alter, undo) in ALTERATIONS {
        // The database refuses one of them while there are rows that it forbids.
        foreign.run("DELETE FROM op");
        if foreign.try_run(alter).is_err() {
            continue;
        }
        eventually(&format!("{alter}: not to be ready"), || async {
            (world.service.get("/health/ready").await.status == 503).then_some(())
        })
        .await;
        let asked = json!({"code": "999|999", "message_id": alter, "conversation_id": "c-1"});
        let declined = world.ask(asked).await;
        // Only a deletion uses the budget.
        assert!(
            declined.status == 503 || alter.contains("budget"),
            "{alter}: {declined:?}"
        );
        let checked = world.service.launch().run(&["check"]);
        assert_eq!(
            checked.status.code(),
            Some(1),
            "{alter}: {}",
            String::from_utf8_lossy(&checked.stdout)
        );
        foreign.run(undo);
        eventually(&format!("{undo}: to be ready"), || async {
            (world.service.get("/health/ready").await.status == 200).then_some(())
        })
        .await;
    }
    let checked = world.service.launch().run(&["check"]);
    assert_eq!(
        checked.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&checked.stdout)
    );
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "cancelled");
}

#[tokio::test]
async fn the_write_probe_leaves_no_rows() {
    let book = Book::open(LONG);
    drop(book.held("c-1").await);
    for _ in 0..3 {
        book.journal.prove_writable().await.unwrap();
    }
    let folder = book.folder.path();
    for (table, rows) in [("op", 1), ("delivery", 1), ("op_event", 1), ("budget", 0)] {
        assert_eq!(file::table(folder, table).len(), rows, "{table}");
    }
    assert_eq!(file::table(folder, "heartbeat").len(), 1);
}
