//! What the callers of a storm heard: by webhook, and how often what.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::{Value, json};

/// What must not differ between two answers to one webhook once it is final.
const LASTING: [&str; 4] = ["outcome", "protocol", "final", "code"];

/// Everything that was told.
#[derive(Debug, Default)]
pub struct Heard(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    requests: usize,
    answered: usize,
    declined: usize,
    // The protocol that a webhook was given, and its first final answer.
    promised: HashMap<String, String>,
    told: HashMap<String, Value>,
    lies: Vec<String>,
}

impl Heard {
    /// A request that leaves; returns the final answer that its webhook was given by now.
    pub fn request(&self, message: &str) -> Option<Value> {
        let mut inner = self.0.lock().unwrap();
        inner.requests += 1;
        inner.told.get(message).cloned()
    }

    /// Somebody was told that nothing was accepted.
    pub fn decline(&self) {
        self.0.lock().unwrap().declined += 1;
    }

    /// Something that was told and is not so.
    pub fn lie(&self, lie: String) {
        self.0.lock().unwrap().lies.push(lie);
    }

    /// An answer with an outcome. It keeps to whatever the same webhook was told before this request left; and what is
    /// final keeps to what was told meanwhile as well.
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
        let before = match is_final {
            true => inner.told.get(message).cloned(),
            false => before,
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

    /// The requests that nobody answered: whoever worked on them was killed or frozen.
    pub fn unanswered(&self) -> usize {
        let inner = self.0.lock().unwrap();
        inner.requests - inner.answered - inner.declined
    }

    pub fn lies(&self) -> Vec<String> {
        self.0.lock().unwrap().lies.clone()
    }

    /// The protocols that were told, by webhook.
    pub fn promised(&self) -> HashMap<String, String> {
        self.0.lock().unwrap().promised.clone()
    }

    /// The first final answers, by webhook.
    pub fn told(&self) -> HashMap<String, Value> {
        self.0.lock().unwrap().told.clone()
    }
}

/// What an answer says otherwise than the one before.
pub fn differs(message: &str, before: &Value, after: &Value) -> Option<String> {
    let member = LASTING
        .into_iter()
        .find(|member| before[*member] != after[*member])?;
    Some(format!("{message}, {member}: told {before}, then {after}"))
}
