//! Twilio's signature, which SignalWire and others copied: HMAC-SHA1 over the address and the
//! sorted parameters.
//!
//! A JSON body is signed by its hash in the address, `bodySHA256`. Nothing is signed that tells the
//! time, so a replay is the journal's matter.

use super::error::AuthError;
use super::options::{Algorithm, Encoding};
use super::secrets::{Secrets, decode, is_sha256};
use super::{Inbound, address, has_no_body, the_only};

const SIGNATURE: &str = "x-twilio-signature";
const BODY_HASH: &str = "bodySHA256";

pub(super) fn check(secrets: &Secrets, inbound: &Inbound<'_>) -> Result<(), AuthError> {
    let given = the_only(inbound, SIGNATURE)?;
    let given = decode(Encoding::Base64, given)
        .ok_or_else(|| AuthError::malformed(SIGNATURE, "a signature in base64"))?;
    if inbound.public_url.is_empty() {
        return Err(AuthError::NoPublicUrl);
    }
    let body_hash = address::the_only_member(inbound.target, BODY_HASH)?;
    let parameters = if body_hash.is_some() || has_no_body(inbound) {
        String::new()
    } else {
        parameters(inbound.body)
    };
    let given = [given];
    // No early end: how long this takes says nothing about which spelling was right.
    let fits = address::spellings(inbound.public_url, inbound.target)
        .iter()
        .map(|url| secrets.sign(Algorithm::Sha1, &[url.as_bytes(), parameters.as_bytes()]))
        .fold(false, |fits, expected| fits | expected.hold(&given));
    if !fits {
        return Err(AuthError::WrongForAddress(format!("`{SIGNATURE}`")));
    }
    let is_this_body = match body_hash {
        Some(hash) => is_sha256(&hash, inbound.body),
        None => !has_no_body(inbound) || inbound.body.is_empty(),
    };
    if is_this_body {
        Ok(())
    } else {
        Err(AuthError::OtherBody(format!("`{SIGNATURE}`")))
    }
}

/// Names and values without anything between them: sorted, and the same value of one name only
/// once.
fn parameters(body: &[u8]) -> String {
    let mut members = address::members(body);
    members.sort();
    members.dedup();
    members
        .iter()
        .flat_map(|(name, value)| [name.as_ref(), value.as_ref()])
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use axum::http::Method;

    use super::super::testing::{Request, assert_needs_headers, assert_rotates, scheme};
    use super::super::{AuthError, Scheme};
    use super::SIGNATURE;

    const TOKEN: &str = "12345";
    const HASH: &str = "646e88e852bd6e96aaad1d2aff2c4ddea4d9c993bd81186c3dfebedf940c0bed";
    const CALL: &str = "CallSid=CAd8b2f4e1c0a94b7e9d1f2a3b4c5d6e7f&AccountSid=AC00000000000000000000000000000000&From=%2B5548999990000&To=%2B554840040000&CallStatus=in-progress&Direction=inbound&ApiVersion=2010-04-01&Digits=123*123&FinishedOnKey=%23&msg=Gather+End";

    fn twilio() -> Scheme {
        scheme("twilio", TOKEN)
    }

    fn signed(target: &str, body: &str, signature: &str) -> Request {
        Request::new()
            .target(target)
            .body(body)
            .header(SIGNATURE, signature)
    }

    fn call() -> Request {
        signed(
            "/v1/channels/twilio-voice",
            CALL,
            "IT176mFiiYvrINPxNs8/JDzquOs=",
        )
    }

    #[test]
    fn the_published_vector_is_believed() {
        let form = "Digits=1234&To=%2B18005551212&From=%2B14158675309&Caller=%2B14158675309&CallSid=CA1234567890ABCDE";
        let request = signed(
            "/myapp.php?foo=1&bar=2",
            form,
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        )
        .public_url("https://mycompany.com");
        assert_rotates(&request, TOKEN, "54321", |secret| scheme("twilio", secret));
    }

    #[test]
    fn a_call_is_believed_and_every_part_of_it_is_signed() {
        assert_rotates(&call(), TOKEN, "54321", |secret| scheme("twilio", secret));
        assert_needs_headers(&call(), &twilio(), &[SIGNATURE]);
        for parameter in CALL.split('&') {
            let without: Vec<&str> = CALL
                .split('&')
                .filter(|other| *other != parameter)
                .collect();
            for body in [without.join("&"), format!("{CALL}&{parameter}x")] {
                let changed = call().body(&body).check(&twilio());
                assert!(
                    matches!(changed, Err(AuthError::WrongForAddress(_))),
                    "{body}"
                );
            }
        }
        for changed in [
            call().target("/v1/channels/twilio-voice2"),
            call().target("/v1/channels/twilio-voice?x=1"),
            call().target("/v1/channels/twilio-voice/"),
            call().public_url("http://hook.example.com"),
            call().public_url("https://hook.example.org"),
            call().method(Method::GET),
            call().body(""),
            call().body("{\"code\":\"1\"}"),
        ] {
            let changed = changed.check(&twilio());
            assert!(
                matches!(changed, Err(AuthError::WrongForAddress(_))),
                "{changed:?}"
            );
        }
    }

    #[test]
    fn repeated_values_are_signed_once_and_sorted() {
        let media = |body| signed("/x", body, "+qolwdu4bxslSSUQWYqRZ939hv4=").check(&twilio());
        assert_eq!(media("Media=b&Media=a&Media=a"), Ok(()));
        assert_eq!(media("Media=a&Media=b"), Ok(()));
        assert!(media("Media=a").is_err());
    }

    #[test]
    fn a_raw_bar_is_signed_as_it_stood_in_the_request() {
        let raw = "PPvP2NlIqFU04kGlLW+QiRIf9Dw=";
        let form = "CallSid=CA1";
        assert_eq!(
            signed("/x?code=123|123", form, raw).check(&twilio()),
            Ok(())
        );
        assert!(
            signed("/x?code=123%7C123", form, raw)
                .check(&twilio())
                .is_err()
        );
    }

    #[test]
    fn another_spelling_of_the_same_address_is_believed() {
        // Signed over `/x?a=b&code=1%7C2`.
        let encoded = |target| signed(target, "", "qYUbnGUiYKXtbidLiIC35JMrMeg=");
        for target in ["/x?a=b&code=1%7C2", "/x?a=b&code=1|2", "/x?a=b&code=1%7c2"] {
            assert_eq!(encoded(target).check(&twilio()), Ok(()), "{target}");
        }
        for target in [
            "/x?a=b&code=1%7C3",
            "/x?code=1%7C2&a=b",
            "/x?a=b&code=1%257C2",
        ] {
            assert!(encoded(target).check(&twilio()).is_err(), "{target}");
        }
    }

    #[test]
    fn the_default_port_may_be_signed_or_not() {
        for public_url in ["https://hook.example.com:443", "https://hook.example.com/"] {
            assert_eq!(call().public_url(public_url).check(&twilio()), Ok(()));
        }
    }

    #[test]
    fn a_get_has_everything_in_its_address() {
        let get = signed("/x?a=b&code=1|2", "", "qYUbnGUiYKXtbidLiIC35JMrMeg=").method(Method::GET);
        assert_eq!(get.check(&twilio()), Ok(()));
        let with_body = get.body("code=9").check(&twilio());
        assert!(matches!(with_body, Err(AuthError::OtherBody(_))));
    }

    #[test]
    fn a_json_body_is_signed_by_its_hash() {
        let target = format!("/webhooks/ivr?step=1&bodySHA256={HASH}");
        let request = Request::new()
            .target(&target)
            .header(SIGNATURE, "ShyGReqIcOUWaEjhQnTiM9Yy6Jk=");
        assert_eq!(request.check(&twilio()), Ok(()));
        let other = request.clone().body("{}").check(&twilio());
        assert!(matches!(other, Err(AuthError::OtherBody(_))), "{other:?}");
        let twice = request.clone().target(&format!("{target}&bodySHA256=0"));
        let twice = twice.check(&twilio());
        assert!(matches!(twice, Err(AuthError::Repeated(_))), "{twice:?}");
        let zeros = target.replace(HASH, &"0".repeat(64));
        assert!(request.target(&zeros).check(&twilio()).is_err());
    }

    #[test]
    fn without_the_address_nothing_can_be_believed() {
        let error = call().public_url("").check(&twilio());
        assert_eq!(error, Err(AuthError::NoPublicUrl));
    }

    #[test]
    fn the_host_that_a_caller_writes_means_nothing() {
        let request = call()
            .public_url("https://other.example.com")
            .header("host", "hook.example.com")
            .header("x-forwarded-host", "hook.example.com");
        assert!(request.check(&twilio()).is_err());
    }
}
