//! The demo's conversation: each request, the reply to the customer and the state of OZmap, side by
//! side.
//!
//! It compares every reply with the simulator's state. A reply that is not true must fail the demo.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::cli::http_client::{Request, exchange};
use crate::cli::{Problem, tell};

/// How long to ask again while the outcome is `pending`.
const PENDING_MAX: Duration = Duration::from_secs(20);

/// The pause before asking again.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// How long a single response may take; the service promises 4 s.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The splitter of OZmap's tutorial, and the port that `123|123` occupies on it.
const SPLITTER: &str = "5da6220df003e8132800001e";
const PORT: usize = 4;

/// Whether a reply agrees with the state of OZmap.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    True,
    False,
}

/// The addresses and secrets that the conversation needs.
pub(super) struct Script {
    pub(super) service: SocketAddr,
    pub(super) simulator: SocketAddr,
    pub(super) secret: &'static str,
    pub(super) simulator_key: &'static str,
}

impl Script {
    /// Plays the whole conversation.
    pub(super) async fn play(&self) -> Result<Check, Problem> {
        let mut checks = Vec::new();
        self.step("1. The chatbot asks what reservation 123|123 is")?;
        checks.push(
            self.ask(json!({"code": "123|123", "action": "lookup", "conversation_id": "chat-1"}))
                .await?,
        );

        self.step("2. The customer confirms: cancel it")?;
        self.show_port("before").await?;
        let cancel = json!({"code": "123|123", "conversation_id": "chat-1", "message_id": "m-1"});
        checks.push(self.ask(cancel.clone()).await?);
        self.show_port("after").await?;

        self.step("3. The platform sends the same webhook again")?;
        checks.push(self.ask(cancel).await?);

        self.step("4. The customer comes back and asks again")?;
        checks.push(
            self.ask(json!({"code": "123|123", "conversation_id": "chat-2", "message_id": "m-2"}))
                .await?,
        );

        self.step("5. A code that does not exist")?;
        checks.push(
            self.ask(json!({"code": "999|999", "conversation_id": "chat-3", "message_id": "m-3"}))
                .await?,
        );

        self.step("6. A customer who is installed already")?;
        checks.push(
            self.ask(
                json!({"code": "test-status", "conversation_id": "chat-4", "message_id": "m-4"}),
            )
            .await?,
        );

        self.step("7. OZmap deletes, but the connection breaks before it answers")?;
        let fault = Request::post("/__sim/faults", "\"delete:reset_after*1\"");
        exchange(self.simulator, &fault, TIMEOUT).await?;
        checks.push(self.ask(json!({"code": "reservation_123", "conversation_id": "chat-5", "message_id": "m-5"})).await?);
        self.show_deletions().await?;
        Ok(if checks.contains(&Check::False) {
            Check::False
        } else {
            Check::True
        })
    }

    fn step(&self, title: &str) -> Result<(), Problem> {
        tell(&format!("\n{title}"))
    }

    /// Sends a webhook, asks again while it is pending, and prints and checks the answer.
    async fn ask(&self, body: Value) -> Result<Check, Problem> {
        tell(&format!("   chatbot   POST /webhooks/chatbot {body}"))?;
        let began = Instant::now();
        let (mut status, mut answer) = self.post(&body).await?;
        self.show(status, &answer, began.elapsed())?;
        while (status == 503 || answer["final"] == json!(false)) && began.elapsed() < PENDING_MAX {
            sleep(ASK_AGAIN).await;
            (status, answer) = self.post(&body).await?;
            if status == 200 && answer["final"] == json!(true) {
                tell("             … asked again:")?;
                self.show(status, &answer, began.elapsed())?;
            }
        }
        self.check(&body, &answer).await
    }

    async fn post(&self, body: &Value) -> Result<(u16, Value), Problem> {
        let text = body.to_string();
        let ask = Request::post("/webhooks/chatbot", &text).with_bearer(self.secret);
        let (status, answer) = exchange(self.service, &ask, TIMEOUT).await?;
        Ok((status, serde_json::from_str(&answer).unwrap_or(Value::Null)))
    }

    fn show(&self, status: u16, answer: &Value, took: Duration) -> Result<(), Problem> {
        let mut marks = Vec::new();
        for (member, mark) in [
            ("replayed", "replayed"),
            ("handoff", "hand over to a person"),
        ] {
            if answer[member] == json!(true) {
                marks.push(mark);
            }
        }
        let marks = if marks.is_empty() {
            String::new()
        } else {
            format!(" [{}]", marks.join(", "))
        };
        let outcome = answer["outcome"]
            .as_str()
            .or(answer["type"].as_str())
            .unwrap_or("no answer");
        tell(&format!(
            "   service   {status} {outcome}{marks}, {} ms",
            took.as_millis()
        ))?;
        tell(&format!(
            "   customer  \u{201c}{}\u{201d}",
            answer["reply"].as_str().unwrap_or_default()
        ))
    }

    /// Compares the reply with the state of OZmap.
    async fn check(&self, body: &Value, answer: &Value) -> Result<Check, Problem> {
        let code = body["code"].as_str().unwrap_or_default();
        let path = format!("/__sim/properties?code={}", code.replace('|', "%7C"));
        let (_, held) = exchange(self.simulator, &Request::get(&path), TIMEOUT).await?;
        let held: Value = serde_json::from_str(&held)?;
        let is_there = held.as_array().is_some_and(|rows| !rows.is_empty());
        let outcome = answer["outcome"].as_str().unwrap_or_default();
        let is_true = match outcome {
            "cancelled" | "already_cancelled" | "not_found" => !is_there,
            "found" | "installed" | "review" | "would_cancel" | "expired" => is_there,
            _ => true,
        };
        let holds = if is_there {
            "still has it"
        } else {
            "has nothing under this code"
        };
        let verdict = match (is_true, outcome) {
            (true, "unknown" | "pending") => "the reply claimed nothing",
            (true, _) => "the reply was true",
            (false, _) => "THE REPLY WAS NOT TRUE",
        };
        tell(&format!("   OZmap     {holds}: {verdict}"))?;
        Ok(if is_true { Check::True } else { Check::False })
    }

    /// Reads the splitter like any user of OZmap: a port without a fibre is free.
    async fn show_port(&self, moment: &str) -> Result<(), Problem> {
        let path = format!("/api/v2/splitters/{SPLITTER}");
        let ask = Request::get(&path).with_key(self.simulator_key);
        let (_, splitter) = exchange(self.simulator, &ask, TIMEOUT).await?;
        let splitter: Value = serde_json::from_str(&splitter)?;
        let state = match splitter.pointer(&format!("/connectables/output/{}", PORT - 1)) {
            Some(Value::Null) => "free",
            Some(_) => "taken",
            None => "unknown",
        };
        let name = splitter["name"].as_str().unwrap_or("the splitter");
        tell(&format!(
            "   OZmap     {name}, port {PORT}, {moment}: {state}"
        ))
    }

    async fn show_deletions(&self) -> Result<(), Problem> {
        let (_, audit) = exchange(self.simulator, &Request::get("/__sim/audit"), TIMEOUT).await?;
        let audit: Value = serde_json::from_str(&audit)?;
        let deletions = audit.as_array().map(|entries| {
            let is_delete = |entry: &&Value| {
                entry["method"] == json!("DELETE") && entry["applied"] == json!(true)
            };
            entries.iter().filter(is_delete).count()
        });
        tell(&format!(
            "\nOZmap carried out {} deletions in total.",
            deletions.unwrap_or(0)
        ))
    }
}
