//! Intake: a request becomes durable before anything is done for it, or its caller is told that
//! nothing was accepted.
//!
//! A repeated request gets the earlier answer again, but only if that still holds. Intake asks
//! OZmap at most that; it must never change anything there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use tokio::time::{Duration, Instant, timeout, timeout_at};
use unicode_normalization::UnicodeNormalization;

use super::answer::{Declined, conversation_of};
use super::context::Context;
use super::lookup::shown_under;
use super::span::span_of;
use crate::clock::Moment;
use crate::domain::{Ask, Mode, Outcome, ReservationCode, SameKey};
use crate::journal::{
    Acceptance, Accepted, CommitDecision, DeliveryKey, Existing, KeyScope, LeasedRecord, Record,
};
use crate::trace::RequestIds;

/// How much longer a caller waits whose commit has started.
const COMMIT_GRACE: Duration = Duration::from_millis(50);

/// How much of the caller's time is kept for accepting a new cancellation.
const ACCEPT_WITHIN: Duration = Duration::from_millis(500);

/// What became of a request.
pub(super) enum AcceptResult {
    /// It started a cancellation.
    New(Box<Record>),
    /// It joined the cancellation of its code that is in progress.
    Joined(Box<Record>),
    /// It repeats a request that was accepted before.
    Repeated(Box<Record>),
    /// Its idempotency key was used before with another content.
    KeyReused,
    /// Its conversation tried too many codes.
    TooManyCodes,
}

/// Accepts requests.
#[derive(Clone)]
pub(super) struct Intake {
    context: Arc<Context>,
}

impl Intake {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// The request as the journal accepts it.
    pub(super) fn acceptance(&self, ask: &Ask, code: ReservationCode) -> Acceptance {
        let rules = &self.context.rules;
        let mode = if rules.dry_run {
            Mode::DryRun
        } else {
            ask.mode
        };
        let date = Timestamp::from_millisecond(Moment::now().unix_ms()).unwrap_or_default();
        Acceptance {
            delivery: DeliveryKey {
                channel: ask.channel.clone(),
                // Without a key the request gets a unique one; the conversation tells its
                // duplicates.
                key: ask.key.clone().map_or_else(
                    || format!("none:{}", uuid::Uuid::now_v7()),
                    |key| format!("key:{key}"),
                ),
            },
            duplicate_window_ms: ask
                .key
                .is_none()
                .then(|| i64::from(ask.duplicate_window_s) * 1000),
            replay_ms: i64::from(ask.replay_s) * 1000,
            key_scope: match ask.same_key {
                SameKey::IsTheSameRequest => KeyScope::Conversation,
                SameKey::MayBeAnother => KeyScope::ConversationAndContent,
            },
            codes_max: rules.codes_per_conversation_max,
            // The caller's mode, not the operator's dry run.
            fingerprint: fingerprint(code.as_str(), ask.mode),
            fingerprint_before: before_codes_were_folded(&code)
                .map(|code| fingerprint(&code, ask.mode)),
            instead_of: None,
            code,
            mode,
            conversation: conversation_of(ask),
            locale: ask.locale.id(),
            first_name: ask.first_name.clone(),
            note: ask.reason.clone(),
            protocol_date: rules
                .time_zone
                .to_datetime(date)
                .strftime("%Y%m%d")
                .to_string(),
        }
    }

    /// Writes the request to the journal. A new cancellation comes with its lease, for the worker
    /// that the caller of this function starts.
    pub(super) async fn accept(
        &self,
        acceptance: Acceptance,
        gate: Arc<ReplyGate>,
    ) -> (Result<AcceptResult, Declined>, Option<LeasedRecord>) {
        let channel = acceptance.delivery.channel.clone();
        // The span of the webhook ends with its answer; the request id links the cancellation's log
        // lines to it.
        let ids = RequestIds::current();
        let request_id = ids.as_ref().and_then(|ids| ids.request_id.as_deref());
        let result = match self.context.journal.accept(acceptance, gate).await {
            Ok(Accepted::Fresh(leased)) => {
                let record = &leased.record;
                span_of(record, ids.as_ref()).in_scope(|| {
                    tracing::info!(request_id, "cancellation {} accepted", record.protocol);
                });
                let result = AcceptResult::New(Box::new(record.clone()));
                return (Ok(result), Some(*leased));
            }
            Ok(Accepted::Joined(record)) => AcceptResult::Joined(record),
            Ok(Accepted::Repeated(record)) => AcceptResult::Repeated(record),
            Ok(Accepted::KeyReused) => AcceptResult::KeyReused,
            Ok(Accepted::TooManyCodes) => AcceptResult::TooManyCodes,
            Err(error) => {
                tracing::error!(
                    channel,
                    request_id,
                    "failed to accept a cancellation: {error}"
                );
                return (Err(Declined::Journal), None);
            }
        };
        (Ok(result), None)
    }

    /// Finds the cancellation that the same webhook started before; [`Declined::Busy`] when there
    /// is none. Accepts nothing.
    pub(super) async fn replay_if_known(
        &self,
        acceptance: Acceptance,
        answer_by: Instant,
    ) -> Result<AcceptResult, Declined> {
        match timeout_at(answer_by, self.context.journal.find_existing(acceptance)).await {
            Ok(Ok(Some(Existing::Accepted(record)))) => Ok(AcceptResult::Repeated(record)),
            Ok(Ok(Some(Existing::KeyReused))) => Ok(AcceptResult::KeyReused),
            Ok(Ok(None)) => Err(Declined::Busy),
            Ok(Err(_)) | Err(_) => Err(Declined::Journal),
        }
    }

    /// Whether OZmap still shows what a final outcome said. What cannot be confirmed is not
    /// repeated.
    pub(super) async fn still_holds(&self, record: &Record, answer_by: Instant) -> bool {
        let said_absent = match record.outcome {
            Some(Outcome::Cancelled | Outcome::AlreadyCancelled | Outcome::NotFound) => true,
            // What was under the code may be another reservation now: the guard judges again.
            Some(
                Outcome::Installed
                | Outcome::Review
                | Outcome::InvalidCode
                | Outcome::TooManyAttempts
                | Outcome::WouldCancel
                | Outcome::Found
                | Outcome::Expired
                | Outcome::Unknown
                | Outcome::Pending,
            )
            | None => false,
        };
        let look_by = answer_by.checked_sub(ACCEPT_WITHIN).unwrap_or(answer_by);
        said_absent
            && !self.context.rules.paused
            && timeout_at(look_by, self.shows_nothing(&record.code))
                .await
                .unwrap_or(false)
    }

    async fn shows_nothing(&self, code: &ReservationCode) -> bool {
        let shown = shown_under(&self.context, code).await;
        shown.is_ok_and(|lookup| lookup.rows.is_empty())
    }
}

/// Decides, exactly once, between committing a request and rejecting it. A rejected request is
/// never carried out; once the commit has started, the request can no longer be rejected.
#[derive(Default)]
pub(super) struct ReplyGate(AtomicU8);

impl ReplyGate {
    const COMMITTED: u8 = 1;
    const REJECTED: u8 = 2;

    /// Waits for the result of the commit. Rejects the request if the commit has not started in
    /// time.
    pub(super) async fn wait(
        &self,
        mut result: oneshot::Receiver<Result<AcceptResult, Declined>>,
        answer_by: Instant,
    ) -> Result<AcceptResult, Declined> {
        if let Ok(result) = timeout_at(answer_by, &mut result).await {
            return result.unwrap_or(Err(Declined::InDoubt));
        }
        if self.try_reject() {
            return Err(Declined::Journal);
        }
        match timeout(COMMIT_GRACE, result).await {
            Ok(result) => result.unwrap_or(Err(Declined::InDoubt)),
            Err(_) => Err(Declined::InDoubt),
        }
    }

    /// False when the commit has started.
    fn try_reject(&self) -> bool {
        self.decide(Self::REJECTED)
    }

    fn decide(&self, decision: u8) -> bool {
        match self
            .0
            .compare_exchange(0, decision, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => true,
            Err(decided) => decided == decision,
        }
    }
}

impl CommitDecision for Arc<ReplyGate> {
    fn is_waiting(&self) -> bool {
        self.0.load(Ordering::Acquire) != ReplyGate::REJECTED
    }

    fn try_commit(&self) -> bool {
        self.decide(ReplyGate::COMMITTED)
    }
}

/// The spelling under which versions before 0.2 kept the code, if it differs.
fn before_codes_were_folded(code: &ReservationCode) -> Option<String> {
    let composed: String = code.came_as().nfc().collect();
    Some(composed).filter(|composed| composed != code.as_str())
}

/// Tells two requests with the same idempotency key apart.
fn fingerprint(code: &str, mode: Mode) -> String {
    let mode = match mode {
        Mode::Real => "real",
        Mode::DryRun => "dry_run",
    };
    hex::encode(Sha256::digest(format!("cancel\u{1f}{mode}\u{1f}{code}")))
}
