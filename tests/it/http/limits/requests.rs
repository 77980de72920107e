//! Bodies, heads, methods and addresses that are refused.

use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{head, stalled, until_closed};
use crate::support::http::{parse, send, send_raw};
use crate::support::{Reply, SECRET, World};

fn assert_problem(reply: &Reply, status: u16, id: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json")
    );
    let json = reply.json();
    assert_eq!(json["type"], format!("urn:ozmap-cancel:problem:{id}"));
    assert_eq!(json["status"], status);
    for member in ["title", "detail", "reply"] {
        assert!(
            json[member].as_str().is_some_and(|text| !text.is_empty()),
            "{member} in {json}"
        );
    }
    assert!(json["handoff"].is_boolean(), "{json}");
    assert_eq!(json.as_object().unwrap().len(), 6);
    assert_hardened(reply);
}

fn assert_hardened(reply: &Reply) {
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    for telling in ["server", "x-powered-by", "access-control-allow-origin"] {
        assert_eq!(reply.header(telling), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_in_any_framing() {
    let world = World::with(&[
        ("SERVER__BODY_BYTES_MAX", "1000"),
        ("SERVER__BODY_MS_MAX", "60000"),
    ])
    .await;
    let large = format!(
        "{{\"code\":\"123|123\",\"reason\":\"{}\"}}",
        "x".repeat(1_000)
    );
    let whole = world.service.post("chatbot", &[], large.as_bytes()).await;
    assert_problem(&whole.unwrap(), 413, "too_large");
    // Only declared: the answer does not wait for the body.
    let declared = stalled(
        &world,
        &format!(
            "{}Connection: close\r\nContent-Length: 1000000000\r\n\r\n",
            head()
        ),
    )
    .await;
    let answer = until_closed(declared).await;
    assert_problem(&parse(answer.as_bytes()).unwrap(), 413, "too_large");
    let chunked = format!(
        "{}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n",
        head(),
        large.len()
    );
    let answer = until_closed(stalled(&world, &chunked).await).await;
    assert_problem(&parse(answer.as_bytes()).unwrap(), 413, "too_large");
    let fits = format!(
        "{{\"code\":\"999|999\",\"reason\":\"{}\"}}",
        "x".repeat(1_000 - 30)
    );
    assert_eq!(fits.len(), 1_000);
    let reply = world.service.post("chatbot", &[], fits.as_bytes()).await;
    assert_eq!(reply.unwrap().outcome(), "not_found");
    assert_eq!(world.journal().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_caller_is_disconnected() {
    let world = World::with(&[
        ("SERVER__HEAD_MS_MAX", "300"),
        ("SERVER__BODY_MS_MAX", "300"),
    ])
    .await;
    for sent in ["", "POST", "POST /webhooks/chatbot HTTP/1.1\r\nHost: ser"] {
        let answer = until_closed(stalled(&world, sent).await).await;
        assert!(!answer.contains("200 OK"), "{sent}");
    }
    let half_body = format!(
        "{}Connection: close\r\nContent-Length: 50\r\n\r\n{{\"code\":",
        head()
    );
    let answer = until_closed(stalled(&world, &half_body).await).await;
    assert_problem(&parse(answer.as_bytes()).unwrap(), 408, "too_slow");
    let half_chunk = format!(
        "{}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{{\"code\":",
        head()
    );
    let answer = until_closed(stalled(&world, &half_chunk).await).await;
    assert_problem(&parse(answer.as_bytes()).unwrap(), 408, "too_slow");
    assert!(world.journal().is_empty());
    // An idle connection is closed as well.
    let kept = format!(
        "{}Content-Length: 18\r\n\r\n{{\"code\":\"999|999\"}}",
        head()
    );
    let answer = until_closed(stalled(&world, &kept).await).await;
    assert!(answer.contains("not_found"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_is_refused() {
    let world = World::new().await;
    let long = format!("{}X-Long: {}\r\n\r\n", head(), "x".repeat(60_000));
    let answer = until_closed(stalled(&world, &long).await).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    let many: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
    let reply = send_raw(
        world.service.address(),
        format!("{}{many}\r\n", head()).as_bytes(),
    )
    .await;
    assert_eq!(reply.unwrap().status, 431);
    assert_eq!(world.service.get("/health/live").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_at_its_limit_accepts_nothing_and_sends_retry_after() {
    let world = World::with(&[
        ("SERVER__IN_FLIGHT_MAX", "1"),
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "200"),
    ])
    .await;
    world.ozmap.fault("lookup:hold_before*1").await;
    let first = json!({"code": "123|123", "message_id": "m-1"});
    assert_eq!(world.ask(first.clone()).await.outcome(), "pending");
    world.ozmap.held().await;
    for body in [
        json!({"code": "reservation_123", "message_id": "m-2"}),
        json!({"code": "reservation_123", "action": "lookup"}),
    ] {
        let reply = world.ask(body).await;
        assert_problem(&reply, 503, "busy");
        let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds));
    }
    assert_eq!(world.service.get("/health/ready").await.status, 200);
    assert_eq!(world.journal().len(), 1);
    // The retry of an accepted request is not answered with "nothing was accepted".
    let again = world.ask(first.clone()).await;
    assert_eq!(again.outcome(), "pending");
    assert_eq!(again.json()["replayed"], true);
    let other = json!({"code": "reservation_123", "message_id": "m-1"});
    assert_problem(&world.ask(other).await, 422, "key_reused");
    world.ozmap.release().await;
    assert_eq!(world.ask_until_final(first).await.outcome(), "cancelled");
    let second = json!({"code": "reservation_123", "message_id": "m-2"});
    assert_eq!(world.ask_until_final(second).await.outcome(), "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_takes_only_post() {
    let world = World::new().await;
    let authorization = format!("Bearer {SECRET}");
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        let headers = [("Authorization", authorization.as_str())];
        let reply = send(
            world.service.address(),
            method,
            "/webhooks/chatbot?code=123|123",
            &headers,
            br#"{"code":"123|123"}"#,
        )
        .await
        .unwrap();
        assert_problem(&reply, 405, "method");
        assert_eq!(reply.header("allow"), Some("POST"), "{method}");
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert_eq!(detail.contains("CORS"), method == "OPTIONS", "{detail}");
    }
    let health = send(world.service.address(), "POST", "/health", &[], b"{}")
        .await
        .unwrap();
    assert_problem(&health, 405, "method");
    assert_eq!(health.header("allow"), Some("GET, HEAD"));
    assert!(world.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_is_answered_with_the_right_one_where_possible() {
    let world = World::new().await;
    for (path, id) in [
        ("/webhooks/nobody", "no_such_channel"),
        ("/webhooks/CHATBOT", "no_such_channel"),
        ("/webhooks/chat%62ot%20", "no_such_channel"),
        ("/webhooks/%ff", "no_such_channel"),
        ("/webhooks", "no_such_route"),
        ("/webhooks/", "no_such_route"),
        ("/webhooks//", "no_such_route"),
        ("/webhooks/nobody/", "no_such_route"),
        ("/webhooks/chatbot/more", "no_such_route"),
        ("/webhooks/chatbot/", "wrong_address"),
        ("/webhooks/chatbot//", "wrong_address"),
        ("//webhooks/chatbot", "wrong_address"),
        ("//webhooks//chatbot/?x=1", "wrong_address"),
        ("/", "no_such_route"),
        ("/metrics", "no_such_route"),
        ("/health/", "no_such_route"),
        ("/../etc/passwd", "no_such_route"),
    ] {
        let reply = send(
            world.service.address(),
            "POST",
            path,
            &[],
            br#"{"code":"123|123"}"#,
        )
        .await
        .unwrap();
        assert_problem(&reply, 404, id);
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert_eq!(
            reply.json()["handoff"],
            true,
            "{path}: a mistake in the set-up"
        );
        let names_it = detail.contains("is /webhooks/chatbot,");
        assert_eq!(names_it, id == "wrong_address", "{path}: {detail}");
    }
    assert!(world.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_hardened() {
    let world = World::new().await;
    assert_hardened(&world.cancel("123|123", "m-1").await);
    assert_hardened(&world.cancel("..", "m-2").await);
    for path in ["/health", "/health/live", "/health/ready"] {
        assert_hardened(&world.service.get(path).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_disconnects_does_not_stop_its_cancellation() {
    let world = World::new().await;
    world.ozmap.fault("delete:hold_before*1").await;
    let body = r#"{"code":"123|123","message_id":"m-1"}"#;
    let request = format!("{}Content-Length: {}\r\n\r\n{body}", head(), body.len());
    let stream = stalled(&world, &request).await;
    world.ozmap.held().await;
    drop(stream);
    world.ozmap.release().await;
    assert_eq!(world.settled().await[0]["outcome"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_closes_its_side_still_gets_its_answer() {
    let world = World::new().await;
    world.ozmap.fault("lookup:delay_ms=300*1").await;
    let body = r#"{"code":"123|123","message_id":"m-1"}"#;
    let request = format!("{}Content-Length: {}\r\n\r\n{body}", head(), body.len());
    let mut stream = stalled(&world, &request).await;
    stream.shutdown().await.unwrap();
    let answer = parse(until_closed(stream).await.as_bytes()).unwrap();
    assert_eq!(answer.outcome(), "cancelled");
}
