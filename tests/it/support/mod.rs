//! A world for a test: the real binary as a child process, a simulated OZmap in this process, and a
//! folder for the journal.
//!
//! Tests observe the world from the outside: HTTP answers, the simulator's state, the journal's
//! rows. They must never sleep: they wait for a state, with a deadline whose message names that
//! state.

pub mod http;
pub mod ozmap;
pub mod postgres;
pub mod service;
pub mod store;

use std::fs::File;
use std::future::Future;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, RngSeed};
use serde_json::{Value, json};
use tempfile::TempDir;

pub use http::Reply;
pub use ozmap::Ozmap;
pub use service::{Launch, Service};

/// The time that a test waits for a state before it fails: long, because several tests share a
/// core.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// The API key of the simulated OZmap.
pub const KEY: &str = "simulator-key";

/// The secret of the channel `chatbot`.
pub const SECRET: &str = "a-secret-of-thirty-two-characters";

/// A service, the OZmap that it works on, and the folder of its journal.
pub struct World {
    pub ozmap: Ozmap,
    pub service: Service,
    pub folder: TempDir,
    settings: Vec<(String, String)>,
}

impl World {
    /// A world with the simulator's seed and the default configuration.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A world with settings over the default ones, as `("OZMAP__LOOKUP_MS", "500")`.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let ozmap = Ozmap::start().await;
        Self::on(ozmap, settings).await
    }

    /// A world on an OZmap that already exists.
    pub async fn on(ozmap: Ozmap, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings: Vec<(String, String)> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let service = Self::launch(&ozmap.url(), &folder, &settings).start().await;
        Self {
            ozmap,
            service,
            folder,
            settings,
        }
    }

    fn launch(ozmap: &str, folder: &TempDir, settings: &[(String, String)]) -> Launch {
        let journal = store::journal_url(folder.path());
        let mut launch = Launch::new(ozmap, &journal);
        for (name, value) in settings {
            launch = launch.set(name, value);
        }
        launch
    }

    /// Kills the service with SIGKILL.
    pub fn kill(&mut self) {
        self.service.kill();
    }

    /// Starts the service again on the same journal and the same OZmap.
    pub async fn restart(&mut self) {
        self.service.kill();
        self.service = Self::launch(&self.ozmap.url(), &self.folder, &self.settings)
            .start()
            .await;
    }

    /// Sends a request to the channel `chatbot` with its secret.
    pub async fn ask(&self, body: Value) -> Reply {
        self.service.ask(&body).await
    }

    /// Cancels a code with a message id.
    pub async fn cancel(&self, code: &str, message_id: &str) -> Reply {
        self.ask(json!({"code": code, "message_id": message_id}))
            .await
    }

    /// Repeats a request until the answer is final.
    pub async fn ask_until_final(&self, body: Value) -> Reply {
        eventually("a final answer", || async {
            let reply = self.service.try_ask(&body).await.ok()?;
            (reply.status == 200 && reply.json()["final"] == json!(true)).then_some(reply)
        })
        .await
    }

    /// The rows of the journal, newest first, as `journal list --json` prints them.
    pub fn journal(&self) -> Vec<Value> {
        self.service.journal()
    }

    /// Waits until every cancellation of the journal has ended, and returns the rows.
    pub async fn settled(&self) -> Vec<Value> {
        eventually("every cancellation to end", || async {
            let rows = self.journal();
            rows.iter()
                .all(|row| row["state"] == "done")
                .then_some(rows)
        })
        .await
    }
}

/// Waits until a state is reached.
pub async fn eventually<T, F>(what: &str, look: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    eventually_within(PATIENCE, what, look).await
}

/// Like `eventually`, for a state that may take longer.
pub async fn eventually_within<T, F>(
    patience: Duration,
    what: &str,
    mut look: impl FnMut() -> F,
) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + patience;
    loop {
        if let Some(state) = look().await {
            return state;
        }
        assert!(Instant::now() < deadline, "waited {patience:?} for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Fixes the random cases, so that every run tries the same ones. `PROPTEST_RNG_SEED` selects
/// others.
pub fn draws() -> Config {
    let usual = Config::default();
    Config {
        rng_seed: match usual.rng_seed {
            RngSeed::Random => RngSeed::Fixed(20_261_127),
            chosen @ RngSeed::Fixed(_) => chosen,
        },
        ..usual
    }
}

/// Whether this machine can trace the writes of a process.
pub fn has_strace() -> bool {
    let found = std::process::Command::new("strace").arg("-V").output();
    found.is_ok_and(|found| found.status.success())
}

/// Reports that a test cannot run here, and records it for `tests/skipped.rs`, which reports it at
/// the end of `cargo test`. In CI, which installs everything, a skip is a failure.
pub fn skipped(needs: &str) {
    record_skip(needs);
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "skipped in CI: needs {needs}"
    );
    eprintln!("skipped: needs {needs}");
}

/// Appends one line to the record of this `cargo` process.
fn record_skip(needs: &str) {
    let cargo = std::os::unix::process::parent_id();
    let record = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("skipped-{cargo}"));
    let mut record = File::options()
        .create(true)
        .append(true)
        .open(record)
        .unwrap();
    // One write for each line, so that tests that run at once do not mix their lines.
    record.write_all(format!("{needs}\n").as_bytes()).unwrap();
}
