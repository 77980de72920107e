//! The public listener described for machines: OpenAPI 3.1, made of the channels that are configured.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::App;
use super::respond::respond;
use crate::channels::{Channel, Codec, Rendered};
use crate::domain::{Locale, Outcome};

pub(super) async fn document(State(app): State<Arc<App>>) -> Response<Body> {
    let rendered = Rendered {
        content_type: "application/json".to_owned(),
        body: describe(&app).to_string(),
    };
    respond(StatusCode::OK, rendered)
}

fn describe(app: &App) -> Value {
    let mut paths = Map::new();
    for channel in app.channels.values() {
        paths.insert(format!("/webhooks/{}", channel.name), webhook(channel));
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
            "securitySchemes": {"secret": {"type": "http", "scheme": "bearer"}},
        },
    })
}

fn webhook(channel: &Channel) -> Value {
    let (request, answered) = match &channel.codec {
        Codec::Native => (
            json!({"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Request"}}}}),
            json!({
                "application/json": {"schema": {"$ref": "#/components/schemas/Answer"}},
                "text/plain": {"schema": {"type": "string"}},
            }),
        ),
        // The platform's own form, described by its preset.
        Codec::Platform(_) => (
            json!({"content": {"*/*": {"schema": {}}}}),
            json!({"*/*": {"schema": {}}}),
        ),
    };
    let mut responses = Map::from_iter([(
        "200".to_owned(),
        json!({"description": "a decided outcome, or `pending`", "content": answered}),
    )]);
    for (status, about) in [
        ("400", "the request was not understood"),
        ("401", "the caller did not prove who it is"),
        ("408", "the body came too slowly"),
        ("413", "the body is too large"),
        ("415", "the body is of another kind"),
        (
            "422",
            "the request was read, but says something that cannot be",
        ),
        (
            "429",
            "the channel asks too fast; try again after `Retry-After` seconds",
        ),
        (
            "503",
            "nothing was accepted; try again after `Retry-After` seconds",
        ),
    ] {
        responses.insert(status.to_owned(), refusal(about));
    }
    json!({
        "post": {
            "summary": "cancel or look up a reservation",
            "operationId": format!("webhook-{}", channel.name),
            "security": [{"secret": []}],
            "requestBody": request,
            "responses": responses,
        },
    })
}

fn refusal(about: &str) -> Value {
    json!({
        "description": about,
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
            "text/plain": {"schema": {"type": "string"}},
        },
    })
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

fn request() -> Value {
    let text = json!({"type": ["string", "integer", "null"]});
    json!({
        "type": "object",
        "required": ["code"],
        "properties": {
            "code": {"type": ["string", "integer"], "description": "the reservation code"},
            "action": {"type": "string", "enum": ["cancel", "lookup"], "default": "cancel"},
            "conversation_id": text,
            "message_id": {"type": ["string", "integer", "null"], "description": "the same on every retry"},
            "locale": text,
            "customer_name": text,
            "phone": text,
            "reason": text,
            "dry_run": {"type": "boolean", "default": false},
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
