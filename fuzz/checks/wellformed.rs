//! An answer is what its content type says, for a parser that shares nothing with the service.

use axum::http::HeaderValue;
use ozmap_cancel::channels::Rendered;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Stops unless the body is one well-formed document of its content type, and gives the texts that a reader finds in it.
pub fn texts(rendered: &Rendered) -> Vec<String> {
    let Rendered { content_type, body } = rendered;
    assert!(
        HeaderValue::from_str(content_type).is_ok(),
        "{content_type:?}"
    );
    let media = content_type.split(';').next().unwrap().trim();
    match media {
        json if json.ends_with("json") => {
            let value: Value = serde_json::from_str(body)
                .unwrap_or_else(|error| panic!("not JSON: {error}: {body}"));
            leaves(&value)
        }
        xml if xml.ends_with("xml") => in_xml(body),
        "application/x-www-form-urlencoded" => in_form(body),
        "text/plain" => {
            assert!(
                !body.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']),
                "not one line: {body:?}"
            );
            vec![body.clone()]
        }
        other => panic!("an answer of an unknown kind: {other}"),
    }
}

/// The texts of a JSON value, numbers as they are written.
pub fn leaves(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Bool(_) | Value::Number(_) => vec![value.to_string()],
        Value::Array(values) => values.iter().flat_map(leaves).collect(),
        Value::Object(members) => members.values().flat_map(leaves).collect(),
    }
}

fn in_xml(body: &str) -> Vec<String> {
    let document =
        roxmltree::Document::parse(body).unwrap_or_else(|error| panic!("not XML: {error}: {body}"));
    let illegal = |c: char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    assert!(
        !body.contains(illegal),
        "a character that XML forbids: {body:?}"
    );
    assert!(!body.contains("${"), "a dialplan would expand this: {body}");
    let mut texts = Vec::new();
    for node in document.descendants() {
        assert!(!node.is_comment() && !node.is_pi(), "{body}");
        texts.extend(
            node.attributes()
                .map(|attribute| attribute.value().to_owned()),
        );
        if node.is_text() {
            texts.push(node.text().unwrap_or_default().to_owned());
        }
    }
    texts
}

/// `name=value&…`, percent-encoded and never with a `+`, which Asterisk does not decode.
fn in_form(body: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for pair in body.split('&') {
        let (name, value) = pair
            .split_once('=')
            .unwrap_or_else(|| panic!("no pair: {body}"));
        assert!(
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
            "{body}"
        );
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._~%".contains(&b);
        assert!(value.bytes().all(fits), "{body}");
        texts.push(
            percent_decode_str(value)
                .decode_utf8()
                .unwrap()
                .into_owned(),
        );
    }
    texts
}
