//! The real Node-RED calls the running service: a flow as an integrator builds it, with Node-RED's
//! own "http request" node.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::program::{Program, in_checkout, node};
use crate::support::{SECRET, World};

const CODE: &str = "123|123";

/// The time within which Node-RED must start and write its answers.
const WITHIN: Duration = Duration::from_secs(60);

/// A running Node-RED with `tests/node-red/flows.json`.
struct NodeRed {
    program: Program,
    folder: TempDir,
}

impl NodeRed {
    /// Starts Node-RED on the channel `chatbot`; `None` when it is not installed.
    fn start(world: &World, requests: &Value) -> Option<Self> {
        let mut command = node("tests/node-red", "node-red")?;
        let folder = tempfile::tempdir().unwrap();
        let flows = in_checkout("tests/node-red/flows.json");
        fs::copy(flows, folder.path().join("flows.json")).unwrap();
        // The secret that an integrator enters in the form of the node; Node-RED stores it outside
        // the flow.
        let secrets = json!({"right": {"password": SECRET}, "wrong": {"password": "another"}});
        fs::write(folder.path().join("flows_cred.json"), secrets.to_string()).unwrap();
        let address = world.service.address();
        command
            .arg(in_checkout("tests/node-red/node_modules/node-red/red.js"))
            .arg("--settings")
            .arg(in_checkout("tests/node-red/settings.js"))
            .arg("--userDir")
            .arg(folder.path())
            .env("WEBHOOK_URL", format!("http://{address}/webhooks/chatbot"))
            .env("REQUESTS", requests.to_string())
            .env("ANSWERS", folder.path().join("answers"));
        Some(Self {
            program: Program::start(command, ""),
            folder,
        })
    }

    /// The answers so far.
    fn answers(&self) -> Vec<Value> {
        let path: PathBuf = self.folder.path().join("answers");
        let text = fs::read_to_string(path).unwrap_or_default();
        // The last line may be incomplete.
        let lines = text.lines().map(serde_json::from_str);
        lines.map_while(Result::ok).collect()
    }

    /// Waits for answers.
    async fn until(&mut self, what: &str, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let deadline = Instant::now() + WITHIN;
        loop {
            let answers = self.answers();
            if enough(&answers) {
                return answers;
            }
            if Instant::now() > deadline || self.program.has_ended() {
                let ended = self.program.ended(Duration::ZERO).await;
                panic!("no {what}: {answers:?}\n{}{}", ended.stdout, ended.stderr);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn named(answers: &[Value], name: &str) -> Value {
    let found = answers.iter().find(|answer| answer["name"] == name);
    found
        .unwrap_or_else(|| panic!("no {name}: {answers:?}"))
        .clone()
}

fn said(answer: &Value) -> &str {
    answer["payload"]["reply"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn node_red_cancels_and_reads_the_reply_and_every_refusal_as_an_object() {
    let world = World::new().await;
    let requests = json!([
        {"name": "cancelled", "body": {"code": CODE, "customer_name": "Ana \"Aninha\" <ação>", "message_id": "m-1", "locale": "pt-BR"}},
        {"name": "not found", "body": {"code": "not-there", "message_id": "m-2"}},
        {"name": "installed", "body": {"code": "test-status", "message_id": "m-3"}},
        {"name": "no code", "body": {"number": CODE}},
        {"name": "no JSON", "body": "{\"code\":123|123}"},
        {"name": "wrong secret", "secret": "wrong", "body": {"code": "reservation_123"}},
    ]);
    let Some(mut node_red) = NodeRed::start(&world, &requests) else {
        return;
    };
    let answers = node_red
        .until("six answers", |answers| answers.len() == 6)
        .await;
    for (name, status, outcome) in [
        ("cancelled", 200, Some("cancelled")),
        ("not found", 200, Some("not_found")),
        ("installed", 200, Some("installed")),
        ("no code", 422, None),
        ("no JSON", 400, None),
        ("wrong secret", 401, None),
    ] {
        let answer = named(&answers, name);
        assert_eq!(answer["statusCode"], json!(status), "{answer}");
        assert_eq!(answer["payload"]["outcome"].as_str(), outcome, "{answer}");
        assert!(!said(&answer).is_empty(), "{answer}");
    }
    let cancelled = named(&answers, "cancelled");
    assert!(said(&cancelled).contains(CODE) && said(&cancelled).contains("Ana"));
    assert_eq!(cancelled["payload"]["final"], json!(true));
    assert_eq!(
        named(&answers, "installed")["payload"]["handoff"],
        json!(true)
    );
    assert!(world.ozmap.holds(CODE).await.is_empty());
    assert_eq!(world.ozmap.holds("reservation_123").await.len(), 1);
    assert_eq!(world.ozmap.deletions().await.len(), 1);
}

#[tokio::test]
async fn node_red_gets_pending_in_time_and_the_outcome_of_a_retry() {
    let world = World::with(&[("CHANNELS__CHATBOT__ANSWER_MS_MAX", "600")]).await;
    world.ozmap.fault("lookup:hold_before").await;
    let requests = json!([{"name": "slow", "body": {"code": CODE, "message_id": "m-1"}}]);
    let Some(mut node_red) = NodeRed::start(&world, &requests) else {
        return;
    };
    let answers = node_red
        .until("first answer", |answers| !answers.is_empty())
        .await;
    // A timeout of Node-RED would appear as the text `ETIMEDOUT`.
    assert_eq!(answers[0]["statusCode"], json!(200), "{answers:?}");
    assert_eq!(answers[0]["payload"]["outcome"], "pending", "{answers:?}");
    assert_eq!(world.ozmap.holds(CODE).await.len(), 1);
    world.ozmap.heal().await;
    world.ozmap.release().await;
    let is_final = |answers: &[Value]| {
        answers
            .last()
            .is_some_and(|answer| answer["payload"]["final"] == json!(true))
    };
    let answers = node_red.until("final answer", is_final).await;
    let last = answers.last().unwrap();
    assert_eq!(last["payload"]["outcome"], "cancelled", "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|answer| answer["statusCode"] == json!(200))
    );
    assert!(world.ozmap.holds(CODE).await.is_empty());
    assert_eq!(world.ozmap.deletions().await.len(), 1);
    assert_eq!(world.journal().len(), 1);
}
