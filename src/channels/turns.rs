//! Decides the next question of a phone call, and when a person takes over.
//!
//! A call must never ask for ever: every failure counts, and so does every correction after the
//! first few.

use super::misunderstood::wrong;
use super::preset::Spec;
use super::reading::Reading;
use super::{Misunderstood, Next, ReplyContext, RequestKind};
use crate::domain::{Outcome, Turn};

/// Whether an answer can carry a question. An answer format that the request chose cannot.
pub(super) fn can_ask(spec: &Spec, echo: &ReplyContext) -> bool {
    spec.turns.is_none() || echo.format.is_none()
}

/// A request without a code: the start of a call, or on other platforms an integrator's mistake.
pub(super) fn nothing_yet(
    spec: &Spec,
    reading: &Reading<'_>,
    echo: &ReplyContext,
) -> Result<RequestKind, Misunderstood> {
    let asks = spec.turns.is_some() || !spec.fields.text.is_empty();
    if asks && can_ask(spec, echo) {
        return Ok(RequestKind::Turn(Turn::AskCode, String::new()));
    }
    Err(reading.empty_code().unwrap_or_else(|| {
            wrong(
                422,
                "code_missing",
                "the request has no reservation code where this preset looks for it; `channels show` lists the places",
            )
        }))
}

/// Counts a failure: the next question, or a person after too many.
pub(super) fn failed(
    spec: &Spec,
    echo: &mut ReplyContext,
    turn: Turn,
    code: String,
) -> RequestKind {
    echo.count = echo.count.failed();
    goes_on(spec, echo, turn, code)
}

/// The caller corrected the code that was read back: read back the new one, or ask for it.
pub(super) fn corrected(
    spec: &Spec,
    echo: &mut ReplyContext,
    keyed: Option<String>,
) -> RequestKind {
    echo.count = echo.count.corrected();
    match keyed {
        Some(code) => goes_on(spec, echo, Turn::ConfirmCode, code),
        None => goes_on(spec, echo, Turn::CorrectCode, String::new()),
    }
}

fn goes_on(spec: &Spec, echo: &ReplyContext, turn: Turn, code: String) -> RequestKind {
    let Some(turns) = &spec.turns else {
        return RequestKind::Turn(Turn::AskCodeAgain, String::new());
    };
    if echo.count.failures >= turns.failures_max || !can_ask(spec, echo) {
        return RequestKind::Turn(Turn::HandOver, String::new());
    }
    RequestKind::Turn(turn, code)
}

/// The next step after an outcome on the phone: after a code without a reservation, another try,
/// then a person.
pub(super) fn next(spec: &Spec, echo: &ReplyContext, outcome: Outcome) -> Next {
    let Some(turns) = &spec.turns else {
        return Next::End;
    };
    if !can_ask(spec, echo) || !outcome.leads_nowhere() {
        return Next::End;
    }
    if echo.count.failed().failures >= turns.failures_max {
        Next::HandOver
    } else {
        Next::AskAgain
    }
}
