//! Every sentence that is said to a customer: outcome x language x medium.
//!
//! The sentences are data (`config/replies/LOCALE.toml`, an operator may override each) and are all rendered once at
//! start, so that a broken one stops the service before a customer meets it. It must never say more than the outcome
//! that it is given.

mod rehearsal;
mod spoken;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use serde::Deserialize;
use spoken::Spoken;

use crate::domain::{Answer, FirstName, Locale, Medium, Outcome, Turn};

/// The most characters of a reply: some platforms cut a stored text at 1,024 bytes.
pub const REPLY_CHARS_MAX: usize = 600;

/// What a customer is told when the request itself was refused; there is a sentence for each, too.
///
/// Every problem has one of these, and it is the same on every channel: the table is `http::respond`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The chatbot or the phone menu is not set up right, which the customer cannot mend.
    SetUp,
    /// Nothing was accepted; try again in a moment.
    Unavailable,
    /// Too many requests.
    Busy,
    /// It is not known whether the request was accepted.
    InDoubt,
}

impl Refused {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::SetUp, Self::Unavailable, Self::Busy, Self::InDoubt];

    /// The name of its sentence.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::SetUp => "set_up",
            Self::Unavailable => "unavailable",
            Self::Busy => "busy",
            Self::InDoubt => "in_doubt",
        }
    }

    /// Whether a person should go on with the customer: nothing was done for the customer in any of these.
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
        /// Which file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// A sentence is not fit to be said.
    #[error("replies: {locale}.toml, [{id}] {medium}: {why}")]
    Sentence {
        /// The language.
        locale: &'static str,
        /// Whose sentence.
        id: String,
        /// `text` or `voice`.
        medium: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

const EMBEDDED: [(Locale, &str); 3] = [
    (
        Locale::PtBr,
        include_str!("../../config/replies/pt-BR.toml"),
    ),
    (Locale::Es, include_str!("../../config/replies/es.toml")),
    (Locale::En, include_str!("../../config/replies/en.toml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentence {
    text: Option<String>,
    voice: Option<String>,
}

/// All sentences, ready to be said.
pub struct Replies {
    templates: Environment<'static>,
    spoken: BTreeMap<&'static str, Spoken>,
    time_zone: TimeZone,
}

/// What a sentence may mention.
#[derive(Default)]
struct Facts {
    first_name: String,
    code: String,
    protocol: String,
    date: String,
    reserved_on: String,
}

impl Replies {
    /// Loads the embedded sentences and, over them, the files `LOCALE.toml` of a folder, if one is given.
    ///
    /// # Errors
    /// [`Error`] names the file, the table and what is wrong with the sentence.
    pub fn load(directory: &str, time_zone: TimeZone) -> Result<Self, Error> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_auto_escape_callback(|_| AutoEscape::None);
        let mut replies = Self {
            templates,
            spoken: BTreeMap::new(),
            time_zone,
        };
        for (locale, text) in EMBEDDED {
            replies.add(locale, &format!("{}.toml (embedded)", locale.id()), text)?;
        }
        if !directory.is_empty() {
            replies.override_from(Path::new(directory))?;
        }
        replies.rehearse()?;
        Ok(replies)
    }

    /// What the customer hears.
    #[must_use]
    pub fn say(&self, locale: Locale, medium: Medium, answer: &Answer, code: &str) -> String {
        let facts = Facts {
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
                .map(|at| self.date(locale, at))
                .unwrap_or_default(),
            reserved_on: answer
                .found
                .as_ref()
                .and_then(|found| found.reserved_at.parse().ok())
                .map(|at| self.date(locale, at))
                .unwrap_or_default(),
        };
        self.said(locale, medium, answer.outcome.id(), &facts)
    }

    /// What the customer hears when the conversation goes on after an outcome: what happened, and the next question.
    ///
    /// Where both are too long for one sentence on the phone, the code is left out.
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
        let with = |code| format!("{} {question}", self.say(locale, medium, answer, code));
        let said = with(code);
        match said.chars().count() <= REPLY_CHARS_MAX {
            true => said,
            false => with(""),
        }
    }

    /// What is said between two requests of one conversation.
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

    /// What the customer hears when the request itself was refused.
    #[must_use]
    pub fn refuse(&self, locale: Locale, medium: Medium, refused: Refused) -> String {
        self.said(locale, medium, refused.id(), &Facts::default())
    }

    fn said(&self, locale: Locale, medium: Medium, id: &str, facts: &Facts) -> String {
        self.render(locale, medium, id, facts)
            .unwrap_or_else(|error| {
                // Every sentence was rendered at start with every fact there and with none; this is the last resort.
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
        let spelled = self
            .spoken
            .get(locale.id())
            .map(|spoken| spoken.spell(&facts.code));
        let rendered = self
            .templates
            .get_template(&template_name(locale, medium, id))?
            .render(context! {
                first_name => &facts.first_name,
                code => &facts.code,
                code_spoken => spelled.unwrap_or_default(),
                protocol => &facts.protocol,
                protocol_spoken => spoken::digits(&facts.protocol),
                date => &facts.date,
                reserved_on => &facts.reserved_on,
            })?;
        Ok(rendered.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn date(&self, locale: Locale, at: Timestamp) -> String {
        // Every locale's date was rendered at start; this is the last resort.
        self.render_date(locale, at).unwrap_or_default()
    }

    fn render_date(&self, locale: Locale, at: Timestamp) -> Result<String, minijinja::Error> {
        let day = self.time_zone.to_datetime(at);
        let Some(spoken) = self.spoken.get(locale.id()) else {
            return Ok(String::new());
        };
        let month = usize::try_from(day.month() - 1)
            .ok()
            .and_then(|index| spoken.months.get(index));
        let context = context! { day => day.day(), month => month, year => day.year() };
        self.templates.render_str(&spoken.date, context)
    }

    fn override_from(&mut self, directory: &Path) -> Result<(), Error> {
        let bad = |file: &Path, why: String| Error::File {
            file: file.display().to_string(),
            why,
        };
        let entries =
            std::fs::read_dir(directory).map_err(|error| bad(directory, error.to_string()))?;
        for entry in entries {
            let path = entry
                .map_err(|error| bad(directory, error.to_string()))?
                .path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let locale = Locale::ALL
                .into_iter()
                .find(|locale| path.file_stem().is_some_and(|stem| stem == locale.id()));
            let locale = locale.ok_or_else(|| {
                bad(
                    &path,
                    "no such language; the files are pt-BR.toml, es.toml, en.toml".to_owned(),
                )
            })?;
            let text =
                std::fs::read_to_string(&path).map_err(|error| bad(&path, error.to_string()))?;
            self.add(locale, &path.display().to_string(), &text)?;
        }
        Ok(())
    }

    fn add(&mut self, locale: Locale, file: &str, text: &str) -> Result<(), Error> {
        let bad = |why: String| Error::File {
            file: file.to_owned(),
            why,
        };
        let mut tables: toml::Table =
            toml::from_str(text).map_err(|error| bad(error.to_string()))?;
        if let Some(spoken) = tables.remove("spoken") {
            let spoken = spoken
                .try_into()
                .map_err(|error| bad(format!("[spoken]: {error}")))?;
            self.spoken.insert(locale.id(), spoken);
        }
        for (id, table) in tables {
            if !ids().contains(&id.as_str()) {
                return Err(bad(format!(
                    "there is no sentence [{id}]; there are: {}",
                    ids().join(", ")
                )));
            }
            let sentence: Sentence = table
                .try_into()
                .map_err(|error| bad(format!("[{id}]: {error}")))?;
            for (medium, template) in [
                (Medium::Text, sentence.text),
                (Medium::Voice, sentence.voice),
            ] {
                let Some(template) = template else { continue };
                self.templates
                    .add_template_owned(template_name(locale, medium, &id), template)
                    .map_err(|error| bad_sentence(locale, medium, &id, error.to_string()))?;
            }
        }
        Ok(())
    }
}

/// A code as it may stand in a sentence: what cannot be a code is not repeated to anybody.
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
