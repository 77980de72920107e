//! Signs the state of a phone call, which the platform carries from turn to turn in the URL of the
//! next request.
//!
//! Several platforms sign only the request body. Without this signature, a request of one call that
//! is sent to another URL would confirm a code that was never read back. A signature is bound to
//! its channel and its call, and reveals nothing about the channel's secrets.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::options::Algorithm;
use super::secrets::Secrets;
use super::{Auth, Scheme};

/// The purpose that the key is derived for, so that no platform's signature is ever valid here.
const PURPOSE: &str = "ozmap-cancel: the state of a call, 1";

/// Half of the hash cannot be guessed, and keeps the URL short.
const BYTES: usize = 16;

/// The key that signs the states of a channel's calls.
#[derive(Debug)]
pub struct StateSigner(Option<Secrets>);

/// What is signed.
pub(in super::super) struct SignedState<'a> {
    /// The channel.
    pub(in super::super) channel: &'a str,
    /// The call.
    pub(in super::super) call: &'a str,
    /// The failures so far, the step, the code.
    pub(in super::super) state: [&'a str; 3],
    /// What the first URL of the call says about the whole call.
    pub(in super::super) carried: &'a [(&'static str, String)],
}

impl StateSigner {
    /// Derives the keys from a channel's secrets: the first one signs and all verify, so that a
    /// rotation breaks no call. Without a secret (or with only a public key) the key is random, and
    /// another replica asks for the code again.
    #[must_use]
    pub fn of(auth: &Auth) -> Self {
        let keys = auth
            .0
            .iter()
            .filter_map(Scheme::secrets)
            .map(|secrets| secrets.derive(PURPOSE))
            .reduce(Secrets::and);
        Self(Some(keys.unwrap_or_else(Secrets::random)))
    }

    /// Signs nothing and accepts everything: for captured requests of another process, which are
    /// only explained.
    #[must_use]
    pub const fn unchecked() -> Self {
        Self(None)
    }

    /// The signature of a state: letters, digits, `-` and `_`.
    pub(in super::super) fn write(&self, stated: &SignedState<'_>) -> String {
        self.0.as_ref().map_or_else(String::new, |keys| {
            let signed = keys.sign(Algorithm::Sha256, &[&stated.bytes()]).cut(BYTES);
            URL_SAFE_NO_PAD.encode(signed.first())
        })
    }

    /// Whether this service signed the state, for this channel and this call.
    pub(in super::super) fn fits(&self, seal: &str, stated: &SignedState<'_>) -> bool {
        let Some(keys) = &self.0 else { return true };
        let Ok(given) = URL_SAFE_NO_PAD.decode(seal) else {
            return false;
        };
        let signed = keys.sign(Algorithm::Sha256, &[&stated.bytes()]).cut(BYTES);
        signed.hold(&[given])
    }
}

impl SignedState<'_> {
    /// Every text with its length before it, so that two states never have the same bytes.
    fn bytes(&self) -> Vec<u8> {
        let carried = self
            .carried
            .iter()
            .flat_map(|(name, value)| [*name, value.as_str()]);
        let mut bytes = Vec::new();
        for text in [self.channel, self.call]
            .into_iter()
            .chain(self.state)
            .chain(carried)
        {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::super::testing::scheme;
    use super::*;

    const CARRIED: [(&str, &str); 1] = [("dry_run", "true")];

    fn seal(secret: &str) -> StateSigner {
        StateSigner::of(&Auth::any_of(vec![scheme("bearer", secret)]))
    }

    fn check(
        channel: &str,
        call: &str,
        state: [&str; 3],
        carried: &[(&'static str, &str)],
    ) -> bool {
        let carried: Vec<(&str, String)> = carried
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        let own = [("dry_run", "true".to_owned())];
        let right = SignedState {
            channel: "ivr",
            call: "c-1",
            state: ["0", "confirm", "123|123"],
            carried: &own,
        };
        let given = SignedState {
            channel,
            call,
            state,
            carried: &carried,
        };
        let seal = seal("one");
        seal.fits(&seal.write(&right), &given)
    }

    #[test]
    fn a_seal_fits_its_state_and_no_other() {
        let state = ["0", "confirm", "123|123"];
        assert!(check("ivr", "c-1", state, &CARRIED));
        assert!(!check("iv", "rc-1", state, &CARRIED));
        assert!(!check("other", "c-1", state, &CARRIED));
        assert!(!check("ivr", "c-2", state, &CARRIED));
        assert!(!check("ivr", "", state, &CARRIED));
        assert!(!check("ivr", "c-1", state, &[]));
        assert!(!check("ivr", "c-1", state, &[("dry_run", "false")]));
        assert!(!check("ivr", "c-1", state, &[("action", "true")]));
        for other in [
            ["1", "confirm", "123|123"],
            ["0", "code", "123|123"],
            ["0", "confirm", "123|124"],
            ["0", "confirm123|123", ""],
            ["", "0confirm", "123|123"],
        ] {
            assert!(!check("ivr", "c-1", other, &CARRIED), "{other:?}");
        }
    }

    #[test]
    fn no_other_text_is_the_seal() {
        let stated = SignedState {
            channel: "ivr",
            call: "c-1",
            state: ["0", "confirm", "123|123"],
            carried: &[],
        };
        let keys = seal("one");
        let right = keys.write(&stated);
        assert_eq!(right.len(), 22);
        assert!(keys.fits(&right, &stated));
        let mut wrong = vec![
            String::new(),
            format!("{right}="),
            format!("{right}AAAA"),
            "-".into(),
        ];
        for at in 0..right.len() {
            wrong.push(right[..at].to_owned());
            let other = if &right[at..=at] == "A" { "Q" } else { "A" };
            let mut changed = right.clone();
            changed.replace_range(at..=at, other);
            wrong.push(changed);
        }
        for wrong in wrong {
            assert!(!keys.fits(&wrong, &stated), "{wrong}");
        }
    }

    #[test]
    fn a_rotation_breaks_no_call_and_another_secret_seals_nothing_here() {
        let stated = SignedState {
            channel: "ivr",
            call: "c-1",
            state: ["0", "code", ""],
            carried: &[],
        };
        let old = seal("old").write(&stated);
        assert!(seal("new old").fits(&old, &stated));
        assert!(seal("old new").fits(&seal("new").write(&stated), &stated));
        assert!(!seal("new").fits(&old, &stated));
        let also = Auth::any_of(vec![scheme("bearer", "new"), scheme("twilio", "old")]);
        assert!(StateSigner::of(&also).fits(&old, &stated));
    }

    #[test]
    fn without_a_secret_the_key_is_the_processs_own() {
        let stated = SignedState {
            channel: "ivr",
            call: "c-1",
            state: ["0", "code", ""],
            carried: &[],
        };
        let public_key = "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=";
        for secretless in [Scheme::None, scheme("ed25519", public_key)] {
            let auth = Auth::any_of(vec![secretless]);
            let (one, other) = (StateSigner::of(&auth), StateSigner::of(&auth));
            let written = one.write(&stated);
            assert!(one.fits(&written, &stated));
            assert!(!other.fits(&written, &stated));
        }
    }
}
