//! Where a code came from: no request leads to a code that does not stand in it.
//!
//! The request is decoded here once more. Only the documented conversions may turn a text into a code:
//! blanks at its ends and around a bar within a sentence go, a whole number loses its `.0`, a keyed `*` is the separator, `#` ends, `**` starts again, and
//! spoken words become digits and separators.

use std::io::Read;

use axum::http::header;
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use serde_json::Value;

use super::request::Request;
use super::wellformed::leaves;

/// The separator that a keyed `*` means.
pub const SEPARATOR: &str = "|";

/// How a code may stand in a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// As the whole of a text.
    Whole,
    /// Anywhere in a text: the platform hands on what the customer wrote.
    Within,
    /// Spoken or keyed; it is confirmed before anything happens.
    Spoken,
}

/// Panics unless the request contains the code.
pub fn check(request: &Request, code: &str, trace: Trace) {
    let texts = texts(request);
    let stands = |text: &String| {
        let text = text.trim();
        match trace {
            Trace::Whole => text == code || keyed(text) == code,
            Trace::Within => is_within(text, code),
            Trace::Spoken => is_within(text, code) || is_spoken(text, code),
        }
    };
    assert!(
        texts.iter().any(stands),
        "{code:?} stands nowhere in {request:?}"
    );
}

/// Whether a text contains a code as it is, with blanks around its bars, or keyed.
fn is_within(text: &str, code: &str) -> bool {
    text.contains(code) || joined(text).contains(code) || keyed(text) == code
}

/// A text without the blanks around its bars.
fn joined(text: &str) -> String {
    let parts: Vec<&str> = text.split(SEPARATOR).map(str::trim).collect();
    parts.join(SEPARATOR)
}

/// Every text of a request, decoded.
pub fn texts(request: &Request) -> Vec<String> {
    let mut texts = pairs(request.query().as_bytes());
    texts.extend(
        request
            .headers
            .values()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
    );
    let body = inflated(request);
    let body = String::from_utf8_lossy(&body);
    let body = body.strip_prefix('\u{feff}').unwrap_or(&body);
    if let Ok(value) = serde_json::from_str::<Value>(body) {
        texts.extend(leaves(&value));
        texts.extend(numbers(&value));
    }
    texts.extend(pairs(body.trim().as_bytes()));
    texts
}

fn pairs(encoded: &[u8]) -> Vec<String> {
    form_urlencoded::parse(encoded)
        .map(|(_, value)| value.into_owned())
        .collect()
}

/// Whole numbers as a person writes them.
fn numbers(value: &Value) -> Vec<String> {
    match value {
        Value::Number(number) => number
            .as_f64()
            .filter(|float| float.fract() == 0.0 && float.abs() < 1e16)
            .map(|float| format!("{float:.0}"))
            .into_iter()
            .collect(),
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        Value::Object(members) => members.values().flat_map(numbers).collect(),
        Value::Null | Value::Bool(_) | Value::String(_) => Vec::new(),
    }
}

fn inflated(request: &Request) -> Vec<u8> {
    let encoding = request.headers.get(header::CONTENT_ENCODING);
    let encoding = encoding.map(|value| value.as_bytes().trim_ascii().to_ascii_lowercase());
    let body = request.body.as_slice();
    let mut text = Vec::new();
    let read = match encoding.as_deref() {
        Some(b"gzip" | b"x-gzip") => GzDecoder::new(body).take(1 << 22).read_to_end(&mut text),
        Some(b"deflate") => match ZlibDecoder::new(body).take(1 << 22).read_to_end(&mut text) {
            Ok(read) => Ok(read),
            Err(_) => {
                text.clear();
                DeflateDecoder::new(body)
                    .take(1 << 22)
                    .read_to_end(&mut text)
            }
        },
        _ => return body.to_vec(),
    };
    read.map(|_| text).unwrap_or_default()
}

fn keyed(text: &str) -> String {
    let until = text.find('#').unwrap_or(text.len());
    let from = text[..until].rfind("**").map_or(0, |at| at + 2);
    text[from..until].trim().replace('*', SEPARATOR)
}

/// Whether a code has exactly the digits that were said, and no more separators than were said.
fn is_spoken(text: &str, code: &str) -> bool {
    const DIGITS: [&[&str]; 10] = [
        &["zero", "cero"],
        &["um", "uma", "uno", "one"],
        &["dois", "duas", "dos", "two"],
        &["três", "tres", "three"],
        &["quatro", "cuatro", "four"],
        &["cinco", "five"],
        &["seis", "meia", "six"],
        &["sete", "siete", "seven"],
        &["oito", "ocho", "eight"],
        &["nove", "nueve", "nine"],
    ];
    const SEPARATORS: [&str; 6] = ["barra", "pipe", "asterisco", "bar", "star", "slash"];
    let text = text.to_lowercase();
    let (mut digits, mut separators) = (String::new(), 0);
    for word in text.split([' ', ',', '.', ';']) {
        let known = DIGITS.iter().position(|words| words.contains(&word));
        match known {
            Some(digit) => digits.push_str(&digit.to_string()),
            None if SEPARATORS.contains(&word) => separators += 1,
            None => {
                digits.extend(word.chars().filter(char::is_ascii_digit));
                separators += word.matches(['|', '/', '*']).count();
            }
        }
    }
    let said: String = code.chars().filter(char::is_ascii_digit).collect();
    said == digits && code.matches(SEPARATOR).count() == separators
}
