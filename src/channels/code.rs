//! Which code a request means, and how sure that is.
//!
//! It must never guess: a code that was keyed or spoken is read back first, half a code is none, two codes in one
//! message are asked about, and a request that contradicts itself is refused.

use super::call_state::State;
use super::confirmation::{Key, answer, is_yes};
use super::fields::agreed;
use super::input::Input;
use super::instruction::not_filled_in;
use super::keypad_and_speech::{Vocabulary, keyed, spoken, wants_a_person};
use super::member::Member;
use super::message::{Clarity, Meaning, Reader};
use super::misunderstood::wrong;
use super::placeholder::{has_a_variable, is_unfilled_text};
use super::preset::{Spec, any};
use super::reading::{Given, Reading};
use super::{Echo, Misunderstood};
use crate::domain::{Locale, ReservationCode};

/// The longest code that is read back, and the most of its characters that take a word each: a sentence on the phone
/// spells no more, and what was not read out must not be confirmed.
const READ_BACK_CHARS_MAX: usize = 40;
const READ_BACK_WORDS_MAX: usize = 6;

/// What a request has in place of a code.
pub(super) enum Code {
    /// A code that may be acted on.
    Given(Given),
    /// A code that the customer must confirm first.
    ToConfirm(String),
    /// Something that is no code, or more than one.
    Unusable,
    /// A message in free text.
    Message {
        /// What it means.
        meaning: Meaning,
        /// The text.
        text: String,
    },
    /// Another code than the one that was read back: the one that was keyed in place of an answer, or one to be asked for.
    Corrected(Option<String>),
    /// Something that is no answer to whether a code is the right one.
    NoAnswer,
    /// No key and no word, where a caller was asked for them.
    Silence,
    /// Nothing.
    None,
}

impl Code {
    fn given(code: String) -> Self {
        Self::Given(Given::of(Some(&code)))
    }

    /// Whether there is no code in it that could be meant.
    fn is_no_code(&self) -> bool {
        match self {
            Self::None | Self::Silence | Self::NoAnswer | Self::Unusable => true,
            Self::Message { meaning, .. } => {
                matches!(meaning, Meaning::NoCode | Meaning::Negated | Meaning::Other)
            }
            Self::Given(_) | Self::ToConfirm(_) | Self::Corrected(_) => false,
        }
    }
}

/// Reads what stands in place of a code, as a preset says.
pub(super) struct CodeReader<'p> {
    pub(super) spec: &'p Spec,
    /// Where the platform has free text.
    pub(super) messages: Option<&'p Reader>,
    /// What callers say on the phone.
    pub(super) vocabulary: &'p Vocabulary,
    /// What the key `*` stands for.
    pub(super) separator: &'p str,
}

impl CodeReader<'_> {
    /// What stands in place of a code. Within a call, only what came with this turn counts: a code that the platform
    /// carries along was dealt with already.
    pub(super) fn code(
        &self,
        reading: &Reading<'_>,
        input: &Input<'_>,
        state: &State,
        echo: &Echo,
    ) -> Result<Code, Misunderstood> {
        match state.step.as_str() {
            "" => self.first_code(reading, input, echo),
            "code" => self.answered_code(reading, input, echo),
            "confirm" if self.has_keys_or_voice() => self.confirmed(input, state),
            // In a chat there are no keys: the customer writes the wish and the code.
            "confirm" => self.answered_code(reading, input, echo),
            _ => Ok(Code::Unusable),
        }
    }

    /// The first request of a call may bring a code that somebody else asked for.
    fn first_code(
        &self,
        reading: &Reading<'_>,
        input: &Input<'_>,
        echo: &Echo,
    ) -> Result<Code, Misunderstood> {
        let Some(given) = reading.code()? else {
            return self.answered_code(reading, input, echo);
        };
        let digits = reading.digits()?;
        let is_other =
            |digits: String| keyed(&digits, self.separator).as_ref() != Some(&given.code);
        if digits.is_some_and(is_other) {
            return Err(wrong(
                422,
                "contradiction",
                "the code and the keyed digits are different codes; send one of them",
            ));
        }
        Ok(Code::Given(given))
    }

    /// What was keyed, said or written in this turn.
    fn answered_code(
        &self,
        reading: &Reading<'_>,
        input: &Input<'_>,
        echo: &Echo,
    ) -> Result<Code, Misunderstood> {
        if self.is_silent(input)? {
            return Ok(Code::Silence);
        }
        if self.is_unclear(input)? {
            return Ok(Code::Unusable);
        }
        let fields = &self.spec.fields;
        let said = agreed(&fields.speech, input)?;
        if let Some(digits) = reading.digits()? {
            let heard = said.and_then(|said| self.heard(&said, input, echo));
            return Ok(match keyed(&digits, self.separator) {
                Some(code) if !self.is_cut_off(input)? && heard.is_none_or(|it| it == code) => {
                    self.keyed_code(code, echo)
                }
                _ => Code::Unusable,
            });
        }
        if let Some(said) = said {
            let code = self.heard(&said, input, echo);
            return Ok(code.map_or(Code::Unusable, read_back));
        }
        if let Some(text) = agreed(&fields.text, input)? {
            let is_unfilled = is_unfilled_text(&text);
            let code = self.written(text.clone(), echo.locale);
            let is_unfilled = is_unfilled || code.is_no_code() && has_a_variable(&text);
            if is_unfilled && let Some(source) = fields.text.first() {
                return Err(not_filled_in(Member::Code, &source.place()));
            }
            return Ok(code);
        }
        if self.has_keys_or_voice() {
            return Ok(Code::Silence);
        }
        if !fields.text.is_empty() {
            return Ok(Code::None);
        }
        Ok(reading.code()?.map_or(Code::None, Code::Given))
    }

    fn has_keys_or_voice(&self) -> bool {
        !self.spec.fields.digits.is_empty() || !self.spec.fields.speech.is_empty()
    }

    /// Keys are read back, unless the conversation is not ours to lead: without turns, or when the request wants the
    /// answer in a form that cannot carry a question. Then whoever asked for the keys reads them back.
    fn keyed_code(&self, code: String, echo: &Echo) -> Code {
        match &self.spec.turns {
            Some(turns) if turns.confirm_keyed && echo.format.is_none() => read_back(code),
            Some(_) | None => Code::given(code),
        }
    }

    /// Whether the keys were cut off before their end, so that they may be half a code.
    fn is_cut_off(&self, input: &Input<'_>) -> Result<bool, Misunderstood> {
        match &self.spec.turns {
            Some(turns) => any(&turns.cut_off, input),
            None => Ok(false),
        }
    }

    fn is_silent(&self, input: &Input<'_>) -> Result<bool, Misunderstood> {
        match &self.spec.turns {
            Some(turns) => any(&turns.silent, input),
            None => Ok(false),
        }
    }

    /// Whether something came that the platform itself did not understand: it is no silence, and no answer.
    fn is_unclear(&self, input: &Input<'_>) -> Result<bool, Misunderstood> {
        match &self.spec.turns {
            Some(turns) => any(&turns.unclear, input),
            None => Ok(false),
        }
    }

    /// A single digit is an answer to a question here, too, never a code.
    fn heard(&self, said: &str, input: &Input<'_>, echo: &Echo) -> Option<String> {
        spoken(said, self.separator, echo.locale, self.vocabulary)
            .filter(|code| code.chars().count() > 1)
            .filter(|_| self.is_sure(input))
    }

    /// Whether the caller surely asks for a person: a television that a recogniser half understood does not.
    pub(super) fn asks_for_a_person(&self, input: &Input<'_>) -> Result<bool, Misunderstood> {
        if self.is_silent(input)? || self.is_unclear(input)? {
            return Ok(false);
        }
        let said = agreed(&self.spec.fields.speech, input)?;
        Ok(said.is_some_and(|said| wants_a_person(&said, self.vocabulary) && self.is_sure(input)))
    }

    /// Only a keyed 1 confirms; the code is the one that was read back. What was said never does: a recogniser hears
    /// the television, too. Where both came, the words may not say anything else.
    fn confirmed(&self, input: &Input<'_>, state: &State) -> Result<Code, Misunderstood> {
        if state.code.is_empty() {
            return Ok(Code::Unusable);
        }
        if self.is_silent(input)? {
            return Ok(Code::Silence);
        }
        if self.is_unclear(input)? {
            return Ok(Code::NoAnswer);
        }
        let spoken = agreed(&self.spec.fields.speech, input)?;
        let Some(keys) = agreed(&self.spec.fields.digits, input)? else {
            return Ok(match spoken {
                Some(_) => Code::NoAnswer,
                None => Code::Silence,
            });
        };
        let said = spoken.filter(|_| self.is_sure(input));
        Ok(match answer(&keys, self.separator) {
            Key::One if said.as_deref().is_none_or(is_yes) => Code::given(state.code.clone()),
            Key::Two => Code::Corrected(None),
            Key::Code(code)
                if said.is_none() && !self.is_cut_off(input)? && can_be_read_back(&code) =>
            {
                Code::Corrected(Some(code))
            }
            Key::One | Key::Code(_) | Key::Other => Code::NoAnswer,
        })
    }

    fn is_sure(&self, input: &Input<'_>) -> bool {
        let least = self
            .spec
            .turns
            .as_ref()
            .map_or(1.0, |turns| turns.confidence_min);
        // A platform that does not say how sure it was is believed: the code is confirmed in any case.
        let stated = self
            .spec
            .fields
            .confidence
            .iter()
            .find_map(|source| source.number(input));
        stated.is_none_or(|sure| sure.is_some_and(|sure| sure >= least))
    }

    /// What is written. On a platform with keys or a voice a code in it is read back as one that was keyed.
    fn written(&self, text: String, locale: Locale) -> Code {
        let (Some(spec), Some(messages)) = (&self.spec.text, self.messages) else {
            return Code::None;
        };
        let meaning = messages.read(&text, spec, locale);
        if self.spec.turns.is_none() {
            return Code::Message { meaning, text };
        }
        match meaning {
            Meaning::Wish {
                code,
                clarity: Clarity::Clear,
            } => Code::given(code),
            Meaning::Wish { code, .. }
            | Meaning::Mention(code)
            | Meaning::Unrelated(code)
            | Meaning::OtherBar(code)
            | Meaning::YesTo(code) => Code::ToConfirm(code),
            Meaning::SeveralCodes | Meaning::NoCode => Code::Unusable,
            Meaning::Yes
            | Meaning::No
            | Meaning::Negated
            | Meaning::Thanks
            | Meaning::Person
            | Meaning::Other => Code::None,
        }
    }
}

/// A code that is read back, if it can be.
fn read_back(code: String) -> Code {
    match can_be_read_back(&code) {
        true => Code::ToConfirm(code),
        false => Code::Unusable,
    }
}

fn can_be_read_back(code: &str) -> bool {
    let words = code.chars().filter(|c| !c.is_ascii_alphanumeric()).count();
    code.chars().count() <= READ_BACK_CHARS_MAX
        && words <= READ_BACK_WORDS_MAX
        && ReservationCode::parse(code).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_spelled_out_is_not_confirmed() {
        let is_read_back = |code: &str| matches!(read_back(code.to_owned()), Code::ToConfirm(_));
        assert!(is_read_back("123|123"));
        assert!(is_read_back(&"1".repeat(40)));
        assert!(!is_read_back(&"1".repeat(41)));
        assert!(!is_read_back("1|2|3|4|5|6|7|8"));
        assert!(!is_read_back(".."));
    }
}
