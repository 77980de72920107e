//! A private PostgreSQL server for the tests: one for each test process, and a separate one for a
//! test that breaks its server.
//!
//! The server runs in a temporary folder on a free port of this machine. It must never outlive the
//! test process, however that ends: a shell beside it waits until the test process closes its end
//! of a pipe.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// The timeout of a start; the machine may be busy.
const START_WITHIN: Duration = Duration::from_secs(60);

/// Whether a test kills the server and then checks which commits were durable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    On,
    Off,
}

/// A running server.
pub struct Server {
    folder: PathBuf,
    port: u16,
    settings: Vec<String>,
    // Its standard input is the pipe.
    watch: Option<Child>,
}

/// The server of this test process; `None` on a machine without PostgreSQL.
pub fn shared() -> Option<&'static Server> {
    #[allow(
        clippy::disallowed_types,
        reason = "one server for all tests of a process"
    )]
    static SERVER: std::sync::OnceLock<Option<Server>> = std::sync::OnceLock::new();
    SERVER
        .get_or_init(|| Server::start(Sync::Off, &[]))
        .as_ref()
}

impl Server {
    /// Creates a new server; `None` on a machine without PostgreSQL.
    pub fn start(sync: Sync, settings: &[&str]) -> Option<Self> {
        let programs = programs()?;
        let folder = tempfile::Builder::new()
            .prefix("ozmap-cancel-postgres")
            .tempdir()
            .unwrap()
            .keep();
        if is_root() {
            let user = user();
            run(Command::new("chown").arg(&user).arg(&folder));
        }
        let data = folder.join("data");
        run(unprivileged(&programs.join("initdb"))
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8"])
            .args(["--no-locale", "--no-sync", "--pgdata"])
            .arg(&data));
        // A role that must authenticate, for tests that secrets appear in no output.
        let access =
            "host all secretive 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n";
        std::fs::write(data.join("pg_hba.conf"), access).unwrap();
        let fsync = match sync {
            Sync::On => "fsync=on",
            Sync::Off => "fsync=off",
        };
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut server = Self {
            port: free.local_addr().unwrap().port(),
            folder,
            settings: [fsync]
                .iter()
                .chain(settings)
                .map(|one| (*one).to_owned())
                .collect(),
            watch: None,
        };
        drop(free);
        server.run();
        Some(server)
    }

    /// Starts the server on its folder, and waits until it answers.
    pub fn run(&mut self) {
        let programs = programs().unwrap();
        let deadline = Instant::now() + START_WITHIN;
        // After a kill the processes of the last run must end first.
        loop {
            self.spawn(&programs);
            loop {
                if Session::try_open(&self.url("postgres")).is_ok() {
                    return;
                }
                assert!(
                    Instant::now() < deadline,
                    "PostgreSQL does not start: {}",
                    self.log()
                );
                let ended = self.watch.as_mut().unwrap().try_wait().unwrap();
                thread::sleep(Duration::from_millis(20));
                if ended.is_some() {
                    break;
                }
            }
        }
    }

    fn spawn(&mut self, programs: &Path) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        // The shell ends when PostgreSQL ends. When the pipe closes, it stops PostgreSQL and
        // removes the folder.
        let script = r#"
            exec 3<&0
            folder=$1; shift
            "$@" & server=$!
            (
                cat > /dev/null <&3
                trap "" TERM
                kill -INT $server
                while kill -0 $server 2> /dev/null; do sleep 0.1; done
                rm -rf "$folder"
            ) & guard=$!
            wait $server
            kill $guard"#;
        let mut server = vec![
            "-D".to_owned(),
            self.folder.join("data").display().to_string(),
        ];
        let port = format!("port={}", self.port);
        let fixed = [
            port.as_str(),
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=400",
            "shared_buffers=32MB",
        ];
        for setting in fixed
            .into_iter()
            .chain(self.settings.iter().map(String::as_str))
        {
            server.extend(["-c".to_owned(), setting.to_owned()]);
        }
        let program = unprivileged(&programs.join("postgres"));
        let mut shell = Command::new("sh");
        shell
            .args(["-c", script, "sh"])
            .arg(&self.folder)
            .arg(program.get_program())
            .args(program.get_args())
            .args(server)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        self.watch = Some(shell.spawn().unwrap());
    }

    /// The process id of the server.
    fn pid(&self) -> String {
        let file = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        file.lines().next().unwrap().to_owned()
    }

    /// Kills the server with SIGKILL; it writes nothing to the disk any more.
    pub fn kill(&mut self) {
        self.signal("KILL");
        let mut watch = self.watch.take().unwrap();
        // Not `wait`, which closes the pipe first, whereupon the shell removes the folder.
        while watch.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends the server a signal by name, like `STOP`.
    pub fn signal(&self, name: &str) {
        run(Command::new("kill").args(["-s", name, &self.pid()]));
    }

    /// The URL of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Its port on this machine.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The text of its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Its folder, which belongs to the user that it runs as.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The URL of a new journal: a schema of its own.
    pub fn place(&self, name: &str) -> String {
        let schema = schema(name);
        let session = Session::open(&self.url("postgres"));
        session.run(&format!("CREATE SCHEMA IF NOT EXISTS {schema}"));
        format!("{}?options=-csearch_path%3D{schema}", self.url("postgres"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Closes the pipe; the shell stops the server and ends.
        if let Some(mut watch) = self.watch.take() {
            drop(watch.stdin.take());
            drop(watch.wait());
        }
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// A name for a schema. The names of folders differ in case, and those of schemas must not.
fn schema(name: &str) -> String {
    format!("w_{}", hex::encode(name))
}

/// A separate session, for a test that reads the tables or interferes. Its calls block.
pub struct Session {
    client: Client,
    runtime: Option<Runtime>,
}

impl Session {
    pub fn open(url: &str) -> Self {
        Self::try_open(url).unwrap()
    }

    pub fn try_open(url: &str) -> Result<Self, tokio_postgres::Error> {
        let url = url.to_owned();
        let open = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let client = runtime.block_on(async {
                let (client, wire) = tokio_postgres::connect(&url, NoTls).await?;
                tokio::spawn(async move { drop(wire.await) });
                Ok(client)
            });
            match client {
                Ok(client) => Ok(Self {
                    client,
                    runtime: Some(runtime),
                }),
                Err(error) => Err(error),
            }
        };
        // A test may run in an async runtime, which must not be blocked.
        thread::spawn(open).join().unwrap()
    }

    /// Runs statements, and returns the first column of their rows, parsed as JSON where possible.
    pub fn run(&self, sql: &str) -> Vec<Value> {
        self.try_run(sql).unwrap()
    }

    pub fn try_run(&self, sql: &str) -> Result<Vec<Value>, tokio_postgres::Error> {
        let runtime = self.runtime.as_ref().unwrap();
        let answer = thread::scope(|scope| {
            let ask = || runtime.block_on(self.client.simple_query(sql));
            scope.spawn(ask).join().unwrap()
        })?;
        let first = |message: &SimpleQueryMessage| {
            let SimpleQueryMessage::Row(row) = message else {
                return None;
            };
            let text = row.get(0);
            Some(text.map_or(Value::Null, |text| {
                serde_json::from_str(text).unwrap_or_else(|_| text.into())
            }))
        };
        Ok(answer.iter().filter_map(first).collect())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The folder of PostgreSQL's programs.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default();
    folders.push("/usr/local/bin".into());
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|found| found.flatten().map(|one| one.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.starts_with(b"0\n")
}

/// The user that runs the server; PostgreSQL refuses to run as root.
fn user() -> String {
    let known = Command::new("id")
        .args(["-u", "postgres"])
        .output()
        .unwrap();
    if known.status.success() {
        "postgres"
    } else {
        "nobody"
    }
    .to_owned()
}

fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={}", user()))
        .args(["--clear-groups", "--"])
        .arg(program)
        .current_dir("/");
    command
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
