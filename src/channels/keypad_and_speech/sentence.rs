//! What a recogniser wrote, as words that can be compared with lists of phrases.
//!
//! It must never change a digit: letter case, accents and punctuation go, nothing else does.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// One word of a transcript.
pub(super) struct Word {
    /// In lower case and composed.
    pub(super) text: String,
    /// The same without accents.
    plain: String,
    /// Whether a comma or the end of a sentence comes before it.
    pub(super) is_after_a_pause: bool,
}

impl Word {
    pub(super) fn is(&self, known: &str) -> bool {
        self.text == known || self.plain == known
    }
}

/// The words of a transcript.
pub(super) fn words(transcript: &str) -> Vec<Word> {
    let lower: String = transcript.to_lowercase().replace('’', "'").nfc().collect();
    let mut words: Vec<Word> = Vec::new();
    let mut is_after_a_pause = false;
    for piece in lower.split_inclusive(|c: char| c.is_whitespace() || is_pause(c)) {
        let text = piece
            .trim_end_matches(|c: char| c.is_whitespace() || is_pause(c))
            .trim_matches(['!', '?', '¿', '¡', ':', '"', '“', '”']);
        if !text.is_empty() {
            words.push(Word {
                text: text.to_owned(),
                plain: without_accents(text),
                is_after_a_pause,
            });
            is_after_a_pause = false;
        }
        is_after_a_pause |= piece.ends_with(|c: char| is_pause(c));
    }
    words
}

const fn is_pause(c: char) -> bool {
    matches!(c, ',' | '.' | ';')
}

/// Only of words: an accent on a digit is unexpected.
fn without_accents(text: &str) -> String {
    if text.chars().any(char::is_numeric) {
        return text.to_owned();
    }
    text.nfd().filter(|c| !is_combining_mark(*c)).collect()
}

/// Whether a word is one of a list.
pub(super) fn is_one_of(word: &Word, list: &[String]) -> bool {
    list.iter().any(|known| word.is(known))
}

/// The length in words of the longest phrase at the beginning of these words.
pub(super) fn begins_with_one_of(words: &[Word], list: &[String]) -> Option<usize> {
    list.iter()
        .filter_map(|phrase| beginning(words, phrase))
        .max()
}

/// The length in words of the longest phrase at the end of these words.
pub(super) fn ends_with_one_of(words: &[Word], list: &[String]) -> Option<usize> {
    let ending = |phrase: &String| {
        let from = words.len().checked_sub(phrase.split_whitespace().count())?;
        beginning(words.get(from..)?, phrase)
    };
    list.iter().filter_map(ending).max()
}

fn beginning(words: &[Word], phrase: &str) -> Option<usize> {
    let mut count = 0;
    for known in phrase.split_whitespace() {
        if !words.get(count)?.is(known) {
            return None;
        }
        count += 1;
    }
    Some(count)
}
