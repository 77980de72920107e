//! Making a promise: a request becomes durable before anything is done, or its caller hears that nothing was accepted.

use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Duration, Instant, timeout, timeout_at};
use unicode_normalization::UnicodeNormalization;

use super::word::Word;
use super::{Cancellations, Declined, conversation_of};
use crate::clock::Moment;
use crate::domain::{Ask, Mode, ReservationCode, SameKey};
use crate::journal::{Acceptance, Accepted, DeliveryKey, KeyScope, Recalled, Record};

/// How much longer a caller waits whose promise is on its way to the disk.
const LAST_MOMENT: Duration = Duration::from_millis(50);

/// What the journal promised a caller.
pub(super) enum Promise {
    New(Box<Record>),
    Joined(Box<Record>),
    Repeated(Box<Record>),
    KeyReused,
    TooManyCodes,
}

impl Cancellations {
    pub(super) fn acceptance(&self, ask: &Ask, code: ReservationCode) -> Acceptance {
        let mode = if self.rules.dry_run {
            Mode::DryRun
        } else {
            ask.mode
        };
        let date = Timestamp::from_millisecond(Moment::now().unix_ms()).unwrap_or_default();
        Acceptance {
            delivery: DeliveryKey {
                channel: ask.channel.clone(),
                // A platform that gives no key gets one that nobody else has; duplicates are told by the conversation.
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
            codes_max: self.rules.codes_per_conversation_max,
            // What was asked, not what the operator's rehearsal made of it.
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
            protocol_date: self
                .rules
                .time_zone
                .to_datetime(date)
                .strftime("%Y%m%d")
                .to_string(),
        }
    }

    /// Makes the promise in a task of its own: a caller that hangs up meanwhile changes nothing about it.
    pub(super) async fn accept(
        self: &Arc<Self>,
        acceptance: Acceptance,
        permit: OwnedSemaphorePermit,
        answer_by: Instant,
    ) -> Result<Promise, Declined> {
        let (answer, mut promised) = oneshot::channel();
        let word = Arc::new(Word::default());
        self.tracker.spawn(
            self.clone()
                .promise(acceptance, permit, word.clone(), answer),
        );
        if let Ok(promise) = timeout_at(answer_by, &mut promised).await {
            return promise.unwrap_or(Err(Declined::InDoubt));
        }
        if word.decline() {
            return Err(Declined::Journal);
        }
        // It is on its way to the disk, and is not taken back any more.
        match timeout(LAST_MOMENT, promised).await {
            Ok(promise) => promise.unwrap_or(Err(Declined::InDoubt)),
            Err(_) => Err(Declined::InDoubt),
        }
    }

    /// What the same webhook was promised before. Nothing new is taken, but nobody hears "no" whose work is under way.
    pub(super) async fn recall(
        &self,
        acceptance: Acceptance,
        answer_by: Instant,
    ) -> Result<Promise, Declined> {
        match timeout_at(answer_by, self.journal.recall(acceptance)).await {
            Ok(Ok(Some(Recalled::Promised(record)))) => Ok(Promise::Repeated(record)),
            Ok(Ok(Some(Recalled::KeyReused))) => Ok(Promise::KeyReused),
            Ok(Ok(None)) => Err(Declined::Busy),
            Ok(Err(_)) | Err(_) => Err(Declined::Journal),
        }
    }

    async fn promise(
        self: Arc<Self>,
        acceptance: Acceptance,
        permit: OwnedSemaphorePermit,
        word: Arc<Word>,
        answer: oneshot::Sender<Result<Promise, Declined>>,
    ) {
        let channel = acceptance.delivery.channel.clone();
        let accepted = self.journal.accept(acceptance, word).await;
        // A caller that hung up hears nothing; what it was promised is kept all the same.
        let tell = |promise| drop(answer.send(promise));
        let held = match accepted {
            Ok(Accepted::Fresh(held)) => held,
            Ok(Accepted::Joined(record)) => return tell(Ok(Promise::Joined(record))),
            Ok(Accepted::Repeated(record)) => return tell(Ok(Promise::Repeated(record))),
            Ok(Accepted::KeyReused) => return tell(Ok(Promise::KeyReused)),
            Ok(Accepted::TooManyCodes) => return tell(Ok(Promise::TooManyCodes)),
            Err(error) => {
                tracing::error!(channel, "a cancellation could not be accepted: {error}");
                return tell(Err(Declined::Journal));
            }
        };
        let record = &held.record;
        tracing::info!(op = %record.id, channel, "cancellation {} is accepted", record.protocol);
        tell(Ok(Promise::New(Box::new(record.clone()))));
        self.drive(*held, permit).await;
    }
}

/// The spelling that versions before 0.2 knew a code by, where it is another one.
fn before_codes_were_folded(code: &ReservationCode) -> Option<String> {
    let composed: String = code.came_as().nfc().collect();
    Some(composed).filter(|composed| composed != code.as_str())
}

/// What tells two requests with the same key apart.
fn fingerprint(code: &str, mode: Mode) -> String {
    let mode = match mode {
        Mode::Real => "real",
        Mode::DryRun => "dry_run",
    };
    hex::encode(Sha256::digest(format!("cancel\u{1f}{mode}\u{1f}{code}")))
}
