//! Failures of a conversation in free text: after two of them a person goes on, as on the phone.
//!
//! They are counted in the journal, so that a restart or another replica does not begin anew. It must never hold up an
//! answer: what cannot be counted in time is not counted.

use std::time::Duration;

use tokio::time::timeout;

use super::App;
use crate::cancel::conversation_id;
use crate::channels::{Channel, Echo, Next};
use crate::domain::{Outcome, Turn};

/// What a message weighs that has something like a code which cannot be used, or a code that leads nowhere.
const FAILURE: u32 = 2;

/// What a message weighs without anything like a code: the first may be a greeting.
const MESSAGE_WITHOUT_CODE: u32 = 1;

/// From here on a person goes on after a failure: two of them.
const FAILURES_MAX: u32 = 2 * FAILURE;

/// From here on a person goes on after a message without a code: three of them.
const WITHOUT_CODE_MAX: u32 = 3 * MESSAGE_WITHOUT_CODE;

/// After so long without a message a conversation begins anew.
const SILENCE: Duration = Duration::from_secs(30 * 60);

/// How long the journal may take to count.
const WITHIN: Duration = Duration::from_millis(500);

/// The question that a message is answered with, or that a person goes on.
pub(super) async fn after_question(app: &App, channel: &Channel, echo: &Echo, turn: Turn) -> Turn {
    let (weight, most) = match turn {
        Turn::AskCode => (MESSAGE_WITHOUT_CODE, WITHOUT_CODE_MAX),
        Turn::AskCodeAgain | Turn::SeveralCodes | Turn::ConfirmAgain => (FAILURE, FAILURES_MAX),
        // The customer was understood, or a person goes on already.
        Turn::ConfirmCode
        | Turn::ConfirmInFull
        | Turn::ConfirmBar
        | Turn::Declined
        | Turn::Thanked
        | Turn::HandOver => return turn,
    };
    match count(app, channel, echo, weight).await {
        Some(failures) if failures >= most => Turn::HandOver,
        Some(_) | None => turn,
    }
}

/// What comes after an outcome: a code that leads nowhere is a failure, anything else ends the counting.
pub(super) async fn after_outcome(
    app: &App,
    channel: &Channel,
    echo: &Echo,
    outcome: Outcome,
) -> Next {
    let next = channel.next(echo, outcome);
    match outcome {
        Outcome::InvalidCode | Outcome::NotFound => {
            match count(app, channel, echo, FAILURE).await {
                Some(failures) if failures >= FAILURES_MAX => Next::HandOver,
                Some(_) | None => next,
            }
        }
        Outcome::Cancelled
        | Outcome::AlreadyCancelled
        | Outcome::Installed
        | Outcome::Review
        | Outcome::TooManyAttempts
        | Outcome::WouldCancel
        | Outcome::Found
        | Outcome::Expired
        | Outcome::Unknown
        | Outcome::Pending => {
            forget(app, channel, echo).await;
            next
        }
    }
}

/// Counts a failure; `None` where none is counted.
async fn count(app: &App, channel: &Channel, echo: &Echo, weight: u32) -> Option<u32> {
    let id = counted(channel, echo)?;
    let journal = app.cancellations.journal();
    let counted = journal.conversation_failed(id, weight, SILENCE);
    timeout(WITHIN, counted).await.ok()?.ok()
}

async fn forget(app: &App, channel: &Channel, echo: &Echo) {
    let Some(id) = counted(channel, echo) else {
        return;
    };
    let forgotten = app.cancellations.journal().conversation_succeeded(id);
    // A failure that is remembered for too long only brings a person sooner.
    drop(timeout(WITHIN, forgotten).await);
}

/// The conversation whose failures are counted, where there is one.
fn counted(channel: &Channel, echo: &Echo) -> Option<String> {
    let conversation = echo.conversation();
    let is_counted = channel.takes_free_text() && !conversation.is_empty();
    is_counted.then(|| conversation_id(&channel.name, conversation))
}
