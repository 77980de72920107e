//! `demo` and `simulate`: what they print, that it works, and that they stop when asked.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{stderr, stdout};
use crate::support::PATIENCE;
use crate::support::http::send;
use crate::support::service::binary;

/// Runs the demo to its end, in an environment that it must ignore.
fn demo(more: &[&str]) -> String {
    let temporary = tempfile::tempdir().unwrap();
    let output = Command::new(binary())
        .env_clear()
        .env("TMPDIR", temporary.path())
        .env("OZMAP_CANCEL__OZMAP__BASE_URL", "http://192.0.2.1")
        .env("OZMAP_CANCEL__POLICY__PAUSED", "true")
        .args(["demo", "--once", "--port", "0"])
        .args(more)
        .output()
        .unwrap();
    let said = stdout(&output);
    assert_eq!(
        (output.status.code(), stderr(&output).as_str()),
        (Some(0), ""),
        "{said}"
    );
    assert_eq!(
        std::fs::read_dir(temporary.path()).unwrap().count(),
        0,
        "the demo removes its journal"
    );
    said
}

#[test]
fn the_demo_tells_a_whole_story_and_every_reply_in_it_is_true() {
    let said = demo(&[]);
    let mut rest = said.as_str();
    for line in [
        "with the tutorial's reservation 123|123",
        "1. The chatbot asks what reservation 123|123 is",
        "200 found",
        "feita em 15 de julho de 2022",
        "2. The customer confirms: cancel it",
        "Splitter 1, port 4, before: taken",
        "200 cancelled",
        "“Pronto, Gabriel! A reserva 123|123 foi cancelada",
        "has nothing under this code: the reply was true",
        "Splitter 1, port 4, after: free",
        "3. The platform sends the same webhook again",
        "200 cancelled [replayed]",
        "4. The customer comes back and asks again",
        "200 already_cancelled",
        "5. A code that does not exist",
        "200 not_found",
        "6. A customer who is installed already",
        "200 installed [hand over to a person]",
        "still has it: the reply was true",
        "7. OZmap deletes, but the connection breaks before it answers",
        "200 cancelled",
        "OZmap carried out 2 deletions in total.",
    ] {
        let at = rest
            .find(line)
            .unwrap_or_else(|| panic!("`{line}` after `{rest}` in `{said}`"));
        rest = &rest[at + line.len()..];
    }
    assert!(!said.contains("THE REPLY WAS NOT TRUE") && !said.contains("It keeps serving"));
}

#[test]
fn the_demo_is_true_whatever_breaks() {
    for fault in [
        "lookup:status=503*2",
        "delete:reset_after*1",
        "lookup:html_404*1",
    ] {
        let said = demo(&["--fault", fault]);
        assert!(
            said.contains("OZmap carried out 2 deletions"),
            "{fault}: {said}"
        );
        assert!(!said.contains("THE REPLY WAS NOT TRUE"), "{fault}: {said}");
    }
}

/// A command that keeps running, and its output up to the line that the test waits for.
struct Running(Child);

impl Running {
    fn start(arguments: &[&str], last: &str) -> (Self, String) {
        let mut child = Command::new(binary())
            .env_clear()
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = String::new();
        while !said.contains(last) {
            said.push_str(&lines.next().expect("more to read").unwrap());
            said.push('\n');
        }
        (Self(child), said)
    }

    fn stop(mut self) -> Option<i32> {
        let sent = Command::new("kill")
            .args(["-s", "TERM", &self.0.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it did not stop");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The first address after a prefix.
fn address_after(text: &str, prefix: &str) -> std::net::SocketAddr {
    let rest = text
        .split(prefix)
        .nth(1)
        .unwrap_or_else(|| panic!("{prefix} in {text}"));
    rest.split([',', '/', ' ', '\n'])
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

/// Runs a printed command in a shell and parses its output.
fn run(command: &str) -> Value {
    let output = Command::new("sh")
        .args(["-c", &command.replacen("curl ", "curl -s ", 1)])
        .output()
        .unwrap();
    let said = stdout(&output);
    serde_json::from_str(&said).unwrap_or_else(|_| panic!("{command}: {said}"))
}

/// The printed commands, without the remarks that follow after two blanks.
fn commands(said: &str) -> Vec<&str> {
    let printed = said.lines().filter_map(|line| {
        let command = line.get(line.find("curl ")?..)?;
        command.split("  ").next()
    });
    printed.collect()
}

fn has_curl() -> bool {
    let has_it = Command::new("curl").arg("--version").output().is_ok();
    let is_required = std::env::var("CI").as_deref() == Ok("true");
    assert!(has_it || !is_required, "needs curl");
    has_it
}

#[test]
fn every_command_that_the_demo_prints_does_what_it_says() {
    if !has_curl() {
        return;
    }
    let (running, said) = Running::start(&["demo", "--port", "0"], "for every try");
    let found = commands(&said);
    let [cancel, health, holds, break_it, reset, again] = found.as_slice() else {
        panic!("{said}")
    };
    assert_eq!(run(cancel)["outcome"], "cancelled");
    assert_eq!(run(health)["status"], "ok");
    assert_eq!(
        run(holds).as_array().map(Vec::len),
        Some(12),
        "three were cancelled"
    );
    let faults = run(break_it);
    assert_eq!(
        faults.as_array().and_then(|all| all.last()).unwrap()["kind"],
        "status"
    );
    assert_eq!(run(reset), json!({"reset": true}));
    assert_eq!(run(again)["outcome"], "cancelled");
    assert_eq!(run(again)["replayed"], true);
    for number in 2..=3 {
        run(reset);
        assert_eq!(
            run(&again.replace("try-1", &format!("try-{number}")))["outcome"],
            "cancelled"
        );
    }
    run(break_it);
    // Three faults in a row delay the cancellation and change nothing else.
    let broken = again.replace("try-1", "try-4");
    let deadline = Instant::now() + PATIENCE;
    let outcome = loop {
        let answer = run(&broken);
        if answer["final"] == true || Instant::now() > deadline {
            break answer["outcome"].clone();
        }
    };
    assert_eq!(outcome, "already_cancelled");
    assert_eq!(running.stop(), Some(0));
}

#[test]
fn every_command_that_the_simulator_prints_does_what_it_says() {
    if !has_curl() {
        return;
    }
    let arguments = [
        "simulate",
        "--listen",
        "127.0.0.1:0",
        "--quirk",
        "unknown_code=null",
    ];
    let (running, said) = Running::start(&arguments, "Start over");
    let found = commands(&said);
    let [holds, asked, break_it, behave, reset] = found.as_slice() else {
        panic!("{said}")
    };
    let before = run(holds);
    assert_eq!(before.as_array().map(Vec::len), Some(15));
    assert_eq!(run(asked), json!([]));
    assert_eq!(run(break_it)[0]["kind"], "reset_after");
    assert_eq!(run(behave)["unknown_code"], "not_found");
    assert_eq!(run(reset), json!({"reset": true}));
    let after = run(holds);
    assert_eq!(after.as_array().map(Vec::len), Some(15));
    assert!(
        before
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["_id"] != after[0]["_id"])
    );
    let quirks = format!("curl {}", behave.split(' ').nth(1).unwrap());
    assert_eq!(run(&quirks)["unknown_code"], "null", "as it was started");
    assert_eq!(running.stop(), Some(0));
}

#[test]
fn a_running_simulator_is_healthy_and_one_that_is_not_there_is_not() {
    let (running, said) = Running::start(&["simulate", "--listen", "127.0.0.1:0"], "Start over");
    let address = address_after(&said, "OZmap simulator on http://").to_string();
    let asked = || {
        let arguments = ["healthcheck", "--address", &address];
        Command::new(binary())
            .env_clear()
            .args(arguments)
            .output()
            .unwrap()
    };
    let healthy = asked();
    assert_eq!(
        (healthy.status.code(), stdout(&healthy).trim()),
        (Some(0), r#"{"status":"ready"}"#)
    );
    assert_eq!(running.stop(), Some(0));
    assert_eq!(asked().status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulator_starts_alone_with_faults_and_stops_when_asked() {
    let arguments = [
        "simulate",
        "--listen",
        "127.0.0.1:0",
        "--fault",
        "lookup:status=503*1",
    ];
    let (running, said) = Running::start(&arguments, "Start over");
    let address = address_after(&said, "OZmap simulator on http://");
    let key = [("Authorization", "simulator-key")];
    let path = "/api/v2/properties/client/123%7C123";
    let broken = send(address, "GET", path, &key, b"").await.unwrap();
    let whole = send(address, "GET", path, &key, b"").await.unwrap();
    assert_eq!((broken.status, whole.status), (503, 200));
    assert_eq!(running.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_keeps_serving_until_it_is_asked_to_stop() {
    let (running, said) = Running::start(&["demo", "--port", "0"], "for every try");
    let address = address_after(&said, "curl http://");
    let secret = said
        .split("Bearer ")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    let authorization = format!("Bearer {secret}");
    let headers = [("Authorization", authorization.as_str())];
    let body = r#"{"code":"francisca.quiñones"}"#.as_bytes();
    let reply = send(address, "POST", "/webhooks/chatbot", &headers, body)
        .await
        .unwrap();
    assert_eq!(reply.outcome(), "cancelled");
    assert_eq!(running.stop(), Some(0));
}
