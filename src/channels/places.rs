//! Where a platform's requests have their members, as a preset says.
//!
//! Data only: `fields` reads the values.

use serde::Deserialize;

use super::fields::{Container, Source};
use super::spot::Place;

/// The places of all fields.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FieldsSpec {
    /// Objects whose members are named for this service: all members are found there, in every
    /// usual spelling.
    pub(super) members: Vec<Container>,
    /// Objects with a bot's own parameters: names of a reservation's code and instructions are
    /// found there.
    pub(super) parameters: Vec<Container>,
    /// Objects in which only instructions (`action`, `dry_run`) are found; they always are at the
    /// top of the body and in the query.
    pub(super) instructions: Vec<Container>,
    /// Whether a form with a member that is not known is refused: where forms are written by hand,
    /// it is the rest of a value that was not encoded.
    pub(super) closed: bool,
    /// What may follow a code in a form or a query, beside members that are read; anything else
    /// there is refused. Where it is not set, anything may.
    pub(super) code_is_followed_by: Option<Vec<String>>,
    /// The code, exact.
    pub(super) code: Vec<Source>,
    /// The code as it was keyed.
    pub(super) digits: Vec<Source>,
    /// The transcript of speech.
    pub(super) speech: Vec<Source>,
    /// The confidence of the speech recognition, 0 to 1.
    pub(super) confidence: Vec<Source>,
    /// Free text that may have a code in it.
    pub(super) text: Vec<Source>,
    pub(super) action: Vec<Source>,
    pub(super) dry_run: Vec<Source>,
    pub(super) conversation: Vec<Source>,
    pub(super) phone: Vec<Source>,
    pub(super) locale: Vec<Source>,
    pub(super) name: Vec<Source>,
    pub(super) reason: Vec<Source>,
    /// Which of the answer's formats is wanted.
    pub(super) format: Vec<Source>,
    /// The number of a person to whom a call is handed over; the answer's `echo.agent`, digits
    /// alone.
    pub(super) agent: Vec<Source>,
}

impl FieldsSpec {
    fn sources(&self) -> impl Iterator<Item = &Source> {
        [
            &self.code,
            &self.digits,
            &self.speech,
            &self.confidence,
            &self.text,
            &self.action,
            &self.dry_run,
            &self.conversation,
            &self.phone,
            &self.locale,
            &self.name,
            &self.reason,
            &self.format,
            &self.agent,
        ]
        .into_iter()
        .flatten()
    }

    /// The members of the query that are read.
    pub(super) fn of_the_query(&self) -> Vec<&str> {
        self.sources().filter_map(Source::query_name).collect()
    }

    /// Whether a place is read.
    pub(super) fn reads(&self, place: &Place) -> bool {
        self.sources().any(|source| source.place() == *place)
    }
}
