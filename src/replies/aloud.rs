//! Lists every sentence that a caller may have to listen to, with its estimated duration.
//!
//! The sentences are rendered here with every fact, which is their usual maximum length. This file
//! must never decide what a customer is told.

use std::time::Duration;

use super::length::spoken_length;
use super::validation::FOLLOWED;
use super::{Facts, Refused, Replies};
use crate::domain::{Locale, Medium, Outcome, Turn};

/// A typical code, for a sentence that reads one back.
const CODE: &str = "123|123";

/// The position of a sentence in a call, which limits its duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A question, or the announcement of an agent.
    Prompt,
    /// An outcome.
    Outcome,
    /// An outcome together with the next prompt.
    Followed,
}

impl Place {
    /// The longest duration that a caller can follow.
    #[must_use]
    pub const fn at_most(self) -> Duration {
        match self {
            Self::Prompt => Duration::from_secs(12),
            Self::Outcome => Duration::from_secs(15),
            Self::Followed => Duration::from_secs(18),
        }
    }
}

/// One spoken sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aloud {
    /// The name of the sentence; two names for an outcome with the next prompt.
    pub id: String,
    /// The position in the call.
    pub place: Place,
    /// The words.
    pub said: String,
    /// The estimated duration.
    pub takes: Duration,
}

impl Replies {
    /// Every spoken sentence of one language, with every fact.
    #[must_use]
    pub fn aloud(&self, locale: Locale) -> Vec<Aloud> {
        let say = |id: &str, facts: &Facts| self.said(locale, Medium::Voice, id, facts);
        let outcome = |outcome: Outcome| {
            let said = say(outcome.id(), &self.usual(locale));
            (outcome.id().to_owned(), Place::Outcome, said)
        };
        let refused = |refused: Refused| {
            let said = self.refuse(locale, Medium::Voice, refused);
            (refused.id().to_owned(), Place::Outcome, said)
        };
        let turn = |turn: Turn| {
            let said = self.turn(locale, Medium::Voice, turn, CODE);
            (turn.id().to_owned(), Place::Prompt, said)
        };
        let followed = |(outcome, turn): (Outcome, Turn)| {
            let happened = say(outcome.id(), &self.usual(locale).before(turn));
            let next = self.turn(locale, Medium::Voice, turn, "");
            let id = format!("{} + {}", outcome.id(), turn.id());
            (id, Place::Followed, format!("{happened} {next}"))
        };
        let without_a_code = |turn: Turn| {
            let said = self.turn(locale, Medium::Voice, turn, "");
            (format!("{} without a code", turn.id()), Place::Prompt, said)
        };
        let turns = Turn::ALL.into_iter().filter(|turn| !turn.is_written_only());
        turns
            .map(turn)
            .chain([without_a_code(Turn::NothingHeard)])
            .chain(Outcome::ALL.map(outcome))
            .chain(Refused::ALL.map(refused))
            .chain(FOLLOWED.map(followed))
            .map(|(id, place, said)| Aloud {
                id,
                place,
                takes: spoken_length(locale, &said),
                said,
            })
            .collect()
    }

    fn usual(&self, locale: Locale) -> Facts {
        let date = "2026-11-30T12:00:00Z".parse().unwrap_or_default();
        let date = self.date(locale, Medium::Voice, date);
        Facts {
            first_name: "Gabriel".to_owned(),
            code: CODE.to_owned(),
            protocol: "20261123004217".to_owned(),
            date: date.clone(),
            reserved_on: date,
            followed: false,
        }
    }
}
