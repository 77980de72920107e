//! A platform in the soak test: it sends each webhook once or several times, again after a missing
//! reply and sometimes after a reply. Every reply is compared with what OZmap holds as soon as it
//! arrives.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::plan::{Behind, Code, Plan, Webhook};
use super::replies::Heard;
use super::*;
use crate::cancel::{asking, try_ask_of};
use crate::support::Reply;

/// How often a platform sends a webhook that gets no final reply.
const TRIES: usize = 4;

/// How long a platform waits; a frozen service never replies.
const PATIENCE: Duration = Duration::from_secs(3);

pub struct Caller {
    pub ozmap: Arc<Ozmap>,
    pub plan: Arc<Plan>,
    pub heard: Arc<Heard>,
    pub addresses: watch::Receiver<Vec<SocketAddr>>,
    pub random: StdRng,
}

impl Caller {
    /// Sends the webhooks that were not sent yet, until none is left.
    pub async fn send_all(mut self) {
        let plan = self.plan.clone();
        while let Some(webhook) = plan.take() {
            let code = plan.code(webhook);
            code.properties(&self.ozmap).await;
            self.send(webhook, code).await;
        }
    }

    async fn send(&mut self, webhook: &Webhook, code: &Code) {
        for _ in 0..TRIES {
            let is_final = if self.random.random_bool(0.15) {
                // A concurrent duplicate, like a platform sends after a timeout.
                let (first, second) = (self.anywhere(), self.anywhere());
                let both = (
                    self.ask(first, webhook, code),
                    self.ask(second, webhook, code),
                );
                let (first, second) = tokio::join!(both.0, both.1);
                first || second
            } else {
                let address = self.anywhere();
                self.ask(address, webhook, code).await
            };
            if is_final && self.random.random_bool(0.8) {
                return;
            }
            let pause = self.random.random_range(20..400);
            sleep(Duration::from_millis(pause)).await;
        }
    }

    fn anywhere(&mut self) -> SocketAddr {
        let addresses = self.addresses.borrow();
        addresses[self.random.random_range(0..addresses.len())]
    }

    /// Sends a webhook once; returns whether the reply was final.
    async fn ask(&self, address: SocketAddr, webhook: &Webhook, code: &Code) -> bool {
        let before = self.heard.request(&webhook.message);
        let asked = try_ask_of(address, asking(&code.text, &webhook.message));
        let Ok(Ok(reply)) = timeout(PATIENCE, asked).await else {
            return false;
        };
        match reply.status {
            200 => {}
            503 => {
                self.heard.decline();
                if reply.header("retry-after").is_none() {
                    let lie = format!("{}: a 503 without Retry-After", webhook.message);
                    self.heard.lie(lie);
                }
                return false;
            }
            other => {
                let lie = format!("{}: {other} {}", webhook.message, reply.body);
                self.heard.lie(lie);
                return false;
            }
        }
        let is_there = self.is_there(code).await;
        if !is_true(code.behind, is_there, &reply) {
            let lie = format!("{} told {}: {reply:?}", code.text, webhook.message);
            self.heard.lie(lie);
        }
        self.heard.answer(&webhook.message, before, &reply.json());
        reply.json()["final"] == json!(true)
    }

    /// Whether every property of the code is still present.
    async fn is_there(&self, code: &Code) -> bool {
        let held = self.ozmap.holds(&code.text).await;
        let made = code.made().iter();
        let mut kept = made.map(|id| held.iter().any(|found| found["_id"] == id.as_str()));
        kept.all(|kept| kept)
    }
}

/// Whether a reply is true now.
fn is_true(behind: Behind, is_there: bool, reply: &Reply) -> bool {
    match (behind, reply.outcome().as_str()) {
        (_, "pending") => reply.json()["final"] == json!(false),
        (Behind::Reservation, "unknown") => reply.json()["handoff"] == json!(true),
        // `already_cancelled` is for a webhook that came after the cancellation.
        (Behind::Reservation, "cancelled" | "already_cancelled") => !is_there,
        (Behind::Customer, "installed") | (Behind::Two, "review") => is_there,
        (Behind::Nothing, "not_found") => true,
        _ => false,
    }
}
