//! What the classes of all words of a message mean together. One letter stands for one phrase, sign or code.
//!
//! Every pattern is anchored at both ends: a letter that a pattern does not name, above all `x`, makes it fail.

use regex::Regex;

use super::Clarity;
use super::lexicon::{Class, Found};
use crate::domain::Locale;

/// The letter of a code.
const CODE: char = 'C';

/// Greetings, please, a yes and what stands around a code: before a verb they change nothing. A greeting that is a question
/// needs a mark or a line's end behind it.
const LEAD: &str = "(?:[gpytkoaEe,]|Q?G[,q]+)*";

/// "Quero", which needs its verb.
const WANT: &str = "(?:[wW][p,]*)?";

/// "Isso cancela" without a pause asks what it does.
const THIS_DOES: &str = "Yv";

/// What may follow a wish.
const TAIL: &str = "[ptykoaEe,]*";

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
        let verb_first = format!("{LEAD}{WANT}[ivN][poa,]*C{TAIL}");
        let code_first = format!("{LEAD}C[p,]*{WANT}i{TAIL}");
        // A strong yes, a weaker one without a thank-you, or the wish without its code. The reservation may only be named
        // behind a verb: "sim, quero a minha reserva" wants to keep it.
        let strong = format!("[gptkEea,]*[yYW][ykYWEeap,]*(?:{WANT}[iv][poa,]*)?[ptEea,]*");
        let weak = format!("[gpea,]*[kE][kEea,]*(?:{WANT}[iv][poa,]*)?[pEea,]*");
        let verb = format!("[gpea,]*{WANT}(?:v|i[yYk]*)[poa,]*[ptEea,]*");
        let yes_first = format!("[gptkEea,]*[yY][ykYWEeap,]*(?:{WANT}[iv][poa,]*)?C[ptEea,]*");
        let yes_last = "C,*[yY]+[ptEea,]*";
        Ok(Self {
            wish: pattern(&format!("^(?:{verb_first}|{code_first})$"))?,
            yes: pattern(&format!("^(?:{strong}|{weak}|{verb})$"))?,
            yes_with_a_code: pattern(&format!("^(?:{yes_first}|{yes_last})$"))?,
            no: pattern("^[gptea,]*(?:n,*)*n(?:(?:[wW]p*)?(?:[iv][poa]*C?[oa]*)?)?[ptea,]*$")?,
            thanks: pattern("^[gGpkE,oaq]*[te][gGptkEe,oa]*$")?,
            person_alone: pattern("^(?:[gGptykwWoaEe,q]*H[gGptykwWoaHEe,q]*|[gp,]*Hp*,[^n]*)$")?,
            mention: pattern(
                "^(?:[gGpytYkwWoaEeivNqQ,]*C[gGpytYkwWoaEeivNqQ,]*|[^#C]*[ivN][poa,]*C[^#C]*)$",
            )?,
        })
    }

    /// The whole message asks to cancel its code.
    pub(super) fn is_wish(&self, letters: &str) -> bool {
        self.wish.is_match(letters)
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

    /// A wish for a person, unless a no stands right before it.
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
}

impl Parts {
    /// Nothing yet, in a channel of this language.
    pub(super) fn new(locale: Locale) -> Self {
        Self {
            letters: String::new(),
            locale,
            has_spanish: locale == Locale::Es,
            may_mean_pay: false,
        }
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
        // The short words for yes mean something else in other languages: "si" is "if", "y" is "and".
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
