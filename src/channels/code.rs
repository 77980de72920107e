//! Finds the reservation code of a request, and decides whether the customer must confirm it first.
//!
//! It must never guess: a keyed or spoken code is read back, an incomplete one is rejected, two
//! codes in one message lead to a question, and a contradictory request is refused.

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
use super::{Misunderstood, ReplyContext};
use crate::domain::{Locale, ReservationCode};

/// The longest code that is read back, and the most characters in it that take a word each. The
/// voice sentence spells no more, and a code that was not read out in full must not be confirmed.
const READ_BACK_CHARS_MAX: usize = 40;
const READ_BACK_WORDS_MAX: usize = 6;

/// What a request has where a code is expected.
pub(super) enum Code {
    /// A code that may be acted on.
    Given(Given),
    /// A code that the customer must confirm first.
    ToConfirm(String),
    /// Not a code, or more than one.
    Unusable,
    /// A message in free text.
    Message {
        /// The meaning.
        meaning: Meaning,
        /// The text.
        text: String,
    },
    /// The caller rejected the code that was read back: with another code, or with one still to be
    /// asked for.
    Corrected(Option<String>),
    /// Not an answer to whether the code is right.
    NoAnswer,
    /// Neither keys nor speech, although the caller was asked.
    Silence,
    /// Nothing.
    None,
}

impl Code {
    fn given(code: String) -> Self {
        Self::Given(Given::of(Some(&code)))
    }

    /// Whether it contains no possible code.
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

/// Finds the code of a request where the preset says.
pub(super) struct CodeReader<'p> {
    pub(super) spec: &'p Spec,
    /// Where the platform has free text.
    pub(super) messages: Option<&'p Reader>,
    /// What callers say on the phone.
    pub(super) vocabulary: &'p Vocabulary,
    /// The character that the key `*` means.
    pub(super) separator: &'p str,
}

impl CodeReader<'_> {
    /// Finds the code. Within a call only the input of this turn counts: a code that the platform
    /// carries along was handled in an earlier turn.
    pub(super) fn code(
        &self,
        reading: &Reading<'_>,
        input: &Input<'_>,
        state: &State,
        echo: &ReplyContext,
    ) -> Result<Code, Misunderstood> {
        match state.step.as_str() {
            "" => self.first_code(reading, input, echo),
            "code" => self.answered_code(reading, input, echo),
            "confirm" if self.has_keys_or_voice() => self.confirmed(input, state),
            // A chat has no keys: the customer writes the whole request.
            "confirm" => self.answered_code(reading, input, echo),
            _ => Ok(Code::Unusable),
        }
    }

    /// The first request of a call may bring a code that the platform asked for.
    fn first_code(
        &self,
        reading: &Reading<'_>,
        input: &Input<'_>,
        echo: &ReplyContext,
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

    /// The code that was keyed, said or written in this turn.
    fn answered_code(
        &self,
        reading: &Reading<'_>,
        input: &Input<'_>,
        echo: &ReplyContext,
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

    /// Keyed codes are read back, unless the platform leads the conversation: without turns, or
    /// when the request wants an answer format that cannot carry a question. Then the platform
    /// reads them back.
    fn keyed_code(&self, code: String, echo: &ReplyContext) -> Code {
        match &self.spec.turns {
            Some(turns) if turns.confirm_keyed && echo.format.is_none() => read_back(code),
            Some(_) | None => Code::given(code),
        }
    }

    /// Whether the keys were cut off, so that the code may be incomplete.
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

    /// Whether the platform itself did not understand the input: that is neither silence nor an
    /// answer.
    fn is_unclear(&self, input: &Input<'_>) -> Result<bool, Misunderstood> {
        match &self.spec.turns {
            Some(turns) => any(&turns.unclear, input),
            None => Ok(false),
        }
    }

    /// The spoken code. A single digit is an answer to a question, never a code.
    fn heard(&self, said: &str, input: &Input<'_>, echo: &ReplyContext) -> Option<String> {
        spoken(said, self.separator, echo.locale, self.vocabulary)
            .filter(|code| code.chars().count() > 1)
            .filter(|_| self.is_sure(input))
    }

    /// Whether the caller clearly asks for a person. Speech with a low confidence may be a
    /// television.
    pub(super) fn asks_for_a_person(&self, input: &Input<'_>) -> Result<bool, Misunderstood> {
        if self.is_silent(input)? || self.is_unclear(input)? {
            return Ok(false);
        }
        let said = agreed(&self.spec.fields.speech, input)?;
        Ok(said.is_some_and(|said| wants_a_person(&said, self.vocabulary) && self.is_sure(input)))
    }

    /// Reads the answer to whether the code is right. Only a keyed 1 confirms it. Speech never
    /// does, because it may be a television; speech beside a keyed 1 must not contradict it.
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
        // Without a confidence the speech counts: the code is read back in any case.
        let stated = self
            .spec
            .fields
            .confidence
            .iter()
            .find_map(|source| source.number(input));
        stated.is_none_or(|sure| sure.is_some_and(|sure| sure >= least))
    }

    /// Reads free text. On a platform with keys or speech, a code in it is read back like a keyed
    /// one.
    fn written(&self, text: String, locale: Locale) -> Code {
        let (Some(spec), Some(messages)) = (&self.spec.text, self.messages) else {
            return Code::None;
        };
        let meaning = messages.read(&text, spec, locale);
        if self.spec.turns.is_none() {
            return Code::Message { meaning, text };
        }
        match meaning {
            Meaning::RequestKind {
                code,
                clarity: Clarity::Clear,
            } => Code::given(code),
            Meaning::RequestKind { code, .. }
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

/// A code to read back, if it is short enough.
fn read_back(code: String) -> Code {
    if can_be_read_back(&code) {
        Code::ToConfirm(code)
    } else {
        Code::Unusable
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
