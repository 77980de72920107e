//! A new OZmap key while the service runs: written to its file, read at SIGHUP.

use std::path::PathBuf;

use super::*;
use crate::support::store::journal_url;
use crate::support::{KEY, Service};

/// A service whose key is in a file.
struct Keyed {
    ozmap: Ozmap,
    service: Service,
    file: PathBuf,
    // Last, because the service has files in it.
    _folder: tempfile::TempDir,
}

impl Keyed {
    async fn with(key: &str) -> Self {
        let ozmap = Ozmap::start().await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, key).unwrap();
        let mut launch = Launch::new(&ozmap.url(), &journal_url(folder.path()))
            .set("OZMAP__API_KEY", "")
            .set("OZMAP__API_KEY_FILE", file.to_str().unwrap());
        for (name, value) in SHORT {
            launch = launch.set(name, value);
        }
        Self {
            service: launch.start().await,
            ozmap,
            file,
            _folder: folder,
        }
    }

    /// Sends the signal and waits for a log line about it.
    async fn sighup(&self, said: &str) {
        self.service.signal("HUP");
        eventually(said, || async {
            self.service.logs().contains(said).then_some(())
        })
        .await;
    }

    async fn is_cancelled(&self, code: &str, message: &str) {
        let body = asking(code, message);
        eventually(&format!("{code} to be cancelled"), || async {
            let reply = self.service.ask(&body).await;
            (reply.outcome() == "cancelled").then_some(())
        })
        .await;
        assert!(self.ozmap.holds(code).await.is_empty());
    }
}

const TAKEN: &str = "OZmap key reloaded";

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_probed_at_once_and_waiting_cancellations_resume() {
    let keyed = Keyed::with("revoked").await;
    let pending = keyed.service.ask(&asking(CODE, "m-1")).await;
    assert_eq!(pending.outcome(), "pending");
    let health = keyed.service.get("/health").await.json();
    assert_eq!(health["ozmap"]["status"], "ozmap_unauthorized");
    // The same key would only be rejected again, and an unreadable one is not used.
    keyed.sighup("OZmap key not changed").await;
    std::fs::remove_file(&keyed.file).unwrap();
    keyed
        .sighup("OZmap key not reloaded, the old one stays in use: ozmap.api_key_file")
        .await;
    std::fs::write(&keyed.file, KEY).unwrap();
    keyed.sighup(TAKEN).await;
    // Sooner than a rejected key is retried.
    keyed.is_cancelled(CODE, "m-1").await;
    let logs = keyed.service.logs();
    assert!(!logs.contains(KEY) && !logs.contains("revoked"), "{logs}");
}

/// The deletions may have waited for hours, because only a person could fix the key.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_the_right_to_delete_releases_the_held_deletions() {
    let keyed = Keyed::with("simulator-read-only").await;
    let pending = keyed.service.ask(&asking(CODE, "m-1")).await;
    assert_eq!(pending.outcome(), "pending");
    called(&keyed.ozmap, "delete", 1).await;
    eventually("deletions to be held", || async {
        let health = keyed.service.get("/health").await.json();
        (health["ozmap"]["deletes_refused"] == true).then_some(())
    })
    .await;
    std::fs::write(&keyed.file, KEY).unwrap();
    keyed.sighup(TAKEN).await;
    keyed.is_cancelled(CODE, "m-1").await;
    assert_deleted_only(&keyed.ozmap, &[PROPERTY], "a new key").await;
}
