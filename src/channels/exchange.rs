//! The raw request, the rendered answer, and what an answer is rendered from.
//!
//! Plain values; no parsing and no rendering here.

use axum::http::{HeaderMap, Method};

use super::understood::Next;
use crate::clock::Moment;
use crate::domain::{Action, Answer};

/// A request as it arrived.
#[derive(Clone, Copy)]
pub struct Inbound<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its path and query, exactly as received.
    pub target: &'a str,
    /// The configured address of this service, without a slash at its end; empty when it is not
    /// configured.
    pub public_url: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, byte for byte.
    pub body: &'a [u8],
    /// When it arrived.
    pub at: Moment,
}

/// Whether the caller authenticated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CallerTrust {
    /// It did not, or not yet.
    Anonymous,
    /// It did.
    Authenticated,
}

/// A rendered answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The content type.
    pub content_type: String,
    /// The body.
    pub body: String,
}

/// What an answer is rendered from.
pub struct Answered<'a> {
    /// The action that was requested.
    pub action: Action,
    /// The code as it was typed.
    pub code: &'a str,
    /// The outcome.
    pub answer: &'a Answer,
    /// The next step of the conversation.
    pub next: Next,
    /// The sentence for the customer.
    pub reply: &'a str,
}

/// Why a request was not accepted, for the integrator and for the customer.
pub struct Problem<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The stable id.
    pub id: &'a str,
    /// A short title, the same for every problem with this id.
    pub title: &'a str,
    /// What was wrong, where, and what to write instead.
    pub detail: &'a str,
    /// The sentence for the customer.
    pub reply: &'a str,
    /// Whether to hand over to a person.
    pub handoff: bool,
}
