//! The first name in a greeting, and what is not one.
//!
//! A name comes from outside and ends in a sentence that the provider says: it must never carry markup, numbers,
//! links or a second sentence.

use std::fmt;

/// The most characters of a first name; longer words are not greeted.
const NAME_CHARS_MAX: usize = 30;

/// What people write into a name field that nobody is called; a greeting is better off without it.
const NOT_NAMES: [&str; 12] = [
    "assinante",
    "cliente",
    "client",
    "contato",
    "customer",
    "novo",
    "nova",
    "reserva",
    "sem",
    "test",
    "teste",
    "titular",
];

/// A first name that is fit for a greeting.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstName(String);

impl FirstName {
    /// The first word of a full name, if it looks like a name: letters, apostrophe and hyphen only.
    ///
    /// `JOÃO` and `joão` become `João`; `McKenzie` stays as it is.
    #[must_use]
    pub fn of(full_name: &str) -> Option<Self> {
        let word = full_name.split_whitespace().next()?;
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        let fits = letters >= 2
            && word.chars().count() <= NAME_CHARS_MAX
            && word.chars().next().is_some_and(char::is_alphabetic)
            && word
                .chars()
                .all(|c| c.is_alphabetic() || matches!(c, '\'' | '’' | '-'));
        let is_name = fits && !NOT_NAMES.contains(&word.to_lowercase().as_str());
        is_name.then(|| Self(with_capital(word)))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Writes a name that was typed in one case the way a person would; leaves a mixed one alone.
fn with_capital(word: &str) -> String {
    let one_case = !word.chars().any(char::is_lowercase) || !word.chars().any(char::is_uppercase);
    if !one_case {
        return word.to_owned();
    }
    let mut start = true;
    word.chars()
        .flat_map(|c| {
            let written: Vec<char> = if start {
                c.to_uppercase().collect()
            } else {
                c.to_lowercase().collect()
            };
            start = matches!(c, '-' | '\'' | '’');
            written
        })
        .collect()
}

impl fmt::Debug for FirstName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FirstName(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(full_name: &str) -> Option<String> {
        FirstName::of(full_name).map(|name| name.as_str().to_owned())
    }

    #[test]
    fn the_first_word_is_written_as_a_person_would() {
        for (full_name, name) in [
            ("Gabriel Marioto", "Gabriel"),
            ("  JOÃO da silva", "João"),
            ("joão", "João"),
            ("McKenzie", "McKenzie"),
            ("MARIA-CLARA", "Maria-Clara"),
            ("d'ávila", "D'Ávila"),
            ("李明", "李明"),
        ] {
            assert_eq!(of(full_name).as_deref(), Some(name), "{full_name}");
        }
    }

    #[test]
    fn what_is_no_name_is_not_greeted() {
        for full_name in [
            "",
            " ",
            "A",
            "A. Silva",
            "Cliente 12",
            "TESTE",
            "Ana1",
            "-Ana",
            "'Ana",
            "Ana,",
            "<b>Ana</b>",
            "{{name}}",
            "www.example.com",
            "Ana\u{200b}",
            "Ana\u{202e}",
            "+5548999990000",
            "😀😀",
            "--",
            "MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM",
        ] {
            assert_eq!(of(full_name), None, "{full_name}");
        }
    }

    proptest! {
        #[test]
        fn a_greeting_never_has_anything_but_a_word(full_name in ".{0,60}") {
            if let Some(name) = of(&full_name) {
                // Some letters become a letter and an accent when their case changes.
                let is_accent = |c: char| ('\u{300}'..='\u{36f}').contains(&c);
                let allowed = |c: char| c.is_alphabetic() || is_accent(c) || matches!(c, '\'' | '’' | '-');
                prop_assert!(name.chars().all(allowed), "{:?}", name);
            }
        }
    }
}
