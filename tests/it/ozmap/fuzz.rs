//! Random documents and codes: only the exact safe shape may be deleted.

use ozmap_cancel::domain::{CODE_CHARS_MAX, CodeError, ReservationCode};
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use reqwest::Url;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use unicode_normalization::is_nfc;

use super::rig::{CODE, ID, Page, one, reservation};
use crate::support::draws;

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..draws()
    })
}

/// Any JSON value, small.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..3).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof![
            "[a-z0-9|]{0,8}",
            Just(ID.to_owned()),
            Just("false".to_owned()),
            Just(CODE.to_owned())
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("(_id|id|code|implanted|clients|kind)", inner, 0..3)
                .prop_map(|members| json!(members)),
        ]
    })
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn is_one_of(value: &Value, known: &[&str]) -> bool {
    value.is_null()
        || value
            .as_str()
            .is_some_and(|text| known.contains(&text.to_lowercase().as_str()))
}

/// The members that decide, and their values that allow a deletion; independent of the guard.
type Rule = (&'static str, fn(&Value) -> bool);
const DECIDING: [Rule; 20] = [
    ("/_id", |value| value == ID),
    ("/id", |value| value == ID),
    ("/kind", |value| is_one_of(value, &["property"])),
    ("/client", |_| false),
    ("/client/code", |value| value == CODE),
    ("/client/implanted", |value| *value == Value::Bool(false)),
    ("/client/kind", |value| {
        is_one_of(value, &["ftth", "ftthclient"])
    }),
    ("/client/certified", |value| {
        value.is_null() || *value == Value::Bool(false)
    }),
    ("/client/onu", Value::is_null),
    ("/client/onu/serial_number", is_blank),
    ("/client/onu/mac_address", is_blank),
    ("/client/onu/user_PPPoE", is_blank),
    ("/client/deletedAt", Value::is_null),
    ("/deletedAt", Value::is_null),
    ("/parent", Value::is_null),
    ("/potencyRead", Value::is_null),
    ("/createdAt", Value::is_null),
    ("/history", Value::is_null),
    ("/history/clients/0/enter_date", Value::is_null),
    ("/history/clients/0/exit_date", Value::is_null),
];

/// Sets a member, if its parent still exists.
fn set(document: &mut Value, pointer: &str, value: Value) -> bool {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).and_then(Value::as_object_mut) {
        Some(members) => {
            members.insert(name.to_owned(), value);
            true
        }
        None => false,
    }
}

#[test]
fn only_a_document_whose_every_deciding_member_is_safe_is_deleted() {
    let runtime = runtime();
    let page = runtime.block_on(Page::new());
    let changes = prop::collection::vec((0..DECIDING.len(), any_json()), 1..4);
    let mut deleted = 0;
    runner(600)
        .run(&(changes, any::<bool>()), |(changes, in_envelope)| {
            let mut document = reservation();
            for (rule, value) in &changes {
                set(&mut document, DECIDING[*rule].0, value.clone());
            }
            // An onu or a history that was replaced by an object is read member by member: only its
            // members count.
            let original = reservation();
            let unsafe_at = DECIDING.iter().find(|(pointer, is_safe)| {
                let is_read_below = matches!(*pointer, "/client/onu" | "/history" | "/client");
                document.pointer(pointer).is_some_and(|value| {
                    let is_unchanged = original.pointer(pointer) == Some(value);
                    !(is_unchanged || is_safe(value) || is_read_below && value.is_object())
                })
            });
            let missing = ["/client/code", "/client/implanted", "/_id"];
            let missing = missing
                .iter()
                .any(|pointer| document.pointer(pointer).is_none());
            let body = if in_envelope {
                json!({"total": 1, "count": 1, "rows": [document]})
            } else {
                json!([document])
            };
            let result = runtime.block_on(page.says(body.to_string()));
            prop_assert_ne!(result, "absent");
            if result == "delete" {
                prop_assert!(unsafe_at.is_none() && !missing, "{body}");
            }
            Ok(())
        })
        .unwrap();
    // The other direction, so that a guard that refuses everything does not pass.
    for (pointer, is_safe) in DECIDING {
        for value in [
            Value::Null,
            json!(false),
            json!(""),
            json!(ID),
            json!(CODE),
            json!("Property"),
            json!("ftth"),
        ] {
            let mut document = reservation();
            if pointer == "/client" || !is_safe(&value) || !set(&mut document, pointer, value) {
                continue;
            }
            let result = runtime.block_on(page.says(json!([document]).to_string()));
            assert_eq!(result, "delete", "{pointer}");
            deleted += 1;
        }
    }
    assert!(deleted > 20);
}

#[test]
fn random_bytes_never_allow_a_deletion_and_never_stop_the_client() {
    let runtime = runtime();
    let page = runtime.block_on(Page::new());
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "[\\[\\]{}\",:0-9a-z_ ]{0,60}".prop_map(String::into_bytes),
        any_json().prop_map(|value| value.to_string().into_bytes()),
    ];
    runner(600)
        .run(&bytes, |bytes| {
            let is_nothing = matches!(
                String::from_utf8_lossy(&bytes)
                    .replace([' ', '\n', '\r', '\t'], "")
                    .as_str(),
                "[]" | "null" | "{}"
            );
            let result = runtime.block_on(page.says(bytes));
            prop_assert_ne!(result, "delete");
            prop_assert!(result != "absent" || is_nothing);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_document_with_one_byte_changed_is_deleted_only_as_what_it_says() {
    let runtime = runtime();
    let page = runtime.block_on(Page::new());
    let text = one();
    let implanted = text.find("\"implanted\":false").unwrap();
    let code = text.find("\"code\":\"123|123\",\"createdAt\"").unwrap();
    runner(600)
        .run(&(0..text.len(), any::<u8>()), |(at, byte)| {
            let mut bytes = text.clone().into_bytes();
            let changed = bytes[at] != byte;
            bytes[at] = byte;
            let result = runtime.block_on(page.says(bytes));
            prop_assert_ne!(result, "absent");
            let decides =
                (implanted..implanted + 17).contains(&at) || (code..code + 16).contains(&at);
            prop_assert!(
                !(decides && changed && result == "delete"),
                "byte {at} became {byte}"
            );
            Ok::<(), TestCaseError>(())
        })
        .unwrap();
}

#[test]
fn a_truncated_response_is_an_error() {
    let runtime = runtime();
    let page = runtime.block_on(Page::new());
    let text = one();
    for end in 0..text.len() {
        let result = runtime.block_on(page.says(&text.as_bytes()[..end]));
        assert_eq!(result, "ozmap_shape", "cut at {end}");
    }
}

#[test]
fn a_lookup_asks_for_its_code_and_nothing_else() {
    let runtime = runtime();
    let page = runtime.block_on(Page::new());
    let typed = prop_oneof![
        any::<String>(),
        "[./\\\\%?#|:@ a0;&=+\\[\\]\"'{}^-]{1,12}",
        "(%2e|\\.|/|\\\\|x){1,8}"
    ];
    runner(600)
        .run(&typed, |typed| {
            let Ok(code) = ReservationCode::parse(&typed) else {
                return Ok(());
            };
            let before = page.rig.server.requests().len();
            let result = runtime.block_on(page.says_to(&typed, "[]"));
            prop_assert_eq!(result, "absent");
            let requests = page.rig.server.requests().split_off(before);
            let known = [code.spellings(), code.near_spellings()].concat();
            prop_assert!(requests.len() > code.spellings().len());
            for target in requests.into_iter().map(|request| request.target) {
                let asked = match target.strip_prefix("/api/v2/properties/client/") {
                    Some(segment) => {
                        prop_assert!(
                            !segment.contains(['/', '?', '#', '\\']) && !segment.is_empty()
                        );
                        percent_decode_str(segment)
                            .decode_utf8()
                            .unwrap()
                            .into_owned()
                    }
                    None => {
                        prop_assert!(target.starts_with("/api/v2/ftth-clients?filter="));
                        let url = Url::parse(&format!("http://h{target}")).unwrap();
                        let filter = url.query_pairs().next().unwrap().1.into_owned();
                        let filter: Value = serde_json::from_str(&filter).unwrap();
                        filter[0]["value"].as_str().unwrap().to_owned()
                    }
                };
                prop_assert!(known.contains(&asked), "{:?}", asked);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_code_is_what_was_typed_without_the_noise() {
    runner(4_000)
        .run(
            &prop_oneof![any::<String>(), "[ .|/%a-zñ\u{301}\u{200b}-]{0,70}"],
            |typed| {
                match ReservationCode::parse(&typed) {
                    Ok(code) => {
                        let text = code.as_str();
                        prop_assert_eq!(ReservationCode::parse(text), Ok(code.clone()));
                        prop_assert!((1..=CODE_CHARS_MAX).contains(&text.chars().count()));
                        prop_assert!(is_nfc(text) && text.trim() == text);
                        prop_assert!(!text.chars().any(char::is_control));
                        prop_assert!(text != "." && text != "..");
                        prop_assert_eq!(format!("{code:?}"), "ReservationCode(…)");
                    }
                    Err(CodeError::Empty | CodeError::Dots) => {
                        prop_assert!(!typed.chars().any(|c| c.is_ascii_alphanumeric()))
                    }
                    Err(CodeError::TooLong) => {
                        prop_assert!(typed.chars().count() > CODE_CHARS_MAX / 3)
                    }
                    Err(CodeError::Invisible) => {
                        prop_assert!(!typed.is_ascii() || typed.chars().any(char::is_control))
                    }
                }
                Ok(())
            },
        )
        .unwrap();
}

#[test]
fn a_code_has_its_limits() {
    let parse = |text: &str| ReservationCode::parse(text).map(|code| code.as_str().to_owned());
    assert_eq!(parse("  123|123\n"), Ok("123|123".to_owned()));
    assert_eq!(parse(&"é".repeat(64)), Ok("é".repeat(64)));
    assert_eq!(parse(&"e\u{301}".repeat(64)), Ok("é".repeat(64)));
    assert_eq!(parse(&"e".repeat(129)), Err(CodeError::TooLong));
    assert_eq!(parse(&"e".repeat(10_000_000)), Err(CodeError::TooLong));
    assert_eq!(parse(" \u{a0}\u{3000}"), Err(CodeError::Empty));
    for invisible in [
        "a\u{0}b",
        "a\nb",
        "a\u{7f}b",
        "a\u{200b}b",
        "a\u{202e}b",
        "a\u{feff}b",
        "a\u{ad}b",
        "a\u{e0041}b",
    ] {
        assert_eq!(parse(invisible), Err(CodeError::Invisible), "{invisible:?}");
    }
}
