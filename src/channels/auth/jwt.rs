//! A JWT with HS256 whose claims hold the hash of the body, as Vonage signs its webhooks.
//!
//! The vendor's own library takes any algorithm that the key fits, and checks neither the hash nor
//! that there is a time. Here the algorithm is HS256 and nothing else, and both claims are
//! required: without them one token would open everything for ever.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::AuthError;
use super::options::{Algorithm, TOLERANCE_S};
use super::secrets::{Secrets, is_sha256};
use super::{Inbound, check_clock, tokens};

const FORM: &str =
    "`Bearer` and then a JWT with the algorithm HS256 and the claims `iat` and `payload_hash`";

#[derive(Deserialize)]
struct Header {
    alg: String,
    /// Extensions that must be understood; none is.
    crit: Option<Value>,
}

/// A repeated claim is an error; the last one must not win.
#[derive(Deserialize)]
struct Claims {
    iat: i64,
    exp: Option<i64>,
    payload_hash: String,
}

pub(super) fn check(secrets: &Secrets, inbound: &Inbound<'_>) -> Result<(), AuthError> {
    let malformed = || AuthError::malformed("authorization", FORM);
    let token = tokens::authorization(inbound, "bearer", FORM)?;
    let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
    let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
    let header: Header = read(header).ok_or_else(malformed)?;
    if header.alg != "HS256" || header.crit.is_some() {
        return Err(malformed());
    }
    let given = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
    let expected = secrets.sign(Algorithm::Sha256, &[signed.as_bytes()]);
    if !expected.hold(&[given]) {
        return Err(AuthError::Wrong("the signature of the JWT".to_owned()));
    }
    let claims: Claims = read(claims).ok_or_else(malformed)?;
    check_clock(
        inbound,
        "the claim `iat` of the JWT",
        claims.iat,
        TOLERANCE_S,
    )?;
    if claims
        .exp
        .is_some_and(|end| end < inbound.at.unix_seconds())
    {
        return Err(AuthError::Expired);
    }
    if is_sha256(&claims.payload_hash, inbound.body) {
        Ok(())
    } else {
        let what = "the claim `payload_hash` of the JWT".to_owned();
        Err(AuthError::OtherBody(what))
    }
}

fn read<T: DeserializeOwned>(encoded: &str) -> Option<T> {
    let json = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    use super::super::AuthError;
    use super::super::testing::{
        AT, Request, SECRET, assert_needs_headers, assert_rotates, scheme,
    };

    const HASH: &str = "646e88e852bd6e96aaad1d2aff2c4ddea4d9c993bd81186c3dfebedf940c0bed";
    const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3OTU0Njc2MDAsImV4cCI6MTc5NTQ2ODUwMCwiaXNzIjoiVm9uYWdlIiwiYXBpX2tleSI6ImExYjIiLCJhcHBsaWNhdGlvbl9pZCI6ImFwcCIsImp0aSI6ImotMSIsInBheWxvYWRfaGFzaCI6IjY0NmU4OGU4NTJiZDZlOTZhYWFkMWQyYWZmMmM0ZGRlYTRkOWM5OTNiZDgxMTg2YzNkZmViZWRmOTQwYzBiZWQifQ.9CkOoScCXk1wcypNok1snk1KMGwhKt5BJkVUH9USxag";

    fn bearing(token: &str) -> Request {
        Request::new().header("authorization", &format!("Bearer {token}"))
    }

    /// A token with a right signature, whatever it says.
    fn token(header: &str, claims: &str) -> String {
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    fn check(header: &str, claims: &str) -> Result<(), AuthError> {
        bearing(&token(header, claims)).check(&scheme("jwt-hs256", SECRET))
    }

    #[test]
    fn vonage_is_believed_and_every_part_is_signed() {
        assert_rotates(&bearing(TOKEN), SECRET, "another", |secret| {
            scheme("jwt-hs256", secret)
        });
        let scheme = scheme("jwt-hs256", SECRET);
        assert_needs_headers(&bearing(TOKEN), &scheme, &["authorization"]);
        let other = bearing(TOKEN).body("{}").check(&scheme);
        assert!(matches!(other, Err(AuthError::OtherBody(_))), "{other:?}");
        for (index, byte) in TOKEN.bytes().enumerate() {
            let other = if byte == b'A' { "B" } else { "A" };
            let mut changed = TOKEN.to_owned();
            changed.replace_range(index..=index, other);
            assert!(bearing(&changed).check(&scheme).is_err(), "{index}");
        }
    }

    #[test]
    fn only_hs256_is_an_algorithm() {
        let claims = format!(r#"{{"iat":{AT},"payload_hash":"{HASH}"}}"#);
        assert_eq!(check(r#"{"alg":"HS256"}"#, &claims), Ok(()));
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"hs256"}"#,
            r#"{"alg":"HS512"}"#,
            r#"{"alg":"RS256"}"#,
            r#"{"alg":"HS256","alg":"none"}"#,
            r#"{"alg":"HS256","crit":["b64"],"b64":false}"#,
            r#"{"typ":"JWT"}"#,
            "[]",
            "",
        ] {
            let error = check(header, &claims);
            assert!(
                matches!(error, Err(AuthError::Malformed(..))),
                "{header}: {error:?}"
            );
        }
        let unsigned = token(r#"{"alg":"none"}"#, &claims);
        let (unsigned, _) = unsigned.rsplit_once('.').unwrap();
        for token in [unsigned.to_owned(), format!("{unsigned}."), "..".to_owned()] {
            assert!(bearing(&token).check(&scheme("jwt-hs256", SECRET)).is_err());
        }
    }

    #[test]
    fn a_token_says_when_it_was_made_and_for_what() {
        let header = r#"{"alg":"HS256","typ":"JWT"}"#;
        let upper = HASH.to_uppercase();
        for (claims, is_right) in [
            (format!(r#"{{"iat":{AT},"payload_hash":"{upper}"}}"#), true),
            (
                format!(r#"{{"iat":{AT},"exp":{AT},"payload_hash":"{HASH}"}}"#),
                true,
            ),
            (format!(r#"{{"payload_hash":"{HASH}"}}"#), false),
            (format!(r#"{{"iat":{AT}}}"#), false),
            (format!(r#"{{"iat":{AT},"payload_hash":""}}"#), false),
            (format!(r#"{{"iat":{AT},"payload_hash":null}}"#), false),
            (
                format!(r#"{{"iat":{AT},"exp":{},"payload_hash":"{HASH}"}}"#, AT - 1),
                false,
            ),
            (
                format!(r#"{{"iat":{},"payload_hash":"{HASH}"}}"#, AT - 301),
                false,
            ),
            (
                format!(r#"{{"iat":{},"payload_hash":"{HASH}"}}"#, AT + 301),
                false,
            ),
            (
                format!(r#"{{"iat":"{AT}","payload_hash":"{HASH}"}}"#),
                false,
            ),
            (
                format!(r#"{{"iat":1,"iat":{AT},"payload_hash":"{HASH}"}}"#),
                false,
            ),
            (
                format!(r#"{{"iat":{},"payload_hash":"{HASH}"}}"#, i64::MIN),
                false,
            ),
        ] {
            assert_eq!(check(header, &claims).is_ok(), is_right, "{claims}");
        }
    }
}
