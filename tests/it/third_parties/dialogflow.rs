//! Google's own types and Google's own strict parser read every answer for Dialogflow.

use std::time::Duration;

use serde_json::{Value, json};

use super::answers;
use super::program::{Ended, Program, in_checkout, python};

const MODULES: [&str; 2] = ["google.cloud.dialogflow_v2", "google.cloud.dialogflowcx_v3"];

/// Answers that Dialogflow does not accept, with the kind of agent.
const WRONG: [(&str, &str); 6] = [
    ("cx", r#"{"outcome":"cancelled"}"#),
    (
        "cx",
        r#"{"fulfillmentResponse":{"messages":[{"text":{"text":"Pronto!"}}]}}"#,
    ),
    (
        "cx",
        r#"{"fulfillmentResponse":{"messages":[{"text":{"text":[""]}}]}}"#,
    ),
    ("es", r#"{"fulfillmentText":"Pronto!","reply":"Pronto!"}"#),
    ("es", r#"{"outputContexts":[{"name":"ozmap"}]}"#),
    ("es", "[]"),
];

/// Has Google's libraries read cases, one in each line; `None` when they are not installed.
async fn read(cases: &[Value]) -> Option<Ended> {
    let mut command = python(&MODULES)?;
    command.arg(in_checkout("tests/python/dialogflow.py"));
    let lines: String = cases.iter().map(|case| format!("{case}\n")).collect();
    let mut program = Program::start(command, &lines);
    Some(program.ended(Duration::from_secs(120)).await)
}

async fn assert_understood(kind: &str) {
    let all = answers::of(&format!("dialogflow-{kind}"));
    assert!(all.len() > 100, "there are only {} answers", all.len());
    let mut cases: Vec<Value> = all
        .into_iter()
        .map(|(content_type, body)| {
            assert_eq!(content_type, "application/json");
            json!({"kind": kind, "body": body})
        })
        .collect();
    let wrong = WRONG.iter().filter(|(of, _)| *of == kind);
    cases.extend(wrong.map(|(_, body)| json!({"kind": kind, "body": body, "is_wrong": true})));
    let Some(ended) = read(&cases).await else {
        return;
    };
    let wrong: String = ended.stderr.chars().take(4_000).collect();
    assert!(ended.success, "{wrong}");
    let read = format!("{} answers were read as they should be\n", cases.len());
    assert_eq!(ended.stdout, read);
}

#[tokio::test]
async fn googles_strict_parser_reads_every_answer_for_dialogflow_cx() {
    assert_understood("cx").await;
}

#[tokio::test]
async fn googles_strict_parser_reads_every_answer_for_dialogflow_es() {
    assert_understood("es").await;
}

#[tokio::test]
async fn an_answer_that_dialogflow_refuses_is_found() {
    let (kind, body) = WRONG[0];
    let Some(ended) = read(&[json!({"kind": kind, "body": body})]).await else {
        return;
    };
    assert!(!ended.success, "{}", ended.stdout);
}
