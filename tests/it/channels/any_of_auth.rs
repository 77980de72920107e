//! Over HTTP: channels that accept one of several authentication methods, answer a platform's check
//! of the webhook address, and inflate bodies.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::support::http::send;
use crate::support::{Reply, SECRET, World};

const LOOKUP: &[u8] = br#"{"code":"123|123","action":"lookup"}"#;
const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW_SIGNING: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

async fn post(world: &World, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let path = format!("/webhooks/{path}");
    send(world.service.address(), "POST", &path, headers, body)
        .await
        .unwrap()
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

fn now() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs().to_string()
}

/// The three headers of a Standard Webhooks signature.
fn standard_webhooks(secret: &str, body: &[u8]) -> Vec<(&'static str, String)> {
    let key = STANDARD
        .decode(secret.trim_start_matches("whsec_"))
        .unwrap();
    let now = now();
    let signature = mac(&key, &[format!("m-1.{now}.").as_bytes(), body]);
    vec![
        ("webhook-id", "m-1".to_owned()),
        ("webhook-timestamp", now),
        (
            "webhook-signature",
            format!("v1,{}", STANDARD.encode(signature)),
        ),
    ]
}

fn borrowed<'a>(headers: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_one_of_a_channels_proofs_is_enough_and_each_has_its_own_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signing");
    std::fs::write(&file, format!("{SIGNING}\n{NEW_SIGNING}\n")).unwrap();
    let user = format!("user:{SECRET}-of-basic");
    let world = World::with(&[
        (
            "CHANNELS__CHATBOT__ALSO__STANDARD_WEBHOOKS__SECRET_FILE",
            file.to_str().unwrap(),
        ),
        ("CHANNELS__CHATBOT__ALSO__BASIC__SECRET", &user),
        ("CHANNELS__SIGNED__AUTH", "standard-webhooks"),
        ("CHANNELS__SIGNED__SECRET", SIGNING),
    ])
    .await;
    let bearer = |secret: &str| ("authorization", format!("Bearer {secret}"));
    let basic = |text: &str| ("authorization", format!("Basic {}", STANDARD.encode(text)));
    let signed = |secret: &str| standard_webhooks(secret, LOOKUP);
    let with = |mut headers: Vec<(&'static str, String)>, more| {
        headers.push(more);
        headers
    };
    let foreign = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (why, headers) in [
        ("bearer", vec![bearer(SECRET)]),
        ("basic", vec![basic(&user)]),
        ("signed", signed(SIGNING)),
        ("signed with the new secret", signed(NEW_SIGNING)),
        (
            "a right signature beside a wrong token",
            with(signed(SIGNING), bearer("wrong")),
        ),
        (
            "a right token beside a wrong signature",
            with(signed(foreign), bearer(SECRET)),
        ),
        ("both right", with(signed(SIGNING), bearer(SECRET))),
    ] {
        let reply = post(&world, "chatbot", &borrowed(&headers), LOOKUP).await;
        assert_eq!(reply.status, 200, "{why}: {reply:?}");
    }
    for (why, headers) in [
        ("nothing", vec![]),
        ("the secret of Basic as a token", vec![bearer(&user)]),
        (
            "its password as a token",
            vec![bearer(user.split(':').nth(1).unwrap())],
        ),
        (
            "the token as a password",
            vec![basic(&format!("user:{SECRET}"))],
        ),
        ("the signing secret as a token", vec![bearer(SIGNING)]),
        ("a wrong token", vec![bearer("wrong")]),
        ("both wrong", with(signed(foreign), bearer("wrong"))),
        ("no id", signed(SIGNING).into_iter().skip(1).collect()),
    ] {
        let reply = post(&world, "chatbot", &borrowed(&headers), LOOKUP).await;
        assert_eq!(reply.status, 401, "{why}: {reply:?}");
        assert_eq!(
            reply.header("www-authenticate"),
            Some("Basic realm=\"ozmap-cancel\"")
        );
    }
    // A channel without token authentication rejects every token, whatever other header the request
    // has.
    for headers in [vec![bearer(SECRET)], with(signed(foreign), bearer(SIGNING))] {
        let reply = post(&world, "signed", &borrowed(&headers), LOOKUP).await;
        assert_eq!(reply.status, 401, "{reply:?}");
    }
    assert!(world.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn jambonz_may_sign_or_send_a_password() {
    let user = format!("jambonz:{SECRET}");
    let world = World::with(&[
        ("SERVER__PUBLIC_URL", "https://hook.example.com"),
        ("CHANNELS__IVR__PRESET", "jambonz"),
        ("CHANNELS__IVR__SECRET", SECRET),
        ("CHANNELS__IVR__ALSO__BASIC__SECRET", &user),
    ])
    .await;
    let body = br#"{"call_sid":"c-1","from":"+5548999990000"}"#;
    let now = now();
    let signature = hex::encode(mac(SECRET.as_bytes(), &[now.as_bytes(), b".", body]));
    let signed = format!("t={now},v1={signature}");
    let basic = format!("Basic {}", STANDARD.encode(&user));
    for headers in [
        [("jambonz-signature", &signed)],
        [("authorization", &basic)],
    ] {
        let headers = headers.map(|(name, value)| (name, value.as_str()));
        let reply = post(&world, "ivr", &headers, body).await;
        assert_eq!(reply.json()[0]["verb"], "gather", "{reply:?}");
    }
    let headers = [("jambonz-signature", signed.as_str())];
    let reply = post(&world, "ivr", &headers, br#"{"call_sid":"c-2"}"#).await;
    assert_eq!(reply.status, 401, "{reply:?}");
}

/// A messenger that checks the address with GET and signs its POST requests, as Meta does.
const MESSENGER: &str = r#"
about = "a messenger"
[request]
answer_ms_max = 4000
medium = "text"
auth = ["hmac", "query"]
[proof]
query = "hub.verify_token"
[proof.hmac]
header = "x-hub-signature-256"
prefix = "sha256="
signed = "{body}"
[fields]
code = ["/code", "query:code"]
action = ["/action"]
[handshake]
method = "GET"
source = "query:hub.mode"
is = ["subscribe"]
respond = "query:hub.challenge"
[answer]
content_type = "application/json"
escape = "json"
reply = '{"outcome":{{ outcome }}}'
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_the_address_is_answered_for_the_right_token_and_does_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("messenger.toml"), MESSENGER).unwrap();
    let world = World::with(&[
        ("CHANNELS__DIRECTORY", folder.path().to_str().unwrap()),
        ("CHANNELS__BOT__PRESET", "messenger"),
        ("CHANNELS__BOT__SECRET", "the-app-secret-of-a-messenger"),
        (
            "CHANNELS__BOT__ALSO__QUERY__SECRET",
            "the-verify-token-of-it",
        ),
    ])
    .await;
    let get = |query: &str| {
        let path = format!("/webhooks/bot?{query}");
        let address = world.service.address();
        async move { send(address, "GET", &path, &[], b"").await.unwrap() }
    };
    let token = "hub.verify_token=the-verify-token-of-it";
    let reply = get(&format!(
        "hub.mode=subscribe&hub.challenge=1158201444%3Cb%3E&{token}"
    ))
    .await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "1158201444<b>"));
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    for query in [
        "hub.mode=subscribe&hub.challenge=canary&hub.verify_token=wrong".to_owned(),
        "hub.mode=subscribe&hub.challenge=canary".to_owned(),
        format!("hub.mode=subscribe&hub.challenge=canary&{token}&{token}"),
    ] {
        let reply = get(&query).await;
        assert_eq!(reply.status, 401, "{reply:?}");
        assert!(!reply.body.contains("canary"), "{reply:?}");
    }
    // A GET without authentication never acts.
    for query in [
        "hub.mode=unsubscribe&code=123%7C123",
        "code=123%7C123",
        "hub.mode=subscribe&code=123%7C123",
    ] {
        let reply = get(&format!("{query}&{token}")).await;
        assert_eq!(reply.status, 405, "{reply:?}");
        assert_eq!(reply.header("allow"), Some("GET, POST"));
    }
    assert!(world.ozmap.asked().await.is_empty());
    let signature = |body: &[u8]| {
        let signature = hex::encode(mac(b"the-app-secret-of-a-messenger", &[body]));
        format!("sha256={signature}")
    };
    let right = signature(LOOKUP);
    let reply = post(&world, "bot", &[("X-Hub-Signature-256", &right)], LOOKUP).await;
    assert_eq!(reply.outcome(), "found");
    let other = br#"{"code":"reservation_123","action":"lookup"}"#;
    let reply = post(&world, "bot", &[("X-Hub-Signature-256", &right)], other).await;
    assert_eq!(reply.status, 401);
}

/// Compresses bytes as one encoder does.
fn packed(encoding: &str, bytes: &[u8]) -> Vec<u8> {
    let level = Compression::best();
    match encoding {
        "gzip" | "x-gzip" | "GZip" => {
            let mut encoder = GzEncoder::new(Vec::new(), level);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => {
            let mut encoder = DeflateEncoder::new(Vec::new(), level);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn packed_bodies_are_read_up_to_the_limit_and_refused_beyond_it() {
    let world = World::with(&[
        ("CHANNELS__TEXT__PRESET", "text"),
        ("CHANNELS__TEXT__SECRET", SECRET),
    ])
    .await;
    let bearer = format!("Bearer {SECRET}");
    let ask = |encoding: &str, body: Vec<u8>| {
        let headers = [
            ("Authorization".to_owned(), bearer.clone()),
            ("Content-Encoding".to_owned(), encoding.to_owned()),
        ];
        let world = &world;
        async move {
            let headers = headers
                .each_ref()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            post(world, "text?format=outcome", &headers, &body).await
        }
    };
    let form = b"code=123%7C123&action=lookup";
    for encoding in ["gzip", "x-gzip", "GZip", "deflate"] {
        let reply = ask(encoding, packed(encoding, form)).await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (200, "found"),
            "{encoding}"
        );
    }
    let bare = ask("deflate", packed("bare", form)).await;
    assert_eq!((bare.status, bare.body.as_str()), (200, "found"));
    let padded = |bytes: usize| {
        let mut form = b"code=123%7C123&action=lookup&reason=".to_vec();
        form.resize(bytes, b'x');
        form
    };
    for (encoding, way) in [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("deflate", "bare"),
    ] {
        let most = ask(encoding, packed(way, &padded(65_536))).await;
        assert_eq!((most.status, most.body.as_str()), (200, "found"), "{way}");
        let more = ask(encoding, packed(way, &padded(65_537))).await;
        assert_eq!(
            (more.status, more.body.as_str()),
            (413, "too_large"),
            "{way}"
        );
        let bomb = packed(way, &padded(50_000_000));
        assert!(
            bomb.len() < 65_536,
            "{} bytes come within the limit",
            bomb.len()
        );
        let bomb = ask(encoding, bomb).await;
        assert_eq!(
            (bomb.status, bomb.body.as_str()),
            (413, "too_large"),
            "{way}"
        );
        let whole = packed(way, form);
        for cut in 1..whole.len() {
            let reply = ask(encoding, whole[..cut].to_vec()).await;
            assert_eq!(
                (reply.status, reply.body.as_str()),
                (400, "compressed_body"),
                "{way} {cut}"
            );
        }
        let reply = ask(encoding, form.to_vec()).await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (400, "compressed_body"),
            "{way}"
        );
    }
    for encoding in ["br", "zstd", "compress", "gzip, gzip", "x", ""] {
        let reply = ask(encoding, packed("gzip", form)).await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (415, "compressed_body"),
            "{encoding}"
        );
    }
    assert_eq!(ask("identity", form.to_vec()).await.body, "found");
    // The native channel inflates the same encodings.
    for (encoding, way) in [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("deflate", "bare"),
    ] {
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Content-Encoding", encoding),
        ];
        let reply = post(&world, "chatbot", &headers, &packed(way, LOOKUP)).await;
        assert_eq!(reply.outcome(), "found", "{way}");
        let bomb = packed(way, &padded(50_000_000));
        let reply = post(&world, "chatbot", &headers, &bomb).await;
        assert_eq!(reply.status, 413, "{way}: {reply:?}");
        let cut = packed(way, LOOKUP);
        let reply = post(&world, "chatbot", &headers, &cut[..cut.len() - 1]).await;
        assert_eq!(reply.status, 400, "{way}: {reply:?}");
    }
    // The service inflates nothing before it has authenticated the caller.
    let headers = [("Content-Encoding", "gzip")];
    let bomb = packed("gzip", &padded(50_000_000));
    let reply = post(&world, "text?format=outcome", &headers, &bomb).await;
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (401, "not_authenticated")
    );
}
