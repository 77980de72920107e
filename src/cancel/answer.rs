//! The answer to the caller: the record's outcome once it is written, `pending` until then, or why
//! nothing was accepted.
//!
//! It must never make up an outcome that the journal does not hold.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::context::Context;
use crate::domain::{Answer, Ask, Outcome};
use crate::journal::{Acceptance, Existing, Record, State};

/// Why a request was declined. Nothing was accepted, unless the variant says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declined {
    /// The limit of requests in progress is reached.
    Busy,
    /// The service is stopping.
    Stopping,
    /// The journal cannot be written.
    Journal,
    /// The commit did not return in time: the request may have been accepted and may be carried
    /// out.
    InDoubt,
    /// A lookup got no usable response from OZmap.
    Ozmap,
    /// The idempotency key was used before with another content.
    KeyReused,
}

/// The completed record, or the record as it was when the caller's deadline passes.
pub(super) async fn completed_or_latest(
    context: &Context,
    record: Box<Record>,
    answer_by: Instant,
) -> Record {
    // While the service is paused nothing new can complete before the caller's deadline.
    let waits_for_the_operator = context.rules.paused && record.state == State::Accepted;
    if record.outcome.is_some() || waits_for_the_operator {
        return *record;
    }
    let mut subscription = context.waiters.subscribe(record.id);
    // It may have completed between the read and the subscription.
    if let Ok(Ok(Some(latest))) = timeout_at(answer_by, context.journal.get(record.id)).await
        && latest.outcome.is_some()
    {
        return latest;
    }
    tokio::select! {
        // First, because the last outcome and the end of the drain come in the same moment.
        biased;
        completed = timeout_at(answer_by, subscription.completed()) => completed.ok().flatten().unwrap_or(*record),
        // A stop does not wait for outcomes that cannot come: the next run resumes the work.
        () = context.stopped_and_drained() => *record,
    }
}

/// A late joiner may have been split off from the cancellation that it joined: then its own record
/// answers it.
pub(super) async fn record_after_split(
    context: &Context,
    request: Acceptance,
    mut joined: Record,
    answer_by: Instant,
) -> Record {
    match timeout_at(answer_by, context.journal.find_existing(request)).await {
        Ok(Ok(Some(Existing::Accepted(own)))) => *own,
        // A request without a key is not found again after an outcome other than `cancelled`, and
        // was not split off.
        Ok(Ok(None)) if joined.outcome != Some(Outcome::Cancelled) => joined,
        // Not known in time: the caller is told `pending` and may ask again.
        Ok(Ok(Some(Existing::KeyReused) | None) | Err(_)) | Err(_) => {
            joined.outcome = None;
            joined
        }
    }
}

/// Records the outcome that the caller is told, in the background.
pub(super) fn record_reply(context: &Arc<Context>, request: Acceptance, outcome: Outcome) {
    let shared = context.clone();
    let recording = async move {
        if let Err(error) = shared.journal.record_reply(request, outcome).await {
            tracing::warn!("failed to record the reply to a caller: {error}");
        }
    };
    context.tracker.spawn(recording.in_current_span());
}

/// How a webhook took part in a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It started it.
    Started,
    /// It joined while the cancellation was in progress.
    Joined,
    /// It repeats an earlier request.
    Repeated,
}

pub(super) fn answer_of(record: &Record) -> Answer {
    Answer {
        protocol: Some(record.protocol.clone()),
        first_name: record.first_name.clone(),
        ..Answer::bare(record.outcome.unwrap_or(Outcome::Pending))
    }
}

/// The id of a conversation across channels: two channels may use the same conversation id.
#[must_use]
pub fn conversation_id(channel: &str, conversation: &str) -> String {
    format!("{channel}\u{1f}{conversation}")
}

pub(super) fn conversation_of(ask: &Ask) -> Option<String> {
    let conversation = ask.conversation.as_ref()?;
    Some(conversation_id(&ask.channel, conversation))
}
