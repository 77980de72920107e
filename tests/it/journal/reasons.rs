//! A reason that this version does not know: the journal shows it unchanged, and the cancellation
//! continues.

use super::*;
use crate::cancel::CODE;
use crate::support::{World, eventually};

/// A cancellation from another version, with a reason that only that version knows.
const OPEN: &str = "\
INSERT INTO op (id, protocol, code, dry_run, channel, state, reason, next_at, deadline_at, created_at, updated_at) \
VALUES ('01939d3a-0000-7000-8000-000000000002', '20261123000002', 'CODE', 0, 'chatbot', 'accepted', 'of_another_version', 1, 9999999999999, NOW, NOW)";

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_reason_is_shown_and_its_cancellation_continues() {
    let mut world = World::new().await;
    let launch = world.service.launch().clone();
    world.service.kill();
    let now = Moment::now().unix_ms().to_string();
    let row = OPEN.replace("CODE", CODE).replace("NOW", &now);
    file::Foreign::of(world.folder.path()).run(&row);
    for arguments in [
        &["journal", "list", "--json"][..],
        &["journal", "show", "20261123000002", "--json"],
    ] {
        let shown = launch.run(arguments);
        assert!(
            shown.status.success() && shown.stderr.is_empty(),
            "{shown:?}"
        );
        let line: Value = serde_json::from_slice(&shown.stdout).unwrap();
        assert_eq!(line["reason"], "of_another_version");
    }
    world.service = launch.start().await;
    eventually("the cancellation to end", || async {
        let rows = file::cancellations(world.folder.path());
        (rows[0]["state"] == "done").then_some(())
    })
    .await;
    let row = &file::cancellations(world.folder.path())[0];
    assert_eq!(
        (&row["outcome"], &row["reason"]),
        (&json!("cancelled"), &json!(Reason::SeenGone.id()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_decision_depends_on_an_unknown_reason() {
    let book = Book::open(LONG);
    let held = book.held(CODE).await;
    let id = held.record.id;
    file::Foreign::of(book.folder.path()).run("UPDATE op SET reason = 'of_another_version'");
    let record = book.journal.get(id).await.unwrap().unwrap();
    assert_eq!(record.reason, None);
    assert_eq!(record.reason_id(), Some("of_another_version"));
}
