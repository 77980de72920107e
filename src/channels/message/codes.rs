//! The reservation codes in a message, also those that are glued to a word or written with another
//! bar.
//!
//! It must never take a code for certain that is not written as the preset says: such a code is
//! asked about.

use std::ops::Range;

use super::class::Class;
use super::lexicon::Lexicon;
use super::written::{Said, fold};
use crate::channels::preset::TextSpec;

/// A code in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// Its position, without a word that is glued to it.
    pub(super) range: Range<usize>,
    /// The code, without blanks around its bars.
    pub(super) code: String,
    /// Its certainty.
    pub(super) certainty: Certainty,
}

/// The certainty of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certainty {
    /// It is separate, or follows a sign for a number.
    Whole,
    /// A word is glued to it, which may be a part of it.
    Glued,
}

/// All codes of a message, in their order.
pub(super) fn codes(text: &str, spec: &TextSpec, lexicon: &Lexicon) -> Vec<Written> {
    let found = spec.code.0.find_iter(text).map(|found| found.range());
    found
        .map(|range| cleaned(text, range, spec, lexicon))
        .collect()
}

/// A code without a full stop behind it and without a word that is glued to it.
fn cleaned(text: &str, range: Range<usize>, spec: &TextSpec, lexicon: &Lexicon) -> Written {
    let found = text.get(range.clone()).unwrap_or_default();
    let trimmed = found.trim_end_matches(['.', ',']);
    let whole = |start: usize, end: usize, certainty| Written {
        range: range.start + start..range.start + end,
        code: tight(trimmed.get(start..end).unwrap_or_default(), &spec.bar),
        certainty,
    };
    let is_code = |start: usize, end: usize| {
        let part = trimmed.get(start..end).unwrap_or_default();
        spec.code
            .0
            .find(part)
            .is_some_and(|found| found.as_str() == part)
    };
    let is_digit = |c: char| c.is_ascii_digit();
    let first = trimmed.find(is_digit).unwrap_or(0);
    let last = trimmed.rfind(is_digit).map_or(trimmed.len(), |at| at + 1);
    let before = trimmed.get(..first).unwrap_or_default();
    if is_number_sign(before) && is_code(first, trimmed.len()) {
        return whole(first, trimmed.len(), Certainty::Whole);
    }
    if is_a_letter_that_slipped(before) {
        return whole(0, trimmed.len(), Certainty::Glued);
    }
    let start = if is_a_word(before, lexicon) { first } else { 0 };
    let end = match trimmed.get(last..) {
        Some(after) if is_a_word(after, lexicon) => last,
        Some(_) | None => trimmed.len(),
    };
    if (start, end) == (0, trimmed.len()) || !is_code(start, end) {
        whole(0, trimmed.len(), Certainty::Whole)
    } else {
        whole(start, end, Certainty::Glued)
    }
}

fn is_number_sign(text: &str) -> bool {
    matches!(fold(text).as_str(), "nº" | "n°" | "no." | "n.º")
}

/// Whether this may be an article or an "n" whose blank is missing: codes are usually given in
/// capitals.
fn is_a_letter_that_slipped(text: &str) -> bool {
    matches!(text, "a" | "o" | "n" | "e" | "y")
}

/// Whether this is a word of the lexicon, long enough to be no part of a code.
fn is_a_word(text: &str, lexicon: &Lexicon) -> bool {
    let word = text.trim_matches(['-', '_', '.']);
    let is_long = word.chars().count() >= 3;
    let class = lexicon.longest(&[&Said::of(word)]).map(|found| found.class);
    let is_of_a_wish = matches!(
        class,
        Some(Class::Cancel | Class::CancelNow | Class::Object | Class::Greeting | Class::Please)
    );
    is_long && is_of_a_wish
}

/// A code without the blanks that people write around its bar: `123 | 123` is `123|123`.
fn tight(code: &str, bar: &str) -> String {
    let mut tight = String::with_capacity(code.len());
    for word in code.split_whitespace() {
        let joins = tight.is_empty() || tight.ends_with(|c| bar.contains(c));
        if !joins && !word.starts_with(|c| bar.contains(c)) {
            tight.push(' ');
        }
        tight.push_str(word);
    }
    tight
}

/// The message with its bars as the preset writes them, where people wrote another character or the
/// name of the bar between two parts of one code. Each place is a guess, so nothing of it may be
/// acted on without a question.
pub(super) fn with_usual_bars(text: &str, spec: &TextSpec, lexicon: &Lexicon) -> Option<String> {
    let bar = spec.bar.chars().next()?;
    let named = with_named_bars(text, bar, lexicon);
    let characters: Vec<char> = named.chars().collect();
    let mut written = String::with_capacity(named.len());
    for (at, character) in characters.iter().enumerate() {
        let neighbour = |step: Option<usize>| step.and_then(|at| characters.get(at)).copied();
        let (left, right) = (neighbour(at.checked_sub(1)), neighbour(at.checked_add(1)));
        let between = |is: fn(char) -> bool| left.is_some_and(is) && right.is_some_and(is);
        let is_bar = lexicon.is_bar(*character) && between(char::is_alphanumeric)
            || lexicon.is_bar_between_digits(*character) && between(|c| c.is_ascii_digit());
        written.push(if is_bar { bar } else { *character });
    }
    (written != text).then_some(written)
}

/// The message with `123 barra 123` and `123 / 123` joined by a bar.
fn with_named_bars(text: &str, bar: char, lexicon: &Lexicon) -> String {
    let text = with_glued_bars(text, bar, lexicon);
    let words: Vec<&str> = text.split(' ').collect();
    let has_digit =
        |word: Option<&&str>| word.is_some_and(|word| word.chars().any(|c| c.is_ascii_digit()));
    let mut written = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let rest = words.get(at..).unwrap_or_default();
        let length = named_bar(rest, lexicon);
        let is_between =
            at > 0 && has_digit(words.get(at - 1)) && has_digit(words.get(at + length.max(1)));
        if length > 0 && is_between {
            written.push(bar);
            at += length;
            continue;
        }
        if at > 0 && !written.ends_with(bar) {
            written.push(' ');
        }
        written.push_str(word);
        at += 1;
    }
    written
}

/// The message with `123barra123` joined by a bar.
fn with_glued_bars(text: &str, bar: char, lexicon: &Lexicon) -> String {
    let mut written = text.to_owned();
    for name in lexicon
        .bar_words
        .iter()
        .filter_map(|words| match words.as_slice() {
            [word] => Some(word),
            _ => None,
        })
    {
        // The names are plain letters, so that small letters and capitals have the same length.
        let small = written.to_ascii_lowercase();
        let Some((before, after)) = small.split_once(name.as_str()) else {
            continue;
        };
        let is_between = before.ends_with(|c: char| c.is_ascii_digit())
            && after.starts_with(|c: char| c.is_ascii_digit());
        if is_between {
            written.replace_range(before.len()..before.len() + name.len(), &bar.to_string());
        }
    }
    written
}

/// How many of these words are the name of a bar, or a character that people write for one.
fn named_bar(words: &[&str], lexicon: &Lexicon) -> usize {
    let is_sign = |word: &&str| {
        let mut characters = word.chars();
        characters.next().is_some_and(|c| lexicon.is_bar(c)) && characters.next().is_none()
    };
    if words.first().is_some_and(is_sign) {
        return 1;
    }
    let names = lexicon.bar_words.iter();
    let name = names.filter(|name| {
        name.len() <= words.len()
            && name
                .iter()
                .zip(words)
                .all(|(name, word)| fold(word) == *name)
    });
    name.map(Vec::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_go_only_around_the_bar() {
        for (code, expected) in [
            ("123|123", "123|123"),
            ("123 | 123", "123|123"),
            ("123 |123", "123|123"),
            ("123|\u{a0}123", "123|123"),
            ("a b | c", "a b|c"),
            ("123/ 123", "123/ 123"),
        ] {
            assert_eq!(tight(code, "|"), expected, "{code}");
        }
        assert_eq!(tight("123/ 123", "|/"), "123/123");
    }
}
