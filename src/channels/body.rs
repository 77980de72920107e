//! A JSON body, and a pointed word about one that is none.
//!
//! The content type is not trusted: Asterisk sends JSON as a form, Typebot sends broken JSON as text. Nothing of the
//! body ever stands in an error.

use axum::http::{HeaderMap, header};
use serde_json::Value;

use super::Misunderstood;
use super::input::{inflate, object};

/// The most bytes of a body that was sent packed.
const INFLATED_BYTES_MAX: usize = 65_536;

/// Reads a body as one JSON object.
pub(super) fn json_object(headers: &HeaderMap, body: &[u8]) -> Result<Value, Misunderstood> {
    let body = inflate(headers, body, INFLATED_BYTES_MAX)?;
    let text = as_text(&body)?;
    match text.trim_start().chars().next() {
        None => Err(wrong(
            400,
            "empty_body",
            format!("the body is empty; send {EXAMPLE}"),
        )),
        Some('{') => object(text),
        Some('[') => Err(wrong(
            400,
            "not_an_object",
            format!("the body is a list; send one object: {EXAMPLE}"),
        )),
        Some('"') if is_json_in_a_text(text) => Err(wrong(
            400,
            "malformed_json",
            format!(
                "the body is a JSON object inside a text (it was turned into JSON twice); send the object itself: {EXAMPLE}"
            ),
        )),
        Some(_) => Err(not_json(headers)),
    }
}

/// Whether somebody turned an object into a text, and that text into JSON.
fn is_json_in_a_text(text: &str) -> bool {
    let inner: Result<String, _> = serde_json::from_str(text);
    inner.is_ok_and(|inner| inner.trim_start().starts_with('{'))
}

/// The body as text, without the byte order mark that some platforms put before it.
pub(super) fn as_text(body: &[u8]) -> Result<&str, Misunderstood> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let detail = format!(
            "the body is not UTF-8 (byte {}); send it as UTF-8",
            error.valid_up_to()
        );
        wrong(400, "not_utf8", detail)
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The shortest body that works.
const EXAMPLE: &str = r#"{"code":"123|123"}"#;

fn not_json(headers: &HeaderMap) -> Misunderstood {
    let declared = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media = declared
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if media.is_empty() || media.ends_with("json") || media == "text/plain" {
        return wrong(
            400,
            "malformed_json",
            format!("the body is not JSON: line 1, column 1; send {EXAMPLE}"),
        );
    }
    wrong(
        415,
        "not_json",
        format!(
            "the body is not JSON but of another kind; choose JSON in your platform and send {EXAMPLE}"
        ),
    )
}

pub(super) fn malformed(text: &str, error: &serde_json::Error) -> Misunderstood {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "ends too early",
        serde_json::error::Category::Io
        | serde_json::error::Category::Syntax
        | serde_json::error::Category::Data => "is not valid",
    };
    let hint = hint(text, error).unwrap_or_default();
    let detail = format!(
        "the JSON {what}: line {}, column {}{hint}",
        error.line(),
        error.column()
    );
    wrong(400, "malformed_json", detail)
}

/// What chatbot builders usually did wrong when a body breaks at this place.
fn hint(text: &str, error: &serde_json::Error) -> Option<&'static str> {
    const NO_QUOTES: &str = "; it looks as if the quotes around a value are missing: write {\"code\":\"{{code}}\"}, not {\"code\":{{code}}}";
    const INNER_QUOTE: &str = "; it looks as if a value has a quote inside: let your platform escape it (\\\"), or leave that member out";
    const RAW_LINE: &str = "; a value has a line break or another control character as it is: let your platform escape it (\\n), or leave that member out";
    const HALF: &str = "; a value has half of an emoji (one part of a surrogate pair): let your platform send it whole, or leave that member out";
    let what = error.to_string();
    if what.contains("control character") {
        return Some(RAW_LINE);
    }
    if what.contains("surrogate") || what.contains("hex escape") {
        return Some(HALF);
    }
    let line = text.lines().nth(error.line().checked_sub(1)?)?;
    let before: String = line
        .bytes()
        .take(error.column().saturating_sub(1))
        .map(char::from)
        .collect();
    let last = before.rfind([':', '"', ',', '{', '}'])?;
    let between = before.get(last + 1..)?;
    match before.as_bytes().get(last) {
        Some(b':') => Some(NO_QUOTES),
        // `{{name}}` that the platform did not fill in.
        Some(b'{') if before.trim_end_matches('{').trim_end().ends_with(':') => Some(NO_QUOTES),
        Some(b'"') if between.trim().is_empty() && !before.trim_end().ends_with("\"{") => {
            Some(INNER_QUOTE)
        }
        _ => None,
    }
}

/// A request that is not understood.
pub(super) fn wrong(status: u16, id: &'static str, detail: impl Into<String>) -> Misunderstood {
    Misunderstood {
        status,
        id,
        detail: detail.into(),
        member: None,
    }
}
