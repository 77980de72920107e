//! Every vendor's signature over HTTP, against the running service. The service accepts it as the
//! vendor made it, in any case of the header's name, and rejects it if any one byte of its headers,
//! its body or its address changes.

use axum::http::Method;
use serde_json::{Value, json};

use super::{ORIGIN, SECRET, Signed, has_oracles, now, sign, wanted};
use crate::support::http::send;
use crate::support::{Reply, World};

const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PUBLIC_KEY: &str = "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=";
const PRIVATE_KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const LOOKUP: &str = r#"{"code":"123|123","action":"lookup","reason":"ação"}"#;
const CALL: &str = "CallSid=CA1&From=%2B5548999990000&Name=Jo%C3%A3o+%7C&To=%2B554840040000&Empty=";

/// A channel, and a request to it with its vendor's signature.
struct Vendor {
    channel: &'static str,
    settings: &'static [(&'static str, &'static str)],
    how: Value,
    query: &'static str,
    body: &'static str,
    /// Whether the signature covers the address too.
    signs_address: Address,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Address {
    Signed,
    NotSigned,
}

fn vendors() -> Vec<Vendor> {
    let params = json!({"CallSid": "CA1", "From": "+5548999990000", "Name": "João |", "To": "+554840040000", "Empty": ""});
    let of_plivo = CALL.replace("CallSid", "CallUUID");
    let mut params_of_plivo = params.clone();
    params_of_plivo["CallUUID"] = params_of_plivo["CallSid"].take();
    params_of_plivo.as_object_mut().unwrap().remove("CallSid");
    let over_time = |vendor: &str, secret: &str, body: &str| json!({"vendor": vendor, "secret": secret, "body": body, "timestamp": now()});
    let jambonz = r#"{"call_sid":"c-1","from":"+5548999990000"}"#;
    let vonage =
        r#"{"uuid":"u-1","conversation_uuid":"c-1","from":"5548999990000","timestamp":"1"}"#;
    let mut of_jambonz = over_time("hmac", SECRET, jambonz);
    of_jambonz["header"] = json!("jambonz-signature");
    let mut standard = over_time("standardwebhooks", WHSEC, LOOKUP);
    standard["id"] = json!("msg_1");
    vec![
        Vendor {
            channel: "twilio",
            settings: &[("PRESET", "twilio-voice"), ("SECRET", SECRET)],
            how: json!({"vendor": "twilio", "secret": SECRET, "params": params}),
            query: "?lang=es&agent=5548333330000",
            body: CALL,
            signs_address: Address::Signed,
        },
        Vendor {
            channel: "plivo",
            settings: &[("PRESET", "plivo"), ("SECRET", SECRET)],
            how: json!({"vendor": "plivo", "secret": SECRET, "params": params_of_plivo, "nonce": "12345678901234567890"}),
            query: "?lang=es&agent=5548333330000",
            body: of_plivo.leak(),
            signs_address: Address::Signed,
        },
        Vendor {
            channel: "telnyx",
            settings: &[
                ("PRESET", "twilio-voice"),
                ("AUTH", "ed25519"),
                ("SECRET", PUBLIC_KEY),
            ],
            how: over_time("ed25519", PRIVATE_KEY, CALL),
            query: "?lang=es",
            body: CALL,
            signs_address: Address::NotSigned,
        },
        Vendor {
            channel: "vonage",
            settings: &[("PRESET", "vonage"), ("SECRET", SECRET)],
            how: over_time("vonage", SECRET, vonage),
            query: "?lang=es",
            body: vonage,
            signs_address: Address::NotSigned,
        },
        Vendor {
            channel: "jambonz",
            settings: &[("PRESET", "jambonz"), ("SECRET", SECRET)],
            how: of_jambonz,
            query: "",
            body: jambonz,
            signs_address: Address::NotSigned,
        },
        Vendor {
            channel: "standard",
            settings: &[("AUTH", "standard-webhooks"), ("SECRET", WHSEC)],
            how: standard,
            query: "",
            body: LOOKUP,
            signs_address: Address::NotSigned,
        },
        Vendor {
            channel: "chatwoot",
            settings: &[
                ("AUTH", "hmac"),
                ("SECRET", SECRET),
                ("PROOF__HMAC__HEADER", "X-Chatwoot-Signature"),
                ("PROOF__HMAC__PREFIX", "sha256="),
                ("PROOF__HMAC__SIGNED", "{timestamp}.{body}"),
                ("PROOF__HMAC__TIMESTAMP_HEADER", "X-Chatwoot-Timestamp"),
            ],
            how: over_time("chatwoot", SECRET, LOOKUP),
            query: "",
            body: LOOKUP,
            signs_address: Address::NotSigned,
        },
        Vendor {
            channel: "meta",
            settings: &[
                ("AUTH", "hmac"),
                ("SECRET", SECRET),
                ("PROOF__HMAC__HEADER", "X-Hub-Signature-256"),
                ("PROOF__HMAC__PREFIX", "sha256="),
                ("PROOF__HMAC__SIGNED", "{body}"),
            ],
            how: over_time("meta", SECRET, LOOKUP),
            query: "",
            body: LOOKUP,
            signs_address: Address::NotSigned,
        },
    ]
}

async fn world(vendors: &[Vendor]) -> World {
    let mut settings = vec![("SERVER__PUBLIC_URL".to_owned(), ORIGIN.to_owned())];
    for vendor in vendors {
        for (key, value) in vendor.settings {
            let name = format!("CHANNELS__{}__{key}", vendor.channel.to_uppercase());
            settings.push((name, (*value).to_owned()));
        }
    }
    let settings: Vec<(&str, &str)> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    World::with(&settings).await
}

/// A request in its wire form, with the case of its header names.
#[derive(Clone)]
struct Wire {
    method: &'static str,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Wire {
    fn of(signed: &Signed) -> Self {
        Self {
            method: "POST",
            target: signed.target.clone(),
            headers: signed
                .headers
                .keys()
                .map(|name| (name.as_str().to_owned(), signed.header(name.as_str())))
                .collect(),
            body: signed.body.clone().into_bytes(),
        }
    }

    async fn send(&self, world: &World) -> Reply {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let address = world.service.address();
        send(address, self.method, &self.target, &headers, &self.body)
            .await
            .unwrap()
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }

    async fn assert_believed(&self, world: &World, why: &str) {
        let reply = self.send(world).await;
        assert_eq!(reply.status, 200, "{why}: {reply:?}");
    }

    async fn assert_refused(&self, world: &World, why: &str) {
        let reply = self.send(world).await;
        assert_eq!(reply.status, 401, "{why}: {reply:?}");
    }
}

/// The same text with one bit of one byte flipped.
fn flipped(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] ^= 1;
    String::from_utf8(bytes).unwrap()
}

async fn assert_headers_are_needed(world: &World, right: &Wire, channel: &str) {
    for at in 0..right.headers.len() {
        let (name, value) = &right.headers[at];
        for byte in 0..value.len() {
            let changed = right.with(|wire| wire.headers[at].1 = flipped(value, byte));
            let why = format!("{channel}: byte {byte} of {name}");
            changed.assert_refused(world, &why).await;
        }
        let missing = right.with(|wire| drop(wire.headers.remove(at)));
        missing
            .assert_refused(world, &format!("{channel}: no {name}"))
            .await;
        let empty = right.with(|wire| wire.headers[at].1.clear());
        empty
            .assert_refused(world, &format!("{channel}: an empty {name}"))
            .await;
        let twice = right.with(|wire| wire.headers.push((name.to_uppercase(), value.clone())));
        twice
            .assert_refused(world, &format!("{channel}: {name} twice"))
            .await;
        let other_case = right.with(|wire| wire.headers[at].0 = name.to_uppercase());
        other_case
            .assert_believed(world, &format!("{channel}: {name} in capitals"))
            .await;
    }
}

async fn assert_body_is_signed(world: &World, right: &Wire, channel: &str) {
    for at in 0..right.body.len() {
        let changed = right.with(|wire| wire.body[at] ^= 1);
        changed
            .assert_refused(world, &format!("{channel}: byte {at} of the body"))
            .await;
    }
    for (why, body) in [
        ("no body", Vec::new()),
        ("more behind it", [&right.body, &b"&x=1"[..]].concat()),
        ("more before it", [b"x=1&", &right.body[..]].concat()),
        ("a blank behind it", [&right.body, &b" "[..]].concat()),
        ("it twice", [&right.body[..], b"&", &right.body].concat()),
    ] {
        // Twilio signs a duplicate value only once, and the form has the same meaning.
        if channel == "twilio" && why == "it twice" {
            continue;
        }
        let changed = right.with(|wire| wire.body = body);
        changed
            .assert_refused(world, &format!("{channel}: {why}"))
            .await;
    }
}

async fn assert_address_is_signed(world: &World, right: &Wire, channel: &str) {
    let query = right.target.find('?').unwrap() + 1;
    for at in query..right.target.len() {
        let changed = right.with(|wire| wire.target = flipped(&right.target, at));
        let reply = changed.send(world).await;
        // An address with such a character is not valid HTTP.
        assert!(
            matches!(reply.status, 400 | 401),
            "{channel}: {}: {reply:?}",
            changed.target
        );
    }
    let (path, query) = right.target.split_once('?').unwrap();
    for target in [
        path.to_owned(),
        format!("{path}?{query}&x=1"),
        format!("{path}?x=1&{query}"),
        format!("{path}?{query}&{query}"),
        format!("{path}?{query}&agent=5548333330001"),
    ] {
        let changed = right.with(|wire| wire.target.clone_from(&target));
        changed
            .assert_refused(world, &format!("{channel}: {target}"))
            .await;
    }
    // Neither vendor's signature covers the order of a form's parameters; the request means the
    // same.
    let form = String::from_utf8(right.body.clone()).unwrap();
    let mut members: Vec<&str> = form.split('&').collect();
    members.reverse();
    let reordered = right.with(|wire| wire.body = members.join("&").into_bytes());
    reordered
        .assert_believed(world, &format!("{channel}: another order"))
        .await;
    for member in members {
        let changed = right.with(|wire| wire.body = format!("{form}&{member}1").into_bytes());
        changed
            .assert_refused(world, &format!("{channel}: {member} and another value"))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_request_with_any_byte_changed_is_refused() {
    if !has_oracles() {
        return;
    }
    let vendors = vendors();
    let world = world(&vendors).await;
    let asked = vendors.iter().map(|vendor| {
        let target = format!("/webhooks/{}{}", vendor.channel, vendor.query);
        wanted(vendor.how.clone(), Method::POST, &target, vendor.body)
    });
    let signed: Vec<Wire> = sign(asked.collect()).iter().map(Wire::of).collect();
    for (vendor, right) in vendors.iter().zip(&signed) {
        let channel = vendor.channel;
        right.assert_believed(&world, channel).await;
        assert_headers_are_needed(&world, right, channel).await;
        assert_body_is_signed(&world, right, channel).await;
        if vendor.signs_address == Address::Signed {
            assert_address_is_signed(&world, right, channel).await;
        }
        // A vendor's signature is not valid for any other channel, not even for one of the same
        // vendor.
        for other in vendors.iter().filter(|other| other.channel != channel) {
            let target = right.target.replacen(channel, other.channel, 1);
            let elsewhere = right.with(|wire| wire.target = target);
            elsewhere
                .assert_refused(&world, &format!("{channel} at {}", other.channel))
                .await;
        }
        let got = right.with(|wire| wire.method = "GET");
        assert_eq!(got.send(&world).await.status, 405, "{channel}");
        right.assert_believed(&world, channel).await;
    }
    assert!(world.journal().is_empty());
    assert!(world.ozmap.deletions().await.is_empty());
    let logs = world.service.logs();
    let refused = logs.matches("a webhook was refused").count();
    eprintln!("{refused} changed requests, all refused");
}
