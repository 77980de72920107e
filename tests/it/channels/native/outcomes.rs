//! The table of outcomes, and the answers of lookups and dry runs, which change nothing.

use std::time::Instant;

use serde_json::json;

use crate::support::{Reply, World, eventually};

/// `outcome`, `final` and `handoff` of an answer; the function checks the other members.
fn row(reply: &Reply) -> (String, bool, bool) {
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let json = reply.json();
    for (member, is_right) in [
        ("outcome", json["outcome"].is_string()),
        (
            "reply",
            json["reply"].as_str().is_some_and(|text| !text.is_empty()),
        ),
        ("final", json["final"].is_boolean()),
        ("handoff", json["handoff"].is_boolean()),
        (
            "protocol",
            json["protocol"]
                .as_str()
                .is_some_and(|text| text.bytes().all(|b| b.is_ascii_digit())),
        ),
        ("code", json["code"].is_string()),
        ("locale", json["locale"] == "pt-BR"),
        ("replayed", json["replayed"].is_boolean()),
    ] {
        assert!(is_right, "{member} in {json}");
    }
    (
        reply.outcome(),
        json["final"] == true,
        json["handoff"] == true,
    )
}

fn expect(outcome: &str, is_final: bool, handoff: bool) -> (String, bool, bool) {
    (outcome.to_owned(), is_final, handoff)
}

async fn look(world: &World, code: &str) -> Reply {
    world.ask(json!({"code": code, "action": "lookup"})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn immediate_outcomes_have_the_flags_of_the_contract() {
    let world = World::with(&[("POLICY__CODES_PER_CONVERSATION_MAX", "1")]).await;
    assert_eq!(
        row(&look(&world, "123|123").await),
        expect("found", true, false)
    );
    let rehearsal = json!({"code": "123|123", "dry_run": true, "message_id": "d"});
    assert_eq!(
        row(&world.ask(rehearsal).await),
        expect("would_cancel", true, false)
    );
    for (code, key, outcome, handoff) in [
        ("123|123", "m-1", "cancelled", false),
        ("123|123", "m-2", "already_cancelled", false),
        ("999|999", "m-3", "not_found", false),
        ("test-status", "m-4", "installed", true),
        ("dup-1", "m-5", "review", true),
        ("apto-101", "m-6", "review", true),
        ("..", "m-7", "invalid_code", false),
    ] {
        let reply = world.cancel(code, key).await;
        assert_eq!(row(&reply), expect(outcome, true, handoff), "{code}");
        assert_eq!(reply.json()["code"], code);
        assert_eq!(reply.json()["protocol"] == "", outcome == "invalid_code");
    }
    for (code, expected) in [("1", "not_found"), ("2", "too_many_attempts")] {
        let reply = world.ask(json!({"code": code, "conversation_id": "c", "message_id": code}));
        let handoff = expected == "too_many_attempts";
        assert_eq!(row(&reply.await), expect(expected, true, handoff));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_of_an_ozmap_outage_have_the_flags_of_the_contract() {
    let world = World::with(&[
        ("JOURNAL__GIVE_UP_S", "2"),
        ("OZMAP__DELETE_MS", "300"),
        ("JOURNAL__SETTLE_MS", "300"),
        // Long enough for a loaded machine to accept the request, and shorter than
        // journal.give_up_s.
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "700"),
    ])
    .await;
    world.ozmap.fault("lookup:status=503").await;
    let body = json!({"code": "123|123", "message_id": "m-1"});
    let reply = world.ask(body.clone()).await;
    assert_eq!(row(&reply), expect("pending", false, false));
    let given_up = world.ask_until_final(body).await;
    assert_eq!(row(&given_up), expect("expired", true, true));
    assert_eq!(given_up.json()["protocol"], reply.json()["protocol"]);
    assert_eq!(world.ozmap.holds("123|123").await.len(), 1);

    world.ozmap.heal().await;
    world.ozmap.fault("delete:timeout_before").await;
    world.ozmap.fault("get:status=503").await;
    let body = json!({"code": "reservation_123", "message_id": "m-2"});
    let unknown = world.ask_until_final(body).await;
    assert_eq!(row(&unknown), expect("unknown", true, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_describes_the_reservation_and_changes_nothing() {
    let world = World::new().await;
    let json = look(&world, "123|123").await.json();
    assert_eq!(json["outcome"], "found");
    assert_eq!(json["customer_first_name"], "Gabriel");
    assert_eq!(
        json["address"],
        "R. Delminda Silveira, 900 - Agronômica, Florianópolis - SC, 88025-500"
    );
    assert_eq!(json["reserved_at"], "2022-07-15T16:24:20.980Z");
    assert_eq!(json["protocol"], "");
    for (code, outcome) in [
        ("999|999", "not_found"),
        ("test-status", "installed"),
        ("dup-1", "review"),
        ("onu-1", "review"),
    ] {
        let json = look(&world, code).await.json();
        assert_eq!(json["outcome"], outcome, "{code}");
        assert_eq!(
            (&json["address"], &json["reserved_at"]),
            (&json!(""), &json!("")),
            "{code}"
        );
    }
    assert!(world.journal().is_empty());
    assert!(world.ozmap.deletions().await.is_empty());
    assert!(
        world
            .ozmap
            .asked()
            .await
            .iter()
            .all(|call| call.starts_with("GET "))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_of_a_cancelled_code_is_already_cancelled() {
    let world = World::new().await;
    let cancelled = world.cancel("123|123", "m-1").await.json();
    let json = look(&world, "123|123").await.json();
    assert_eq!(json["outcome"], "already_cancelled");
    assert_eq!(json["protocol"], cancelled["protocol"]);
    assert_eq!(json["reserved_at"], "");
    assert_eq!(world.journal().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_during_a_cancellation_is_pending_and_does_not_ask_ozmap() {
    let world = World::with(&[("CHANNELS__CHATBOT__ANSWER_MS_MAX", "300")]).await;
    world.ozmap.fault("delete:hold_before").await;
    let body = json!({"code": "123|123", "message_id": "m-1"});
    let pending = world.ask(body.clone()).await;
    assert_eq!(pending.outcome(), "pending");
    world.ozmap.held().await;
    let asked = world.ozmap.asked().await.len();
    let json = look(&world, "123|123").await.json();
    assert_eq!(json["outcome"], "pending");
    assert_eq!(json["protocol"], pending.json()["protocol"]);
    assert_eq!(world.ozmap.asked().await.len(), asked);
    world.ozmap.release().await;
    assert_eq!(world.ask_until_final(body).await.outcome(), "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_without_an_answer_from_ozmap_accepts_nothing() {
    let world = World::new().await;
    world.ozmap.fault("lookup:status=503").await;
    let reply = look(&world, "123|123").await;
    assert_eq!(reply.status, 503);
    assert!(reply.header("retry-after").is_some());
    assert_eq!(reply.json()["type"], "urn:ozmap-cancel:problem:ozmap");
    assert!(world.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_is_answered_within_the_channels_deadline() {
    let world = World::with(&[
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "2000"),
        ("OZMAP__LOOKUP_MS", "25000"),
        ("JOURNAL__LEASE_MS", "60000"),
    ])
    .await;
    world.ozmap.fault("lookup:hold_before").await;
    let asked = Instant::now();
    let reply = look(&world, "123|123").await;
    // The limit is 2 s; the rest is tolerance for a loaded machine.
    assert!(asked.elapsed().as_secs() < 15, "{:?}", asked.elapsed());
    assert_eq!(reply.status, 503);
    assert!(reply.header("retry-after").is_some());
    assert_eq!(reply.json()["type"], "urn:ozmap-cancel:problem:ozmap");
    // The service called OZmap.
    assert!(!world.ozmap.asked().await.is_empty());
    assert!(world.journal().is_empty());
    // A failed lookup leaves no state: a retry gets the answer.
    world.ozmap.heal().await;
    world.ozmap.release().await;
    eventually("what is there", || async {
        let reply = look(&world, "123|123").await;
        (reply.status == 200 && reply.outcome() == "found").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_and_address_of_another_customer_are_not_read_out() {
    let world = World::new().await;
    world.ozmap.fault("lookup:wrong_code").await;
    for body in [
        json!({"code": "123|123", "action": "lookup"}),
        json!({"code": "123|123", "message_id": "m-1"}),
    ] {
        let reply = world.ask(body.clone()).await;
        assert_eq!(reply.outcome(), "review", "{body}");
        assert!(
            reply
                .reply()
                .starts_with("A reserva 123|123 não pode ser cancelada por aqui"),
            "{}",
            reply.body
        );
        for of_others in ["Gabriel", "Delminda", "Joana"] {
            assert!(!reply.body.contains(of_others), "{}", reply.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_does_everything_but_the_deletion() {
    let world = World::new().await;
    let rehearse = |code: &str, key: &str| {
        world.ask(json!({"code": code, "dry_run": true, "message_id": key}))
    };
    assert_eq!(rehearse("123|123", "d-1").await.outcome(), "would_cancel");
    assert_eq!(rehearse("test-status", "d-2").await.outcome(), "installed");
    assert_eq!(rehearse("999|999", "d-3").await.outcome(), "not_found");
    assert_eq!(world.ozmap.holds("123|123").await.len(), 1);
    assert!(
        world
            .ozmap
            .asked()
            .await
            .iter()
            .all(|call| call.starts_with("GET "))
    );
    assert!(
        world
            .journal()
            .iter()
            .all(|row| row["dry_run"] == true && row["deletes_sent"] == 0)
    );
    let real = world.cancel("123|123", "m-1").await;
    assert_eq!(real.outcome(), "cancelled");
    let after = rehearse("123|123", "d-4").await;
    assert_eq!(after.outcome(), "already_cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn policy_dry_run_applies_to_every_request() {
    let world = World::with(&[("POLICY__DRY_RUN", "true")]).await;
    for body in [
        json!({"code": "123|123", "message_id": "m-1"}),
        json!({"code": "123|123", "message_id": "m-2", "dry_run": false}),
        json!({"code": "123|123", "message_id": "m-3", "dry_run": true}),
    ] {
        assert_eq!(world.ask(body).await.outcome(), "would_cancel");
    }
    assert!(world.ozmap.deletions().await.is_empty());
}
