//! Request smuggling: a request whose end a proxy may see elsewhere is never acted on twice, nor
//! split into two.

use serde_json::json;

use super::{head, stalled, until_closed, webhook};
use crate::support::World;

/// A body in one chunk, and its end.
fn chunked(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

/// The answers on one connection, by their status lines.
fn statuses(answer: &str) -> Vec<&str> {
    let lines = answer.match_indices("HTTP/1.");
    lines.map(|(at, _)| &answer[at + 9..at + 12]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_two_framings_is_read_by_one_and_closes_its_connection() {
    let world = World::new().await;
    let body = chunked(r#"{"code":"nobody"}"#);
    let behind = webhook("123|123", "behind", "");
    for lengths in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 100\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ] {
        // A proxy that trusts the length assigns the following bytes to this request, or to the
        // next caller's.
        let sent = format!("{}{lengths}\r\n{body}{behind}", head());
        let answer = until_closed(stalled(&world, &sent).await).await;
        assert_eq!(statuses(&answer), ["200"], "{lengths}: {answer}");
        assert!(answer.contains("not_found"), "{lengths}: {answer}");
        assert!(
            answer.to_lowercase().contains("connection: close"),
            "{lengths}: {answer}"
        );
    }
    assert_eq!(world.ozmap.holds("123|123").await.len(), 1);
    let rows = world.journal();
    assert!(rows.iter().all(|row| row["code"] == "nobody"), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_definite_end_is_refused() {
    let world = World::new().await;
    let body = r#"{"code":"123|123"}"#;
    let huge = "f".repeat(17);
    for (version, framing, sent) in [
        ("1.1", "Content-Length: 18\r\nContent-Length: 19", body),
        ("1.1", "Content-Length: 18, 18", body),
        ("1.1", "Content-Length: +18", body),
        ("1.1", "Content-Length: -18", body),
        ("1.1", "Content-Length: 0x12", body),
        ("1.1", "Content-Length: 18446744073709551616", body),
        ("1.1", "Content-Length:", body),
        ("1.1", "Transfer-Encoding: gzip", body),
        ("1.1", "Transfer-Encoding: chunked, gzip", body),
        ("1.1", "Transfer-Encoding: chunked", huge.as_str()),
        ("1.1", "Transfer-Encoding: chunked", "-12\r\n"),
        ("1.1", "Transfer-Encoding: chunked", "12 12\r\n"),
        ("1.0", "Transfer-Encoding: chunked", "0\r\n\r\n"),
        ("1.1", " Content-Length: 18", body),
        ("1.1", "Content-Length : 18", body),
        ("1.1", "X: a\0b\r\nContent-Length: 18", body),
        ("2.0", "Content-Length: 18", body),
    ] {
        let head = head().replace("HTTP/1.1", &format!("HTTP/{version}"));
        let sent = format!("{head}{framing}\r\n\r\n{sent}");
        let answer = until_closed(stalled(&world, &sent).await).await;
        let told = statuses(&answer);
        assert!(
            told.is_empty() || told == ["400"] || told == ["505"] || told == ["413"],
            "{version} {framing:?}: {answer}"
        );
    }
    assert!(world.journal().is_empty());
    assert_eq!(world.service.get("/health/live").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ambiguous_request_is_refused_and_closes_its_connection() {
    let world = World::new().await;
    let body = r#"{"code":"123|123"}"#;
    let in_chunks = chunked(body);
    let behind = webhook("123|123", "behind", "");
    let without_host = head().replace("Host: service\r\n", "");
    let length = format!("Content-Length: {}\r\n", body.len());
    for (head, framing, body, status) in [
        (&*without_host, &*length, body, "400"),
        (
            &*head(),
            &*format!("Host: service\r\n{length}"),
            body,
            "400",
        ),
        (&*head(), &*format!("Host: other\r\n{length}"), body, "400"),
        (
            &*head(),
            "Transfer-Encoding: gzip, chunked\r\n",
            &*in_chunks,
            "501",
        ),
        (
            &*head(),
            "Transfer-Encoding: identity, chunked\r\n",
            &*in_chunks,
            "501",
        ),
        (
            &*head(),
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
            &*in_chunks,
            "501",
        ),
    ] {
        let sent = format!("{head}{framing}\r\n{body}{behind}");
        let answer = until_closed(stalled(&world, &sent).await).await;
        assert_eq!(statuses(&answer), [status], "{framing:?}: {answer}");
        assert!(
            answer.to_lowercase().contains("connection: close"),
            "{framing:?}: {answer}"
        );
    }
    assert!(world.journal().is_empty());
    let plain = format!(
        "{}Transfer-Encoding: Chunked\r\nConnection: close\r\n\r\n{in_chunks}",
        head()
    );
    let answer = until_closed(stalled(&world, &plain).await).await;
    assert_eq!(statuses(&answer), ["200"], "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_in_order_and_once_each() {
    let world = World::new().await;
    world.ozmap.fault("delete:delay_ms=100*1").await;
    let first = webhook("123|123", "m-1", "");
    let mut sent = [first.clone(), first].concat();
    for n in 0..8 {
        sent.push_str(&webhook(&format!("none-{n}"), &format!("n-{n}"), ""));
    }
    sent.push_str(&webhook("reservation_123", "m-2", "Connection: close\r\n"));
    // The request with `Connection: close` was the last.
    sent.push_str(&webhook("dup-1", "m-3", ""));
    let answer = until_closed(stalled(&world, &sent).await).await;
    assert_eq!(statuses(&answer), ["200"; 11], "{answer}");
    let codes: Vec<&str> = answer
        .split("\"code\":\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let mut expected = vec!["123|123".to_owned(); 2];
    expected.extend((0..8).map(|n| format!("none-{n}")));
    expected.push("reservation_123".to_owned());
    assert_eq!(codes, expected);
    assert_eq!(answer.matches("\"outcome\":\"cancelled\"").count(), 3);
    assert_eq!(answer.matches("\"replayed\":true").count(), 1);
    assert_eq!(world.ozmap.deletions().await.len(), 2);
    assert_eq!(world.journal().len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_client_is_answered_and_its_connection_closed() {
    let world = World::new().await;
    let old = webhook("123|123", "m-1", "")
        .replace("HTTP/1.1", "HTTP/1.0")
        .replace("Host: service\r\n", "");
    let answer = until_closed(stalled(&world, &old).await).await;
    assert_eq!(statuses(&answer), ["200"], "{answer}");
    assert!(answer.contains("\"outcome\":\"cancelled\""), "{answer}");
    assert!(
        !answer.to_lowercase().contains("transfer-encoding"),
        "{answer}"
    );
    // Neither HTTP/0.9 nor HTTP/2 is supported.
    for other in [
        "GET /health/live\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let answer = until_closed(stalled(&world, other).await).await;
        assert!(!answer.contains("alive"), "{other}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_request_is_refused_and_holds_up_no_other() {
    let world = World::with(&[("SERVER__BODY_MS_MAX", "1000")]).await;
    let long = "x".repeat(200_000);
    let line = |method: &str, path: &str| format!("{method} {path} HTTP/1.1\r\nHost: service\r\n");
    let one = format!("{}Transfer-Encoding: chunked\r\n\r\n", head());
    let cases = [
        ("method", line(&long, "/webhooks/chatbot")),
        ("address", line("POST", &format!("/webhooks/{long}"))),
        ("query", line("POST", &format!("/webhooks/chatbot?{long}"))),
        ("name of a header", format!("{}{long}: x\r\n", head())),
        ("value of a header", format!("{}X: {long}\r\n", head())),
        (
            "secret",
            line("POST", "/webhooks/chatbot") + &format!("Authorization: Bearer {long}\r\n"),
        ),
        ("blank lines", "\r\n".repeat(100_000)),
        (
            "extension of a chunk",
            format!("{one}5;{long}\r\nhello\r\n0\r\n"),
        ),
        ("trailer", format!("{one}5\r\nhello\r\n0\r\nX: {long}\r\n")),
        ("chunk", format!("{one}{:x}\r\n{long}\r\n0\r\n", long.len())),
        (
            "many chunks",
            format!("{one}{}0\r\n", "1\r\nx\r\n".repeat(70_000)),
        ),
    ];
    for (what, sent) in cases {
        // The service may close the connection before the whole request is written.
        let sent = format!("{sent}\r\n");
        let address = world.service.address();
        let answer = tokio::spawn(async move {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            drop(tokio::io::AsyncWriteExt::write_all(&mut stream, sent.as_bytes()).await);
            until_closed(stream).await
        });
        let answer = answer.await.unwrap();
        let told = statuses(&answer);
        let is_refused = told.iter().all(|status| status.starts_with('4'));
        assert!(is_refused, "{what}: {answer}");
        assert_eq!(
            world.service.get("/health/live").await.status,
            200,
            "{what}"
        );
    }
    assert!(world.journal().is_empty());
    let reply = world
        .ask(json!({"code": "123|123", "message_id": "m-1"}))
        .await;
    assert_eq!(reply.outcome(), "cancelled");
}
