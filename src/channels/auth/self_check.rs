//! Authenticates with a channel's own secrets, as its callers will, so that a secret that cannot be
//! sent is found at start.
//!
//! Only for secrets that are sent as they are: a platform's signature cannot be made here. It must
//! never show a secret.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use super::super::Inbound;
use super::secrets::Secrets;
use super::{Auth, Scheme};
use crate::clock::Moment;

/// The result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelfCheck {
    /// Every secret that can be tried is accepted.
    Believed,
    /// No secret can be tried.
    NotTried,
    /// A secret is rejected, and why.
    Refused(String),
}

/// A request that has only a credential.
struct Proven {
    headers: HeaderMap,
    target: String,
}

impl Auth {
    /// Tries every secret that is sent unchanged.
    pub(in crate::channels) fn self_check(&self) -> SelfCheck {
        let mut checked = SelfCheck::NotTried;
        for scheme in &self.0 {
            let Some(secrets) = scheme.sent() else {
                continue;
            };
            for secret in secrets.each_text() {
                match scheme
                    .proven(secret)
                    .and_then(|request| scheme.believes(&request))
                {
                    Ok(()) => checked = SelfCheck::Believed,
                    Err(why) => return SelfCheck::Refused(why),
                }
            }
        }
        checked
    }
}

impl Scheme {
    /// Its secrets, where a caller sends one of them as it is.
    fn sent(&self) -> Option<&Secrets> {
        match self {
            Self::Bearer(secrets)
            | Self::Basic(secrets)
            | Self::Header { secrets, .. }
            | Self::QueryToken { secrets, .. } => Some(secrets),
            Self::None
            | Self::StandardWebhooks(_)
            | Self::Hmac(_)
            | Self::Twilio(_)
            | Self::PlivoV3(_)
            | Self::Ed25519(_)
            | Self::JwtHs256(_) => None,
        }
    }

    /// A request with this secret, as a caller would send it.
    fn proven(&self, secret: &[u8]) -> Result<Proven, String> {
        let (name, value) = match self {
            Self::Header { name, .. } => (name.as_str(), secret.to_vec()),
            Self::Basic(_) => {
                let encoded = format!("Basic {}", STANDARD.encode(secret));
                ("authorization", encoded.into_bytes())
            }
            Self::QueryToken { name, .. } => {
                let escaped = |bytes: &[u8]| percent_encode(bytes, NON_ALPHANUMERIC).to_string();
                return Ok(Proven {
                    headers: HeaderMap::new(),
                    target: format!(
                        "/webhooks/x?{}={}",
                        escaped(name.as_bytes()),
                        escaped(secret)
                    ),
                });
            }
            Self::Bearer(_)
            | Self::None
            | Self::StandardWebhooks(_)
            | Self::Hmac(_)
            | Self::Twilio(_)
            | Self::PlivoV3(_)
            | Self::Ed25519(_)
            | Self::JwtHs256(_) => ("authorization", [b"Bearer ", secret].concat()),
        };
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| "the configured header name is not valid".to_owned())?;
        let value = HeaderValue::from_bytes(&value)
            .map_err(|_| "no header can carry the secret".to_owned())?;
        Ok(Proven {
            headers: HeaderMap::from_iter([(name, value)]),
            target: "/webhooks/x".to_owned(),
        })
    }

    fn believes(&self, request: &Proven) -> Result<(), String> {
        let inbound = Inbound {
            method: &Method::POST,
            target: &request.target,
            public_url: "",
            headers: &request.headers,
            body: &[],
            at: Moment::now(),
        };
        self.check(&inbound).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SECRET, parse, scheme};
    use super::*;

    #[test]
    fn a_secret_that_can_be_sent_is_accepted_and_one_that_cannot_is_reported() {
        for (name, secret, options) in [
            ("bearer", SECRET, ""),
            ("bearer", "first-of-two second-of-two", ""),
            ("basic", "user:senha-secretíssima", ""),
            ("query", "with&and=and%and+", ""),
            ("header", SECRET, "header = \"X-Token\""),
        ] {
            let scheme = parse(name, secret, options).ok();
            let auth = Auth::any_of(scheme.into_iter().collect());
            assert_eq!(auth.self_check(), SelfCheck::Believed, "{name} {secret}");
        }
        for (secret, why) in [
            ("senha-secretíssima", "plain ASCII"),
            ("one\u{7f}two", "no header can carry"),
        ] {
            let checked = Auth::any_of(vec![scheme("bearer", secret)]).self_check();
            match checked {
                SelfCheck::Refused(said) => assert!(said.contains(why), "{said}"),
                SelfCheck::Believed | SelfCheck::NotTried => assert_eq!(secret, "", "not refused"),
            }
        }
        let twilio = Auth::any_of(vec![scheme("twilio", SECRET)]);
        assert_eq!(twilio.self_check(), SelfCheck::NotTried);
    }
}
