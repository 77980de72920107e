//! What the classes of all words of a message mean together. One letter stands for one phrase, sign or code.
//!
//! Every pattern is anchored at both ends: a letter that a pattern does not name, above all `x`, makes it fail.

use regex::Regex;

use super::Clarity;
use super::lexicon::{Class, Found, Languages};
use crate::domain::Locale;

/// The letter of a code.
const CODE: char = 'C';

/// Greetings, please, a yes and what stands around a code: before a verb they change nothing. A greeting that is a question
/// needs a mark or a line's end behind it.
const LEAD: &str = "(?:[gpytkoEe,]|G[,q]+)*";

/// What may follow a wish.
const TAIL: &str = "[ptykoEe,]*";

/// The patterns.
pub(super) struct Grammar {
    wish: Regex,
    yes: Regex,
    yes_with_a_code: Regex,
    no: Regex,
    thanks: Regex,
    person_alone: Regex,
    mention: Regex,
}

impl Grammar {
    pub(super) fn new() -> Result<Self, String> {
        let pattern = |text: &str| Regex::new(text).map_err(|error| error.to_string());
        let verb_first = format!("{LEAD}(?:w[p,]*)?[ivN][po,]*C{TAIL}");
        let code_first = format!("{LEAD}C[p,]*(?:w[p,]*)?i{TAIL}");
        // A strong yes, a weaker one without a thank-you, or the wish without its code.
        let strong = "[gptkEe,]*[yY][ykYEe,]*(?:w[p,]*)?(?:[iv][p,]*)?[optEe,]*";
        let weak = "[gpe,]*[kE][kEe,]*(?:(?:w[p,]*)?[iv])?[opEe,]*";
        let verb = "[gpe,]*(?:w[p,]*)?[iv][p,]*[opEe,yYk]*";
        let want = "[gpe,]*w[pEe,]*[yY]*[ptEe,]*";
        Ok(Self {
            wish: pattern(&format!("^(?:{verb_first}|{code_first})$"))?,
            yes: pattern(&format!("^(?:{strong}|{weak}|{verb}|{want})$"))?,
            yes_with_a_code: pattern(
                "^(?:[gptkEe,]*[yY][ykYEe,]*o*C[optEe,]*|o*C[,]*[yY]+[ptEe,]*)$",
            )?,
            no: pattern("^[gptkEe,]*n[nEe,]*(?:(?:w[p,]*)?(?:[iv][p,]*[o,]*C?o*)?)?[ptEe,]*$")?,
            thanks: pattern("^[gGpkEe,oq]*t[gGptkEe,o]*$")?,
            person_alone: pattern("^[gGptykwoEe,q]*H[gGptykwoHEe,q]*$")?,
            mention: pattern("^[gGpytYkwoEeivNq,]*C[gGpytYkwoEeivNq,]*$")?,
        })
    }

    /// The whole message asks to cancel its code.
    pub(super) fn is_wish(&self, letters: &str) -> bool {
        self.wish.is_match(letters)
    }

    /// A plain yes, or the wish without its code, which is one after a question.
    pub(super) fn is_yes(&self, letters: &str) -> bool {
        self.yes.is_match(letters)
    }

    /// A plain yes that names the code.
    pub(super) fn is_yes_with_a_code(&self, letters: &str) -> bool {
        self.yes_with_a_code.is_match(letters)
    }

    /// A plain no.
    pub(super) fn declines(&self, letters: &str) -> bool {
        self.no.is_match(letters)
    }

    /// A thank-you and nothing else.
    pub(super) fn is_thanks(&self, letters: &str) -> bool {
        self.thanks.is_match(letters)
    }

    /// A wish for a person; where a no stands before it, it may be none.
    pub(super) fn wants_a_person(&self, letters: &str) -> bool {
        let person = letters.find(Class::Person.letter());
        let is_meant = |at: usize| {
            let before = letters.get(..at).unwrap_or_default();
            !before.contains(Class::No.letter())
        };
        person.is_some_and(is_meant) || self.person_alone.is_match(letters)
    }

    /// A code among known words, without a no.
    pub(super) fn is_mention(&self, letters: &str) -> bool {
        self.mention.is_match(letters)
    }
}

/// A message as the grammar reads it.
#[derive(Default)]
pub(super) struct Parts {
    /// A letter for each phrase, sign and code.
    pub(super) letters: String,
    has_spanish: bool,
    may_mean_pay: bool,
}

impl Parts {
    pub(super) fn code(&mut self) {
        self.letters.push(CODE);
    }

    pub(super) fn sign(&mut self, class: Class) {
        self.letters.push(class.letter());
    }

    pub(super) fn phrase(&mut self, found: Found) {
        let Found {
            class,
            languages,
            may_mean_pay,
            words: _,
        } = found;
        self.letters.push(class.letter());
        self.has_spanish |= Languages::is_only(languages, Locale::Es);
        self.may_mean_pay |= may_mean_pay;
    }

    /// Whether its wish can be understood in another way.
    pub(super) fn clarity(&self, locale: Locale) -> Clarity {
        let is_spanish = self.has_spanish || locale == Locale::Es;
        match (is_spanish, self.may_mean_pay) {
            (false, _) => Clarity::Clear,
            (true, false) => Clarity::AskedBack,
            (true, true) => Clarity::MayMeanPay,
        }
    }
}
