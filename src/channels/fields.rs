//! Where a field stands in a request: an ordered list of sources, the first that has something wins.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Misunderstood;
use super::body::wrong;
use super::input::Input;

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
        match text.starts_with('/') && escapes_fit {
            true => Ok(Self::Body(text.to_owned())),
            false => Err(format!(
                "`{text}` is no source; write /pointer/into/the/body, query:NAME or header:NAME"
            )),
        }
    }

    /// The text that stands there; empty and `null` count as nothing.
    pub(super) fn text(&self, input: &Input<'_>) -> Result<Option<String>, Misunderstood> {
        if let Self::Header(name) = self {
            return self.header(name, input);
        }
        let text = match self.value(input) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Bool(flag)) => flag.to_string(),
            Some(Value::Number(number)) => as_text(number).ok_or_else(|| {
                wrong(
                    422,
                    "not_a_text",
                    format!(
                        "`{}` is a number that cannot be read exactly; send it as a text",
                        self.name()
                    ),
                )
            })?,
            Some(Value::Array(_) | Value::Object(_)) => {
                return Err(wrong(
                    422,
                    "not_a_text",
                    format!("`{}` is not one text", self.name()),
                ));
            }
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// The same, for what must be a text or a number: a flag is a mistake in the integrator's mapping.
    pub(super) fn exact(&self, input: &Input<'_>) -> Result<Option<String>, Misunderstood> {
        match self.value(input) {
            Some(Value::Bool(_)) => Err(wrong(
                422,
                "not_a_text",
                format!("`{}` is true or false; send a text", self.name()),
            )),
            _ => self.text(input),
        }
    }

    fn value<'i>(&self, input: &'i Input<'_>) -> Option<&'i Value> {
        match self {
            Self::Body(pointer) => input.body.pointer(pointer),
            Self::Query(name) => input.query.get(name),
            Self::Header(_) => None,
        }
    }

    /// The number that stands there: `None` when nothing does, `Some(None)` when it is none.
    pub(super) fn number(&self, input: &Input<'_>) -> Option<Option<f64>> {
        match self.value(input)? {
            Value::Null => None,
            Value::Number(number) => Some(number.as_f64()),
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(text.trim().parse().ok()),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => Some(None),
        }
    }

    fn header(&self, name: &str, input: &Input<'_>) -> Result<Option<String>, Misunderstood> {
        let mut values = input.headers.get_all(name).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(wrong(
                400,
                "repeated_header",
                format!("the header `{}` stands there more than once", self.name()),
            ));
        }
        let text = String::from_utf8_lossy(value.as_bytes()).trim().to_owned();
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// As it stands in a preset's file.
    fn written(&self) -> String {
        match self {
            Self::Body(pointer) => pointer.clone(),
            Self::Query(name) => format!("query:{name}"),
            Self::Header(name) => format!("header:{name}"),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Body(name) | Self::Query(name) | Self::Header(name) => name,
        }
    }
}

/// Google's Struct turns every number into a float: `42` comes as `42.0`.
fn as_text(number: &serde_json::Number) -> Option<String> {
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

/// The first source that has something.
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

/// What every source says that says anything; two that disagree are refused, because nobody knows which one is meant.
pub(super) fn agreed(
    sources: &[Source],
    input: &Input<'_>,
) -> Result<Option<String>, Misunderstood> {
    agreed_by(sources, |source| source.text(input))
}

/// The same, for what must be a text or a number.
pub(super) fn agreed_text(
    sources: &[Source],
    input: &Input<'_>,
) -> Result<Option<String>, Misunderstood> {
    agreed_by(sources, |source| source.exact(input))
}

fn agreed_by(
    sources: &[Source],
    read: impl Fn(&Source) -> Result<Option<String>, Misunderstood>,
) -> Result<Option<String>, Misunderstood> {
    let mut found: Option<(&Source, String)> = None;
    for source in sources {
        let Some(text) = read(source)? else { continue };
        match &found {
            Some((other, first)) if *first != text => {
                return Err(wrong(
                    422,
                    "contradiction",
                    format!(
                        "`{}` and `{}` say different things; send one of them",
                        other.written(),
                        source.written()
                    ),
                ));
            }
            Some(_) => {}
            None => found = Some((source, text)),
        }
    }
    Ok(found.map(|(_, text)| text))
}
