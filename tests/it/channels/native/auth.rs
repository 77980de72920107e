//! Authentication: bearer tokens and Standard Webhooks signatures. The service does nothing for any
//! other caller.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::support::http::send;
use crate::support::{Reply, SECRET, World};

const BODY: &[u8] = br#"{"code":"123|123"}"#;

async fn post(world: &World, channel: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let path = format!("/webhooks/{channel}");
    send(world.service.address(), "POST", &path, headers, body)
        .await
        .unwrap()
}

fn assert_unauthenticated(reply: &Reply, why: &str) {
    assert_eq!(reply.status, 401, "{why}: {reply:?}");
    assert!(reply.header("www-authenticate").is_some(), "{why}");
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json")
    );
    assert!(!reply.reply().is_empty(), "{why}");
    assert!(!reply.body.contains(SECRET), "{why}");
}

async fn assert_nothing_happened(world: &World) {
    assert!(world.journal().is_empty());
    assert!(world.ozmap.asked().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_secret_as_a_bearer_token_opens_the_channel() {
    let world = World::new().await;
    let right = format!("Bearer {SECRET}");
    for (why, headers) in [
        ("missing", vec![]),
        ("empty", vec![("Authorization", "")]),
        ("no token", vec![("Authorization", "Bearer")]),
        ("empty token", vec![("Authorization", "Bearer ")]),
        (
            "wrong",
            vec![("Authorization", "Bearer another-secret-of-thirty-two-chars")],
        ),
        (
            "prefix",
            vec![("Authorization", "Bearer a-secret-of-thirty")],
        ),
        ("raw", vec![("Authorization", SECRET)]),
        (
            "other scheme",
            vec![("Authorization", "Basic YS1zZWNyZXQ=")],
        ),
        ("other header", vec![("X-Api-Key", SECRET)]),
        (
            "twice",
            vec![("Authorization", &right), ("authorization", &right)],
        ),
        (
            "twice, one wrong",
            vec![("Authorization", &right), ("authorization", "Bearer x")],
        ),
        ("two in one", vec![("Authorization", "Bearer a b")]),
    ] {
        assert_unauthenticated(&post(&world, "chatbot", &headers, BODY).await, why);
        assert_unauthenticated(&post(&world, "chatbot", &headers, b"not json").await, why);
    }
    let path = format!("chatbot?token={SECRET}");
    assert_unauthenticated(&post(&world, &path, &[], BODY).await, "query");
    assert_nothing_happened(&world).await;
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer "] {
        let value = format!("{scheme} {SECRET}");
        let lookup = br#"{"code":"123|123","action":"lookup"}"#;
        let reply = post(&world, "chatbot", &[("Authorization", &value)], lookup).await;
        assert_eq!(reply.outcome(), "found", "{scheme}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_secrets_are_all_accepted_during_a_rotation() {
    let both = format!("{SECRET}\n  the-new-secret-of-thirty-two-chars");
    let world = World::with(&[("CHANNELS__CHATBOT__SECRET", &both)]).await;
    let lookup = br#"{"code":"123|123","action":"lookup"}"#;
    for secret in [SECRET, "the-new-secret-of-thirty-two-chars"] {
        let value = format!("Bearer {secret}");
        let reply = post(&world, "chatbot", &[("Authorization", &value)], lookup).await;
        assert_eq!(reply.status, 200);
    }
    let value = format!("Bearer {both}").replace('\n', "");
    assert_unauthenticated(
        &post(&world, "chatbot", &[("Authorization", &value)], lookup).await,
        "both",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_of_one_channel_does_not_open_another() {
    let world =
        World::with(&[("CHANNELS__PHONE__SECRET", "the-secret-of-the-phone-channel")]).await;
    let value = format!("Bearer {SECRET}");
    let reply = post(&world, "phone", &[("Authorization", &value)], BODY).await;
    assert_unauthenticated(&reply, "another channel");
    assert_nothing_happened(&world).await;
}

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A world with a channel `signed` that has two secrets.
async fn signed_world() -> World {
    let secrets = format!("{OLD} {NEW}");
    World::with(&[
        ("CHANNELS__SIGNED__AUTH", "standard-webhooks"),
        ("CHANNELS__SIGNED__SECRET", &secrets),
    ])
    .await
}

fn signature(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let key = STANDARD
        .decode(secret.trim_start_matches("whsec_"))
        .unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Seconds since 1970, at an offset from now.
fn at(offset: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    (i64::try_from(now.as_secs()).unwrap() + offset).to_string()
}

async fn signed(world: &World, id: &str, timestamp: &str, signature: &str, body: &[u8]) -> Reply {
    let headers = [
        ("webhook-id", id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
    ];
    post(world, "signed", &headers, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_by_any_active_secret_opens_the_channel_and_its_id_is_the_key() {
    let world = signed_world().await;
    let now = at(0);
    let first = signed(
        &world,
        "msg_1",
        &now,
        &signature(OLD, "msg_1", &now, BODY),
        BODY,
    )
    .await;
    assert_eq!(first.outcome(), "cancelled");
    // A retry of the same webhook with a new signature, among signatures of other versions and
    // keys.
    let later = at(2);
    let several = format!(
        "v1a,aGVsbG8= {} v2,x v1,!!! {}",
        signature(
            "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "msg_1",
            &later,
            BODY
        ),
        signature(NEW, "msg_1", &later, BODY)
    );
    let again = signed(&world, "msg_1", &later, &several, BODY).await.json();
    assert_eq!(
        (&again["outcome"], &again["replayed"]),
        (&json!("cancelled"), &json!(true))
    );
    for offset in [-295, 295] {
        let time = at(offset);
        let reply = signed(
            &world,
            "msg_1",
            &time,
            &signature(NEW, "msg_1", &time, BODY),
            BODY,
        )
        .await;
        assert_eq!(reply.status, 200, "{offset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_request_is_refused() {
    let world = signed_world().await;
    let (now, other_time) = (at(0), at(-1));
    let right = signature(OLD, "msg_1", &now, BODY);
    let cut = &right[..right.len() - 2];
    let upper = right.replace("v1,", "V1,");
    let foreign = signature(
        "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "msg_1",
        &now,
        BODY,
    );
    let dotted = signature(OLD, "a.b", &now, BODY);
    let moved = signature(OLD, "msg_1", &now, b"x");
    let no_time = signature(OLD, "msg_1", "soon", BODY);
    let other_body: &[u8] = br#"{"code":"reservation_123"}"#;
    for (why, id, timestamp, signature, body) in [
        (
            "the body",
            "msg_1",
            now.as_str(),
            right.as_str(),
            other_body,
        ),
        ("the id", "msg_2", &now, &right, BODY),
        ("the time", "msg_1", &other_time, &right, BODY),
        ("the signature", "msg_1", &now, cut, BODY),
        ("the version", "msg_1", &now, &upper, BODY),
        ("the key", "msg_1", &now, &foreign, BODY),
        ("no signature", "msg_1", &now, "", BODY),
        ("an empty one", "msg_1", &now, "v1,", BODY),
        ("dots in the id", "a.b", &now, &dotted, BODY),
        ("an empty id", "", &now, &right, BODY),
        ("cut elsewhere", "msg_1", &format!("{now}.x"), &moved, b""),
        ("no time", "msg_1", "soon", &no_time, BODY),
    ] {
        assert_unauthenticated(&signed(&world, id, timestamp, signature, body).await, why);
    }
    let token = format!("Bearer {OLD}");
    let bearer = post(&world, "signed", &[("Authorization", &token)], BODY).await;
    assert_unauthenticated(&bearer, "the secret as a token");
    assert_nothing_happened(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_stale_after_five_minutes_either_way() {
    let world = signed_world().await;
    for offset in [-310, 310, -1_000_000, 1_000_000] {
        let time = at(offset);
        let reply = signed(
            &world,
            "msg_1",
            &time,
            &signature(OLD, "msg_1", &time, BODY),
            BODY,
        )
        .await;
        assert_unauthenticated(&reply, "stale");
        assert_eq!(reply.json()["type"], "urn:ozmap-cancel:problem:stale");
    }
    // An unauthenticated caller does not learn what is wrong with its clock.
    let reply = signed(&world, "msg_1", &at(-1_000), "v1,AAAA", BODY).await;
    assert_eq!(
        reply.json()["type"],
        "urn:ozmap-cancel:problem:not_authenticated"
    );
    let extreme = i64::MIN.to_string();
    let reply = signed(
        &world,
        "m",
        &extreme,
        &signature(OLD, "m", &extreme, BODY),
        BODY,
    )
    .await;
    assert_unauthenticated(&reply, "extreme");
    assert_nothing_happened(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_repeated_signature_header_is_refused() {
    let world = signed_world().await;
    let now = at(0);
    let right = signature(OLD, "msg_1", &now, BODY);
    let all = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", now.as_str()),
        ("webhook-signature", right.as_str()),
    ];
    for left_out in 0..all.len() {
        let mut headers = all.to_vec();
        let (name, _) = headers.remove(left_out);
        assert_unauthenticated(&post(&world, "signed", &headers, BODY).await, name);
        let mut headers = all.to_vec();
        headers.push(all[left_out]);
        assert_unauthenticated(&post(&world, "signed", &headers, BODY).await, name);
    }
    assert_nothing_happened(&world).await;
}
