//! Platforms: who is calling, what do they want, how are they answered.
//!
//! Three pure, synchronous functions for every channel: authenticate (raw bytes, before parsing), parse, render
//! (total: errors too). Nothing here waits, reads the journal or knows OZmap.

mod auth;
mod body;
mod native;

pub use auth::{Auth, AuthError, SecretError};
use axum::http::HeaderMap;
pub use native::ALIASES_OF_CODE;

use crate::clock::Moment;
use crate::domain::{Action, Answer, Ask, Locale, Medium};

/// What arrived, untouched.
#[derive(Clone, Copy)]
pub struct Inbound<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, byte for byte.
    pub body: &'a [u8],
    /// When it arrived.
    pub at: Moment,
}

/// One way in: its name, who may use it, and how it answers.
pub struct Channel {
    /// The name in its address.
    pub name: String,
    /// How its callers prove who they are.
    pub auth: Auth,
    /// The language when a request names none.
    pub locale: Locale,
    /// How the reply reaches the customer.
    pub medium: Medium,
    /// How long a request may wait for its answer, in milliseconds.
    pub answer_ms_max: u64,
    /// For how long the same request without a key is the same one, in seconds.
    pub duplicate_window_s: u32,
}

/// A request that could not be understood. It holds nothing of what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misunderstood {
    /// The status of the answer.
    pub status: u16,
    /// The stable id of the mistake.
    pub id: &'static str,
    /// What was wrong, where, and what to write instead.
    pub detail: String,
}

/// An answer as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The content type.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// What an answer is rendered from.
pub struct Answered<'a> {
    /// What was asked.
    pub action: Action,
    /// The code as it was typed.
    pub code: &'a str,
    /// The language of the reply.
    pub locale: Locale,
    /// How it ended.
    pub answer: &'a Answer,
    /// The sentence for the customer.
    pub reply: &'a str,
}

/// Why nothing was accepted, for the caller and for the customer.
pub struct Problem<'a> {
    /// The status of the answer.
    pub status: u16,
    /// The stable id.
    pub id: &'a str,
    /// A short title, the same for every problem with this id.
    pub title: &'a str,
    /// What was wrong, where, and what to write instead.
    pub detail: &'a str,
    /// The sentence for the customer.
    pub reply: &'a str,
}

impl Channel {
    /// Checks who is calling.
    ///
    /// # Errors
    /// [`AuthError`] when the caller does not prove it.
    pub fn authenticate(&self, inbound: &Inbound<'_>) -> Result<(), AuthError> {
        self.auth.check(inbound)
    }

    /// Reads what is wanted.
    ///
    /// # Errors
    /// [`Misunderstood`] says what to write instead.
    pub fn parse(&self, inbound: &Inbound<'_>) -> Result<Ask, Misunderstood> {
        native::parse(self, inbound)
    }

    /// Writes an answer in the form that the caller prefers.
    #[must_use]
    pub fn render(&self, headers: &HeaderMap, answered: &Answered<'_>) -> Rendered {
        native::render(headers, answered)
    }

    /// Writes why nothing was accepted.
    #[must_use]
    pub fn render_problem(&self, headers: &HeaderMap, problem: &Problem<'_>) -> Rendered {
        native::render_problem(headers, problem)
    }
}

/// Writes a problem where there is no channel to ask how.
#[must_use]
pub fn render_problem(headers: &HeaderMap, problem: &Problem<'_>) -> Rendered {
    native::render_problem(headers, problem)
}
