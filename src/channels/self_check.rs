//! What a channel can be tried on before anybody calls.
//!
//! It must never show a secret, nor reach anything beside the channel.

use super::message::{Clarity, Meaning};
use super::{Channel, Codec, Rehearsed};
use crate::domain::Locale;

impl Channel {
    /// Sends itself each of its own secrets that callers send as they are.
    #[must_use]
    pub fn rehearse(&self) -> Rehearsed {
        self.auth.rehearse()
    }

    /// Whether a customer can give this code in free text; `None` where no free text is read.
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
            read == Meaning::Wish {
                code: code.to_owned(),
                clarity: Clarity::Clear,
            },
        )
    }
}
