//! Every answer for Dialogflow is read by Google's own types and Google's own strict parser.

use std::time::Duration;

use serde_json::json;

use super::answers;
use super::program::{Ended, Program, in_checkout, python};

const MODULES: [&str; 2] = ["google.cloud.dialogflow_v2", "google.cloud.dialogflowcx_v3"];

/// Has answers read, each as `cx` or `es`; none when Google's libraries are not here.
async fn parse(kind: &str, answers: &[String]) -> Option<Ended> {
    let mut command = python(&MODULES)?;
    command.arg(in_checkout("tests/python/dialogflow.py"));
    let lines = answers
        .iter()
        .map(|body| format!("{}\n", json!({"kind": kind, "body": body})));
    let mut program = Program::start(command, &lines.collect::<String>());
    Some(program.ended(Duration::from_secs(120)).await)
}

async fn assert_understood(kind: &str) {
    let all: Vec<String> = answers::of(&format!("dialogflow-{kind}"))
        .into_iter()
        .map(|(content_type, body)| {
            assert_eq!(content_type, "application/json");
            body
        })
        .collect();
    let Some(ended) = parse(kind, &all).await else {
        return;
    };
    let wrong: String = ended.stderr.chars().take(4_000).collect();
    assert!(ended.success, "{wrong}");
    let understood = format!("{} answers are understood by Dialogflow\n", all.len());
    assert_eq!(ended.stdout, understood);
    assert!(all.len() > 100, "there are only {} answers", all.len());
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
async fn googles_strict_parser_refuses_what_dialogflow_does_not_know() {
    for (kind, wrong) in [
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
    ] {
        let Some(ended) = parse(kind, &[wrong.to_owned()]).await else {
            return;
        };
        assert!(!ended.success, "{kind}: {wrong}");
    }
}
