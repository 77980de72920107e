//! Inputs for the checks: captured requests, seeds, and their mutations.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::checks::channels::HOSTILE;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

/// The seeds of a fuzz target, including its past findings.
pub fn seeds(check: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = root().join("fuzz/seeds").join(check);
    if !folder.is_dir() {
        return Vec::new();
    }
    sorted(&folder)
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

/// Every captured request with its preset.
pub fn captures() -> Vec<(String, PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for folder in sorted(&root().join("tests/it/channels/cases")) {
        let preset = folder.file_name().unwrap().to_str().unwrap().to_owned();
        for path in sorted(&folder) {
            if path
                .extension()
                .is_some_and(|extension| extension == "http")
            {
                found.push((preset.clone(), path.clone(), std::fs::read(path).unwrap()));
            }
        }
    }
    assert!(found.len() > 100, "only {} captures", found.len());
    found
}

/// A mutation of some bytes.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Swap(Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let text = prop_oneof![
        prop::sample::select(&HOSTILE[..]).prop_map(|text| text.as_bytes().to_vec()),
        prop::sample::select(
            &[
                "\"",
                "null",
                "{}",
                "[]",
                "|",
                "*",
                "**",
                "#",
                "%7C",
                "%00",
                "&",
                "=",
                "\r\n",
                "1",
                "true",
                "-1e400",
                "{\"a\":1}",
                "\\ud800",
                "\u{feff}",
                "123|124",
                " ",
                "ozc_step=confirm",
                "&Digits=9*9",
            ][..]
        )
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 1..6),
        "[a-z]{4000,4100}".prop_map(String::into_bytes),
    ];
    prop_oneof![
        3 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        3 => (any::<Index>(), text).prop_map(|(at, text)| Change::Insert(at, text)),
        2 => (any::<Index>(), 1..20_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        2 => (any::<Index>(), 1..60_usize).prop_map(|(at, length)| Change::Repeat(at, length)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(one, other)| Change::Swap(one, other)),
    ]
}

/// Some bytes with one to four mutations.
pub fn mutated(bytes: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(change(), 1..5)
        .prop_map(move |changes| changes.into_iter().fold(bytes.clone(), changed))
}

fn changed(mut bytes: Vec<u8>, change: Change) -> Vec<u8> {
    if bytes.is_empty() {
        return bytes;
    }
    let length = bytes.len();
    match change {
        Change::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
        Change::Insert(at, text) => {
            let at = at.index(length);
            bytes.splice(at..at, text);
        }
        Change::Remove(at, count) => {
            let at = at.index(length);
            bytes.drain(at..(at + count).min(length));
        }
        Change::Repeat(at, count) => {
            let at = at.index(length);
            let end = (at + count).min(length);
            let again = bytes[at..end].to_vec();
            bytes.splice(end..end, again);
        }
        Change::Swap(one, other) => bytes.swap(one.index(length), other.index(length)),
    }
    bytes
}

/// A captured request in which a hostile text replaces every text outside the head: leaves of JSON,
/// values of a form.
pub fn spiked(request: &[u8], hostile: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text
        .split_once("\r\n\r\n")
        .or_else(|| text.split_once("\n\n"))
    else {
        return request.to_vec();
    };
    let body = match serde_json::from_str::<Value>(body) {
        Ok(mut value) => {
            for pointer in pointers(&value) {
                match value.pointer_mut(&pointer) {
                    // Texts that look like a code, a digit or a flag stay, so that the service
                    // still understands the request.
                    Some(Value::String(text)) if text.len() > 12 || text.contains(' ') => {
                        *text = hostile.repeat(4_096 / hostile.len());
                    }
                    _ => {}
                }
            }
            value.to_string()
        }
        Err(_) => {
            let pairs = form_urlencoded::parse(body.as_bytes()).map(|(name, value)| {
                let keeps = value.len() <= 12;
                let value = if keeps {
                    value.into_owned()
                } else {
                    hostile.to_owned()
                };
                (name.into_owned(), value)
            });
            form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish()
        }
    };
    format!("{head}\r\n\r\n{body}").into_bytes()
}

/// The pointer to every place in a JSON value.
pub fn pointers(value: &Value) -> Vec<String> {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, item)| (at.to_string(), item))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let mut all = vec![String::new()];
    for (name, value) in below {
        all.extend(
            pointers(value)
                .into_iter()
                .map(|rest| format!("/{name}{rest}")),
        );
    }
    all
}

/// Any small JSON value, with the words that have a meaning on some platform.
pub fn any_json() -> impl Strategy<Value = Value> {
    let words = [
        "123|123",
        "false",
        "true",
        "",
        " ",
        "property",
        "ftth",
        "62d194b46c9401002392c704",
        "2022-07-15T16:24:20.980Z",
        "2022-07-15",
        "cancelar 123|123",
        "123*123#",
        "um dois barra tres",
        "0.95",
        "dtmfDetected",
        "PT-br",
        "lookup",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..130).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(&HOSTILE[..]).prop_map(Value::from),
        prop::sample::select(words.to_vec()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        let names = prop::sample::select(NAMES.to_vec());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(names, inner, 0..6).prop_map(|members| json!(members)),
        ]
    })
}

/// Member names that OZmap or some platform uses.
const NAMES: [&str; 34] = [
    "_id",
    "id",
    "code",
    "implanted",
    "clients",
    "kind",
    "rows",
    "total",
    "inputs",
    "query",
    "fromMe",
    "chatInput",
    "queryResult",
    "parameters",
    "reservation_code",
    "sessionInfo",
    "session",
    "tracker",
    "slots",
    "sender_id",
    "dtmf",
    "digits",
    "speech",
    "results",
    "text",
    "confidence",
    "Details",
    "Parameters",
    "sessionState",
    "intent",
    "name",
    "dry_run",
    "action",
    "contact",
];

/// Requests with the members of real platforms.
pub fn structured() -> impl Strategy<Value = Vec<u8>> {
    let target = prop_oneof![
        Just("/webhooks/x".to_owned()),
        "/webhooks/x\\?(ozc_failures=[0-9]{1,3}&)?ozc_step=(code|confirm|broken|)&ozc_code=123(%7C|\\||)123(&dry_run=(true|1|x))?",
        "/webhooks/x\\?(code|digits|Digits|format|lang|action)=[0-9a-z*#|%+]{0,12}",
    ];
    let form = prop::collection::vec(("(code|Digits|SpeechResult|Body|From|digits|Speech|CallSid|CallUUID|exiting|call_id|Confidence|dtmf)", "[ -~é]{0,24}|123\\*123"), 0..6)
        .prop_map(|pairs| form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish());
    let body = prop_oneof![any_json().prop_map(|value| value.to_string()), form];
    (
        prop_oneof![4 => Just("POST"), 1 => Just("GET")],
        target,
        body,
    )
        .prop_map(|(method, target, body)| {
            format!("{method} {target} HTTP/1.1\r\nAccept: text/plain;q=0.5, */*\r\n\r\n{body}")
                .into_bytes()
        })
}

/// Configuration files with known and unknown keys, and values of every kind.
pub fn settings() -> impl Strategy<Value = Vec<u8>> {
    let defaults: toml::Table =
        toml::from_str(include_str!("../../../../config/default.toml")).unwrap();
    let mut keys: Vec<String> = vec!["nothing.here".to_owned(), "server.lissten".to_owned()];
    for (section, table) in &defaults {
        let known = table.as_table().into_iter().flat_map(toml::Table::keys);
        keys.extend(known.map(|key| format!("{section}.{key}")));
    }
    for key in [
        "preset",
        "auth",
        "secret",
        "locale",
        "medium",
        "format",
        "separator",
        "answer_ms_max",
    ] {
        keys.push(format!("channels.phone.{key}"));
    }
    let value = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        (0..3_i64).prop_map(|number| number.to_string()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        Just("[]".to_owned()),
        Just("{ a = 1 }".to_owned()),
        Just("nan".to_owned()),
        Just("1979-05-27".to_owned()),
        "\"(|x|review|none|bearer|twilio|hmac|jambonz|text|es|0\\.0\\.0\\.0:1|127\\.0\\.0\\.1:1|\\[|a-secret-of-thirty-two-characters)\"",
    ];
    prop::collection::vec((prop::sample::select(keys), value), 1..5).prop_map(|pairs| {
        let lines: Vec<String> = pairs
            .iter()
            .map(|(key, value)| format!("{key} = {value}"))
            .collect();
        lines.join("\n").into_bytes()
    })
}
