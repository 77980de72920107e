//! Decides what the classes of all words of a message mean together. One letter represents one
//! phrase, sign or code.
//!
//! Every pattern is anchored at both ends: a letter that a pattern does not name, above all `x`,
//! makes it fail.

use regex::Regex;

use super::Clarity;
use super::class::{About, Class};
use super::lexicon::Found;
use crate::domain::Locale;

/// The letter of a code.
const CODE: char = 'C';

/// Greetings, please, a yes and words around a code: before a verb they change nothing. A greeting
/// that is a question needs a mark or a line's end behind it.
const LEAD: &str = "(?:[gpytkEe,]|o+,+|Q?G[,q]+)*";

/// The same before a code that comes first: "confirmo a reserva" is no wish to cancel it.
const BEFORE_A_CODE: &str = "(?:[gptEe,]|Q?G[,q]+)*o*";

/// "Quero", which needs its verb.
const WANT: &str = "(?:[wW][p,]*)?";

/// "Isso cancela" without a pause asks what it does.
const THIS_DOES: &str = "Yv";

/// Phrases that may follow a request.
const TAIL: &str = "[ptyoaEe,]*";

/// The patterns.
pub(super) struct Grammar {
    kind: Regex,
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
        let verb_first = format!("{LEAD}{WANT}[ivN][poa,]*C{TAIL}");
        let code_first = format!("{BEFORE_A_CODE}C[p,]*{WANT}i{TAIL}");
        // A strong yes, a weaker one without a thank-you, or the wish without its code. The
        // reservation may only be named behind a verb: "sim, quero a minha reserva" wants to keep
        // it.
        let strong = format!("[gptkEe,]*[yYW][ykYWEeap,]*(?:{WANT}[iv][poa,]*)?[ptEea,]*");
        let weak = format!("[gpe,]*[kE][kEea,]*(?:{WANT}[iv][poa,]*)?[pEea,]*");
        let verb = format!("[gpe,]*{WANT}(?:v|i[yYk]*)[poa,]*[ptEea,]*");
        let yes_first = format!("[gptkEe,]*[yY][ykYWEeap,]*(?:{WANT}[iv][poa,]*)?C[ptEea,]*");
        let yes_last = "C,*[yY]+[ptEea,]*";
        Ok(Self {
            kind: pattern(&format!("^(?:{verb_first}|{code_first})$"))?,
            yes: pattern(&format!("^(?:{strong}|{weak}|{verb})$"))?,
            yes_with_a_code: pattern(&format!("^(?:{yes_first}|{yes_last})$"))?,
            no: pattern("^[gptea,]*(?:n,*)*n(?:(?:[wW]p*)?(?:[iv][poa]*C?[oa]*)?)?[ptea,]*$")?,
            thanks: pattern("^[gGpkE,oaq]*[tef][gGptkEef,oa]*$")?,
            person_alone: pattern("^(?:[gGptykwWoaEe,q]*H[gGptykwWoaHEe,q]*|[gp,]*Hp*,[^n]*)$")?,
            mention: pattern(
                "^(?:[gGpytYkwWoaEeivNqQ,]*C[gGpytYkwWoaEeivNqQ,]*|[^#C]*[ivN][poa,]*C[^#C]*|[gp]*n,+[poyax]{0,3}C[pte,]*)$",
            )?,
        })
    }

    /// The whole message asks to cancel its code.
    pub(super) fn is_wish(&self, letters: &str) -> bool {
        self.kind.is_match(letters)
    }

    /// A plain yes, or the wish without its code, which is one after a question.
    pub(super) fn is_yes(&self, letters: &str) -> bool {
        self.yes.is_match(letters) && !letters.contains(THIS_DOES)
    }

    /// A plain yes that names the code.
    pub(super) fn is_yes_with_a_code(&self, letters: &str) -> bool {
        self.yes_with_a_code.is_match(letters) && !letters.contains(THIS_DOES)
    }

    /// A plain no.
    pub(super) fn declines(&self, letters: &str) -> bool {
        self.no.is_match(letters)
    }

    /// A thank-you, also as a sign, and nothing else.
    pub(super) fn is_thanks(&self, letters: &str) -> bool {
        self.thanks.is_match(letters)
    }

    /// Whether there is a no in it.
    pub(super) fn is_negated(letters: &str) -> bool {
        letters.contains(Class::No.letter())
    }

    /// Whether a number is right before the code, so that it may be a part of it.
    pub(super) fn has_a_number_before_its_code(letters: &str) -> bool {
        letters.contains("#C")
    }

    /// A request for a person, unless a no is right before it.
    pub(super) fn wants_a_person(&self, letters: &str) -> bool {
        let person = letters.find(Class::Person.letter());
        let is_meant = |at: usize| {
            let before = letters.get(..at).unwrap_or_default();
            !before
                .trim_end_matches(['w', 'W'])
                .ends_with(Class::No.letter())
        };
        person.is_some_and(is_meant) || self.person_alone.is_match(letters)
    }

    /// A code among known words, or right behind a verb.
    pub(super) fn is_mention(&self, letters: &str) -> bool {
        self.mention.is_match(letters)
    }
}

/// A message as the grammar reads it.
pub(super) struct Parts {
    /// A letter for each phrase, sign and code.
    pub(super) letters: String,
    locale: Locale,
    has_spanish: bool,
    may_mean_pay: bool,
    /// Whether a word is about a cancellation.
    is_about_cancelling: bool,
    /// Whether a word is about a confirmation, which may be of the reservation itself.
    is_about_confirming: bool,
}

impl Parts {
    /// Nothing yet, in a channel of this language.
    pub(super) fn new(locale: Locale) -> Self {
        Self {
            letters: String::new(),
            locale,
            has_spanish: locale == Locale::Es,
            may_mean_pay: false,
            is_about_cancelling: false,
            is_about_confirming: false,
        }
    }

    /// Notes what a word is about.
    pub(super) fn about(&mut self, about: About) {
        match about {
            About::Cancelling => self.is_about_cancelling = true,
            About::Confirming => self.is_about_confirming = true,
        }
    }

    /// Whether the customer may want something else than a cancellation: there is no word about
    /// one, and a word that is not known or one about a confirmation.
    pub(super) fn may_be_about_something_else(&self) -> bool {
        let has_unknown = self.letters.contains(Class::Unknown.letter());
        !self.is_about_cancelling && (has_unknown || self.is_about_confirming)
    }

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
        // The short words for yes mean something else in other languages: "si" is "if", "y" is
        // "and".
        let is_foreign = class == Class::YesAlone && !languages.has(self.locale);
        let class = if is_foreign { Class::Unknown } else { class };
        self.letters.push(class.letter());
        self.has_spanish |= languages.is_only(Locale::Es);
        self.may_mean_pay |= may_mean_pay;
    }

    /// Whether its wish can be understood in another way.
    pub(super) fn clarity(&self) -> Clarity {
        // Where no Portuguese is expected, a verb that both languages have is Spanish.
        let is_spanish = self.has_spanish || self.may_mean_pay && self.locale != Locale::PtBr;
        match (is_spanish, self.may_mean_pay) {
            (false, _) => Clarity::Clear,
            (true, false) => Clarity::AskedBack,
            (true, true) => Clarity::MayMeanPay,
        }
    }
}
