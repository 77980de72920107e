//! The embedded file of one language: the words of its customers and the tags of its voices.
//!
//! Every table and every key must be there in every language: a missing one is an error that names
//! the file, never a fallback to another language.

use minijinja::{Value, context};
use serde::Deserialize;

use crate::domain::Locale;

/// `config/language/LOCALE.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Language {
    pub(super) chat: Chat,
    pub(super) phone: Phone,
    pub(super) voices: Voices,
}

impl Language {
    /// Reads the file of a language.
    ///
    /// # Errors
    /// The file and what is missing or wrong in it.
    pub(super) fn of(locale: Locale) -> Result<Self, String> {
        toml::from_str(locale.language_file())
            .map_err(|error| format!("config/language/{}.toml: {error}", locale.id()))
    }
}

/// How customers write in a chat: phrases by what they do in a message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chat {
    pub(super) cancel: Vec<String>,
    pub(super) cancel_now: Vec<String>,
    pub(super) cancellation: Vec<String>,
    pub(super) want: Vec<String>,
    pub(super) want_or_yes: Vec<String>,
    pub(super) object: Vec<String>,
    pub(super) aside: Vec<String>,
    pub(super) greeting: Vec<String>,
    pub(super) greeting_question: Vec<String>,
    pub(super) please: Vec<String>,
    pub(super) thanks: Vec<String>,
    pub(super) farewell: Vec<String>,
    pub(super) cancel_roots: Vec<String>,
    pub(super) confirm_roots: Vec<String>,
    pub(super) yes: Vec<String>,
    pub(super) yes_alone: Vec<String>,
    pub(super) acknowledgement: Vec<String>,
    pub(super) no: Vec<String>,
    pub(super) person: Vec<String>,
    pub(super) person_alone: Vec<String>,
    pub(super) bar_words: Vec<String>,
    #[serde(default)]
    pub(super) may_mean_pay: Vec<String>,
}

/// How callers speak on the phone; the first language's file says what each list is for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phone {
    pub(super) digits: [Vec<String>; 10],
    pub(super) articles: Vec<String>,
    pub(super) not_digits: Vec<String>,
    pub(super) exclaimed_zero: Option<String>,
    pub(super) separators: Vec<String>,
    pub(super) dashes: Vec<String>,
    pub(super) leads: Vec<String>,
    pub(super) closings: Vec<String>,
    pub(super) persons: Vec<String>,
    pub(super) somebody: Vec<String>,
    pub(super) talking: Vec<String>,
    pub(super) around: Vec<String>,
}

/// What speech services call a language and its voice: `voices` in the templates of a preset.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Voices {
    pub(super) tag: String,
    pub(super) polly: String,
    pub(super) espeak: String,
}

impl Voices {
    /// The names that a template may mention.
    pub(super) const NAMES: [&'static str; 3] = ["voices.tag", "voices.polly", "voices.espeak"];

    /// What a template sees.
    pub(super) fn value(&self) -> Value {
        let Self { tag, polly, espeak } = self;
        context! { tag, polly, espeak }
    }

    /// The voices of every language, by its id.
    ///
    /// # Errors
    /// The file and what is missing or wrong in it.
    pub(super) fn of_all() -> Result<Vec<(&'static str, Self)>, String> {
        let of = |locale: Locale| Ok((locale.id(), Language::of(locale)?.voices));
        Locale::ALL.into_iter().map(of).collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_all_of_its_tables() {
        for locale in Locale::ALL {
            let read = Language::of(locale);
            assert!(read.is_ok(), "{:?}", read.err());
        }
    }

    #[test]
    fn a_voice_that_is_missing_is_named_and_never_taken_from_another_language() {
        for name in Voices::NAMES {
            let name = name.trim_start_matches("voices.");
            let mut file: toml::Table = toml::from_str(Locale::Es.language_file()).unwrap();
            let voices = file.get_mut("voices").unwrap().as_table_mut().unwrap();
            voices.remove(name).unwrap();
            let error = toml::Value::Table(file).try_into::<Language>().err();
            assert!(error.unwrap().to_string().contains(name), "{name}");
        }
    }
}
