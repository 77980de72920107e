//! The durability of each step, and the access rights of the files. Tests of the file run on an
//! embedded journal only.

use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;

use ozmap_cancel::journal::{ConnectOptions, JournalUrl};

use super::file::Foreign;
use super::*;
use crate::cancel::{CODE, PROPERTY, SHORT, asking as request, calls_of, each, named, try_ask_of};
use crate::support::store::is_embedded;
use crate::support::{World, eventually, has_strace};

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn only_its_owner_may_read_the_journal() {
    if !is_embedded() {
        return;
    }
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("new/data");
    let path = file::path(&folder);
    let url = format!("sqlite:{}", path.display());
    let place = JournalUrl::parse(&url, &ConnectOptions::default()).unwrap();
    let journal = Journal::open(&place, LONG).unwrap();
    drop(journal.accept(asking("c-1", "k-1"), || true).await.unwrap());
    assert_eq!(mode(&folder), 0o700);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn a_second_writer_is_refused_and_the_first_continues() {
    if !is_embedded() {
        return;
    }
    let world = World::new().await;
    let here = Journal::open(&journal_place(world.folder.path()), LONG);
    assert!(matches!(here, Err(Error::InUse(_))));
    // Another path to it is refused too.
    let other = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(file::path(world.folder.path()), file::path(other.path())).unwrap();
    let here = Journal::open(&journal_place(other.path()), LONG);
    assert!(matches!(here, Err(Error::InUse(_))));
    // Last, because an instance that is not refused would keep running.
    let second = world.service.launch().run(&["serve"]);
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        said.contains("in use by another running instance"),
        "{said}"
    );
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "cancelled");
}

/// A transaction that reads first and writes later fails at once when another process wrote in
/// between (SQLITE_BUSY_SNAPSHOT).
#[tokio::test]
async fn an_acceptance_locks_for_writing_before_it_reads() {
    if !is_embedded() {
        return;
    }
    let book = Book::open(LONG);
    let path = file::path(book.folder.path());
    let nobody_else_may_write = move || {
        let foreign = Connection::open(&path).unwrap();
        foreign.busy_timeout(std::time::Duration::ZERO).unwrap();
        let refused = foreign.execute_batch("BEGIN IMMEDIATE").unwrap_err();
        refused.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
    };
    let asked = asking("c-1", "k-1");
    drop(
        book.journal
            .accept(asked, nobody_else_may_write)
            .await
            .unwrap(),
    );
    assert_eq!(book.rows().len(), 1);
}

#[tokio::test]
async fn the_journal_uses_a_write_ahead_log_and_a_sqlite_without_the_wal_bug() {
    if !is_embedded() {
        return;
    }
    assert!(
        rusqlite::version_number() >= 3_051_003,
        "{}",
        rusqlite::version()
    );
    let book = Book::open(LONG);
    drop(book.held("c-1").await);
    let reader = Connection::open(file::path(book.folder.path())).unwrap();
    let wal: String = reader
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap();
    assert_eq!(wal, "wal");
    let sound: String = reader
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
}

/// Traces the writes of the service, and makes some of its system calls fail on request.
async fn traced_to(traced: &std::path::Path, world: &World, more: &[&str]) -> std::process::Child {
    let strace = std::process::Command::new("strace")
        .args(["-f", "-y", "-s", "24", "-o"])
        .arg(traced)
        .args(["-e", "trace=fsync,fdatasync,write,sendto,writev"])
        .args(more)
        .args(["-p", &world.service.pid().to_string()])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // It is attached as soon as a write of the service shows up.
    eventually("the trace", async || {
        drop(world.service.get("/health/live").await);
        let trace = std::fs::read_to_string(traced).unwrap_or_default();
        trace.contains("HTTP/1.1 200").then_some(())
    })
    .await;
    strace
}

/// After a failed sync, SQLite may still find the commit in its log at the next start. A refused
/// request must not be executed then.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_write_does_not_reappear_at_the_next_start() {
    if !is_embedded() {
        return;
    }
    if !has_strace() {
        return crate::support::skipped("strace");
    }
    let mut world = World::new().await;
    let traced = world.folder.path().join("trace");
    let fails = ["-e", "inject=fsync,fdatasync:error=EIO:when=1"];
    let mut strace = traced_to(&traced, &world, &fails).await;
    let declined = world.cancel(CODE, "m-1").await;
    assert_eq!(declined.status, 503, "{declined:?}");
    assert!(declined.body.contains(":journal"), "{declined:?}");
    let trace = std::fs::read_to_string(&traced).unwrap();
    assert!(trace.contains("(INJECTED)"), "{trace}");
    world.kill();
    drop(strace.wait());
    world.restart().await;
    assert_eq!(world.cancel("nobody", "m-2").await.outcome(), "not_found");
    let codes: Vec<Value> = file::cancellations(world.folder.path())
        .iter()
        .map(|row| row["code"].clone())
        .collect();
    assert_eq!(codes, [json!("nobody")]);
    assert!(holds_all(&world).await);
}

/// While the disk keeps failing, it is unknown what the next start will find, and the caller is
/// told so.
#[tokio::test(flavor = "multi_thread")]
async fn while_the_disk_fails_no_caller_is_refused_for_certain() {
    if !is_embedded() {
        return;
    }
    if !has_strace() {
        return crate::support::skipped("strace");
    }
    let mut world = World::with(SHORT).await;
    let traced = world.folder.path().join("trace");
    let fails = ["-e", "inject=fsync,fdatasync:error=EIO"];
    let mut strace = traced_to(&traced, &world, &fails).await;
    let unsure = world.cancel(CODE, "m-1").await;
    assert_eq!(unsure.status, 503, "{unsure:?}");
    assert!(unsure.body.contains("in_doubt"), "{unsure:?}");
    world.kill();
    drop(strace.wait());
    // A retry with the same key tells which it was.
    world.restart().await;
    let reply = world.ask_until_final(request(CODE, "m-1")).await;
    assert_eq!(reply.outcome(), "cancelled");
    assert_eq!(file::cancellations(world.folder.path()).len(), 1);
}

async fn holds_all(world: &World) -> bool {
    world.ozmap.deletions().await.is_empty() && world.ozmap.holds(CODE).await.len() == 1
}

/// With FULL, every commit is synced to the disk before it counts.
#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_synced_to_the_disk_before_the_next() {
    if !is_embedded() {
        return;
    }
    if !has_strace() {
        return crate::support::skipped("strace");
    }
    let world = World::new().await;
    let traced = world.folder.path().join("trace");
    let mut strace = traced_to(&traced, &world, &[]).await;
    let before = std::fs::read_to_string(&traced).unwrap().len();
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "cancelled");
    let trace = eventually("the whole trace", async || {
        let trace = std::fs::read_to_string(&traced).unwrap();
        trace[before..]
            .contains("HTTP/1.1 200")
            .then(|| trace[before..].to_owned())
    })
    .await;
    drop(strace.kill());
    drop(strace.wait());
    let at = |what: &str| {
        trace
            .find(what)
            .unwrap_or_else(|| panic!("no {what} in {trace}"))
    };
    let (lookup, delete, answer) = (at("\"GET /api/v2"), at("\"DELETE /api"), at("HTTP/1.1 200"));
    let is_synced = |part: &str| {
        part.lines()
            .any(|line| line.contains("sync(") && line.contains("journal.db-wal"))
    };
    assert!(is_synced(&trace[..lookup]), "the acceptance: {trace}");
    assert!(is_synced(&trace[lookup..delete]), "the intent: {trace}");
    assert!(is_synced(&trace[delete..answer]), "the outcome: {trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_target_and_its_tombstone_are_on_the_disk_before_the_deletion_leaves() {
    let world = World::new().await;
    world.ozmap.fault("delete:hold_before*1").await;
    let asked = tokio::spawn(try_ask_of(world.service.address(), request(CODE, "m-1")));
    world.ozmap.held().await;
    let row = file::cancellations(world.folder.path()).remove(0);
    assert_eq!(
        (&row["state"], &row["property_id"]),
        (&json!("intent"), &json!(PROPERTY))
    );
    assert_eq!(row["delete_sent"], json!(1));
    let settle_ms = row["settle_at"].as_i64().unwrap() - row["updated_at"].as_i64().unwrap();
    assert_eq!(settle_ms, 300_000);
    let tombstone: Value = serde_json::from_str(row["snapshot"].as_str().unwrap()).unwrap();
    assert_eq!(tombstone, world.ozmap.holds(CODE).await[0]);
    world.ozmap.release().await;
    assert_eq!(asked.await.unwrap().unwrap().outcome(), "cancelled");
    let row = file::cancellations(world.folder.path()).remove(0);
    assert_eq!(
        row["outcome"], "cancelled",
        "on the disk before the caller gets it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acceptance_is_on_the_disk_before_ozmap_is_called() {
    let world = World::with(SHORT).await;
    world.ozmap.fault("lookup:hold_before*1").await;
    let asked = tokio::spawn(try_ask_of(world.service.address(), request(CODE, "m-1")));
    world.ozmap.held().await;
    let row = file::cancellations(world.folder.path()).remove(0);
    assert_eq!(
        (&row["state"], &row["code"]),
        (&json!("accepted"), &json!(CODE))
    );
    assert_eq!(asked.await.unwrap().unwrap().outcome(), "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_be_written_is_refused_and_never_executed() {
    // Either the caller times out first, or the journal does.
    each(2, named(&["500", "15000"]), |case, answer_ms| async move {
        let world = World::with(&[("CHANNELS__CHATBOT__ANSWER_MS_MAX", answer_ms)]).await;
        let foreign = Foreign::lock(world.folder.path());
        let declined = world.cancel(CODE, "m-1").await;
        assert_eq!(declined.status, 503, "{case}: {declined:?}");
        assert!(declined.header("retry-after").is_some());
        foreign.unlock();
        // Everything in flight has arrived; the journal works again.
        let nobody = world
            .ask_until_final(json!({"code": "nobody", "message_id": "m-2"}))
            .await;
        assert_eq!(nobody.outcome(), "not_found");
        assert_eq!(world.ozmap.holds(CODE).await.len(), 1, "{case}");
        let rows = file::cancellations(world.folder.path());
        let asked = rows.iter().find(|row| row["code"] == CODE);
        assert!(
            asked.is_none_or(|row| row["outcome"] == "expired"),
            "{case}: {rows:?}"
        );
        assert!(calls_of(&world.ozmap, "delete").await.is_empty(), "{case}");
        // The platform retries, as the answer says.
        let retry = world.cancel(CODE, "m-1").await;
        assert_eq!(retry.outcome(), "cancelled", "{case}");
        assert!(world.ozmap.holds(CODE).await.is_empty(), "{case}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_request_survives_another_that_is_refused() {
    let world = World::with(&[
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "15000"),
        ("CHANNELS__HASTY__SECRET", crate::support::SECRET),
        ("CHANNELS__HASTY__ANSWER_MS_MAX", "300"),
    ])
    .await;
    let foreign = Foreign::lock(world.folder.path());
    let body = request(CODE, "m-1").to_string();
    let hasty = world.service.post("hasty", &[], body.as_bytes());
    assert_eq!(hasty.await.unwrap().status, 503);
    let patient = tokio::spawn(try_ask_of(world.service.address(), request(CODE, "m-2")));
    eventually("the second request to be on its way", async || {
        let health = world.service.get("/health/live").await;
        (health.status == 200).then_some(())
    })
    .await;
    foreign.unlock();
    assert_eq!(patient.await.unwrap().unwrap().outcome(), "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_hangs_up_before_the_commit_was_not_refused() {
    let world = World::new().await;
    let foreign = Foreign::lock(world.folder.path());
    let asked = tokio::spawn(try_ask_of(world.service.address(), request(CODE, "m-1")));
    for _ in 0..10 {
        assert_eq!(world.service.get("/health/live").await.status, 200);
    }
    asked.abort();
    assert!(asked.await.is_err(), "hung up without an answer");
    for _ in 0..10 {
        assert_eq!(world.service.get("/health/live").await.status, 200);
    }
    foreign.unlock();
    eventually("the end of what was accepted", async || {
        let rows = file::cancellations(world.folder.path());
        (rows.first()?["outcome"] == "cancelled").then_some(())
    })
    .await;
    assert!(world.ozmap.holds(CODE).await.is_empty());
}
