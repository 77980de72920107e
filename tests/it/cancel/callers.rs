//! Callers that repeat requests, hang up or cannot wait.

use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::*;
use crate::support::{SECRET, http};

/// Sends a request to the channel `chatbot` in a separate task.
pub async fn ask_of(address: SocketAddr, body: Value) -> Reply {
    try_ask_of(address, body).await.unwrap()
}

/// The same for a service that may be down.
pub async fn try_ask_of(address: SocketAddr, body: Value) -> std::io::Result<Reply> {
    let authorization = format!("Bearer {SECRET}");
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json"),
    ];
    let body = body.to_string();
    http::send(
        address,
        "POST",
        "/webhooks/chatbot",
        &headers,
        body.as_bytes(),
    )
    .await
}

async fn ask_all(world: &World, bodies: Vec<Value>) -> Vec<Value> {
    let mut asking = JoinSet::new();
    for body in bodies {
        asking.spawn(ask_of(world.service.address(), body));
    }
    let mut answers = Vec::new();
    while let Some(reply) = asking.join_next().await {
        answers.push(reply.unwrap().json());
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_webhook_twenty_times_at_once_is_one_deletion_and_one_answer() {
    let world = World::new().await;
    world.ozmap.fault("delete:delay_ms=200").await;
    let answers = ask_all(&world, vec![asking(CODE, "m-1"); 20]).await;
    for answer in &answers {
        assert_eq!(answer["outcome"], "cancelled");
        assert_eq!(answer["protocol"], answers[0]["protocol"]);
        assert_eq!(answer["reply"], answers[0]["reply"]);
    }
    let first = answers.iter().filter(|one| one["replayed"] == json!(false));
    assert_eq!(first.count(), 1);
    assert_eq!(calls_of(&world.ozmap, "delete").await.len(), 1);
    assert_eq!(file::cancellations(world.folder.path()).len(), 1);
    assert_eq!(file::table(world.folder.path(), "delivery").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn different_webhooks_for_one_code_at_once_share_one_deletion_and_its_outcome() {
    let world = World::new().await;
    world.ozmap.fault("delete:delay_ms=500").await;
    let bodies: Vec<Value> = (0..20).map(|n| asking(CODE, &format!("m-{n}"))).collect();
    let answers = ask_all(&world, bodies.clone()).await;
    for answer in &answers {
        assert_eq!(answer["outcome"], "cancelled");
        assert_eq!(answer["protocol"], answers[0]["protocol"]);
        assert_eq!(answer["replayed"], json!(false));
    }
    assert_eq!(calls_of(&world.ozmap, "delete").await.len(), 1);
    assert_eq!(file::cancellations(world.folder.path()).len(), 1);
    let again = ask_all(&world, bodies).await;
    assert!(
        again
            .iter()
            .all(|one| one["outcome"] == "cancelled" && one["replayed"] == json!(true))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_hangs_up_during_the_deletion_does_not_stop_it() {
    let world = World::new().await;
    world.ozmap.fault("delete:hold_before*1").await;
    let mut caller = TcpStream::connect(world.service.address()).await.unwrap();
    let body = asking(CODE, "m-1").to_string();
    let head = format!(
        "POST /webhooks/chatbot HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    caller.write_all(head.as_bytes()).await.unwrap();
    caller.write_all(body.as_bytes()).await.unwrap();
    world.ozmap.held().await;
    drop(caller);
    world.ozmap.release().await;
    eventually("the end", || async {
        let rows = file::cancellations(world.folder.path());
        (rows[0]["outcome"] == "cancelled").then_some(())
    })
    .await;
    assert!(world.ozmap.holds(CODE).await.is_empty());
    let retry = world.cancel(CODE, "m-1").await;
    assert_eq!(retry.outcome(), "cancelled");
    assert_eq!(retry.json()["replayed"], json!(true));
    assert_eq!(calls_of(&world.ozmap, "delete").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_answered_in_time_while_ozmap_hangs() {
    let cases = ["lookup", "delete", "get", "lookup+1"]
        .iter()
        .flat_map(|call| [("hold_before", call), ("hold_after", call)])
        .map(|(hold, call)| {
            let (route, skip) = call.split_once('+').unwrap_or((call, "0"));
            (format!("{call}:{hold}"), format!("{route}:{hold}*1+{skip}"))
        })
        .collect();
    each(8, cases, |case, fault| async move {
        let world = World::with(&[("CHANNELS__CHATBOT__ANSWER_MS_MAX", "500")]).await;
        world.ozmap.fault(&fault).await;
        for _ in 0..2 {
            let asked = Instant::now();
            let reply = world.cancel(CODE, "m-1").await;
            let took = asked.elapsed();
            assert_eq!(reply.outcome(), "pending", "{case}");
            assert!(took < Duration::from_millis(1_500), "{case}: {took:?}");
        }
        world.ozmap.held().await;
        world.ozmap.release().await;
        let reply = world.ask_until_final(asking(CODE, "m-1")).await;
        assert_is_true(&world.ozmap, CODE, PROPERTY, &reply, &case).await;
        assert_eq!(reply.outcome(), "cancelled", "{case}");
        assert_deleted_only(&world.ozmap, &[PROPERTY], &case).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hung_cancellations_do_not_delay_other_callers() {
    let world = World::with(&[("CHANNELS__CHATBOT__ANSWER_MS_MAX", "500")]).await;
    world.ozmap.fault("any:timeout_before").await;
    let asked = Instant::now();
    let bodies = (0..40)
        .map(|n| asking(&format!("c-{n}"), &format!("m-{n}")))
        .collect();
    let answers = ask_all(&world, bodies).await;
    assert!(answers.iter().all(|answer| answer["outcome"] == "pending"));
    assert!(
        asked.elapsed() < Duration::from_secs(3),
        "{:?}",
        asked.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_survives_a_restart_and_is_replayed_without_a_call() {
    let mut world = World::new().await;
    let first = world.cancel(CODE, "m-1").await.json();
    let kept = world.cancel("test-status", "m-2").await.json();
    world.restart().await;
    let before = calls_of(&world.ozmap, "lookup").await.len();
    let again = world.cancel(CODE, "m-1").await.json();
    assert_eq!(again["replayed"], json!(true));
    for member in ["outcome", "reply", "protocol", "final", "handoff"] {
        assert_eq!(again[member], first[member], "{member}");
    }
    assert_eq!(
        world.cancel("test-status", "m-2").await.json()["outcome"],
        kept["outcome"]
    );
    assert_eq!(calls_of(&world.ozmap, "lookup").await.len(), before);
    let later = world.cancel(CODE, "m-3").await;
    assert_eq!(later.outcome(), "already_cancelled");
    // A code that this service never cancelled is not called already cancelled.
    assert_eq!(world.cancel("nobody", "m-4").await.outcome(), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_reservation_under_a_cancelled_code_is_a_new_cancellation() {
    let world = World::new().await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "cancelled");
    world.ozmap.reserve(json!({"code": CODE})).await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "cancelled");
    assert_eq!(
        world.ozmap.holds(CODE).await.len(),
        1,
        "a repeated request deletes nothing"
    );
    assert_eq!(world.cancel(CODE, "m-2").await.outcome(), "cancelled");
    assert!(world.ozmap.holds(CODE).await.is_empty());
    assert_eq!(
        world.cancel(CODE, "m-3").await.outcome(),
        "already_cancelled"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reused_key_with_another_code_cancels_nothing() {
    let world = World::new().await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "cancelled");
    let reused = world.cancel("reservation_123", "m-1").await;
    assert_eq!(reused.status, 422);
    assert_eq!(world.ozmap.holds("reservation_123").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_key_is_not_hammered() {
    each(2, named(&["401", "403"]), |_, status| async move {
        let world = World::with(SHORT).await;
        world.ozmap.fault(&format!("lookup:status={status}")).await;
        assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "pending");
        let row = eventually("the pause", || async {
            let row = file::cancellations(world.folder.path()).remove(0);
            row["lease_owner"].is_null().then_some(row)
        })
        .await;
        let pause_ms = row["next_at"].as_i64().unwrap() - row["updated_at"].as_i64().unwrap();
        // Counted from the 401; the pause is recorded a moment later.
        assert!(pause_ms > 29_000, "{status}: {pause_ms}");
        assert_eq!(calls_of(&world.ozmap, "lookup").await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_honoured() {
    each(
        3,
        named(&["lookup", "delete", "get"]),
        |_, route| async move {
            // The worker waits five seconds under its lease, and releases the lease for seven.
            let world = World::with(SHORT).await;
            world.ozmap.fault(&format!("{route}:status=429,7*1")).await;
            assert_eq!(
                world.cancel(CODE, "m-1").await.outcome(),
                "pending",
                "{route}"
            );
            let row = eventually("the pause", || async {
                let row = file::cancellations(world.folder.path()).remove(0);
                row["lease_owner"].is_null().then_some(row)
            })
            .await;
            let pause_ms = row["next_at"].as_i64().unwrap() - row["updated_at"].as_i64().unwrap();
            // Counted from the response; the waiting cancellations are spread over a second.
            assert!((6_900..=8_000).contains(&pause_ms), "{route}: {pause_ms}");
            assert_eq!(row["reason"], "ozmap_throttled", "{route}");
        },
    )
    .await;
    let world = World::with(SHORT).await;
    world.ozmap.fault("lookup:status=429,2*1").await;
    let reply = world.ask_until_final(asking(CODE, "m-1")).await;
    assert_eq!(reply.outcome(), "cancelled");
    let calls = calls_of(&world.ozmap, "lookup").await;
    let began = |n: usize| calls[n]["began_ms"].as_i64().unwrap();
    assert!(began(1) - began(0) >= 2_000, "{calls:?}");
}
