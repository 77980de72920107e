//! Rasa's own client for action servers calls the running service, and interprets the answers as a
//! Rasa bot does.

use std::time::Duration;

use serde_json::{Value, json};

use super::program::{Program, in_checkout, python};
use crate::support::{SECRET, World};

const CODE: &str = "123|123";
const INSTALLED: &str = "test-status";

/// One channel for each authentication that Rasa supports.
const CHANNELS: &[(&str, &str)] = &[
    ("CHANNELS__RASA__PRESET", "rasa"),
    ("CHANNELS__RASA__SECRET", SECRET),
    ("CHANNELS__TOKEN__PRESET", "rasa"),
    ("CHANNELS__TOKEN__SECRET", SECRET),
    ("CHANNELS__TOKEN__AUTH", "query"),
    ("CHANNELS__BASIC__PRESET", "rasa"),
    (
        "CHANNELS__BASIC__SECRET",
        "rasa:a-password-of-thirty-two-letters",
    ),
    ("CHANNELS__BASIC__AUTH", "basic"),
];

/// An endpoint as in `endpoints.yml`, with a bearer token.
fn bearer(world: &World, secret: &str) -> Value {
    json!({
        "url": format!("http://{}/webhooks/rasa", world.service.address()),
        "headers": {"Authorization": format!("Bearer {secret}")},
    })
}

fn cancel(endpoint: Value, code: &str, message_id: &str) -> Value {
    json!({"endpoint": endpoint, "slots": {"reservation_code": code}, "message_id": message_id})
}

/// Has Rasa run its action for each case; `None` when Rasa is not installed.
async fn run(cases: &[Value]) -> Option<Vec<Value>> {
    let mut command = python(&["rasa", "aiohttp", "structlog"])?;
    command.arg(in_checkout("tests/python/rasa_action.py"));
    let mut program = Program::start(command, &json!(cases).to_string());
    let ended = program.ended(Duration::from_secs(120)).await;
    assert!(ended.success, "{}", ended.stderr);
    let results: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(results.len(), cases.len());
    Some(results)
}

/// Asserts that the bot says one sentence with these words, and that its slots hold the outcome.
fn assert_said(result: &Value, words: &str, outcome: &str, handoff: bool) {
    let said = result["said"]
        .as_array()
        .unwrap_or_else(|| panic!("{result}"));
    assert_eq!(said.len(), 1, "{result}");
    assert!(said[0].as_str().unwrap().contains(words), "{result}");
    let slots = json!({"ozmap_outcome": outcome, "ozmap_handoff": handoff});
    assert_eq!(result["slots"], slots, "{result}");
}

#[tokio::test]
async fn rasa_cancels_with_a_compressed_conversation_and_a_token_in_the_address() {
    let world = World::with(CHANNELS).await;
    let case = json!({
        "endpoint": {"url": format!("http://{}/webhooks/token", world.service.address()), "token": SECRET},
        "slots": {"reservation_code": CODE, "customer_name": "Ana \"Aninha\" D'Ávila"},
        "metadata": {"lang": "pt-BR"},
        "message_id": "m-1",
        "compress": true,
        // Larger than the limit for the body of another channel.
        "messages": 400,
    });
    // A bot that repeats the action gets the same sentence, compressed or not.
    let mut again = case.clone();
    again["compress"] = json!(false);
    let Some(results) = run(&[case, again]).await else {
        return;
    };
    for result in &results {
        assert_said(result, CODE, "cancelled", false);
    }
    assert!(results[0]["said"][0].as_str().unwrap().contains("Ana"));
    assert!(world.ozmap.holds(CODE).await.is_empty());
    assert_eq!(world.ozmap.deletions().await.len(), 1);
    assert_eq!(world.journal().len(), 1);
}

#[tokio::test]
async fn rasa_gets_every_kind_of_refusal_in_the_language_of_the_customer() {
    let world = World::with(CHANNELS).await;
    let in_spanish = json!({
        "endpoint": {
            "url": format!("http://{}/webhooks/basic", world.service.address()),
            "basic_auth": {"username": "rasa", "password": "a-password-of-thirty-two-letters"},
        },
        "slots": {"reservation_code": "not-there"},
        "metadata": {"lang": "es"},
        "message_id": "m-4",
    });
    let Some(results) = run(&[
        cancel(bearer(&world, SECRET), "not-there", "m-1"),
        cancel(bearer(&world, SECRET), INSTALLED, "m-2"),
        cancel(bearer(&world, SECRET), "dup-1", "m-3"),
        in_spanish,
        json!({"endpoint": bearer(&world, SECRET), "slots": {}, "message_id": "m-5"}),
        json!({"endpoint": bearer(&world, SECRET), "slots": {"reservation_code": ["a", "b"]}, "message_id": "m-6"}),
    ])
    .await
    else {
        return;
    };
    assert_said(&results[0], "não encontramos", "not_found", false);
    assert_said(&results[1], "instala", "installed", true);
    assert_said(&results[2], "", "review", true);
    assert_said(&results[3], "no encontramos", "not_found", false);
    assert_said(&results[4], "nossa equipe", "not_filled_in", true);
    assert_said(&results[5], "nossa equipe", "contradiction", true);
    assert_eq!(world.ozmap.deletions().await.len(), 0);
}

#[tokio::test]
async fn rasa_reports_a_wrong_secret_as_an_error_and_nothing_is_cancelled() {
    let world = World::with(CHANNELS).await;
    let token = json!({"url": format!("http://{}/webhooks/token", world.service.address()), "token": "another"});
    let none = json!({"url": format!("http://{}/webhooks/rasa", world.service.address())});
    let Some(results) = run(&[
        cancel(bearer(&world, "another"), CODE, "m-1"),
        cancel(token, CODE, "m-2"),
        cancel(none, CODE, "m-3"),
    ])
    .await
    else {
        return;
    };
    for result in results {
        let refused =
            json!({"error": "RasaException", "cause": "ClientResponseError", "status": 401});
        assert_eq!(result, refused);
    }
    assert!(world.journal().is_empty());
    assert_eq!(world.ozmap.holds(CODE).await.len(), 1);
}

#[tokio::test]
async fn rasa_gets_pending_while_ozmap_hangs_and_the_outcome_of_a_retry() {
    let settings = [CHANNELS, &[("CHANNELS__RASA__ANSWER_MS_MAX", "600")]].concat();
    let world = World::with(&settings).await;
    world.ozmap.fault("lookup:hold_before*1").await;
    let case = cancel(bearer(&world, SECRET), CODE, "m-1");
    let Some(results) = run(std::slice::from_ref(&case)).await else {
        return;
    };
    assert_said(&results[0], "", "pending", false);
    world.ozmap.release().await;
    world.settled().await;
    let results = run(&[case]).await.unwrap();
    assert_said(&results[0], CODE, "cancelled", false);
    assert_eq!(world.ozmap.deletions().await.len(), 1);
}
