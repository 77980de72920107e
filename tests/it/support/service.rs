//! The real binary as a child process: `serve` with its settings in its environment, which must
//! inherit nothing else from the test process.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::http::{Reply, send};
use super::{KEY, PATIENCE, SECRET};

/// The binary under test: the one that cargo built, or the one that `OZMAP_CANCEL_TEST_BINARY`
/// names, so that a changed binary is tested without compiling the tests again.
pub fn binary() -> String {
    std::env::var("OZMAP_CANCEL_TEST_BINARY")
        .unwrap_or_else(|_| env!("CARGO_BIN_EXE_ozmap-cancel").to_owned())
}

/// A service before its start.
#[derive(Clone)]
pub struct Launch {
    journal: String,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
}

impl Launch {
    /// A service on a free port with the channel `chatbot`.
    pub fn new(ozmap: &str, journal: &str) -> Self {
        let launch = Self {
            journal: journal.to_owned(),
            environment: Vec::new(),
            arguments: Vec::new(),
        };
        launch
            .set("SERVER__LISTEN", "127.0.0.1:0")
            .set("OZMAP__BASE_URL", ozmap)
            .set("OZMAP__API_KEY", KEY)
            .set("JOURNAL__URL", journal)
            .set("CHANNELS__CHATBOT__SECRET", SECRET)
            .set("SERVER__STOP_NOTICE_MS", "0")
    }

    /// Sets one key, like `("OZMAP__LOOKUP_MS", "500")`; the last value wins.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.environment
            .push((format!("OZMAP_CANCEL__{name}"), value.to_owned()));
        self
    }

    /// Sets an environment variable that is not a setting of the service, like `HTTP_PROXY`.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds an argument before the command, like `--config`.
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// The program with its settings, for a test that starts it itself.
    pub fn command(&self) -> Command {
        let mut command = Command::new(binary());
        command
            .env_clear()
            .envs(self.environment.iter().cloned())
            .args(&self.arguments);
        command
    }

    /// A bash in a folder, with the same configuration in its environment.
    pub fn shell(&self, folder: &Path) -> Command {
        let mut command = Command::new("bash");
        command
            .env_clear()
            .envs(self.environment.iter().cloned())
            .current_dir(folder);
        command
    }

    /// Runs another command to its end, with the same configuration.
    pub fn run(&self, verb: &[&str]) -> Output {
        self.command()
            .args(verb)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Starts the service and waits until it listens.
    pub async fn start(&self) -> Service {
        let mut child = self
            .command()
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let logs = Arc::new(Mutex::new(String::new()));
        let stderr = child.stderr.take().unwrap();
        let kept = logs.clone();
        let reader = thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut kept = kept.lock().unwrap();
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        let deadline = Instant::now() + PATIENCE;
        let address = loop {
            let found = logs
                .lock()
                .unwrap()
                .split("listening on http://")
                .nth(1)
                // In a JSON log the line continues after the address.
                .and_then(|rest| rest.split(['"', '\n']).next()?.parse().ok());
            if let Some(address) = found {
                break address;
            }
            let ended = child.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "the service ended: {}",
                logs.lock().unwrap()
            );
            assert!(
                Instant::now() < deadline,
                "the service does not listen: {}",
                logs.lock().unwrap()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        Service {
            child,
            address,
            logs,
            reader,
            launch: self.clone(),
        }
    }
}

/// A running service; it is killed with the test.
pub struct Service {
    child: Child,
    address: SocketAddr,
    logs: Arc<Mutex<String>>,
    /// Ends when everything that the process logged was read.
    reader: thread::JoinHandle<()>,
    launch: Launch,
}

impl Service {
    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its stderr so far.
    pub fn logs(&self) -> String {
        self.logs.lock().unwrap().clone()
    }

    /// The settings with which it was started.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills the service with SIGKILL, and waits until it has ended.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Sends a signal by name, like `TERM`, `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits until the process ends by itself and its last log line was read, and returns its exit
    /// code.
    pub async fn ended(&mut self) -> Option<i32> {
        let deadline = Instant::now() + Duration::from_secs(40);
        loop {
            let status = self.child.try_wait().unwrap();
            if let Some(status) = status.filter(|_| self.reader.is_finished()) {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the service did not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sends a request to the channel `chatbot` with its secret; the test fails if there is no
    /// answer.
    pub async fn ask(&self, body: &Value) -> Reply {
        self.try_ask(body).await.unwrap()
    }

    /// Like `ask`, for a service that may have ended.
    pub async fn try_ask(&self, body: &Value) -> std::io::Result<Reply> {
        self.post("chatbot", &[], body.to_string().as_bytes()).await
    }

    /// Sends a body to a channel with the secret of `chatbot` and more headers.
    pub async fn post(
        &self,
        channel: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Reply> {
        let authorization = format!("Bearer {SECRET}");
        let mut all = vec![
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/json"),
        ];
        all.extend_from_slice(headers);
        send(
            self.address,
            "POST",
            &format!("/webhooks/{channel}"),
            &all,
            body,
        )
        .await
    }

    /// Reads a page.
    pub async fn get(&self, path: &str) -> Reply {
        send(self.address, "GET", path, &[], b"").await.unwrap()
    }

    /// The rows of the journal, newest first.
    pub fn journal(&self) -> Vec<Value> {
        let listed = self
            .launch
            .run(&["journal", "list", "--json", "--limit", "100000"]);
        assert!(
            listed.status.success(),
            "journal list: {}",
            String::from_utf8_lossy(&listed.stderr)
        );
        String::from_utf8(listed.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The path or URL of its journal, for a test that reads the journal itself.
    pub fn journal_url(&self) -> &str {
        &self.launch.journal
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}
