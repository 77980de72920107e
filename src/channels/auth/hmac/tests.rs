//! What platforms document, written down as data, against what they sign.

use super::super::testing::{
    AT, BODY, Request, SECRET, assert_needs_headers, assert_rotates, parse,
};
use super::super::{AuthError, Scheme};

const CHATWOOT: &str = r#"
[hmac]
header = "X-Chatwoot-Signature"
prefix = "sha256="
signed = "{timestamp}.{body}"
timestamp_header = "X-Chatwoot-Timestamp"
"#;
const JAMBONZ: &str = r#"
[hmac]
header = "Jambonz-Signature"
signed = "{timestamp}.{body}"
timestamp_in_signature = "t"
signature_in_header = "v1"
"#;
const META: &str = r#"
[hmac]
header = "X-Hub-Signature-256"
prefix = "sha256="
signed = "{body}"
"#;
const STANDARD: &str = r#"
[hmac]
header = "webhook-signature"
prefix = "v1,"
separator = " "
encoding = "base64"
signed = "{id}.{timestamp}.{body}"
timestamp_header = "webhook-timestamp"
id_header = "webhook-id"
secret_encoding = "whsec"
"#;
const HEX: &str = "6bfa919088cca17145835aa299e91deccc56d3e7c80c24c2e99ffb094a0d8452";

fn verifier(options: &str) -> impl Fn(&str) -> Scheme {
    move |secret| parse("hmac", secret, options).unwrap()
}

fn assert_signs_body(request: &Request, scheme: &Scheme) {
    for body in ["", "{}", &BODY.replace("123|123", "123|124")] {
        let changed = request.clone().body(body).check(scheme);
        assert!(matches!(changed, Err(AuthError::Wrong(_))), "{changed:?}");
    }
}

#[test]
fn chatwoot_is_believed() {
    let request = Request::new()
        .header("x-chatwoot-signature", &format!("sha256={HEX}"))
        .header("x-chatwoot-timestamp", &AT.to_string());
    assert_rotates(&request, SECRET, "another", verifier(CHATWOOT));
    let scheme = verifier(CHATWOOT)(SECRET);
    let headers = ["x-chatwoot-signature", "x-chatwoot-timestamp"];
    assert_needs_headers(&request, &scheme, &headers);
    assert_signs_body(&request, &scheme);
    let stale = request.clone().at(AT + 301).check(&scheme);
    assert_eq!(
        stale.unwrap_err().to_string(),
        "`x-chatwoot-timestamp` is more than 300 seconds away from this server's clock"
    );
    let bare = request.header("x-chatwoot-signature", HEX).check(&scheme);
    assert_eq!(
        bare.unwrap_err().to_string(),
        "the header `x-chatwoot-signature` is not of the form `sha256=SIGNATURE` in hexadecimal"
    );
}

#[test]
fn jambonz_is_believed() {
    let header = "jambonz-signature";
    let request = Request::new().header(header, &format!("t={AT},v1={HEX}"));
    assert_rotates(&request, SECRET, "another", verifier(JAMBONZ));
    let scheme = verifier(JAMBONZ)(SECRET);
    assert_needs_headers(&request, &scheme, &[header]);
    assert_signs_body(&request, &scheme);
    let upper = HEX.to_uppercase();
    for right in [
        format!("v1=00, v1={HEX}, t={AT}"),
        format!("t={AT},v0=x,v1={upper}"),
    ] {
        assert_eq!(
            request.clone().header(header, &right).check(&scheme),
            Ok(()),
            "{right}"
        );
    }
    for wrong in [
        format!("t={AT},t={AT},v1={HEX}"),
        format!("v1={HEX}"),
        format!("t={AT}"),
        format!("t={AT},v1="),
        format!("t={AT},v1={}", &HEX[1..]),
        format!("t={AT},v1={}", &HEX[2..]),
        format!("t=+{AT},v1={HEX}"),
        format!("t={},v1={HEX}", AT + 1),
        format!("t=x,v1={HEX}"),
        format!("t={AT},v2={HEX}"),
    ] {
        assert!(
            request
                .clone()
                .header(header, &wrong)
                .check(&scheme)
                .is_err(),
            "{wrong}"
        );
    }
    let none = request
        .clone()
        .header(header, HEX)
        .check(&scheme)
        .unwrap_err();
    assert_eq!(
        none.to_string(),
        "the header `jambonz-signature` is not of the form `t=SECONDS,v1=SIGNATURE` in hexadecimal"
    );
    let stale = request.at(AT + 301).check(&scheme);
    assert!(matches!(stale, Err(AuthError::Stale(..))));
}

#[test]
fn meta_is_believed_without_a_time() {
    let hex = "50531f5bb682caa1c09bdfabd3ffed92c44345f73c0b028bb42ea58915bc832f";
    let request = Request::new().header("x-hub-signature-256", &format!("sha256={hex}"));
    assert_rotates(&request, SECRET, "another", verifier(META));
    let scheme = verifier(META)(SECRET);
    assert_needs_headers(&request, &scheme, &["x-hub-signature-256"]);
    assert_signs_body(&request, &scheme);
    assert_eq!(request.at(0).check(&scheme), Ok(()));
}

#[test]
fn sha1_and_base64_are_believed() {
    let options = "[hmac]\nheader = \"x-s\"\nsigned = \"{body}\"\nalgorithm = \"sha1\"\nencoding = \"base64\"";
    let request = Request::new().header("x-s", "3CpF3QWv1H2ZnQ+dFrtmuEfU8PU=");
    assert_rotates(&request, SECRET, "another", verifier(options));
    let encoded = format!("{options}\nsecret_encoding = \"base64\"");
    let secret = "YS1zaGFyZWQtc2VjcmV0LW9mLWEtdGVzdA==";
    assert_rotates(&request, secret, "AAAA", verifier(&encoded));
    assert!(parse("hmac", SECRET, &encoded).is_err());
}

#[test]
fn slacks_published_vector_is_believed() {
    let options = "[hmac]\nheader = \"x-slack-signature\"\nprefix = \"v0=\"\nsigned = \"v0:{timestamp}:{body}\"\ntimestamp_header = \"x-slack-request-timestamp\"";
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let request = Request::new()
        .header(
            "x-slack-signature",
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        )
        .header("x-slack-request-timestamp", "1531420618")
        .body(body)
        .at(1_531_420_618);
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    assert_rotates(&request, secret, "another", verifier(options));
}

#[test]
fn standard_webhooks_can_be_described_too() {
    let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let request = Request::new()
        .header("webhook-id", "msg_ozc_01J9ZK3W6Q9V1")
        .header("webhook-timestamp", &AT.to_string())
        .header(
            "webhook-signature",
            "v1a,xx v1,B4GLxQ0LEeoRX/Lgl48sI+OHX4nFwzEbX+4dpYM2+yw=",
        );
    let other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    assert_rotates(&request, key, other, verifier(STANDARD));
    let dotted = request.header("webhook-id", "a.b");
    let dotted = dotted.check(&verifier(STANDARD)(key));
    assert!(matches!(dotted, Err(AuthError::Malformed(..))));
}

#[test]
fn a_description_that_leaves_something_unsigned_is_refused() {
    let error = |lines: &str| {
        let options = format!("[hmac]\nheader = \"x-s\"\n{lines}");
        parse("hmac", SECRET, &options).unwrap_err().to_string()
    };
    insta::assert_snapshot!(
        [
            "signed = \"{timestamp}\"\ntimestamp_header = \"x-t\"",
            "signed = \"{body}\"\ntimestamp_header = \"x-t\"",
            "signed = \"{timestamp}.{body}\"",
            "signed = \"{id}.{body}\"",
            "signed = \"{id}{body}\"\nid_header = \"x-i\"",
            "signed = \"{body}{body}\"",
            "signed = \"{url}{body}\"",
            "signed = \"{body\"",
            "signed = \"{timestamp}.{body}\"\ntimestamp_in_signature = \"t\"",
            "signed = \"{timestamp}.{body}\"\ntimestamp_in_signature = \"t\"\ntimestamp_header = \"x-t\"",
            "signed = \"{body}\"\nseparator = \"\"",
        ]
        .map(error)
        .join("\n"),
        @"
        `hmac.signed` does not sign {body}, so the body could be replaced
        `hmac.signed` has {timestamp} exactly when hmac.timestamp_header or hmac.timestamp_in_signature says where it is
        `hmac.signed` has {timestamp} exactly when hmac.timestamp_header or hmac.timestamp_in_signature says where it is
        `hmac.signed` has {id} exactly when hmac.id_header says where it is
        `hmac.signed` needs a literal between its placeholders, like a dot
        `hmac.signed` has one placeholder twice
        `hmac.signed` knows only {id}, {timestamp} and {body}
        `hmac.signed` has a { without its }
        the authentication needs `hmac.signature_in_header` beside its secret
        `hmac.timestamp_header` and hmac.timestamp_in_signature exclude each other; keep one
        `hmac.separator` is empty; leave it out when there is only one signature
        "
    );
}
