//! How a call goes on: which question is next, and when a person takes over.
//!
//! It must never ask for ever: every failure counts, and so does every correction after the first few.

use super::misunderstood::wrong;
use super::preset::Spec;
use super::reading::Reading;
use super::{Echo, Misunderstood, Next, Wish};
use crate::domain::{Outcome, Turn};

/// Whether an answer can carry a question. A form of the answer that the request chose for itself cannot.
pub(super) fn can_ask(spec: &Spec, echo: &Echo) -> bool {
    spec.turns.is_none() || echo.format.is_none()
}

/// The first request of a call has no code; for other platforms that is a mistake of the integrator.
pub(super) fn nothing_yet(
    spec: &Spec,
    reading: &Reading<'_>,
    echo: &Echo,
) -> Result<Wish, Misunderstood> {
    let asks = spec.turns.is_some() || !spec.fields.text.is_empty();
    if asks && can_ask(spec, echo) {
        return Ok(Wish::Turn(Turn::AskCode, String::new()));
    }
    Err(reading.empty_code().unwrap_or_else(|| {
            wrong(
                422,
                "code_missing",
                "the request has no reservation code where this preset looks for it; `channels show` lists the places",
            )
        }))
}

/// One more failure: this question, or a person after too many.
pub(super) fn failed(spec: &Spec, echo: &mut Echo, turn: Turn, code: String) -> Wish {
    echo.count = echo.count.failed();
    goes_on(spec, echo, turn, code)
}

/// Another code in place of the one that was read back: it is asked for, or read back at once where it was keyed.
pub(super) fn corrected(spec: &Spec, echo: &mut Echo, keyed: Option<String>) -> Wish {
    echo.count = echo.count.corrected();
    match keyed {
        Some(code) => goes_on(spec, echo, Turn::ConfirmCode, code),
        None => goes_on(spec, echo, Turn::CorrectCode, String::new()),
    }
}

fn goes_on(spec: &Spec, echo: &Echo, turn: Turn, code: String) -> Wish {
    let Some(turns) = &spec.turns else {
        return Wish::Turn(Turn::AskCodeAgain, String::new());
    };
    if echo.count.failures >= turns.failures_max || !can_ask(spec, echo) {
        return Wish::Turn(Turn::HandOver, String::new());
    }
    Wish::Turn(turn, code)
}

/// What comes after an outcome on the phone: a code that leads nowhere may be tried once more, then a person helps.
pub(super) fn next(spec: &Spec, echo: &Echo, outcome: Outcome) -> Next {
    let Some(turns) = &spec.turns else {
        return Next::End;
    };
    if !can_ask(spec, echo) || !outcome.leads_nowhere() {
        return Next::End;
    }
    match echo.count.failed().failures >= turns.failures_max {
        true => Next::HandOver,
        false => Next::AskAgain,
    }
}
