//! The validator of jambonz's own server reads every answer for jambonz.

use std::time::Duration;

use serde_json::json;

use super::answers;
use super::program::{Ended, Program, in_checkout, node};

/// Has the validator read answers; `None` when it is not installed.
async fn validate(answers: &[String]) -> Option<Ended> {
    let mut command = node("tests/node", "@jambonz/verb-specifications")?;
    command.arg(in_checkout("tests/node/jambonz.mjs"));
    let mut program = Program::start(command, &json!(answers).to_string());
    Some(program.ended(Duration::from_secs(120)).await)
}

#[tokio::test]
async fn jambonzs_own_validator_accepts_every_answer() {
    let all: Vec<String> = answers::of("jambonz")
        .into_iter()
        .map(|(content_type, body)| {
            // jambonz silently drops any other content type.
            assert_eq!(content_type, "application/json");
            body
        })
        .collect();
    let Some(ended) = validate(&all).await else {
        return;
    };
    assert!(ended.success, "{}", ended.stderr);
    let understood = format!("{} answers are understood by jambonz\n", all.len());
    assert_eq!(ended.stdout, understood);
    assert!(all.len() > 100, "there are only {} answers", all.len());
}

#[tokio::test]
async fn jambonzs_own_validator_refuses_unknown_answers() {
    for wrong in [
        "{}",
        "[]",
        r#"[{"verb":"speak","text":"Pronto!"}]"#,
        r#"[{"verb":"dial"}]"#,
        r#"[{"verb":"say","text":"Pronto!","voice":"x"}]"#,
        r#"[{"verb":"gather","input":"digits","actionHook":"/"}]"#,
    ] {
        let Some(ended) = validate(&[wrong.to_owned()]).await else {
            return;
        };
        assert!(!ended.success, "{wrong}");
    }
}
