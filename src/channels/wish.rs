//! What a request means, and what its answer needs of it. Plain values, without a word of a platform's own form.
//!
//! What is told about a request that was not understood must never hold anything that was sent.

use std::collections::BTreeMap;

use super::attempts::Count;
use super::dialogue::Message;
use super::misunderstood::Note;
use crate::domain::{Ask, Locale, Turn};

/// A request that was understood.
pub struct Understood {
    /// What is wanted.
    pub wish: Wish,
    /// What the answer needs of the request.
    pub echo: Echo,
    /// What an operator should know about its members.
    pub notes: Vec<Note>,
}

/// What a request wants.
pub enum Wish {
    /// Something to work on.
    Ask(Box<Ask>),
    /// A message in free text: what it leads to depends on the conversation.
    Message(Box<Message>),
    /// The conversation goes on before there is anything to work on; with the code that was understood, if any.
    Turn(Turn, String),
    /// Nothing: a hang-up, an echo of our own message, a status report.
    Ignore,
    /// This text back, to prove that the address is ours.
    Handshake(String),
}

/// What the answer needs of its request.
pub struct Echo {
    pub(super) texts: BTreeMap<String, String>,
    pub(super) count: Count,
    pub(super) carried: Vec<(&'static str, String)>,
    pub(super) secret: Option<(String, String)>,
    pub(super) call: String,
    pub(super) format: Option<String>,
    /// The language to answer in.
    pub locale: Locale,
}

impl Echo {
    /// The conversation, or an empty text.
    #[must_use]
    pub fn conversation(&self) -> &str {
        &self.call
    }
}

/// What comes after an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    End,
    /// The caller may try another code.
    AskAgain,
    /// A person goes on.
    HandOver,
}

impl Next {
    /// What is said after the outcome.
    #[must_use]
    pub const fn turn(self) -> Option<Turn> {
        match self {
            Self::End => None,
            Self::AskAgain => Some(Turn::AskCode),
            Self::HandOver => Some(Turn::HandOver),
        }
    }
}
