//! The simulator itself: the behaviour that every other test relies on.
//!
//! The tests use plain sockets, because an HTTP client would hide the faults of the connection.
//! They must never depend on the service.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may stop, spawn and read the clock"
)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ozmap_simulator::{Fault, Key, Options, Role, Simulator};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};

mod answers;
mod calls;
mod faults;
mod habits;
mod nothing;
mod reset;
mod world;

const DEADLINE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(5);
const PROPERTY: &str = "/api/v2/properties/62d194b46c9401002392c704";
const LOOKUP: &str = "/api/v2/properties/client/123%7C123";
const SPLITTER: &str = "/api/v2/splitters/5da6220df003e8132800001e";

/// A simulator that stops when the test ends.
struct World {
    address: std::net::SocketAddr,
    key: &'static str,
    _stop: DropGuard,
}

/// The bytes received until the connection ended.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
    is_reset: bool,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl World {
    async fn new() -> World {
        World::with(&[]).await
    }

    async fn with(faults: &[&str]) -> World {
        let faults = faults.iter().map(|text| text.parse().unwrap()).collect();
        World::start(Options {
            faults,
            ..Options::default()
        })
        .await
    }

    async fn start(options: Options) -> World {
        let simulator = Simulator::bind(([127, 0, 0, 1], 0).into(), options)
            .await
            .unwrap();
        let (address, stop) = (simulator.address(), CancellationToken::new());
        tokio::spawn(simulator.serve(stop.clone()));
        World {
            address,
            key: "simulator-key",
            _stop: stop.drop_guard(),
        }
    }

    async fn open(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: ozmap\r\nAuthorization: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            self.key,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Reply {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        read(self.open(method, path, &body).await).await
    }

    async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, Value::Null).await
    }

    async fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, Value::Null).await
    }

    /// Whether the world really holds a reservation of this code.
    async fn exists(&self, code: &str) -> bool {
        !self
            .get(&format!("/__sim/properties?code={code}"))
            .await
            .json()
            .as_array()
            .unwrap()
            .is_empty()
    }

    async fn plant(&self, planting: Value) -> String {
        let reply = self.send("POST", "/__sim/properties", planting).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    async fn audit(&self) -> Vec<Value> {
        self.get("/__sim/audit")
            .await
            .json()
            .as_array()
            .unwrap()
            .clone()
    }

    async fn fault(&self, text: &str) {
        let reply = self.send("POST", "/__sim/faults", json!(text)).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }

    async fn seed_exists(&self) -> bool {
        self.exists("123%7C123").await
    }

    /// Polls a control until it shows the expected state.
    async fn wait_for(&self, what: &str, path: &str, is_there: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        let mut poll = tokio::time::interval(POLL);
        loop {
            let shown = self.get(path).await.json();
            if is_there(&shown) {
                return shown;
            }
            assert!(
                began.elapsed() < DEADLINE,
                "waited for {what}, last saw {shown}"
            );
            poll.tick().await;
        }
    }
}

async fn read(mut stream: TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let ended = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut bytes))
        .await
        .expect("the connection should end before the deadline");
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
    Reply {
        status: head
            .get(9..12)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0),
        head: head.to_owned(),
        body: body.to_owned(),
        is_reset: ended.is_err(),
    }
}

fn ids(envelope: &Value) -> Vec<String> {
    let rows = envelope["rows"].as_array().unwrap();
    rows.iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_planted_reservation_has_the_requested_members() {
    let world = World::new().await;
    for number in 0..20 {
        world.plant(json!({"code": format!("p-{number}")})).await;
    }
    let row = world.get("/api/v2/properties/client/p-19").await.json()[0].clone();
    assert_eq!(row["connections"].as_array().unwrap().len(), 1);
    let entry = row["history"]["clients"][0]["enter_date"].as_str();
    assert!(row["createdAt"].as_str() >= entry && entry.is_some());

    let id = world.plant(json!({"code": "p-x", "name": "N", "creator": "bot", "potencyRead": -21, "onu": {"mac_address": "m"}, "createdAt": "2020-01-01T00:00:00.000Z"})).await;
    let row = world.get("/api/v2/properties/client/p-x").await.json()[0].clone();
    assert_eq!(
        (
            &row["_id"],
            &row["creatorData"]["username"],
            &row["potencyRead"]
        ),
        (&json!(id), &json!("bot"), &json!(-21))
    );
    assert_eq!(
        (
            &row["client"]["onu"]["mac_address"],
            &row["client"]["onu"]["serial_number"]
        ),
        (&json!("m"), &json!(""))
    );
    assert_eq!(row["createdAt"], row["history"]["clients"][0]["enter_date"]);
    assert_eq!(
        world
            .send(
                "POST",
                &format!("/__sim/properties/{id}/implant"),
                Value::Null
            )
            .await
            .status,
        200
    );
    assert_eq!(
        world.get("/api/v2/properties/client/p-x").await.json()[0]["client"]["implanted"],
        true
    );

    let odd = json!({"_id": "62d194b46c9401002392c7ff", "client": {"code": "odd", "implanted": "no"}, "extra": [1]});
    world.plant(json!({"document": odd})).await;
    assert_eq!(
        world.get("/api/v2/properties/client/odd").await.json(),
        json!([odd])
    );
    assert_eq!(
        world
            .send("POST", "/__sim/properties", json!({"cod": "typo"}))
            .await
            .status,
        400
    );
    world.send("POST", "/__sim/reset", Value::Null).await;
    assert_eq!(world.get("/api/v2/properties").await.json()["total"], 15);
}

#[tokio::test]
async fn a_connection_stays_open_and_allows_pipelining() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let one = format!("GET {LOOKUP} HTTP/1.1\r\nHost: o\r\nAuthorization: simulator-key\r\n");
    let pipelined =
        format!("{one}\r\n{one}Content-Length: 2\r\n\r\n{{}}{one}Connection: close\r\n\r\n");
    stream.write_all(pipelined.as_bytes()).await.unwrap();
    let reply = read(stream).await;
    assert_eq!(reply.body.matches("HTTP/1.1 200 OK").count(), 2);
    assert_eq!(world.get("/__sim/calls").await.json()["total"], 3);
}

#[tokio::test]
async fn a_stop_drops_waiting_connections() {
    let faults: Vec<Fault> = vec!["any:timeout_before".parse().unwrap()];
    let options = Options {
        faults,
        ..Options::default()
    };
    let simulator = Simulator::bind(([127, 0, 0, 1], 0).into(), options)
        .await
        .unwrap();
    let (address, stop) = (simulator.address(), CancellationToken::new());
    let served = tokio::spawn(simulator.serve(stop.clone()));
    let world = World {
        address,
        key: "simulator-key",
        _stop: stop.drop_guard(),
    };
    let stream = world.open("GET", LOOKUP, "").await;
    world
        .wait_for("the call", "/__sim/calls", |calls| calls["total"] == 1)
        .await;
    drop(world);
    assert_eq!(read(stream).await.status, 0);
    tokio::time::timeout(DEADLINE, served)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_sdk_works_against_the_simulator() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
    if !folder.join("node_modules/@ozmap/ozmap-sdk").is_dir() || !has_node() {
        return crate::support::skipped("Node and bash tests/third-parties");
    }
    let world = World::new().await;
    let mut node = Command::new("node");
    node.arg(folder.join("sdk.mjs"))
        .arg(format!("http://{}", world.address));
    let ran = tokio::task::spawn_blocking(move || node.output());
    let ran = tokio::time::timeout(6 * DEADLINE, ran).await;
    let output = ran.expect("the script should end").unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{failed}");
    println!("{said}");
}

fn has_node() -> bool {
    let version = Command::new("node").arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}
