//! The words that customers use, and the class of each, from `config/language/`.
//!
//! It must never take a word that is not in these files for one that is.

use std::collections::HashMap;

use serde::Deserialize;

use super::class::{About, Class, Languages};
use super::written::{Said, Word, fold, variants, without_repeats};
use crate::channels::language::{Chat, Language};
use crate::domain::Locale;

const SIGNS: &str = include_str!("../../../config/language/signs.toml");

/// A phrase that was found in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) class: Class,
    pub(super) languages: Languages,
    /// Whether it may mean "to pay" in Spanish.
    pub(super) may_mean_pay: bool,
    /// How many words it has.
    pub(super) words: usize,
}

/// All phrases of all languages, and the signs.
pub(super) struct Lexicon {
    /// By their first word without accents.
    phrases: HashMap<String, Vec<Phrase>>,
    pub(super) bar_words: Vec<Vec<String>>,
    cancel_roots: Vec<String>,
    confirm_roots: Vec<String>,
    signs: Signs,
}

struct Phrase {
    words: Vec<Word>,
    class: Class,
    languages: Languages,
    may_mean_pay: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signs {
    neutral: String,
    yes: String,
    no: String,
    bars: String,
    bars_between_digits: String,
}

impl Lexicon {
    /// Reads the embedded files.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub(super) fn load() -> Result<Self, String> {
        let signs = toml::from_str(SIGNS).map_err(|error| format!("signs.toml: {error}"))?;
        let mut lexicon = Self {
            phrases: HashMap::new(),
            bar_words: Vec::new(),
            cancel_roots: Vec::new(),
            confirm_roots: Vec::new(),
            signs,
        };
        for locale in Locale::ALL {
            lexicon.add(locale, Language::of(locale)?.chat);
        }
        Ok(lexicon)
    }

    fn add(&mut self, locale: Locale, file: Chat) {
        for (class, phrases) in [
            (Class::No, &file.no),
            (Class::Person, &file.person),
            (Class::PersonAlone, &file.person_alone),
            (Class::Cancel, &file.cancel),
            (Class::CancelNow, &file.cancel_now),
            (Class::Cancellation, &file.cancellation),
            (Class::Want, &file.want),
            (Class::WantOrYes, &file.want_or_yes),
            (Class::Yes, &file.yes),
            (Class::YesAlone, &file.yes_alone),
            (Class::Acknowledgement, &file.acknowledgement),
            (Class::Thanks, &file.thanks),
            (Class::Farewell, &file.farewell),
            (Class::Please, &file.please),
            (Class::Greeting, &file.greeting),
            (Class::GreetingQuestion, &file.greeting_question),
            (Class::Object, &file.object),
            (Class::Aside, &file.aside),
        ] {
            for written in phrases {
                for variant in variants(written) {
                    let may_mean_pay = file.may_mean_pay.contains(&variant);
                    self.insert(&variant, class, locale, may_mean_pay);
                }
            }
        }
        self.cancel_roots.extend(file.cancel_roots);
        self.confirm_roots.extend(file.confirm_roots);
        let words = file.bar_words.iter();
        self.bar_words
            .extend(words.map(|name| name.split(' ').map(fold).collect()));
        // The longest name first: of "barra vertical" nothing may be left over.
        self.bar_words
            .sort_by_key(|words| std::cmp::Reverse(words.len()));
    }

    fn insert(&mut self, variant: &str, class: Class, locale: Locale, may_mean_pay: bool) {
        let words: Vec<Word> = variant.split_whitespace().map(Word::parse).collect();
        let Some(first) = words.first() else { return };
        let key = if first.repeats {
            without_repeats(&first.folded)
        } else {
            first.folded.clone()
        };
        let known = self.phrases.entry(key).or_default();
        let languages = Languages::of(locale);
        let same = known
            .iter_mut()
            .find(|phrase| phrase.words == words && phrase.class == class);
        match same {
            Some(phrase) => {
                phrase.languages = phrase.languages.with(languages);
                phrase.may_mean_pay |= may_mean_pay;
            }
            None => known.push(Phrase {
                words,
                class,
                languages,
                may_mean_pay,
            }),
        }
    }

    /// The longest phrase that these words begin with.
    pub(super) fn longest(&self, words: &[&Said]) -> Option<Found> {
        let first = words.first()?;
        let candidates = [&first.folded, &first.once]
            .into_iter()
            .filter_map(|word| self.phrases.get(word.as_str()))
            .flatten();
        let mut best: Option<Found> = None;
        for phrase in candidates.filter(|phrase| phrase.begins(words)) {
            let found = Found {
                class: phrase.class,
                languages: phrase.languages,
                may_mean_pay: phrase.may_mean_pay,
                words: phrase.words.len(),
            };
            best = Some(match best {
                None => found,
                Some(best) if best.words > found.words => best,
                Some(best) if best.words < found.words => found,
                Some(best) if best.class == found.class => Found {
                    languages: best.languages.with(found.languages),
                    may_mean_pay: best.may_mean_pay || found.may_mean_pay,
                    ..best
                },
                Some(best) if best.class < found.class => best,
                Some(_) => found,
            });
        }
        best
    }

    /// What a word is about, by its beginning: it may be misspelt.
    pub(super) fn about(&self, word: &Said) -> Option<About> {
        let begins = |roots: &[String]| {
            let mut roots = roots.iter();
            roots.any(|root| word.folded.starts_with(root.as_str()))
        };
        if begins(&self.cancel_roots) {
            return Some(About::Cancelling);
        }
        begins(&self.confirm_roots).then_some(About::Confirming)
    }

    /// What a sign does, if it is known.
    pub(super) fn sign(&self, sign: char) -> Class {
        let signs = &self.signs;
        for (known, class) in [
            (&signs.neutral, Class::NeutralSign),
            (&signs.yes, Class::YesSign),
            (&signs.no, Class::No),
        ] {
            if known.contains(sign) {
                return class;
            }
        }
        Class::Unknown
    }

    /// Whether people write this character in place of a bar.
    pub(super) fn is_bar(&self, character: char) -> bool {
        self.signs.bars.contains(character)
    }

    /// The same between two digits.
    pub(super) fn is_bar_between_digits(&self, character: char) -> bool {
        self.signs.bars_between_digits.contains(character)
    }
}

impl Phrase {
    fn begins(&self, words: &[&Said]) -> bool {
        self.words.len() <= words.len()
            && self
                .words
                .iter()
                .zip(words)
                .all(|(word, said)| word.is(said))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(Class, usize)> {
        let words: Vec<Said> = text.split(' ').map(Said::of).collect();
        let words: Vec<&Said> = words.iter().collect();
        let found = Lexicon::load().unwrap().longest(&words)?;
        Some((found.class, found.words))
    }

    #[test]
    fn the_longest_phrase_counts_whatever_its_accents() {
        for (text, expected) in [
            ("Não quero", Some((Class::No, 1))),
            ("QUERO O CANCELAMENTO", Some((Class::Cancellation, 3))),
            ("quero cancelar", Some((Class::WantOrYes, 1))),
            ("oiiii tudo", Some((Class::Greeting, 1))),
            ("sí ahora", Some((Class::Yes, 1))),
            ("si", Some((Class::YesAlone, 1))),
            ("cancelé", None),
            ("cancele", None),
            ("cancelamento", None),
            ("é", None),
            ("minha reserva é x", Some((Class::Object, 3))),
            ("minha reserva e x", Some((Class::Object, 2))),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn no_phrase_cancels_in_one_language_and_does_something_else_in_another() {
        let lexicon = Lexicon::load().unwrap();
        let acts = [Class::Cancel, Class::CancelNow, Class::Cancellation];
        for phrases in lexicon.phrases.values() {
            for phrase in phrases.iter().filter(|phrase| acts.contains(&phrase.class)) {
                let other = phrases
                    .iter()
                    .find(|other| other.words == phrase.words && !acts.contains(&other.class));
                assert!(other.is_none(), "{:?}", phrase.words[0].folded);
            }
        }
    }
}
