//! The vocabulary of the service as plain values. Nothing here does I/O, knows a platform's wire
//! format or a database, or decides about a deletion.
//!
//! | file | what it defines |
//! | --- | --- |
//! | `mod.rs` | the request and its answer: `Ask`, `Answer`, `Question`, their ids |
//! | `outcome.rs` | `Outcome`: how a request ends |
//! | `reason.rs` | `Reason`: why a cancellation waits or ended |
//! | `refusal.rs` | `Refusal`: why the guard keeps a property |
//! | `record.rs` | `State` and `EventKind`: the words of the journal |
//! | `turn.rs` | `Turn`: the prompts of a conversation |
//! | `locale.rs` | `Locale`: the languages and their embedded files |
//! | `id_enum.rs` | the macro behind these enums: ids, list and parser from one definition |
//! | `code.rs`, `spelling.rs` | `ReservationCode` and its canonical spelling |
//! | `name.rs` | `FirstName`: what may be greeted |
//! | `property.rs` | what OZmap says about a property, as far as it decides |

mod code;
mod id_enum;
mod locale;
mod name;
mod outcome;
mod property;
mod reason;
mod record;
mod refusal;
mod spelling;
mod turn;

use std::fmt;

pub use code::{CODE_CHARS_MAX, CodeError, ReservationCode};
pub(crate) use id_enum::id_enum;
pub use locale::Locale;
pub use name::FirstName;
pub use outcome::Outcome;
pub use property::{
    Client, ClientField, DocumentError, Field, LookupResult, Occupancy, Property, PropertyId, Row,
};
pub use reason::{Awaits, Reason};
pub use record::{EventKind, State};
pub use refusal::Refusal;
pub use turn::Turn;
use uuid::Uuid;

/// The id of one cancellation in the journal; sorts by the time of its acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OpId(Uuid);

impl OpId {
    /// A new id (UUID version 7).
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// Reads an id that the journal wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }
}

impl Default for OpId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number that a customer may quote and an operator can look up; digits only, so that a caller
/// can speak it or key it in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Protocol(String);

impl Protocol {
    /// Accepts 1 to 32 digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| Self(text.to_owned()))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a reply reaches the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// Read in a chat.
    Text,
    /// Spoken on the phone.
    Voice,
}

/// The requested action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Cancel the reservation.
    Cancel,
    /// Only report what OZmap shows.
    Lookup,
}

/// Whether a cancellation may delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A live cancellation, which may delete.
    Real,
    /// Everything except the deletion.
    DryRun,
}

/// One request of a customer, as its channel parsed it.
#[derive(Clone)]
pub struct Ask {
    /// The channel that received the request.
    pub channel: String,
    /// The requested action.
    pub action: Action,
    /// Whether the request may delete.
    pub mode: Mode,
    /// The text that the customer typed; not yet validated as a code.
    pub typed_code: String,
    /// The same text with a plus, where a `+` in a form was read as a blank: one of the two is the
    /// code.
    pub with_plus: Option<String>,
    /// The platform's own id of this request, the same on every retry.
    pub key: Option<String>,
    /// What the platform calls this conversation, if anything.
    pub conversation: Option<String>,
    /// The language to answer in.
    pub locale: Locale,
    /// The customer's first name, if the platform knows it.
    pub first_name: Option<FirstName>,
    /// Why the customer cancels, for the operator.
    pub reason: Option<String>,
    /// Seconds during which an identical request without a key counts as a retry of the first one.
    pub duplicate_window_s: u32,
    /// Seconds after the end of a request during which a retry with the same key gets the final
    /// answer again, without a lookup in OZmap.
    pub replay_s: u32,
    /// What the same key with different content means.
    pub same_key: SameKey,
}

/// What it means when a platform sends the same key with different content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameKey {
    /// The caller's mistake: the key promises the same request, and the caller is told of the
    /// error.
    IsTheSameRequest,
    /// The request may be another customer's: such a platform would only forward the refusal to the
    /// customer.
    MayBeAnother,
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("channel", &self.channel)
            .field("action", &self.action)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// The service's answer to a request: its outcome, or its state when the time to answer is over.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The outcome; `pending` until the request ends.
    pub outcome: Outcome,
    /// The number of the cancellation, when there is one.
    pub protocol: Option<Protocol>,
    /// Whether the same request was answered, or was running, before this one.
    pub replayed: bool,
    /// The customer's first name.
    pub first_name: Option<FirstName>,
    /// When the reservation was cancelled, in milliseconds since 1970; for `already_cancelled`.
    pub cancelled_at_ms: Option<i64>,
    /// The reservation that a lookup found.
    pub found: Option<Found>,
}

impl Answer {
    /// An answer with an outcome and nothing else.
    #[must_use]
    pub const fn bare(outcome: Outcome) -> Self {
        Self {
            outcome,
            protocol: None,
            replayed: false,
            first_name: None,
            cancelled_at_ms: None,
            found: None,
        }
    }
}

/// The facts that a lookup may tell about a reservation.
#[derive(Clone)]
pub struct Found {
    /// The street address; may be empty.
    pub address: String,
    /// When the reservation was made, in ISO 8601 as OZmap wrote it; may be empty.
    pub reserved_at: String,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Found(…)")
    }
}

/// The last question of a conversation in free text, or the last request in it that the service
/// acted on.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    /// The code in the question, as the customer saw it.
    pub code: String,
    /// Whether a yes may delete.
    pub mode: Mode,
    /// The message that caused the question; a repetition of it does not answer the question. After
    /// the answer, this is the message that answered.
    pub asked_by: String,
    /// Whether it was answered.
    pub standing: Standing,
}

/// Whether a question was answered.
#[derive(Clone, PartialEq, Eq)]
pub enum Standing {
    /// Not yet answered: a plain yes cancels.
    Open,
    /// The customer said yes, or the request needed no answer.
    Answered {
        /// The key of the request that the service acted on, if it had one.
        key: Option<String>,
    },
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Question(…)")
    }
}
