//! The two spellings of a fault, and the errors for text that is not a fault.

use super::{Fault, FaultError};
use serde_json::json;

fn error(text: &str) -> String {
    match text.parse::<Fault>() {
        Ok(fault) => format!("accepted as {fault}"),
        Err(FaultError(sentence)) => sentence,
    }
}

#[test]
fn the_command_line_syntax_and_json_say_the_same() -> Result<(), FaultError> {
    for (text, object) in [
        (
            "delete:reset_after*1",
            json!({"route": "delete", "kind": "reset_after", "times": 1}),
        ),
        (
            "lookup:status=503*3",
            json!({"route": "lookup", "kind": "status", "value": 503, "times": 3}),
        ),
        (
            "any:delay_ms=200@0.5",
            json!({"route": "any", "kind": "delay_ms", "value": 200, "probability": 0.5}),
        ),
        (
            "delete:hold_after*1+2",
            json!({"route": "delete", "kind": "hold_after", "times": 1, "skip": 2}),
        ),
        (
            "get:redirect=307,http://127.0.0.1:9/x",
            json!({"route": "get", "kind": "redirect", "value": "307,http://127.0.0.1:9/x"}),
        ),
    ] {
        let fault: Fault = text.parse()?;
        let same = std::slice::from_ref(&fault);
        assert_eq!(Fault::from_json(&object)?, same);
        assert_eq!(Fault::from_json(&fault.to_json())?, same);
        assert_eq!(fault.to_string(), text);
    }
    Ok(())
}

#[test]
fn an_error_says_what_to_write_instead() {
    insta::assert_snapshot!(error("delete"), @"`delete` has no route; write ROUTE:KIND, for example delete:reset_after*1");
    insta::assert_snapshot!(error("erase:status=500"), @"unknown route `erase`; write any, lookup, filter, get, delete, create, patch, probe, other");
    insta::assert_snapshot!(error("delete:status"), @"`status` needs a value; write status=503, or status=429,5 with a Retry-After");
    insta::assert_snapshot!(error("delete:status=abc"), @"`status` cannot have the value `abc`; write status=503, or status=429,5 with a Retry-After");
    insta::assert_snapshot!(error("delete:reset_after=5"), @"`reset_after` takes no value, but got `5`; write `reset_after` alone");
    insta::assert_snapshot!(error("delete:two_rows"), @"`two_rows` cannot show on route `delete`; use it on lookup, filter");
    insta::assert_snapshot!(error("delete:reset_after*x"), @"`*x` is not a number; write *TIMES, +SKIP or @PROBABILITY, for example *1+2@0.5");
    insta::assert_snapshot!(error("delete:reset_after*1*2"), @"`*` is there twice; write it once");
    insta::assert_snapshot!(error("delete:reset_after*0"), @"times 0 would never happen; write 1 or more, or leave it out for always");
    insta::assert_snapshot!(error("delete:reset_after@2"), @"probability 2 is out of range; write a number from 0 to 1");
    let unknown = error("delete:resett");
    assert!(
        unknown.starts_with("unknown kind `resett`; write one of html_404, "),
        "{unknown}"
    );
}
