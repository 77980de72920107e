//! The state of a phone call, which the URL of the next turn carries.
//!
//! A state that cannot be read, or that this service did not sign for this call, must never start a
//! new call and is never acted on: the caller is asked for the code again.

use serde_json::Value;

use super::attempts::Count;
use super::auth::SignedState;
use super::input::Input;
use super::{Channel, ReplyContext};
use crate::domain::{Action, Mode, Turn};

/// The query members that carry the state of a call.
const FAILURES: &str = "ozc_failures";
const STEP: &str = "ozc_step";
const STEP_CODE: &str = "ozc_code";
const SEAL: &str = "ozc_seal";

/// Whether a member carries the state of a call.
pub(super) fn is_state(name: &str) -> bool {
    [FAILURES, STEP, STEP_CODE, SEAL].contains(&name)
}

/// The step of a call with an invalid state.
pub(super) const BROKEN: &str = "broken";

/// The state of a call.
pub(super) struct State {
    pub(super) count: Count,
    pub(super) step: String,
    pub(super) code: String,
}

/// The state of the next turn, as the platform gets it.
pub(super) struct NextTurn<'a> {
    pub(super) failures: String,
    pub(super) step: &'static str,
    pub(super) code: &'a str,
    pub(super) seal: String,
}

impl<'a> NextTurn<'a> {
    pub(super) fn new(
        channel: &Channel,
        echo: &ReplyContext,
        turn: Turn,
        count: Count,
        code: &'a str,
    ) -> Self {
        let (step, code) = if turn.asks_for_a_yes() && !code.is_empty() {
            ("confirm", code)
        } else {
            ("code", "")
        };
        let failures = count.text();
        let seal = channel.seal.write(&SignedState {
            channel: &channel.name,
            call: &echo.call,
            state: [&failures, step, code],
            carried: &echo.carried,
        });
        Self {
            failures,
            step,
            code,
            seal,
        }
    }

    /// The query of the next turn's URL: the state, what the first URL said about the whole call,
    /// and the secret of a platform that has no other way to authenticate.
    pub(super) fn query(&self, echo: &ReplyContext) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let state = [
            (FAILURES, self.failures.as_str()),
            (STEP, self.step),
            (STEP_CODE, self.code),
            (SEAL, &self.seal),
        ];
        query.extend_pairs(state.iter().filter(|(_, value)| !value.is_empty()));
        query.extend_pairs(&echo.carried);
        query.extend_pairs(&echo.secret);
        query.finish()
    }
}

/// The instructions in the first URL of a call, for the whole call: a dry run must stay one to its
/// end.
pub(super) fn carried(action: Action, mode: Mode) -> Vec<(&'static str, String)> {
    let lookup = (action == Action::Lookup).then(|| ("action", "lookup".to_owned()));
    let rehearsal = (mode == Mode::DryRun).then(|| ("dry_run", "true".to_owned()));
    lookup.into_iter().chain(rehearsal).collect()
}

/// The query member with the secret, as the caller sent it.
pub(super) fn secret(channel: &Channel, input: &Input<'_>) -> Option<(String, String)> {
    let name = channel.auth.redacted_query()?;
    let value = input.query.get(name)?.as_str()?;
    Some((name.to_owned(), value.to_owned()))
}

/// Reads the state of a call from the query or from the body, wherever the platform put it.
pub(super) fn state(
    channel: &Channel,
    call: &str,
    carried: &[(&'static str, String)],
    input: &Input<'_>,
) -> State {
    let text = |name: &str| match input.query.get(name).or_else(|| input.body.get(name)) {
        None | Some(Value::Null) => Some(String::new()),
        Some(Value::String(text)) => Some(text.clone()),
        // Given twice with different values: the state is unknown.
        Some(Value::Array(_) | Value::Object(_) | Value::Bool(_) | Value::Number(_)) => None,
    };
    let broken = |count| State {
        count,
        step: BROKEN.to_owned(),
        code: String::new(),
    };
    let (Some(failures), Some(step), Some(code), Some(seal)) =
        (text(FAILURES), text(STEP), text(STEP_CODE), text(SEAL))
    else {
        return broken(Count::LAST);
    };
    let counted = match failures.as_str() {
        "" => Count::default(),
        text => Count::read(text),
    };
    // FreeSWITCH cannot set a parameter to nothing.
    let code = if code == "-" { String::new() } else { code };
    let is_first = [&failures, &step, &code, &seal].map(String::is_empty) == [true; 4];
    let stated = SignedState {
        channel: &channel.name,
        call,
        state: [&failures, &step, &code],
        carried,
    };
    // The claimed failures count nevertheless: a platform that loses the signature must not ask for
    // ever.
    if !is_first && !channel.seal.fits(&seal, &stated) {
        return broken(counted);
    }
    State {
        count: counted,
        step,
        code,
    }
}
