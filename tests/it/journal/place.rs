//! The file of a journal: one instance whatever path opens it, and an alarm when the file is moved
//! or removed.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::cancel::CODE;
use crate::support::store::{is_embedded, journal_url};
use crate::support::{Launch, World, eventually, skipped};

fn refused_at(world: &World, folder: &Path) {
    let second = Launch::new(&world.ozmap.url(), &journal_url(folder)).run(&["serve"]);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        said.contains("in use by another running instance"),
        "{said}"
    );
    assert!(!second.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_instance_is_refused_whatever_path_it_opens() {
    if !is_embedded() {
        return;
    }
    let world = World::new().await;
    let path = file::path(world.folder.path());
    let linked = tempfile::tempdir().unwrap();
    std::fs::hard_link(&path, file::path(linked.path())).unwrap();
    refused_at(&world, linked.path());
    let symbolic = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(&path, file::path(symbolic.path())).unwrap();
    refused_at(&world, symbolic.path());
    // SQLite's own locks are independent: the service keeps writing, and a reader works beside it.
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "cancelled");
    assert_eq!(world.journal().len(), 1);
    let checked = world.service.launch().run(&["check"]);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(said.contains("in use by a running instance"), "{said}");
    assert_eq!(checked.status.code(), Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_instance_is_refused_on_a_bind_mount_of_the_file_alone() {
    if !is_embedded() {
        return;
    }
    let world = World::new().await;
    let other = tempfile::tempdir().unwrap();
    let target = file::path(other.path());
    std::fs::write(&target, "").unwrap();
    let mount = |arguments: &[&Path]| {
        let done = Command::new("mount").arg("--bind").args(arguments).output();
        done.is_ok_and(|done| done.status.success())
    };
    if !mount(&[&file::path(world.folder.path()), &target]) {
        return skipped("the right to mount");
    }
    let second = Launch::new(&world.ozmap.url(), &journal_url(other.path())).run(&["serve"]);
    let unmounted = Command::new("umount").arg("-l").arg(&target).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        said.contains("in use by another running instance"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_in_use_by_an_older_version_is_refused() {
    if !is_embedded() {
        return;
    }
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    // It takes only the lock on the name.
    let name = std::fs::File::create(folder.path().join("journal.db.lock")).unwrap();
    name.try_lock().unwrap();
    refused_at(&world, folder.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn check_reports_a_folder_that_the_service_may_not_write() {
    if !is_embedded() {
        return;
    }
    use std::os::unix::fs::PermissionsExt;
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let locked_up = folder.path().join("data");
    std::fs::create_dir(&locked_up).unwrap();
    std::fs::set_permissions(&locked_up, std::fs::Permissions::from_mode(0o555)).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let url = journal_url(&locked_up);
    let plain = Command::new("setpriv")
        .args(["--reuid=65532", "--regid=65532", "--clear-groups"])
        .arg("true")
        .output();
    let is_root = plain.is_ok_and(|done| done.status.success());
    if !is_root {
        return skipped("the right to run as another user");
    }
    let checked = Command::new("setpriv")
        .args(["--reuid=65532", "--regid=65532", "--clear-groups"])
        .args([crate::support::service::binary().as_str(), "check"])
        .env_clear()
        .env("OZMAP_CANCEL__OZMAP__BASE_URL", world.ozmap.url())
        .env("OZMAP_CANCEL__OZMAP__API_KEY", crate::support::KEY)
        .env(
            "OZMAP_CANCEL__CHANNELS__CHATBOT__SECRET",
            crate::support::SECRET,
        )
        .env("OZMAP_CANCEL__JOURNAL__URL", url)
        .output();
    let Ok(checked) = checked else {
        return skipped("a binary that another user may run");
    };
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    if said.is_empty() {
        return skipped("a binary that another user may run");
    }
    assert!(said.contains("may not be written"), "{said}");
    assert_eq!(checked.status.code(), Some(1));
}

/// A name, and a change to a folder.
type Happening = (&'static str, fn(&Path));

/// Changes to the files of a running service.
fn happenings() -> Vec<Happening> {
    vec![
        ("removed", |folder| {
            std::fs::remove_file(file::path(folder)).unwrap()
        }),
        ("renamed", |folder| {
            std::fs::rename(file::path(folder), folder.join("old.db")).unwrap();
        }),
        ("replaced", |folder| {
            std::fs::rename(file::path(folder), folder.join("old.db")).unwrap();
            std::fs::copy(folder.join("old.db"), file::path(folder)).unwrap();
        }),
        ("cut off", |folder| {
            let file = std::fs::File::options()
                .write(true)
                .open(file::path(folder));
            file.unwrap().set_len(0).unwrap();
        }),
        ("its log removed", |folder| {
            std::fs::remove_file(folder.join("journal.db-wal")).unwrap();
        }),
        ("its log cut off", |folder| {
            let file = std::fs::File::options()
                .write(true)
                .open(folder.join("journal.db-wal"));
            file.unwrap().set_len(0).unwrap();
        }),
        ("its folder renamed", |folder| {
            std::fs::rename(folder, folder.with_extension("old")).unwrap();
        }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_disappears_is_noticed_and_nothing_is_accepted() {
    if !is_embedded() {
        return;
    }
    for (happening, happen) in happenings() {
        let ozmap = crate::support::Ozmap::start().await;
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        let service = Launch::new(&ozmap.url(), &journal_url(&folder))
            .start()
            .await;
        let first = service.ask(&crate::cancel::asking("999|999", "m-1")).await;
        assert_eq!(first.outcome(), "not_found", "{happening}");
        happen(&folder);
        // Without time to notice it: every acceptance checks first.
        let declined = service.ask(&crate::cancel::asking(CODE, "m-2")).await;
        assert_eq!(declined.status, 503, "{happening}: {declined:?}");
        eventually(
            &format!("{happening}: an ERROR, and not to be ready"),
            || async {
                let ready = service.get("/health/ready").await.status;
                let said = service.logs();
                let is_said = said.contains("ERROR") && said.contains("under the running service");
                (ready == 503 && is_said).then_some(())
            },
        )
        .await;
        let declined = service.ask(&crate::cancel::asking(CODE, "m-2")).await;
        assert_eq!(declined.status, 503, "{happening}: {declined:?}");
        assert!(ozmap.deletions().await.is_empty(), "{happening}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_disappears_is_noticed_without_a_request() {
    if !is_embedded() {
        return;
    }
    let world = World::new().await;
    std::fs::remove_file(file::path(world.folder.path())).unwrap();
    eventually("an ERROR", || async {
        let said = world.service.logs();
        said.contains("ERROR nothing new is accepted").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_journal_is_used_again_and_another_program_may_empty_its_log() {
    if !is_embedded() {
        return;
    }
    let world = World::new().await;
    let (path, away) = (
        file::path(world.folder.path()),
        world.folder.path().join("away"),
    );
    std::fs::rename(&path, &away).unwrap();
    assert_eq!(world.cancel("999|999", "m-1").await.status, 503);
    std::fs::rename(&away, &path).unwrap();
    eventually("to be ready", || async {
        (world.service.get("/health/ready").await.status == 200).then_some(())
    })
    .await;
    assert_eq!(world.cancel("999|999", "m-1").await.outcome(), "not_found");
    file::Foreign::of(world.folder.path()).run("PRAGMA wal_checkpoint(TRUNCATE)");
    let reply = world.cancel(CODE, "m-2").await;
    assert_eq!(reply.outcome(), "cancelled", "{}", world.service.logs());
}
