//! schemathesis reads `/openapi.json` of the running service and tries to refute it.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::program::{Ended, Program, in_checkout, python};
use crate::ozmap::stand_in::{self, Act, StandIn};
use crate::support::{Reply, SECRET, World, http};

/// The native channel, and one platform for each kind of answer and authentication.
const CHANNELS: &[(&str, &str)] = &[
    ("SERVER__PUBLIC_URL", "https://hook.example.com"),
    ("CHANNELS__PLATFORM_RASA__PRESET", "rasa"),
    ("CHANNELS__PLATFORM_RASA__SECRET", SECRET),
    ("CHANNELS__PLATFORM_TEXT__PRESET", "text"),
    ("CHANNELS__PLATFORM_TEXT__SECRET", SECRET),
    ("CHANNELS__PLATFORM_VXML__PRESET", "voicexml"),
    ("CHANNELS__PLATFORM_VXML__AUTH", "bearer"),
    ("CHANNELS__PLATFORM_VXML__SECRET", SECRET),
    ("CHANNELS__PLATFORM_EVOLUTION__PRESET", "evolution"),
    ("CHANNELS__PLATFORM_EVOLUTION__SECRET", SECRET),
    ("CHANNELS__PLATFORM_TWILIO__PRESET", "twilio-voice"),
    ("CHANNELS__PLATFORM_TWILIO__SECRET", SECRET),
];

/// Runs schemathesis against the listener; `None` when it is not installed.
async fn try_out(address: SocketAddr) -> Option<Ended> {
    let mut command = python(&["schemathesis"])?;
    let folder = tempfile::tempdir().unwrap();
    command
        // schemathesis writes files into its working directory.
        .current_dir(folder.path())
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(in_checkout("tests/python/schemathesis.toml"))
        .args(["run", "--no-color", "--header"])
        .arg(format!("Authorization: Bearer {SECRET}"))
        .arg(format!("http://{address}/openapi.json"));
    let mut program = Program::start(command, "");
    Some(program.ended(Duration::from_secs(400)).await)
}

#[tokio::test]
async fn schemathesis_finds_no_answer_that_the_document_does_not_describe() {
    let world = World::with(CHANNELS).await;
    let Some(ended) = try_out(world.service.address()).await else {
        return;
    };
    assert!(ended.success, "{}{}", ended.stdout, ended.stderr);
    // schemathesis does not test the address that it reads the document from.
    let tested = "Tested: 10\n";
    assert!(ended.stdout.contains(tested), "{}", ended.stdout);
    // The service worked throughout: not every answer was a 503.
    let reply: Reply = world.ask(json!({"code": "reservation_123"})).await;
    assert_eq!(reply.outcome(), "cancelled", "{reply:?}");
}

/// A service that violates its own document.
async fn liar() -> StandIn {
    let content =
        json!({"application/json": {"schema": {"type": "object", "required": ["status"]}}});
    let responses = json!({"200": {"description": "yes", "content": content}});
    let description = json!({
        "openapi": "3.1.0",
        "info": {"title": "liar", "version": "1"},
        "paths": {"/health": {"get": {"responses": responses}}},
    })
    .to_string();
    StandIn::start(move |request| {
        vec![Act::Send(match request.target.as_str() {
            "/openapi.json" => stand_in::json(200, &description),
            _ => stand_in::json(200, "{}"),
        })]
    })
    .await
}

#[tokio::test]
async fn schemathesis_finds_an_answer_that_a_document_does_not_describe() {
    let liar = liar().await;
    let Some(ended) = try_out(liar.address()).await else {
        return;
    };
    let found = "Response violates schema: 1";
    assert!(
        !ended.success && ended.stdout.contains(found),
        "{}{}",
        ended.stdout,
        ended.stderr
    );
}

#[tokio::test]
async fn the_document_describes_how_each_channel_is_called_and_what_it_answers() {
    let world = World::with(CHANNELS).await;
    let described = world.service.get("/openapi.json").await.json();
    let operation =
        |name: &str, method: &str| described["paths"][format!("/webhooks/{name}")][method].clone();
    let keys =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };

    let chatbot = operation("chatbot", "post");
    assert_eq!(chatbot["security"], json!([{"bearer": []}]));
    assert_eq!(
        keys(&chatbot["responses"]),
        [
            "200", "400", "401", "408", "413", "415", "422", "429", "500", "501", "503"
        ]
    );
    assert_eq!(operation("chatbot", "get"), Value::Null);

    // Twilio signs its requests, and reads no problem but a 401.
    let twilio = operation("platform_twilio", "post");
    assert_eq!(
        twilio["security"],
        json!([{"header-x-twilio-signature": []}])
    );
    assert_eq!(keys(&twilio["responses"]), ["200", "401"]);
    assert_eq!(keys(&twilio["responses"]["401"]["content"]), ["text/xml"]);
    let schemes = &described["components"]["securitySchemes"];
    let signature = json!({"type": "apiKey", "in": "header", "name": "x-twilio-signature"});
    assert_eq!(schemes["header-x-twilio-signature"], signature);

    // A VoiceXML browser may use either method, and receive either content type.
    let contents = &operation("platform_vxml", "get")["responses"]["200"]["content"];
    assert_eq!(
        keys(contents),
        ["application/voicexml+xml", "application/xml"]
    );
    let path = "/webhooks/platform_vxml";
    let options = http::send(world.service.address(), "OPTIONS", path, &[], b"").await;
    assert_eq!(options.unwrap().header("allow"), Some("GET, POST"));
}
