//! Checks of a channel that need no caller, for `check`.
//!
//! It must never show a secret or call anything.

use super::message::{Clarity, Meaning};
use super::{Channel, Codec, SelfCheck};
use crate::domain::Locale;

impl Channel {
    /// Authenticates with each of its own secrets that callers send unchanged.
    #[must_use]
    pub fn self_check(&self) -> SelfCheck {
        self.auth.self_check()
    }

    /// Whether this code is found in free text; `None` if the channel reads none.
    #[must_use]
    pub fn finds_in_text(&self, code: &str) -> Option<bool> {
        let Codec::Platform(platform) = &self.codec else {
            return None;
        };
        let text = platform.spec.text.as_ref()?;
        if platform.spec.fields.text.is_empty() {
            return None;
        }
        let read =
            platform
                .messages
                .as_ref()?
                .read(&format!("cancelar {code}"), text, Locale::PtBr);
        Some(
            read == Meaning::RequestKind {
                code: code.to_owned(),
                clarity: Clarity::Clear,
            },
        )
    }
}
