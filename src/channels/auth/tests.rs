//! What holds for every scheme, and for several at once.

use proptest::prelude::*;

use super::testing::{AT, Request, SECRET, parse, scheme};
use super::*;

const HMAC: &str = r#"
[hmac]
header = "x-signature"
signed = "{id}.{timestamp}.{body}"
timestamp_in_signature = "t"
signature_in_header = "v1"
id_header = "x-id"
"#;

/// Longer than any secret of the tests below.
const LONG: &str = "Bearer 0123456789012345678901234567890123456789012345678901234567890123456789";

/// One scheme of every kind, and the headers that it looks at.
fn every_scheme() -> Vec<(Scheme, &'static [&'static str])> {
    let whsec = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let public_key = "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=";
    vec![
        (scheme("bearer", SECRET), &["authorization"]),
        (scheme("basic", "user:password"), &["authorization"]),
        (
            parse("header", SECRET, "header = \"x-token\"").unwrap(),
            &["x-token"],
        ),
        (parse("query", SECRET, "query = \"token\"").unwrap(), &[]),
        (
            scheme("standard-webhooks", whsec),
            &["webhook-id", "webhook-timestamp", "webhook-signature"],
        ),
        (
            parse("hmac", SECRET, HMAC).unwrap(),
            &["x-signature", "x-id"],
        ),
        (scheme("twilio", SECRET), &["x-twilio-signature"]),
        (
            scheme("plivo-v3", SECRET),
            &[
                "x-plivo-signature-v3",
                "x-plivo-signature-ma-v3",
                "x-plivo-signature-v3-nonce",
            ],
        ),
        (
            scheme("ed25519", public_key),
            &["telnyx-signature-ed25519", "telnyx-timestamp"],
        ),
        (scheme("jwt-hs256", SECRET), &["authorization"]),
    ]
}

/// A header's value: anything, or something that looks nearly right.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let near = "(Bearer |Basic |v1,|t=|t=1795467600,v1=|1795467600|)[0-9a-zA-Z+/=._, -]{0,90}";
    prop_oneof![
        proptest::collection::vec(
            prop_oneof![0x20_u8..0x7f, 0x80_u8..=0xff, Just(b'\t')],
            0..80
        ),
        near.prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn garbage_never_proves_anything_and_never_panics(
        values in proptest::collection::vec(value(), 4),
        is_repeated: bool,
        method in "GET|POST|HEAD|X",
        target in "/[ -~\u{a1}-\u{ff}\u{1f600}]{0,60}",
        public_url in "(https?://)?[ -~\u{e9}]{0,30}",
        body in proptest::collection::vec(any::<u8>(), 0..200),
        at in 0..u64::from(u32::MAX),
    ) {
        for (scheme, names) in every_scheme() {
            let mut request = Request::new().target(&target).public_url(&public_url).at(at);
            request.method = method.parse().unwrap();
            request.body.clone_from(&body);
            for (name, value) in names.iter().zip(&values) {
                let value = axum::http::HeaderValue::from_bytes(value).unwrap();
                request.headers.append(*name, value.clone());
                if is_repeated {
                    request.headers.append(*name, value);
                }
            }
            let error = request.check(&scheme).unwrap_err();
            prop_assert!(!error.to_string().contains(SECRET));
        }
    }

    #[test]
    fn no_description_panics(
        signed in "[{}a-z.|]{0,20}|\\{timestamp\\}[.|:]?\\{body\\}",
        names in "[a-z-]{1,10}|[ -~]{0,20}",
        separator in proptest::option::of("[,; ]{0,2}"),
        member in proptest::option::of("[a-z]{0,2}"),
        secret in "[ -~\u{e9}]{0,40}",
    ) {
        let spec = HmacSpec {
            timestamp_header: Some(names.clone()),
            signature_in_header: member,
            separator,
            signed: signed.clone(),
            header: names.clone(),
            ..toml::from_str("header = \"\"\nsigned = \"\"").unwrap()
        };
        let ed25519 = Ed25519Spec { header: names.clone(), signed, ..Ed25519Spec::default() };
        let options = SchemeOptions {
            header: None,
            query: None,
            hmac: Some(spec),
            ed25519: Some(ed25519),
        };
        for name in Scheme::NAMES {
            let parsed = Scheme::parse(name, &SecretString::from(secret.as_str()), &options);
            if let Ok(scheme) = parsed {
                let mut request = Request::new().header("authorization", LONG);
                if let Ok(name) = options::header_name("header", Some(&names)) {
                    request = request.header(&name, "1795467600");
                }
                prop_assert!(matches!(scheme, Scheme::None) || request.check(&scheme).is_err());
            }
        }
    }
}

#[test]
fn every_name_is_known_and_an_unknown_one_is_told_all_of_them() {
    for name in Scheme::NAMES {
        let parsed = parse(name, " ", "");
        assert!(
            !matches!(parsed, Err(SecretError::UnknownScheme(_))),
            "{name}"
        );
    }
    let error = parse("hmac-sha256", "x", "").unwrap_err();
    insta::assert_snapshot!(error, @r#"there is no authentication "hmac-sha256"; write "bearer", "basic", "header", "query", "standard-webhooks", "hmac", "twilio", "plivo-v3", "ed25519", "jwt-hs256" or "none""#);
}

#[test]
fn a_scheme_without_a_secret_is_refused() {
    for name in [
        "bearer",
        "basic",
        "standard-webhooks",
        "twilio",
        "plivo-v3",
        "ed25519",
        "jwt-hs256",
    ] {
        assert_eq!(
            parse(name, " \n", "").unwrap_err(),
            SecretError::Empty,
            "{name}"
        );
    }
    assert_eq!(parse("hmac", " ", HMAC).unwrap_err(), SecretError::Empty);
    assert_eq!(
        parse("header", "", "header = \"x-token\"").unwrap_err(),
        SecretError::Empty
    );
}

#[test]
fn a_scheme_without_what_it_needs_says_so() {
    let error = |name, options| parse(name, SECRET, options).unwrap_err().to_string();
    assert_eq!(
        error("header", ""),
        "the authentication needs `header` beside its secret"
    );
    assert_eq!(
        error("hmac", ""),
        "the authentication needs `hmac` beside its secret"
    );
    assert_eq!(
        error("header", "header = \"a b\""),
        "`header` = \"a b\" is no header's name"
    );
}

#[test]
fn any_one_scheme_is_enough_and_the_furthest_one_speaks() {
    let auth = Auth::any_of(vec![
        scheme(
            "standard-webhooks",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ),
        scheme("bearer", SECRET),
        scheme("basic", "user:password"),
    ]);
    let check = |request: Request| auth.check(&request.inbound());
    let bearer = format!("Bearer {SECRET}");
    assert_eq!(
        check(Request::new().header("authorization", &bearer)),
        Ok(())
    );
    assert_eq!(
        check(Request::new().header("authorization", "Bearer x")).unwrap_err(),
        AuthError::Wrong("the bearer token".to_owned())
    );
    assert_eq!(
        check(Request::new().header("authorization", "Basic eDp5")).unwrap_err(),
        AuthError::Wrong("the user and password".to_owned())
    );
    assert_eq!(
        check(Request::new()).unwrap_err().to_string(),
        "the header `webhook-id` is missing"
    );
    assert_eq!(auth.challenge(), "Basic realm=\"ozmap-cancel\"");
    assert!(!auth.is_open());
}

#[test]
fn without_a_scheme_nobody_is_believed() {
    let nobody = Auth::any_of(Vec::new());
    assert!(nobody.check(&Request::new().at(AT).inbound()).is_err());
    assert!(!nobody.is_open());
    assert_eq!(nobody.challenge(), "Bearer realm=\"ozmap-cancel\"");
}

#[test]
fn an_open_channel_says_that_it_is() {
    let open = Auth::any_of(vec![scheme("bearer", SECRET), Scheme::None]);
    assert!(open.is_open());
    assert_eq!(open.check(&Request::new().inbound()), Ok(()));
}

#[test]
fn a_token_in_the_query_is_called_so_unless_it_has_another_name() {
    for (options, name) in [("", "token"), ("query = \"k\"", "k")] {
        let scheme = parse("query", SECRET, options).unwrap();
        let auth = Auth::any_of(vec![scheme]);
        assert_eq!(auth.redacted_query(), Some(name));
        let request = Request::new().target(&format!("/webhooks/ivr?{name}={SECRET}"));
        assert_eq!(auth.check(&request.inbound()), Ok(()));
    }
}

#[test]
fn only_a_token_in_the_query_is_to_be_redacted() {
    let query = parse("query", SECRET, "query = \"token\"").unwrap();
    let auth = Auth::any_of(vec![scheme("bearer", SECRET), query]);
    assert_eq!(auth.redacted_query(), Some("token"));
    assert_eq!(Auth::any_of(vec![Scheme::None]).redacted_query(), None);
}

#[test]
fn only_what_signs_the_address_needs_it() {
    for (scheme, _) in every_scheme() {
        let signs_it = matches!(scheme, Scheme::Twilio(_) | Scheme::PlivoV3(_));
        assert_eq!(scheme.needs_public_url(), signs_it, "{scheme:?}");
    }
}

#[test]
fn no_secret_is_ever_shown() {
    for (scheme, _) in every_scheme() {
        let shown = format!("{scheme:?}");
        assert!(
            !shown.contains(SECRET) && !shown.contains("97, 45, 115"),
            "{shown}"
        );
    }
}

#[test]
fn no_error_and_no_challenge_holds_a_secret_or_a_proof() {
    for (scheme, names) in every_scheme() {
        let mut request = Request::new().target("/?token=canary").body("canary");
        for name in names {
            request = request.header(name, "Bearer canary");
        }
        let auth = Auth::any_of(vec![scheme]);
        let error = auth.check(&request.inbound()).unwrap_err();
        let said = format!("{error} {error:?} {}", auth.challenge());
        assert!(!said.contains("canary") && !said.contains(SECRET), "{said}");
    }
}
