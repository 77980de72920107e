//! Every sentence that the service says to a customer: outcome x language x medium.
//!
//! The sentences are data (`config/replies/LOCALE.toml`; an operator may override each). The
//! service renders all of them once at start, so that a broken sentence stops the start and never
//! reaches a customer. A sentence must never claim more than its outcome.
//!
//! - `files`       the embedded sentences and the operator's own
//! - `validation`  every sentence is rendered once at start
//! - `spoken`      codes, numbers and dates as a person says them
//! - `aloud`       every sentence that a caller may have to listen to
//! - `length`      how long that takes

mod aloud;
mod files;
mod length;
mod spoken;
mod validation;

use std::collections::BTreeMap;
use std::path::Path;

pub use aloud::{Aloud, Place};
use jiff::Timestamp;
use jiff::tz::TimeZone;
pub use length::spoken_length;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use spoken::Spoken;

use crate::domain::{Answer, FirstName, Locale, Medium, Outcome, Turn, id_enum};

/// The most characters of a reply: some platforms truncate a stored text at 1,024 bytes.
pub const REPLY_CHARS_MAX: usize = 600;

id_enum! {
    /// Why the service refused the request itself. The id is also the name of its sentence.
    ///
    /// Every problem has one of these, the same on every channel; `http` has the table.
    pub enum Refused {
        /// The chatbot or the phone menu is misconfigured, which the customer cannot change.
        SetUp = "set_up",
        /// The service accepted nothing; the customer may try again in a moment.
        Unavailable = "unavailable",
        /// Too many requests.
        Busy = "busy",
        /// It is unknown whether the request was accepted.
        InDoubt = "in_doubt",
    }
}

impl Refused {
    /// Whether an agent should take over: none of these did anything for the customer.
    #[must_use]
    pub const fn hands_off(self) -> bool {
        match self {
            Self::SetUp | Self::Unavailable | Self::Busy | Self::InDoubt => true,
        }
    }
}

/// Why the sentences cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of overrides cannot be read.
    #[error("replies: {file}: {why}")]
    File {
        /// The file.
        file: String,
        /// The error.
        why: String,
    },
    /// A sentence is invalid.
    #[error("replies: {locale}.toml, [{id}] {medium}: {why}")]
    Sentence {
        /// The language.
        locale: &'static str,
        /// The name of the sentence.
        id: String,
        /// `text` or `voice`.
        medium: &'static str,
        /// The error.
        why: String,
    },
}

/// All sentences, compiled.
pub struct Replies {
    templates: Environment<'static>,
    spoken: BTreeMap<&'static str, Spoken>,
    time_zone: TimeZone,
}

/// The facts that a sentence may mention.
#[derive(Default)]
struct Facts {
    first_name: String,
    code: String,
    protocol: String,
    date: String,
    reserved_on: String,
    /// Whether the next prompt follows in the same message.
    followed: bool,
}

impl Replies {
    /// Loads the embedded sentences and then the files `LOCALE.toml` of a folder, if there is one.
    ///
    /// # Errors
    /// [`Error`] names the file, the table and the error in the sentence.
    pub fn load(directory: &str, time_zone: TimeZone) -> Result<Self, Error> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_auto_escape_callback(|_| AutoEscape::None);
        let mut replies = Self {
            templates,
            spoken: BTreeMap::new(),
            time_zone,
        };
        replies.add_embedded()?;
        if !directory.is_empty() {
            replies.override_from(Path::new(directory))?;
        }
        replies.validate()?;
        Ok(replies)
    }

    /// The sentence for an answer.
    #[must_use]
    pub fn say(&self, locale: Locale, medium: Medium, answer: &Answer, code: &str) -> String {
        let facts = self.facts(locale, medium, answer, code);
        self.said(locale, medium, answer.outcome.id(), &facts)
    }

    /// The sentences for an answer after which the conversation continues: the outcome and the next
    /// question.
    ///
    /// The outcome's sentence omits its own next step, because the question follows. It also omits
    /// the protocol number before a question, because the customer would forget it at once. If both
    /// sentences are too long for the phone, they omit the code too.
    #[must_use]
    pub fn say_then(
        &self,
        locale: Locale,
        medium: Medium,
        answer: &Answer,
        code: &str,
        turn: Turn,
    ) -> String {
        let question = self.turn(locale, medium, turn, "");
        let with = |code| {
            let facts = self.facts(locale, medium, answer, code).before(turn);
            let happened = self.said(locale, medium, answer.outcome.id(), &facts);
            format!("{happened} {question}")
        };
        let said = with(code);
        if said.chars().count() <= REPLY_CHARS_MAX {
            said
        } else {
            with("")
        }
    }

    /// The sentence between two requests of one conversation.
    #[must_use]
    pub fn turn(&self, locale: Locale, medium: Medium, turn: Turn, code: &str) -> String {
        let facts = Facts {
            code: shown(code),
            ..Facts::default()
        };
        let medium = if turn.is_written_only() {
            Medium::Text
        } else {
            medium
        };
        self.said(locale, medium, turn.id(), &facts)
    }

    /// The sentence for a refused request.
    #[must_use]
    pub fn refuse(&self, locale: Locale, medium: Medium, refused: Refused) -> String {
        self.said(locale, medium, refused.id(), &Facts::default())
    }

    /// Every known fact of an answer.
    fn facts(&self, locale: Locale, medium: Medium, answer: &Answer, code: &str) -> Facts {
        Facts {
            first_name: answer
                .first_name
                .as_ref()
                .map(FirstName::as_str)
                .unwrap_or_default()
                .to_owned(),
            code: shown(code),
            protocol: answer
                .protocol
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            date: answer
                .cancelled_at_ms
                .and_then(|ms| Timestamp::from_millisecond(ms).ok())
                .map(|at| self.date(locale, medium, at))
                .unwrap_or_default(),
            reserved_on: answer
                .found
                .as_ref()
                .and_then(|found| found.reserved_at.parse().ok())
                .map(|at| self.date(locale, medium, at))
                .unwrap_or_default(),
            followed: false,
        }
    }

    fn said(&self, locale: Locale, medium: Medium, id: &str, facts: &Facts) -> String {
        self.render(locale, medium, id, facts)
            .unwrap_or_else(|error| {
                // Fallback only: at start, every sentence was rendered with all facts and with
                // none.
                tracing::error!("the sentence {id} could not be rendered: {error}");
                id.to_owned()
            })
    }

    fn render(
        &self,
        locale: Locale,
        medium: Medium,
        id: &str,
        facts: &Facts,
    ) -> Result<String, minijinja::Error> {
        let spoken = self.spoken.get(locale.id());
        let code_spoken = spoken.map(|spoken| spoken.spell(&facts.code));
        let protocol_spoken = spoken.map(|spoken| spoken.number(&facts.protocol));
        let rendered = self
            .templates
            .get_template(&template_name(locale, medium, id))?
            .render(context! {
                first_name => &facts.first_name,
                code => &facts.code,
                code_spoken => code_spoken.unwrap_or_default(),
                protocol => &facts.protocol,
                protocol_spoken => protocol_spoken.unwrap_or_default(),
                date => &facts.date,
                reserved_on => &facts.reserved_on,
                followed => facts.followed,
            })?;
        Ok(rendered.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn date(&self, locale: Locale, medium: Medium, at: Timestamp) -> String {
        // Fallback only: at start, every locale's date was rendered.
        self.render_date(locale, medium, at).unwrap_or_default()
    }

    fn render_date(
        &self,
        locale: Locale,
        medium: Medium,
        at: Timestamp,
    ) -> Result<String, minijinja::Error> {
        let day = self.time_zone.to_datetime(at);
        let Some(spoken) = self.spoken.get(locale.id()) else {
            return Ok(String::new());
        };
        let month = usize::try_from(day.month() - 1)
            .ok()
            .and_then(|index| spoken.months.get(index));
        let context = context! { day => day.day(), month => month, year => day.year() };
        let template = match medium {
            Medium::Text => &spoken.date,
            Medium::Voice => &spoken.date_spoken,
        };
        self.templates.render_str(template, context)
    }
}

impl Facts {
    /// The same facts where a prompt follows in the same message.
    fn before(self, turn: Turn) -> Self {
        let protocol = if turn.is_question() {
            String::new()
        } else {
            self.protocol
        };
        Self {
            protocol,
            followed: true,
            ..self
        }
    }
}

/// A code that a sentence may contain; empty for a text that is not a valid code.
fn shown(code: &str) -> String {
    crate::domain::ReservationCode::parse(code)
        .map(|code| code.as_str().to_owned())
        .unwrap_or_default()
}

fn ids() -> Vec<&'static str> {
    Outcome::ALL
        .map(Outcome::id)
        .into_iter()
        .chain(Refused::ALL.map(Refused::id))
        .chain(Turn::ALL.map(Turn::id))
        .collect()
}

fn template_name(locale: Locale, medium: Medium, id: &str) -> String {
    format!("{}/{id}/{}", locale.id(), medium_id(medium))
}

const fn medium_id(medium: Medium) -> &'static str {
    match medium {
        Medium::Text => "text",
        Medium::Voice => "voice",
    }
}

fn bad_sentence(locale: Locale, medium: Medium, id: &str, why: String) -> Error {
    Error::Sentence {
        locale: locale.id(),
        id: id.to_owned(),
        medium: medium_id(medium),
        why,
    }
}
