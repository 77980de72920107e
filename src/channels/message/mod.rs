//! Decides what a customer's message in free text means.
//!
//! A message is cut into codes, known phrases and signs; a small grammar over these decides. It
//! must never act on a part of a message: an unknown word, a negation, a question mark or a second
//! code leads to a question.
//!
//! - `lexicon`  the words, from `config/language/`
//! - `class`    what a word or a sign does in a message
//! - `codes`    finds the codes, also with another bar
//! - `written`  letter case, accents and repeated letters
//! - `grammar`  what the classes of words mean together

mod class;
mod codes;
mod grammar;
mod lexicon;
mod written;

use class::{Class, Languages};
use codes::{Certainty, Written};
use grammar::{Grammar, Parts};
use lexicon::{Found, Lexicon};
use unicode_normalization::UnicodeNormalization;
use written::Said;

use super::preset::TextSpec;
use crate::domain::Locale;

/// The most words of a message that are looked at; in a longer one the rest counts as unknown.
const WORDS_MAX: usize = 200;

/// The meaning of a message, without its conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The whole message asks to cancel this code.
    RequestKind {
        /// The code.
        code: String,
        /// Whether it can be understood in another way.
        clarity: Clarity,
    },
    /// There is this code, and no clear wish.
    Mention(String),
    /// There is this code, and the message may be about something else than a cancellation.
    Unrelated(String),
    /// There is this code, with its bar written as another character.
    OtherBar(String),
    /// A plain yes with this code.
    YesTo(String),
    /// A plain yes.
    Yes,
    /// A plain no.
    No,
    /// A thank-you and nothing else.
    Thanks,
    /// A person is wanted.
    Person,
    /// More than one code.
    SeveralCodes,
    /// A number that is no code.
    NoCode,
    /// Something with a no in it that is no plain no.
    Negated,
    /// Anything else.
    Other,
}

impl Meaning {
    /// The one code in it.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::RequestKind { code, .. }
            | Self::Mention(code)
            | Self::Unrelated(code)
            | Self::OtherBar(code)
            | Self::YesTo(code) => Some(code),
            Self::Yes
            | Self::No
            | Self::Thanks
            | Self::Person
            | Self::SeveralCodes
            | Self::NoCode
            | Self::Negated
            | Self::Other => None,
        }
    }
}

/// Whether a wish can be understood in another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clarity {
    /// It cannot.
    Clear,
    /// It is Spanish, where a first message is always asked back.
    AskedBack,
    /// It is Spanish, and "cancelar" may be "to pay".
    MayMeanPay,
}

/// Reads messages.
pub(super) struct Reader {
    lexicon: Lexicon,
    grammar: Grammar,
}

impl Reader {
    /// A reader with the embedded words.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub(super) fn load() -> Result<Self, String> {
        Ok(Self {
            lexicon: Lexicon::load()?,
            grammar: Grammar::new()?,
        })
    }

    /// What a message means to a channel of this language.
    pub(super) fn read(&self, text: &str, spec: &TextSpec, locale: Locale) -> Meaning {
        // Composed: an accent may be typed as a character of its own, which no pattern expects.
        let text: String = text
            .trim()
            .nfc()
            .filter(|c| !is_invisible(*c))
            .map(narrow)
            .collect();
        let codes = codes::codes(&text, spec, &self.lexicon);
        match distinct(&codes).as_slice() {
            [] => self.without_a_code(&text, spec, locale),
            [code] => self.with_a_code(&text, &codes, code, locale),
            _ => Meaning::SeveralCodes,
        }
    }

    fn with_a_code(&self, text: &str, codes: &[Written], code: &str, locale: Locale) -> Meaning {
        let parts = self.parts(text, codes, locale);
        let is_whole = codes.iter().all(|code| code.certainty == Certainty::Whole);
        let letters = parts.letters.as_str();
        if self.grammar.wants_a_person(letters) {
            return Meaning::Person;
        }
        if self.grammar.declines(letters) {
            return Meaning::No;
        }
        if is_whole && self.grammar.is_wish(letters) {
            return Meaning::RequestKind {
                code: code.to_owned(),
                clarity: parts.clarity(),
            };
        }
        if Grammar::has_a_number_before_its_code(letters) {
            return Meaning::NoCode;
        }
        if parts.may_be_about_something_else() {
            return Meaning::Unrelated(code.to_owned());
        }
        if is_whole && self.grammar.is_yes_with_a_code(letters) {
            return Meaning::YesTo(code.to_owned());
        }
        Meaning::Mention(code.to_owned())
    }

    fn without_a_code(&self, text: &str, spec: &TextSpec, locale: Locale) -> Meaning {
        let parts = self.parts(text, &[], locale);
        let letters = parts.letters.as_str();
        if self.grammar.wants_a_person(letters) {
            return Meaning::Person;
        }
        if self.grammar.declines(letters) {
            return Meaning::No;
        }
        // After "anular no es pagar", a "sí" with "cancelar" is one.
        let is_strong = letters.contains([Class::Yes.letter(), Class::YesAlone.letter()]);
        let is_clear = is_strong || parts.clarity() != Clarity::MayMeanPay;
        if self.grammar.is_yes(letters) && is_clear {
            return Meaning::Yes;
        }
        if self.grammar.is_thanks(letters) {
            return Meaning::Thanks;
        }
        if let Some(code) = self.code_with_another_bar(text, spec, locale) {
            return Meaning::OtherBar(code);
        }
        if letters.contains(Class::Number.letter()) {
            return Meaning::NoCode;
        }
        if Grammar::is_negated(letters) {
            Meaning::Negated
        } else {
            Meaning::Other
        }
    }

    /// The one code of a message that would be one with another bar, where all words around it are
    /// known.
    fn code_with_another_bar(&self, text: &str, spec: &TextSpec, locale: Locale) -> Option<String> {
        let text = codes::with_usual_bars(text, spec, &self.lexicon)?;
        let codes = codes::codes(&text, spec, &self.lexicon);
        let codes_found = distinct(&codes);
        let [code] = codes_found.as_slice() else {
            return None;
        };
        // Several bars are a date or a number of another kind more often than a code.
        let bars = code.chars().filter(|c| spec.bar.contains(*c)).count();
        let parts = self.parts(&text, &codes, locale);
        (bars == 1 && self.grammar.is_mention(&parts.letters)).then(|| code.clone())
    }

    /// The classes of everything in a message, and in which languages it is.
    fn parts(&self, text: &str, codes: &[Written], locale: Locale) -> Parts {
        let mut parts = Parts::new(locale);
        let mut from = 0;
        for code in codes {
            let before = text.get(from..code.range.start);
            self.read_words(before.unwrap_or_default(), &mut parts);
            parts.code();
            from = code.range.end;
        }
        self.read_words(text.get(from..).unwrap_or_default(), &mut parts);
        parts
    }

    fn read_words(&self, text: &str, parts: &mut Parts) {
        let tokens = tokens(text);
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += match token {
                Token::Sign(sign) => {
                    parts.sign(self.sign(*sign));
                    1
                }
                Token::Word(word) => {
                    if let Some(about) = self.lexicon.about(word) {
                        parts.about(about);
                    }
                    let found = self.phrase_at(&tokens, at);
                    let found = found.unwrap_or_else(|| unknown(word));
                    parts.phrase(found);
                    found.words
                }
            };
        }
    }

    /// The longest known phrase that begins here.
    fn phrase_at(&self, tokens: &[Token], at: usize) -> Option<Found> {
        let words: Vec<&Said> = tokens
            .get(at..)?
            .iter()
            .map_while(|token| match token {
                Token::Word(word) => Some(word),
                Token::Sign(_) => None,
            })
            .take(PHRASE_WORDS_MAX)
            .collect();
        self.lexicon.longest(&words).filter(|_| at <= WORDS_MAX)
    }

    fn sign(&self, sign: char) -> Class {
        match sign {
            '?' => Class::Question,
            '¿' => Class::QuestionBegins,
            '\n' | ',' | '.' | ';' | ':' | '!' | '¡' | '*' | '_' | '"' | '\'' | '“' | '”' | '('
            | ')' | '…' | '-' | '–' | '—' | '’' => Class::Pause,
            sign => self.lexicon.sign(sign),
        }
    }
}

/// The longest phrase of the lexicon has fewer words.
const PHRASE_WORDS_MAX: usize = 8;

fn unknown(word: &Said) -> Found {
    let class = if word.folded.chars().any(char::is_numeric) {
        Class::Number
    } else {
        Class::Unknown
    };
    Found {
        class,
        languages: Languages::default(),
        may_mean_pay: false,
        words: 1,
    }
}

/// The codes of a message, each once.
fn distinct(codes: &[Written]) -> Vec<String> {
    let mut distinct: Vec<String> = codes.iter().map(|code| code.code.clone()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}

/// What is not seen and changes nothing: marks of width and style. Marks of direction are not among
/// them.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{fe0e}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}'
    )
}

/// A full-width letter or digit as the usual one. A full-width bar stays: it is asked about.
fn narrow(c: char) -> char {
    let usual = u32::from(c)
        .checked_sub(0xfee0)
        .and_then(char::from_u32)
        .filter(char::is_ascii_alphanumeric);
    usual.unwrap_or(c)
}

enum Token {
    Word(Said),
    Sign(char),
}

/// Words and signs; blanks only part them, an end of a line is a sign.
fn tokens(text: &str) -> Vec<Token> {
    let is_of_a_word = |c: char| c.is_alphanumeric() || matches!(c, 'º' | 'ª' | '°' | '\'' | '’');
    let mut tokens = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices() {
        if is_of_a_word(c) {
            start = start.or(Some(at));
            continue;
        }
        if let Some(begun) = start.take() {
            push_word(&mut tokens, text.get(begun..at).unwrap_or_default());
        }
        if c == '\n' || !c.is_whitespace() {
            tokens.push(Token::Sign(c));
        }
    }
    if let Some(begun) = start {
        push_word(&mut tokens, text.get(begun..).unwrap_or_default());
    }
    tokens
}

/// A word without the quotes around it.
fn push_word(tokens: &mut Vec<Token>, text: &str) {
    let word = text.trim_matches(['\'', '’']);
    tokens.push(if word.is_empty() {
        Token::Sign('\'')
    } else {
        Token::Word(Said::of(word))
    });
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop")]
mod tests;
