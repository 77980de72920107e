//! Request ids and spans: every answer names its request, and every log line says what it belongs
//! to.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::limits::{head, stalled, until_closed};
use crate::support::http::{parse, send};
use crate::support::{Reply, SECRET, World, eventually};

/// The id of an answer.
fn id_of(reply: &Reply) -> String {
    let ids: Vec<&str> = reply
        .headers
        .iter()
        .filter(|(name, _)| name == "x-request-id")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(ids.len(), 1, "{reply:?}");
    ids[0].to_owned()
}

async fn ask(world: &World, method: &str, path: &str, id: &str, body: &str) -> Reply {
    let authorization = format!("Bearer {SECRET}");
    let mut headers = vec![("Authorization", authorization.as_str())];
    if !id.is_empty() {
        headers.push(("X-Request-Id", id));
    }
    let sent = send(
        world.service.address(),
        method,
        path,
        &headers,
        body.as_bytes(),
    );
    sent.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_names_its_request() {
    let world = World::with(&[("OZMAP__BASE_URL", "http://127.0.0.1:1")]).await;
    let webhook = "/webhooks/chatbot";
    let mut made = BTreeSet::new();
    for (method, path, body, status) in [
        ("POST", webhook, r#"{"code":".."}"#, 200),
        ("POST", webhook, "{", 400),
        ("POST", webhook, "{}", 422),
        ("POST", webhook, r#"{"code":"1","action":"lookup"}"#, 503),
        ("GET", webhook, "", 405),
        ("OPTIONS", webhook, "", 405),
        ("POST", "/webhooks/nobody", "", 404),
        ("POST", "/webhooks/chatbot/", "", 404),
        ("GET", "/nothing", "", 404),
        ("POST", "/health", "", 405),
        ("GET", "/health", "", 200),
        ("GET", "/health/live", "", 200),
        ("GET", "/health/ready", "", 200),
        ("HEAD", "/health/live", "", 200),
        ("GET", "/openapi.json", "", 200),
    ] {
        let named = ask(&world, method, path, "one-of-ours", body).await;
        assert_eq!(named.status, status, "{method} {path}: {named:?}");
        assert_eq!(id_of(&named), "one-of-ours", "{method} {path}");
        let id = id_of(&ask(&world, method, path, "", body).await);
        assert!(
            uuid::Uuid::parse_str(&id).is_ok(),
            "{method} {path}: {id:?}"
        );
        assert!(made.insert(id), "{method} {path}: an id came twice");
    }
    let stranger = send(world.service.address(), "POST", webhook, &[], b"{}").await;
    let stranger = stranger.unwrap();
    assert_eq!(stranger.status, 401);
    id_of(&stranger);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_ends_its_connection_names_its_request_too() {
    let world = World::with(&[("SERVER__BODY_MS_MAX", "300")]).await;
    let named = head().replace("\r\nHost", "\r\nX-Request-Id: one-of-ours\r\nHost");
    let two_hosts = format!("{named}Host: other\r\nContent-Length: 2\r\n\r\n{{}}");
    let encoded = format!("{named}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
    let half = format!("{named}Connection: close\r\nContent-Length: 50\r\n\r\n{{");
    let large = format!("{named}Connection: close\r\nContent-Length: 999999\r\n\r\n");
    for (sent, status) in [(two_hosts, 400), (encoded, 501), (half, 408), (large, 413)] {
        let answer = until_closed(stalled(&world, &sent).await).await;
        let reply = parse(answer.as_bytes()).unwrap();
        assert_eq!(reply.status, status, "{answer}");
        assert_eq!(id_of(&reply), "one-of-ours", "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_does_not_fit_a_log_line_is_replaced() {
    let world = World::new().await;
    let long = "x".repeat(129);
    // Nor is an id taken that may be a code, a phone number or an address.
    let unusable = [
        "canary with spaces",
        "canary-\u{e9}",
        &long,
        r#"canary"b\c}:%x"#,
        "canary|123",
        "canary@example.com",
        "5511999998888",
    ];
    for id in unusable {
        let reply = ask(&world, "POST", "/webhooks/chatbot", id, "{}").await;
        assert!(uuid::Uuid::parse_str(&id_of(&reply)).is_ok(), "{reply:?}");
    }
    lines_with(&world, "webhook answered", unusable.len()).await;
    let all = world.service.logs();
    assert!(!all.contains("canary") && !all.contains("9999"), "{all}");
    assert!(!all.contains(&long), "{all}");
}

/// Waits for so many log lines that contain a text.
async fn lines_with(world: &World, text: &str, count: usize) -> Vec<String> {
    eventually(text, || async {
        let logs = world.service.logs();
        let lines: Vec<String> = logs
            .lines()
            .filter(|line| line.contains(text))
            .map(str::to_owned)
            .collect();
        assert!(lines.len() <= count, "{lines:?}");
        (lines.len() == count).then_some(lines)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_webhook_has_one_access_line_with_its_ids() {
    let world = World::new().await;
    let body = r#"{"code":"123|123","message_id":"m-1"}"#;
    for (id, body) in [("first", body), ("again", body), ("broken", "{")] {
        ask(&world, "POST", "/webhooks/chatbot", id, body).await;
    }
    ask(&world, "POST", "/webhooks/nobody", "lost", "").await;
    // A page has none.
    ask(&world, "GET", "/health", "page", "").await;
    let lines = lines_with(&world, "webhook answered", 4).await;
    let protocol = world.journal()[0]["protocol"].as_str().unwrap().to_owned();
    let answered = format!(r#"status=200 outcome="cancelled" protocol="{protocol}""#);
    for (line, id, route, rest) in [
        (
            &lines[0],
            "first",
            r#"channel="chatbot""#,
            answered.as_str(),
        ),
        (&lines[1], "again", r#"channel="chatbot""#, "replayed=true"),
        (&lines[2], "broken", r#"channel="chatbot""#, "status=400"),
        (
            &lines[3],
            "lost",
            r#"route="/webhooks/{name}""#,
            "status=404",
        ),
    ] {
        let span = format!(r#" INFO request{{request_id="{id}" route="/webhooks/{{name}}" "#);
        assert!(line.contains(&span), "{line}");
        assert!(line.contains(route) && line.contains(rest), "{line}");
        assert!(line.contains("elapsed_ms="), "{line}");
    }
    assert!(!lines[3].contains("channel="), "{}", lines[3]);
    assert!(!world.service.logs().contains("nobody"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_a_stop_cuts_off_has_an_access_line_as_well() {
    let mut world = World::with(&[
        ("SERVER__DRAIN_MS_MAX", "1000"),
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "30000"),
    ])
    .await;
    world.ozmap.fault("lookup:hold_before*1").await;
    let body = r#"{"code":"123|123","message_id":"m-1"}"#;
    let request = format!(
        "{}X-Request-Id: cut-off\r\nContent-Length: {}\r\n\r\n{body}",
        head(),
        body.len()
    );
    let stream = stalled(&world, &request).await;
    world.ozmap.held().await;
    world.service.signal("TERM");
    assert_eq!(until_closed(stream).await, "");
    assert_eq!(world.service.ended().await, Some(0));
    let lines = lines_with(&world, "webhook aborted: the connection was closed", 1).await;
    assert!(lines[0].contains(r#"request_id="cut-off""#), "{}", lines[0]);
    assert!(lines[0].contains(r#"channel="chatbot""#), "{}", lines[0]);
}

/// The log as JSON, without what the service says of itself.
fn json_lines(logs: &str) -> Vec<Value> {
    logs.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn assert_names(line: &Value, row: &Value) {
    let span = &line["span"];
    assert_eq!(span["name"], "cancellation", "{line}");
    assert_eq!(span["op"], row["id"], "{line}");
    assert_eq!(span["protocol"], row["protocol"], "{line}");
    assert_eq!(span["channel"], "chatbot", "{line}");
    assert_eq!(line["spans"].as_array().map(Vec::len), Some(1), "{line}");
}

/// Lines of a cancellation, told by their message alone.
fn is_of_a_cancellation(line: &Value) -> bool {
    let message = line["message"].as_str().unwrap_or_default();
    message.starts_with("cancellation ")
        || message.contains("no usable response")
        || message.contains("no clear response")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_a_cancellation_names_it_also_after_a_restart() {
    let mut world = World::with(&[
        ("LOG__FORMAT", "json"),
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "500"),
        ("OZMAP__DELETE_MS", "4000"),
        ("JOURNAL__LEASE_MS", "9000"),
    ])
    .await;
    world.ozmap.fault("lookup:status=503*1").await;
    world.ozmap.fault("delete:hold_before*1").await;
    let body = r#"{"code":"123|123","message_id":"m-1"}"#;
    ask(&world, "POST", "/webhooks/chatbot", "first", body).await;
    world.ozmap.held().await;
    let before = json_lines(&world.service.logs());
    world.kill();
    world.ozmap.release().await;
    world.ozmap.heal().await;
    world.restart().await;
    let row = world.settled().await[0].clone();
    assert_eq!(row["outcome"], "cancelled");
    lines_with(&world, " completed: ", 1).await;
    let after = json_lines(&world.service.logs());

    let of = |lines: &[Value]| -> Vec<Value> {
        let lines = lines.iter().filter(|line| is_of_a_cancellation(line));
        lines.cloned().collect()
    };
    let (before_it, after_it) = (of(&before), of(&after));
    assert!(before_it.len() >= 2, "{before:#?}");
    assert!(after_it.len() >= 2, "{after:#?}");
    for line in before_it.iter().chain(&after_it) {
        assert_names(line, &row);
    }
    // The webhook is linked by its id, and is the parent of nothing that outlives it.
    assert_eq!(before_it[0]["request_id"], "first", "{}", before_it[0]);
    let access = before
        .iter()
        .find(|line| line["message"] == "webhook answered");
    let access = access.unwrap();
    assert_eq!(access["span"]["request_id"], "first", "{access}");
    assert_eq!(access["span"]["channel"], "chatbot", "{access}");
    assert_eq!(access["protocol"], row["protocol"], "{access}");
    assert_eq!(access["span"]["trace_id"], before_it[0]["span"]["trace_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_drops_infos_keeps_the_spans_of_warnings() {
    let world = World::with(&[
        ("LOG__FILTER", "warn,ozmap_cancel::cli=info"),
        ("LOG__FORMAT", "json"),
    ])
    .await;
    world.ozmap.fault("lookup:status=503*1").await;
    let reply = world
        .ask_until_final(json!({"code": "123|123", "message_id": "m-1"}))
        .await;
    assert_eq!(reply.outcome(), "cancelled");
    let row = &world.journal()[0];
    let lines = json_lines(&world.service.logs());
    let warnings: Vec<&Value> = lines
        .iter()
        .filter(|line| is_of_a_cancellation(line))
        .collect();
    assert!(!warnings.is_empty(), "{lines:#?}");
    for line in warnings {
        assert_eq!(line["level"], "WARN", "{line}");
        assert_names(line, row);
    }
}
