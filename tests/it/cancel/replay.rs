//! Replays: the answers that are repeated, those that are verified before, and the customer that a
//! shared key belongs to.

use super::*;
use crate::support::SECRET;
use crate::support::http::send;

/// A request of a conversation without a key.
fn without_key(code: &str) -> Value {
    json!({"code": code, "conversation_id": "c-1"})
}

fn replayed(reply: &Reply) -> (String, bool) {
    (reply.outcome(), reply.json()["replayed"] == json!(true))
}

/// A replay window that ends during a test.
const REPLAY: (&str, &str) = ("CHANNELS__CHATBOT__REPLAY_S", "0");

/// Waits until the clock has moved on since the last outcome.
async fn a_moment_later(world: &World) {
    file::Foreign::of(world.folder.path()).run("UPDATE op SET done_at = done_at - 5000");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_a_new_reservation_is_not_reported_as_cancelled() {
    let world = World::new().await;
    let first = world.ask(without_key(CODE)).await;
    assert_eq!(replayed(&first), ("cancelled".to_owned(), false));
    let again = world.ask(without_key(CODE)).await;
    assert_eq!(replayed(&again), ("cancelled".to_owned(), true));
    assert_eq!(again.json()["protocol"], first.json()["protocol"]);
    world.ozmap.reserve(json!({"code": CODE})).await;
    let anew = world.ask(without_key(CODE)).await;
    assert_eq!(replayed(&anew), ("cancelled".to_owned(), false));
    assert_ne!(anew.json()["protocol"], first.json()["protocol"]);
    assert!(world.ozmap.holds(CODE).await.is_empty());
    assert_eq!(world.ozmap.deletions().await.len(), 2);
    // From then on the new answer is replayed.
    let last = world.ask(without_key(CODE)).await;
    assert_eq!(last.json()["protocol"], anew.json()["protocol"]);
    assert_eq!(replayed(&last), ("cancelled".to_owned(), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_answer_to_a_key_is_verified_and_a_recent_one_is_not() {
    let world = World::new().await;
    let first = world.cancel(CODE, "k-1").await;
    world.ozmap.reserve(json!({"code": CODE})).await;
    let asked = world.ozmap.asked().await;
    let young = world.cancel(CODE, "k-1").await;
    assert_eq!(replayed(&young), ("cancelled".to_owned(), true));
    assert_eq!(world.ozmap.asked().await, asked, "OZmap was not asked");
    let hours = "UPDATE op SET done_at = done_at - 3601000";
    file::Foreign::of(world.folder.path()).run(hours);
    let old = world.cancel(CODE, "k-1").await;
    assert_eq!(replayed(&old), ("cancelled".to_owned(), false));
    assert_ne!(old.json()["protocol"], first.json()["protocol"]);
    assert!(world.ozmap.holds(CODE).await.is_empty());
    // Nothing is there, so the answer stays the same; the history of the first webhook is kept.
    file::Foreign::of(world.folder.path()).run(hours);
    let last = world.cancel(CODE, "k-1").await;
    assert_eq!(replayed(&last), ("cancelled".to_owned(), true));
    assert_eq!(last.json()["protocol"], old.json()["protocol"]);
    let webhooks = file::table(world.folder.path(), "delivery");
    let keys: Vec<&str> = webhooks
        .iter()
        .map(|one| one["dedupe_key"].as_str().unwrap())
        .collect();
    let op = webhooks[0]["op_id"].as_str().unwrap();
    assert_eq!(keys.len(), 2);
    assert!(keys.contains(&"key:k-1"), "{keys:?}");
    assert!(
        keys.iter()
            .any(|key| key.starts_with("key:k-1#") && key.contains(op)),
        "{keys:?}"
    );
    for known in [&first, &old] {
        let protocol = known.json()["protocol"].as_str().unwrap().to_owned();
        let shown = world
            .service
            .launch()
            .run(&["journal", "show", &protocol, "--json"]);
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        assert_eq!(shown["webhooks"][0]["told"], "cancelled", "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_verified_is_not_replayed() {
    for request in [without_key(CODE), asking(CODE, "m-1")] {
        let world = World::with(&short_and(&[REPLAY])).await;
        world.ask_until_final(request.clone()).await;
        a_moment_later(&world).await;
        world.ozmap.reserve(json!({"code": CODE})).await;
        world.ozmap.fault("lookup:status=503").await;
        let pending = world.ask(request.clone()).await;
        assert_eq!(
            replayed(&pending),
            ("pending".to_owned(), false),
            "{request}"
        );
        world.ozmap.heal().await;
        let ended = world.ask_until_final(request.clone()).await;
        assert_eq!(ended.outcome(), "cancelled", "{request}");
        assert_eq!(ended.json()["protocol"], pending.json()["protocol"]);
        assert!(world.ozmap.holds(CODE).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_empty_lookup_is_not_enough() {
    let world = World::new().await;
    world.ask(without_key(CODE)).await;
    world.ozmap.fault("lookup:hold_after*1").await;
    let (anew, ()) = tokio::join!(world.ask(without_key(CODE)), async {
        world.ozmap.held().await;
        world.ozmap.reserve(json!({"code": CODE})).await;
        world.ozmap.release().await;
    });
    assert_eq!(replayed(&anew), ("cancelled".to_owned(), false));
    assert!(world.ozmap.holds(CODE).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_refusal_is_judged_again() {
    let world = World::with(&[REPLAY]).await;
    assert_eq!(
        world.cancel("test-status", "m-1").await.outcome(),
        "installed"
    );
    a_moment_later(&world).await;
    let again = world.cancel("test-status", "m-1").await;
    assert_eq!(replayed(&again), ("installed".to_owned(), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_key_with_another_content_is_a_new_request() {
    let world = World::with(&[REPLAY]).await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "cancelled");
    a_moment_later(&world).await;
    let other = world.cancel("reservation_123", "m-1").await;
    assert_eq!(replayed(&other), ("cancelled".to_owned(), false));
    assert_eq!(world.journal().len(), 2);
    // While the cancellation is in progress, a reused key is still an error.
    world.ozmap.fault("lookup:status=503").await;
    assert_eq!(world.cancel("abc", "m-2").await.outcome(), "pending");
    assert_eq!(world.cancel("abd", "m-2").await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_conversations_with_one_key_are_two_customers() {
    let world = World::new().await;
    let ask = async |code: &str, conversation: Option<&str>| {
        let mut body = asking(code, "constant");
        if let Some(conversation) = conversation {
            body["conversation_id"] = json!(conversation);
        }
        world.ask(body).await
    };
    let one = ask(CODE, Some("c-1")).await;
    let two = ask("reservation_123", Some("c-2")).await;
    assert_eq!(replayed(&one), ("cancelled".to_owned(), false));
    assert_eq!(replayed(&two), ("cancelled".to_owned(), false));
    for (code, conversation, first) in [(CODE, "c-1", &one), ("reservation_123", "c-2", &two)] {
        let again = ask(code, Some(conversation)).await;
        assert_eq!(replayed(&again), ("cancelled".to_owned(), true), "{code}");
        assert_eq!(again.json()["protocol"], first.json()["protocol"], "{code}");
    }
    // Another content under the key is an error, with a conversation and without one.
    assert_eq!(ask("abc", Some("c-1")).await.status, 422);
    assert_eq!(ask("abc", Some("c-2")).await.status, 422);
    assert_eq!(ask("abc", None).await.status, 422);
    let told = file::table(world.folder.path(), "delivery");
    eventually("both to be recorded", || async {
        let told = file::table(world.folder.path(), "delivery");
        told.iter()
            .all(|one| one["told_outcome"] == "cancelled")
            .then_some(())
    })
    .await;
    assert_eq!(told.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_shares_keys_is_not_rejected() {
    let world = World::with(&[
        ("CHANNELS__URA__PRESET", "text"),
        ("CHANNELS__URA__SECRET", SECRET),
    ])
    .await;
    let ask = async |code: &str| {
        let body = format!("code={code}&message_id=constant&call_id=1");
        let bearer = format!("Bearer {SECRET}");
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let address = world.service.address();
        let reply = send(address, "POST", "/webhooks/ura", &headers, body.as_bytes());
        reply.await.unwrap()
    };
    for code in [
        "123%7C123",
        "reservation_123",
        "123%7C123",
        "reservation_123",
    ] {
        let reply = ask(code).await;
        assert_eq!(reply.status, 200, "{code}: {reply:?}");
    }
    assert_eq!(world.ozmap.deletions().await.len(), 2);
    let rows = world.journal();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(
        rows.iter().all(|row| row["outcome"] == "cancelled"),
        "{rows:?}"
    );
}
