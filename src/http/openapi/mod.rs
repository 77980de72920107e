//! The public listener described for machines: OpenAPI 3.1, made of the route table and the
//! configured channels.
//!
//! It must never describe what the router does not serve: every path comes from a row of
//! `routes.rs`. `schemas` has the bodies.

pub(super) mod schemas;

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::App;
use super::request_context::{REQUEST_ID, TRACEPARENT};
use crate::channels::{Channel, Codec, Proof};

/// The document of the configured channels, with the path items of the route table.
pub(super) fn describe(app: &App, paths: Map<String, Value>) -> Value {
    let schemes: Map<String, Value> = app
        .channels
        .values()
        .flat_map(|channel| channel.auth.proofs())
        .map(|proof| (scheme_name(proof), scheme(proof)))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "ozmap-cancel",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Cancels a reservation in OZmap. Every decided outcome is HTTP 200.",
        },
        "paths": paths,
        "components": {
            "schemas": {
                "Request": schemas::request(),
                "Answer": schemas::answer(),
                "Problem": schemas::problem(),
            },
            "headers": {"x-request-id": {
                "description": "the id of the request in the service's log",
                "required": true,
                "schema": {"type": "string"},
            }},
            "parameters": {
                "x-request-id": parameter(REQUEST_ID.as_str(), "the caller's id of the request; it is logged and returned"),
                "traceparent": parameter(TRACEPARENT, "W3C Trace Context; the calls to OZmap continue the trace"),
                "idempotency-key": parameter("idempotency-key", "the idempotency key; must agree with `message_id`"),
                "webhook-id": parameter("webhook-id", "the idempotency key of Standard Webhooks; must agree with `message_id`"),
            },
            "securitySchemes": schemes,
        },
    })
}

fn parameter(name: &str, about: &str) -> Value {
    json!({"name": name, "in": "header", "description": about, "schema": {"type": "string"}})
}

fn scheme_name(proof: Proof<'_>) -> String {
    match proof {
        Proof::Bearer => "bearer".to_owned(),
        Proof::Basic => "basic".to_owned(),
        Proof::Header(name) => format!("header-{name}"),
        Proof::Query(name) => format!("query-{name}"),
    }
}

fn scheme(proof: Proof<'_>) -> Value {
    match proof {
        Proof::Bearer => json!({"type": "http", "scheme": "bearer"}),
        Proof::Basic => json!({"type": "http", "scheme": "basic"}),
        Proof::Header(name) => json!({"type": "apiKey", "in": "header", "name": name}),
        Proof::Query(name) => json!({"type": "apiKey", "in": "query", "name": name}),
    }
}

/// The path items of all webhooks.
pub(super) fn webhooks(app: &App, path: &str) -> Vec<(String, Value)> {
    app.channels
        .values()
        .map(|channel| (path.replace("{name}", &channel.name), webhook(channel)))
        .collect()
}

fn webhook(channel: &Channel) -> Value {
    let security: Vec<Value> = channel
        .auth
        .proofs()
        .into_iter()
        .map(|proof| json!({scheme_name(proof): []}))
        .collect();
    let request = match &channel.codec {
        Codec::Native => {
            json!({"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Request"}}}})
        }
        // The platform's own form, described by its preset.
        Codec::Platform(_) => json!({"content": {"*/*": {"schema": {}}}}),
    };
    let mut parameters = vec!["x-request-id", "traceparent"];
    if matches!(channel.codec, Codec::Native) {
        parameters.extend(["idempotency-key", "webhook-id"]);
    }
    let parameters: Vec<Value> = parameters
        .into_iter()
        .map(|name| json!({"$ref": format!("#/components/parameters/{name}")}))
        .collect();
    let mut item = Map::new();
    for (method, name) in [(Method::POST, "post"), (Method::GET, "get")] {
        if channel.accepts(&method) {
            let mut operation = json!({
                "summary": "cancel or look up a reservation",
                "operationId": format!("{name}-{}", channel.name),
                "parameters": parameters,
                "security": security,
                "responses": responses(channel),
            });
            if method == Method::POST {
                operation["requestBody"] = request.clone();
            }
            item.insert(name.to_owned(), operation);
        }
    }
    Value::Object(item)
}

/// The statuses of a webhook beside 200, as a channel without a status of its own answers them.
const PROBLEMS: [(u16, &str); 10] = [
    (400, "the request is malformed"),
    (401, "the caller is not authenticated"),
    (408, "timeout: the body took too long"),
    (413, "the body is too large"),
    (415, "the body has an unsupported type or encoding"),
    (
        422,
        "the request is well-formed, but a member is missing or invalid",
    ),
    (429, "rate limited; retry after `Retry-After` seconds"),
    (500, "a bug in the service; retry with the same key"),
    (501, "the transfer encoding is not supported"),
    (
        503,
        "nothing was accepted; retry after `Retry-After` seconds",
    ),
];

fn responses(channel: &Channel) -> Value {
    let (answers, problems) = contents(channel);
    let mut responses = Map::new();
    for (status, about) in PROBLEMS {
        // If the platform can read only a 200, a problem is one of its answers.
        if channel.refuses_with(status) == status {
            let mut response = response(about, &problems);
            match status {
                401 => response["headers"]["WWW-Authenticate"] = header("string"),
                429 | 503 => response["headers"]["Retry-After"] = header("integer"),
                _ => {}
            }
            responses.insert(status.to_string(), response);
        }
    }
    let decided = response("a decided outcome, or `pending`", &answers);
    responses.insert("200".to_owned(), decided);
    Value::Object(responses)
}

fn response(about: &str, content: &Value) -> Value {
    json!({
        "description": about,
        "headers": {"x-request-id": {"$ref": "#/components/headers/x-request-id"}},
        "content": content,
    })
}

fn header(kind: &str) -> Value {
    json!({"required": true, "schema": {"type": kind}})
}

/// The bodies of an answer and of a problem.
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

/// The path item of a page that takes only GET and needs no authentication.
pub(super) fn page(
    path: &str,
    about: &str,
    statuses: &[u16],
    schema: Value,
) -> Vec<(String, Value)> {
    let content = json!({"application/json": {"schema": schema}});
    let responses: Map<String, Value> = statuses
        .iter()
        .map(|status| {
            let meaning = if *status == 200 { "yes" } else { "no" };
            (status.to_string(), response(meaning, &content))
        })
        .collect();
    let get = json!({
        "summary": about,
        "operationId": format!("get{}", path.replace(['/', '.'], "-")),
        "parameters": [
            {"$ref": "#/components/parameters/x-request-id"},
        ],
        "security": [],
        "responses": responses,
    });
    vec![(path.to_owned(), json!({"get": get}))]
}
