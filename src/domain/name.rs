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
