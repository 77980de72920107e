//! The native JSON channel: flat members in, flat members out, for every platform that can send a
//! request.
//!
//! `reading` finds the members, as for every channel; this file only says where they are and writes
//! the answer.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};
use serde::Serialize;

use super::attempts::Count;
use super::body::json_object;
use super::fields::Container;
use super::input::Input;
use super::member::Member;
use super::misunderstood::wrong;
use super::places::FieldsSpec;
use super::reading::Reading;
use super::values::REASON_CHARS_MAX;
use super::{
    Answered, CallerTrust, Channel, Inbound, Misunderstood, Note, Problem, Rendered, ReplyContext,
    RequestKind, Understood,
};
use crate::domain::{Action, Ask, FirstName, Locale, SameKey};

/// Where the members are: all at the top of the body.
fn fields() -> FieldsSpec {
    FieldsSpec {
        members: vec![Container::Body],
        ..FieldsSpec::default()
    }
}

pub(super) fn parse(channel: &Channel, inbound: &Inbound<'_>) -> Result<Understood, Misunderstood> {
    let input = Input {
        body: json_object(inbound.headers, inbound.body)?,
        ..Input::head(inbound.headers, inbound.target)
    };
    let fields = fields();
    let reading = Reading::of(channel, &fields, &input);
    let (action, mode) = reading.instructed()?;
    let mut notes = Vec::new();
    let Some(given) = reading.code()? else {
        return Err(reading.empty_code().unwrap_or_else(code_missing));
    };
    let key = reading.key_first_in("webhook-id", &mut notes)?;
    let conversation = reading.conversation(&mut notes)?;
    let locale = language(&reading, channel, &mut notes);
    let name = reading.optional(Member::CustomerName, &[], &mut notes);
    let reason = reading.optional(Member::Reason, &[], &mut notes);
    let ask = Ask {
        channel: channel.name.clone(),
        action,
        mode,
        typed_code: given.code,
        with_plus: given.with_plus,
        key,
        conversation,
        locale,
        first_name: name.and_then(|name| FirstName::of(&name)),
        reason: reason.map(|text| text.chars().take(REASON_CHARS_MAX).collect()),
        duplicate_window_s: channel.duplicate_window_s,
        replay_s: channel.replay_s,
        same_key: SameKey::IsTheSameRequest,
    };
    Ok(Understood {
        kind: RequestKind::Ask(Box::new(ask)),
        echo: echo(locale),
        notes,
    })
}

fn code_missing() -> Misunderstood {
    let detail = "the body has no member `code`; send {\"code\":\"123|123\"} with the customer's reservation code";
    wrong(422, "code_missing", detail)
}

fn language(reading: &Reading<'_>, channel: &Channel, notes: &mut Vec<Note>) -> Locale {
    reading
        .optional(Member::Locale, &[], notes)
        .and_then(|tag| Locale::parse(&tag))
        .unwrap_or(channel.locale)
}

/// The language of a request, as far as it is readable. A body of an unauthenticated caller is not
/// decompressed.
pub(super) fn reply_context(
    channel: &Channel,
    inbound: &Inbound<'_>,
    speaker: CallerTrust,
) -> ReplyContext {
    let is_compressed = inbound.headers.contains_key(header::CONTENT_ENCODING);
    if is_compressed && speaker == CallerTrust::Anonymous {
        return echo(channel.locale);
    }
    let Ok(body) = json_object(inbound.headers, inbound.body) else {
        return echo(channel.locale);
    };
    let input = Input {
        body,
        ..Input::head(inbound.headers, inbound.target)
    };
    let fields = fields();
    let reading = Reading::of(channel, &fields, &input);
    echo(language(&reading, channel, &mut Vec::new()))
}

fn echo(locale: Locale) -> ReplyContext {
    ReplyContext {
        texts: BTreeMap::new(),
        count: Count::default(),
        carried: Vec::new(),
        secret: None,
        call: String::new(),
        format: None,
        locale,
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
    handoff: bool,
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
            handoff: problem.handoff,
        },
    )
}

fn json(content_type: &str, body: &impl Serialize) -> Rendered {
    // Serializing texts and flags cannot fail; an empty object would still be JSON.
    let body = serde_json::to_string(body).unwrap_or_else(|_| "{}".to_owned());
    Rendered {
        content_type: content_type.to_owned(),
        body,
    }
}

/// An answer with only a reply.
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

/// Whether the caller prefers text to JSON. HTTP libraries that accept both mean JSON.
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
