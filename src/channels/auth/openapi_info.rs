//! How the callers of a channel prove who they are, for a description that others read. It names places, never secrets.

use super::{Auth, Scheme};

/// Where a proof stands in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof<'a> {
    /// `Authorization: Bearer …`.
    Bearer,
    /// `Authorization: Basic …`.
    Basic,
    /// A header of its own: a secret, or a signature.
    Header(&'a str),
    /// A member of the query.
    Query(&'a str),
}

impl Auth {
    /// The proofs of which one is enough; none when everybody is believed.
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
