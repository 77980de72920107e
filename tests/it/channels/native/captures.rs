//! Requests as real platforms sent them, byte for byte; only the address, the token and the length
//! of a changed body differ.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{PATIENCE, Reply, SECRET, World, http};

/// n8n 1.123, an HTTP Request node.
const N8N: &str = "POST /n8n_json?respond=reply.json HTTP/1.1\r\nAccept: application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, image/*;q=0.8, */*;q=0.7\r\nContent-Type: application/json\r\nauthorization: Bearer test-token\r\nidempotency-key: 1-0\r\nUser-Agent: axios/1.12.0\r\nContent-Length: 68\r\nAccept-Encoding: gzip, compress, deflate, br\r\nHost: 127.0.0.1:18099\r\nConnection: close\r\n\r\n{\"code\":\"123|123\",\"conversation_id\":\"c-42\",\"phone\":\"+5548999990000\"}";

/// Node-RED 4.1, an http request node.
const NODE_RED: &str = "POST /nodered_json?respond=reply.json HTTP/1.1\r\nuser-agent: got (https://github.com/sindresorhus/got)\r\nauthorization: Bearer test-token\r\nx-event-id: 421e9934e698c756\r\nContent-Type: application/json\r\nContent-Length: 83\r\nHost: 127.0.0.1:18099\r\nConnection: keep-alive\r\n\r\n{\"code\":\"123|123\",\"conversation_id\":\"c-42\",\"phone\":\"+5548999990000\",\"lang\":\"pt-BR\"}";

/// Typebot, an HTTP request block with a custom body.
const TYPEBOT: &str = "POST /tb_custom?respond=reply.json HTTP/1.1\r\nhost: localhost:18099\r\nconnection: keep-alive\r\nauthorization: Bearer test-token\r\nidempotency-key: 123|123-+5548999990000\r\ncontent-type: application/json\r\naccept: */*\r\naccept-language: *\r\nsec-fetch-mode: cors\r\nuser-agent: node\r\naccept-encoding: gzip, deflate\r\ncontent-length: 83\r\n\r\n{\"code\":\"123|123\",\"name\":\"João \\\"Jô\\\" & Cia\",\"phone\":\"+5548999990000\",\"empty\":\"\"}";

/// Typebot without a custom body: every answer under its human name, and no token.
const TYPEBOT_DEFAULT: &str = "POST /tb_default?respond=reply.json HTTP/1.1\r\nhost: localhost:18099\r\nconnection: keep-alive\r\ncontent-type: application/json\r\naccept: */*\r\naccept-language: *\r\nsec-fetch-mode: cors\r\nuser-agent: node\r\naccept-encoding: gzip, deflate\r\ncontent-length: 145\r\n\r\n{\"submittedAt\":\"2026-11-23T21:06:08.027Z\",\"Qual o codigo?\":\"123|123\",\"Codigo\":\"123|123\",\"Nome\":\"João \\\"Jô\\\" & Cia\",\"Telefone\":\"+5548999990000\"}";

/// Asterisk's CURL(), JSON with the content type of a form.
const ASTERISK_JSON: &str = "POST /ast_jsonnaive?respond=reply.json HTTP/1.1\r\nHost: 127.0.0.1:18099\r\nUser-Agent: asterisk-libcurl-agent/1.0\r\nAccept: */*\r\nContent-Length: 43\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n{\"code\":\"123|123\",\"call_id\":\"1795467399.5\"}";

/// Asterisk's CURL(), a form.
const ASTERISK_FORM: &str = "POST /ast_form?respond=reply.txt HTTP/1.1\r\nHost: 127.0.0.1:18099\r\nUser-Agent: asterisk-libcurl-agent/1.0\r\nAccept: */*\r\nContent-Length: 52\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\ncode=123%7C123&call_id=1795467397.1&from=&lang=pt-BR";

/// The channels of the captures: one with a token, and one without, for local callers only.
const CHANNELS: &[(&str, &str)] = &[("CHANNELS__OPEN__AUTH", "none")];

fn addressed(capture: &str) -> String {
    let channel = if capture.contains("Bearer test-token") {
        "chatbot"
    } else {
        "open"
    };
    let (line, rest) = capture.split_once("\r\n").unwrap();
    let target = line.split(' ').nth(1).unwrap();
    let query = target.split_once('?').unwrap().1;
    let line = line.replace(target, &format!("/webhooks/{channel}?{query}"));
    format!("{line}\r\n{}", rest.replace("test-token", SECRET))
}

/// Sends a capture and reads the answer by its length, because most platforms keep the connection
/// open.
async fn replay(world: &World, capture: &str) -> Reply {
    let exchange = async {
        let mut stream = TcpStream::connect(world.service.address()).await.unwrap();
        stream
            .write_all(addressed(capture).as_bytes())
            .await
            .unwrap();
        let mut answer = Vec::new();
        loop {
            let mut part = [0; 4096];
            let read = stream.read(&mut part).await.unwrap();
            answer.extend_from_slice(&part[..read]);
            if let Ok(reply) = http::parse(&answer) {
                let length: usize = reply.header("content-length").unwrap().parse().unwrap();
                if reply.body.len() >= length {
                    return reply;
                }
            }
            assert!(read > 0, "cut off: {}", String::from_utf8_lossy(&answer));
        }
    };
    tokio::time::timeout(PATIENCE, exchange).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_sends_json_is_answered_in_json() {
    for (name, capture) in [
        ("n8n", N8N),
        ("Node-RED", NODE_RED),
        ("Typebot", TYPEBOT),
        ("Typebot without a body", TYPEBOT_DEFAULT),
        ("Asterisk", ASTERISK_JSON),
    ] {
        let world = World::with(CHANNELS).await;
        let reply = replay(&world, capture).await;
        assert_eq!(reply.status, 200, "{name}: {reply:?}");
        assert_eq!(
            reply.header("content-type"),
            Some("application/json"),
            "{name}"
        );
        assert_eq!(reply.outcome(), "cancelled", "{name}");
        assert!(world.ozmap.holds("123|123").await.is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_a_platform_repeats_byte_for_byte_is_one_request() {
    for (name, capture) in [("n8n", N8N), ("Node-RED", NODE_RED), ("Typebot", TYPEBOT)] {
        let world = World::with(CHANNELS).await;
        let first = replay(&world, capture).await.json();
        let again = replay(&world, capture).await.json();
        assert_eq!(
            (&first["replayed"], &again["replayed"]),
            (&false.into(), &true.into()),
            "{name}"
        );
        assert_eq!(first["protocol"], again["protocol"], "{name}");
        assert_eq!(world.journal().len(), 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_refused_with_a_hint_and_a_sentence_for_the_customer() {
    let world = World::with(CHANNELS).await;
    let reply = replay(&world, ASTERISK_FORM).await;
    assert_eq!(reply.status, 415);
    assert!(
        reply.json()["detail"]
            .as_str()
            .unwrap()
            .contains("choose JSON")
    );
    assert!(!reply.reply().is_empty());
    assert!(world.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn unquoted_json_of_typebot_is_refused_with_the_remedy() {
    let world = World::with(CHANNELS).await;
    let (head, _) = TYPEBOT.split_once("\r\n\r\n").unwrap();
    let body = r#"{"code":123|123}"#;
    let head = head
        .replace("application/json", "text/plain;charset=UTF-8")
        .replace(
            "content-length: 83",
            &format!("content-length: {}", body.len()),
        );
    let reply = replay(&world, &format!("{head}\r\n\r\n{body}")).await;
    assert_eq!(reply.status, 400);
    assert!(
        reply.json()["detail"]
            .as_str()
            .unwrap()
            .contains("quotes around a value are missing")
    );
}
