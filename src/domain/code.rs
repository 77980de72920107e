//! What may be a reservation code, and how it is kept out of logs.
//!
//! This file must never give a code a `Display` or a telling `Debug`: a code is personal data.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// The most characters that a reservation code may have.
pub const CODE_CHARS_MAX: usize = 64;

/// A reservation code that is safe to put into a path: trimmed, composed (NFC), 1 to 64 characters, no control or
/// invisible characters, and neither `.` nor `..`, which would turn a look-up into "list every property".
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReservationCode(String);

/// Why a text cannot be a reservation code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Nothing but white space.
    #[error("the code is empty")]
    Empty,
    /// More than [`CODE_CHARS_MAX`] characters.
    #[error("the code is longer than 64 characters")]
    TooLong,
    /// A control character, or one that cannot be seen (zero width, text direction).
    #[error("the code has a control or invisible character")]
    Invisible,
    /// `.` or `..`, which mean a folder in a path.
    #[error("the code is a path segment with a meaning of its own")]
    Dots,
}

impl ReservationCode {
    /// Reads what a customer typed.
    ///
    /// # Errors
    /// [`CodeError`] says which rule the text breaks; it never holds the text.
    pub fn parse(typed: &str) -> Result<Self, CodeError> {
        let trimmed = typed.trim();
        if trimmed.is_empty() {
            return Err(CodeError::Empty);
        }
        // Bounded before the work: a composed text is never longer in characters than what it was composed of.
        if trimmed.chars().take(CODE_CHARS_MAX * 4 + 1).count() > CODE_CHARS_MAX * 4 {
            return Err(CodeError::TooLong);
        }
        let code: String = trimmed.nfc().collect();
        if code.chars().count() > CODE_CHARS_MAX {
            return Err(CodeError::TooLong);
        }
        if code.chars().any(|c| c.is_control() || is_invisible(c)) {
            return Err(CodeError::Invisible);
        }
        if code == "." || code == ".." {
            return Err(CodeError::Dots);
        }
        Ok(Self(code))
    }

    /// The code itself, for OZmap, the journal and the customer's own sentence; never for a log line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Format characters that people paste without seeing them, and separators that break a line.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{FFFD}' | '\u{E0000}'..='\u{E007F}')
}

impl fmt::Debug for ReservationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReservationCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(typed: &str) -> Result<String, CodeError> {
        ReservationCode::parse(typed).map(|code| code.as_str().to_owned())
    }

    #[test]
    fn a_code_is_kept_as_it_was_typed_but_trimmed_and_composed() {
        for (typed, code) in [
            ("123|123", "123|123"),
            (" \t123|123\r\n", "123|123"),
            ("francisca.quin\u{303}ones", "francisca.quiñones"),
            ("a b", "a b"),
            ("...", "..."),
            (".a", ".a"),
            ("%2e%2e", "%2e%2e"),
            ("日本", "日本"),
        ] {
            assert_eq!(parsed(typed).as_deref(), Ok(code), "{typed:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_code_says_which_rule_it_breaks() {
        for (typed, error) in [
            ("", CodeError::Empty),
            (" \u{a0}\n", CodeError::Empty),
            (".", CodeError::Dots),
            (" .. ", CodeError::Dots),
            ("a\u{0}", CodeError::Invisible),
            ("a\u{7f}b", CodeError::Invisible),
            ("a\u{200b}b", CodeError::Invisible),
            ("a\u{e0041}", CodeError::Invisible),
            ("\u{feff}a", CodeError::Invisible),
        ] {
            assert_eq!(parsed(typed), Err(error), "{typed:?}");
        }
    }

    #[test]
    fn the_length_counts_composed_characters() {
        assert!(parsed(&"é".repeat(64)).is_ok());
        assert!(parsed(&"e\u{301}".repeat(64)).is_ok());
        assert_eq!(parsed(&"x".repeat(65)), Err(CodeError::TooLong));
        assert_eq!(parsed(&"e\u{301}".repeat(65)), Err(CodeError::TooLong));
        assert_eq!(
            parsed(&format!("a{}", "\u{301}".repeat(100_000))),
            Err(CodeError::TooLong)
        );
    }

    #[test]
    fn a_code_is_not_seen_in_debug() {
        let code = ReservationCode::parse("123|123");
        assert!(!format!("{code:?}").contains("123"));
    }

    proptest! {
        #[test]
        fn a_code_reads_back_as_itself(typed in "\\PC{0,80}") {
            if let Ok(code) = ReservationCode::parse(&typed) {
                prop_assert!((1..=CODE_CHARS_MAX).contains(&code.as_str().chars().count()));
                prop_assert!(code.as_str() != "." && code.as_str() != "..");
                prop_assert_eq!(ReservationCode::parse(code.as_str()), Ok(code));
            }
        }
    }
}
