//! The public listener described for machines: OpenAPI 3.1, made of the channels that are configured.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::App;
use super::respond::respond;
use crate::channels::{Channel, Codec, Proof, Rendered, TEXT_CHARS_MAX};
use crate::domain::{Locale, Outcome};

pub(super) async fn document(State(app): State<Arc<App>>) -> Response<Body> {
    let rendered = Rendered {
        content_type: "application/json".to_owned(),
        body: describe(&app).to_string(),
    };
    respond(StatusCode::OK, rendered)
}

fn describe(app: &App) -> Value {
    let (mut paths, mut proofs) = (Map::new(), Map::new());
    for channel in app.channels.values() {
        paths.insert(format!("/webhooks/{}", channel.name), webhook(channel));
        for proof in channel.auth.proofs() {
            proofs.insert(name_of(proof), described(proof));
        }
    }
    for (path, about) in [
        ("/health", "how the service does"),
        ("/health/live", "whether the process lives"),
        ("/health/ready", "whether to send traffic here"),
    ] {
        paths.insert(path.to_owned(), health(about));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "ozmap-cancel",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Cancels a reservation in OZmap. Every decided outcome is HTTP 200.",
        },
        "paths": paths,
        "components": {
            "schemas": {"Request": request(), "Answer": answer(), "Problem": problem()},
            "securitySchemes": proofs,
        },
    })
}

fn name_of(proof: Proof<'_>) -> String {
    match proof {
        Proof::Bearer => "bearer".to_owned(),
        Proof::Basic => "basic".to_owned(),
        Proof::Header(name) => format!("header-{name}"),
        Proof::Query(name) => format!("query-{name}"),
    }
}

fn described(proof: Proof<'_>) -> Value {
    match proof {
        Proof::Bearer => json!({"type": "http", "scheme": "bearer"}),
        Proof::Basic => json!({"type": "http", "scheme": "basic"}),
        Proof::Header(name) => json!({"type": "apiKey", "in": "header", "name": name}),
        Proof::Query(name) => json!({"type": "apiKey", "in": "query", "name": name}),
    }
}

fn webhook(channel: &Channel) -> Value {
    let security: Vec<Value> = channel
        .auth
        .proofs()
        .into_iter()
        .map(|proof| json!({name_of(proof): []}))
        .collect();
    let request = match &channel.codec {
        Codec::Native => {
            json!({"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Request"}}}})
        }
        // The platform's own form, described by its preset.
        Codec::Platform(_) => json!({"content": {"*/*": {"schema": {}}}}),
    };
    let mut methods = Map::new();
    for (method, name) in [(Method::POST, "post"), (Method::GET, "get")] {
        if channel.accepts(&method) {
            let mut operation = json!({
                "summary": "cancel or look up a reservation",
                "operationId": format!("{name}-{}", channel.name),
                "security": security,
                "responses": responses(channel),
            });
            if method == Method::POST {
                operation["requestBody"] = request.clone();
            }
            methods.insert(name.to_owned(), operation);
        }
    }
    Value::Object(methods)
}

const REFUSALS: [(u16, &str); 8] = [
    (400, "the request was not understood"),
    (401, "the caller did not prove who it is"),
    (408, "the body came too slowly"),
    (413, "the body is too large"),
    (415, "the body is of another kind"),
    (
        422,
        "the request was read, but says something that cannot be",
    ),
    (
        429,
        "the channel asks too fast; try again after `Retry-After` seconds",
    ),
    (
        503,
        "nothing was accepted; try again after `Retry-After` seconds",
    ),
];

fn responses(channel: &Channel) -> Value {
    let (answered, refused) = contents(channel);
    let mut responses = Map::new();
    for (status, about) in REFUSALS {
        // Where the platform can read nothing but a 200, a refusal is one of its answers.
        if channel.refuses_with(status) == status {
            let mut refusal = json!({"description": about, "content": refused});
            match status {
                401 => refusal["headers"] = json!({"WWW-Authenticate": header("string")}),
                429 | 503 => refusal["headers"] = json!({"Retry-After": header("integer")}),
                _ => {}
            }
            responses.insert(status.to_string(), refusal);
        }
    }
    let decided = json!({"description": "a decided outcome, or `pending`", "content": answered});
    responses.insert("200".to_owned(), decided);
    Value::Object(responses)
}

fn header(kind: &str) -> Value {
    json!({"required": true, "schema": {"type": kind}})
}

/// The bodies of an answer and of a refusal.
fn contents(channel: &Channel) -> (Value, Value) {
    let text = json!({"schema": {"type": "string"}});
    match &channel.codec {
        Codec::Native => (
            json!({"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}, "text/plain": text}),
            json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}, "text/plain": text}),
        ),
        Codec::Platform(_) => {
            let all = channel.content_types().into_iter();
            let all: Map<String, Value> = all
                .map(|content_type| (content_type.to_owned(), json!({"schema": {}})))
                .collect();
            (Value::Object(all.clone()), Value::Object(all))
        }
    }
}

fn health(about: &str) -> Value {
    let page = json!({"application/json": {"schema": {
        "type": "object", "required": ["status"], "properties": {"status": {"type": "string"}},
    }}});
    json!({
        "get": {
            "summary": about,
            "responses": {
                "200": {"description": "yes", "content": page},
                "503": {"description": "no", "content": page},
            },
        },
    })
}

/// What is read, not what is recommended: a text may be a number or a flag, which is read as a person would write it.
fn request() -> Value {
    let whole = json!({"type": "integer", "minimum": i64::MIN, "maximum": u64::MAX});
    let code = json!({"anyOf": [{"type": "string"}, whole, {"type": "boolean"}], "description": "the reservation code"});
    let text = json!({"anyOf": [{"type": "string"}, whole, {"type": ["boolean", "null"]}]});
    let mut bounded = text.clone();
    bounded["anyOf"][0]["maxLength"] = json!(TEXT_CHARS_MAX);
    let mut message_id = bounded.clone();
    message_id["description"] = json!("the same on every retry");
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

fn answer() -> Value {
    json!({
        "type": "object",
        "required": ["outcome", "reply", "final", "handoff", "protocol", "code", "locale", "replayed"],
        "properties": {
            "outcome": {"type": "string", "enum": Outcome::ALL.map(Outcome::id)},
            "reply": {"type": "string", "description": "the sentence for the customer"},
            "final": {"type": "boolean"},
            "handoff": {"type": "boolean"},
            "protocol": {"type": "string", "pattern": "^[0-9]*$"},
            "code": {"type": "string"},
            "locale": {"type": "string", "enum": Locale::ALL.map(Locale::id)},
            "replayed": {"type": "boolean"},
            "customer_first_name": {"type": "string"},
            "address": {"type": "string"},
            "reserved_at": {"type": "string"},
        },
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "reply"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "what was wrong, where, and what to write instead"},
            "reply": {"type": "string", "description": "the sentence for the customer"},
        },
    })
}
