//! Authentication errors and errors of configured secrets, in words that tell the integrator what
//! to fix.

use std::fmt;

use super::Scheme;

/// Where a credential is expected in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialLocation {
    /// In a header.
    Header(String),
    /// In the query of the address.
    Query(String),
}

impl fmt::Display for CredentialLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "the header `{name}`"),
            Self::Query(name) => write!(f, "the member `{name}` of the query"),
        }
    }
}

/// Why authentication failed. The messages tell an integrator what to fix and give an attacker
/// nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No proof at all.
    #[error("{0} is missing")]
    Missing(CredentialLocation),
    /// Two proofs where one is expected.
    #[error("{0} is given more than once")]
    Repeated(CredentialLocation),
    /// Not of the right form.
    #[error("{0} is not of the form {1}")]
    Malformed(CredentialLocation, String),
    /// The signed address is not known.
    #[error(
        "server.public_url is not set, and the platform signs the address that it calls; set it to the beginning of that address"
    )]
    NoPublicUrl,
    /// The proof does not fit any active secret.
    #[error("{0} does not fit any active secret of this channel")]
    Wrong(String),
    /// The proof does not fit any active secret together with the address.
    #[error(
        "{0} does not fit any active secret of this channel and the address under server.public_url; compare it with the address that the platform calls"
    )]
    WrongForAddress(String),
    /// The proof is the platform's, but for another body.
    #[error(
        "{0} does not fit the body; nothing on the way may change it, and a GET must not have one"
    )]
    OtherBody(String),
    /// Signed too long ago, or by a clock that is wrong.
    #[error("{0} is more than {1} seconds away from this server's clock")]
    Stale(String, u64),
    /// Signed with an end that is past.
    #[error("the JWT has expired; send one that is made for this request")]
    Expired,
}

impl AuthError {
    /// The stable id of the problem, for callers.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Stale(..) | Self::Expired => "stale",
            Self::Missing(_)
            | Self::Repeated(_)
            | Self::Malformed(..)
            | Self::NoPublicUrl
            | Self::Wrong(_)
            | Self::WrongForAddress(_)
            | Self::OtherBody(_) => "not_authenticated",
        }
    }

    pub(super) fn malformed(header: &str, form: impl Into<String>) -> Self {
        Self::Malformed(CredentialLocation::Header(header.to_owned()), form.into())
    }

    /// How far the check got before it failed.
    pub(super) const fn progress(&self) -> u8 {
        match self {
            Self::Missing(_) => 0,
            Self::Malformed(..) => 1,
            Self::Repeated(_) => 2,
            Self::NoPublicUrl => 3,
            Self::Wrong(_) | Self::WrongForAddress(_) => 4,
            Self::OtherBody(_) | Self::Stale(..) | Self::Expired => 5,
        }
    }
}

/// Why a configured secret, or an option beside it, cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It is empty.
    #[error("there is no secret")]
    Empty,
    /// No such name.
    #[error("there is no authentication \"{0}\"; write {names}", names = Scheme::names())]
    UnknownScheme(String),
    /// Not base64.
    #[error("a Standard Webhooks secret looks like whsec_ and then base64")]
    NotWhsec,
    /// Too short or too long for the specification.
    #[error("a Standard Webhooks secret has 24 to 64 bytes")]
    Length,
    /// Not base64 where the description says so.
    #[error("the secret is not base64; copy it as the platform shows it")]
    NotBase64,
    /// Not a user and a password.
    #[error("a secret for Basic looks like user:password, both without white space")]
    NotCredentials,
    /// Not a public key.
    #[error(
        "a public key has 32 bytes, in the encoding that ed25519.encoding names; copy it as the platform shows it"
    )]
    NotPublicKey,
    /// The scheme needs more than a secret.
    #[error("the authentication needs `{0}` beside its secret")]
    NoOption(&'static str),
    /// The options beside the secret contradict each other.
    #[error("`{0}` {1}")]
    BadOption(&'static str, String),
}
