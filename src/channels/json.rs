//! Reads a JSON object strictly, and explains what is wrong with one that is malformed.
//!
//! A name that is given twice must never win silently. No explanation holds anything of the body.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::misunderstood::{Misunderstood, wrong};

/// Reads a JSON object.
pub(super) fn object(text: &str) -> Result<Value, Misunderstood> {
    let unique: Unique = serde_json::from_str(text).map_err(|error| malformed(text, &error))?;
    Ok(unique.0)
}

/// The error for a malformed JSON text, with a hint.
fn malformed(text: &str, error: &serde_json::Error) -> Misunderstood {
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

/// The usual mistake in a chatbot builder when a body breaks at this position.
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
        // A `{{name}}` that the platform did not fill in.
        Some(b'{') if before.trim_end_matches('{').trim_end().ends_with(':') => Some(NO_QUOTES),
        Some(b'"') if between.trim().is_empty() && !before.trim_end().ends_with("\"{") => {
            Some(INNER_QUOTE)
        }
        _ => None,
    }
}

/// How a value that is given twice counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Same {
    /// It is given once.
    IsOne,
    /// It is given twice.
    Counts,
}

/// Adds a member; values that differ under one name become a list, which no field accepts.
pub(super) fn add(members: &mut Map<String, Value>, name: &str, value: Value, same: Same) {
    match members.get_mut(name) {
        None => {
            members.insert(name.to_owned(), value);
        }
        Some(other) if same == Same::IsOne && *other == value => {}
        Some(Value::Array(values)) => values.push(value),
        Some(other) => *other = Value::Array(vec![other.take(), value]),
    }
}

/// A JSON value without objects that repeat a name.
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
            // Two plain values of one name become a list, which no field accepts. A list would hide
            // nested values.
            let is_plain = |value: &Value| !value.is_object() && !value.is_array();
            if members.contains_key(&name) && !is_plain(&value)
                || members.get(&name).is_some_and(Value::is_object)
            {
                return Err(serde::de::Error::custom("a name is repeated in one object"));
            }
            add(&mut members, &name, value, Same::IsOne);
        }
        Ok(Value::Object(members))
    }
}
