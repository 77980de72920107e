//! Where a phone call is: the state that its own addresses carry from one turn to the next.
//!
//! A state that cannot be read is never taken for the beginning of a call.

use serde_json::Value;

use super::input::Input;
use crate::domain::Turn;

/// The members that carry a call's state from one turn to the next, in our own addresses.
const FAILURES: &str = "ozc_failures";
const STEP: &str = "ozc_step";
const STEP_CODE: &str = "ozc_code";

/// The step of a call whose state contradicts itself; a person goes on.
pub(super) const BROKEN: &str = "broken";

/// Where a call is.
pub(super) struct State {
    pub(super) failures: u8,
    pub(super) step: String,
    pub(super) code: String,
}

/// What the next turn's address carries.
pub(super) fn next_query(
    turn: Turn,
    failures: u8,
    code: &str,
    carried: &[(&str, String)],
) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair(FAILURES, &failures.to_string());
    match turn {
        Turn::ConfirmCode => query
            .append_pair(STEP, "confirm")
            .append_pair(STEP_CODE, code),
        Turn::AskCode | Turn::AskCodeAgain | Turn::HandOver => query.append_pair(STEP, "code"),
    };
    for (name, value) in carried {
        query.append_pair(name, value);
    }
    query.finish()
}

/// What the first address of a call said about all of it: a rehearsal must stay one to its end.
pub(super) fn carried(input: &Input<'_>) -> Vec<(&'static str, String)> {
    ["action", "dry_run"]
        .into_iter()
        .filter_map(|name| Some((name, input.query.get(name)?.as_str()?.to_owned())))
        .collect()
}

/// The state of a call, wherever the platform put it: in the query, or back in the body.
pub(super) fn state(input: &Input<'_>) -> State {
    let text = |name: &str| match input.query.get(name).or_else(|| input.body.get(name)) {
        None | Some(Value::Null) => Some(String::new()),
        Some(Value::String(text)) => Some(text.clone()),
        // Given twice with different values: nobody knows where this call is.
        Some(Value::Array(_) | Value::Object(_) | Value::Bool(_) | Value::Number(_)) => None,
    };
    let (Some(failures), Some(step), Some(code)) = (text(FAILURES), text(STEP), text(STEP_CODE))
    else {
        return State {
            failures: u8::MAX,
            step: BROKEN.to_owned(),
            code: String::new(),
        };
    };
    State {
        // What cannot be read counts as the last failure, never as the first.
        failures: if failures.is_empty() {
            0
        } else {
            failures.parse().unwrap_or(u8::MAX)
        },
        step,
        code,
    }
}
