//! Decodes forms and queries pair by pair, and detects values that were not encoded.
//!
//! It must never repair: a value that was cut at its `&` names another reservation.

use percent_encoding::percent_decode;

/// One `name=value` of a form or a query.
pub(super) struct Pair {
    /// The name, decoded.
    pub(super) name: String,
    /// The value, decoded once, `+` as a blank.
    pub(super) value: String,
    /// The value with `+` as itself, where it has one: an unencoded plus looks like an encoded
    /// blank.
    pub(super) with_plus: Option<String>,
    /// The sign that it was not encoded, if any.
    pub(super) oddity: Option<Oddity>,
}

/// Signs that a value was not encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Oddity {
    /// There is no `=`: the rest of a value that has a `&`.
    NoEquals,
    /// An escape of a letter or a digit, which no encoder writes: it is part of the value.
    NeedlessEscape,
    /// A `%` that does not start an escape.
    BrokenEscape,
}

impl Oddity {
    /// The explanation for the integrator.
    pub(super) const fn explained(self) -> &'static str {
        match self {
            Self::NoEquals => "a part has no `=`, as when a value with `&` in it is not encoded",
            Self::NeedlessEscape => {
                "a value has an escape of a letter or a digit, as when a value with `%` in it is not encoded"
            }
            Self::BrokenEscape => {
                "a value has a `%` that is no escape, as when a value with `%` in it is not encoded"
            }
        }
    }
}

/// The pairs of a form or a query, in their order; a raw `|` is allowed.
pub(super) fn pairs(text: &str) -> Vec<Pair> {
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let oddity = if part.contains('=') {
                oddity(value)
            } else {
                Some(Oddity::NoEquals)
            };
            Pair {
                name: decoded(&name.replace('+', " ")),
                value: decoded(&value.replace('+', " ")),
                with_plus: value.contains('+').then(|| decoded(value)),
                oddity,
            }
        })
        .collect()
}

fn decoded(text: &str) -> String {
    percent_decode(text.as_bytes())
        .decode_utf8_lossy()
        .into_owned()
}

fn oddity(value: &str) -> Option<Oddity> {
    let mut parts = value.split('%');
    parts.next();
    parts.find_map(|part| {
        let digits = part
            .get(..2)
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            None => Some(Oddity::BrokenEscape),
            Some(byte) if byte.is_ascii_alphanumeric() => Some(Oddity::NeedlessEscape),
            Some(_) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_encoded_is_seen() {
        for (text, oddity) in [
            ("code=AB&12&call_id=1", Some(Oddity::NoEquals)),
            ("code=A%31", Some(Oddity::NeedlessEscape)),
            ("code=100%", Some(Oddity::BrokenEscape)),
            ("code=5%zz", Some(Oddity::BrokenEscape)),
            ("code=A%26B&call_id=1", None),
            ("code=123%7C123", None),
            ("code=123|123", None),
            ("code=Jo%C3%A3o%20da+Silva", None),
            ("digits=12*3&from=&x=%2E%2D", None),
            ("", None),
        ] {
            let found = pairs(text).iter().find_map(|pair| pair.oddity);
            assert_eq!(found, oddity, "{text}");
        }
        let pairs = pairs("a+b=A+B%2BC&&c=%7C");
        let read: Vec<_> = pairs
            .iter()
            .map(|pair| {
                (
                    pair.name.as_str(),
                    pair.value.as_str(),
                    pair.with_plus.as_deref(),
                )
            })
            .collect();
        assert_eq!(read, [("a b", "A B+C", Some("A+B+C")), ("c", "|", None)]);
    }
}
