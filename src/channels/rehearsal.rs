//! What a channel can be tried on before anybody calls.
//!
//! It must never show a secret, nor reach anything beside the channel.

use super::{Channel, Codec, Rehearsed};

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
        let is_whole = text
            .code
            .0
            .find(code)
            .is_some_and(|found| found.as_str() == code);
        let wish = format!("cancelar {code}");
        Some(is_whole && text.wish.0.is_match(&wish) && !text.doubt.0.is_match(&wish))
    }
}
