//! What is the same on a retry of one request, and on no other request.
//!
//! It must never make one key of two requests: every part is hashed with its length.

use sha2::{Digest, Sha256};

use super::call::State;
use super::fields::first;
use super::input::Input;
use super::platform::Platform;
use super::{Inbound, Misunderstood};

impl Platform {
    pub(super) fn key(
        &self,
        inbound: &Inbound<'_>,
        input: &Input<'_>,
        state: &State,
    ) -> Result<Option<String>, Misunderstood> {
        let duplicate = &self.spec.duplicate;
        if let Some(key) = first(&duplicate.first, input)? {
            let unquoted = key
                .strip_prefix('"')
                .and_then(|key| key.strip_suffix('"'))
                .unwrap_or(&key);
            return Ok(Some(unquoted.to_owned()));
        }
        // The same keys in two turns of one call are two requests.
        let failures = state.failures.to_string();
        let mut key = Key::default();
        for part in [&failures, &state.step, &state.code] {
            key.add(part.as_bytes());
        }
        if !duplicate.all.is_empty() {
            for places in &duplicate.all {
                match first(&places.0, input)? {
                    Some(part) => key.add(part.as_bytes()),
                    None => return Ok(None),
                }
            }
            return Ok(Some(key.text()));
        }
        if !duplicate.body {
            return Ok(None);
        }
        key.add(inbound.body);
        Ok(Some(key.text()))
    }
}

/// A hash of parts, each with its length, so that no two lists of parts are alike.
#[derive(Default)]
struct Key(Sha256);

impl Key {
    fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    fn text(self) -> String {
        self.0
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
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
