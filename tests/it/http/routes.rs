//! The route table, the router and the OpenAPI document: each address is in all three.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::http::send;
use crate::support::{SECRET, World};

const CHANNELS: &[(&str, &str)] = &[
    ("SERVER__PUBLIC_URL", "https://hook.example.com"),
    ("CHANNELS__TEXT__PRESET", "text"),
    ("CHANNELS__TEXT__SECRET", SECRET),
    ("CHANNELS__VXML__PRESET", "voicexml"),
    ("CHANNELS__VXML__AUTH", "bearer"),
    ("CHANNELS__VXML__SECRET", SECRET),
];
const NAMES: [&str; 3] = ["chatbot", "text", "vxml"];

/// The addresses of the table, with every channel's name where a name goes.
fn addresses() -> BTreeSet<String> {
    ozmap_cancel::http::paths()
        .flat_map(|path| NAMES.map(|name| path.replace("{name}", name)))
        .collect()
}

#[tokio::test]
async fn the_document_has_the_addresses_of_the_table_and_no_others() {
    let world = World::with(CHANNELS).await;
    let document = world.service.get("/openapi.json").await.json();
    let described = document["paths"].as_object().unwrap().keys().cloned();
    assert_eq!(described.collect::<BTreeSet<_>>(), addresses());
}

#[tokio::test]
async fn every_described_operation_is_served_and_every_other_method_is_refused() {
    let world = World::with(CHANNELS).await;
    let document = world.service.get("/openapi.json").await.json();
    for address in addresses() {
        let item = document["paths"][&address].as_object().unwrap();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let sent = send(world.service.address(), method, &address, &[], b"").await;
            let reply = sent.unwrap();
            let operation = item.get(&method.to_lowercase());
            let expected = operation.is_some();
            assert_eq!(
                reply.status != 405,
                expected,
                "{method} {address}: {reply:?}"
            );
            let Some(operation) = operation else { continue };
            let documented = &operation["responses"][reply.status.to_string()];
            assert!(documented.is_object(), "{method} {address}: {reply:?}");
        }
    }
    let other = world.service.get("/openapi").await;
    assert_eq!(other.status, 404);
}

/// The names of the members that a schema requires, or that a value has.
fn names(members: &Value) -> BTreeSet<&str> {
    if let Some(members) = members.as_object() {
        return members.keys().map(String::as_str).collect();
    }
    let names = members.as_array().unwrap();
    names.iter().filter_map(Value::as_str).collect()
}

fn assert_describes(schema: &Value, value: &Value) {
    assert_eq!(names(&schema["required"]), names(value), "{schema}");
    assert_eq!(names(&schema["properties"]), names(value), "{schema}");
    for (name, member) in value.as_object().unwrap() {
        let described = &schema["properties"][name];
        if described["properties"].is_object() {
            assert_describes(described, member);
        }
    }
}

#[tokio::test]
async fn every_member_of_a_page_or_a_problem_is_described() {
    let world = World::with(CHANNELS).await;
    let document = world.service.get("/openapi.json").await.json();
    for address in ["/health", "/health/live", "/health/ready"] {
        let operation = &document["paths"][address]["get"];
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        assert_describes(schema, &world.service.get(address).await.json());
        if address == "/health" {
            let channel = &world.service.get(address).await.json()["channels"]["text"];
            assert_describes(
                &schema["properties"]["channels"]["additionalProperties"],
                channel,
            );
        }
    }
    let problem = world.service.get("/openapi").await.json();
    assert_describes(&document["components"]["schemas"]["Problem"], &problem);
}
