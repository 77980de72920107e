//! The request that a webhook makes of the journal, and the journal's answer.
//!
//! Data types only: it must never decide anything.

use super::record::{LeasedRecord, Record};
use crate::domain::{FirstName, Mode, OpId, ReservationCode};

/// Identifies a webhook: the channel and its idempotency key there.
#[derive(Clone)]
pub struct DeliveryKey {
    /// The channel's name.
    pub channel: String,
    /// The idempotency key, the same on every retry.
    pub key: String,
}

/// A webhook that asks for a cancellation.
#[derive(Clone)]
pub struct Acceptance {
    /// The webhook.
    pub delivery: DeliveryKey,
    /// When the platform gives no key: for how long an equal request in the same conversation
    /// counts as a repetition.
    pub duplicate_window_ms: Option<i64>,
    /// How many codes a conversation may try within a day.
    pub codes_max: u32,
    /// For how long after its end a final answer is replayed to the same key unchanged.
    pub replay_ms: i64,
    /// How to tell two customers apart when the platform reuses one key.
    pub key_scope: KeyScope,
    /// A hash of the request, which tells two requests with the same key apart.
    pub fingerprint: String,
    /// The fingerprint that an earlier version of the service wrote for it, where that differs.
    pub fingerprint_before: Option<String>,
    /// The earlier cancellation of the same webhook whose answer no longer holds.
    pub instead_of: Option<OpId>,
    /// The reservation code.
    pub code: ReservationCode,
    /// Whether it may delete.
    pub mode: Mode,
    /// The conversation, if the platform names one, as one text for all channels.
    pub conversation: Option<String>,
    /// The tag of the requested language.
    pub locale: &'static str,
    /// The customer's name on the platform.
    pub first_name: Option<FirstName>,
    /// The customer's reason for the cancellation.
    pub note: Option<String>,
    /// Eight digits that the protocol number begins with: the local date.
    pub protocol_date: String,
}

/// How to tell two customers apart when the platform reuses one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyScope {
    /// Their conversations, where both are known. The same key with another content is a mistake of
    /// the caller.
    Conversation,
    /// By conversation and by content: for such a platform a reused key is not reported as a
    /// mistake.
    ConversationAndContent,
}

/// The journal's answer to a webhook.
#[derive(Debug)]
pub enum Accepted {
    /// A new cancellation is durable; the caller holds its lease and works on it.
    Fresh(Box<LeasedRecord>),
    /// Another webhook's cancellation of the same code is running: wait for it.
    Joined(Box<Record>),
    /// The webhook is a repetition: its cancellation, ended or running.
    Repeated(Box<Record>),
    /// The same key came before with another content: nothing is done.
    KeyReused,
    /// This conversation has tried too many codes: nothing is done.
    TooManyCodes,
}

/// The journal's record of an earlier webhook.
#[derive(Debug)]
pub enum Existing {
    /// Its cancellation, ended or running.
    Accepted(Box<Record>),
    /// The same key came with another content.
    KeyReused,
}

impl From<Existing> for Accepted {
    fn from(recalled: Existing) -> Self {
        match recalled {
            Existing::Accepted(record) => Self::Repeated(record),
            Existing::KeyReused => Self::KeyReused,
        }
    }
}
