//! Requests for the tests of the schemes, and what the tests share.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use secrecy::SecretString;

use super::{AuthError, Scheme, SchemeOptions, SecretError};
use crate::channels::Inbound;
use crate::clock::Moment;

/// When the recorded requests were signed.
pub(super) const AT: u64 = 1_795_467_600;
/// Their body.
pub(super) const BODY: &str = r#"{"code":"123|123","conversation_id":"c-42"}"#;
/// What they were signed with.
pub(super) const SECRET: &str = "a-shared-secret-of-a-test";

/// A request that a test changes part by part.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) public_url: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) at: u64,
}

impl Request {
    pub(super) fn new() -> Self {
        Self {
            method: Method::POST,
            target: "/webhooks/ivr".to_owned(),
            public_url: "https://hook.example.com".to_owned(),
            headers: HeaderMap::new(),
            body: BODY.as_bytes().to_vec(),
            at: AT,
        }
    }

    pub(super) fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    pub(super) fn target(mut self, target: &str) -> Self {
        self.target = target.to_owned();
        self
    }

    pub(super) fn public_url(mut self, public_url: &str) -> Self {
        self.public_url = public_url.to_owned();
        self
    }

    pub(super) fn body(mut self, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self
    }

    pub(super) fn at(mut self, seconds: u64) -> Self {
        self.at = seconds;
        self
    }

    /// Sets a header, whatever stood there.
    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(header(name), text(value));
        self
    }

    /// Adds a header to those of its name.
    pub(super) fn also(mut self, name: &str, value: &str) -> Self {
        self.headers.append(header(name), text(value));
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.headers.remove(header(name));
        self
    }

    pub(super) fn inbound(&self) -> Inbound<'_> {
        Inbound {
            method: &self.method,
            target: &self.target,
            public_url: &self.public_url,
            headers: &self.headers,
            body: &self.body,
            at: Moment::at_unix_seconds(self.at),
        }
    }

    pub(super) fn check(&self, scheme: &Scheme) -> Result<(), AuthError> {
        scheme.check(&self.inbound())
    }
}

fn header(name: &str) -> HeaderName {
    HeaderName::from_bytes(name.as_bytes()).unwrap()
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_bytes(value.as_bytes()).unwrap()
}

pub(super) fn scheme(name: &str, secret: &str) -> Scheme {
    parse(name, secret, "").unwrap()
}

/// A scheme with its options, written as a preset writes them.
pub(super) fn parse(name: &str, secret: &str, options: &str) -> Result<Scheme, SecretError> {
    let options: SchemeOptions = toml::from_str(options).unwrap();
    Scheme::parse(name, &SecretString::from(secret), &options)
}

/// Asserts that a signed request passes, also while its secret is being changed, and fails with
/// every other secret.
pub(super) fn assert_rotates(
    request: &Request,
    fits: &str,
    other: &str,
    make: impl Fn(&str) -> Scheme,
) {
    assert_eq!(request.check(&make(fits)), Ok(()));
    assert_eq!(request.check(&make(&format!("{other} {fits}"))), Ok(()));
    assert_eq!(request.check(&make(&format!(" {fits}\n{other}\n"))), Ok(()));
    assert!(request.check(&make(other)).is_err());
}

/// Asserts that each header is needed, exactly once, and as it was sent.
pub(super) fn assert_needs_headers(request: &Request, scheme: &Scheme, names: &[&str]) {
    for name in names {
        let value = request.headers[*name].to_str().unwrap().to_owned();
        let missing = request.clone().without(name).check(scheme);
        assert!(
            matches!(missing, Err(AuthError::Missing(_))),
            "{name}: {missing:?}"
        );
        let twice = request.clone().also(name, &value).check(scheme);
        assert!(
            matches!(twice, Err(AuthError::Repeated(_))),
            "{name}: {twice:?}"
        );
        for changed in [
            String::new(),
            format!("{value}0"),
            format!("0{value}"),
            value.replace(['1', '2', 'A', 'a'], "3"),
            value.chars().rev().collect(),
            "\u{e9}".to_owned(),
        ] {
            let changed = request.clone().header(name, &changed).check(scheme);
            assert!(changed.is_err(), "{name}: {changed:?}");
        }
    }
}
