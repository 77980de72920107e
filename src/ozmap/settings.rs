//! How OZmap is reached, as the configuration says it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::path::{BaseError, PlainHttp};
use super::tls::{TlsError, Trust};

/// How OZmap is reached.
pub struct Settings {
    /// Its address, with or without `/api/v2`.
    pub base_url: String,
    /// Whether that may be unencrypted.
    pub plain_http: PlainHttp,
    /// The key of the API user.
    pub api_key: SecretString,
    /// How the key stands in the `authorization` header.
    pub auth_scheme: AuthScheme,
    /// Whom to believe to be OZmap.
    pub trust: Trust,
    /// The most cancellations and look-ups that call OZmap at the same time.
    pub concurrency_max: usize,
    /// The time to connect.
    pub connect: Duration,
    /// The time for a whole read.
    pub lookup: Duration,
    /// The time for a whole DELETE.
    pub delete: Duration,
    /// Which answers beside an empty list mean "nothing there", once the key is proven to work.
    pub not_found_answers: Vec<NotFoundAnswer>,
}

/// How the key is sent. OZmap's documentation shows it raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthScheme {
    /// The key alone.
    Raw,
    /// `Bearer`, then the key.
    Bearer,
}

/// An answer that may mean "nothing there". OZmap does not document which one it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFoundAnswer {
    /// Status 404 with JSON, plain text or nothing.
    Status404,
    /// Status 204.
    Status204,
    /// `null`.
    Null,
    /// `{}`.
    EmptyObject,
    /// Status 200 with no body; also what a cut answer looks like, so it must be asked for.
    EmptyBody,
}

/// What a key was that was to be shown from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTaken {
    /// Another one.
    New,
    /// The one that is shown already.
    Same,
}

/// The key as it stands in the header of every call; may be replaced while calls run.
#[derive(Clone)]
pub(super) struct Key(Arc<RwLock<HeaderValue>>);

impl Key {
    pub(super) fn of(settings: &Settings) -> Result<Self, SetupError> {
        let header = header(settings.auth_scheme, &settings.api_key)?;
        Ok(Self(Arc::new(RwLock::new(header))))
    }

    pub(super) fn header(&self) -> HeaderValue {
        let header = self.0.read().unwrap_or_else(PoisonError::into_inner);
        header.clone()
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

/// Why the client cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The address.
    #[error("ozmap.base_url: {0}")]
    Base(#[from] BaseError),
    /// The certificates.
    #[error("ozmap.tls_ca_file: {0}")]
    Tls(#[from] TlsError),
    /// The key has a character that no header may have.
    #[error("ozmap.api_key has a character that a header cannot carry; copy it again from OZmap")]
    Key,
    /// The HTTP library refused.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
}
