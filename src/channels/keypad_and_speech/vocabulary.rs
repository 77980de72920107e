//! What callers say in every language: the `[phone]` tables of `config/language/`.
//!
//! Callers mix languages, and what is said around a code means the same in each: every list is
//! searched in all of them. Only what a digit is depends on the language of the call.

use super::sentence::{Word, begins_with_one_of, ends_with_one_of, is_one_of};
use crate::channels::language::{Language, Phone};
use crate::domain::Locale;

/// The words of callers in all languages.
pub(in crate::channels) struct Vocabulary {
    languages: Vec<(Locale, Phone)>,
}

impl Vocabulary {
    /// Reads the embedded files.
    ///
    /// # Errors
    /// The file and what is missing or wrong in it.
    pub(in crate::channels) fn load() -> Result<Self, String> {
        let of = |locale: Locale| Ok((locale, Language::of(locale)?.phone));
        let languages = Locale::ALL.into_iter().map(of);
        Ok(Self {
            languages: languages.collect::<Result<_, String>>()?,
        })
    }

    /// Each language's words.
    pub(super) fn phones(&self) -> impl Iterator<Item = &Phone> {
        self.languages.iter().map(|(_, phone)| phone)
    }

    /// How many words the longest phrase of any language has that these words begin with.
    pub(super) fn begins(&self, words: &[Word], list: fn(&Phone) -> &[String]) -> Option<usize> {
        let counts = self.phones().map(|it| begins_with_one_of(words, list(it)));
        counts.flatten().max()
    }

    /// How many words the longest closing of any language has that these words end with.
    pub(super) fn closing(&self, words: &[Word]) -> Option<usize> {
        let counts = self
            .phones()
            .map(|it| ends_with_one_of(words, &it.closings));
        counts.flatten().max()
    }

    /// Whether a word is an article in any language.
    pub(super) fn is_article(&self, word: &Word) -> bool {
        self.phones().any(|phone| is_one_of(word, &phone.articles))
    }

    /// Whether a word is a zero in the language of the call, but an exclamation, too.
    pub(super) fn is_exclaimed_zero(&self, word: &Word, locale: Locale) -> bool {
        let zero = self
            .phone(locale)
            .and_then(|phone| phone.exclaimed_zero.as_ref());
        zero.is_some_and(|zero| word.is(zero))
    }

    /// The digit that a word names, unless it means something else in the language of the call: an
    /// English `um` is not one, and a Portuguese `dos` is not two.
    pub(super) fn digit(&self, word: &Word, locale: Locale) -> Option<char> {
        let is_another = |phone: &Phone| is_one_of(word, &phone.not_digits);
        if self.phone(locale).is_some_and(is_another) {
            return None;
        }
        let mut named = self
            .phones()
            .flat_map(|phone| ('0'..='9').zip(&phone.digits));
        named
            .find(|(_, names)| is_one_of(word, names))
            .map(|(digit, _)| digit)
    }

    fn phone(&self, locale: Locale) -> Option<&Phone> {
        let mut languages = self.languages.iter();
        languages
            .find(|(known, _)| *known == locale)
            .map(|(_, phone)| phone)
    }
}
