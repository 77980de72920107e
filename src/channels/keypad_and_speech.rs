//! Reservation codes that are keyed or spoken on a phone.
//!
//! It must never guess a separator or a digit: a wrong guess would delete another customer's
//! reservation. Spoken codes are read back and confirmed by a keyed 1, so more sentences are
//! accepted there.
//!
//! - `sentence`    cuts a transcript into words and finds phrases
//! - `vocabulary`  the words of each language
//! - `person`      whether the caller asks for a person

mod person;
mod sentence;
mod vocabulary;

pub(super) use person::wants_a_person;

use sentence::{Word, words};
pub(super) use vocabulary::Vocabulary;

use crate::domain::Locale;

/// A keyed code: `*` is the separator, `#` ends it.
///
/// A text with other characters was typed and is returned unchanged. `None` if nothing is left, for
/// a single key, which is an answer and never a code, and for `**`, which may be a mistake or two
/// separators.
pub(super) fn keyed(digits: &str, separator: &str) -> Option<String> {
    let typed = digits.trim();
    let is_key = |c: char| c.is_ascii_digit() || matches!(c, '*' | '#');
    if !typed.chars().all(|c| is_key(c) || c.is_whitespace()) {
        return Some(typed.to_owned());
    }
    // Some platforms write a blank between two keys.
    let typed: String = typed.chars().filter(|c| is_key(*c)).collect();
    let ended = typed.split('#').next().unwrap_or_default();
    let is_code = ended.len() > 1 && !ended.contains("**");
    is_code.then(|| ended.replace('*', separator))
}

/// A spoken code: digits, words for the separator and the dash, and around them only phrases that
/// change nothing.
///
/// `None` if anything else was said, or if a word may or may not be a digit.
pub(super) fn spoken(
    transcript: &str,
    separator: &str,
    locale: Locale,
    vocabulary: &Vocabulary,
) -> Option<String> {
    let words = words(transcript);
    let (lead, words) = without_lead(&words, vocabulary);
    let words = without_closing(words, vocabulary);
    let reading = Reading {
        separator,
        locale,
        vocabulary,
    };
    let mut code = String::new();
    let mut rest = words;
    while let Some(word) = rest.first() {
        let (read, count) = match vocabulary.begins(rest, |phone| &phone.separators) {
            Some(count) => (separator.to_owned(), count),
            None => match vocabulary.begins(rest, |phone| &phone.dashes) {
                Some(count) => ("-".to_owned(), count),
                None => (reading.read(word, rest.get(1), &code)?, 1),
            },
        };
        code.push_str(&read);
        rest = rest.get(count..).unwrap_or_default();
    }
    // `cancelar uma` and `cancelar duas` begin with how many reservations, not with a number.
    let counts = |word: &Word| word.is("uma") || word.is("duas");
    let is_count = lead == Lead::Said && words.first().is_some_and(counts);
    let has_digit = code.chars().any(|c| c.is_ascii_digit());
    (has_digit && !is_count).then_some(code)
}

/// Whether something was said before a code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lead {
    Said,
    None,
}

fn without_lead<'w>(words: &'w [Word], vocabulary: &Vocabulary) -> (Lead, &'w [Word]) {
    let mut rest = words;
    while let Some(count) = vocabulary.begins(rest, |phone| &phone.leads) {
        rest = rest.get(count..).unwrap_or_default();
    }
    let lead = if rest.len() == words.len() {
        Lead::None
    } else {
        Lead::Said
    };
    (lead, rest)
}

fn without_closing<'w>(words: &'w [Word], vocabulary: &Vocabulary) -> &'w [Word] {
    let mut rest = words;
    while let Some(count) = vocabulary.closing(rest) {
        rest = rest.get(..rest.len() - count).unwrap_or_default();
    }
    rest
}

/// The call in which a code is read.
struct Reading<'v> {
    separator: &'v str,
    locale: Locale,
    vocabulary: &'v Vocabulary,
}

impl Reading<'_> {
    /// What one word is in a code, between what was read so far and the next word.
    fn read(&self, word: &Word, next: Option<&Word>, code: &str) -> Option<String> {
        if let Some(written) = written(&word.text, self.separator) {
            return Some(written);
        }
        if self.vocabulary.is_exclaimed_zero(word, self.locale) {
            return self
                .is_between_digits(word, next, code)
                .then(|| "0".to_owned());
        }
        if self.vocabulary.is_article(word) && next.is_some_and(is_number) {
            return None;
        }
        self.digit(word).map(String::from)
    }

    /// `one oh two` is a zero; `oh, one two` and `one two, oh` may not be.
    fn is_between_digits(&self, word: &Word, next: Option<&Word>, code: &str) -> bool {
        let follows = |next: &Word| {
            let is_digit =
                self.digit(next).is_some() || next.text.starts_with(|c: char| c.is_ascii_digit());
            is_digit && !next.is_after_a_pause
        };
        code.ends_with(|c: char| c.is_ascii_digit())
            && !word.is_after_a_pause
            && next.is_some_and(follows)
    }

    fn digit(&self, word: &Word) -> Option<char> {
        self.vocabulary.digit(word, self.locale)
    }
}

/// Speech recognition often returns a code as it would be typed: `123/123`.
fn written(word: &str, separator: &str) -> Option<String> {
    let mut code = String::with_capacity(word.len());
    for c in word.chars() {
        match c {
            '0'..='9' => code.push(c),
            '|' | '/' | '*' | '¦' | '｜' => code.push_str(separator),
            '-' | '‐' | '‑' | '–' | '—' => code.push('-'),
            _ => return None,
        }
    }
    Some(code)
}

/// Whether a word is a number of several digits, which may follow an article.
fn is_number(word: &Word) -> bool {
    word.text.chars().filter(char::is_ascii_digit).count() > 1
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop")]
mod tests;
