//! A request as one value: body, form and query alike.
//!
//! It does not trust the content type. A repeated name never wins silently: different values become
//! a list, which no field accepts.

use axum::http::HeaderMap;
use serde_json::{Map, Value};

use super::body::{as_text, inflate};
use super::form::{Pair, pairs};
use super::json::{Same, add, object};
use super::misunderstood::{Misunderstood, wrong};
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
    /// The pairs of the body, if it is a form.
    pub(super) body_pairs: Vec<Pair>,
    /// The pairs of the query.
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

    /// Only the head of a request: headers and query.
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

    /// The pair of the form or of the query at a place.
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

/// The members of a form; one that is given twice with different values is a list, which no field
/// accepts.
fn members(pairs: &[Pair]) -> Value {
    let mut members = Map::new();
    for pair in pairs {
        let value = Value::String(pair.value.clone());
        add(&mut members, &pair.name, value, Same::IsOne);
    }
    Value::Object(members)
}
