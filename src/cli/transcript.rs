//! The conversation of the demo: what is asked, what the customer hears, and what OZmap holds, side by side.
//!
//! Every reply is compared with the simulator's state; one that is not true makes the demo fail.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::loopback::{Ask, exchange};
use super::{Problem, tell};

/// For how long a `pending` is asked again before the transcript goes on.
const PATIENCE: Duration = Duration::from_secs(20);

/// The pause between two such questions.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// How long a single answer may take; the service promises 4 s.
const WITHIN: Duration = Duration::from_secs(10);

/// The splitter of the tutorial, and the port that `123|123` holds on it.
const SPLITTER: &str = "5da6220df003e8132800001e";
const PORT: usize = 4;

/// What a step expects OZmap to hold afterwards, judged by what the customer was told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    Holds,
    Violated,
}

/// The two ends of the conversation.
pub(super) struct Transcript {
    pub(super) service: SocketAddr,
    pub(super) simulator: SocketAddr,
    pub(super) secret: &'static str,
    pub(super) simulator_key: &'static str,
}

impl Transcript {
    /// Plays the whole conversation.
    pub(super) async fn play(&self) -> Result<Truth, Problem> {
        let mut truths = Vec::new();
        self.step("1. The chatbot asks what reservation 123|123 is")?;
        truths.push(
            self.ask(json!({"code": "123|123", "action": "lookup", "conversation_id": "chat-1"}))
                .await?,
        );

        self.step("2. The customer confirms: cancel it")?;
        self.show_port("before").await?;
        let cancel = json!({"code": "123|123", "conversation_id": "chat-1", "message_id": "m-1"});
        truths.push(self.ask(cancel.clone()).await?);
        self.show_port("after").await?;

        self.step("3. The platform sends the same webhook again")?;
        truths.push(self.ask(cancel).await?);

        self.step("4. The customer comes back and asks again")?;
        truths.push(
            self.ask(json!({"code": "123|123", "conversation_id": "chat-2", "message_id": "m-2"}))
                .await?,
        );

        self.step("5. A code that nobody has")?;
        truths.push(
            self.ask(json!({"code": "999|999", "conversation_id": "chat-3", "message_id": "m-3"}))
                .await?,
        );

        self.step("6. A customer who is installed already")?;
        truths.push(
            self.ask(
                json!({"code": "test-status", "conversation_id": "chat-4", "message_id": "m-4"}),
            )
            .await?,
        );

        self.step("7. OZmap deletes, but the connection breaks before it answers")?;
        let fault = Ask::post("/__sim/faults", "\"delete:reset_after*1\"");
        exchange(self.simulator, &fault, WITHIN).await?;
        truths.push(self.ask(json!({"code": "reservation_123", "conversation_id": "chat-5", "message_id": "m-5"})).await?);
        self.show_deletions().await?;
        Ok(if truths.contains(&Truth::Violated) {
            Truth::Violated
        } else {
            Truth::Holds
        })
    }

    fn step(&self, title: &str) -> Result<(), Problem> {
        tell(&format!("\n{title}"))
    }

    /// Sends a webhook, asks again while it is pending, and prints and checks the answer.
    async fn ask(&self, body: Value) -> Result<Truth, Problem> {
        tell(&format!("   chatbot   POST /webhooks/chatbot {body}"))?;
        let began = Instant::now();
        let (mut status, mut answer) = self.post(&body).await?;
        self.show(status, &answer, began.elapsed())?;
        while (status == 503 || answer["final"] == json!(false)) && began.elapsed() < PATIENCE {
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
        let ask = Ask::post("/webhooks/chatbot", &text).bearer(self.secret);
        let (status, answer) = exchange(self.service, &ask, WITHIN).await?;
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

    /// Compares what the customer was told with what OZmap holds.
    async fn check(&self, body: &Value, answer: &Value) -> Result<Truth, Problem> {
        let code = body["code"].as_str().unwrap_or_default();
        let path = format!("/__sim/properties?code={}", code.replace('|', "%7C"));
        let (_, held) = exchange(self.simulator, &Ask::get(&path), WITHIN).await?;
        let held: Value = serde_json::from_str(&held)?;
        let is_there = held.as_array().is_some_and(|rows| !rows.is_empty());
        let outcome = answer["outcome"].as_str().unwrap_or_default();
        let is_true = match outcome {
            "cancelled" | "already_cancelled" | "not_found" => !is_there,
            "found" | "installed" | "review" | "would_cancel" | "expired" => is_there,
            _ => true,
        };
        let holds = if is_there {
            "still holds it"
        } else {
            "holds nothing under this code"
        };
        let verdict = match (is_true, outcome) {
            (true, "unknown" | "pending") => "nothing was claimed",
            (true, _) => "the customer was told the truth",
            (false, _) => "THE CUSTOMER WAS TOLD SOMETHING ELSE",
        };
        tell(&format!("   OZmap     {holds}: {verdict}"))?;
        Ok(if is_true {
            Truth::Holds
        } else {
            Truth::Violated
        })
    }

    /// Reads the splitter as OZmap's own users do: a port without a fibre is free.
    async fn show_port(&self, moment: &str) -> Result<(), Problem> {
        let path = format!("/api/v2/splitters/{SPLITTER}");
        let ask = Ask::get(&path).authorized(self.simulator_key);
        let (_, splitter) = exchange(self.simulator, &ask, WITHIN).await?;
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
        let (_, audit) = exchange(self.simulator, &Ask::get("/__sim/audit"), WITHIN).await?;
        let audit: Value = serde_json::from_str(&audit)?;
        let deletions = audit.as_array().map(|entries| {
            let is_delete = |entry: &&Value| {
                entry["method"] == json!("DELETE") && entry["applied"] == json!(true)
            };
            entries.iter().filter(is_delete).count()
        });
        tell(&format!(
            "\nIn all of this OZmap carried out {} deletions.",
            deletions.unwrap_or(0)
        ))
    }
}
