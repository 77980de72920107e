//! `journal backup`: a copy in one file while the service writes, and its restoration after the
//! journal was lost.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::cancel::{CODE, SHORT, asking as request};
use crate::support::store::is_embedded;
use crate::support::{World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_while_the_service_writes_and_serves_in_its_place() {
    if !is_embedded() {
        return;
    }
    let mut world = World::with(SHORT).await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "cancelled");
    world.ozmap.fault("lookup:status=503").await;
    assert_eq!(world.cancel("later-1", "m-2").await.outcome(), "pending");
    let backup = world.folder.path().join("backup.db");
    let name = backup.to_str().unwrap();
    let made = world.service.launch().run(&["journal", "backup", name]);
    let said = String::from_utf8_lossy(&made.stdout).into_owned();
    assert!(made.status.success(), "{made:?}");
    let bytes = std::fs::metadata(&backup).unwrap().len();
    assert!(
        said.contains("2 cancellations") && said.contains(&format!("{bytes} bytes")),
        "{said}"
    );
    assert_eq!(
        std::fs::metadata(&backup).unwrap().permissions().mode() & 0o777,
        0o600
    );
    for left in ["backup.db-wal", "backup.db-journal", "backup.db.partial"] {
        assert!(!world.folder.path().join(left).exists(), "{left}");
    }
    // It never overwrites a file.
    let kept = std::fs::read(&backup).unwrap();
    for there in [name, file::path(world.folder.path()).to_str().unwrap()] {
        let refused = world.service.launch().run(&["journal", "backup", there]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("is there already"), "{said}");
        assert_eq!(refused.status.code(), Some(1));
    }
    assert_eq!(std::fs::read(&backup).unwrap(), kept);
    // Whatever is accepted after the backup is lost with the journal.
    world.ozmap.heal().await;
    world.ask_until_final(request("later-1", "m-2")).await;
    world.kill();
    for lost in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        drop(std::fs::remove_file(world.folder.path().join(lost)));
    }
    std::fs::copy(&backup, file::path(world.folder.path())).unwrap();
    let checked = world.service.launch().run(&["check"]);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(said.contains("journal_restored"), "{said}");
    world.restart().await;
    let logs = world.service.logs();
    assert!(logs.contains("a copy that was put in place"), "{logs}");
    // Outcomes in the copy are replayed; the others are not guessed.
    let again = world.cancel(CODE, "m-1").await;
    assert_eq!(
        (again.outcome().as_str(), &again.json()["replayed"]),
        ("cancelled", &json!(true))
    );
    let unclear = world.cancel("later-1", "m-2").await;
    assert_eq!(unclear.outcome(), "unknown");
    eventually("new ones to be served", || async {
        (world.cancel("999|999", "m-3").await.outcome() == "not_found").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_on_a_server_is_copied_by_the_servers_own_tools() {
    if is_embedded() {
        return;
    }
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup.db");
    let refused = world
        .service
        .launch()
        .run(&["journal", "backup", backup.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("pg_dump"), "{said}");
    assert!(!backup.exists());
}
