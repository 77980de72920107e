//! Nothing personal and nothing secret in logs, health or problems, however much is logged.

use serde_json::json;

use crate::support::{KEY, SECRET, World, eventually};

const CODE: &str = "canary-code";
const NAME: &str = "Canaryname";
const PHONE: &str = "+5548987650001";
const ADDRESS: &str = "Canary Street 12";
const CONVERSATION: &str = "canary-conversation";
const MESSAGE: &str = "canary-message";
const REASON: &str = "canary-reason";

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_named_in_logs_or_health_even_at_trace() {
    let world = World::with(&[
        ("LOG__FILTER", "trace"),
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "2000"),
        ("OZMAP__LOOKUP_MS", "500"),
        ("OZMAP__DELETE_MS", "500"),
        ("JOURNAL__GIVE_UP_S", "3"),
        ("JOURNAL__SETTLE_MS", "1000"),
    ])
    .await;
    let full = format!("{NAME} Sobrenome");
    for fault in [
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
    ] {
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
        world.ask(lookup).await;
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
            &[("Authorization", "Bearer canary-token")],
            b"{}",
        )
        .await
        .unwrap();
    let health = [
        world.service.get("/health").await.body,
        world.service.get("/health/ready").await.body,
    ]
    .concat();
    let logs = eventually("the last line", || async {
        let logs = world.service.logs();
        logs.contains("outcome=\"not_authenticated\"")
            .then_some(logs)
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
async fn a_key_that_ozmap_refuses_is_not_printed_either() {
    let world = World::with(&[
        ("LOG__FILTER", "trace"),
        ("OZMAP__API_KEY", "canary-key-of-ozmap"),
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "500"),
    ])
    .await;
    assert_eq!(world.cancel("123|123", "m-1").await.outcome(), "pending");
    let logs = eventually("a word about the key", || async {
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
