//! How a platform authenticates, described as data in a preset or in a channel's configuration.

use axum::http::HeaderName;
use serde::Deserialize;

use super::error::SecretError;

/// How far a signed time may be from this machine's clock, as the platforms' own libraries judge
/// it.
pub(super) const TOLERANCE_S: u64 = 300;

/// The options of a scheme beside its name and its secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SchemeOptions {
    /// The header of the scheme `header`.
    pub header: Option<String>,
    /// The member of the query of the scheme `query`; without one it is `token`.
    pub query: Option<String>,
    /// The description of the scheme `hmac`.
    pub hmac: Option<HmacSpec>,
    /// The description of the scheme `ed25519`; without one it is Telnyx's.
    pub ed25519: Option<Ed25519Spec>,
}

impl SchemeOptions {
    /// These options, with the other ones as defaults.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            header: self.header.or(other.header),
            query: self.query.or(other.query),
            hmac: self.hmac.or(other.hmac),
            ed25519: self.ed25519.or(other.ed25519),
        }
    }
}

/// An HMAC as a platform's documentation describes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HmacSpec {
    /// The header that holds the signature.
    pub header: String,
    /// The hash.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// The encoding of the signature.
    #[serde(default)]
    pub encoding: Encoding,
    /// The prefix of every signature, like `sha256=`.
    #[serde(default)]
    pub prefix: String,
    /// What is signed: literals and `{id}`, `{timestamp}` and `{body}`.
    pub signed: String,
    /// The header that holds the signed time, in seconds since 1970.
    pub timestamp_header: Option<String>,
    /// The member of the signature's header that holds the signed time, like `t` in `t=…,v1=…`.
    pub timestamp_in_signature: Option<String>,
    /// The member of the signature's header that holds the signature, like `v1`.
    pub signature_in_header: Option<String>,
    /// The separator between several signatures or members; by default `,` between members.
    pub separator: Option<String>,
    /// The header that holds the signed id.
    pub id_header: Option<String>,
    /// The tolerance of the signed timestamp, in seconds.
    #[serde(default = "tolerance_s")]
    pub tolerance_s: u64,
    /// The encoding of the secret.
    #[serde(default)]
    pub secret_encoding: SecretEncoding,
}

/// A signature with a public key as a platform's documentation describes it. The default is
/// Telnyx's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ed25519Spec {
    /// The header that holds the signature.
    pub header: String,
    /// The header that holds the signed time, in seconds since 1970.
    pub timestamp_header: String,
    /// What is signed: literals and `{timestamp}` and `{body}`.
    pub signed: String,
    /// The encoding of the signature and of the public key.
    pub encoding: Encoding,
    /// The tolerance of the signed timestamp, in seconds.
    pub tolerance_s: u64,
}

/// The hash under an HMAC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// SHA-1, which is still sound under an HMAC.
    Sha1,
    /// SHA-256.
    #[default]
    Sha256,
}

/// The encoding of bytes in a header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Hexadecimal digits of either case.
    #[default]
    Hex,
    /// Standard base64 with padding.
    Base64,
}

/// The encoding of a secret in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretEncoding {
    /// The text is the key.
    #[default]
    Text,
    /// Standard base64 of the key.
    Base64,
    /// As Standard Webhooks writes it: `whsec_` and base64 of 24 to 64 bytes.
    Whsec,
}

impl Default for Ed25519Spec {
    fn default() -> Self {
        Self {
            header: "telnyx-signature-ed25519".to_owned(),
            timestamp_header: "telnyx-timestamp".to_owned(),
            signed: "{timestamp}|{body}".to_owned(),
            encoding: Encoding::Base64,
            tolerance_s: TOLERANCE_S,
        }
    }
}

const fn tolerance_s() -> u64 {
    TOLERANCE_S
}

/// A header's name as the library compares it.
pub(super) fn header_name(option: &'static str, name: Option<&str>) -> Result<String, SecretError> {
    let name = name.ok_or(SecretError::NoOption(option))?;
    HeaderName::from_bytes(name.as_bytes())
        .map(|name| name.as_str().to_owned())
        .map_err(|_| SecretError::BadOption(option, format!("= \"{name}\" is no header's name")))
}

pub(super) fn query_name(name: Option<&str>) -> Result<String, SecretError> {
    match name {
        None => Ok("token".to_owned()),
        Some("") => {
            let empty = "is empty; write the name of a member".to_owned();
            Err(SecretError::BadOption("query", empty))
        }
        Some(name) => Ok(name.to_owned()),
    }
}
