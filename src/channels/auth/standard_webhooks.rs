//! Standard Webhooks 1.0.0: `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64, several for
//! a rotation.

use super::error::AuthError;
use super::options::{Algorithm, Encoding, TOLERANCE_S};
use super::secrets::{Secrets, decode};
use super::{Inbound, check_clock, the_only};

pub(super) fn check(secrets: &Secrets, inbound: &Inbound<'_>) -> Result<(), AuthError> {
    let id = the_only(inbound, "webhook-id")?;
    let timestamp = the_only(inbound, "webhook-timestamp")?;
    let signatures = the_only(inbound, "webhook-signature")?;
    // A dot in the id would let a signed text be cut into other parts.
    if id.is_empty() || id.contains('.') {
        return Err(AuthError::malformed("webhook-id", "an id without dots"));
    }
    let signed_at: i64 = timestamp
        .parse()
        .map_err(|_| AuthError::malformed("webhook-timestamp", "seconds since 1970"))?;
    let parts = [
        id.as_bytes(),
        b".",
        timestamp.as_bytes(),
        b".",
        inbound.body,
    ];
    let given: Vec<Vec<u8>> = signatures
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .filter_map(|signature| decode(Encoding::Base64, signature))
        .collect();
    if !secrets.sign(Algorithm::Sha256, &parts).hold(&given) {
        return Err(AuthError::Wrong("`webhook-signature`".to_owned()));
    }
    check_clock(inbound, "`webhook-timestamp`", signed_at, TOLERANCE_S)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::super::testing::{Request, assert_needs_headers, assert_rotates, parse, scheme};
    use super::super::{AuthError, SecretError};

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const HEADERS: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

    fn signed(id: &str, timestamp: u64, body: &str, signature: &str) -> Request {
        Request::new()
            .header("webhook-id", id)
            .header("webhook-timestamp", &timestamp.to_string())
            .header("webhook-signature", signature)
            .body(body)
            .at(timestamp)
    }

    fn ours() -> Request {
        let request = Request::new();
        signed(
            "msg_ozc_01J9ZK3W6Q9V1",
            request.at,
            super::super::testing::BODY,
            "v1,B4GLxQ0LEeoRX/Lgl48sI+OHX4nFwzEbX+4dpYM2+yw=",
        )
    }

    #[test]
    fn the_vectors_of_the_libraries_are_believed() {
        let first = signed(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        );
        let second = signed(
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        );
        let make = |secret: &str| scheme("standard-webhooks", secret);
        assert_rotates(&first, KEY, OTHER, make);
        assert_rotates(&second, OTHER, KEY, make);
        assert_rotates(&ours(), KEY, OTHER, make);
        let bare = KEY.trim_start_matches("whsec_");
        assert_eq!(ours().check(&make(bare)), Ok(()));
    }

    #[test]
    fn every_part_is_signed() {
        let scheme = scheme("standard-webhooks", KEY);
        assert_needs_headers(&ours(), &scheme, &HEADERS);
        let other_body = ours().body(r#"{"code":"123|124","conversation_id":"c-42"}"#);
        assert_eq!(
            other_body.check(&scheme).unwrap_err().to_string(),
            "`webhook-signature` does not fit any active secret of this channel"
        );
        let dotted = ours().header("webhook-id", "a.b").check(&scheme);
        assert_eq!(
            dotted.unwrap_err().to_string(),
            "the header `webhook-id` is not of the form an id without dots"
        );
    }

    #[test]
    fn one_of_several_signatures_is_enough() {
        let right = "v1,B4GLxQ0LEeoRX/Lgl48sI+OHX4nFwzEbX+4dpYM2+yw=";
        let scheme = scheme("standard-webhooks", KEY);
        let check = |signature: String| {
            ours()
                .header("webhook-signature", &signature)
                .check(&scheme)
        };
        assert_eq!(check(format!("v1a,AAAA v1,%% v1, {right}")), Ok(()));
        assert!(check(right.replace("v1,", "v2,")).is_err());
        assert!(check("v1,".to_owned()).is_err());
    }

    #[test]
    fn a_right_signature_of_another_time_is_stale() {
        let scheme = scheme("standard-webhooks", KEY);
        let at = ours().at;
        for (now, is_right) in [
            (at - 301, false),
            (at - 300, true),
            (at + 300, true),
            (at + 301, false),
        ] {
            assert_eq!(ours().at(now).check(&scheme).is_ok(), is_right, "{now}");
        }
        let stale = ours().at(at + 301).check(&scheme).unwrap_err();
        assert_eq!(
            stale.to_string(),
            "`webhook-timestamp` is more than 300 seconds away from this server's clock"
        );
        assert_eq!(stale.id(), "stale");
        let forged = ours().at(at + 301).body("{}").check(&scheme);
        assert!(matches!(forged, Err(AuthError::Wrong(_))));
    }

    #[test]
    fn the_specifications_rules_for_secrets_are_kept() {
        let error = |secret: &str| parse("standard-webhooks", secret, "").unwrap_err();
        assert_eq!(error("not base64"), SecretError::NotWhsec);
        assert_eq!(error("whsec_QUJD"), SecretError::Length);
        assert_eq!(error(&format!("{KEY} whsec_QUJD")), SecretError::Length);
        for (length, is_right) in [(0, false), (23, false), (24, true), (64, true), (65, false)] {
            let secret = format!("whsec_{}", STANDARD.encode(vec![7; length]));
            let parsed = parse("standard-webhooks", &secret, "");
            assert_eq!(parsed.is_ok(), is_right, "{length}");
        }
    }
}
