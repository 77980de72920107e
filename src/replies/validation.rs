//! Checks at start that every sentence can be said: it renders, is not empty and is short enough.
//!
//! The service must never skip this check: after it, no sentence can fail while a customer waits.

use jiff::Timestamp;

use super::spoken::{SPELLED_CHARS_MAX, Spoken};
use super::{Error, Facts, REPLY_CHARS_MAX, Replies, bad_sentence, ids, template_name};
use crate::domain::{CODE_CHARS_MAX, Locale, Medium, Outcome, Turn};

/// The longest numeric code that a spoken sentence still spells out. It omits a longer one, so a
/// shorter code gives the longest sentence.
const SPELLED_CODE_CHARS_MAX: usize = SPELLED_CHARS_MAX / "8, ".len();

/// The most digits of a protocol number: a date, and the more random digits the more numbers are in
/// use.
const PROTOCOL_DIGITS_MAX: usize = 20;

/// The outcomes after which a call continues, with the next prompt.
pub(super) const FOLLOWED: [(Outcome, Turn); 4] = [
    (Outcome::InvalidCode, Turn::AskCode),
    (Outcome::InvalidCode, Turn::HandOver),
    (Outcome::NotFound, Turn::AskCode),
    (Outcome::NotFound, Turn::HandOver),
];

impl Replies {
    /// Renders every sentence once without facts and once with the longest ones.
    pub(super) fn validate(&self) -> Result<(), Error> {
        for locale in Locale::ALL {
            self.validate_dates(locale)?;
            for (id, medium) in ids()
                .into_iter()
                .flat_map(|id| [(id, Medium::Text), (id, Medium::Voice)])
                .filter(|(id, medium)| *medium == Medium::Text || !is_written_only(id))
            {
                let long = [CODE_CHARS_MAX, SPELLED_CODE_CHARS_MAX];
                let long = long.map(|characters| self.longest(locale, medium, characters));
                for facts in [Facts::default()].into_iter().chain(long) {
                    self.validate_one(locale, medium, id, &facts)
                        .map_err(|why| bad_sentence(locale, medium, id, why))?;
                }
            }
            for (outcome, turn) in FOLLOWED {
                self.validate_followed(locale, outcome, turn)
                    .map_err(|why| bad_sentence(locale, Medium::Voice, outcome.id(), why))?;
            }
        }
        Ok(())
    }

    /// Renders the date of each day of a month, because a template may handle single days
    /// differently.
    fn validate_dates(&self, locale: Locale) -> Result<(), Error> {
        for (medium, key) in [(Medium::Text, "date"), (Medium::Voice, "date_spoken")] {
            for day in days() {
                self.render_date(locale, medium, day)
                    .map_err(|error| Error::File {
                        file: format!("{}.toml", locale.id()),
                        why: format!("[spoken] {key}: {error}"),
                    })?;
            }
        }
        Ok(())
    }

    /// On the phone a question may follow an outcome; without the code, both must fit into one
    /// reply.
    fn validate_followed(
        &self,
        locale: Locale,
        outcome: Outcome,
        turn: Turn,
    ) -> Result<(), String> {
        let facts = self.longest(locale, Medium::Voice, 0).before(turn);
        let mut long = 1;
        for (id, facts) in [(outcome.id(), facts), (turn.id(), Facts::default())] {
            let said = self
                .render(locale, Medium::Voice, id, &facts)
                .map_err(|error| error.to_string())?;
            long += said.chars().count();
        }
        if long <= REPLY_CHARS_MAX {
            Ok(())
        } else {
            Err(format!(
                "may be {long} characters long with [{}] after it; at most {REPLY_CHARS_MAX} are allowed",
                turn.id()
            ))
        }
    }

    fn validate_one(
        &self,
        locale: Locale,
        medium: Medium,
        id: &str,
        facts: &Facts,
    ) -> Result<(), String> {
        let is_there = self
            .templates
            .get_template(&template_name(locale, medium, id))
            .is_ok();
        if !is_there {
            let file = format!("config/replies/{}.toml", locale.id());
            return Err(format!("there is no such sentence; write it in {file}"));
        }
        let said = self
            .render(locale, medium, id, facts)
            .map_err(|error| error.to_string())?;
        match said.chars().count() {
            0 => Err("says nothing".to_owned()),
            1..=REPLY_CHARS_MAX => Ok(()),
            long => Err(format!(
                "may be {long} characters long; at most {REPLY_CHARS_MAX} are allowed"
            )),
        }
    }

    fn longest(&self, locale: Locale, medium: Medium, code_characters: usize) -> Facts {
        let date = || self.date(locale, medium, longest_day());
        let spoken = self.spoken.get(locale.id());
        let digit = spoken.map_or('8', Spoken::longest_digit);
        Facts {
            first_name: "M".repeat(30),
            code: "8".repeat(code_characters),
            protocol: String::from(digit).repeat(PROTOCOL_DIGITS_MAX),
            date: date(),
            reserved_on: date(),
            followed: false,
        }
    }
}

/// A day in September, which has a long name in every language.
fn longest_day() -> Timestamp {
    Timestamp::from_millisecond(1_758_844_800_000).unwrap_or_default()
}

/// As many consecutive days as the longest month has.
fn days() -> impl Iterator<Item = Timestamp> {
    (0..31).filter_map(|days| {
        longest_day()
            .checked_add(jiff::Span::new().hours(24 * days))
            .ok()
    })
}

/// Whether only chats use a sentence; a file may omit its spoken form.
fn is_written_only(id: &str) -> bool {
    Turn::from_id(id).is_some_and(Turn::is_written_only)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn a_sentence_that_is_missing_is_named_with_its_file() {
        let mut replies = Replies::load("", TimeZone::UTC).unwrap();
        for locale in Locale::ALL {
            for (id, medium) in ids()
                .into_iter()
                .flat_map(|id| [(id, Medium::Text), (id, Medium::Voice)])
                .filter(|(id, medium)| *medium == Medium::Text || !is_written_only(id))
            {
                let name = template_name(locale, medium, id);
                replies.templates.remove_template(&name);
                let error = replies.validate_one(locale, medium, id, &Facts::default());
                let file = format!("config/replies/{}.toml", locale.id());
                assert!(error.unwrap_err().contains(&file), "{name}");
            }
        }
    }
}
