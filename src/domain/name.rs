//! Extracts the first name for a greeting from a full name.
//!
//! A name comes from outside and ends in a sentence that the provider says: it must never carry
//! markup, numbers, links or a second sentence. No greeting is always better than a wrong one. The
//! service therefore greets only a name on the list, and only where the full name is not that of a
//! company, a motto, a couple or a deceased person.
//!
//! - `words`  the lists of words and names that decide

use std::fmt;

use unicode_normalization::UnicodeNormalization;

mod words;

use words::{COMPANY, DECEASED, FIRST_NAMES, NETWORK, OF_A_SENTENCE, PARTICLES, PLACEHOLDERS};
use words::{TITLES, Words};

/// The most characters of a first name; longer ones are not greeted.
const NAME_CHARS_MAX: usize = 30;

/// The most characters of a full name that are read; a longer text is not a name.
const FULL_NAME_CHARS_MAX: usize = 200;

/// A first name that is fit for a greeting.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstName(String);

impl FirstName {
    /// The first name in a full name, if it is certain: a name in `config/names.txt`, or several
    /// such names with hyphens.
    ///
    /// `JOÃO`, `joão` and `jOÃO` become `João`; `McKenzie` keeps its capitals; `Dona Maria` is
    /// `Maria`; a placeholder, a company and a motto give `None`.
    #[must_use]
    pub fn of(full_name: &str) -> Option<Self> {
        if full_name.chars().nth(FULL_NAME_CHARS_MAX).is_some() {
            return None;
        }
        let full_name: String = full_name.nfkc().collect();
        let tokens: Vec<&str> = full_name.split_whitespace().collect();
        if is_company(&tokens) || is_sentence(&tokens) || is_a_couple(&tokens) {
            return None;
        }
        let name = written(after_titles(&tokens)?)?;
        let is_short = name.chars().count() <= NAME_CHARS_MAX;
        (is_short && !tokens.iter().any(|token| is_no_caller(token))).then_some(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The first word that is not a title, in any spelling of the title: `Dr Ana`, `Dr. Ana`, `Dr.Ana`,
/// `Exmo. Sr. Ana`.
fn after_titles<'a>(tokens: &[&'a str]) -> Option<&'a str> {
    tokens.iter().find_map(|token| {
        let (head, rest) = token.split_once('.').unwrap_or((token, ""));
        if TITLES.have(&head.to_lowercase()) {
            return (!rest.is_empty()).then_some(rest);
        }
        Some(*token)
    })
}

/// The letters of a word in lower case, without its other characters: `S/A` and `s.a.` are `sa`.
fn letters(token: &str) -> String {
    let letters: String = token.chars().filter(|c| c.is_alphabetic()).collect();
    letters.to_lowercase()
}

/// Whether a list has a word, alone or beside signs: `(LTDA)`, `Tele/Com`, `mercado-central`.
fn has_one_of(list: &Words, token: &str) -> bool {
    let mut parts = token.split(|c: char| !c.is_alphabetic());
    list.have(&letters(token)) || parts.any(|part| list.have(&part.to_lowercase()))
}

fn is_company(tokens: &[&str]) -> bool {
    let is_short_form = |(at, token): (usize, &&str)| {
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        match letters(token).as_str() {
            // `Sá` is also a surname. Systems without accents write it like the company's suffix:
            // `de SA`.
            "sa" => !before.is_some_and(|before| PARTICLES.have(&letters(before))),
            "ca" | "rl" | "co" => true,
            // The suffix with a blank in it: `S A`.
            "a" => before.is_some_and(|before| letters(before) == "s"),
            _ => false,
        }
    };
    let has_sign = |token: &&str| token.contains(['&', '@']);
    tokens.iter().any(|token| has_one_of(&COMPANY, token))
        || tokens.iter().any(has_sign)
        || tokens.iter().enumerate().any(is_short_form)
}

fn is_sentence(tokens: &[&str]) -> bool {
    let mut pairs = tokens.iter().zip(tokens.iter().skip(1));
    let is_said = pairs.any(|(before, token)| {
        let (before, token) = (letters(before), letters(token));
        // `de Deus` is a surname.
        let is_god = matches!(token.as_str(), "deus" | "dios" | "god");
        OF_A_SENTENCE.have_exactly(&token) || is_god && before != "de"
    });
    is_said || is_a_verse(tokens)
}

/// `João 3:16`, `João 3 16`: a Bible verse. Books of the Bible have people's names.
fn is_a_verse(tokens: &[&str]) -> bool {
    let numbers = tokens.iter().flat_map(|token| {
        let is_number = |part: &&str| part.starts_with(|c: char| c.is_ascii_digit());
        token.split([':', '.', ',', 'v', '-']).filter(is_number)
    });
    numbers.count() >= 2
}

/// `Maria e João` are two people, either of whom may be writing. `Costa e Silva` is one surname.
fn is_a_couple(tokens: &[&str]) -> bool {
    let is_joint = |token: &str| matches!(token, "e" | "y" | "o" | "ou" | "and" | "or" | "/" | "+");
    tokens.iter().enumerate().any(|(at, token)| {
        let next = tokens.get(at + 1).map_or("", |next| next);
        let is_second = at == 1 || written(next).is_some();
        at > 0 && is_second && is_joint(&token.to_lowercase())
    })
}

/// Whether a word shows that the person is dead, that the name belongs to a thing, or that the name
/// is invented.
fn is_no_caller(token: &str) -> bool {
    let is_cross = token.contains(['†', '✝', '✞', '✟']) || token == "(+)";
    let lists = [&DECEASED, &NETWORK, &PLACEHOLDERS];
    is_cross || lists.iter().any(|list| has_one_of(list, token))
}

/// Capitalises a name on the list, each part of `MARIA-CLARA` by itself. `None` for any other word.
fn written(word: &str) -> Option<String> {
    let parts: Option<Vec<String>> = word.split('-').map(with_capital).collect();
    Some(parts?.join("-"))
}

/// The capitals of `McKenzie` and `AnaClara` are intended and stay; those of `JoSé` are not.
fn with_capital(part: &str) -> Option<String> {
    let lower = part.to_lowercase();
    let is_name = FIRST_NAMES.have(&lower);
    if let Some((first, second)) = humps(part) {
        let is_prefix = is_name && matches!(first, "Mc" | "Mac");
        let are_names = [first, second].map(|hump| FIRST_NAMES.have(&hump.to_lowercase()));
        if is_prefix || !is_name && are_names == [true; 2] {
            return Some(part.to_owned());
        }
    }
    let mut letters = lower.chars();
    let first: String = letters.next()?.to_uppercase().collect();
    is_name.then(|| first + letters.as_str())
}

/// The two capitalised parts of `McKenzie` and `AnaClara`.
fn humps(part: &str) -> Option<(&str, &str)> {
    let capitals: Vec<usize> = part
        .char_indices()
        .filter(|(_, c)| c.is_uppercase())
        .map(|(at, _)| at)
        .collect();
    let [0, second] = capitals.as_slice() else {
        return None;
    };
    Some(part.split_at(*second))
}

impl fmt::Debug for FirstName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FirstName(…)")
    }
}

#[cfg(test)]
mod tests;
