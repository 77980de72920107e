//! Finds instructions in places where none is expected, or under a similar name.
//!
//! A request with any word for a dry run, a look-up or a "no" must never delete. A word that means
//! something else on a platform must not count: what a customer wrote, or what is part of a
//! history, is not an instruction.
//!
//! - `words`  the words and names that are recognized

mod words;

use serde_json::Value;
use words::{SAID, any_text, asks_plainly, instructs, is_plain, suggests, words_of};

use super::Misunderstood;
use super::member::Member;
use super::misunderstood::wrong;
use super::places::FieldsSpec;
use super::spot::{Place, Spot};

/// Looks for instructions where none is read.
pub(super) struct Strays<'s> {
    /// The places that were read already.
    pub(super) read: &'s [Spot<'s>],
    /// The places that a preset reads.
    pub(super) fields: &'s FieldsSpec,
}

impl Strays<'_> {
    /// Looks through a body, however deep.
    pub(super) fn none_in(&self, value: &Value, pointer: &mut String) -> Result<(), Misunderstood> {
        match value {
            Value::Object(members) => {
                self.is_none_as_pair(value, pointer)?;
                for (name, value) in members {
                    let length = pointer.len();
                    pointer.push('/');
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                    let place = Place::Body(pointer.clone());
                    self.is_none(name, value, &place)?;
                    self.none_in(value, pointer)?;
                    pointer.truncate(length);
                }
                Ok(())
            }
            Value::Array(values) => values.iter().try_for_each(|value| {
                let length = pointer.len();
                pointer.push_str("/-");
                let found = self.none_in(value, pointer);
                pointer.truncate(length);
                found
            }),
            Value::String(text) => self.none_in_text(text, pointer),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    /// An object that was written as a text.
    fn none_in_text(&self, text: &str, pointer: &mut String) -> Result<(), Misunderstood> {
        if !text.trim_start().starts_with(['{', '[']) {
            return Ok(());
        }
        match serde_json::from_str::<Value>(text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => self.none_in(&inner, pointer),
            Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | Err(_) => {
                Ok(())
            }
        }
    }

    /// A member that is written as two: `{"name":"dry_run","value":true}`. What happened before is
    /// no instruction.
    fn is_none_as_pair(&self, value: &Value, pointer: &str) -> Result<(), Misunderstood> {
        let text = |names: &[&str]| names.iter().find_map(|name| value.get(*name));
        let name = text(&[
            "name", "key", "nome", "chave", "nombre", "clave", "variable",
        ]);
        let named = text(&["value", "valor"]);
        let (Some(Value::String(name)), Some(named), None) = (name, named, value.get("event"))
        else {
            return Ok(());
        };
        if asks_plainly(named) && instructs(name, named) {
            Err(misplaced(&Place::Body(pointer.to_owned())))
        } else {
            Ok(())
        }
    }

    /// Refuses one member, if it instructs something and was not read.
    pub(super) fn is_none(
        &self,
        name: &str,
        value: &Value,
        place: &Place,
    ) -> Result<(), Misunderstood> {
        if self.read.iter().any(|spot| spot.place == *place) {
            return Ok(());
        }
        if instructs(name, value)
            || !is_in_a_list(place) && suggests(name, value)
            || self.says_so(name, value, place)
        {
            Err(misplaced(place))
        } else {
            Ok(())
        }
    }

    /// A member of the query, also one whose separator was not one: `a=1;dry_run=true`,
    /// `action%3Dlookup`.
    pub(super) fn is_none_of_query(
        &self,
        name: &str,
        value: &Value,
        place: &Place,
    ) -> Result<(), Misunderstood> {
        self.is_none(name, value, place)?;
        let text = value.as_str().unwrap_or_default();
        self.none_in_text(text, &mut String::new())?;
        let pieces = text.split(';').skip(1).chain([name]);
        for (name, value) in pieces.filter_map(|piece| piece.split_once('=')) {
            self.is_none(name, &Value::String(value.to_owned()), place)?;
        }
        Ok(())
    }

    /// Whether a value at the top asks for a rehearsal or a look under a name that says nothing; a
    /// customer's own words and what is known are no such value.
    fn says_so(&self, name: &str, value: &Value, place: &Place) -> bool {
        let is_free = match place {
            Place::Body(pointer) => pointer.rfind('/') == Some(0),
            Place::Query(_) => true,
            Place::Header(name) => name == "prefer",
        };
        let is_said = words_of(name)
            .iter()
            .any(|word| SAID.contains(&word.as_str()));
        is_free
            && !is_said
            && !self.fields.reads(place)
            && Member::of(name).is_none()
            && any_text(value, is_plain)
    }
}

fn is_in_a_list(place: &Place) -> bool {
    match place {
        Place::Body(pointer) => pointer.contains("/-/"),
        Place::Query(_) | Place::Header(_) => false,
    }
}

/// An instruction in a place or a spelling that is not read.
fn misplaced(place: &Place) -> Misunderstood {
    wrong(
        422,
        "misplaced_instruction",
        format!(
            "{place} seems to ask for a dry run, a look-up or nothing at all, and is not read there; write \
             `dry_run` with the value true, or `action` with the value lookup, beside the code or in the address"
        ),
    )
}
