//! The native JSON channel: flat members in, flat members out, for every platform that can send a request.
//!
//! It must never guess: two different codes, an action that is not one, or a `dry_run` that cannot be read refuse the
//! request, because the default action deletes.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};
use serde::Serialize;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use super::body::{Members, members, wrong};
use super::hearing::Speaker;
use super::{Answered, Channel, Echo, Inbound, Misunderstood, Problem, Rendered, Understood, Wish};
use crate::domain::{Action, Ask, FirstName, Locale, Mode, SameKey};

/// The names that the reservation code may have, in the order in which they are looked for.
const ALIASES_OF_CODE: [&str; 5] = ["code", "codigo", "código", "reservation_code", "reserva"];

const ALIASES_OF_LOCALE: [&str; 3] = ["locale", "lang", "idioma"];

/// The most characters of a key, a conversation or a code; longer ones are refused, not cut.
pub const TEXT_CHARS_MAX: usize = 256;

/// The most characters of a reason that are kept.
const REASON_CHARS_MAX: usize = 500;

pub(super) fn parse(channel: &Channel, inbound: &Inbound<'_>) -> Result<Understood, Misunderstood> {
    let members = members(inbound.headers, inbound.body)?;
    let typed_code = members.text(&ALIASES_OF_CODE)?.ok_or_else(|| {
        let detail = "the body has no member `code`; send {\"code\":\"123|123\"} with the customer's reservation code";
        wrong(422, "code_missing", detail)
    })?;
    let given = |name: &str| bounded(name, members.text(&[name])?.filter(|text| !text.is_empty()));
    let phone = given("phone")?;
    let conversation = given("conversation_id")?;
    let locale = members
        .text(&ALIASES_OF_LOCALE)?
        .and_then(|tag| Locale::parse(&tag))
        .unwrap_or(channel.locale);
    let ask = Ask {
        channel: channel.name.clone(),
        action: action(members.text(&["action"])?)?,
        mode: mode(members.flag(&["dry_run"])?)?,
        typed_code,
        key: key(inbound.headers, &members)?,
        conversation: conversation.or(phone),
        locale,
        first_name: members
            .text(&["customer_name"])?
            .and_then(|name| FirstName::of(&name)),
        reason: members
            .text(&["reason"])?
            .map(|text| text.chars().take(REASON_CHARS_MAX).collect()),
        duplicate_window_s: channel.duplicate_window_s,
        replay_s: channel.replay_s,
        same_key: SameKey::IsTheSameRequest,
    };
    Ok(Understood {
        wish: Wish::Ask(Box::new(ask)),
        echo: echo(locale),
    })
}

/// The language of a request, as far as it can be read; of a stranger nothing is inflated.
pub(super) fn hear(channel: &Channel, inbound: &Inbound<'_>, speaker: Speaker) -> Echo {
    let is_compressed = inbound.headers.contains_key(header::CONTENT_ENCODING);
    if is_compressed && speaker == Speaker::Stranger {
        return echo(channel.locale);
    }
    let named =
        members(inbound.headers, inbound.body).and_then(|members| members.text(&ALIASES_OF_LOCALE));
    let locale = named.ok().flatten().and_then(|tag| Locale::parse(&tag));
    echo(locale.unwrap_or(channel.locale))
}

fn echo(locale: Locale) -> Echo {
    Echo {
        texts: BTreeMap::new(),
        failures: 0,
        carried: Vec::new(),
        secret: None,
        call: String::new(),
        format: None,
        locale,
    }
}

impl Members {
    /// The text under any of some names, letter case aside; `None` when there is none or it is `null`.
    fn text(&self, names: &[&str]) -> Result<Option<String>, Misunderstood> {
        if let Some((name, _)) = self.named(names).find(|(_, value)| value.is_boolean()) {
            let detail = format!("`{name}` is true or false; send a text, in quotes");
            return Err(wrong(422, "not_a_text", detail));
        }
        self.flag(names)
    }

    /// The same, for what may also be true or false.
    fn flag(&self, names: &[&str]) -> Result<Option<String>, Misunderstood> {
        let mut found: Option<String> = None;
        for (name, value) in self.named(names) {
            let Some(text) = as_text(name, value)? else {
                continue;
            };
            match &found {
                Some(other) if *other != text && !text.is_empty() && !other.is_empty() => {
                    let detail = format!(
                        "`{}` is given more than once with different values; send it once",
                        names[0]
                    );
                    return Err(wrong(422, "contradiction", detail));
                }
                Some(other) if !other.is_empty() => {}
                Some(_) | None => found = Some(text),
            }
        }
        Ok(found)
    }

    fn named<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a Value)> {
        names.iter().flat_map(|name| {
            // Composed (NFC): an accent may be typed as a character of its own.
            let fits = move |(found, _): &&(String, Value)| {
                found.trim().to_lowercase().nfc().eq(name.chars())
            };
            self.0
                .iter()
                .filter(fits)
                .map(move |(_, value)| (*name, value))
        })
    }
}

/// A text, or a number as a person would write it.
fn as_text(name: &str, value: &Value) -> Result<Option<String>, Misunderstood> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.trim().to_owned())),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(Some(number.to_string())),
        Value::Bool(flag) => Ok(Some(flag.to_string())),
        Value::Number(_) => {
            let detail = format!(
                "`{name}` is a number that cannot be read exactly; send it as a text, in quotes"
            );
            Err(wrong(422, "not_a_text", detail))
        }
        Value::Array(_) | Value::Object(_) => Err(wrong(
            422,
            "not_a_text",
            format!("`{name}` is a list or an object; send a text"),
        )),
    }
}

/// What is wanted; only a request that says nothing about it cancels.
pub(super) fn action(text: Option<String>) -> Result<Action, Misunderstood> {
    match text.map(|text| text.to_lowercase()).as_deref() {
        None | Some("cancel") => Ok(Action::Cancel),
        Some("lookup") => Ok(Action::Lookup),
        Some(_) => {
            let detail = "`action` is neither `cancel` nor `lookup`; write one of them, or leave `action` out to cancel";
            Err(wrong(422, "unknown_action", detail))
        }
    }
}

/// Whether it may delete; a flag that cannot be read refuses the request.
pub(super) fn mode(text: Option<String>) -> Result<Mode, Misunderstood> {
    match text.map(|text| text.to_lowercase()).as_deref() {
        None | Some("false" | "0") => Ok(Mode::Real),
        Some("true" | "1") => Ok(Mode::DryRun),
        Some(_) => Err(wrong(
            422,
            "not_a_flag",
            "`dry_run` is neither true nor false; write one of them, or leave it out",
        )),
    }
}

/// What is the same on every retry. A signed `webhook-id` comes first: an unsigned header must not outrank it.
fn key(headers: &HeaderMap, members: &Members) -> Result<Option<String>, Misunderstood> {
    for name in ["webhook-id", "idempotency-key"] {
        let mut values = headers.get_all(name).iter();
        let Some(value) = values.next() else { continue };
        if values.next().is_some() {
            return Err(wrong(
                400,
                "repeated_header",
                format!("the header `{name}` stands there more than once"),
            ));
        }
        let text = String::from_utf8_lossy(value.as_bytes()).trim().to_owned();
        let unquoted = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(&text);
        if !unquoted.is_empty() {
            return bounded(name, Some(unquoted.to_owned()));
        }
    }
    bounded(
        "message_id",
        members
            .text(&["message_id"])?
            .filter(|text| !text.is_empty()),
    )
}

/// A text that is not longer than what is kept.
pub(super) fn bounded(name: &str, text: Option<String>) -> Result<Option<String>, Misunderstood> {
    match text {
        Some(text) if text.chars().count() > TEXT_CHARS_MAX => Err(wrong(
            422,
            "too_long",
            format!("`{name}` is longer than {TEXT_CHARS_MAX} characters"),
        )),
        text => Ok(text),
    }
}

#[derive(Serialize)]
struct Body<'a> {
    outcome: &'a str,
    reply: &'a str,
    r#final: bool,
    handoff: bool,
    protocol: &'a str,
    code: String,
    locale: &'a str,
    replayed: bool,
    #[serde(flatten)]
    looked_up: Option<LookedUp<'a>>,
}

#[derive(Serialize)]
struct LookedUp<'a> {
    customer_first_name: &'a str,
    address: &'a str,
    reserved_at: &'a str,
}

pub(super) fn render(headers: &HeaderMap, locale: Locale, answered: &Answered<'_>) -> Rendered {
    if prefers_text(headers) {
        return text(answered.reply);
    }
    let answer = answered.answer;
    let looked_up = (answered.action == Action::Lookup).then(|| LookedUp {
        customer_first_name: answer
            .first_name
            .as_ref()
            .map(FirstName::as_str)
            .unwrap_or_default(),
        address: answer
            .found
            .as_ref()
            .map(|found| found.address.as_str())
            .unwrap_or_default(),
        reserved_at: answer
            .found
            .as_ref()
            .map(|found| found.reserved_at.as_str())
            .unwrap_or_default(),
    });
    json(
        "application/json",
        &Body {
            outcome: answer.outcome.id(),
            reply: answered.reply,
            r#final: answer.outcome.is_final(),
            handoff: answer.outcome.hands_off(),
            protocol: answer
                .protocol
                .as_ref()
                .map(|protocol| protocol.as_str())
                .unwrap_or_default(),
            code: answered
                .code
                .trim()
                .chars()
                .take(crate::domain::CODE_CHARS_MAX)
                .collect(),
            locale: locale.id(),
            replayed: answer.replayed,
            looked_up,
        },
    )
}

#[derive(Serialize)]
struct ProblemBody<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    reply: &'a str,
}

pub(super) fn render_problem(headers: &HeaderMap, problem: &Problem<'_>) -> Rendered {
    if prefers_text(headers) {
        return text(problem.reply);
    }
    json(
        "application/problem+json",
        &ProblemBody {
            r#type: format!("urn:ozmap-cancel:problem:{}", problem.id),
            title: problem.title,
            status: problem.status,
            detail: problem.detail,
            reply: problem.reply,
        },
    )
}

fn json(content_type: &str, body: &impl Serialize) -> Rendered {
    // Only texts and flags are written, which cannot fail; an empty object would still be JSON.
    let body = serde_json::to_string(body).unwrap_or_else(|_| "{}".to_owned());
    Rendered {
        content_type: content_type.to_owned(),
        body,
    }
}

/// A sentence where there is nothing else to tell.
pub(super) fn plain(headers: &HeaderMap, reply: &str) -> Rendered {
    if prefers_text(headers) {
        return text(reply);
    }
    json("application/json", &serde_json::json!({ "reply": reply }))
}

fn text(reply: &str) -> Rendered {
    Rendered {
        content_type: "text/plain; charset=utf-8".to_owned(),
        body: reply.to_owned(),
    }
}

/// Whether the caller would rather have text than JSON. HTTP libraries that take both mean JSON.
fn prefers_text(headers: &HeaderMap) -> bool {
    let accept: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let weight = |wanted: &[&str]| {
        accept
            .iter()
            .filter_map(|range| weight_of(range, wanted))
            .fold(0.0, f32::max)
    };
    weight(&["text/plain"]) > weight(&["application/json", "application/*", "*/*"])
}

fn weight_of(range: &str, wanted: &[&str]) -> Option<f32> {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next()?.to_ascii_lowercase();
    if !wanted.contains(&media.as_str()) {
        return None;
    }
    let quality = parts
        .find_map(|part| part.strip_prefix("q="))
        .and_then(|text| text.parse().ok());
    Some(quality.unwrap_or(1.0))
}
