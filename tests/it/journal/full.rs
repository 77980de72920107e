//! A full disk: nothing new is accepted, accepted cancellations wait, and the file stays intact.

use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;

use super::*;
use crate::cancel::{CODE, PROPERTY, assert_deleted_only, assert_is_true, calls_of, each, named};
use crate::cancel::{asking as request, try_ask_of};
use crate::support::store::is_embedded;
use crate::support::{Launch, Ozmap, Service, eventually, skipped};

/// A small disk.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// `None` where this user may not mount one.
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path())
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self { folder })
    }

    fn filler(&self) -> PathBuf {
        self.folder.path().join("filler")
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        use std::io::Write;
        let mut file = std::fs::File::create(self.filler()).unwrap();
        while file.write(&[0; 4_096]).is_ok_and(|count| count > 0) {}
        let end = file.write(&[0]);
        assert_eq!(
            end.unwrap_err().kind(),
            std::io::ErrorKind::StorageFull,
            "the disk is full"
        );
    }

    /// Uses `bytes` bytes of it.
    fn take(&self, bytes: usize) {
        std::fs::write(self.filler(), vec![0; bytes]).unwrap();
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(
            Command::new("umount")
                .arg("-l")
                .arg(self.folder.path())
                .status(),
        );
    }
}

fn assert_whole(folder: &Path) {
    let reader = Connection::open(file::path(folder)).unwrap();
    let sound: String = reader
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
}

/// A service whose journal is on a small disk, and a cancellation that waits in a call to OZmap.
struct Cramped {
    ozmap: Ozmap,
    service: Service,
    asked: tokio::task::JoinHandle<std::io::Result<crate::support::Reply>>,
    // Last, because the service has files on it.
    disk: Disk,
}

impl Cramped {
    async fn standing_at(hold: &str, disk: Disk, free_bytes_min: &str) -> Self {
        let ozmap = Ozmap::start().await;
        let journal = format!("sqlite:{}", file::path(disk.folder.path()).display());
        let service = Launch::new(&ozmap.url(), &journal)
            .set("CHANNELS__CHATBOT__ANSWER_MS_MAX", "5000")
            .set("JOURNAL__DISK_FREE_BYTES_MIN", free_bytes_min)
            .start()
            .await;
        ozmap.fault(hold).await;
        let asked = tokio::spawn(try_ask_of(service.address(), request(CODE, "m-1")));
        ozmap.held().await;
        Self {
            ozmap,
            service,
            asked,
            disk,
        }
    }

    /// New requests are refused, and the load balancer sees that the service is not ready.
    async fn declines_everything(&self, case: &str) {
        for n in 0..5 {
            let body = request("reservation_123", &format!("late-{n}"));
            let reply = self.service.ask(&body).await;
            assert_eq!(reply.status, 503, "{case}: {reply:?}");
            assert_eq!(reply.json()["type"], "urn:ozmap-cancel:problem:journal");
            assert!(reply.header("retry-after").is_some(), "{case}");
        }
        eventually("the service to be unready", || async {
            (self.service.get("/health/ready").await.status == 503).then_some(())
        })
        .await;
        assert_eq!(self.service.get("/health/live").await.status, 200);
    }

    /// Once there is space again, accepted cancellations end, and refused requests were not
    /// executed.
    async fn ends_well(&self, case: &str) {
        eventually("the service to be ready again", || async {
            (self.service.get("/health/ready").await.status == 200).then_some(())
        })
        .await;
        let rows = eventually("the accepted cancellation to end", || async {
            let rows = file::cancellations(self.disk.folder.path());
            let is_over = rows.iter().all(|row| row["state"] == "done");
            is_over.then_some(rows)
        })
        .await;
        assert_eq!(rows.len(), 1, "{case}: {rows:?}");
        assert_eq!(rows[0]["outcome"], "cancelled", "{case}");
        assert_deleted_only(&self.ozmap, &[PROPERTY], case).await;
        let again = self.service.ask(&request(CODE, "m-1")).await;
        assert_eq!(again.outcome(), "cancelled", "{case}");
        assert_eq!(self.ozmap.holds("reservation_123").await.len(), 1, "{case}");
        // The refused caller retries.
        let late = self
            .service
            .ask(&request("reservation_123", "late-0"))
            .await;
        assert_eq!(late.outcome(), "cancelled", "{case}");
        assert_whole(self.disk.folder.path());
    }
}

/// The size of a disk that is filled to the last byte.
const FULL: &str = "1m";

const HOLDS: &[&str] = &[
    "lookup:hold_before*1",
    "lookup:hold_after*1",
    "delete:hold_before*1",
    "delete:hold_after*1",
    "get:hold_after*1",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_writing_steps_and_loses_nothing() {
    if !is_embedded() {
        return;
    }
    if Disk::mount(FULL).is_none() {
        return skipped("a tmpfs");
    }
    each(5, named(HOLDS), |case, hold| async move {
        let mut cramped = Cramped::standing_at(hold, Disk::mount(FULL).unwrap(), "0").await;
        cramped.disk.fill();
        cramped.declines_everything(&case).await;
        cramped.ozmap.release().await;
        let reply = (&mut cramped.asked).await.unwrap().unwrap();
        assert_is_true(&cramped.ozmap, CODE, PROPERTY, &reply, &case).await;
        assert_eq!(reply.outcome(), "pending", "{case}: it is not written down");
        // No deletion is sent whose target could not be written first.
        let sent = calls_of(&cramped.ozmap, "delete").await.len();
        assert_eq!(sent, usize::from(!hold.starts_with("lookup")), "{case}");
        cramped.declines_everything(&case).await;
        assert_whole(cramped.disk.folder.path());
        cramped.disk.free();
        cramped.ends_well(&case).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_the_disk_is_full_loses_nothing_either() {
    if !is_embedded() {
        return;
    }
    if Disk::mount(FULL).is_none() {
        return skipped("a tmpfs");
    }
    each(5, named(HOLDS), |case, hold| async move {
        let mut cramped = Cramped::standing_at(hold, Disk::mount(FULL).unwrap(), "0").await;
        cramped.disk.fill();
        cramped.declines_everything(&case).await;
        cramped.ozmap.release().await;
        cramped.service.kill();
        drop((&mut cramped.asked).await.unwrap());
        // A start without space says so.
        let launch = cramped.service.launch().clone();
        let refused = launch.run(&["serve"]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success(), "{case}: {said}");
        assert!(said.contains("disk is full"), "{case}: {said}");
        assert_whole(cramped.disk.folder.path());
        cramped.disk.free();
        cramped.service = launch.start().await;
        cramped.ends_well(&case).await;
    })
    .await;
}

/// Before the disk is full nothing new is accepted, so that running cancellations can be written to
/// their end.
#[tokio::test(flavor = "multi_thread")]
async fn a_nearly_full_disk_keeps_its_space_for_running_cancellations() {
    if !is_embedded() {
        return;
    }
    if Disk::mount("8m").is_none() {
        return skipped("a tmpfs");
    }
    each(5, named(HOLDS), |case, hold| async move {
        let disk = Disk::mount("8m").unwrap();
        let mut cramped = Cramped::standing_at(hold, disk, "4194304").await;
        cramped.disk.take(5 << 20);
        cramped.declines_everything(&case).await;
        let health = cramped.service.get("/health").await.json();
        assert_eq!(health["journal"]["status"], "disk_nearly_full", "{case}");
        assert_eq!(health["journal"]["active"], 1, "{case}: {health}");
        // It calls the simulator, which runs in this process.
        let launch = cramped.service.launch().clone();
        let said = tokio::task::spawn_blocking(move || launch.run(&["check"]));
        let said = said.await.unwrap();
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(
            said.contains("journal.disk_free_bytes_min = 4194304"),
            "{case}: {said}"
        );
        cramped.ozmap.release().await;
        let reply = (&mut cramped.asked).await.unwrap().unwrap();
        assert_is_true(&cramped.ozmap, CODE, PROPERTY, &reply, &case).await;
        let is_over = eventually("the running cancellation to end", async || {
            let again = cramped.service.ask(&request(CODE, "m-1")).await;
            (again.json()["final"] == true).then_some(again)
        });
        assert_eq!(is_over.await.outcome(), "cancelled", "{case}");
        cramped.declines_everything(&case).await;
        cramped.disk.free();
        cramped.ends_well(&case).await;
    })
    .await;
}

/// The disk that counts is the one under the file, whatever path leads to it.
#[tokio::test(flavor = "multi_thread")]
async fn the_free_space_is_that_of_the_disk_under_the_file() {
    if !is_embedded() {
        return;
    }
    let Some(disk) = Disk::mount("8m") else {
        return skipped("a tmpfs");
    };
    let folder = tempfile::tempdir().unwrap();
    let link = file::path(folder.path());
    std::os::unix::fs::symlink(file::path(disk.folder.path()), &link).unwrap();
    let ozmap = Ozmap::start().await;
    let service = Launch::new(&ozmap.url(), &format!("sqlite:{}", link.display()))
        .set("JOURNAL__DISK_FREE_BYTES_MIN", "4194304")
        .start()
        .await;
    disk.take(5 << 20);
    let declined = service.ask(&request(CODE, "m-1")).await;
    assert_eq!(declined.status, 503, "{declined:?}");
    disk.free();
    let reply = eventually("an answer once there is room", || async {
        let reply = service.ask(&request(CODE, "m-1")).await;
        (reply.json()["final"] == true).then_some(reply)
    })
    .await;
    assert_eq!(reply.outcome(), "cancelled");
    drop(service);
}
