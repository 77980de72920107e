//! Which texts can be a reservation code, and how codes stay out of logs.
//!
//! A code is personal data: this file must never give it a `Display` or a `Debug` that shows it.

use std::fmt;
use std::hash::{Hash, Hasher};

use unicode_normalization::UnicodeNormalization;

use super::spelling::{canonical, is_format};

/// The most characters that a reservation code may have. Of 25 real codes, three are longer than 64
/// characters (68 to 92).
pub const CODE_CHARS_MAX: usize = 128;

/// A reservation code that is safe to put into a path. It keeps its canonical spelling, the
/// spelling that the customer sent, and the spelling that OZmap stores, where that is known.
///
/// Two codes are equal when their canonical spellings are equal. A canonical spelling has 1 to
/// [`CODE_CHARS_MAX`] characters and no control or format character. It is neither `.` nor `..`,
/// which would turn a lookup into "list every property".
#[derive(Clone)]
pub struct ReservationCode {
    canonical: String,
    came_as: String,
    held_as: Option<String>,
}

/// Why a text cannot be a reservation code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// The text has only white space.
    #[error("the code is empty")]
    Empty,
    /// More than [`CODE_CHARS_MAX`] characters.
    #[error("the code is longer than 128 characters")]
    TooLong,
    /// A control character or an invisible character (zero width, text direction) within the code.
    #[error("the code has a control or invisible character")]
    Invisible,
    /// `.` or `..`, which mean a directory in a path.
    #[error("the code is a path segment with a meaning of its own")]
    Dots,
}

impl ReservationCode {
    /// Parses the text that a customer typed.
    ///
    /// # Errors
    /// [`CodeError`] says which rule the text breaks; it never contains the text.
    pub fn parse(typed: &str) -> Result<Self, CodeError> {
        let came_as = typed.trim();
        if came_as.is_empty() {
            return Err(CodeError::Empty);
        }
        // Limits the work below. Normalisation never removes or composes this many characters of a
        // genuine code.
        if came_as.chars().take(CODE_CHARS_MAX * 4 + 1).count() > CODE_CHARS_MAX * 4 {
            return Err(CodeError::TooLong);
        }
        let canonical = canonical(came_as);
        if canonical.is_empty() {
            return Err(CodeError::Empty);
        }
        if canonical.chars().count() > CODE_CHARS_MAX {
            return Err(CodeError::TooLong);
        }
        // U+FFFD replaces a character that was lost in transit.
        let is_unseen = |c: char| c.is_control() || is_format(c) || c == '\u{FFFD}';
        if canonical.chars().any(is_unseen) || came_as.chars().any(char::is_control) {
            return Err(CodeError::Invisible);
        }
        if is_dots(&canonical) || is_dots(came_as) {
            return Err(CodeError::Dots);
        }
        Ok(Self {
            canonical,
            came_as: came_as.to_owned(),
            held_as: None,
        })
    }

    /// The same code with an alternative reading, either of which may be the real code: a `+` in a
    /// form is a blank, or a plus that the sender did not encode. A reading that is not a valid
    /// code is ignored.
    #[must_use]
    pub fn or_as(self, other: &str) -> Self {
        match Self::parse(other) {
            Ok(other) => Self {
                came_as: other.came_as,
                ..self
            },
            Err(_) => self,
        }
    }

    /// The same code with the spelling that OZmap stores, which may have a blank at an end, so that
    /// a lookup also asks for that spelling. A spelling of another code is ignored.
    #[must_use]
    pub fn held_as(self, held: &str) -> Self {
        if self.is(held) {
            Self {
                held_as: Some(held.to_owned()),
                ..self
            }
        } else {
            self
        }
    }

    /// The canonical spelling, for the journal and the customer's own sentence; never for a log
    /// line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.canonical
    }

    /// The code as the customer sent it, without blanks at its ends. The journal stores it, so that
    /// the service asks OZmap for the same spellings after a restart.
    #[must_use]
    pub fn came_as(&self) -> &str {
        &self.came_as
    }

    /// The spellings that a lookup asks OZmap for, each once, the canonical one first. OZmap
    /// compares byte for byte, so the list has the canonical and the received spelling in composed
    /// (NFC) and decomposed (NFD) characters, and the spelling that OZmap stores.
    #[must_use]
    pub fn spellings(&self) -> Vec<String> {
        let both = [self.canonical.as_str(), self.came_as.as_str()];
        let forms = both
            .iter()
            .flat_map(|text| [text.nfc().collect(), text.nfd().collect()]);
        // The received bytes themselves may be neither NFC nor NFD.
        let last = [self.came_as.clone()].into_iter();
        distinct(forms.chain(last).chain(self.held_as.clone()))
    }

    /// Further spellings to look up before the service says that there is no reservation: a blank
    /// at an end, which OZmap may store unnoticed, and the first letter in the other case, which a
    /// phone's keyboard produces.
    #[must_use]
    pub fn near_spellings(&self) -> Vec<String> {
        let known = self.spellings();
        let code = &self.canonical;
        let near = [format!("{code} "), format!(" {code}")]
            .into_iter()
            .chain(other_case(code));
        distinct(near)
            .into_iter()
            .filter(|text| !known.contains(text))
            .collect()
    }

    /// Whether a code that OZmap stores is this one: it equals the canonical spelling of this code
    /// or of its alternative reading. Letter case counts.
    #[must_use]
    pub fn is(&self, held: &str) -> bool {
        let held = canonical(held);
        held == self.canonical || held == canonical(&self.came_as)
    }
}

impl PartialEq for ReservationCode {
    fn eq(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }
}

impl Eq for ReservationCode {}

impl Hash for ReservationCode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical.hash(state);
    }
}

fn is_dots(text: &str) -> bool {
    matches!(text, "." | "..")
}

/// The same code with its first letter in the other case.
fn other_case(code: &str) -> Option<String> {
    let first = code.chars().next()?;
    let rest = code.get(first.len_utf8()..)?;
    let other: String = if first.is_uppercase() {
        first.to_lowercase().collect()
    } else {
        first.to_uppercase().collect()
    };
    (other != first.to_string()).then(|| format!("{other}{rest}"))
}

fn distinct(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found
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
            ("\u{feff}a", "a"),
            ("“123 | 123”\u{200b}", "123|123"),
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
            ("a\u{e0041}b", CodeError::Invisible),
            ("a\u{fffd}", CodeError::Invisible),
            ("a\nb", CodeError::Invisible),
            ("\u{200b}", CodeError::Empty),
        ] {
            assert_eq!(parsed(typed), Err(error), "{typed:?}");
        }
    }

    #[test]
    fn the_length_counts_composed_characters() {
        assert!(parsed(&"é".repeat(128)).is_ok());
        assert!(parsed(&"e\u{301}".repeat(128)).is_ok());
        assert_eq!(parsed(&"x".repeat(129)), Err(CodeError::TooLong));
        assert_eq!(parsed(&"e\u{301}".repeat(129)), Err(CodeError::TooLong));
        assert_eq!(
            parsed(&format!("a{}", "\u{301}".repeat(100_000))),
            Err(CodeError::TooLong)
        );
    }

    #[test]
    fn ozmap_is_asked_for_what_came_and_for_the_plain_code() {
        let spellings = |typed| ReservationCode::parse(typed).map(|code| code.spellings());
        let expected = |texts: &[&str]| Ok(texts.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(spellings("123|123"), expected(&["123|123"]));
        assert_eq!(spellings(" 123|123. "), expected(&["123|123", "123|123."]));
        assert_eq!(spellings("jose\u{301}"), expected(&["josé", "jose\u{301}"]));
        assert_eq!(spellings("josé"), expected(&["josé", "jose\u{301}"]));
        let held = |as_text| {
            let code = ReservationCode::parse("123|123");
            code.map(|code| code.held_as(as_text).spellings())
        };
        assert_eq!(held("123|123 "), expected(&["123|123", "123|123 "]));
        assert_eq!(held("123|124"), expected(&["123|123"]));
        let near = |typed| ReservationCode::parse(typed).map(|code| code.near_spellings());
        assert_eq!(near("1|1"), expected(&["1|1 ", " 1|1"]));
        assert_eq!(near("Ana"), expected(&["Ana ", " Ana", "ana"]));
    }

    #[test]
    fn a_code_of_ozmap_is_the_same_one_but_for_decoration() {
        let asked = ReservationCode::parse("123 | 123");
        let is = |held: &str| asked.as_ref().is_ok_and(|asked| asked.is(held));
        for held in [
            "123|123",
            "123|123 ",
            " 123|123",
            "123|123\u{200b}",
            "１２３|123",
        ] {
            assert!(is(held), "{held:?}");
        }
        for held in ["123|124", "0123|123", "123123", "123|1234", "123/123", ""] {
            assert!(!is(held), "{held:?}");
        }
        let plus = ReservationCode::parse("A B").map(|code| code.or_as("A+B"));
        let is_either = |code: ReservationCode| code.is("A B") && code.is("A+B") && !code.is("AB");
        assert!(plus.is_ok_and(is_either));
        let cased = ReservationCode::parse("Ana");
        assert!(cased.is_ok_and(|cased| !cased.is("ana")));
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
                prop_assert!(code.is(code.as_str()));
                prop_assert!(code.spellings().iter().all(|text| code.is(text)));
                prop_assert_eq!(ReservationCode::parse(code.as_str()), Ok(code));
            }
        }
    }
}
