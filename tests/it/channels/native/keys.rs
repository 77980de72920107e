//! Idempotency keys, duplicates without a key, and the limit of codes per conversation.

use serde_json::{Value, json};

use crate::support::{Reply, SECRET, World, eventually};

async fn with_header(world: &World, name: &str, value: &str, body: Value) -> Reply {
    let body = body.to_string();
    world
        .service
        .post("chatbot", &[(name, value)], body.as_bytes())
        .await
        .unwrap()
}

fn without_replayed(reply: &Reply) -> Value {
    let mut json = reply.json();
    json["replayed"] = Value::Null;
    json
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_gets_the_same_answer_and_asks_ozmap_nothing() {
    let world = World::new().await;
    let body = json!({"code": "123|123"});
    let first = with_header(&world, "Idempotency-Key", "k-1", body.clone()).await;
    assert_eq!(
        (first.outcome().as_str(), &first.json()["replayed"]),
        ("cancelled", &json!(false))
    );
    let asked = world.ozmap.asked().await;
    for (name, value) in [
        ("Idempotency-Key", "k-1"),
        ("idempotency-key", "\"k-1\""),
        ("webhook-id", "k-1"),
        ("X-Other", "k-9"),
    ] {
        let mut body = body.clone();
        body["message_id"] = json!("k-1");
        let again = with_header(&world, name, value, body).await;
        assert_eq!(again.json()["replayed"], true, "{name}");
        assert_eq!(without_replayed(&again), without_replayed(&first), "{name}");
    }
    assert_eq!(world.ozmap.asked().await, asked);
    assert_eq!(world.journal().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_id_wins_over_the_key_header_and_the_member_which_must_agree() {
    let world = World::new().await;
    let body = json!({"code": "123|123", "message_id": "m"}).to_string();
    let post = async |headers: &[(&str, &str)]| {
        let posted = world.service.post("chatbot", headers, body.as_bytes());
        posted.await.unwrap()
    };
    let send = async |headers: &[(&str, &str)]| post(headers).await.json()["replayed"] == true;
    assert!(!send(&[("webhook-id", "w"), ("Idempotency-Key", "i")]).await);
    assert!(send(&[("webhook-id", "w"), ("Idempotency-Key", "other")]).await);
    for headers in [
        &[("Idempotency-Key", "i")][..],
        &[("Idempotency-Key", "i"), ("webhook-id", "")],
    ] {
        let refused = post(headers).await;
        assert_eq!(refused.status, 422, "{refused:?}");
        assert!(
            refused.body.contains("problem:contradiction"),
            "{refused:?}"
        );
        assert!(refused.body.contains("idempotency-key"), "{refused:?}");
    }
    assert!(!send(&[]).await);
    assert!(send(&[("Idempotency-Key", "\"\"")]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_with_another_content_is_refused_and_does_nothing() {
    let world = World::new().await;
    assert_eq!(world.cancel("123|123", "m-1").await.outcome(), "cancelled");
    let asked = world.ozmap.asked().await;
    for body in [
        json!({"code": "reservation_123", "message_id": "m-1"}),
        json!({"code": "123|123", "message_id": "m-1", "dry_run": true}),
    ] {
        let reply = world.ask(body).await;
        assert_eq!(reply.status, 422);
        assert_eq!(reply.json()["type"], "urn:ozmap-cancel:problem:key_reused");
    }
    assert_eq!(world.ozmap.asked().await, asked);
    assert_eq!(world.journal().len(), 1);
    // The language, the reason and the name are not part of the compared content.
    let other_words = json!({"code": "123|123", "message_id": "m-1", "lang": "en", "reason": "x", "customer_name": "Ana"});
    let reply = world.ask(other_words).await.json();
    assert_eq!(
        (&reply["replayed"], &reply["locale"]),
        (&json!(true), &json!("en"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_key_header_is_refused() {
    let world = World::new().await;
    for name in ["Idempotency-Key", "webhook-id"] {
        let reply = world
            .service
            .post(
                "chatbot",
                &[(name, "a"), (name, "b")],
                br#"{"code":"123|123"}"#,
            )
            .await
            .unwrap();
        assert_eq!(reply.status, 400, "{name}");
        assert_eq!(
            reply.json()["type"],
            "urn:ozmap-cancel:problem:repeated_header"
        );
    }
    assert!(world.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_one_channel_is_not_a_key_of_another() {
    let world = World::with(&[("CHANNELS__PHONE__SECRET", SECRET)]).await;
    let chat = br#"{"code":"123|123","message_id":"m-1"}"#;
    assert_eq!(
        world
            .service
            .post("chatbot", &[], chat)
            .await
            .unwrap()
            .outcome(),
        "cancelled"
    );
    let phone = br#"{"code":"reservation_123","message_id":"m-1"}"#;
    let reply = world.service.post("phone", &[], phone).await.unwrap();
    assert_eq!(
        (reply.outcome().as_str(), &reply.json()["replayed"]),
        ("cancelled", &json!(false))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_the_same_code_in_one_conversation_is_the_same_request() {
    let world = World::with(&[("CHANNELS__PHONE__SECRET", SECRET)]).await;
    let body = json!({"code": "123|123", "conversation_id": "c-1"});
    let first = world.ask(body.clone()).await;
    assert_eq!(first.outcome(), "cancelled");
    let again = world.ask(body.clone()).await;
    assert_eq!(again.json()["replayed"], true);
    assert_eq!(without_replayed(&again), without_replayed(&first));
    // Without a conversation id, the phone number identifies the conversation.
    let by_phone = world.ask(json!({"code": "123|123", "phone": "c-1"})).await;
    assert_eq!(by_phone.json()["replayed"], true);
    for (channel, other) in [
        (
            "chatbot",
            json!({"code": "123|123", "conversation_id": "c-2"}),
        ),
        ("chatbot", json!({"code": "123|123"})),
        ("phone", body.clone()),
    ] {
        let other = other.to_string();
        let reply = world
            .service
            .post(channel, &[], other.as_bytes())
            .await
            .unwrap()
            .json();
        assert_eq!(
            (&reply["outcome"], &reply["replayed"]),
            (&json!("already_cancelled"), &json!(false)),
            "{channel} {other}"
        );
    }
    // A dry run of the same code is another request.
    let mut rehearsal = body;
    rehearsal["dry_run"] = json!(true);
    assert_eq!(world.ask(rehearsal).await.json()["replayed"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_duplicate_window_without_a_key_ends() {
    let world = World::with(&[("CHANNELS__CHATBOT__DUPLICATE_WINDOW_S", "1")]).await;
    let body = json!({"code": "123|123", "conversation_id": "c-1"});
    assert_eq!(world.ask(body.clone()).await.outcome(), "cancelled");
    eventually("the end of the window", || async {
        let reply = world.ask(body.clone()).await.json();
        (reply["replayed"] == false && reply["outcome"] == "already_cancelled").then_some(())
    })
    .await;
    assert_eq!(world.ozmap.deletions().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_delete_once_and_get_the_same_answer() {
    let world = World::new().await;
    let asks = (0..12).map(|n| {
        let key = if n % 2 == 0 {
            "same".to_owned()
        } else {
            format!("m-{n}")
        };
        world.ask(json!({"code": "123|123", "message_id": key}))
    });
    let mut tasks = Vec::new();
    for ask in asks {
        tasks.push(ask);
    }
    let replies = join_all(tasks).await;
    for reply in &replies {
        assert!(
            matches!(reply.outcome().as_str(), "cancelled" | "already_cancelled"),
            "{reply:?}"
        );
    }
    assert_eq!(world.ozmap.deletions().await.len(), 1);
}

async fn join_all(asks: Vec<impl Future<Output = Reply>>) -> Vec<Reply> {
    let mut asks: Vec<_> = asks.into_iter().map(Box::pin).collect();
    let mut replies = Vec::new();
    std::future::poll_fn(|context| {
        asks.retain_mut(|ask| match ask.as_mut().poll(context) {
            std::task::Poll::Ready(reply) => {
                replies.push(reply);
                false
            }
            std::task::Poll::Pending => true,
        });
        if asks.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    replies
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_may_try_a_limited_number_of_codes() {
    let world = World::with(&[
        ("POLICY__CODES_PER_CONVERSATION_MAX", "2"),
        ("CHANNELS__PHONE__SECRET", SECRET),
    ])
    .await;
    let attempt = |code: &str, key: &str| {
        world.ask(json!({"code": code, "conversation_id": "c-1", "message_id": key}))
    };
    assert_eq!(attempt("1", "m-1").await.outcome(), "not_found");
    let look = json!({"code": "2", "conversation_id": "c-1", "action": "lookup"});
    assert_eq!(world.ask(look).await.outcome(), "not_found");
    let asked = world.ozmap.asked().await;
    let refused = attempt("123|123", "m-3").await;
    assert_eq!(refused.outcome(), "too_many_attempts");
    assert_eq!(refused.json()["protocol"], "");
    let look = json!({"code": "123|123", "conversation_id": "c-1", "action": "lookup"});
    assert_eq!(world.ask(look).await.outcome(), "too_many_attempts");
    assert_eq!(world.ozmap.asked().await, asked);
    assert_eq!(world.journal().len(), 1);
    // The service still answers retries, and codes that the conversation tried before.
    assert_eq!(attempt("1", "m-1").await.json()["replayed"], true);
    assert_eq!(attempt("2", "m-4").await.outcome(), "not_found");
    // Attempts of another conversation or channel, and attempts without a conversation, do not
    // count.
    for (channel, body) in [
        (
            "chatbot",
            json!({"code": "999|999", "conversation_id": "c-2"}),
        ),
        (
            "phone",
            json!({"code": "999|999", "conversation_id": "c-1"}),
        ),
        ("chatbot", json!({"code": "998|998"})),
    ] {
        let body = body.to_string();
        let reply = world
            .service
            .post(channel, &[], body.as_bytes())
            .await
            .unwrap();
        assert_eq!(reply.outcome(), "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_remembered_over_a_restart() {
    let mut world = World::with(&[("POLICY__CODES_PER_CONVERSATION_MAX", "1")]).await;
    let attempt = json!({"code": "1", "conversation_id": "c-1", "message_id": "m-1"});
    assert_eq!(world.ask(attempt.clone()).await.outcome(), "not_found");
    world.restart().await;
    let other = json!({"code": "2", "conversation_id": "c-1", "message_id": "m-2"});
    assert_eq!(world.ask(other).await.outcome(), "too_many_attempts");
    assert_eq!(world.ask(attempt).await.json()["replayed"], true);
}
