//! Limits of the texts that a request may bring, the same for every channel.

use super::misunderstood::{Misunderstood, wrong};

/// The most characters of a key, a conversation or a code; longer ones are refused, not cut.
pub const TEXT_CHARS_MAX: usize = 256;

/// The most characters of a reason that are kept.
pub(super) const REASON_CHARS_MAX: usize = 500;

/// A text that is not longer than what is kept.
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
