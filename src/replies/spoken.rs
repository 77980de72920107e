//! Codes, numbers and dates as a person says them.
//!
//! Plain words and commas only, which every text-to-speech voice reads alike, without markup.

use serde::Deserialize;

/// The longest spelled code that a sentence on the phone can carry.
pub(super) const SPELLED_CHARS_MAX: usize = 250;

/// The words of one language for spelling a code and saying a date.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spoken {
    pipe: String,
    slash: String,
    dash: String,
    dot: String,
    underscore: String,
    star: String,
    hash: String,
    space: String,
    at: String,
    plus: String,
    other: String,
    pub(super) months: [String; 12],
    pub(super) date: String,
}

impl Spoken {
    /// A code character by character: `123|123` is "1, 2, 3, barra vertical, 1, 2, 3".
    ///
    /// Empty when that would be too long to listen to; every sentence reads well without it.
    pub(super) fn spell(&self, code: &str) -> String {
        let words: Vec<String> = code.chars().map(|c| self.word(c)).collect();
        let spelled = words.join(", ");
        if spelled.chars().count() > SPELLED_CHARS_MAX {
            String::new()
        } else {
            spelled
        }
    }

    fn word(&self, c: char) -> String {
        let word = match c {
            '|' => &self.pipe,
            '/' => &self.slash,
            '-' => &self.dash,
            '.' => &self.dot,
            '_' => &self.underscore,
            '*' => &self.star,
            '#' => &self.hash,
            '@' => &self.at,
            '+' => &self.plus,
            c if c.is_whitespace() => &self.space,
            c if c.is_alphanumeric() => return c.to_uppercase().collect(),
            _ => &self.other,
        };
        word.clone()
    }
}

/// Digits one by one.
pub(super) fn digits(number: &str) -> String {
    let characters: Vec<String> = number.chars().map(String::from).collect();
    characters.join(", ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;

    fn english() -> Spoken {
        let file: toml::Table =
            toml::from_str(include_str!("../../config/replies/en.toml")).unwrap();
        file["spoken"].clone().try_into().unwrap()
    }

    #[test]
    fn a_code_is_spelled_character_by_character() {
        let spoken = english();
        for (code, spelled) in [
            ("", ""),
            ("123|123", "1, 2, 3, vertical bar, 1, 2, 3"),
            ("a-ç", "A, dash, Ç"),
            ("a/b.c_d", "A, slash, B, dot, C, underscore, D"),
            ("*#@+ \"", "star, hash, at, plus, space, symbol"),
        ] {
            assert_eq!(spoken.spell(code), spelled, "{code}");
        }
    }

    #[test]
    fn what_would_take_too_long_to_say_is_not_spelled() {
        let spoken = english();
        assert_eq!(spoken.spell(&"8".repeat(64)).chars().count(), 190);
        assert_eq!(spoken.spell(&"|".repeat(64)), "");
    }

    #[test]
    fn a_number_is_said_digit_by_digit() {
        assert_eq!(digits("2042"), "2, 0, 4, 2");
        assert_eq!(digits(""), "");
    }
}
