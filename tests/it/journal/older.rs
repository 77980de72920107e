//! A journal that the first version wrote: it opens, is read before that, and goes on.

use super::*;
use crate::cancel::{CODE, SHORT};
use crate::support::store::{is_embedded, journal_url};
use crate::support::{Launch, Ozmap, World};

/// The tables as the first version made them.
const TABLES: &str = include_str!("schema_of_0_1.sql");

/// What it wrote: one cancellation that ended, of a webhook with a key, and one that waits.
const ROWS: &str = "\
INSERT INTO op (id, protocol, code, dry_run, channel, state, outcome, reason, property_id, delete_sent, attempt, fence, next_at, deadline_at, created_at, updated_at, done_at) \
VALUES ('01939d3a-0000-7000-8000-000000000001', '20261123000001', '“9|9”', 0, 'chatbot', 'done', 'not_found', 'absent', NULL, 0, 1, 1, 1, 1, 1, 1, NOW_MS); \
INSERT INTO delivery (channel, dedupe_key, fingerprint, op_id, locale, received_at) \
VALUES ('chatbot', 'key:m-1', '8b1c1d', '01939d3a-0000-7000-8000-000000000001', 'pt-BR', 1); \
INSERT INTO op (id, protocol, code, dry_run, channel, state, next_at, deadline_at, created_at, updated_at) \
VALUES ('01939d3a-0000-7000-8000-000000000002', '20261123000002', '123|123', 0, 'chatbot', 'accepted', 1, 9999999999999, NOW_MS, NOW_MS); \
INSERT INTO delivery (channel, dedupe_key, fingerprint, op_id, locale, received_at) \
VALUES ('chatbot', 'key:m-2', 'FINGERPRINT', '01939d3a-0000-7000-8000-000000000002', 'pt-BR', NOW_MS); \
INSERT INTO op_event (op_id, seq, at_ms, fence, kind, detail) \
VALUES ('01939d3a-0000-7000-8000-000000000002', 1, 1, 1, 'accepted', '');";

fn fingerprint(code: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("cancel\u{1f}real\u{1f}{code}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_of_the_first_version_is_read_opened_and_goes_on() {
    let ozmap = Ozmap::start().await;
    let folder = tempfile::tempdir().unwrap();
    let launch = Launch::new(&ozmap.url(), &journal_url(folder.path()));
    {
        let older = file::Foreign::of(folder.path());
        if is_embedded() {
            older.run("PRAGMA journal_mode = WAL");
        }
        let now = Moment::now().unix_ms().to_string();
        older.run(TABLES);
        let rows = ROWS.replace("NOW_MS", &now);
        let rows = rows.replace("8b1c1d", &fingerprint("“9|9”"));
        older.run(&rows.replace("FINGERPRINT", &fingerprint(CODE)));
    }
    let listed = launch.run(&["journal", "list", "--json"]);
    assert!(
        listed.status.success() && listed.stderr.is_empty(),
        "{listed:?}"
    );
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 2);
    let checked = launch.run(&["check"]);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert_eq!(checked.status.code(), Some(0), "{said}");
    let service = launch.start().await;
    assert!(!service.logs().contains("ERROR"), "{}", service.logs());
    // A key of that time is still known, in the spelling that was known then too.
    let again = service.ask(&crate::cancel::asking("“9|9”", "m-1")).await;
    assert_eq!(
        (again.outcome().as_str(), &again.json()["protocol"]),
        ("not_found", &json!("20261123000001"))
    );
    crate::support::eventually("what waited to end", || async {
        let reply = service.ask(&crate::cancel::asking(CODE, "m-2")).await;
        (reply.outcome() == "cancelled").then_some(())
    })
    .await;
    // And what is new is written.
    let odd = service.ask(&crate::cancel::asking("“8 | 8”", "m-3")).await;
    assert_eq!(odd.outcome(), "not_found");
    let rows = file::cancellations(folder.path());
    let odd = rows.iter().find(|row| row["code"] == "8|8").unwrap();
    assert_eq!(odd["came_as"], "“8 | 8”");
    assert!(
        rows.iter()
            .all(|row| row["code"] == "8|8" || row["came_as"] == Value::Null)
    );
}

/// How the table of conversations was before questions were remembered.
const CONVERSATIONS: &str = "\
CREATE TABLE conversation (id TEXT NOT NULL PRIMARY KEY, failures BIGINT NOT NULL, updated_at BIGINT NOT NULL)";

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_from_before_questions_were_remembered_remembers_one() {
    let ozmap = Ozmap::start().await;
    let folder = tempfile::tempdir().unwrap();
    {
        let older = file::Foreign::of(folder.path());
        if is_embedded() {
            older.run("PRAGMA journal_mode = WAL");
        }
        older.run(TABLES);
        older.run(CONVERSATIONS);
        let now = Moment::now().unix_ms();
        older.run(&format!(
            "INSERT INTO conversation (id, failures, updated_at) VALUES ('chat\u{1f}5548', 2, {now})"
        ));
    }
    let service = Launch::new(&ozmap.url(), &journal_url(folder.path()))
        .set("CHANNELS__CHAT__PRESET", "evolution")
        .set("CHANNELS__CHAT__SECRET", crate::support::SECRET)
        .start()
        .await;
    let authorization = format!("Bearer {}", crate::support::SECRET);
    let headers = [("Authorization", authorization.as_str())];
    for (text, said) in [("123|123", "123|123"), ("sim", "Pronto")] {
        let body = json!({"query": text, "user": "5548@s.whatsapp.net"}).to_string();
        let address = service.address();
        let reply = crate::support::http::send(
            address,
            "POST",
            "/webhooks/chat",
            &headers,
            body.as_bytes(),
        )
        .await
        .unwrap();
        assert!(reply.body.contains(said), "{text}: {reply:?}");
    }
    assert!(ozmap.holds(CODE).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_spellings_of_a_code_are_one_cancellation_and_a_restart_knows_what_came() {
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
