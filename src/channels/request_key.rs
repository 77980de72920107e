//! The idempotency key of a request: the same on every retry of it, and on no other request.
//!
//! Two requests must never get one key: every part is hashed with its length.

use sha2::{Digest, Sha256};

use super::call_state::State;
use super::fields::{Source, first};
use super::input::Input;
use super::placeholder::{is_unfilled, tells_nothing_apart};
use super::preset::DuplicateSpec;
use super::reading::Reading;
use super::{Channel, Inbound, Misunderstood, Note};

/// A request whose key is wanted, and what was read from it.
pub(super) struct Asking<'a> {
    pub(super) channel: &'a Channel,
    pub(super) inbound: &'a Inbound<'a>,
    pub(super) input: &'a Input<'a>,
    pub(super) reading: &'a Reading<'a>,
    pub(super) state: &'a State,
}

impl Asking<'_> {
    /// The key, if the request has anything that can be one.
    pub(super) fn key(
        &self,
        duplicate: &DuplicateSpec,
        notes: &mut Vec<Note>,
    ) -> Result<Option<String>, Misunderstood> {
        // The platform's own id comes first: a proxy may add headers.
        if let Some(key) = self.first_key(&duplicate.first, notes)? {
            return Ok(Some(key));
        }
        if let Some(key) = self.reading.key(notes)? {
            return Ok(Some(key));
        }
        // The same keys in two turns of one call are two requests.
        let state = self.state;
        let failures = state.count.text();
        let mut key = Key::default();
        for part in [&failures, &state.step, &state.code] {
            key.add(part.as_bytes());
        }
        if !duplicate.all.is_empty() {
            for places in &duplicate.all {
                match first(&places.0, self.input)? {
                    Some(part) if is_unfilled(&part) => {
                        notes.push(Note::not_filled_in("message_id"));
                        return Ok(None);
                    }
                    Some(part) => key.add(part.as_bytes()),
                    None => return Ok(None),
                }
            }
            return Ok(Some(key.text()));
        }
        if !duplicate.body {
            return Ok(None);
        }
        key.add(self.inbound.body);
        Ok(Some(key.text()))
    }

    /// The first place with a text that is different for every request.
    fn first_key(
        &self,
        sources: &[Source],
        notes: &mut Vec<Note>,
    ) -> Result<Option<String>, Misunderstood> {
        for source in sources {
            let Some(text) = source.text(self.input)? else {
                continue;
            };
            let key = text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'))
                .unwrap_or(&text);
            match key.is_empty() {
                true => {}
                false if tells_nothing_apart(key) => notes.push(Note::not_filled_in("message_id")),
                false => return Ok(Some(key.to_owned())),
            }
        }
        Ok(None)
    }
}

/// The id of a message that has none from its platform: a hash, so that nothing of the text is
/// stored.
pub(super) fn text_id(text: &str) -> String {
    let mut key = Key::default();
    key.add(text.as_bytes());
    format!("text:{}", key.text())
}

/// A hash of parts, each with its length, so that two lists of parts never have the same hash.
#[derive(Default)]
struct Key(Sha256);

impl Key {
    fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    fn text(self) -> String {
        hex::encode(self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parts: &[&str]) -> String {
        let mut key = Key::default();
        for part in parts {
            key.add(part.as_bytes());
        }
        key.text()
    }

    #[test]
    fn parts_that_read_alike_are_different_keys() {
        let same = "\u{1f}";
        for (one, other) in [
            (vec!["ab", "c"], vec!["a", "bc"]),
            (vec!["a", "", "b"], vec!["a", "b", ""]),
            (vec!["a\u{1f}b", "c"], vec!["a", "b\u{1f}c"]),
            (vec![same], vec!["", ""]),
        ] {
            assert_ne!(key(&one), key(&other), "{one:?} {other:?}");
        }
        assert_eq!(key(&["a", "b"]), key(&["a", "b"]));
    }
}
