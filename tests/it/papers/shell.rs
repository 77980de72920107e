//! Shell blocks that are run as they are written, by bash in an empty folder, with a real service beside it.
//!
//! Only three commands stand for others: `cargo run` and `ozmap-cancel` run the binary that is tested, and `curl` reaches
//! the service of the test in place of the papers' addresses. A command that keeps running is stopped once it serves.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::blocks::{Block, Kind};
use crate::support::service::binary;
use crate::support::{KEY, World, skipped};

/// Where a shell block is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// Beside a running demo, or with one of its own.
    Demo,
    /// With the settings of a running service, which has cancelled once.
    Service,
    /// The same, in a folder with the preset `acme`, its configuration and a captured request.
    Acme,
    /// Beside a simulated OZmap.
    Simulator,
    /// Nowhere: it needs root, Docker, the network or an hour. `commands` reads it.
    System,
}

impl Session {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "demo" => Self::Demo,
            "service" => Self::Service,
            "acme" => Self::Acme,
            "simulator" => Self::Simulator,
            "system" => Self::System,
            _ => return None,
        })
    }

    pub async fn run(self, world: &World, block: &Block, all: &[Block]) {
        match self {
            Self::Demo => beside_a_demo(world, block),
            Self::Service => {
                let protocol = world.cancel("123|123", "papers").await.json()["protocol"].clone();
                let said = bash(
                    world,
                    block,
                    protocol.as_str().unwrap(),
                    &Folder::new(),
                    None,
                );
                assert!(!said.is_empty(), "{}: it prints nothing", block.at);
            }
            Self::Acme => with_a_preset(world, block, all),
            Self::Simulator => {
                bash(world, block, "", &Folder::new(), None);
            }
            Self::System => is_bash(block),
        }
    }
}

/// A folder to work in, and beside it the commands that stand for others.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        fs::create_dir(folder.path().join("work")).unwrap();
        for (name, text) in [("cargo", CARGO), ("ozmap-cancel", SERVICE), ("curl", CURL)] {
            let file = folder.path().join("bin").join(name);
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self(folder)
    }

    fn work(&self) -> std::path::PathBuf {
        self.0.path().join("work")
    }
}

/// `cargo test` and the like are only read, by `commands`.
const CARGO: &str = r#"#!/usr/bin/env bash
set -eu
[[ $1 == run ]] || exit 0
shift
verb=()
while (($#)); do
  case $1 in
    --release) ;;
    -p) shift; [[ $1 == ozmap-simulator ]]; verb=(simulate) ;;
    --) shift; break ;;
    *) exit 64 ;;
  esac
  shift
done
exec ozmap-cancel "${verb[@]}" "$@"
"#;

const SERVICE: &str = r#"#!/usr/bin/env bash
set -eu
case ${OZMAP_CANCEL__OZMAP__BASE_URL-} in
  https://prov*.ozmap.com.br:9994)
    export OZMAP_CANCEL__OZMAP__BASE_URL=$PAPERS_OZMAP OZMAP_CANCEL__OZMAP__API_KEY=$PAPERS_KEY ;;
esac
words=() more=() serves=''
for word in "$@"; do
  case $word in
    serve) serves='listening on http' ;;
    simulate) serves='curl' more=(--listen 127.0.0.1:0) ;;
    demo) serves='for every try' more=(--port 0) ;;
  esac
  word=${word//127.0.0.1:8080/$PAPERS_SERVICE}
  words+=("${word//20261123004217/$PAPERS_PROTOCOL}")
done
[[ -n $serves ]] || exec "$PAPERS_BINARY" "${words[@]}"
# A journal of its own: the other one is in use.
export OZMAP_CANCEL__JOURNAL__URL=sqlite:of-its-own.db
"$PAPERS_BINARY" "${words[@]}" "${more[@]}" > said 2>&1 &
until grep -q "$serves" said; do
  kill -0 $! 2> /dev/null || { cat said >&2; exit 1; }
  sleep 0.05
done
kill -TERM $!
wait $! || { cat said >&2; exit 1; }
cat said
"#;

const CURL: &str = r#"#!/usr/bin/env bash
set -eu
words=()
for word in "$@"; do
  word=${word//http:\/\/127.0.0.1:8080/http:\/\/$PAPERS_SERVICE}
  words+=("${word//http:\/\/127.0.0.1:9994/$PAPERS_OZMAP}")
done
exec "$PAPERS_CURL" --silent --show-error --fail-with-body "${words[@]}"
"#;

/// Where `curl` is, or nothing.
fn curl() -> Option<String> {
    let found = Command::new("sh")
        .args(["-c", "command -v curl"])
        .output()
        .unwrap();
    let path = String::from_utf8(found.stdout).unwrap().trim().to_owned();
    (!path.is_empty()).then_some(path)
}

/// Runs a block and returns what it printed. `service` is the address in place of the papers' one.
fn bash(
    world: &World,
    block: &Block,
    protocol: &str,
    folder: &Folder,
    service: Option<&str>,
) -> String {
    let curl = curl();
    if curl.is_none() && block.text.contains("curl ") {
        skipped("curl");
        return String::new();
    }
    let bin = folder.0.path().join("bin");
    let path = std::env::var("PATH").unwrap();
    let address = world.service.address().to_string();
    let output = world
        .service
        .launch()
        .shell(&folder.work())
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("PAPERS_BINARY", binary())
        .env("PAPERS_CURL", curl.unwrap_or_default())
        .env("PAPERS_KEY", KEY)
        .env("PAPERS_OZMAP", world.ozmap.url())
        .env("PAPERS_PROTOCOL", protocol)
        .env("PAPERS_SERVICE", service.unwrap_or(&address))
        .args(["-euo", "pipefail", "-c", &block.text])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}: {}\n{said}\n{}",
        block.at,
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

/// A demo that keeps running until it is dropped.
struct Demo(Child);

impl Demo {
    /// Starts it and returns its address.
    fn start() -> (Self, String) {
        let mut child = Command::new(binary())
            .env_clear()
            .args(["demo", "--port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .map(|line| line.unwrap())
            .find_map(|line| {
                let (_, after) = line.split_once("curl http://")?;
                after.split('/').next().map(str::to_owned)
            })
            .expect("the demo prints what to try");
        (Self(child), address)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn beside_a_demo(world: &World, block: &Block) {
    let (_demo, address) = if block.text.contains("curl ") {
        let (demo, address) = Demo::start();
        (Some(demo), Some(address))
    } else {
        (None, None)
    };
    let said = bash(world, block, "", &Folder::new(), address.as_deref());
    let shows_it = said.contains("\"outcome\":\"cancelled\"") || said.contains("200 cancelled");
    let is_skipped = said.is_empty() && curl().is_none();
    assert!(shows_it || is_skipped, "{}: {said}", block.at);
}

/// The other blocks about the same preset, as the files that the text names.
fn with_a_preset(world: &World, block: &Block, all: &[Block]) {
    let folder = Folder::new();
    write_files(&folder.work(), all);
    let said = bash(world, block, "", &folder, None);
    for line in [
        "understood    cancel\n",
        "code          123|123\n",
        "conversation  7\n",
        "key           e-1\n",
        "{\"say\":\"Pronto, Ana!",
    ] {
        assert!(said.contains(line), "{}: {line} in {said}", block.at);
    }
}

fn write_files(work: &Path, all: &[Block]) {
    fs::create_dir(work.join("presets")).unwrap();
    for (kind, file) in [
        (Kind::Preset, "presets/acme.toml"),
        (Kind::Request, "request.http"),
    ] {
        let block = all.iter().find(|block| block.kind == kind).unwrap();
        fs::write(work.join(file), &block.text).unwrap();
    }
    let config = all
        .iter()
        .find(|block| block.kind == Kind::Config && block.text.contains("acme"))
        .unwrap();
    fs::write(work.join("my.toml"), &config.text).unwrap();
}

/// `check` with a block as its configuration, beside the preset `acme`.
pub fn check(world: &World, block: &Block, all: &[Block]) {
    let folder = Folder::new();
    write_files(&folder.work(), all);
    fs::write(folder.work().join("this.toml"), &block.text).unwrap();
    let command = Block {
        kind: Kind::Shell(Session::Service),
        text: "ozmap-cancel check --config this.toml".to_owned(),
        at: block.at.clone(),
    };
    bash(world, &command, "", &folder, None);
}

fn is_bash(block: &Block) {
    let output = Command::new("bash")
        .args(["-n", "-c", &block.text])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}: {output:?}", block.at);
}
