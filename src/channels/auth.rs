//! Proves that a request comes from the platform that a channel belongs to, on its raw bytes, before any parsing.
//!
//! Pure and synchronous. Secrets are compared in constant time, several at once for a rotation without a gap; a header
//! that stands there twice proves nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::Inbound;

/// How far a signed time may be from this machine's clock (Standard Webhooks 1.0.0).
const TOLERANCE_S: u64 = 300;

/// How the callers of a channel prove who they are. Any one of several secrets is enough.
pub enum Auth {
    /// They need not; only for a listener that nobody else can reach.
    None,
    /// `Authorization: Bearer SECRET`.
    Bearer(Vec<SecretString>),
    /// `webhook-id`, `webhook-timestamp` and `webhook-signature` by the Standard Webhooks specification 1.0.0.
    StandardWebhooks(Vec<SecretSlice<u8>>),
}

/// Why a request is not authenticated. The texts tell an integrator what to mend, and an attacker nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No proof at all.
    #[error("the header `{0}` is missing")]
    Missing(&'static str),
    /// Two proofs where one is expected.
    #[error("the header `{0}` stands there more than once")]
    Repeated(&'static str),
    /// Not of the right form.
    #[error("the header `{0}` is not of the form {1}")]
    Malformed(&'static str, &'static str),
    /// Signed too long ago, or by a clock that is wrong.
    #[error("`webhook-timestamp` is more than 300 seconds away from this server's clock")]
    Stale,
    /// The proof does not fit any active secret.
    #[error("{0} does not fit any active secret of this channel")]
    Wrong(&'static str),
}

/// Why a secret of the configuration cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Nothing there.
    #[error("there is no secret")]
    Empty,
    /// Not base64.
    #[error("a Standard Webhooks secret looks like whsec_ and then base64")]
    NotBase64,
    /// Too short or too long for the specification.
    #[error("a Standard Webhooks secret has 24 to 64 bytes")]
    Length,
}

impl Auth {
    /// Bearer tokens from a secret's text: several are separated by white space.
    ///
    /// # Errors
    /// [`SecretError::Empty`] when there is none.
    pub fn bearer(secrets: &SecretString) -> Result<Self, SecretError> {
        let secrets: Vec<SecretString> = secrets
            .expose_secret()
            .split_whitespace()
            .map(SecretString::from)
            .collect();
        if secrets.is_empty() {
            Err(SecretError::Empty)
        } else {
            Ok(Self::Bearer(secrets))
        }
    }

    /// Standard Webhooks keys from a secret's text: several are separated by white space.
    ///
    /// # Errors
    /// [`SecretError`] says which rule of the specification a secret breaks.
    pub fn standard_webhooks(secrets: &SecretString) -> Result<Self, SecretError> {
        let keys: Result<Vec<SecretSlice<u8>>, SecretError> = secrets
            .expose_secret()
            .split_whitespace()
            .map(standard_webhooks_key)
            .collect();
        let keys = keys?;
        if keys.is_empty() {
            Err(SecretError::Empty)
        } else {
            Ok(Self::StandardWebhooks(keys))
        }
    }

    /// Checks the proof of a request.
    ///
    /// # Errors
    /// [`AuthError`] when there is none that fits; nothing else of the request may be looked at then.
    pub fn check(&self, inbound: &Inbound<'_>) -> Result<(), AuthError> {
        match self {
            Self::None => Ok(()),
            Self::Bearer(secrets) => check_bearer(secrets, inbound),
            Self::StandardWebhooks(keys) => check_standard_webhooks(keys, inbound),
        }
    }

    /// What a 401 tells the caller to send.
    #[must_use]
    pub const fn challenge(&self) -> &'static str {
        "Bearer realm=\"ozmap-cancel\""
    }
}

fn standard_webhooks_key(text: &str) -> Result<SecretSlice<u8>, SecretError> {
    let encoded = text.strip_prefix("whsec_").unwrap_or(text);
    let key = STANDARD
        .decode(encoded)
        .map_err(|_| SecretError::NotBase64)?;
    if (24..=64).contains(&key.len()) {
        Ok(SecretSlice::from(key))
    } else {
        Err(SecretError::Length)
    }
}

fn check_bearer(secrets: &[SecretString], inbound: &Inbound<'_>) -> Result<(), AuthError> {
    const FORM: AuthError = AuthError::Malformed("authorization", "`Bearer SECRET`");
    let value = the_only(inbound, "authorization")?;
    let (scheme, token) = value.split_once(' ').ok_or(FORM)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(FORM);
    }
    let token = Sha256::digest(token.trim().as_bytes());
    let fits = secrets.iter().fold(Choice::from(0), |fits, secret| {
        let secret = Sha256::digest(secret.expose_secret().as_bytes());
        fits | token.as_slice().ct_eq(secret.as_slice())
    });
    if fits.into() {
        Ok(())
    } else {
        Err(AuthError::Wrong("the bearer token"))
    }
}

fn check_standard_webhooks(
    keys: &[SecretSlice<u8>],
    inbound: &Inbound<'_>,
) -> Result<(), AuthError> {
    let id = the_only(inbound, "webhook-id")?;
    let timestamp = the_only(inbound, "webhook-timestamp")?;
    let signatures = the_only(inbound, "webhook-signature")?;
    // A dot in the id would let a signed text be cut into other parts.
    if id.is_empty() || id.contains('.') {
        return Err(AuthError::Malformed("webhook-id", "an id without dots"));
    }
    let signed_at: i64 = timestamp
        .parse()
        .map_err(|_| AuthError::Malformed("webhook-timestamp", "seconds since 1970"))?;
    let mut fits = Choice::from(0);
    for given in signatures
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
    {
        let Ok(given) = STANDARD.decode(given) else {
            continue;
        };
        for key in keys {
            fits |= expected(key, id, timestamp, inbound.body).ct_eq(&given);
        }
    }
    // The clock is judged after the signature: only the platform may learn that its clock is wrong.
    if !bool::from(fits) {
        return Err(AuthError::Wrong("`webhook-signature`"));
    }
    if inbound.at.unix_seconds().abs_diff(signed_at) > TOLERANCE_S {
        return Err(AuthError::Stale);
    }
    Ok(())
}

fn expected(key: &SecretSlice<u8>, id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    // An HMAC takes a key of any length; the specification's 24 to 64 bytes were checked at start.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose_secret()) else {
        return Vec::new();
    };
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// A header that stands there exactly once.
fn the_only<'a>(inbound: &Inbound<'a>, name: &'static str) -> Result<&'a str, AuthError> {
    let mut values = inbound.headers.get_all(name).iter();
    let value = values.next().ok_or(AuthError::Missing(name))?;
    if values.next().is_some() {
        return Err(AuthError::Repeated(name));
    }
    value
        .to_str()
        .map(str::trim)
        .map_err(|_| AuthError::Malformed(name, "plain ASCII"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, Method};

    use super::*;
    use crate::clock::Moment;

    fn key(secret: &str) -> SecretSlice<u8> {
        standard_webhooks_key(secret).unwrap()
    }

    /// The examples of the specification's own libraries, and one of ours.
    #[test]
    fn signatures_are_those_of_the_specification() {
        const FIRST: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        for (secret, id, timestamp, body, signature) in [
            (
                FIRST,
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                "1614265330",
                r#"{"test": 2432232314}"#,
                "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
            (
                "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                "1649367553",
                r#"{"email":"test@example.com","username":"test_user"}"#,
                "tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
            (
                FIRST,
                "msg_ozc_01J9ZK3W6Q9V1",
                "1795467600",
                r#"{"code":"123|123","conversation_id":"c-42"}"#,
                "B4GLxQ0LEeoRX/Lgl48sI+OHX4nFwzEbX+4dpYM2+yw=",
            ),
        ] {
            let made = expected(&key(secret), id, timestamp, body.as_bytes());
            assert_eq!(STANDARD.encode(made), signature, "{id}");
        }
    }

    #[test]
    fn a_secret_has_24_to_64_bytes_with_or_without_its_prefix() {
        for length in [24, 64] {
            let encoded = STANDARD.encode(vec![7; length]);
            assert_eq!(key(&encoded).expose_secret().len(), length);
            assert_eq!(
                key(&format!("whsec_{encoded}")).expose_secret().len(),
                length
            );
        }
        for length in [0, 23, 65] {
            let encoded = STANDARD.encode(vec![7; length]);
            assert_eq!(
                standard_webhooks_key(&encoded).err(),
                Some(SecretError::Length)
            );
        }
        assert_eq!(
            Auth::standard_webhooks(&SecretString::from("whsk_!")).err(),
            Some(SecretError::NotBase64)
        );
        assert_eq!(
            Auth::bearer(&SecretString::from(" \n")).err(),
            Some(SecretError::Empty)
        );
    }

    #[test]
    fn no_error_and_no_challenge_holds_a_secret_or_a_proof() {
        let auth = Auth::bearer(&SecretString::from("canary-secret")).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(
            "authorization",
            HeaderValue::from_static("Bearer canary-proof"),
        );
        let inbound = Inbound {
            method: &Method::POST,
            target: "/webhooks/chatbot",
            public_url: "",
            headers: &headers,
            body: b"canary-body",
            at: Moment::now(),
        };
        let error = auth.check(&inbound).unwrap_err();
        assert_eq!(error, AuthError::Wrong("the bearer token"));
        assert!(!format!("{error} {error:?} {}", auth.challenge()).contains("canary"));
    }
}
