//! A request as one value: body, form and query alike, whatever the platform calls them.
//!
//! The content type is not trusted. A name that is given twice never wins silently: in JSON it refuses the request,
//! in a form it becomes a list, which no field accepts.

use std::fmt;
use std::io::Read;

use axum::http::{HeaderMap, header};
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::Misunderstood;
use super::body::{as_text, malformed, wrong};

/// A request, read.
pub(super) struct Input<'a> {
    /// The members of the JSON object or the form.
    pub(super) body: Value,
    /// The members of the query.
    pub(super) query: Value,
    /// The headers.
    pub(super) headers: &'a HeaderMap,
}

impl<'a> Input<'a> {
    /// Reads a request, inflating at most to `bytes_max`.
    pub(super) fn read(
        headers: &'a HeaderMap,
        target: &str,
        body: &[u8],
        bytes_max: usize,
    ) -> Result<Self, Misunderstood> {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let body = inflate(headers, body, bytes_max)?;
        let text = as_text(&body)?;
        let body = match text.trim_start().chars().next() {
            Some('{') => {
                let unique: Unique =
                    serde_json::from_str(text).map_err(|error| malformed(text, &error))?;
                unique.0
            }
            Some('[') => {
                return Err(wrong(
                    400,
                    "not_an_object",
                    "the body is a list; this platform sends one object",
                ));
            }
            Some('<') => {
                return Err(wrong(
                    415,
                    "not_json",
                    "the body is XML; this platform sends JSON or a form",
                ));
            }
            Some(_) => form(text.trim()),
            None => Value::Object(Map::new()),
        };
        Ok(Self {
            body,
            query: form(query),
            headers,
        })
    }
}

impl<'a> Input<'a> {
    /// Only what stands in the head of a request.
    pub(super) fn head(headers: &'a HeaderMap, target: &str) -> Self {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        Self {
            body: Value::Object(Map::new()),
            query: form(query),
            headers,
        }
    }
}

/// Reads `name=value&…`, each decoded once; a raw `|` is allowed.
fn form(text: &str) -> Value {
    let mut members = Map::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        let value = Value::String(value.into_owned());
        match members.get_mut(name.as_ref()) {
            None => {
                members.insert(name.into_owned(), value);
            }
            Some(same) if *same == value => {}
            Some(Value::Array(values)) => values.push(value),
            Some(other) => *other = Value::Array(vec![other.take(), value]),
        }
    }
    Value::Object(members)
}

/// The body as it was before it was packed.
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
        // The name means zlib, and some clients send bare deflate under it.
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

/// A JSON value in which no name stands twice in one object.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueReader).map(Unique)
    }
}

struct UniqueReader;

impl<'de> Visitor<'de> for UniqueReader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Unique(value)) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, Unique(value))) = map.next_entry::<String, Unique>()? {
            if members.insert(name, value).is_some() {
                return Err(serde::de::Error::custom(
                    "a name stands twice in one object",
                ));
            }
        }
        Ok(Value::Object(members))
    }
}
