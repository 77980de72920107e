//! The bodies of requests and answers, as JSON Schema.
//!
//! They say what the service reads and writes, which is more than what the documentation
//! recommends.

use serde_json::{Map, Value, json};

use crate::channels::TEXT_CHARS_MAX;
use crate::domain::{Locale, Outcome};

/// The body of a native webhook. A text member also accepts a number or a flag, which counts as
/// its usual spelling.
pub(in super::super) fn request() -> Value {
    let whole = json!({"type": "integer", "minimum": i64::MIN, "maximum": u64::MAX});
    let code = json!({"anyOf": [{"type": "string"}, whole, {"type": "boolean"}], "description": "the reservation code"});
    let text = json!({"anyOf": [{"type": "string"}, whole, {"type": ["boolean", "null"]}]});
    let mut bounded = text.clone();
    bounded["anyOf"][0]["maxLength"] = json!(TEXT_CHARS_MAX);
    let mut message_id = bounded.clone();
    message_id["description"] = json!("the idempotency key: the same on every retry");
    json!({
        "type": "object",
        "required": ["code"],
        "properties": {
            "code": code,
            "action": {"enum": ["cancel", "lookup", null], "default": "cancel"},
            "conversation_id": bounded,
            "message_id": message_id,
            "locale": text,
            "customer_name": text,
            "phone": bounded,
            "reason": text,
            "dry_run": {"enum": [true, false, "true", "false", 1, 0, "1", "0", null], "default": false},
        },
    })
}

/// The body of a native answer.
pub(in super::super) fn answer() -> Value {
    json!({
        "type": "object",
        "required": ["outcome", "reply", "final", "handoff", "protocol", "code", "locale", "replayed"],
        "properties": {
            "outcome": {"type": "string", "enum": Outcome::ALL.map(Outcome::id)},
            "reply": {"type": "string", "description": "the sentence for the customer"},
            "final": {"type": "boolean", "description": "whether the outcome can no longer change"},
            "handoff": {"type": "boolean", "description": "whether an agent should take over"},
            "protocol": {"type": "string", "pattern": "^[0-9]*$", "description": "the number that the customer may quote"},
            "code": {"type": "string"},
            "locale": {"type": "string", "enum": Locale::ALL.map(Locale::id)},
            "replayed": {"type": "boolean", "description": "whether this request was answered before"},
            "customer_first_name": {"type": "string", "description": "of a lookup"},
            "address": {"type": "string", "description": "of a lookup"},
            "reserved_at": {"type": "string", "description": "of a lookup"},
        },
    })
}

/// The body of a problem.
pub(in super::super) fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "reply", "handoff"],
        "properties": {
            "type": {"type": "string", "pattern": "^urn:ozmap-cancel:problem:[a-z0-9_]+$"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "what is wrong, where, and what to write instead"},
            "reply": {"type": "string", "description": "the sentence for the customer"},
            "handoff": {"type": "boolean", "description": "whether an agent should take over"},
        },
    })
}

/// The body of `/health/live` and `/health/ready`.
pub(in super::super) fn status() -> Value {
    whole(&[("status", json!({"type": "string"}))])
}

/// The body of `/health`.
pub(in super::super) fn health() -> Value {
    let text = json!({"type": "string"});
    let flag = json!({"type": "boolean"});
    let count = json!({"type": "integer"});
    let maybe = |kind: &str| json!({"type": [kind, "null"]});
    let channel = whole(&[("not_filled_in", count.clone())]);
    whole(&[
        ("status", json!({"enum": ["ok", "degraded", "unready"]})),
        ("reasons", json!({"type": "array", "items": text})),
        ("version", text.clone()),
        ("uptime_s", count.clone()),
        ("draining", flag.clone()),
        ("paused", flag.clone()),
        ("dry_run", flag.clone()),
        ("deletes_left_this_hour", count.clone()),
        ("in_flight", count.clone()),
        (
            "journal",
            whole(&[
                ("status", text.clone()),
                ("store", text.clone()),
                ("incomplete", maybe("string")),
                ("active", count.clone()),
                ("oldest_active_ms", count.clone()),
                ("needs_human", count.clone()),
            ]),
        ),
        (
            "ozmap",
            whole(&[
                ("status", text),
                ("last_response_s_ago", maybe("integer")),
                ("circuit_open_s", maybe("integer")),
                ("deletes_refused", flag.clone()),
                ("lookup_ms", maybe("integer")),
                ("too_slow", flag),
            ]),
        ),
        (
            "channels",
            json!({"type": "object", "additionalProperties": channel}),
        ),
    ])
}

/// The body of `/openapi.json`.
pub(in super::super) fn document() -> Value {
    json!({"type": "object", "required": ["openapi", "info", "paths", "components"]})
}

/// An object that has all of these members and no others.
fn whole(members: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> = members
        .iter()
        .map(|(name, schema)| ((*name).to_owned(), schema.clone()))
        .collect();
    json!({
        "type": "object",
        "required": names,
        "properties": properties,
        "additionalProperties": false,
    })
}
