//! Reads the value at a place of a request: an ordered list of sources, the first with a value
//! wins.
//!
//! A number that cannot be written exactly is an error, never rounded.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Misunderstood;
use super::input::Input;
use super::instruction::contradiction;
use super::misunderstood::wrong;
use super::spot::Place;

/// One place to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// An RFC 6901 pointer into the body.
    Body(String),
    /// A member of the query.
    Query(String),
    /// A header.
    Header(String),
}

impl Source {
    /// Reads `/pointer`, `query:NAME` or `header:NAME`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("query:") {
            return Ok(Self::Query(name.to_owned()));
        }
        if let Some(name) = text.strip_prefix("header:") {
            return Ok(Self::Header(name.to_ascii_lowercase()));
        }
        let escapes_fit = text
            .split('~')
            .skip(1)
            .all(|rest| rest.starts_with(['0', '1']));
        if text.starts_with('/') && escapes_fit {
            Ok(Self::Body(text.to_owned()))
        } else {
            Err(format!(
                "`{text}` is no source; write /pointer/into/the/body, query:NAME or header:NAME"
            ))
        }
    }

    /// The text there; empty and `null` count as absent.
    pub(super) fn text(&self, input: &Input<'_>) -> Result<Option<String>, Misunderstood> {
        let text = match self.value(input) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Bool(flag)) => flag.to_string(),
            Some(Value::Number(number)) => as_text(number).ok_or_else(|| {
                wrong(
                    422,
                    "not_a_text",
                    format!(
                        "{} is a number that cannot be read exactly; send it as a text",
                        self.place()
                    ),
                )
            })?,
            Some(Value::Array(_)) if matches!(self, Self::Header(_)) => {
                return Err(wrong(
                    400,
                    "repeated_header",
                    format!("{} is given more than once; send it once", self.place()),
                ));
            }
            Some(Value::Array(_) | Value::Object(_)) => {
                return Err(wrong(
                    422,
                    "not_a_text",
                    format!("{} is not one text", self.place()),
                ));
            }
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// The raw value there.
    pub(super) fn value<'i>(&self, input: &'i Input<'_>) -> Option<&'i Value> {
        match self {
            Self::Body(pointer) => input.body.pointer(pointer),
            Self::Query(name) => input.query.get(name),
            Self::Header(name) => input.head.get(name),
        }
    }

    /// The place, for a sentence about it.
    pub(super) fn place(&self) -> Place {
        match self {
            Self::Body(pointer) => Place::Body(pointer.clone()),
            Self::Query(name) => Place::Query(name.clone()),
            Self::Header(name) => Place::Header(name.clone()),
        }
    }

    /// The name, if it is a query member.
    pub(super) fn query_name(&self) -> Option<&str> {
        match self {
            Self::Query(name) => Some(name),
            Self::Body(_) | Self::Header(_) => None,
        }
    }

    /// Whether it is this header.
    pub(super) fn is_header(&self, name: &str) -> bool {
        matches!(self, Self::Header(header) if header == name)
    }

    /// The number there: `None` if absent, `Some(None)` if not a number.
    pub(super) fn number(&self, input: &Input<'_>) -> Option<Option<f64>> {
        match self.value(input)? {
            Value::Null => None,
            Value::Number(number) => Some(number.as_f64()),
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(text.trim().parse().ok()),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => Some(None),
        }
    }
}

/// Google's Struct turns every number into a float: `42` comes as `42.0`.
pub(super) fn as_text(number: &serde_json::Number) -> Option<String> {
    const EXACT_MAX: f64 = 9_007_199_254_740_991.0;
    if number.is_i64() || number.is_u64() {
        return Some(number.to_string());
    }
    let float = number.as_f64()?;
    (float.fract() == 0.0 && float.abs() <= EXACT_MAX).then(|| format!("{float:.0}"))
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The first source with a text.
pub(super) fn first(
    sources: &[Source],
    input: &Input<'_>,
) -> Result<Option<String>, Misunderstood> {
    for source in sources {
        if let Some(text) = source.text(input)? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// The text on which all sources with a text agree. If two disagree, either may be meant, so the
/// request is refused.
pub(super) fn agreed(
    sources: &[Source],
    input: &Input<'_>,
) -> Result<Option<String>, Misunderstood> {
    let mut found: Option<(&Source, String)> = None;
    for source in sources {
        let Some(text) = source.text(input)? else {
            continue;
        };
        match &found {
            Some((other, first)) if *first != text => {
                return Err(contradiction(&other.place(), &source.place()));
            }
            Some(_) => {}
            None => found = Some((source, text)),
        }
    }
    Ok(found.map(|(_, text)| text))
}

/// An object whose members are named for this service, or by the people who built a bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// The top of the body.
    Body,
    /// The query.
    Query,
    /// An object in the body, by its RFC 6901 pointer.
    Object(String),
    /// The values at the end of a path behind every member of an object: `/slots/*/value`.
    Each(String, String),
}

impl Container {
    /// Reads `body`, `query`, `/pointer` or `/pointer/*/rest`.
    fn parse(text: &str) -> Result<Self, String> {
        match (text, text.split_once("/*/")) {
            ("body", _) => Ok(Self::Body),
            ("query", _) => Ok(Self::Query),
            (_, Some((object, rest))) if text.starts_with('/') => {
                Ok(Self::Each(object.to_owned(), format!("/{rest}")))
            }
            (_, None) if text.starts_with('/') => Ok(Self::Object(text.to_owned())),
            _ => Err(format!(
                "`{text}` is no object; write body, query, /pointer/to/an/object or /pointer/*/rest"
            )),
        }
    }

    /// The pointer of a code in it, under a name that cannot be one of the bot's own parameters.
    pub(super) fn code(&self) -> String {
        const NAME: &str = "reservation_code";
        match self {
            Self::Body | Self::Query => format!("/{NAME}"),
            Self::Object(pointer) => format!("{pointer}/{NAME}"),
            Self::Each(pointer, rest) => format!("{pointer}/{NAME}{rest}"),
        }
    }

    /// Its members: name, place, value.
    pub(super) fn members<'i>(&self, input: &'i Input<'_>) -> Vec<(&'i str, Place, &'i Value)> {
        let (object, prefix, rest) = match self {
            Self::Body => (Some(&input.body), "", ""),
            Self::Query => (Some(&input.query), "", ""),
            Self::Object(pointer) => (input.body.pointer(pointer), pointer.as_str(), ""),
            Self::Each(pointer, rest) => {
                (input.body.pointer(pointer), pointer.as_str(), rest.as_str())
            }
        };
        let members = object.and_then(Value::as_object).into_iter().flatten();
        members
            .filter_map(|(name, value)| {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                let place = match self {
                    Self::Query => Place::Query(name.clone()),
                    Self::Body | Self::Object(_) | Self::Each(..) => {
                        Place::Body(format!("{prefix}/{escaped}{rest}"))
                    }
                };
                // Lex writes null for a whole slot that is empty.
                let value = if rest.is_empty() || value.is_null() {
                    value
                } else {
                    value.pointer(rest)?
                };
                Some((name.as_str(), place, value))
            })
            .collect()
    }
}

impl<'de> Deserialize<'de> for Container {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
