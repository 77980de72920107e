//! What a request means, and what its answer needs from it, independent of any platform's format.
//!
//! Plain values: nothing here decides.

use std::collections::BTreeMap;

use super::attempts::Count;
use super::dialogue::Message;
use super::misunderstood::Note;
use crate::domain::{Ask, Locale, Turn};

/// A request that was understood.
pub struct Understood {
    /// What it asks for.
    pub kind: RequestKind,
    /// What the answer needs from the request.
    pub echo: ReplyContext,
    /// Notes for the operator.
    pub notes: Vec<Note>,
}

/// What a request asks for.
pub enum RequestKind {
    /// A cancellation or a look-up.
    Ask(Box<Ask>),
    /// A message in free text; the next step depends on the conversation.
    Message(Box<Message>),
    /// The next question of a conversation, with the code that was understood, if any.
    Turn(Turn, String),
    /// Nothing: a hang-up, an echo of the service's own message, a status report.
    Ignore,
    /// A check of the webhook address, which is answered with this text.
    Handshake(String),
}

/// What the answer needs from its request.
pub struct ReplyContext {
    pub(super) texts: BTreeMap<String, String>,
    pub(super) count: Count,
    pub(super) carried: Vec<(&'static str, String)>,
    pub(super) secret: Option<(String, String)>,
    pub(super) call: String,
    pub(super) format: Option<String>,
    /// The language to answer in.
    pub locale: Locale,
}

impl ReplyContext {
    /// The conversation, or an empty text.
    #[must_use]
    pub fn conversation(&self) -> &str {
        &self.call
    }
}

/// The next step after an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    End,
    /// The caller may try another code.
    AskAgain,
    /// A person takes over.
    HandOver,
}

impl Next {
    /// The question after the outcome.
    #[must_use]
    pub const fn turn(self) -> Option<Turn> {
        match self {
            Self::End => None,
            Self::AskAgain => Some(Turn::AskCode),
            Self::HandOver => Some(Turn::HandOver),
        }
    }
}
