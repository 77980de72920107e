//! Parses the requests of a platform by its preset.
//!
//! It must never act on a request that the preset ignores, or on one that it cannot read.

use std::collections::BTreeMap;

use axum::http::Method;

use super::attempts::Count;
use super::call_state::{carried, secret, state};
use super::code::{Code, CodeReader};
use super::dialogue::Message;
use super::fields::first;
use super::input::Input;
use super::keypad_and_speech::Vocabulary;
use super::member::Member;
use super::message::{Meaning, Reader};
use super::misunderstood::wrong;
use super::preset::{AGENT, Spec, any};
use super::reading::{Given, Reading};
use super::request_key::{Asking, text_id};
use super::template::Templates;
use super::turns;
use super::values::{REASON_CHARS_MAX, bounded};
use super::{Channel, Inbound, Misunderstood, Note, ReplyContext, RequestKind, Understood};
use crate::domain::{Action, Ask, FirstName, Locale, Mode, SameKey, Turn};

/// A compiled preset with the options of its channel.
pub struct Platform {
    pub(super) spec: Spec,
    /// Reads what customers write, where the platform has free text.
    pub(super) messages: Option<Reader>,
    /// What callers say.
    pub(super) vocabulary: Vocabulary,
    pub(super) templates: Templates,
    /// The character that the key `*` means.
    pub(super) separator: String,
    /// The format of the answer when a request names none; empty means the preset's own.
    pub(super) format: String,
}

impl Platform {
    /// The methods of its requests, and of its handshake.
    pub(super) fn methods(&self) -> Vec<&str> {
        let handshake = self.spec.handshake.as_ref();
        let methods = self.spec.request.methods.iter();
        let mut methods: Vec<&str> = methods
            .chain(handshake.and_then(|handshake| handshake.method.as_ref()))
            .map(String::as_str)
            .collect();
        methods.sort_unstable();
        methods.dedup();
        methods
    }

    fn codes(&self) -> CodeReader<'_> {
        CodeReader {
            spec: &self.spec,
            messages: self.messages.as_ref(),
            vocabulary: &self.vocabulary,
            separator: &self.separator,
        }
    }

    fn takes(&self, method: &Method) -> bool {
        let methods = &self.spec.request.methods;
        methods.iter().any(|accepted| accepted == method.as_str())
    }

    pub(super) fn parse(
        &self,
        channel: &Channel,
        inbound: &Inbound<'_>,
    ) -> Result<Understood, Misunderstood> {
        let input = Input::read(
            inbound.headers,
            inbound.target,
            inbound.body,
            self.spec.request.body_bytes_max,
        )?;
        if let Some(text) = self.handshake(&input)? {
            return Ok(Understood {
                kind: RequestKind::Handshake(text),
                echo: self.silent(channel.locale),
                notes: Vec::new(),
            });
        }
        if !self.takes(inbound.method) {
            let detail = "this method is only for the platform's check of the webhook address, and this request is not one";
            return Err(wrong(405, "method", detail));
        }
        // First of all: an ignored request must be ignored even if the rest of it is invalid.
        if any(&self.spec.ignore, &input)? {
            return Ok(Understood {
                kind: RequestKind::Ignore,
                echo: ReplyContext {
                    texts: self.echo_of_what_can_be_read(&input),
                    ..self.silent(channel.locale)
                },
                notes: Vec::new(),
            });
        }
        let reading = Reading::of(channel, &self.spec.fields, &input);
        // Before any question: an instruction that is not understood must not be lost in a
        // conversation.
        let (action, mode) = reading.instructed()?;
        reading.is_encoded()?;
        let mut notes = Vec::new();
        let conversation = reading.conversation(&mut notes)?;
        let locale = self.locale(channel, &reading, &mut notes);
        let carried = carried(action, mode);
        let call = conversation.clone().unwrap_or_default();
        let state = state(channel, &call, &carried, &input);
        let mut echo = ReplyContext {
            texts: self.echo(&input)?,
            count: state.count,
            carried,
            secret: secret(channel, &input),
            call,
            format: self.wanted_format(&input)?,
            locale,
        };
        // At any point of a call: asking for a person is not a failure to give a code.
        if self.codes().asks_for_a_person(&input)? {
            return Ok(Understood {
                kind: RequestKind::Turn(Turn::HandOver, String::new()),
                echo,
                notes,
            });
        }
        let asking = Asking {
            channel,
            inbound,
            input: &input,
            reading: &reading,
            state: &state,
        };
        let mut ask_for = |code: Given| {
            let ask = self.ask(&asking, locale, code, &mut notes)?;
            Ok(Ask {
                action,
                mode,
                conversation: conversation.clone(),
                ..ask
            })
        };
        let kind = match self.codes().code(&reading, &input, &state, &echo)? {
            Code::Given(given) => RequestKind::Ask(Box::new(ask_for(given)?)),
            Code::Message { meaning, text } => {
                let ask = ask_for(Given::of(meaning.code()))?;
                message(meaning, &text, ask)
            }
            // In a chat the next step depends on the last question.
            Code::Unusable if channel.takes_free_text() => {
                message(Meaning::NoCode, "", ask_for(Given::of(None))?)
            }
            Code::None if channel.takes_free_text() && turns::can_ask(&self.spec, &echo) => {
                message(Meaning::Other, "", ask_for(Given::of(None))?)
            }
            Code::ToConfirm(code) if turns::can_ask(&self.spec, &echo) => {
                RequestKind::Turn(Turn::ConfirmCode, code)
            }
            Code::Corrected(code) => turns::corrected(&self.spec, &mut echo, code),
            // Keep the code: only the key 2 or another code replaces it.
            Code::NoAnswer => turns::failed(&self.spec, &mut echo, Turn::ConfirmCode, state.code),
            Code::None | Code::Silence if state.step.is_empty() => {
                turns::nothing_yet(&self.spec, &reading, &echo)?
            }
            Code::Silence => turns::failed(&self.spec, &mut echo, Turn::NothingHeard, state.code),
            Code::ToConfirm(_) | Code::Unusable | Code::None => {
                turns::failed(&self.spec, &mut echo, Turn::AskCodeAgain, String::new())
            }
        };
        Ok(Understood { kind, echo, notes })
    }

    pub(super) fn locale(
        &self,
        channel: &Channel,
        reading: &Reading<'_>,
        notes: &mut Vec<Note>,
    ) -> Locale {
        reading
            .optional(Member::Locale, &self.spec.fields.locale, notes)
            .and_then(|tag| Locale::parse(&tag))
            .unwrap_or(channel.locale)
    }

    fn ask(
        &self,
        asking: &Asking<'_>,
        locale: Locale,
        given: Given,
        notes: &mut Vec<Note>,
    ) -> Result<Ask, Misunderstood> {
        let (fields, reading) = (&self.spec.fields, asking.reading);
        let name = reading.optional(Member::CustomerName, &fields.name, notes);
        let reason = reading.optional(Member::Reason, &fields.reason, notes);
        Ok(Ask {
            channel: asking.channel.name.clone(),
            action: Action::Cancel,
            mode: Mode::Real,
            typed_code: given.code,
            with_plus: given.with_plus,
            key: bounded(
                "the id of the request",
                asking.key(&self.spec.duplicate, notes)?,
            )?,
            conversation: None,
            locale,
            first_name: name.and_then(|name| FirstName::of(&name)),
            reason: reason.map(|text| text.chars().take(REASON_CHARS_MAX).collect()),
            duplicate_window_s: asking.channel.duplicate_window_s,
            replay_s: asking.channel.replay_s,
            same_key: SameKey::MayBeAnother,
        })
    }

    /// The reply context of a request that could not be read.
    pub(super) fn silent(&self, locale: Locale) -> ReplyContext {
        ReplyContext {
            texts: self.no_echo(),
            count: Count::default(),
            carried: Vec::new(),
            secret: None,
            call: String::new(),
            format: Some(self.format.clone()).filter(|format| !format.is_empty()),
            locale,
        }
    }

    /// Every text that a template may repeat, all empty.
    pub(super) fn no_echo(&self) -> BTreeMap<String, String> {
        self.spec
            .echoed()
            .map(|name| (name.to_owned(), String::new()))
            .collect()
    }

    fn handshake(&self, input: &Input<'_>) -> Result<Option<String>, Misunderstood> {
        let Some(handshake) = &self.spec.handshake else {
            return Ok(None);
        };
        match handshake.source.text(input)? {
            Some(text)
                if handshake.is.is_empty()
                    || handshake.is.iter().any(|is| is.eq_ignore_ascii_case(&text)) =>
            {
                handshake.respond.text(input)
            }
            _ => Ok(None),
        }
    }

    fn echo(&self, input: &Input<'_>) -> Result<BTreeMap<String, String>, Misunderstood> {
        let mut texts = self.echo_of_what_can_be_read(input);
        for (name, sources) in &self.spec.echo {
            texts.insert(name.clone(), first(sources, input)?.unwrap_or_default());
        }
        if let Some(agent) = first(&self.spec.fields.agent, input)? {
            texts.insert(AGENT.to_owned(), phone_number(&agent)?);
        }
        Ok(texts)
    }

    pub(super) fn echo_of_what_can_be_read(&self, input: &Input<'_>) -> BTreeMap<String, String> {
        let mut texts = self.no_echo();
        for (name, sources) in &self.spec.echo {
            let text = first(sources, input).ok().flatten();
            texts.insert(name.clone(), text.unwrap_or_default());
        }
        let agent = first(&self.spec.fields.agent, input).ok().flatten();
        if let Some(number) = agent.and_then(|agent| phone_number(&agent).ok()) {
            texts.insert(AGENT.to_owned(), number);
        }
        texts
    }

    pub(super) fn wanted_format(&self, input: &Input<'_>) -> Result<Option<String>, Misunderstood> {
        let wanted = first(&self.spec.fields.format, input)?.unwrap_or_else(|| self.format.clone());
        match wanted.as_str() {
            "" => Ok(None),
            known if self.spec.answer.format.contains_key(known) => Ok(Some(wanted)),
            _ => {
                let known: Vec<&str> = self.spec.answer.format.keys().map(String::as_str).collect();
                Err(wrong(
                    422,
                    "unknown_format",
                    format!("there is no such format; there are {}", known.join(", ")),
                ))
            }
        }
    }
}

/// A message in free text: a look-up of its code, or a step that depends on the conversation.
fn message(meaning: Meaning, text: &str, ask: Ask) -> RequestKind {
    if ask.action == Action::Lookup && meaning.code().is_some() {
        return RequestKind::Ask(Box::new(ask));
    }
    let id = ask.key.clone().unwrap_or_else(|| text_id(text));
    RequestKind::Message(Box::new(Message { meaning, id, ask }))
}

/// A phone number with its country code and without signs, which every platform can dial.
fn phone_number(text: &str) -> Result<String, Misunderstood> {
    let is_sign = |c: char| matches!(c, '+' | ' ' | '-' | '.' | '(' | ')');
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let number = digits.strip_prefix("00").unwrap_or(&digits);
    let fits = text.chars().all(|c| c.is_ascii_digit() || is_sign(c))
        && (8..=15).contains(&number.len())
        && !number.starts_with('0');
    if fits {
        Ok(number.to_owned())
    } else {
        Err(wrong(
            422,
            "no_phone_number",
            "`agent` in the address is no phone number with a country code; write ?agent=5548999990000",
        ))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;

    #[test]
    fn a_persons_number_is_read_as_people_and_platforms_write_it() {
        for text in [
            "5548999990000",
            "+5548999990000",
            " 5548999990000",
            "+55 (48) 99999-0000",
            "005548999990000",
            "55.48.99999.0000",
        ] {
            assert_eq!(phone_number(text).unwrap(), "5548999990000", "{text}");
        }
        for text in [
            "",
            "x",
            "{{agent}}",
            "48",
            "048999990000",
            "sip:a@b",
            "55489999900001234",
        ] {
            assert!(phone_number(text).is_err(), "{text}");
        }
    }
}
