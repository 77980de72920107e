//! How the callers of a channel authenticate, for the OpenAPI document. It names headers and
//! members, never secrets.

use super::{Auth, Scheme};

/// Where the credential or signature of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof<'a> {
    /// `Authorization: Bearer …`.
    Bearer,
    /// `Authorization: Basic …`.
    Basic,
    /// A named header with a secret or a signature.
    Header(&'a str),
    /// A member of the query.
    Query(&'a str),
}

impl Auth {
    /// The accepted credentials, any one of which is enough; empty when the channel needs no
    /// authentication.
    #[must_use]
    pub fn proofs(&self) -> Vec<Proof<'_>> {
        if self.is_open() {
            return Vec::new();
        }
        self.0.iter().filter_map(Scheme::proof).collect()
    }
}

impl Scheme {
    fn proof(&self) -> Option<Proof<'_>> {
        Some(match self {
            Self::None => return None,
            Self::Bearer(_) | Self::JwtHs256(_) => Proof::Bearer,
            Self::Basic(_) => Proof::Basic,
            Self::Header { name, .. } => Proof::Header(name),
            Self::QueryToken { name, .. } => Proof::Query(name),
            Self::StandardWebhooks(_) => Proof::Header("webhook-signature"),
            Self::Hmac(verifier) => Proof::Header(verifier.header()),
            Self::Twilio(_) => Proof::Header("x-twilio-signature"),
            Self::PlivoV3(_) => Proof::Header("x-plivo-signature-v3"),
            Self::Ed25519(verifier) => Proof::Header(verifier.header()),
        })
    }
}
