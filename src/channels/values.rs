//! Limits of the texts in a request, the same for every channel.
//!
//! A text that is too long is refused; it must never be cut, because a part of a key is another
//! key.

use super::misunderstood::{Misunderstood, wrong};

/// The most characters of a key, a conversation or a code; longer ones are refused.
pub const TEXT_CHARS_MAX: usize = 256;

/// The most characters of the customer's reason that are kept; the rest is dropped.
pub(super) const REASON_CHARS_MAX: usize = 500;

/// Refuses a text that is too long.
pub(super) fn bounded(name: &str, text: Option<String>) -> Result<Option<String>, Misunderstood> {
    match text {
        Some(text) if text.chars().count() > TEXT_CHARS_MAX => Err(wrong(
            422,
            "too_long",
            format!("`{name}` is longer than {TEXT_CHARS_MAX} characters"),
        )),
        text => Ok(text),
    }
}
