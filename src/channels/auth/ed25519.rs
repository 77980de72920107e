//! A signature with the platform's public key, so that what is configured here is no secret:
//! Telnyx, and others.

use ed25519_dalek::{Signature, VerifyingKey};
use secrecy::{ExposeSecret, SecretString};

use super::error::{AuthError, SecretError};
use super::options::{Ed25519Spec, Encoding, header_name};
use super::secrets::decode;
use super::template::Template;
use super::{Inbound, check_clock, the_only};

/// A description that fits together, and the active public keys.
#[derive(Debug)]
pub struct Verifier {
    header: String,
    timestamp_header: String,
    template: Template,
    encoding: Encoding,
    tolerance_s: u64,
    keys: Vec<VerifyingKey>,
}

impl Verifier {
    /// The header that holds the signature.
    pub(super) fn header(&self) -> &str {
        &self.header
    }

    pub(super) fn new(spec: &Ed25519Spec, secret: &SecretString) -> Result<Self, SecretError> {
        let template = Template::parse("ed25519.signed", &spec.signed)?;
        if template.has_id() || !template.has_timestamp() {
            let problem = "signs {timestamp} and {body}, and nothing else".to_owned();
            return Err(SecretError::BadOption("ed25519.signed", problem));
        }
        let keys: Option<Vec<VerifyingKey>> = secret
            .expose_secret()
            .split_whitespace()
            .map(|one| public_key(spec.encoding, one))
            .collect();
        let keys = keys.ok_or(SecretError::NotPublicKey)?;
        if keys.is_empty() {
            return Err(SecretError::Empty);
        }
        Ok(Self {
            header: header_name("ed25519.header", Some(&spec.header))?,
            timestamp_header: header_name(
                "ed25519.timestamp_header",
                Some(&spec.timestamp_header),
            )?,
            template,
            encoding: spec.encoding,
            tolerance_s: spec.tolerance_s,
            keys,
        })
    }

    pub(super) fn check(&self, inbound: &Inbound<'_>) -> Result<(), AuthError> {
        let given = the_only(inbound, &self.header)?;
        let timestamp = the_only(inbound, &self.timestamp_header)?;
        let signature = decode(self.encoding, given)
            .and_then(|bytes| Signature::from_slice(&bytes).ok())
            .ok_or_else(|| AuthError::malformed(&self.header, "an ed25519 signature"))?;
        let signed_at: i64 = timestamp
            .parse()
            .map_err(|_| AuthError::malformed(&self.timestamp_header, "seconds since 1970"))?;
        let signed = self.template.fill("", timestamp, inbound.body).concat();
        let fits = self
            .keys
            .iter()
            .any(|key| key.verify_strict(&signed, &signature).is_ok());
        if !fits {
            return Err(AuthError::Wrong(format!("`{}`", self.header)));
        }
        let what = format!("`{}`", self.timestamp_header);
        check_clock(inbound, &what, signed_at, self.tolerance_s)
    }
}

fn public_key(encoding: Encoding, text: &str) -> Option<VerifyingKey> {
    let bytes: [u8; 32] = decode(encoding, text)?.try_into().ok()?;
    // A weak key accepts forged signatures.
    VerifyingKey::from_bytes(&bytes)
        .ok()
        .filter(|key| !key.is_weak())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::super::testing::{AT, Request, assert_needs_headers, assert_rotates, parse, scheme};
    use super::super::{AuthError, SecretError};

    const KEY: &str = "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=";
    // The public key of the first test of RFC 8032.
    const OTHER: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    const SIGNATURE: &str =
        "5aIMcySBB8fytPJSn7z/9DktgEF5oyNYokurnvRiBjB4W+fXfw4WT92Roodcn6tW29efGe14UixUdee9YjwUBA==";

    fn telnyx() -> Request {
        Request::new()
            .header("telnyx-signature-ed25519", SIGNATURE)
            .header("telnyx-timestamp", &AT.to_string())
    }

    #[test]
    fn telnyx_is_believed_and_every_part_is_signed() {
        assert_rotates(&telnyx(), KEY, OTHER, |key| scheme("ed25519", key));
        let scheme = scheme("ed25519", KEY);
        let headers = ["telnyx-signature-ed25519", "telnyx-timestamp"];
        assert_needs_headers(&telnyx(), &scheme, &headers);
        let other = telnyx().body("{}").check(&scheme);
        assert!(matches!(other, Err(AuthError::Wrong(_))), "{other:?}");
    }

    #[test]
    fn another_time_is_stale() {
        let scheme = scheme("ed25519", KEY);
        assert_eq!(telnyx().at(AT + 300).check(&scheme), Ok(()));
        for now in [AT + 301, AT - 301, 0] {
            let stale = telnyx().at(now).check(&scheme);
            assert!(matches!(stale, Err(AuthError::Stale(_, 300))), "{stale:?}");
        }
    }

    #[test]
    fn what_is_no_public_key_is_refused_at_start() {
        let weak = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        for key in ["x", "AAAA", weak] {
            let error = parse("ed25519", key, "").unwrap_err();
            assert_eq!(error, SecretError::NotPublicKey);
        }
        for signed in ["{body}", "{id}.{timestamp}.{body}", "{timestamp}"] {
            let options = format!("[ed25519]\nsigned = \"{signed}\"");
            assert!(parse("ed25519", KEY, &options).is_err(), "{signed}");
        }
    }

    #[test]
    fn another_platform_is_described_as_data() {
        let options = "[ed25519]\nheader = \"X-Signature\"\ntimestamp_header = \"X-Time\"\nsigned = \"{timestamp}|{body}\"\ntolerance_s = 10";
        let scheme = parse("ed25519", KEY, options).unwrap();
        let request = Request::new()
            .header("x-signature", SIGNATURE)
            .header("x-time", &AT.to_string());
        assert_eq!(request.check(&scheme), Ok(()));
        assert!(request.at(AT + 11).check(&scheme).is_err());
    }
}
