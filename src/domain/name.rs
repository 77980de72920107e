//! The first name in a greeting, and what is not one.
//!
//! A name comes from outside and ends in a sentence that the provider says: it must never carry markup, numbers,
//! links or a second sentence. No greeting is always better than a wrong one, so that a doubt is no name.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

mod words;

use words::{
    COMPANY, FIRST_NAMES, OF_A_SENTENCE, PARTICLES, PLACEHOLDERS, PLACES, PROFILES, SHORT_NAMES,
    SURNAMES, TITLES,
};

/// The most characters of a first name; longer words are not greeted.
const NAME_CHARS_MAX: usize = 30;

/// The most characters of a full name that are read; a longer one is a text.
const FULL_NAME_CHARS_MAX: usize = 200;

/// The fewest letters of a second capitalised part: `LeBron` is written so on purpose, `JoSé` by a keyboard.
const HUMP_LETTERS_MIN: usize = 3;

/// The most letters of a first capitalised part that is a prefix: `Mc`, `Mac`, `Le`.
const PREFIX_LETTERS_MAX: usize = 3;

/// A first name that is fit for a greeting.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstName(String);

impl FirstName {
    /// The first name in a full name, when it is surely one: Latin letters, apostrophe and hyphen only.
    ///
    /// `JOÃO`, `joão` and `jOÃO` become `João`; `McKenzie` stays as it is; `Dona Maria` is `Maria`; a placeholder, a
    /// company and a motto have none.
    #[must_use]
    pub fn of(full_name: &str) -> Option<Self> {
        // An abbreviation or a number, which the compatible form would spell as letters: `Mª` is Maria, `1º` the first.
        let is_text = full_name.chars().nth(FULL_NAME_CHARS_MAX).is_some();
        if is_text || full_name.contains(['ª', 'º']) {
            return None;
        }
        let full_name: String = full_name.nfkc().collect();
        let tokens: Vec<&str> = full_name.split_whitespace().collect();
        if is_company(&tokens) || is_sentence(&tokens) || is_a_couple(&tokens) {
            return None;
        }
        let (word, title) = after_titles(&tokens)?;
        let name = written(word)?;
        let lower = name.to_lowercase();
        let is_name = match title {
            Title::Stated => FIRST_NAMES.have(&lower),
            Title::None => !is_word(&lower),
        };
        (is_name && fits(&name)).then_some(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a name began with a title.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Title {
    Stated,
    None,
}

/// The first word that is no title, however the title is written: `Dr Ana`, `Dr. Ana`, `Dr.Ana`, `Exmo. Sr. Ana`.
fn after_titles<'a>(tokens: &[&'a str]) -> Option<(&'a str, Title)> {
    let mut title = Title::None;
    for token in tokens {
        let (head, rest) = token.split_once('.').unwrap_or((token, ""));
        if !TITLES.have(&head.to_lowercase()) {
            return Some((token, title));
        }
        title = Title::Stated;
        if !rest.is_empty() {
            return Some((rest, title));
        }
    }
    None
}

/// The letters of a word in lower case, without what else stands in it: `S/A` and `s.a.` are `sa`.
fn letters(token: &str) -> String {
    let letters: String = token.chars().filter(|c| c.is_alphabetic()).collect();
    letters.to_lowercase()
}

/// Whether a word stands in a list, alone or beside signs: `(LTDA)`, `Tele/Com`, `mercado-central`.
fn has_one_of(list: &words::Words, token: &str) -> bool {
    let mut parts = token.split(|c: char| !c.is_alphabetic());
    list.have(&letters(token)) || parts.any(|part| list.have(&part.to_lowercase()))
}

fn is_company(tokens: &[&str]) -> bool {
    let is_short_form = |(at, token): (usize, &&str)| {
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        match letters(token).as_str() {
            // A surname, too, which systems without accents write like the company's: `de SA`.
            "sa" => !before.is_some_and(|before| PARTICLES.have(&letters(before))),
            "ca" | "rl" | "co" => true,
            // Written apart: `S A`.
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
    pairs.any(|(before, token)| {
        let token = letters(token);
        // `de Deus` is a surname.
        let is_god = matches!(token.as_str(), "deus" | "dios" | "god");
        OF_A_SENTENCE.have_exactly(&token) || is_god && letters(before) != "de"
    })
}

/// `Maria e João` are two people, and either of them may be writing.
fn is_a_couple(tokens: &[&str]) -> bool {
    let second = tokens.get(1).map(|token| token.to_lowercase());
    matches!(second.as_deref(), Some("e" | "y" | "and" | "/" | "+"))
}

/// Whether a word in lower case is no first name.
fn is_word(lower: &str) -> bool {
    let lists = [
        &PLACEHOLDERS,
        &PROFILES,
        &PLACES,
        &PARTICLES,
        &SURNAMES,
        &TITLES,
        &OF_A_SENTENCE,
    ];
    let is_short = lower.chars().count() <= 2;
    let is_known = |part: &str| PLACEHOLDERS.have(part) || PROFILES.have(part);
    lists.iter().any(|list| list.have(lower))
        || lower.split('-').any(is_known)
        || is_short && !SHORT_NAMES.have(lower)
        || !can_be_said(lower)
}

/// Whether a word can be said as a name: it has a vowel, and no letter three times in a row.
fn can_be_said(lower: &str) -> bool {
    let plain: Vec<char> = lower.nfd().filter(char::is_ascii_alphabetic).collect();
    let has_vowel = plain
        .iter()
        .any(|c| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y'));
    let is_held = |three: &[char]| three.iter().all(|c| Some(c) == three.first());
    has_vowel && !plain.windows(3).any(is_held)
}

fn is_latin(c: char) -> bool {
    match c {
        '×' | '÷' => false,
        'À'..='ɏ' | 'Ḁ'..='ỿ' => c.is_alphabetic(),
        _ => c.is_ascii_alphabetic(),
    }
}

const fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’')
}

/// Whether a name is one word of Latin letters: parts of two or more, and `D'` or `O'` before one.
fn fits(name: &str) -> bool {
    let is_part = |part: &str| {
        let (before, last) = part.rsplit_once(is_apostrophe).unwrap_or(("", part));
        let is_prefix = before.chars().count() <= 2 && !before.contains(is_apostrophe);
        let is_whole = last.chars().count() >= 2 && (is_prefix && !part.starts_with(is_apostrophe));
        is_whole && before.chars().chain(last.chars()).all(is_latin)
    };
    name.chars().count() <= NAME_CHARS_MAX && name.split('-').all(is_part)
}

/// Writes a name the way a person would. `None` for what no keyboard makes of a name by mistake (`firstName`), and when
/// changing the case leaves more than letters.
fn written(word: &str) -> Option<String> {
    let mut name = String::with_capacity(word.len());
    let mut part = String::new();
    for c in word.chars() {
        if c == '-' || is_apostrophe(c) {
            name.push_str(&with_capital(&part)?);
            name.push(c);
            part.clear();
        } else {
            part.push(c);
        }
    }
    name.push_str(&with_capital(&part)?);
    let name: String = name.nfc().collect();
    let is_allowed = |c: char| is_latin(c) || is_apostrophe(c) || c == '-';
    name.chars().all(is_allowed).then_some(name)
}

/// `None` for two words in one, of which nobody can tell whether a person or an app wrote them: `JoãoSilva`, `WhatsApp`.
fn with_capital(part: &str) -> Option<String> {
    if is_a_variable(part) {
        return None;
    }
    if let Some((first, second)) = humps(part) {
        let is_prefix = first.chars().count() <= PREFIX_LETTERS_MAX;
        let are_names =
            [first, second].map(|hump| FIRST_NAMES.have(&hump.to_lowercase())) == [true; 2];
        let is_surname = SURNAMES.have(&second.to_lowercase());
        return (are_names || is_prefix && !is_surname).then(|| part.to_owned());
    }
    // A capital of its own may be several letters: of an ß that begins a part only the first one is a capital.
    let mut letters = part.chars().flat_map(char::to_uppercase);
    let first = letters.next().into_iter();
    Some(first.chain(letters.flat_map(char::to_lowercase)).collect())
}

/// `firstName` is what a program calls a value; `mARIA` was typed with the capitals locked.
fn is_a_variable(part: &str) -> bool {
    let rest = part.chars().skip(1);
    part.starts_with(char::is_lowercase)
        && rest.clone().any(char::is_lowercase)
        && rest.clone().any(char::is_uppercase)
}

/// The two capitalised parts of `McKenzie` and `AnaClara`, the second one long enough to be meant so.
fn humps(part: &str) -> Option<(&str, &str)> {
    let capitals: Vec<usize> = part
        .char_indices()
        .filter(|(_, c)| c.is_uppercase())
        .map(|(at, _)| at)
        .collect();
    let [0, second] = capitals.as_slice() else {
        return None;
    };
    let (first, second) = part.split_at(*second);
    let is_meant = first.chars().count() >= 2 && second.chars().count() >= HUMP_LETTERS_MIN;
    is_meant.then_some((first, second))
}

impl fmt::Debug for FirstName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FirstName(…)")
    }
}

#[cfg(test)]
mod tests;
