//! The replies to the callers of the soak test, by webhook, and their counts.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::{Value, json};

/// The members that must not differ between two final replies to one webhook.
const LASTING: [&str; 4] = ["outcome", "protocol", "final", "code"];

/// Every reply.
#[derive(Debug, Default)]
pub struct Heard(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    requests: usize,
    answered: usize,
    declined: usize,
    // The protocol of a webhook, and its first final reply.
    promised: HashMap<String, String>,
    told: HashMap<String, Value>,
    lies: Vec<String>,
}

impl Heard {
    /// A request leaves; returns the final reply that its webhook has so far.
    pub fn request(&self, message: &str) -> Option<Value> {
        let mut inner = self.0.lock().unwrap();
        inner.requests += 1;
        inner.told.get(message).cloned()
    }

    /// A caller was told that nothing was accepted.
    pub fn decline(&self) {
        self.0.lock().unwrap().declined += 1;
    }

    /// A reply that was not true.
    pub fn lie(&self, lie: String) {
        self.0.lock().unwrap().lies.push(lie);
    }

    /// A reply with an outcome. It must agree with the reply that the webhook had before this
    /// request left; a final one also with the replies since then.
    pub fn answer(&self, message: &str, before: Option<Value>, reply: &Value) {
        let mut inner = self.0.lock().unwrap();
        inner.answered += 1;
        let protocol = reply["protocol"].as_str().unwrap_or_default().to_owned();
        let first = inner.promised.entry(message.to_owned());
        let first = first.or_insert_with(|| protocol.clone()).clone();
        if first != protocol {
            let lie = format!("{message} was promised {first} and then {protocol}");
            inner.lies.push(lie);
        }
        let is_final = reply["final"] == json!(true);
        let before = if is_final {
            inner.told.get(message).cloned()
        } else {
            before
        };
        if let Some(before) = before {
            inner.lies.extend(differs(message, &before, reply));
        } else if is_final {
            inner.told.insert(message.to_owned(), reply.clone());
        }
    }

    pub fn requests(&self) -> usize {
        self.0.lock().unwrap().requests
    }

    pub fn answered(&self) -> usize {
        self.0.lock().unwrap().answered
    }

    pub fn declined(&self) -> usize {
        self.0.lock().unwrap().declined
    }

    /// The requests without a reply: their service was killed or frozen.
    pub fn unanswered(&self) -> usize {
        let inner = self.0.lock().unwrap();
        inner.requests - inner.answered - inner.declined
    }

    pub fn lies(&self) -> Vec<String> {
        self.0.lock().unwrap().lies.clone()
    }

    /// The protocols in the replies, by webhook.
    pub fn promised(&self) -> HashMap<String, String> {
        self.0.lock().unwrap().promised.clone()
    }

    /// The first final replies, by webhook.
    pub fn told(&self) -> HashMap<String, Value> {
        self.0.lock().unwrap().told.clone()
    }
}

/// How a reply differs from the one before.
pub fn differs(message: &str, before: &Value, after: &Value) -> Option<String> {
    let member = LASTING
        .into_iter()
        .find(|member| before[*member] != after[*member])?;
    Some(format!("{message}, {member}: told {before}, then {after}"))
}
