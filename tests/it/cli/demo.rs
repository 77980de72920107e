//! `demo` and `simulate`: everything at work with nothing configured.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{stderr, stdout};
use crate::support::PATIENCE;
use crate::support::http::send;
use crate::support::service::BINARY;

/// Runs the demo to its end; whatever is configured around it has no part in it.
fn demo(more: &[&str]) -> String {
    let temporary = tempfile::tempdir().unwrap();
    let output = Command::new(BINARY)
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
        "the journal goes with the demo"
    );
    said
}

#[test]
fn the_demo_tells_a_whole_story_and_every_reply_in_it_is_true() {
    let said = demo(&[]);
    let mut rest = said.as_str();
    for line in [
        "holds the tutorial's reservation 123|123",
        "1. The chatbot asks what reservation 123|123 is",
        "200 found",
        "feita em 15 de julho de 2022",
        "2. The customer confirms: cancel it",
        "Splitter 1, port 4, before: taken",
        "200 cancelled",
        "“Pronto, Gabriel! A reserva 123|123 foi cancelada",
        "holds nothing under this code: the customer was told the truth",
        "Splitter 1, port 4, after: free",
        "3. The platform sends the same webhook again",
        "200 cancelled [replayed]",
        "4. The customer comes back and asks again",
        "200 already_cancelled",
        "5. A code that nobody has",
        "200 not_found",
        "6. A customer who is installed already",
        "200 installed [hand over to a person]",
        "still holds it: the customer was told the truth",
        "7. OZmap deletes, but the connection breaks before it answers",
        "200 cancelled",
        "In all of this OZmap carried out 2 deletions.",
    ] {
        let at = rest
            .find(line)
            .unwrap_or_else(|| panic!("`{line}` after `{rest}` in `{said}`"));
        rest = &rest[at + line.len()..];
    }
    assert!(!said.contains("TOLD SOMETHING ELSE") && !said.contains("It keeps serving"));
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
        assert!(!said.contains("TOLD SOMETHING ELSE"), "{fault}: {said}");
    }
}

/// A verb that keeps running, and its first lines up to the one that is waited for.
struct Running(Child);

impl Running {
    fn start(arguments: &[&str], last: &str) -> (Self, String) {
        let mut child = Command::new(BINARY)
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
            assert!(Instant::now() < deadline, "it does not stop");
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

/// The first address in a text that begins like this.
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

#[tokio::test(flavor = "multi_thread")]
async fn the_simulator_starts_alone_with_faults_and_stops_when_asked() {
    let arguments = [
        "simulate",
        "--listen",
        "127.0.0.1:0",
        "--fault",
        "lookup:status=503*1",
    ];
    let (running, said) = Running::start(&arguments, "Begin anew");
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
    let (running, said) = Running::start(&["demo", "--port", "0"], "begin anew");
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
