//! A platform that is described as data: reads its requests by its preset.
//!
//! It must never act on a request that the preset says to ignore, nor on one that cannot be read.

use std::collections::BTreeMap;

use axum::http::Method;

use super::body::wrong;
use super::call::{State, carried, secret, state};
use super::code::Code;
use super::fields::{agreed, first};
use super::input::Input;
use super::native::{action, bounded, mode};
use super::preset::{Spec, any};
use super::template::Templates;
use super::{Channel, Echo, Inbound, Misunderstood, Next, Understood, Wish};
use crate::domain::{Ask, FirstName, Locale, Outcome, SameKey, Turn};

/// A preset, ready to be used, with what its channel set.
pub struct Platform {
    pub(super) spec: Spec,
    pub(super) templates: Templates,
    /// What `*` stands for.
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
                wish: Wish::Handshake(text),
                echo: self.silent(channel.locale),
            });
        }
        if !self.takes(inbound.method) {
            let detail =
                "this method is only for the platform's check of the address, and this is none";
            return Err(wrong(405, "method", detail));
        }
        // Before anything else is read: what is ignored must stay so, however odd the rest of it is.
        if any(&self.spec.ignore, &input)? {
            return Ok(Understood {
                wish: Wish::Ignore,
                echo: Echo {
                    texts: self.echo(&input).unwrap_or_else(|_| self.no_echo()),
                    ..self.silent(channel.locale)
                },
            });
        }
        let locale = first(&self.spec.fields.locale, &input)?
            .and_then(|tag| Locale::parse(&tag))
            .unwrap_or(channel.locale);
        // A conversation that cannot be read is refused where it is used.
        let call = self.conversation(&input).ok().flatten().unwrap_or_default();
        let state = state(channel, &call, &input);
        let mut echo = Echo {
            texts: self.echo(&input)?,
            failures: state.failures,
            carried: carried(&input),
            secret: secret(channel, &input),
            call,
            format: self.wanted_format(&input)?,
            locale,
        };
        let wish = match self.code(&input, &state, &echo)? {
            Code::Given(code) => Wish::Ask(Box::new(
                self.ask(channel, inbound, &input, &state, locale, code)?,
            )),
            Code::ToConfirm(code) => Wish::Turn(Turn::ConfirmCode, code),
            Code::Unusable => self.failed(&mut echo),
            Code::None if state.step.is_empty() => self.nothing_yet()?,
            Code::None => self.failed(&mut echo),
        };
        Ok(Understood { wish, echo })
    }

    /// The first request of a call has no code; for other platforms that is a mistake of the integrator.
    fn nothing_yet(&self) -> Result<Wish, Misunderstood> {
        if self.spec.turns.is_some() || !self.spec.fields.text.is_empty() {
            return Ok(Wish::Turn(Turn::AskCode, String::new()));
        }
        Err(wrong(
            422,
            "code_missing",
            "the request has no reservation code where this preset looks for it; `channels show` lists the places",
        ))
    }

    fn failed(&self, echo: &mut Echo) -> Wish {
        let Some(turns) = &self.spec.turns else {
            return Wish::Turn(Turn::AskCodeAgain, String::new());
        };
        echo.failures = echo.failures.saturating_add(1);
        let turn = if echo.failures >= turns.failures_max {
            Turn::HandOver
        } else {
            Turn::AskCodeAgain
        };
        Wish::Turn(turn, String::new())
    }

    fn ask(
        &self,
        channel: &Channel,
        inbound: &Inbound<'_>,
        input: &Input<'_>,
        state: &State,
        locale: Locale,
        typed_code: String,
    ) -> Result<Ask, Misunderstood> {
        let fields = &self.spec.fields;
        Ok(Ask {
            channel: channel.name.clone(),
            action: action(agreed(&fields.action, input)?)?,
            mode: mode(agreed(&fields.dry_run, input)?)?,
            typed_code,
            key: bounded("the id of the request", self.key(inbound, input, state)?)?,
            conversation: bounded("the conversation", self.conversation(input)?)?,
            locale,
            first_name: first(&fields.name, input)?.and_then(|name| FirstName::of(&name)),
            reason: first(&fields.reason, input)?.map(|text| text.chars().take(500).collect()),
            duplicate_window_s: channel.duplicate_window_s,
            replay_s: channel.replay_s,
            same_key: SameKey::MayBeAnother,
        })
    }

    pub(super) fn conversation(&self, input: &Input<'_>) -> Result<Option<String>, Misunderstood> {
        match first(&self.spec.fields.conversation, input)? {
            Some(conversation) => Ok(Some(conversation)),
            None => Ok(first(&self.spec.fields.phone, input)?.map(|text| phone(&text))),
        }
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
        self.spec
            .echo
            .iter()
            .map(|(name, sources)| Ok((name.clone(), first(sources, input)?.unwrap_or_default())))
            .collect()
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

    /// What comes after an outcome on the phone: a code that leads nowhere may be tried once more, then a person helps.
    pub(super) fn next(&self, echo: &Echo, outcome: Outcome) -> Next {
        let Some(turns) = &self.spec.turns else {
            return Next::End;
        };
        match outcome {
            Outcome::InvalidCode | Outcome::NotFound
                if echo.failures.saturating_add(1) >= turns.failures_max =>
            {
                Next::HandOver
            }
            Outcome::InvalidCode | Outcome::NotFound => Next::AskAgain,
            Outcome::Cancelled
            | Outcome::AlreadyCancelled
            | Outcome::Installed
            | Outcome::Review
            | Outcome::TooManyAttempts
            | Outcome::WouldCancel
            | Outcome::Found
            | Outcome::Expired
            | Outcome::Unknown
            | Outcome::Pending => Next::End,
        }
    }
}

/// `5548999990000@s.whatsapp.net` and ` 5548999990000` (a `+` that a form turned into a blank) are one phone.
fn phone(text: &str) -> String {
    let number = text.split('@').next().unwrap_or_default();
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        text.to_owned()
    } else {
        digits
    }
}
