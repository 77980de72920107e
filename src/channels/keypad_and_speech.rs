//! Reservation codes that are keyed or spoken on a phone.
//!
//! It must never guess a separator or a digit: a wrong guess would delete another customer's
//! reservation. Spoken codes are read back and confirmed by a keyed 1, so more sentences are
//! accepted there.
//!
//! - `sentence`  cuts a transcript into words and finds phrases
//! - `words`     the words of each language
//! - `person`    whether the caller asks for a person

mod person;
mod sentence;
mod words;

pub(super) use person::wants_a_person;

use sentence::{Word, begins_with_one_of, ends_with_one_of, phrases, words};
use words::{LANGUAGES, Language, exclaimed_zero, something_else_in};

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
pub(super) fn spoken(transcript: &str, separator: &str, locale: Locale) -> Option<String> {
    let words = words(transcript);
    let (lead, words) = without_lead(&words);
    let words = without_closing(words);
    let mut code = String::new();
    let mut rest = words;
    while let Some(word) = rest.first() {
        let (read, count) = match length(rest, |language| language.separators) {
            Some(count) => (separator.to_owned(), count),
            None => match length(rest, |language| language.dashes) {
                Some(count) => ("-".to_owned(), count),
                None => (read(word, rest.get(1), separator, locale, &code)?, 1),
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

fn without_lead(words: &[Word]) -> (Lead, &[Word]) {
    let mut rest = words;
    while let Some(count) = length(rest, |language| language.leads) {
        rest = rest.get(count..).unwrap_or_default();
    }
    let lead = if rest.len() == words.len() {
        Lead::None
    } else {
        Lead::Said
    };
    (lead, rest)
}

fn without_closing(words: &[Word]) -> &[Word] {
    let mut rest = words;
    let closing = |rest: &[Word]| {
        let counts = LANGUAGES
            .iter()
            .map(|it| ends_with_one_of(rest, it.closings));
        counts.flatten().max()
    };
    while let Some(count) = closing(rest) {
        rest = rest.get(..rest.len() - count).unwrap_or_default();
    }
    rest
}

/// The length in words of the longest phrase of any language at the beginning of these words.
fn length(words: &[Word], list: fn(&Language) -> &'static str) -> Option<usize> {
    let counts = LANGUAGES
        .iter()
        .map(|language| begins_with_one_of(words, list(language)));
    counts.flatten().max()
}

/// Reads one word of a code, with the characters before it and the next word.
fn read(
    word: &Word,
    next: Option<&Word>,
    separator: &str,
    locale: Locale,
    code: &str,
) -> Option<String> {
    if let Some(written) = written(&word.text, separator) {
        return Some(written);
    }
    if exclaimed_zero(locale).is_some_and(|zero| word.is(zero)) {
        return is_between_digits(word, next, locale, code).then(|| "0".to_owned());
    }
    let is_article = LANGUAGES
        .iter()
        .any(|language| is_one_of(word, language.articles));
    if is_article && next.is_some_and(is_number) {
        return None;
    }
    digit(word, locale).map(String::from)
}

/// `one oh two` is a zero; `oh, one two` and `one two, oh` may be none.
fn is_between_digits(word: &Word, next: Option<&Word>, locale: Locale, code: &str) -> bool {
    let follows = |next: &Word| {
        let is_digit =
            digit(next, locale).is_some() || next.text.starts_with(|c: char| c.is_ascii_digit());
        is_digit && !next.is_after_a_pause
    };
    code.ends_with(|c: char| c.is_ascii_digit())
        && !word.is_after_a_pause
        && next.is_some_and(follows)
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

fn digit(word: &Word, locale: Locale) -> Option<char> {
    if is_one_of(word, something_else_in(locale)) {
        return None;
    }
    let said = LANGUAGES
        .iter()
        .flat_map(|language| ('0'..='9').zip(language.digits));
    said.into_iter()
        .find(|(_, names)| is_one_of(word, names))
        .map(|(digit, _)| digit)
}

fn is_one_of(word: &Word, list: &'static str) -> bool {
    phrases(list).any(|known| word.is(known))
}

#[cfg(test)]
mod tests;
