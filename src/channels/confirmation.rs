//! Reads the answer to whether the code that was read back is right.
//!
//! Only a keyed 1 is a yes. It must never take a mistyped key for another code.

use super::keypad_and_speech::keyed;

/// The keyed answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Yes.
    One,
    /// No.
    Two,
    /// Another code instead of an answer.
    Code(String),
    /// Anything else.
    Other,
}

/// The fewest keys that can be another code: fewer may be a typing mistake.
const KEYS_OF_A_CODE_MIN: usize = 3;

/// Classifies the keys. Impatient callers press 1 twice, or `#` after it. Three of the same are
/// neither an answer nor a code.
pub(super) fn answer(keys: &str, separator: &str) -> Key {
    let keys: String = keys.chars().filter(|c| !c.is_whitespace()).collect();
    let without_end: String = keys.chars().filter(|c| *c != '#').collect();
    match without_end.as_str() {
        "1" | "11" => return Key::One,
        "2" | "22" => return Key::Two,
        same if same.chars().all(|c| same.starts_with(c)) => return Key::Other,
        _ => {}
    }
    let is_key = |c: char| c.is_ascii_digit() || matches!(c, '*' | '#');
    let code = keyed(&keys, separator).filter(|_| keys.chars().all(is_key));
    match code {
        Some(code) if code.chars().count() >= KEYS_OF_A_CODE_MIN => Key::Code(code),
        Some(_) | None => Key::Other,
    }
}

/// Whether spoken words are a yes.
pub(super) fn is_yes(answer: &str) -> bool {
    let word = answer.to_lowercase();
    let word = word.trim_matches(['.', ',', '!', ' ', '#']);
    // Only words that are not a hesitation in another language: an English "um" is not the
    // Portuguese "one".
    matches!(word, "1" | "sim" | "sí" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_one_is_a_yes_only_a_two_a_no_and_only_three_keys_another_code() {
        for keys in ["1", " 1 ", "1#", "11", "1 1", "1#1", "11#", "#1", "1##"] {
            assert_eq!(answer(keys, "|"), Key::One, "{keys}");
        }
        for keys in ["2", "2#", "22", "2#2"] {
            assert_eq!(answer(keys, "|"), Key::Two, "{keys}");
        }
        for keys in [
            "",
            "#",
            "*",
            "0",
            "3",
            "9",
            "12",
            "21",
            "1*",
            "*1",
            "10",
            "111",
            "222",
            "1#2",
            "1#123*123",
            "#123*123",
            "12**1",
            "123**123",
            "***",
            "sim",
            "1a",
            "123|123",
            "um",
        ] {
            assert_eq!(answer(keys, "|"), Key::Other, "{keys}");
        }
        for (keys, code) in [
            ("123*123", "123|123"),
            ("123*123#", "123|123"),
            ("123*123#1", "123|123"),
            ("112", "112"),
            ("1*1", "1|1"),
        ] {
            assert_eq!(answer(keys, "|"), Key::Code(code.to_owned()), "{keys}");
        }
    }
}
