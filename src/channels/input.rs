//! A request as one value: body, form and query alike, whatever the platform calls them.
//!
//! The content type is not trusted. A name that is given twice never wins silently: different values become a list, which
//! no field accepts.

use std::fmt;
use std::io::Read;

use axum::http::{HeaderMap, header};
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::Misunderstood;
use super::body::{as_text, malformed, wrong};
use super::form::{Pair, pairs};
use super::spot::Place;

/// A request, read.
pub(super) struct Input<'a> {
    /// The members of the JSON object or the form.
    pub(super) body: Value,
    /// The members of the query.
    pub(super) query: Value,
    /// The headers, by their names in lower case.
    pub(super) head: Value,
    /// The headers.
    pub(super) headers: &'a HeaderMap,
    /// The body as it came, where it is a form.
    pub(super) body_pairs: Vec<Pair>,
    /// The query as it came.
    pub(super) query_pairs: Vec<Pair>,
}

impl<'a> Input<'a> {
    /// Reads a request, inflating at most to `bytes_max`.
    pub(super) fn read(
        headers: &'a HeaderMap,
        target: &str,
        body: &[u8],
        bytes_max: usize,
    ) -> Result<Self, Misunderstood> {
        let body = inflate(headers, body, bytes_max)?;
        let text = as_text(&body)?;
        let head = Self::head(headers, target);
        match text.trim_start().chars().next() {
            Some('{') => Ok(Self {
                body: object(text)?,
                ..head
            }),
            Some('[') => Err(wrong(
                400,
                "not_an_object",
                "the body is a list; this platform sends one object",
            )),
            Some('<') => Err(wrong(
                415,
                "not_json",
                "the body is XML; this platform sends JSON or a form",
            )),
            Some(_) => {
                let body_pairs = pairs(text.trim());
                Ok(Self {
                    body: members(&body_pairs),
                    body_pairs,
                    ..head
                })
            }
            None => Ok(head),
        }
    }

    /// Only what stands in the head of a request.
    pub(super) fn head(headers: &'a HeaderMap, target: &str) -> Self {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let query_pairs = pairs(query);
        let mut head = Map::new();
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value.as_bytes()).trim().to_owned();
            add(&mut head, name.as_str(), Value::String(value), Same::Counts);
        }
        Self {
            body: Value::Object(Map::new()),
            query: members(&query_pairs),
            head: Value::Object(head),
            headers,
            body_pairs: Vec::new(),
            query_pairs,
        }
    }

    /// The pair of a form or of the query that stands in a place.
    pub(super) fn pair(&self, place: &Place) -> Option<&Pair> {
        let (pairs, name) = match place {
            Place::Body(pointer) => (&self.body_pairs, pointer.strip_prefix('/')?),
            Place::Query(name) => (&self.query_pairs, name.as_str()),
            Place::Header(_) => return None,
        };
        let name = name.replace("~1", "/").replace("~0", "~");
        pairs.iter().find(|pair| pair.name == name)
    }
}

/// Reads a JSON object.
pub(super) fn object(text: &str) -> Result<Value, Misunderstood> {
    let unique: Unique = serde_json::from_str(text).map_err(|error| malformed(text, &error))?;
    Ok(unique.0)
}

/// The members of a form; one that is given twice with different values is a list, which no field accepts.
fn members(pairs: &[Pair]) -> Value {
    let mut members = Map::new();
    for pair in pairs {
        let value = Value::String(pair.value.clone());
        add(&mut members, &pair.name, value, Same::IsOne);
    }
    Value::Object(members)
}

/// What becomes of the same value given twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Same {
    IsOne,
    Counts,
}

fn add(members: &mut Map<String, Value>, name: &str, value: Value, same: Same) {
    match members.get_mut(name) {
        None => {
            members.insert(name.to_owned(), value);
        }
        Some(other) if same == Same::IsOne && *other == value => {}
        Some(Value::Array(values)) => values.push(value),
        Some(other) => *other = Value::Array(vec![other.take(), value]),
    }
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
            // Two texts of one name are a list, which no field accepts; what lies deeper would be hidden by it.
            let is_plain = |value: &Value| !value.is_object() && !value.is_array();
            if members.contains_key(&name) && !is_plain(&value)
                || members.get(&name).is_some_and(Value::is_object)
            {
                return Err(serde::de::Error::custom(
                    "a name stands twice in one object",
                ));
            }
            add(&mut members, &name, value, Same::IsOne);
        }
        Ok(Value::Object(members))
    }
}
