//! Authenticates the platform that a channel belongs to, on the raw bytes of a request, before any
//! parsing.
//!
//! Pure and synchronous. Secrets are compared in constant time, and several may be active for a
//! rotation without a gap. A repeated header authenticates no caller. A signature over a URL covers
//! the configured `public_url`, never a `Host` that the caller chooses. A channel with several
//! schemes accepts any one of them. No scheme may leave a body unsigned that another part of the
//! request vouches for.
//!
//! - `tokens`             bearer, basic, and secrets in a header or in the query
//! - `standard_webhooks`, `twilio`, `plivo`, `ed25519`, `jwt`   the platforms' signature schemes
//! - `hmac`, `template`   an HMAC that a preset describes as data
//! - `address`            the URLs that a platform may have signed
//! - `secrets`            the active secrets and every comparison with them
//! - `options`, `error`   the options of a scheme; why authentication or a secret fails
//! - `state_signer`       signs the state of a call
//! - `openapi_info`       the schemes in the OpenAPI document
//! - `self_check`         tries a channel's own secrets

mod address;
mod ed25519;
mod error;
mod hmac;
mod jwt;
mod openapi_info;
mod options;
mod plivo;
mod secrets;
mod self_check;
mod standard_webhooks;
mod state_signer;
mod template;
mod tokens;
mod twilio;

pub use error::{AuthError, CredentialLocation, SecretError};
pub use openapi_info::Proof;
pub use options::{Algorithm, Ed25519Spec, Encoding, HmacSpec, SchemeOptions, SecretEncoding};
use secrecy::SecretString;
use secrets::Secrets;
pub use self_check::SelfCheck;
pub(super) use state_signer::SignedState;
pub use state_signer::StateSigner;

use super::Inbound;

/// The authentication of a channel: any one of its schemes is enough.
#[derive(Debug)]
pub struct Auth(Vec<Scheme>);

/// An authentication scheme with all of its active secrets.
#[derive(Debug)]
pub enum Scheme {
    /// No authentication; only for a listener that other machines cannot reach.
    None,
    /// `Authorization: Bearer SECRET`.
    Bearer(Secrets),
    /// `Authorization: Basic` and `user:password` in base64.
    Basic(Secrets),
    /// The secret alone in a header of its own.
    Header {
        /// The header.
        name: String,
        /// The accepted values.
        secrets: Secrets,
    },
    /// The secret in the URL, for platforms that can send nothing else. Proxies may log it.
    QueryToken {
        /// The member of the query.
        name: String,
        /// The accepted values.
        secrets: Secrets,
    },
    /// `webhook-id`, `webhook-timestamp` and `webhook-signature` by the Standard Webhooks
    /// specification 1.0.0.
    StandardWebhooks(Secrets),
    /// An HMAC that a preset describes as data.
    Hmac(Box<hmac::Verifier>),
    /// `X-Twilio-Signature`, over the URL and the form.
    Twilio(Secrets),
    /// `X-Plivo-Signature-V3`, over the URL, the form and a nonce.
    PlivoV3(Secrets),
    /// A signature with a public key, as Telnyx makes it.
    Ed25519(Box<ed25519::Verifier>),
    /// A JWT with HS256 and the hash of the body, as Vonage makes it.
    JwtHs256(Secrets),
}

impl Auth {
    /// Accepts a caller that passes any of these schemes. Without a scheme, no caller is accepted.
    #[must_use]
    pub fn any_of(schemes: Vec<Scheme>) -> Self {
        Self(schemes)
    }

    /// Authenticates a request. It tries all schemes before it fails, so that the timing does not
    /// reveal which one the caller came close to.
    ///
    /// # Errors
    /// [`AuthError`] when no scheme accepts it; the request must not be read any further. With
    /// several schemes it is the error of the one that came furthest, which is the one that the
    /// caller meant.
    pub fn check(&self, inbound: &Inbound<'_>) -> Result<(), AuthError> {
        let mut furthest =
            AuthError::Missing(CredentialLocation::Header("authorization".to_owned()));
        let mut is_first = true;
        for scheme in &self.0 {
            match scheme.check(inbound) {
                Ok(()) => return Ok(()),
                Err(error) if is_first || error.progress() > furthest.progress() => {
                    furthest = error;
                }
                Err(_) => {}
            }
            is_first = false;
        }
        Err(furthest)
    }

    /// The `WWW-Authenticate` header of a 401. Twilio sends its credentials only after a Basic
    /// challenge.
    #[must_use]
    pub fn challenge(&self) -> String {
        let is_basic = self
            .0
            .iter()
            .any(|scheme| matches!(scheme, Scheme::Basic(_)));
        let scheme = if is_basic { "Basic" } else { "Bearer" };
        format!("{scheme} realm=\"ozmap-cancel\"")
    }

    /// Whether the channel accepts every caller.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.iter().any(|scheme| matches!(scheme, Scheme::None))
    }

    /// The decoded name of the query member whose value is a secret and must not be logged or
    /// forwarded.
    #[must_use]
    pub fn redacted_query(&self) -> Option<&str> {
        self.0.iter().find_map(Scheme::secret_query)
    }
}

impl Scheme {
    /// The names that [`Scheme::parse`] takes.
    pub const NAMES: [&str; 11] = [
        "bearer",
        "basic",
        "header",
        "query",
        "standard-webhooks",
        "hmac",
        "twilio",
        "plivo-v3",
        "ed25519",
        "jwt-hs256",
        "none",
    ];

    /// The names as a list in a sentence.
    #[must_use]
    pub fn names() -> String {
        let quoted = Self::NAMES.map(|name| format!("\"{name}\""));
        match quoted.split_last() {
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    }

    /// Makes a scheme from its name and its secret; white space separates several secrets.
    ///
    /// # Errors
    /// [`SecretError`] says what to write instead, and never repeats a secret.
    pub fn parse(
        name: &str,
        secret: &SecretString,
        options: &SchemeOptions,
    ) -> Result<Self, SecretError> {
        let texts = || Secrets::texts(secret);
        match name {
            "none" => Ok(Self::None),
            "bearer" => texts().map(Self::Bearer),
            "basic" => Secrets::credentials(secret).map(Self::Basic),
            "header" => Ok(Self::Header {
                name: options::header_name("header", options.header.as_deref())?,
                secrets: texts()?,
            }),
            "query" => Ok(Self::QueryToken {
                name: options::query_name(options.query.as_deref())?,
                secrets: texts()?,
            }),
            "standard-webhooks" => Secrets::standard_webhooks(secret).map(Self::StandardWebhooks),
            "hmac" => {
                let spec = options.hmac.as_ref().ok_or(SecretError::NoOption("hmac"))?;
                hmac::Verifier::new(spec, secret).map(|verifier| Self::Hmac(Box::new(verifier)))
            }
            "twilio" => texts().map(Self::Twilio),
            "plivo-v3" => texts().map(Self::PlivoV3),
            "ed25519" => {
                let spec = options.ed25519.clone().unwrap_or_default();
                ed25519::Verifier::new(&spec, secret)
                    .map(|verifier| Self::Ed25519(Box::new(verifier)))
            }
            "jwt-hs256" => texts().map(Self::JwtHs256),
            other => Err(SecretError::UnknownScheme(other.to_owned())),
        }
    }

    /// Whether the platform signs the URL, which must then be configured.
    #[must_use]
    pub fn needs_public_url(&self) -> bool {
        matches!(self, Self::Twilio(_) | Self::PlivoV3(_))
    }

    fn check(&self, inbound: &Inbound<'_>) -> Result<(), AuthError> {
        match self {
            Self::None => Ok(()),
            Self::Bearer(secrets) => tokens::check_bearer(secrets, inbound),
            Self::Basic(secrets) => tokens::check_basic(secrets, inbound),
            Self::Header { name, secrets } => tokens::check_header(name, secrets, inbound),
            Self::QueryToken { name, secrets } => tokens::check_query(name, secrets, inbound),
            Self::StandardWebhooks(secrets) => standard_webhooks::check(secrets, inbound),
            Self::Hmac(verifier) => verifier.check(inbound),
            Self::Twilio(secrets) => twilio::check(secrets, inbound),
            Self::PlivoV3(secrets) => plivo::check(secrets, inbound),
            Self::Ed25519(verifier) => verifier.check(inbound),
            Self::JwtHs256(secrets) => jwt::check(secrets, inbound),
        }
    }

    /// The shared secrets; a public key is not secret.
    fn secrets(&self) -> Option<&Secrets> {
        match self {
            Self::None | Self::Ed25519(_) => None,
            Self::Bearer(secrets)
            | Self::Basic(secrets)
            | Self::Header { secrets, .. }
            | Self::QueryToken { secrets, .. }
            | Self::StandardWebhooks(secrets)
            | Self::Twilio(secrets)
            | Self::PlivoV3(secrets)
            | Self::JwtHs256(secrets) => Some(secrets),
            Self::Hmac(verifier) => Some(verifier.secrets()),
        }
    }

    fn secret_query(&self) -> Option<&str> {
        if let Self::QueryToken { name, .. } = self {
            Some(name)
        } else {
            None
        }
    }
}

/// The value of a header that must be given exactly once, trimmed.
fn the_only<'a>(inbound: &Inbound<'a>, name: &str) -> Result<&'a str, AuthError> {
    let place = || CredentialLocation::Header(name.to_owned());
    let mut values = inbound.headers.get_all(name).iter();
    let value = values.next().ok_or_else(|| AuthError::Missing(place()))?;
    if values.next().is_some() {
        return Err(AuthError::Repeated(place()));
    }
    value
        .to_str()
        .map(str::trim)
        .map_err(|_| AuthError::malformed(name, "plain ASCII"))
}

/// Whether requests with this method have no body.
fn has_no_body(inbound: &Inbound<'_>) -> bool {
    matches!(inbound.method.as_str(), "GET" | "HEAD")
}

/// Compares a signed timestamp with this machine's clock. It runs after the signature check: only
/// the platform may learn that its clock is wrong.
fn check_clock(
    inbound: &Inbound<'_>,
    what: &str,
    signed_at: i64,
    tolerance_s: u64,
) -> Result<(), AuthError> {
    if inbound.at.unix_seconds().abs_diff(signed_at) > tolerance_s {
        Err(AuthError::Stale(what.to_owned(), tolerance_s))
    } else {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod testing;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests;
