//! The active secrets of a scheme, and every comparison with them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::error::SecretError;
use super::options::{Algorithm, Encoding, SecretEncoding};

/// One or more secrets, all of them active.
#[derive(Debug)]
pub struct Secrets(Vec<SecretSlice<u8>>);

/// The valid signatures, one for every active secret.
pub(super) struct Expected(Vec<Vec<u8>>);

impl Secrets {
    /// The texts themselves.
    pub(super) fn texts(text: &SecretString) -> Result<Self, SecretError> {
        Self::each(text, |one| Ok(one.as_bytes().to_vec()))
    }

    /// `user:password`.
    pub(super) fn credentials(text: &SecretString) -> Result<Self, SecretError> {
        Self::each(text, |one| match one.split_once(':') {
            Some((_, password)) if !password.is_empty() => Ok(one.as_bytes().to_vec()),
            Some(_) | None => Err(SecretError::NotCredentials),
        })
    }

    /// `whsec_` and then base64.
    pub(super) fn standard_webhooks(text: &SecretString) -> Result<Self, SecretError> {
        Self::each(text, |one| {
            let encoded = one.strip_prefix("whsec_").unwrap_or(one);
            let key = STANDARD
                .decode(encoded)
                .map_err(|_| SecretError::NotWhsec)?;
            if (24..=64).contains(&key.len()) {
                Ok(key)
            } else {
                Err(SecretError::Length)
            }
        })
    }

    pub(super) fn encoded(
        text: &SecretString,
        encoding: SecretEncoding,
    ) -> Result<Self, SecretError> {
        match encoding {
            SecretEncoding::Text => Self::texts(text),
            SecretEncoding::Whsec => Self::standard_webhooks(text),
            SecretEncoding::Base64 => Self::each(text, |one| {
                STANDARD
                    .decode(one)
                    .ok()
                    .filter(|key| !key.is_empty())
                    .ok_or(SecretError::NotBase64)
            }),
        }
    }

    fn each(
        text: &SecretString,
        read: impl Fn(&str) -> Result<Vec<u8>, SecretError>,
    ) -> Result<Self, SecretError> {
        let secrets: Result<Vec<SecretSlice<u8>>, SecretError> = text
            .expose_secret()
            .split_whitespace()
            .map(|one| read(one).map(SecretSlice::from))
            .collect();
        let secrets = secrets?;
        if secrets.is_empty() {
            Err(SecretError::Empty)
        } else {
            Ok(Self(secrets))
        }
    }

    /// Whether this is one of them. Comparing digests in constant time hides even the length.
    pub(super) fn hold(&self, given: &[u8]) -> bool {
        let given = Sha256::digest(given);
        let fits = self.0.iter().fold(Choice::from(0), |fits, secret| {
            fits | Sha256::digest(secret.expose_secret())
                .as_slice()
                .ct_eq(given.as_slice())
        });
        fits.into()
    }

    /// Each secret, as a caller sends it.
    pub(super) fn each_text(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|secret| secret.expose_secret())
    }

    /// A random key of this process.
    pub(super) fn random() -> Self {
        Self(vec![SecretSlice::from(rand::random::<[u8; 32]>().to_vec())])
    }

    /// Derives a key for one purpose from every secret; the secret cannot be computed from it.
    pub(super) fn derive(&self, purpose: &str) -> Self {
        let derive = |secret: &SecretSlice<u8>| {
            mac::<Hmac<Sha256>>(secret, &[purpose.as_bytes()]).map(SecretSlice::from)
        };
        Self(self.0.iter().filter_map(derive).collect())
    }

    /// These secrets, then the others.
    pub(super) fn and(mut self, mut others: Self) -> Self {
        self.0.append(&mut others.0);
        self
    }

    /// The signatures of these parts, one after the other.
    pub(super) fn sign(&self, algorithm: Algorithm, parts: &[&[u8]]) -> Expected {
        let sign = |secret: &SecretSlice<u8>| match algorithm {
            Algorithm::Sha1 => mac::<Hmac<Sha1>>(secret, parts),
            Algorithm::Sha256 => mac::<Hmac<Sha256>>(secret, parts),
        };
        Expected(self.0.iter().filter_map(sign).collect())
    }
}

impl Expected {
    /// Truncates each to so many bytes.
    pub(super) fn cut(mut self, bytes: usize) -> Self {
        self.0.iter_mut().for_each(|one| one.truncate(bytes));
        self
    }

    /// The one of the first secret.
    pub(super) fn first(&self) -> &[u8] {
        self.0.first().map_or(&[], Vec::as_slice)
    }

    /// Whether any of the given signatures is valid.
    pub(super) fn hold(&self, given: &[Vec<u8>]) -> bool {
        let mut fits = Choice::from(0);
        for expected in &self.0 {
            for given in given {
                fits |= expected.ct_eq(given);
            }
        }
        fits.into()
    }
}

/// An HMAC accepts a key of any length. If it ever did not, no signature would be valid.
fn mac<M: Mac + KeyInit>(secret: &SecretSlice<u8>, parts: &[&[u8]]) -> Option<Vec<u8>> {
    let mut mac = <M as KeyInit>::new_from_slice(secret.expose_secret()).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().to_vec())
}

/// Decodes the bytes in a header.
pub(super) fn decode(encoding: Encoding, text: &str) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Hex => hex::decode(text).ok(),
        Encoding::Base64 => STANDARD.decode(text).ok(),
    }
}

/// Whether a text is the SHA-256 of these bytes in hexadecimal.
pub(super) fn is_sha256(text: &str, bytes: &[u8]) -> bool {
    let digest = Sha256::digest(bytes);
    hex::decode(text).is_ok_and(|given| digest.as_slice().ct_eq(&given).into())
}
