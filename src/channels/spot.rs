//! A member's place in a request, and its raw value.
//!
//! The text of a place contains only known names, never a value.

use std::fmt;

use serde_json::Value;

use super::Misunderstood;
use super::form::Pair;
use super::member::Member;
use super::misunderstood::wrong;

/// A place in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// An RFC 6901 pointer into the body.
    Body(String),
    /// A member of the query.
    Query(String),
    /// A header.
    Header(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(pointer) => match pointer.strip_prefix('/') {
                Some(name) if !name.contains('/') => write!(f, "`{name}` in the body"),
                _ => write!(f, "`{pointer}` in the body"),
            },
            Self::Query(name) => write!(f, "`{name}` in the address"),
            Self::Header(name) => write!(f, "the header `{name}`"),
        }
    }
}

/// A member that was found in a request.
pub(super) struct Spot<'i> {
    /// Which member it is.
    pub(super) member: Member,
    /// Its place.
    pub(super) place: Place,
    /// Its value.
    pub(super) value: &'i Value,
    /// The pair of the form or the query that it came as.
    pub(super) pair: Option<&'i Pair>,
}

impl Spot<'_> {
    /// A value that is an object, or a flag where a text belongs.
    pub(super) fn not_a_text(&self) -> Misunderstood {
        wrong(
            422,
            "not_a_text",
            format!(
                "{} is not one text; send `{}` as a text, in quotes",
                self.place,
                self.member.name()
            ),
        )
    }

    /// The text of a list of equal texts, as two Rasa extractors fill a slot; `None` for an empty
    /// list.
    pub(super) fn several(&self, values: &[Value]) -> Result<Option<String>, Misunderstood> {
        let mut found: Option<String> = None;
        for value in values {
            let text = match value {
                Value::String(text) => text.trim().to_owned(),
                Value::Bool(flag) => flag.to_string(),
                Value::Number(number) => number.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => return Err(self.not_a_text()),
            };
            match &found {
                Some(other) if *other != text => {
                    return Err(wrong(
                        422,
                        "contradiction",
                        format!(
                            "{} is given more than once with different values; send it once",
                            self.place
                        ),
                    ));
                }
                Some(_) => {}
                None => found = Some(text),
            }
        }
        Ok(found)
    }
}
