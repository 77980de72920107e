//! Plivo's signature, version 3: HMAC-SHA256 over the address, the sorted parameters and a nonce.
//!
//! Checked against the vendor's own SDK: with parameters in the body a `?` follows the path even
//! when there is no query. Nothing is signed that tells the time, so a replay is the journal's
//! matter.

use std::borrow::Cow;

use super::error::{AuthError, CredentialLocation};
use super::options::{Algorithm, Encoding};
use super::secrets::{Secrets, decode};
use super::{Inbound, address, has_no_body, the_only};

const SIGNATURE: &str = "x-plivo-signature-v3";
/// Signed by the main account, when a subaccount calls.
const SIGNATURE_MAIN: &str = "x-plivo-signature-ma-v3";
const NONCE: &str = "x-plivo-signature-v3-nonce";

pub(super) fn check(secrets: &Secrets, inbound: &Inbound<'_>) -> Result<(), AuthError> {
    let given = signatures(inbound)?;
    let nonce = the_only(inbound, NONCE)?;
    if inbound.public_url.is_empty() {
        return Err(AuthError::NoPublicUrl);
    }
    let rest = signed(inbound);
    let fits = address::origins(inbound.public_url)
        .iter()
        .map(|origin| {
            let parts = [origin.as_str(), &rest, ".", nonce].map(str::as_bytes);
            secrets.sign(Algorithm::Sha256, &parts)
        })
        .fold(false, |fits, expected| fits | expected.hold(&given));
    if !fits {
        return Err(AuthError::WrongForAddress(format!("`{SIGNATURE}`")));
    }
    if has_no_body(inbound) && !inbound.body.is_empty() {
        return Err(AuthError::OtherBody(format!("`{SIGNATURE}`")));
    }
    Ok(())
}

fn signatures(inbound: &Inbound<'_>) -> Result<Vec<Vec<u8>>, AuthError> {
    let mut given = Vec::new();
    let mut is_missing = true;
    for name in [SIGNATURE, SIGNATURE_MAIN] {
        let list = match the_only(inbound, name) {
            Err(AuthError::Missing(_)) => continue,
            list => list?,
        };
        is_missing = false;
        let decoded = |one: &str| decode(Encoding::Base64, one.trim());
        given.extend(list.split(',').filter_map(decoded));
    }
    if is_missing {
        return Err(AuthError::Missing(CredentialLocation::Header(
            SIGNATURE.to_owned(),
        )));
    }
    if given.is_empty() {
        let form = "signatures in base64 with commas between them";
        return Err(AuthError::malformed(SIGNATURE, form));
    }
    Ok(given)
}

/// The signed part between the origin and the nonce.
fn signed(inbound: &Inbound<'_>) -> String {
    let (path, query) = address::split(inbound.target);
    let query: Vec<String> = sorted(query.unwrap_or_default().as_bytes())
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let query = query.join("&");
    let parameters = if has_no_body(inbound) {
        Vec::new()
    } else {
        sorted(inbound.body)
    };
    let mut signed = path.to_owned();
    if !query.is_empty() || !parameters.is_empty() {
        signed.push('?');
        signed.push_str(&query);
    }
    if !query.is_empty() && !parameters.is_empty() {
        signed.push('.');
    }
    for (name, value) in &parameters {
        signed.push_str(name);
        signed.push_str(value);
    }
    signed
}

fn sorted(encoded: &[u8]) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    let mut members = address::members(encoded);
    members.sort();
    members
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use axum::http::Method;

    use super::super::testing::{Request, assert_needs_headers, assert_rotates, scheme};
    use super::super::{AuthError, Scheme};
    use super::{NONCE, SIGNATURE, SIGNATURE_MAIN};

    const TOKEN: &str = "tok";

    fn plivo() -> Scheme {
        scheme("plivo-v3", TOKEN)
    }

    fn signed(target: &str, body: &str, signature: &str) -> Request {
        Request::new()
            .target(target)
            .body(body)
            .header(SIGNATURE, signature)
            .header(NONCE, "nonce1")
    }

    /// Each as the vendor's SDK signs it.
    fn vectors() -> [Request; 6] {
        [
            signed(
                "/x",
                "b=z&a=1&b=y&b=y",
                "F6FJQC75x/lAV+QeqoE4dpamRoCiEbQVKyvxl9DBPHo=",
            ),
            signed(
                "/x?q=a%7Cb&c=1&q=A",
                "a=1",
                "C83JB/3XCIl0BpqBsYQTvfTTq8ai7mCgye/STzJr41o=",
            ),
            signed("/x", "", "V/jQl3wz7PpYpiswCZ0p6bFhu7e0l84gaROeolZU2vs="),
            signed(
                "/x?b=2&a=1",
                "",
                "oTFKFk8lWTg4jZma17Knx/629eI9iCZLmVp98DBLjAs=",
            ),
            signed(
                "/x?b=2&a=1",
                "",
                "WhDXgFu/y1IMPkmVTYoNp/pX3bjfLFSMvoRiKusKtqY=",
            )
            .public_url("https://hook.example.com:8443")
            .method(Method::GET),
            signed("/x", "", "V/jQl3wz7PpYpiswCZ0p6bFhu7e0l84gaROeolZU2vs=").method(Method::GET),
        ]
    }

    #[test]
    fn every_shape_of_request_is_believed_and_every_part_is_signed() {
        for request in vectors() {
            assert_rotates(&request, TOKEN, "other", |secret| {
                scheme("plivo-v3", secret)
            });
            assert_needs_headers(&request, &plivo(), &[NONCE, SIGNATURE]);
            let target = request.target.clone();
            for changed in [
                request.clone().target(&format!("{target}y")),
                request.clone().target(&format!("/y{target}")),
                request.clone().public_url("https://hook.example.org:8443"),
                request.clone().public_url("http://hook.example.com"),
                request.clone().body("a=2"),
            ] {
                assert!(changed.check(&plivo()).is_err(), "{}", changed.target);
            }
        }
    }

    #[test]
    fn the_form_is_signed() {
        let [form, ..] = vectors();
        for body in [
            "a=1&b=y&b=z",
            "a=1&b=y&b=y&b=x",
            "a=1",
            "",
            "b=y&b=y&b=z&a=1&c=",
        ] {
            let changed = form.clone().body(body).check(&plivo());
            assert!(
                matches!(changed, Err(AuthError::WrongForAddress(_))),
                "{body}"
            );
        }
        assert!(form.method(Method::GET).check(&plivo()).is_err());
    }

    #[test]
    fn a_get_with_a_body_is_refused() {
        let [.., get] = vectors();
        let with_body = get.body("code=1").check(&plivo());
        assert!(matches!(with_body, Err(AuthError::OtherBody(_))));
    }

    #[test]
    fn one_of_several_signatures_is_enough_whoever_made_it() {
        let [.., request] = vectors();
        let right = request.headers[SIGNATURE].to_str().unwrap().to_owned();
        let list = request
            .clone()
            .header(SIGNATURE, &format!("AAAA,%, {right}"));
        assert_eq!(list.check(&plivo()), Ok(()));
        let main = request
            .clone()
            .without(SIGNATURE)
            .header(SIGNATURE_MAIN, &right);
        assert_eq!(main.check(&plivo()), Ok(()));
        let both = request
            .header(SIGNATURE, "AAAA")
            .header(SIGNATURE_MAIN, &right);
        assert_eq!(both.check(&plivo()), Ok(()));
    }

    #[test]
    fn without_the_address_nothing_can_be_believed() {
        let [request, ..] = vectors();
        let error = request.public_url("").check(&plivo());
        assert_eq!(error, Err(AuthError::NoPublicUrl));
    }
}
