//! What the OpenAPI document says about a channel's answers.
//!
//! It must not differ from what `render` does.

use super::platform::Platform;
use super::{Channel, Codec};

impl Channel {
    /// The content types of its answers, without parameters and duplicates.
    #[must_use]
    pub fn content_types(&self) -> Vec<&str> {
        let all = match &self.codec {
            Codec::Native => vec!["application/json", "text/plain"],
            Codec::Platform(platform) => platform.content_types(),
        };
        let mut bare: Vec<&str> = all
            .into_iter()
            .filter_map(|full| full.split(';').next().map(str::trim))
            .collect();
        bare.sort_unstable();
        bare.dedup();
        bare
    }

    /// The status that this channel sends for a problem with this one.
    #[must_use]
    pub fn refuses_with(&self, status: u16) -> u16 {
        match &self.codec {
            Codec::Native => status,
            Codec::Platform(platform) => platform.problem_status(status),
        }
    }
}

impl Platform {
    fn content_types(&self) -> Vec<&str> {
        let answer = &self.spec.answer;
        let formats = answer.format.values().map(|format| &format.content_type);
        let mut all: Vec<&str> = formats.map(String::as_str).collect();
        all.push(&answer.content_type);
        if self.spec.handshake.is_some() {
            all.push("text/plain");
        }
        all
    }
}
