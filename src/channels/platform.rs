//! A platform that is described as data: reads its requests by its preset, and answers in its form.
//!
//! It must never act on what is unclear: a code that was spoken is confirmed first, a text with a code but without a
//! clear wish is asked about, and what cannot be read is refused.

use std::collections::BTreeMap;

use axum::http::Method;
use sha2::{Digest, Sha256};

use super::body::wrong;
use super::call::{BROKEN, State, carried, secret, state};
use super::fields::first;
use super::input::Input;
use super::native::{action, bounded, mode};
use super::preset::{Escape, ProblemStatus, Spec};
use super::spoken::{keyed, spoken};
use super::template::{Context, Templates, well_formed};
use super::{Channel, Echo, Inbound, Misunderstood, Next, Rendered, Understood, Wish};
use crate::domain::{Ask, FirstName, Locale, Outcome, Turn};

/// A preset, ready to be used, with what its channel set.
pub struct Platform {
    pub(super) spec: Spec,
    pub(super) templates: Templates,
    /// What `*` stands for.
    pub(super) separator: String,
    /// The format of the answer when a request names none; empty means the preset's own.
    pub(super) format: String,
}

/// What a request has in place of a code.
enum Code {
    Given(String),
    ToConfirm(String),
    Unusable,
    None,
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

    fn acts_on(&self, method: &Method) -> bool {
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
        if let Some(text) = self.handshake(&input)? {
            return Ok(Understood {
                wish: Wish::Handshake(text),
                echo,
            });
        }
        if !self.acts_on(inbound.method) {
            let detail =
                "this method is only for the platform's check of the address, and this is none";
            return Err(wrong(405, "method", detail));
        }
        if self.is_ignored(&input)? {
            return Ok(Understood {
                wish: Wish::Ignore,
                echo,
            });
        }
        let wish = match self.code(&input, &state)? {
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

    fn code(&self, input: &Input<'_>, state: &State) -> Result<Code, Misunderstood> {
        let fields = &self.spec.fields;
        match state.step.as_str() {
            BROKEN => return Ok(Code::Unusable),
            "confirm" => return self.confirmed(input, state),
            _ => {}
        }
        if let Some(code) = first(&fields.code, input)? {
            return Ok(Code::Given(code));
        }
        if let Some(digits) = first(&fields.digits, input)? {
            let code = keyed(&digits, &self.separator);
            return Ok(if code.is_empty() {
                Code::Unusable
            } else {
                Code::Given(code)
            });
        }
        if let Some(said) = first(&fields.speech, input)? {
            let code = spoken(&said, &self.separator).filter(|_| self.is_sure(input));
            return Ok(code.map_or(Code::Unusable, Code::ToConfirm));
        }
        match (first(&fields.text, input)?, &self.spec.text) {
            (Some(text), Some(_)) => Ok(self.code_in(&text)),
            _ => Ok(Code::None),
        }
    }

    /// Only "1", keyed or said, confirms; the code is the one that was read back.
    fn confirmed(&self, input: &Input<'_>, state: &State) -> Result<Code, Misunderstood> {
        let keyed = first(&self.spec.fields.digits, input)?;
        let said = first(&self.spec.fields.speech, input)?.filter(|_| self.is_sure(input));
        let is_yes = |text: String| {
            let word = text.to_lowercase();
            let word = word.trim_matches(['.', ',', '!', ' ', '#']);
            // Only words that are no hesitation in another language: an English "um" is no Portuguese one.
            matches!(word, "1" | "sim" | "sí" | "yes")
        };
        Ok(
            match keyed.or(said).is_some_and(is_yes) && !state.code.is_empty() {
                true => Code::Given(state.code.clone()),
                false => Code::Unusable,
            },
        )
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

    fn code_in(&self, text: &str) -> Code {
        let Some(spec) = &self.spec.text else {
            return Code::None;
        };
        let mut codes: Vec<&str> = spec
            .code
            .0
            .find_iter(text)
            .map(|found| found.as_str().trim_end_matches(['.', ',']))
            .collect();
        codes.sort_unstable();
        codes.dedup();
        match codes.as_slice() {
            [] => Code::None,
            [code] if spec.wish.0.is_match(text) && !spec.doubt.0.is_match(text) => {
                Code::Given((*code).to_owned())
            }
            [code] => Code::ToConfirm((*code).to_owned()),
            _ => Code::Unusable,
        }
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
            action: action(first(&fields.action, input)?)?,
            mode: mode(first(&fields.dry_run, input)?)?,
            typed_code,
            key: bounded("the id of the request", self.key(inbound, input, state)?)?,
            conversation: bounded("the conversation", self.conversation(input)?)?,
            locale,
            first_name: first(&fields.name, input)?.and_then(|name| FirstName::of(&name)),
            reason: first(&fields.reason, input)?.map(|text| text.chars().take(500).collect()),
            duplicate_window_s: channel.duplicate_window_s,
        })
    }

    pub(super) fn conversation(&self, input: &Input<'_>) -> Result<Option<String>, Misunderstood> {
        match first(&self.spec.fields.conversation, input)? {
            Some(conversation) => Ok(Some(conversation)),
            None => Ok(first(&self.spec.fields.phone, input)?.map(|text| phone(&text))),
        }
    }

    fn key(
        &self,
        inbound: &Inbound<'_>,
        input: &Input<'_>,
        state: &State,
    ) -> Result<Option<String>, Misunderstood> {
        let duplicate = &self.spec.duplicate;
        if let Some(key) = first(&duplicate.first, input)? {
            let unquoted = key
                .strip_prefix('"')
                .and_then(|key| key.strip_suffix('"'))
                .unwrap_or(&key);
            return Ok(Some(unquoted.to_owned()));
        }
        if !duplicate.all.is_empty() {
            let mut parts = vec![
                state.failures.to_string(),
                state.step.clone(),
                state.code.clone(),
            ];
            for source in &duplicate.all {
                match source.text(input)? {
                    Some(part) => parts.push(part),
                    None => return Ok(None),
                }
            }
            return Ok(Some(hex(parts.join("\u{1f}").as_bytes())));
        }
        if !duplicate.body {
            return Ok(None);
        }
        let mut whole = format!(
            "{}\u{1f}{}\u{1f}{}\u{1f}",
            state.failures, state.step, state.code
        )
        .into_bytes();
        whole.extend_from_slice(inbound.body);
        Ok(Some(hex(&whole)))
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

    fn is_ignored(&self, input: &Input<'_>) -> Result<bool, Misunderstood> {
        for rule in &self.spec.ignore {
            let found = rule.source.text(input)?.unwrap_or_default();
            if rule.is.iter().any(|is| is.eq_ignore_ascii_case(&found)) {
                return Ok(true);
            }
        }
        Ok(false)
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

    pub(super) fn problem_status(&self, status: u16) -> u16 {
        match self.spec.answer.problem_status {
            ProblemStatus::Own => status,
            // A platform that may retry with credentials must see that it has none. A wrong method is seen before the
            // first customer is.
            ProblemStatus::Ok if matches!(status, 401 | 405) => status,
            ProblemStatus::Ok => 200,
        }
    }

    /// Writes an answer in one of its phases: `reply`, `ask` or `ignore`.
    pub(super) fn render(&self, phase: &str, echo: Option<&Echo>, context: &Context) -> Rendered {
        let format = echo
            .and_then(|echo| echo.format.as_ref())
            .and_then(|name| Some((name, self.spec.answer.format.get(name)?)));
        let (escape, content_type, phase) = match format {
            Some((name, format)) if phase != "ignore" => (
                format.escape,
                &format.content_type,
                format!("format-{name}"),
            ),
            _ => (
                self.spec.answer.escape,
                &self.spec.answer.content_type,
                phase.to_owned(),
            ),
        };
        let body = self
            .templates
            .render(escape, &phase, context)
            .unwrap_or_else(|error| {
                // Every template was rendered at start with everything there and with nothing; this is the last resort.
                tracing::error!("an answer could not be written: {error}");
                String::new()
            });
        Rendered {
            content_type: content_type.clone(),
            body,
        }
    }

    /// Renders every template with hostile texts and with none, and checks what comes out.
    pub(super) fn rehearse(&self) -> Result<(), String> {
        let hostile = "\"<&>'{{}}${}]]>\u{7}\n\u{1F600}ção".repeat(20);
        let echo: BTreeMap<String, String> = self
            .spec
            .echo
            .keys()
            .map(|name| (name.clone(), String::new()))
            .collect();
        let hostile_echo = self
            .spec
            .echo
            .keys()
            .map(|name| (name.clone(), hostile.clone()))
            .collect();
        let bare = Context {
            echo,
            ..Context::default()
        };
        let full = Context {
            reply: hostile.clone(),
            protocol: "1".repeat(20),
            code: hostile.clone(),
            call: hostile.clone(),
            next_url: format!("https://h/webhooks/x?a={hostile}"),
            step_code: hostile,
            echo: hostile_echo,
            ..Context::default()
        };
        for context in [bare, full] {
            for outcome in Outcome::ALL
                .map(Outcome::id)
                .into_iter()
                .chain(Turn::ALL.map(Turn::id))
                .chain(["unavailable"])
            {
                let context = Context {
                    outcome: outcome.to_owned(),
                    ..context.clone()
                };
                self.rehearse_one(&context)?;
            }
        }
        Ok(())
    }

    fn rehearse_one(&self, context: &Context) -> Result<(), String> {
        let answer = &self.spec.answer;
        let mut phases: Vec<(Escape, String)> = vec![
            (answer.escape, "reply".to_owned()),
            (answer.escape, "ask".to_owned()),
        ];
        phases.extend(
            answer
                .format
                .iter()
                .map(|(name, format)| (format.escape, format!("format-{name}"))),
        );
        if !answer.ignore.trim().is_empty() {
            phases.push((answer.escape, "ignore".to_owned()));
        }
        for (escape, phase) in phases {
            let rendered = self.templates.render(escape, &phase, context)?;
            well_formed(escape, &rendered).map_err(|why| format!("the template {phase} {why}"))?;
        }
        Ok(())
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

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
