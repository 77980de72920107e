//! Requests signed by the platforms' own libraries: the service accepts each of them, and rejects
//! it after any change.

mod tampered;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use ozmap_cancel::channels::{Auth, AuthError, Inbound, Scheme, SchemeOptions};
use ozmap_cancel::clock::Moment;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support;

const SECRET: &str = "a-shared-secret-of-a-test";
const ORIGIN: &str = "https://hook.example.com";
const BODY: &str = r#"{"code":"123|123","name":"João \"Jô\" & Cia"}"#;

/// A request that a library signed.
#[derive(Clone)]
struct Signed {
    method: Method,
    target: String,
    public_url: String,
    headers: HeaderMap,
    body: String,
}

impl Signed {
    fn check(&self, auth: &Auth) -> Result<(), AuthError> {
        auth.check(&Inbound {
            method: &self.method,
            target: &self.target,
            public_url: &self.public_url,
            headers: &self.headers,
            body: self.body.as_bytes(),
            at: Moment::now(),
        })
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }

    fn header(&self, name: &str) -> String {
        self.headers[name].to_str().unwrap().to_owned()
    }

    /// Asserts that the service accepts the request as it is, and rejects it if any of its headers
    /// is missing or has another value.
    fn assert_is_proof(&self, auth: &Auth) {
        assert_eq!(self.check(auth), Ok(()), "{} {}", self.method, self.target);
        for name in self.headers.keys() {
            let value = self.header(name.as_str());
            let missing = self.with(|request| drop(request.headers.remove(name)));
            assert!(
                matches!(missing.check(auth), Err(AuthError::Missing(_))),
                "{name}"
            );
            let twice = self.with(|request| {
                request.headers.append(name, request.headers[name].clone());
            });
            assert!(
                matches!(twice.check(auth), Err(AuthError::Repeated(_))),
                "{name}"
            );
            for at in 0..value.len() {
                let other = if value.as_bytes()[at] == b'1' {
                    "2"
                } else {
                    "1"
                };
                let mut changed = value.clone();
                changed.replace_range(at..=at, other);
                let changed = self.with(|request| {
                    request.headers.insert(name, changed.parse().unwrap());
                });
                assert!(changed.check(auth).is_err(), "{name}: {value} at {at}");
            }
        }
    }
}

fn auth(name: &str, secret: &str, options: &str) -> Auth {
    let options: SchemeOptions = toml::from_str(options).unwrap();
    Auth::any_of(vec![
        Scheme::parse(name, &SecretString::from(secret), &options).unwrap(),
    ])
}

fn now() -> i64 {
    Moment::now().unix_seconds()
}

fn has_oracles() -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/node_modules");
    let has_node = Command::new("node").arg("--version").output();
    let is_there =
        folder.join("twilio").is_dir() && has_node.is_ok_and(|output| output.status.success());
    if !is_there {
        support::skipped("Node and bash tests/third-parties");
    }
    is_there
}

/// A request for a library to sign. `how` names the vendor, the secret and its other parameters.
struct Wanted {
    how: Value,
    method: Method,
    target: String,
    body: String,
}

fn wanted(how: Value, method: Method, target: &str, body: &str) -> Wanted {
    Wanted {
        how,
        method,
        target: target.to_owned(),
        body: body.to_owned(),
    }
}

/// Signs requests, all in one process, because the libraries take long to load.
fn sign(all: Vec<Wanted>) -> Vec<Signed> {
    let asked = all.iter().map(|wanted| {
        let mut how = wanted.how.clone();
        how["url"] = json!(format!("{ORIGIN}{}", wanted.target));
        how["method"] = json!(wanted.method.as_str());
        how
    });
    let asked = Value::from_iter(asked);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/sign.mjs");
    let mut node = Command::new("node")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = node.stdin.take().unwrap();
    stdin.write_all(asked.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "{asked}");
    let made: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(made.len(), all.len());
    all.into_iter()
        .zip(made)
        .map(|(wanted, made)| wanted.signed(&made))
        .collect()
}

impl Wanted {
    fn signed(self, made: &Value) -> Signed {
        let url = made["url"].as_str().unwrap();
        let headers = made["headers"].as_object().unwrap().iter();
        let headers = headers.map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            let value = HeaderValue::from_str(value.as_str().unwrap()).unwrap();
            (name, value)
        });
        Signed {
            method: self.method,
            // Twilio adds the hash of a JSON body.
            target: url.strip_prefix(ORIGIN).unwrap().to_owned(),
            public_url: ORIGIN.to_owned(),
            headers: headers.collect(),
            body: self.body,
        }
    }
}

/// Forms that a phone system or a messenger may send, as data and in their wire encoding.
fn forms() -> Vec<(Value, String)> {
    let forms = [
        json!({"CallSid": "CA1", "Digits": "123*123", "From": "+5548999990000", "Empty": ""}),
        json!({"Body": "João & \"Jô\" <1+1=2> %7C | 😀", "ProfileName": "Ação", "Z": "1", "a": "2", "A": "3"}),
        json!({"MediaUrl": ["b", "a", "a", "B"], "MediaUrl0": "c", "Media": "d"}),
        json!({}),
    ];
    let encode = |form: &Value| {
        let mut text = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form.as_object().unwrap() {
            let values = value
                .as_array()
                .map_or(std::slice::from_ref(value), Vec::as_slice);
            for value in values {
                text.append_pair(name, value.as_str().unwrap());
            }
        }
        text.finish()
    };
    forms
        .into_iter()
        .map(|form| {
            let text = encode(&form);
            (form, text)
        })
        .collect()
}

const TARGETS: [&str; 5] = [
    "/webhooks/ivr",
    "/webhooks/ivr?step=1&code=123%7C123",
    "/webhooks/ivr?code=123|123&b=it's&a=1+2&a=0",
    "/webhooks/ivr?nome=Jo%C3%A3o&empty=&bare",
    "/webhooks/ivr?",
];

/// Asserts that the service rejects another address, body or secret.
fn assert_signs_everything(signed: &Signed, auth: &Auth, other_secret: &Auth) {
    signed.assert_is_proof(auth);
    assert!(signed.check(other_secret).is_err());
    let and = if signed.target.contains('?') {
        '&'
    } else {
        '?'
    };
    for changed in [
        signed.with(|request| request.target = format!("{}{and}x=1", request.target)),
        signed.with(|request| request.target = request.target.replace("ivr", "ivs")),
        signed.with(|request| request.target = request.target.replacen("ivr", "ivr/", 1)),
        signed.with(|request| request.public_url = ORIGIN.replace("https", "http")),
        signed.with(|request| request.public_url = format!("{ORIGIN}.br")),
        signed.with(|request| request.public_url = format!("{ORIGIN}/prefix")),
        signed.with(|request| request.public_url = String::new()),
        signed.with(|request| request.body.push_str("&x=1")),
        signed.with(|request| request.body.insert_str(0, "x=1&")),
        signed.with(|request| request.body = BODY.to_owned()),
    ] {
        let result = changed.check(auth);
        assert!(result.is_err(), "{} {}", changed.target, changed.body);
    }
    for (at, _) in signed.body.char_indices() {
        let shorter = signed.with(|request| request.body.truncate(at));
        assert!(shorter.check(auth).is_err(), "{}", shorter.body);
    }
}

/// Every form and a GET, at every address, signed as `how` specifies for these parameters.
fn calls(how: impl Fn(&Value) -> Value) -> Vec<Signed> {
    let mut all = Vec::new();
    for target in TARGETS {
        for (params, body) in forms() {
            all.push(wanted(how(&params), Method::POST, target, &body));
        }
        all.push(wanted(how(&json!({})), Method::GET, target, ""));
    }
    sign(all)
}

fn assert_sign_everything(calls: &[Signed], right: &Auth, other: &Auth) {
    for signed in calls {
        if signed.method == Method::GET {
            signed.assert_is_proof(right);
            let with_body = signed.with(|request| request.body = "code=1".to_owned());
            assert!(with_body.check(right).is_err());
        } else {
            assert_signs_everything(signed, right, other);
        }
    }
}

#[test]
fn twilios_own_signatures_are_believed_and_cover_address_and_form() {
    if !has_oracles() {
        return;
    }
    let how = |params: &Value| json!({"vendor": "twilio", "secret": SECRET, "params": params});
    let (right, other) = (auth("twilio", SECRET, ""), auth("twilio", "another", ""));
    assert_sign_everything(&calls(how), &right, &other);
}

#[test]
fn twilios_own_signature_covers_a_json_body() {
    if !has_oracles() {
        return;
    }
    let (right, other) = (auth("twilio", SECRET, ""), auth("twilio", "another", ""));
    let how = json!({"vendor": "twilio", "secret": SECRET, "body": BODY});
    let targets = ["/webhooks/ivr", "/webhooks/ivr?step=1"];
    let all = targets.map(|target| wanted(how.clone(), Method::POST, target, BODY));
    for (signed, target) in sign(all.into()).iter().zip(targets) {
        signed.assert_is_proof(&right);
        assert!(signed.check(&other).is_err());
        let other_body = signed.with(|request| request.body = BODY.replace("123|123", "123|124"));
        let other_body = other_body.check(&right);
        assert!(matches!(other_body, Err(AuthError::OtherBody(_))));
        let no_hash = signed.with(|request| request.target = target.to_owned());
        assert!(no_hash.check(&right).is_err());
    }
}

#[test]
fn plivos_own_signatures_are_believed_and_cover_address_form_and_nonce() {
    if !has_oracles() {
        return;
    }
    let how = |params: &Value| json!({"vendor": "plivo", "secret": SECRET, "params": params, "nonce": "12345678901234567890"});
    let (right, other) = (
        auth("plivo-v3", SECRET, ""),
        auth("plivo-v3", "another", ""),
    );
    assert_sign_everything(&calls(how), &right, &other);
}

#[test]
fn vonages_tokens_are_believed_for_their_body_and_their_time() {
    if !has_oracles() {
        return;
    }
    let (right, other) = (
        auth("jwt-hs256", SECRET, ""),
        auth("jwt-hs256", "another", ""),
    );
    let now = now();
    let token = |timestamp: i64, claims: Value| {
        let how = json!({"vendor": "vonage", "secret": SECRET, "body": BODY, "timestamp": timestamp, "claims": claims});
        wanted(how, Method::POST, "/webhooks/ivr", BODY)
    };
    let by_application = json!({"vendor": "vonage-application", "body": BODY, "timestamp": now});
    let all = sign(vec![
        token(now, json!({})),
        wanted(by_application, Method::POST, "/webhooks/ivr", BODY),
        token(now - 302, json!({})),
        token(now + 400, json!({})),
        token(now - 60, json!({"exp": now - 30})),
        token(now, json!({"payload_hash": null})),
        token(now, json!({"payload_hash": "00"})),
        token(now, json!({"iat": null})),
    ]);
    all[0].assert_is_proof(&right);
    assert!(all[0].check(&other).is_err());
    let other_body = all[0].with(|request| request.body.push(' ')).check(&right);
    assert!(matches!(other_body, Err(AuthError::OtherBody(_))));
    let application = all[1].check(&right);
    assert!(
        matches!(application, Err(AuthError::Malformed(..))),
        "{application:?}"
    );
    for (index, signed) in all.iter().enumerate().skip(1) {
        assert!(signed.check(&right).is_err(), "{index}");
    }
}

/// Asserts the rules of every signature over a time and the body; the function adds both to `how`.
fn assert_signs_time_and_body(auth: &Auth, how: &Value) {
    let now = now();
    let all = [now, now - 302, now + 400, 0].map(|timestamp| {
        let mut how = how.clone();
        how["timestamp"] = json!(timestamp);
        how["body"] = json!(BODY);
        wanted(how, Method::POST, "/webhooks/ivr", BODY)
    });
    let all = sign(all.into());
    all[0].assert_is_proof(auth);
    for body in ["", "{}", &BODY[1..], &BODY.replace("123|123", "123|124")] {
        let changed = all[0].with(|request| request.body = body.to_owned());
        assert!(
            matches!(changed.check(auth), Err(AuthError::Wrong(_))),
            "{body}"
        );
    }
    for signed in &all[1..] {
        let stale = signed.check(auth);
        assert!(matches!(stale, Err(AuthError::Stale(..))), "{stale:?}");
    }
}

#[test]
fn the_standard_webhooks_librarys_signatures_are_believed() {
    if !has_oracles() {
        return;
    }
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let rotating = format!("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD {secret}");
    let how = json!({"vendor": "standardwebhooks", "secret": secret, "id": "msg_1"});
    assert_signs_time_and_body(&auth("standard-webhooks", &rotating, ""), &how);
}

#[test]
fn signatures_with_a_key_pair_are_believed_as_telnyx_makes_them() {
    if !has_oracles() {
        return;
    }
    let public = "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=";
    let private = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let how = json!({"vendor": "ed25519", "secret": private});
    assert_signs_time_and_body(&auth("ed25519", public, ""), &how);
}

#[test]
fn signatures_that_are_described_as_data_are_believed() {
    if !has_oracles() {
        return;
    }
    let jambonz = "[hmac]\nheader = \"jambonz-signature\"\nsigned = \"{timestamp}.{body}\"\ntimestamp_in_signature = \"t\"\nsignature_in_header = \"v1\"";
    let how = json!({"vendor": "hmac", "secret": SECRET, "header": "jambonz-signature"});
    assert_signs_time_and_body(&auth("hmac", SECRET, jambonz), &how);
}
