//! Privacy: nothing personal and no secret in logs, health or problems, whatever `log.filter` says.

use serde_json::json;

use crate::support::{KEY, SECRET, World, eventually};

const CODE: &str = "canary-code";
const NAME: &str = "Canaryname";
const PHONE: &str = "+5548987650001";
const ADDRESS: &str = "Canary Street 12";
const CONVERSATION: &str = "canary-conversation";
const MESSAGE: &str = "canary-message";
const REASON: &str = "canary-reason";

const FAULTS: [&str; 14] = [
    "",
    "lookup:status=503*1",
    "lookup:html_404*1",
    "lookup:error_string_200*1",
    "lookup:truncated*1",
    "lookup:reset_before*1",
    "lookup:redirect=307*1",
    "lookup:wrong_code*1",
    "lookup:duplicate_keys*1",
    "lookup:timeout_before*1",
    "delete:status=500*1",
    "delete:reset_after*1",
    "delete:timeout_before*1",
    "get:status=500*1",
];

/// Headers of a caller; none of these values may be logged.
const HEADERS: [(&str, &str); 5] = [
    ("X-Request-Id", "canary of 48987650001"),
    ("traceparent", "00-canary"),
    ("tracestate", "canary=1"),
    ("User-Agent", "canary"),
    ("X-Forwarded-For", "canary"),
];

#[tokio::test(flavor = "multi_thread")]
async fn logs_and_health_hold_nothing_personal_even_at_trace() {
    assert_private("text", &FAULTS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_logs_with_their_spans_hold_nothing_personal_either() {
    assert_private("json", &[FAULTS[0], FAULTS[1], FAULTS[11]]).await;
}

async fn assert_private(format: &str, faults: &[&str]) {
    let world = World::with(&[
        ("LOG__FILTER", "trace"),
        ("LOG__FORMAT", format),
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "2000"),
        ("OZMAP__LOOKUP_MS", "500"),
        ("OZMAP__DELETE_MS", "500"),
        ("JOURNAL__GIVE_UP_S", "3"),
        ("JOURNAL__SETTLE_MS", "1000"),
    ])
    .await;
    let full = format!("{NAME} Sobrenome");
    for fault in faults {
        world.ozmap.heal().await;
        if world.ozmap.holds(CODE).await.is_empty() {
            world
                .ozmap
                .reserve(json!({"code": CODE, "name": full, "address": ADDRESS}))
                .await;
        }
        if !fault.is_empty() {
            world.ozmap.fault(fault).await;
        }
        let body = json!({
            "code": CODE, "customer_name": full, "phone": PHONE, "conversation_id": CONVERSATION,
            "message_id": format!("{MESSAGE}-{fault}"), "reason": REASON,
        });
        let mut lookup = body.clone();
        lookup["action"] = json!("lookup");
        let lookup = lookup.to_string();
        let asked = world.service.post("chatbot", &HEADERS, lookup.as_bytes());
        asked.await.unwrap();
        if !fault.is_empty() {
            world.ozmap.fault(fault).await;
        }
        world.ask_until_final(body).await;
    }
    for body in [
        "{\"code\":canary-code}",
        "canary-code",
        "{\"code\":\"canary-code\u{200b}\"}",
    ] {
        world
            .service
            .post("chatbot", &[], body.as_bytes())
            .await
            .unwrap();
    }
    world
        .service
        .post(
            "chatbot",
            &[("Authorization", "Bearer canary-token"), HEADERS[0]],
            b"{}",
        )
        .await
        .unwrap();
    let health = [
        world.service.get("/health").await.body,
        world.service.get("/health/ready").await.body,
    ]
    .concat();
    let logs = eventually("the last access line", || async {
        let logs = world.service.logs();
        let is_last = |line: &str| line.contains("not_authenticated") && line.contains("answered");
        logs.lines().any(is_last).then_some(logs)
    })
    .await;
    assert!(logs.lines().count() > 20, "{logs}");
    for canary in [
        "canary",
        NAME,
        PHONE,
        "48987650001",
        ADDRESS,
        "Sobrenome",
        "Gabriel",
        SECRET,
        KEY,
    ] {
        for (place, text) in [("the logs", &logs), ("health", &health)] {
            let found = text
                .lines()
                .find(|line| line.to_lowercase().contains(&canary.to_lowercase()));
            assert_eq!(found, None, "{canary} in {place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_is_not_logged() {
    let world = World::with(&[
        ("LOG__FILTER", "trace"),
        ("OZMAP__API_KEY", "canary-key-of-ozmap"),
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "500"),
    ])
    .await;
    assert_eq!(world.cancel("123|123", "m-1").await.outcome(), "pending");
    let logs = eventually("a log line about the key", || async {
        let logs = world.service.logs();
        logs.contains("probe of OZmap failed: OZmap refuses the key (ozmap_unauthorized")
            .then_some(logs)
    })
    .await;
    assert!(!logs.contains("canary"), "{logs}");
    assert!(
        !logs.contains("123|123") && !logs.contains("123%7C123"),
        "{logs}"
    );
    let detail = world.service.get("/health").await.json();
    assert_eq!(detail["ozmap"]["status"], "ozmap_unauthorized");
    assert_eq!(world.service.get("/health/ready").await.status, 200);
}
