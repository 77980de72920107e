//! A signature proves its own request and no other: every bit of what is signed counts, and garbage is refused.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use ozmap_cancel::channels::{Auth, Scheme, SchemeOptions};
use ozmap_cancel::clock::Moment;
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::request::{PUBLIC_URL, Request};

const SECRET: &str = "a-shared-secret-of-a-test";
const JAMBONZ: &str = "[hmac]\nheader = \"x-signature\"\nsigned = \"{timestamp}.{body}\"\ntimestamp_in_signature = \"t\"\nsignature_in_header = \"v1\"\n";

/// The schemes that sign.
const SCHEMES: [&str; 6] = [
    "standard-webhooks",
    "hmac",
    "twilio",
    "plivo-v3",
    "ed25519",
    "jwt-hs256",
];

/// The first byte picks the scheme, the next four the bit to flip, the sixth the length of the query; the rest is query
/// and body.
pub fn check(bytes: &[u8]) {
    let Some((head, rest)) = bytes.split_first_chunk::<6>() else {
        return;
    };
    let scheme = SCHEMES[usize::from(head[0]) % SCHEMES.len()];
    let bit = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let (query, body) = rest.split_at(usize::from(head[5] % 64).min(rest.len()));
    let query: String = query
        .iter()
        .map(|byte| char::from(byte & 0x7f))
        .filter(|c| c.is_ascii_graphic() && *c != '#')
        .collect();
    if scheme == "twilio" && members(query.as_bytes()).iter().any(is_body_hash) {
        // Twilio writes this one itself, for a body that is not a form; this check signs forms.
        return;
    }
    let auth = auth(scheme);
    check_garbage(&auth, scheme, body);
    let signed = sign(scheme, &format!("/webhooks/ivr?{query}"), body);
    let first = auth.check(&signed.inbound());
    assert_eq!(first, Ok(()), "{scheme} does not believe {signed:?}");
    if let Some(changed) = flipped(scheme, &signed, bit)
        && auth.check(&changed.inbound()).is_ok()
    {
        assert!(
            means_the_same(scheme, &signed, &changed),
            "{scheme}: {signed:?} and {changed:?}"
        );
    }
}

fn auth(scheme: &str) -> Auth {
    let secret = match scheme {
        "standard-webhooks" => format!("whsec_{}", STANDARD.encode([7; 32])),
        "ed25519" => STANDARD.encode(key().verifying_key().as_bytes()),
        _ => SECRET.to_owned(),
    };
    let options: SchemeOptions = toml::from_str(JAMBONZ).unwrap();
    Auth::any_of(vec![
        Scheme::parse(scheme, &SecretString::from(secret), &options).unwrap(),
    ])
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

/// The headers that hold a scheme's proof.
fn names(scheme: &str) -> &'static [&'static str] {
    match scheme {
        "standard-webhooks" => &["webhook-id", "webhook-timestamp", "webhook-signature"],
        "hmac" => &["x-signature"],
        "twilio" => &["x-twilio-signature"],
        "plivo-v3" => &["x-plivo-signature-v3", "x-plivo-signature-v3-nonce"],
        "ed25519" => &["telnyx-signature-ed25519", "telnyx-timestamp"],
        _ => &["authorization"],
    }
}

/// Unsigned text in every header that the scheme reads.
fn check_garbage(auth: &Auth, scheme: &str, garbage: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(&garbage[..garbage.len().min(200)]) else {
        return;
    };
    let mut headers = HeaderMap::new();
    for name in names(scheme) {
        headers.insert(*name, value.clone());
    }
    let request = Request {
        method: Method::POST,
        target: String::from_utf8_lossy(garbage).into_owned(),
        headers,
        body: garbage.to_vec(),
    };
    let error = auth.check(&request.inbound()).unwrap_err();
    assert!(!error.to_string().contains(SECRET));
}

fn sign(scheme: &str, target: &str, body: &[u8]) -> Request {
    let now = Moment::now().unix_seconds().to_string();
    let mut headers = HeaderMap::new();
    for (name, value) in proof(scheme, target, body, &now) {
        headers.insert(HeaderName::from_static(name), value.parse().unwrap());
    }
    Request {
        method: Method::POST,
        target: target.to_owned(),
        headers,
        body: body.to_vec(),
    }
}

/// The headers of a signed request, as the vendors' documentation describes them.
fn proof(scheme: &str, target: &str, body: &[u8], now: &str) -> Vec<(&'static str, String)> {
    match scheme {
        "standard-webhooks" => {
            let mac = sha256(&[7; 32], &[b"msg_1.", now.as_bytes(), b".", body]);
            vec![
                ("webhook-id", "msg_1".to_owned()),
                ("webhook-timestamp", now.to_owned()),
                ("webhook-signature", format!("v1,{}", STANDARD.encode(mac))),
            ]
        }
        "hmac" => {
            let mac = sha256(SECRET.as_bytes(), &[now.as_bytes(), b".", body]);
            vec![("x-signature", format!("t={now},v1={}", hex(&mac)))]
        }
        "twilio" => {
            let mut mac = Hmac::<Sha1>::new_from_slice(SECRET.as_bytes()).unwrap();
            mac.update(format!("{PUBLIC_URL}{target}{}", twilio(body)).as_bytes());
            vec![(
                "x-twilio-signature",
                STANDARD.encode(mac.finalize().into_bytes()),
            )]
        }
        "plivo-v3" => {
            let text = format!("{PUBLIC_URL}{}.nonce1", plivo(target, body));
            let mac = sha256(SECRET.as_bytes(), &[text.as_bytes()]);
            vec![
                ("x-plivo-signature-v3", STANDARD.encode(mac)),
                ("x-plivo-signature-v3-nonce", "nonce1".to_owned()),
            ]
        }
        "ed25519" => {
            let text = [now.as_bytes(), b"|", body].concat();
            vec![
                (
                    "telnyx-signature-ed25519",
                    STANDARD.encode(key().sign(&text).to_bytes()),
                ),
                ("telnyx-timestamp", now.to_owned()),
            ]
        }
        _ => {
            let claims = format!(
                r#"{{"iat":{now},"payload_hash":"{}"}}"#,
                hex(&Sha256::digest(body))
            );
            let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
            let text = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
            let mac = sha256(SECRET.as_bytes(), &[text.as_bytes()]);
            vec![(
                "authorization",
                format!("Bearer {text}.{}", URL_SAFE_NO_PAD.encode(mac)),
            )]
        }
    }
}

fn sha256(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether Twilio would read a hash of the body in a member of the address.
fn is_body_hash((name, _): &(String, String)) -> bool {
    name == "bodySHA256"
}

fn members(encoded: &[u8]) -> Vec<(String, String)> {
    let mut members: Vec<(String, String)> = form_urlencoded::parse(encoded).into_owned().collect();
    members.sort();
    members
}

/// What Twilio signs of a form: names and values, sorted, none twice.
fn twilio(body: &[u8]) -> String {
    let mut members = members(body);
    members.dedup();
    members
        .into_iter()
        .map(|(name, value)| name + &value)
        .collect()
}

/// What Plivo signs of an address and a form.
fn plivo(target: &str, body: &[u8]) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query: Vec<String> = members(query.as_bytes())
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let form: String = members(body)
        .into_iter()
        .map(|(name, value)| name + &value)
        .collect();
    match (
        query.is_empty(),
        form.is_empty() && members(body).is_empty(),
    ) {
        (true, true) => path.to_owned(),
        (_, true) => format!("{path}?{}", query.join("&")),
        (true, false) => format!("{path}?{form}"),
        (false, false) => format!("{path}?{}.{form}", query.join("&")),
    }
}

/// The request with one bit of its proof, its body or, where that is signed, its address changed; `None` when it could
/// not be sent like that.
fn flipped(scheme: &str, signed: &Request, bit: usize) -> Option<Request> {
    let mut changed = signed.clone();
    let signs_target = matches!(scheme, "twilio" | "plivo-v3");
    let target = if signs_target { signed.target.len() } else { 0 };
    let headers: Vec<(HeaderName, usize)> = signed
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.len()))
        .collect();
    let all = signed.body.len() + target + headers.iter().map(|(_, length)| length).sum::<usize>();
    let (mut at, mask) = ((bit / 8) % all, 1 << (bit % 8));
    if let Some(byte) = changed.body.get_mut(at) {
        *byte ^= mask;
        return Some(changed);
    }
    at -= signed.body.len();
    if at < target {
        let mut bytes = signed.target.clone().into_bytes();
        bytes[at] ^= mask;
        let text = String::from_utf8(bytes).ok()?;
        changed.target = text.starts_with('/').then_some(text)?;
        return Some(changed);
    }
    at -= target;
    for (name, length) in headers {
        if at < length {
            let mut bytes = signed.headers[&name].as_bytes().to_vec();
            bytes[at] ^= mask;
            changed
                .headers
                .insert(name, HeaderValue::from_bytes(&bytes).ok()?);
            return Some(changed);
        }
        at -= length;
    }
    None
}

/// Whether two spellings are documented to be one: letter case of hexadecimal digits and of `Bearer`, and the escapes of
/// a form and an address, which are signed decoded.
fn means_the_same(scheme: &str, signed: &Request, changed: &Request) -> bool {
    let headers = |request: &Request| -> Vec<String> {
        let texts = request.headers.values();
        texts
            .map(|value| {
                let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
                match scheme {
                    "hmac" => text.to_lowercase(),
                    "jwt-hs256" => text[..6].to_lowercase() + &text[6..],
                    _ => text,
                }
            })
            .collect()
    };
    let target = |request: &Request| {
        let (path, query) = request
            .target
            .split_once('?')
            .unwrap_or((&request.target, ""));
        let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
        (path, members(query.as_bytes()))
    };
    let same_body = match scheme {
        "twilio" => twilio(&signed.body) == twilio(&changed.body),
        // Like Twilio it signs names and values without anything between them: where one ends is not proven.
        "plivo-v3" => plivo("", &signed.body) == plivo("", &changed.body),
        _ => signed.body == changed.body,
    };
    headers(signed) == headers(changed) && same_body && target(signed) == target(changed)
}
