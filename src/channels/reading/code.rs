//! The code of a request: one text, exactly as it was given, or a refusal that says what to write
//! instead.
//!
//! It must never repair: a number that lost its zeros and a value that was cut at its `&` name
//! other reservations.

use serde_json::Value;

use super::Reading;
use crate::channels::Misunderstood;
use crate::channels::call_state::is_state;
use crate::channels::fields::{Source, as_text};
use crate::channels::form::{Oddity, Pair};
use crate::channels::instruction::{contradiction, not_filled_in};
use crate::channels::member::Member;
use crate::channels::misunderstood::wrong;
use crate::channels::placeholder::is_no_code;
use crate::channels::spot::{Place, Spot};

/// A reservation code as it was given, exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::channels) struct Given {
    /// The code.
    pub(in crate::channels) code: String,
    /// The code if the `+` in a form was meant as a plus and not as a blank.
    pub(in crate::channels) with_plus: Option<String>,
}

impl Given {
    /// A code that was read in one way only, or an empty one.
    pub(in crate::channels) fn of(code: Option<&str>) -> Self {
        Self {
            code: code.unwrap_or_default().to_owned(),
            with_plus: None,
        }
    }
}

impl<'i> Reading<'i> {
    /// The code in a member of its own; `None` if no such member has a value.
    pub(in crate::channels) fn code(&self) -> Result<Option<Given>, Misunderstood> {
        self.agreed_code(self.spots_of(Member::Code))
    }

    /// The keys that were pressed, from the places that the preset names.
    pub(in crate::channels) fn digits(&self) -> Result<Option<String>, Misunderstood> {
        let spots: Vec<Spot<'i>> = self
            .fields
            .digits
            .iter()
            .filter_map(|source| {
                let (value, place) = (source.value(self.input)?, source.place());
                let pair = self.input.pair(&place);
                Some(Spot {
                    member: Member::Code,
                    place,
                    value,
                    pair,
                })
            })
            .collect();
        // No key at all is an answer on the phone.
        let keyed = spots.iter().filter(|spot| !is_nothing(spot.value));
        Ok(self.agreed_code(keyed)?.map(|given| given.code))
    }

    /// The first member of a code that is there and has nothing in it.
    pub(in crate::channels) fn empty_code(&self) -> Option<Misunderstood> {
        let mut digits = self.fields.digits.iter();
        let digits = digits.find(|source| source.value(self.input).is_some());
        let place = self
            .spots_of(Member::Code)
            .map(|spot| spot.place.clone())
            .next()
            .or_else(|| digits.map(Source::place));
        place.map(|place| not_filled_in(Member::Code, &place))
    }

    fn agreed_code<'s>(
        &self,
        spots: impl Iterator<Item = &'s Spot<'i>>,
    ) -> Result<Option<Given>, Misunderstood>
    where
        'i: 's,
    {
        let mut found: Option<(Place, Given)> = None;
        for spot in spots {
            let Some(given) = self.code_at(spot)? else {
                continue;
            };
            match &found {
                Some((place, other)) if *other != given => {
                    return Err(contradiction(place, &spot.place));
                }
                Some(_) => {}
                None => found = Some((spot.place.clone(), given)),
            }
        }
        Ok(found.map(|(_, given)| given))
    }

    fn code_at(&self, spot: &Spot<'i>) -> Result<Option<Given>, Misunderstood> {
        let text = match spot.value {
            Value::Null => return Ok(None),
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => self.numeric_code(spot, number)?,
            Value::Array(values) if values.iter().all(Value::is_string) => {
                match spot.several(values)? {
                    Some(text) => text,
                    None => return Ok(None),
                }
            }
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(spot.not_a_text()),
        };
        if text.is_empty() {
            return Ok(None);
        }
        if is_no_code(&text) && !self.channel.is_code(&text) {
            return Err(not_filled_in(Member::Code, &spot.place));
        }
        if let Some(oddity) = spot.pair.and_then(|pair| pair.oddity) {
            return Err(unencoded(oddity.explained()));
        }
        let with_plus = spot.pair.and_then(|pair| pair.with_plus.clone());
        Ok(Some(Given {
            code: text,
            with_plus: with_plus.map(|text| text.trim().to_owned()),
        }))
    }

    /// A number has lost its leading zeros before it came here, unless the operator says that codes
    /// have none.
    fn numeric_code(
        &self,
        spot: &Spot<'_>,
        number: &serde_json::Number,
    ) -> Result<String, Misunderstood> {
        let exact = as_text(number);
        match exact {
            Some(text) if self.channel.numeric_codes && !text.starts_with('-') => Ok(text),
            Some(_) | None => Err(wrong(
                422,
                "code_is_a_number",
                format!(
                    "{} is a number, and a number may have lost its leading zeros; send it as a text, in quotes: {{\"code\":\"0555\"}}. \
                     If your codes are numbers without leading zeros, set channels.{}.numeric_codes = true",
                    spot.place, self.channel.name
                ),
            )),
        }
    }

    /// A form that carries a code must have been encoded: what was cut off at a `&` is part of
    /// another code.
    pub(in crate::channels) fn is_encoded(&self) -> Result<(), Misunderstood> {
        let from_form = self.fields.digits.iter().map(Source::place);
        let places: Vec<Place> = self
            .spots_of(Member::Code)
            .map(|spot| spot.place.clone())
            .chain(from_form.filter(|place| self.input.pair(place).is_some()))
            .collect();
        for (pairs, holds_code) in [
            (
                &self.input.body_pairs,
                places.iter().any(|place| matches!(place, Place::Body(_))),
            ),
            (
                &self.input.query_pairs,
                places.iter().any(|place| matches!(place, Place::Query(_))),
            ),
        ] {
            let no_equals = pairs
                .iter()
                .filter_map(|pair| pair.oddity)
                .find(|oddity| *oddity == Oddity::NoEquals);
            if let Some(oddity) = no_equals.filter(|_| holds_code) {
                return Err(unencoded(oddity.explained()));
            }
        }
        self.has_no_leftover_beside_a_code()?;
        if self.fields.closed && !places.is_empty() {
            self.has_no_leftover()?;
        }
        Ok(())
    }

    /// What follows a code in a form must be known: it may be the rest of a code with `&` and `=`
    /// in it.
    fn has_no_leftover_beside_a_code(&self) -> Result<(), Misunderstood> {
        let Some(others) = &self.fields.code_is_followed_by else {
            return Ok(());
        };
        let codes = self.spots_of(Member::Code).filter_map(|spot| spot.pair);
        let codes: Vec<&Pair> = codes.collect();
        for pairs in [&self.input.body_pairs, &self.input.query_pairs] {
            let mut neighbours = pairs.iter().zip(pairs.iter().skip(1));
            let is_leftover = |(pair, next): (&Pair, &Pair)| {
                let is_code = codes.iter().any(|code| std::ptr::eq(*code, pair));
                is_code && !self.is_known(next) && !others.contains(&next.name)
            };
            if neighbours.any(is_leftover) {
                return Err(unencoded(LEFTOVER));
            }
        }
        Ok(())
    }

    fn is_known(&self, pair: &Pair) -> bool {
        let places = [
            Place::Body(format!("/{}", pair.name)),
            Place::Query(pair.name.clone()),
        ];
        Member::of(&pair.name).is_some()
            || is_state(&pair.name)
            || self.channel.auth.redacted_query() == Some(pair.name.as_str())
            || places.iter().any(|place| self.fields.reads(place))
    }

    /// Where a form is written by hand, a name that is not known may be the rest of a value with
    /// `&` and `=` in it.
    fn has_no_leftover(&self) -> Result<(), Misunderstood> {
        if self.input.body_pairs.iter().all(|pair| self.is_known(pair)) {
            Ok(())
        } else {
            Err(unencoded(LEFTOVER))
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// What an unknown member may be.
const LEFTOVER: &str =
    "it has a member that is not known, as when a value with `&` and `=` in it is not encoded";

fn unencoded(what: &str) -> Misunderstood {
    wrong(
        422,
        "unencoded_form",
        format!(
            "the form is not percent-encoded: {what}; encode every value (Asterisk: ${{URIENCODE(…)}}, FreeSWITCH: ${{url_encode(…)}}, JavaScript: encodeURIComponent)"
        ),
    )
}
