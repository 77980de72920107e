//! Graceful stop: nothing accepted is lost, running requests are answered, and no stalled caller
//! delays it.

use std::time::Instant;

use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{ALIVE, PROBE, head, stalled, until, until_closed};
use crate::cancel::{asking, try_ask_of};
use crate::support::{World, eventually, http};

/// Waits until the service accepts no new connection.
async fn closed(world: &World) {
    eventually("the listener to close", || async {
        let connected = tokio::net::TcpStream::connect(world.service.address()).await;
        connected.is_err().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_running_requests_and_answers_them() {
    let mut world = World::new().await;
    world.ozmap.fault("delete:hold_after*1").await;
    let body = json!({"code": "123|123", "message_id": "m-1"}).to_string();
    let asked = {
        let address = world.service.address();
        let request = format!(
            "{}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            head(),
            body.len()
        );
        tokio::spawn(async move { http::send_raw(address, request.as_bytes()).await })
    };
    world.ozmap.held().await;
    world.service.signal("TERM");
    closed(&world).await;
    world.ozmap.release().await;
    let reply = asked.await.unwrap().unwrap();
    assert_eq!(reply.outcome(), "cancelled");
    assert_eq!(world.service.ended().await, Some(0));
    assert_eq!(world.journal()[0]["outcome"], "cancelled");
    assert!(world.service.logs().contains("no work left running"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_in_time_while_callers_and_ozmap_stall() {
    let mut world = World::with(&[
        ("SERVER__DRAIN_MS_MAX", "1500"),
        // On a shared journal the next process waits for the lease to expire.
        ("OZMAP__DELETE_MS", "4000"),
        ("JOURNAL__LEASE_MS", "9000"),
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "500"),
    ])
    .await;
    world.ozmap.fault("delete:hold_before*1").await;
    let body = json!({"code": "123|123", "message_id": "m-1"});
    assert_eq!(world.ask(body.clone()).await.outcome(), "pending");
    world.ozmap.held().await;
    let silent = stalled(&world, "").await;
    let half_head = stalled(&world, "POST /webhooks/chatbot HTTP/1.1\r\nHost: ser").await;
    let half_body = stalled(
        &world,
        &format!("{}Content-Length: 50\r\n\r\n{{\"code\":", head()),
    )
    .await;
    let kept = stalled(&world, "GET /health/live HTTP/1.1\r\nHost: service\r\n\r\n").await;
    eventually("an answer on the kept connection", || async {
        kept.readable().await.ok()
    })
    .await;
    let began = Instant::now();
    world.service.signal("TERM");
    assert_eq!(world.service.ended().await, Some(0));
    // The limit is 1.5 s; the rest is tolerance for a loaded machine.
    assert!(began.elapsed().as_secs() < 8, "{:?}", began.elapsed());
    drop((silent, half_head, half_body, kept));
    // The next run resumes and ends what was running.
    world.ozmap.release().await;
    world.ozmap.heal().await;
    world.restart().await;
    assert_eq!(world.ask_until_final(body).await.outcome(), "cancelled");
    assert_eq!(world.journal().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_service_stops_at_once_and_sigint_stops_it_too() {
    for signal in ["TERM", "INT"] {
        let mut world = World::new().await;
        assert_eq!(world.cancel("123|123", "m-1").await.outcome(), "cancelled");
        world.service.signal(signal);
        assert_eq!(world.service.ended().await, Some(0), "{signal}");
        assert!(
            world.service.logs().contains("no work left running"),
            "{signal}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_waits_during_a_stop_is_answered_pending() {
    let mut world = World::with(&[("CHANNELS__CHATBOT__ANSWER_MS_MAX", "30000")]).await;
    world.ozmap.fault("lookup:status=503").await;
    let body = json!({"code": "123|123", "message_id": "m-1"});
    let request = {
        let text = body.to_string();
        format!(
            "{}Connection: close\r\nContent-Length: {}\r\n\r\n{text}",
            head(),
            text.len()
        )
    };
    let address = world.service.address();
    let asked = tokio::spawn(async move { http::send_raw(address, request.as_bytes()).await });
    eventually("a look-up", || async {
        (!world.ozmap.asked().await.is_empty()).then_some(())
    })
    .await;
    world.service.signal("TERM");
    let reply = asked.await.unwrap().unwrap();
    assert_eq!((reply.status, reply.outcome().as_str()), (200, "pending"));
    assert_eq!(world.service.ended().await, Some(0));
    world.ozmap.heal().await;
    world.restart().await;
    assert_eq!(world.ask_until_final(body).await.outcome(), "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_announced_before_any_request_is_refused() {
    let mut world = World::with(&[("SERVER__STOP_NOTICE_MS", "3000")]).await;
    world.service.signal("TERM");
    let announced = eventually("the announcement", || async {
        let ready = world.service.get("/health/ready").await;
        (ready.status == 503).then_some(ready)
    })
    .await;
    assert_eq!(announced.json()["status"], json!("draining"));
    assert_eq!(
        world.service.get("/health").await.json()["draining"],
        json!(true)
    );
    // A caller that does not know yet is served as usual.
    let reply = world.cancel("123|123", "m-1").await;
    assert_eq!(reply.outcome(), "cancelled");
    assert_eq!(world.service.ended().await, Some(0));
    assert_eq!(world.journal()[0]["outcome"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_stops_at_once() {
    let mut world = World::with(&[("SERVER__STOP_NOTICE_MS", "30000")]).await;
    let began = Instant::now();
    world.service.signal("TERM");
    eventually("the announcement", || async {
        let ready = world.service.get("/health/ready").await;
        (ready.status == 503).then_some(())
    })
    .await;
    world.service.signal("TERM");
    assert_eq!(world.service.ended().await, Some(0));
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_kept_connection_does_not_delay_a_stop() {
    let mut world = World::with(&[
        ("SERVER__HEAD_MS_MAX", "60000"),
        ("SERVER__DRAIN_MS_MAX", "15000"),
    ])
    .await;
    let mut kept = stalled(&world, PROBE).await;
    until(&mut kept, ALIVE).await;
    world.service.signal("TERM");
    assert_eq!(until_closed(kept).await, "");
    assert_eq!(world.service.ended().await, Some(0));
    let logs = eventually("the last log line", || async {
        let logs = world.service.logs();
        logs.contains("stopped").then_some(logs)
    })
    .await;
    assert!(logs.contains("no work left running"), "{logs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_service_accepts_nothing_on_an_open_connection() {
    let mut world = World::with(&[
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "30000"),
        ("SERVER__BODY_MS_MAX", "60000"),
    ])
    .await;
    world.ozmap.fault("lookup:status=503").await;
    let body = asking("reservation_123", "m-1");
    let waiting = tokio::spawn(try_ask_of(world.service.address(), body.clone()));
    eventually("a look-up", || async {
        (!world.ozmap.asked().await.is_empty()).then_some(())
    })
    .await;
    let late = asking("123|123", "m-2").to_string();
    let expecting = format!(
        "{}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        head(),
        late.len()
    );
    let mut open = stalled(&world, &expecting).await;
    // The service waits for the body: the request began before the stop.
    until(&mut open, "100 Continue\r\n\r\n").await;
    world.service.signal("TERM");
    // The answer means that every worker has handed over: from here on nothing is accepted.
    let reply = waiting.await.unwrap().unwrap();
    assert_eq!((reply.status, reply.outcome().as_str()), (200, "pending"));
    world.ozmap.heal().await;
    open.write_all(late.as_bytes()).await.unwrap();
    let answer = until_closed(open).await;
    let refused = http::parse(answer.as_bytes()).unwrap();
    assert_eq!(refused.status, 503, "{answer}");
    assert_eq!(refused.json()["type"], "urn:ozmap-cancel:problem:stopping");
    assert!(refused.header("retry-after").is_some(), "{answer}");
    assert_eq!(world.service.ended().await, Some(0));
    let rows = world.journal();
    assert_eq!((rows.len(), &rows[0]["code"]), (1, &body["code"]));
    assert_eq!(world.ozmap.holds("123|123").await.len(), 1);
}
