//! A third-party program as a child process: found in the checkout or on the system, and ended by a
//! deadline or with the test.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::support::skipped;

/// The command that installs all programs, for the messages.
const INSTALL: &str = "bash tests/third-parties";

/// A path below the checkout.
pub fn in_checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The Python of the checkout's own environment, if it has these modules.
pub fn python(modules: &[&str]) -> Option<Command> {
    let python = in_checkout("target/python/bin/python");
    let look = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))";
    let found = Command::new(&python)
        .args(["-c", look])
        .args(modules)
        .output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(clean(&python));
    }
    skipped(&format!("Python with {} ({INSTALL})", modules.join(", ")));
    None
}

/// Node.js, if this folder of the checkout has the module installed.
pub fn node(folder: &str, module: &str) -> Option<Command> {
    let is_there = in_checkout(folder)
        .join("node_modules")
        .join(module)
        .is_dir();
    let version = Command::new("node").arg("--version").output();
    if is_there && version.is_ok_and(|output| output.status.success()) {
        return Some(clean(Path::new("node")));
    }
    skipped(&format!("Node and {module} ({INSTALL})"));
    None
}

/// A program of the system, if it is installed.
pub fn installed(program: &str) -> Option<Command> {
    let version = Command::new(program).arg("--version").output();
    if version.is_ok_and(|output| output.status.success()) {
        return Some(clean(Path::new(program)));
    }
    skipped(program);
    None
}

/// Removes the settings of this process: above all a proxy, which would receive the calls instead
/// of the service.
fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for kept in ["PATH", "HOME", "LANG"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
}

/// How a program ended.
pub struct Ended {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

/// A running program; it is killed with the test.
pub struct Program {
    child: Child,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
}

impl Program {
    /// Starts the program and writes its input.
    pub fn start(mut command: Command, input: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        // A program that does not read its input is judged by its output.
        thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self {
            child,
            stdout: Some(read(stdout)),
            stderr: Some(read(stderr)),
        }
    }

    /// Whether the program has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until the program ends by itself; the test fails if it does not.
    pub async fn ended(&mut self, within: Duration) -> Ended {
        let deadline = Instant::now() + within;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break Some(status);
            }
            if Instant::now() > deadline {
                drop(self.child.kill());
                break None;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let text = |reader: Option<JoinHandle<String>>| reader.unwrap().join().unwrap();
        let ended = Ended {
            success: status.is_some_and(|status| status.success()),
            stdout: text(self.stdout.take()),
            stderr: text(self.stderr.take()),
        };
        assert!(
            status.is_some(),
            "it did not end within {within:?}: {}\n{}",
            ended.stdout,
            ended.stderr
        );
        ended
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn read(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        drop(stream.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
