//! What comes in and what goes out: the raw request, the rendered answer, and what an answer is rendered from.

use axum::http::{HeaderMap, Method};

use super::wish::Next;
use crate::clock::Moment;
use crate::domain::{Action, Answer};

/// What arrived, untouched.
#[derive(Clone, Copy)]
pub struct Inbound<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its path and query, exactly as they stood in the request.
    pub target: &'a str,
    /// The configured address of this service, without a slash at its end; empty when it is not configured.
    pub public_url: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, byte for byte.
    pub body: &'a [u8],
    /// When it arrived.
    pub at: Moment,
}

/// Who is heard.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    /// Someone who did not prove anything, or not yet.
    Stranger,
    /// Someone who proved who it is.
    Caller,
}

/// An answer as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The content type.
    pub content_type: String,
    /// The body.
    pub body: String,
}

/// What an answer is rendered from.
pub struct Answered<'a> {
    /// What was asked.
    pub action: Action,
    /// The code as it was typed.
    pub code: &'a str,
    /// How it ended.
    pub answer: &'a Answer,
    /// What comes after it.
    pub next: Next,
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
    /// Whether a person should go on.
    pub handoff: bool,
}
