//! The configuration of the OZmap client: the address, the key, the timeouts.
//!
//! It holds the key and must never log or return it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::tls::{TlsError, Trust};
use super::url::{BaseError, PlainHttp};

/// How OZmap is reached.
pub struct Settings {
    /// The address of OZmap, with or without `/api/v2`.
    pub base_url: String,
    /// Whether the address may be unencrypted.
    pub plain_http: PlainHttp,
    /// The key of the API user.
    pub api_key: SecretString,
    /// How the `authorization` header carries the key.
    pub auth_scheme: AuthScheme,
    /// Which certificates are trusted.
    pub trust: Trust,
    /// The most sessions at the same time.
    pub concurrency_max: usize,
    /// The timeout of a connection.
    pub connect: Duration,
    /// The timeout of a GET.
    pub lookup: Duration,
    /// The timeout of a DELETE.
    pub delete: Duration,
    /// Which responses besides an empty list may mean an absence.
    pub not_found_answers: Vec<NotFoundAnswer>,
    /// The greatest age of the guard's reading when the DELETE leaves.
    pub guard_age: Duration,
    /// How far apart two lookups must be that together prove an absence.
    pub lookups_apart: Duration,
}

/// How the key is sent. OZmap's documentation shows it raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthScheme {
    /// The key alone.
    Raw,
    /// `Bearer`, then the key.
    Bearer,
}

/// A response that may mean an absence. OZmap does not document which one it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFoundAnswer {
    /// Status 404 with JSON, plain text or nothing.
    Status404,
    /// Status 422. OZmap also gives it for codes that a client has, so it counts only beside the
    /// list of clients.
    Status422,
    /// Status 204.
    Status204,
    /// `null`.
    Null,
    /// `{}`.
    EmptyObject,
    /// Status 200 without a body. A truncated response looks alike, so it counts only beside the
    /// list of clients.
    EmptyBody,
}

/// How a new key compares with the one in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTaken {
    /// It differs.
    New,
    /// It is the one in use.
    Same,
}

/// The key in the header of every call. It may be replaced while calls run.
#[derive(Clone)]
pub(crate) struct Key(Arc<RwLock<HeaderValue>>);

impl Key {
    pub(crate) fn of(settings: &Settings) -> Result<Self, SetupError> {
        let header = header(settings.auth_scheme, &settings.api_key)?;
        Ok(Self(Arc::new(RwLock::new(header))))
    }

    pub(crate) fn header(&self) -> HeaderValue {
        let header = self.0.read().unwrap_or_else(PoisonError::into_inner);
        header.clone()
    }

    /// The user that the key names.
    pub(super) fn user(&self) -> Option<String> {
        let header = self.header();
        let text = header.to_str().ok()?;
        key_user(text.strip_prefix("Bearer ").unwrap_or(text))
    }

    pub(super) fn replace(
        &self,
        scheme: AuthScheme,
        api_key: &SecretString,
    ) -> Result<KeyTaken, SetupError> {
        let new = header(scheme, api_key)?;
        let mut header = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if *header == new {
            return Ok(KeyTaken::Same);
        }
        *header = new;
        Ok(KeyTaken::New)
    }
}

fn header(scheme: AuthScheme, api_key: &SecretString) -> Result<HeaderValue, SetupError> {
    let text = match scheme {
        AuthScheme::Raw => api_key.expose_secret().to_owned(),
        AuthScheme::Bearer => format!("Bearer {}", api_key.expose_secret()),
    };
    let mut header = HeaderValue::from_str(&text).map_err(|_| SetupError::Key)?;
    header.set_sensitive(true);
    Ok(header)
}

/// The user that an API key names: the claim `user` of the JWT, an id or a user name. OZmap
/// verifies the signature.
#[must_use]
pub fn key_user(api_key: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Claims {
        user: String,
    }
    let mut parts = api_key.trim().split('.');
    let (Some(_), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let Claims { user } = serde_json::from_slice(&claims).ok()?;
    Some(user).filter(|user| !user.trim().is_empty())
}

/// Why the client cannot be set up; each variant names a setting.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The address.
    #[error("ozmap.base_url: {0}")]
    Base(#[from] BaseError),
    /// The certificates.
    #[error("ozmap.tls_ca_file: {0}")]
    Tls(#[from] TlsError),
    /// The key has a character that no header can carry.
    #[error("ozmap.api_key has a character that a header cannot carry; copy it again from OZmap")]
    Key,
    /// The HTTP library failed.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_user_if_it_is_a_jwt_with_that_claim() {
        let key = |claims: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        for (claims, user) in [
            (r#"{"module":"api","user":"5f1a","iat":1}"#, Some("5f1a")),
            (r#"{"user":"chatbot"}"#, Some("chatbot")),
            (r#"{"user":""}"#, None),
            (r#"{"user":7}"#, None),
            (r#"{"user":null}"#, None),
            (r#"{"module":"api"}"#, None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(key_user(&key(claims)).as_deref(), user, "{claims}");
        }
        for text in ["", "key", "a.b", "a.b.c", "a.b.c.d", "e30.!!.c2ln"] {
            assert_eq!(key_user(text), None, "{text}");
        }
    }
}
