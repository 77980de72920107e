//! Decodes a request body: decompression, UTF-8, one JSON object.
//!
//! It does not trust the content type: Asterisk sends JSON as a form, Typebot sends broken JSON as
//! text. An error must never contain a part of the body.

use std::io::Read;

use axum::http::{HeaderMap, header};
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use serde_json::Value;

use super::json::object;
use super::misunderstood::{Misunderstood, wrong};

/// The most bytes of a decompressed body.
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

/// Whether the body is a JSON text that contains a JSON object.
fn is_json_in_a_text(text: &str) -> bool {
    let inner: Result<String, _> = serde_json::from_str(text);
    inner.is_ok_and(|inner| inner.trim_start().starts_with('{'))
}

/// The body as text, without the byte order mark that some platforms send.
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

/// The shortest valid body.
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

/// Decompresses the body, up to a limit.
pub(super) fn inflate<'b>(
    headers: &HeaderMap,
    body: &'b [u8],
    bytes_max: usize,
) -> Result<std::borrow::Cow<'b, [u8]>, Misunderstood> {
    let encodings: Vec<String> = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .map(|value| {
            String::from_utf8_lossy(value.as_bytes())
                .trim()
                .to_ascii_lowercase()
        })
        .collect();
    let inflated = match encodings
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [] | ["identity"] => return Ok(body.into()),
        ["gzip" | "x-gzip"] => capped(GzDecoder::new(body), bytes_max),
        // By the standard this is zlib, but some clients send raw deflate.
        ["deflate"] if body.first().is_some_and(|byte| byte & 0x0f == 8) => {
            capped(ZlibDecoder::new(body), bytes_max)
        }
        ["deflate"] => capped(DeflateDecoder::new(body), bytes_max),
        _ => {
            return Err(wrong(
                415,
                "compressed_body",
                "the body is compressed in a way that is not known; send gzip, deflate or nothing",
            ));
        }
    };
    match inflated {
        Ok(inflated) if inflated.len() <= bytes_max => Ok(inflated.into()),
        Ok(_) => Err(wrong(
            413,
            "too_large",
            format!("the inflated body is larger than {bytes_max} bytes"),
        )),
        Err(_) => Err(wrong(
            400,
            "compressed_body",
            "the body is not what its `Content-Encoding` says",
        )),
    }
}

fn capped(reader: impl Read, bytes_max: usize) -> std::io::Result<Vec<u8>> {
    let mut inflated = Vec::new();
    reader
        .take(bytes_max as u64 + 1)
        .read_to_end(&mut inflated)?;
    Ok(inflated)
}
