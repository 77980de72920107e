//! The words of the trade: reservation code, ask, outcome, property, answer.
//!
//! Plain values. Nothing here does I/O, knows a platform's wire format or a database, or decides about a deletion.

mod code;
mod name;
mod outcome;
mod property;
mod spelling;

use std::fmt;

pub use code::{CODE_CHARS_MAX, CodeError, ReservationCode};
pub use name::FirstName;
pub use outcome::Outcome;
pub use property::{
    Client, ClientField, DocumentError, Field, LookupResult, Property, PropertyId, Residence, Row,
};
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

/// The number that a customer may quote and an operator can find; digits only, so that it can be spoken and keyed.
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

/// A language that the replies are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Locale {
    /// Brazilian Portuguese.
    PtBr,
    /// Spanish.
    Es,
    /// English.
    En,
}

impl Locale {
    /// Every locale.
    pub const ALL: [Self; 3] = [Self::PtBr, Self::Es, Self::En];

    /// The tag of the contract, which is also the name of the reply file.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::PtBr => "pt-BR",
            Self::Es => "es",
            Self::En => "en",
        }
    }

    /// The closest locale to a language tag as platforms write it: `pt`, `pt_BR`, `PT-br`, `es-419`, `en-US`.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next()?.to_ascii_lowercase();
        match primary.as_str() {
            "pt" => Some(Self::PtBr),
            "es" => Some(Self::Es),
            "en" => Some(Self::En),
            _ => None,
        }
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

/// What the caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Cancel the reservation.
    Cancel,
    /// Only say what is there.
    Lookup,
}

/// What is said between two requests of one conversation, before there is anything to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Which code?
    AskCode,
    /// That was no code; which one?
    AskCodeAgain,
    /// The caller wants to key the code once more: it was not the right one.
    CorrectCode,
    /// Nothing was keyed or said: the question once more, with the code if there is one to confirm.
    NothingHeard,
    /// More than one code was written; only one at a time.
    SeveralCodes,
    /// Is this the code that is to be cancelled? A plain yes confirms it.
    ConfirmCode,
    /// The same where the next message cannot be told to be the answer: only the whole wish confirms it.
    ConfirmInFull,
    /// The bar was written as another character: is this code, with the bar, the one that is to be cancelled?
    ConfirmBar,
    /// The answer to the question was no yes and no no: the question once more.
    ConfirmAgain,
    /// The customer does not want it: nothing was done.
    Declined,
    /// The customer said thank you: nothing was done.
    Thanked,
    /// A person goes on.
    HandOver,
}

impl Turn {
    /// Every turn.
    pub const ALL: [Self; 12] = [
        Self::AskCode,
        Self::AskCodeAgain,
        Self::CorrectCode,
        Self::NothingHeard,
        Self::SeveralCodes,
        Self::ConfirmCode,
        Self::ConfirmInFull,
        Self::ConfirmBar,
        Self::ConfirmAgain,
        Self::Declined,
        Self::Thanked,
        Self::HandOver,
    ];

    /// The stable id, which is also the name of its sentence.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::AskCode => "ask_code",
            Self::AskCodeAgain => "ask_code_again",
            Self::CorrectCode => "correct_code",
            Self::NothingHeard => "nothing_heard",
            Self::SeveralCodes => "several_codes",
            Self::ConfirmCode => "confirm_code",
            Self::ConfirmInFull => "confirm_in_full",
            Self::ConfirmBar => "confirm_bar",
            Self::ConfirmAgain => "confirm_again",
            Self::Declined => "declined",
            Self::Thanked => "thanked",
            Self::HandOver => "hand_over",
        }
    }

    /// Whether it asks for a yes to one code, if there is one.
    #[must_use]
    pub const fn asks_for_a_yes(self) -> bool {
        match self {
            Self::ConfirmCode
            | Self::ConfirmInFull
            | Self::ConfirmBar
            | Self::ConfirmAgain
            | Self::NothingHeard => true,
            Self::AskCode
            | Self::AskCodeAgain
            | Self::CorrectCode
            | Self::SeveralCodes
            | Self::Declined
            | Self::Thanked
            | Self::HandOver => false,
        }
    }

    /// Whether it is said in a chat only: on the phone, keys answer every question.
    #[must_use]
    pub const fn is_written_only(self) -> bool {
        match self {
            Self::SeveralCodes
            | Self::ConfirmInFull
            | Self::ConfirmBar
            | Self::ConfirmAgain
            | Self::Declined
            | Self::Thanked => true,
            Self::AskCode
            | Self::AskCodeAgain
            | Self::CorrectCode
            | Self::NothingHeard
            | Self::ConfirmCode
            | Self::HandOver => false,
        }
    }
}

/// Whether a cancellation may delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It may.
    Real,
    /// Everything but the deletion.
    DryRun,
}

/// One request of a customer, as a channel understood it.
#[derive(Clone)]
pub struct Ask {
    /// The channel that it came through.
    pub channel: String,
    /// What is wanted.
    pub action: Action,
    /// Whether it may delete.
    pub mode: Mode,
    /// The code as it was typed; not yet known to be one.
    pub typed_code: String,
    /// The same with the `+` of a form as a plus, where it was read as a blank: one of both is the code.
    pub with_plus: Option<String>,
    /// The platform's own id of this request, the same on every retry.
    pub key: Option<String>,
    /// What the platform calls this conversation, if anything.
    pub conversation: Option<String>,
    /// The language to answer in.
    pub locale: Locale,
    /// What the customer is called, when the platform knows it.
    pub first_name: Option<FirstName>,
    /// Why the customer cancels, for the operator.
    pub reason: Option<String>,
    /// Seconds during which the same request without a key counts as the same request.
    pub duplicate_window_s: u32,
    /// Seconds after its end during which a final answer is repeated to the same key without a look at OZmap.
    pub replay_s: u32,
    /// What the same key with another content is.
    pub same_key: SameKey,
}

/// What the same key of a platform with another content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameKey {
    /// A mistake of a caller that can be told so.
    IsTheSameRequest,
    /// Maybe another customer's: such a platform would only pass the refusal on to the customer.
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

/// What is known after a request was decided, or when it was time to answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How it ended.
    pub outcome: Outcome,
    /// The number of the cancellation, when there is one.
    pub protocol: Option<Protocol>,
    /// Whether the same request was answered, or was running, before.
    pub replayed: bool,
    /// What the customer is called.
    pub first_name: Option<FirstName>,
    /// When it was cancelled, in milliseconds since 1970; for `already_cancelled`.
    pub cancelled_at_ms: Option<i64>,
    /// What a look-up found.
    pub found: Option<Found>,
}

impl Answer {
    /// An answer with nothing but its outcome.
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

/// What a look-up may tell about a reservation.
#[derive(Clone)]
pub struct Found {
    /// Its street address, or an empty text.
    pub address: String,
    /// When it was reserved, ISO 8601 as OZmap wrote it, or an empty text.
    pub reserved_at: String,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Found(…)")
    }
}

/// The last question of a conversation in free text, or the last request in it that was acted on.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    /// The code that it is about, as the customer was shown it.
    pub code: String,
    /// Whether a yes may delete.
    pub mode: Mode,
    /// The message that it was asked about, which is no answer to it when it comes once more; once it is answered, the
    /// message that was the answer.
    pub asked_by: String,
    /// Whether it was answered.
    pub standing: Standing,
}

/// Whether a question was answered.
#[derive(Clone, PartialEq, Eq)]
pub enum Standing {
    /// Not yet: a plain yes cancels.
    Open,
    /// With a yes, or it was never needed.
    Answered {
        /// The key of the request that was acted on, if it had one.
        key: Option<String>,
    },
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Question(…)")
    }
}
