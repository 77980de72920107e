//! The journal in one file: complete after a clean stop, and a start that reports a missing
//! write-ahead log.

use std::path::Path;

use rusqlite::Connection;

use super::*;
use crate::cancel::{CODE, SHORT};
use crate::support::store::{is_embedded, journal_url};
use crate::support::{Launch, World, eventually};

const INCOMPLETE: &str = "write-ahead log is missing";

fn log_of(folder: &Path) -> std::path::PathBuf {
    folder.join("journal.db-wal")
}

/// One cancellation that ended, and one that waits because OZmap is unavailable.
async fn with_one_that_waits() -> World {
    let world = World::with(SHORT).await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "cancelled");
    world.ozmap.fault("lookup:status=503").await;
    assert_eq!(world.cancel("later-1", "m-2").await.outcome(), "pending");
    world
}

async fn stop(world: &mut World) {
    world.service.signal("TERM");
    assert_eq!(world.service.ended().await, Some(0));
}

/// The main file alone, in a folder of its own.
fn alone(world: &World) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(file::path(world.folder.path()), file::path(copy.path())).unwrap();
    copy
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_leaves_the_whole_journal_in_one_file() {
    if !is_embedded() {
        return;
    }
    let mut world = with_one_that_waits().await;
    let before = world.journal();
    stop(&mut world).await;
    eventually("the last log line", || async {
        let logs = world.service.logs();
        logs.contains("journal closed; all data is in")
            .then_some(())
    })
    .await;
    assert!(!log_of(world.folder.path()).exists());
    let copy = alone(&world);
    let there = Launch::new(&world.ozmap.url(), &journal_url(copy.path()));
    let listed = there.run(&["journal", "list", "--json"]);
    assert_eq!(
        String::from_utf8_lossy(&listed.stdout).lines().count(),
        before.len()
    );
    assert!(listed.stderr.is_empty(), "{listed:?}");
    drop(there.run(&["check"]));
    let beside = std::fs::read_dir(copy.path()).unwrap().count();
    assert_eq!(beside, 1, "a reader leaves no file beside it");
    // A service on the copy continues the waiting cancellation.
    world.ozmap.heal().await;
    world
        .ozmap
        .reserve(serde_json::json!({"code": "later-1"}))
        .await;
    let service = there.start().await;
    eventually("the waiting cancellation to end", || async {
        service
            .journal()
            .iter()
            .all(|row| row["state"] == "done")
            .then_some(())
    })
    .await;
    assert!(!service.logs().contains(INCOMPLETE), "{}", service.logs());
    assert_eq!(
        service.get("/health").await.json()["journal"]["incomplete"],
        Value::Null
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_without_its_log_is_reported_and_unclear_cancellations_are_left_to_a_person() {
    if !is_embedded() {
        return;
    }
    let mut world = with_one_that_waits().await;
    // So that the waiting cancellation is in the file and not in the log.
    stop(&mut world).await;
    world.restart().await;
    eventually("the log", || async {
        log_of(world.folder.path()).exists().then_some(())
    })
    .await;
    world.kill();
    std::fs::remove_file(log_of(world.folder.path())).unwrap();
    let checked = world.service.launch().run(&["check"]);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(said.contains("journal_incomplete"), "{said}");
    assert_eq!(checked.status.code(), Some(1));
    world.restart().await;
    let logs = world.service.logs();
    assert!(
        logs.contains("ERROR") && logs.contains(INCOMPLETE),
        "{logs}"
    );
    let health = world.service.get("/health").await.json();
    assert_eq!(health["journal"]["incomplete"], "journal_incomplete");
    assert_eq!(health["status"], "degraded");
    let row = &world.journal()[0];
    assert_eq!(
        (
            &row["code"],
            &row["outcome"],
            &row["reason"],
            &row["needs_human"]
        ),
        (
            &json!("later-1"),
            &json!("unknown"),
            &json!("journal_incomplete"),
            &json!(true)
        )
    );
    // It keeps serving, and the next start reports nothing.
    stop(&mut world).await;
    world.restart().await;
    assert!(!world.service.logs().contains(INCOMPLETE));
    assert_eq!(world.service.get("/health/ready").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_file_alone_during_operation_is_reported() {
    if !is_embedded() {
        return;
    }
    let world = with_one_that_waits().await;
    let copy = alone(&world);
    let there = Launch::new(&world.ozmap.url(), &journal_url(copy.path()));
    let listed = there.run(&["journal", "list"]);
    let said = String::from_utf8_lossy(&listed.stderr).into_owned();
    assert!(said.contains(INCOMPLETE), "{said}");
    let service = there.start().await;
    assert!(service.logs().contains(INCOMPLETE), "{}", service.logs());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_raises_no_false_alarm_even_if_another_program_reads_in_between() {
    if !is_embedded() {
        return;
    }
    let mut world = with_one_that_waits().await;
    world.restart().await;
    assert!(!world.service.logs().contains(INCOMPLETE));
    // At once, before any request.
    world.restart().await;
    assert!(!world.service.logs().contains(INCOMPLETE));
    world.kill();
    // A tool of SQLite moves the log into the file when it is closed.
    let tool = Connection::open(file::path(world.folder.path())).unwrap();
    tool.query_row("SELECT COUNT(*) FROM op", [], |row| row.get::<_, i64>(0))
        .unwrap();
    tool.close().unwrap();
    assert!(!log_of(world.folder.path()).exists());
    world.restart().await;
    assert!(
        !world.service.logs().contains(INCOMPLETE),
        "{}",
        world.service.logs()
    );
    assert_eq!(world.journal().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_stays_small_and_the_file_shows_that_there_is_more() {
    if !is_embedded() {
        return;
    }
    let book = Book::open(LONG);
    for round in 0..12 {
        let mut running = tokio::task::JoinSet::new();
        for n in 0..200 {
            let (journal, code) = (book.journal.clone(), format!("c-{round}-{n}"));
            running.spawn(async move {
                drop(journal.accept(asking(&code, &code), || true).await.unwrap());
            });
        }
        running.join_all().await;
    }
    let folder = book.folder.path();
    eventually("the log to be moved", || async {
        let log = std::fs::metadata(log_of(folder)).unwrap().len();
        (log < 4 << 20).then_some(())
    })
    .await;
    assert!(std::fs::metadata(file::path(folder)).unwrap().len() > 1 << 20);
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(file::path(folder), file::path(copy.path())).unwrap();
    let copied = Connection::open(file::path(copy.path())).unwrap();
    let mark: i64 = copied
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(mark, 1);
    book.journal.close().await.unwrap();
    let refused = book.journal.accept(asking("c-x", "k-x"), || true).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    assert_eq!(book.rows().len(), 2_400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_beside_the_log_of_another_one_is_refused() {
    if !is_embedded() {
        return;
    }
    let mut world = with_one_that_waits().await;
    let backup = world.folder.path().join("backup.db");
    let made = world
        .service
        .launch()
        .run(&["journal", "backup", backup.to_str().unwrap()]);
    assert!(made.status.success(), "{made:?}");
    world.kill();
    std::fs::copy(&backup, file::path(world.folder.path())).unwrap();
    let refused = world.service.launch().run(&["serve"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("beside the write-ahead log of another journal"),
        "{said}"
    );
}

/// The header of a write-ahead log as SQLite restarts it: the first salt is incremented, and the
/// checksum is right.
fn restart_log(log: &Path) {
    let mut bytes = std::fs::read(log).unwrap();
    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let (magic, salt) = (word(0), word(16));
    bytes[16..20].copy_from_slice(&salt.wrapping_add(1).to_be_bytes());
    bytes[20..24].copy_from_slice(&0x1234_5678_u32.to_be_bytes());
    let (mut first, mut second) = (0_u32, 0_u32);
    for pair in bytes[..24].chunks(8) {
        let read = |at: usize| -> u32 {
            let four = pair[at..at + 4].try_into().unwrap();
            match magic & 1 {
                1 => u32::from_be_bytes(four),
                _ => u32::from_le_bytes(four),
            }
        };
        first = first.wrapping_add(read(0)).wrapping_add(second);
        second = second.wrapping_add(read(4)).wrapping_add(first);
    }
    bytes[24..28].copy_from_slice(&first.to_be_bytes());
    bytes[28..32].copy_from_slice(&second.to_be_bytes());
    std::fs::write(log, bytes).unwrap();
}

/// SQLite writes the header of a restarted log, syncs it, and only then writes the first frame.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_the_log_restarts_raises_no_false_alarm() {
    if !is_embedded() {
        return;
    }
    let mut world = with_one_that_waits().await;
    // The whole journal is in the file now.
    stop(&mut world).await;
    world.restart().await;
    world.kill();
    restart_log(&log_of(world.folder.path()));
    world.restart().await;
    let logs = world.service.logs();
    assert!(!logs.contains(INCOMPLETE), "{logs}");
    let waiting = world.journal().iter().any(|row| row["state"] != "done");
    assert!(waiting, "the waiting cancellation continues");
    // A truncated log is a real loss.
    world.kill();
    let log = std::fs::OpenOptions::new()
        .write(true)
        .open(log_of(world.folder.path()));
    log.unwrap().set_len(100).unwrap();
    world.restart().await;
    assert!(world.service.logs().contains(INCOMPLETE));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_older_than_the_file_is_not_replayed_into_it() {
    if !is_embedded() {
        return;
    }
    let mut world = World::with(SHORT).await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "cancelled");
    world.kill();
    let (log, aside) = (
        log_of(world.folder.path()),
        world.folder.path().join("aside"),
    );
    std::fs::rename(&log, &aside).unwrap();
    world.restart().await;
    assert!(world.service.logs().contains(INCOMPLETE));
    world
        .ozmap
        .reserve(serde_json::json!({"code": "later-1"}))
        .await;
    assert_eq!(world.cancel("later-1", "m-2").await.outcome(), "cancelled");
    stop(&mut world).await;
    std::fs::rename(&aside, &log).unwrap();
    let refused = world.service.launch().run(&["serve"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("is older than"), "{said}");
    // The refusal changed nothing.
    std::fs::remove_file(&log).unwrap();
    drop(std::fs::remove_file(
        world.folder.path().join("journal.db-shm"),
    ));
    world.restart().await;
    let reply = world.cancel("later-1", "m-2").await;
    assert_eq!(
        (reply.outcome(), reply.json()["replayed"].clone()),
        ("cancelled".to_owned(), Value::Bool(true))
    );
}
