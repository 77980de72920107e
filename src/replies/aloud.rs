//! Every sentence that a caller may have to listen to, with how long it takes.
//!
//! The sentences are said here with everything known, which is as long as they usually get. It must never decide what is said
//! to a customer.

use std::time::Duration;

use super::length::spoken_length;
use super::validation::FOLLOWED;
use super::{Facts, Refused, Replies};
use crate::domain::{Locale, Medium, Outcome, Turn};

/// A usual code, for a sentence that reads one back.
const CODE: &str = "123|123";

/// Where in a call a sentence stands, which says how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A question, or the way to a person.
    Prompt,
    /// What happened.
    Outcome,
    /// What happened, and what follows at once.
    Followed,
}

impl Place {
    /// The longest that a caller follows.
    #[must_use]
    pub const fn at_most(self) -> Duration {
        match self {
            Self::Prompt => Duration::from_secs(12),
            Self::Outcome => Duration::from_secs(15),
            Self::Followed => Duration::from_secs(18),
        }
    }
}

/// One sentence as it is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aloud {
    /// Whose sentence; two names where one follows the other.
    pub id: String,
    /// Where it stands.
    pub place: Place,
    /// The words.
    pub said: String,
    /// How long it takes, estimated.
    pub takes: Duration,
}

impl Replies {
    /// Every sentence of one language that is spoken, with everything known.
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
