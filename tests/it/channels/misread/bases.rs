//! The requests that each preset parses as a cancellation, and ways to change them.
#![expect(
    clippy::disallowed_types,
    reason = "every answer of every preset is rendered once, not once for each test"
)]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::tz::TimeZone;
use ozmap_cancel::channels::{
    Auth, Catalog, Channel, Codec, Inbound, Memory, Misunderstood, PresetOptions, RequestKind,
    Scheme, StateSigner, Step, Understood,
};
use ozmap_cancel::clock::Moment;
use ozmap_cancel::domain::{Action, Locale, Mode};
use ozmap_cancel::replies::Replies;
use serde_json::{Value, json};

use crate::third_parties::program::in_checkout;

/// A request that a preset parses as a cancellation.
#[derive(Clone)]
pub struct Base {
    pub preset: String,
    pub name: String,
    pub method: Method,
    pub target: String,
    pub headers: HeaderMap,
    pub body: Body,
}

/// The body, with members that a test can add to.
#[derive(Clone)]
pub enum Body {
    Json(Value),
    Form(Vec<(String, String)>),
}

/// The meaning of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A live cancellation of this code.
    Cancel(String),
    /// A dry run, which deletes nothing.
    DryRun,
    Lookup,
    /// A question, an agent, or no action.
    Conversation,
    /// Refused with this status and id.
    Refused(u16, &'static str),
}

impl Meaning {
    /// Whether the request can delete nothing.
    pub fn is_harmless(&self) -> bool {
        !matches!(self, Self::Cancel(_))
    }
}

/// Every preset, the native channel first.
pub fn presets() -> Vec<String> {
    let listed = Catalog::load("").unwrap().list().unwrap();
    listed.into_iter().map(|(name, _)| name).collect()
}

pub fn channel(preset: &str) -> Channel {
    let catalog = Catalog::load("").unwrap();
    let usual = catalog.usual(preset).unwrap();
    let choices = PresetOptions {
        separator: "|",
        format: "",
        acts_on: &[],
    };
    Channel {
        name: "door".to_owned(),
        auth: Auth::any_of(vec![Scheme::None]),
        seal: StateSigner::unchecked(),
        codec: catalog.codec(preset, choices).unwrap(),
        locale: Locale::PtBr,
        medium: usual.medium,
        answer_ms_max: usual.answer_ms_max,
        duplicate_window_s: 600,
        numeric_codes: false,
        code_pattern: None,
        replay_s: 3_600,
        per_second_max: 0,
        public_url: "https://hook.example.com".to_owned(),
    }
}

pub fn replies() -> Replies {
    Replies::load("", TimeZone::UTC).unwrap()
}

/// Every preset's channel. The test binary builds them once, because each build renders every
/// answer.
static CHANNELS: LazyLock<BTreeMap<String, Channel>> = LazyLock::new(|| {
    let all = presets().into_iter();
    all.map(|preset| (preset.clone(), channel(&preset)))
        .collect()
});

/// All requests that are cancellations.
static BASES: LazyLock<Vec<Base>> = LazyLock::new(cancellations);

/// All requests that are cancellations; each preset has at least one.
pub fn bases() -> &'static [Base] {
    &BASES
}

/// The channel of a preset.
pub fn channel_of(preset: &str) -> &'static Channel {
    &CHANNELS[preset]
}

fn cancellations() -> Vec<Base> {
    let mut found = Vec::new();
    for preset in presets() {
        let channel = channel_of(&preset);
        let mut of_preset: Vec<Base> = captured(&preset)
            .into_iter()
            .filter(|base| matches!(base.meaning(channel), Meaning::Cancel(_)))
            .collect();
        if matches!(channel.codec, Codec::Native) {
            of_preset.push(native());
        }
        assert!(
            !of_preset.is_empty(),
            "{preset} has no request that cancels"
        );
        // A few of the requests that differ only in their values are enough.
        of_preset.truncate(3);
        found.extend(of_preset);
    }
    found
}

fn native() -> Base {
    Base {
        preset: "json".to_owned(),
        name: "readme".to_owned(),
        method: Method::POST,
        target: "/webhooks/chatbot".to_owned(),
        headers: HeaderMap::new(),
        body: Body::Json(json!({"code": "123|123", "conversation_id": "c-1", "message_id": "m-1"})),
    }
}

fn captured(preset: &str) -> Vec<Base> {
    let folder = in_checkout("tests/it/channels/cases").join(preset);
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "http"))
        .filter_map(|path| {
            let name = path.file_stem()?.to_string_lossy().into_owned();
            read(preset, name, &std::fs::read(path).unwrap())
        })
        .collect()
}

fn read(preset: &str, name: String, bytes: &[u8]) -> Option<Base> {
    let text = String::from_utf8(bytes.to_vec()).ok()?;
    let (head, body) = if text.trim_start().starts_with('{') {
        ("POST /webhooks/door HTTP/1.1", text.as_str())
    } else {
        text.split_once("\r\n\r\n")
            .or_else(|| text.split_once("\n\n"))?
    };
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.parse().ok()?, words.next()?.to_owned());
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let name: HeaderName = name.parse().ok()?;
        Some((name, HeaderValue::from_str(value.trim()).ok()?))
    });
    let body = if body.trim_start().starts_with('{') {
        Body::Json(serde_json::from_str(body).ok()?)
    } else {
        Body::Form(
            form_urlencoded::parse(body.trim().as_bytes())
                .into_owned()
                .collect(),
        )
    };
    let mut headers: HeaderMap = headers.collect();
    headers.remove("content-encoding");
    Some(Base {
        preset: preset.to_owned(),
        name,
        method,
        target,
        headers,
        body,
    })
}

impl Base {
    /// The meaning that the request's preset gives it.
    pub fn meaning(&self, channel: &Channel) -> Meaning {
        let body = self.body.bytes();
        let inbound = Inbound {
            method: &self.method,
            target: &self.target,
            public_url: &channel.public_url,
            headers: &self.headers,
            body: &body,
            at: Moment::now(),
        };
        match channel.parse(&inbound) {
            Ok(Understood { kind, .. }) => match kind {
                RequestKind::Ask(ask) => match (ask.action, ask.mode) {
                    (Action::Cancel, Mode::Real) => Meaning::Cancel(ask.typed_code),
                    (Action::Cancel, Mode::DryRun) => Meaning::DryRun,
                    (Action::Lookup, _) => Meaning::Lookup,
                },
                RequestKind::Message(message) => match message.next(None, Memory::Conversation) {
                    Step::Cancel(code) if message.ask.mode == Mode::Real => Meaning::Cancel(code),
                    Step::Cancel(_) => Meaning::DryRun,
                    Step::Confirm(_)
                    | Step::Recall { .. }
                    | Step::Question(..)
                    | Step::SayAndKeep(..)
                    | Step::SayAndDrop(..) => Meaning::Conversation,
                },
                RequestKind::Turn(..) | RequestKind::Ignore | RequestKind::Handshake(_) => {
                    Meaning::Conversation
                }
            },
            Err(Misunderstood { status, id, .. }) => Meaning::Refused(status, id),
        }
    }

    /// The same request with another parameter in the query.
    pub fn with_query(&self, query: &str) -> Self {
        let sign = if self.target.contains('?') { '&' } else { '?' };
        Self {
            target: format!("{}{sign}{query}", self.target),
            ..self.clone()
        }
    }

    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut changed = self.clone();
        let name: HeaderName = name.parse().unwrap();
        changed
            .headers
            .append(name, HeaderValue::from_str(value).unwrap());
        changed
    }

    /// The same request with another member at the top of the body.
    pub fn with_member(&self, name: &str, value: &Value) -> Self {
        let mut changed = self.clone();
        match &mut changed.body {
            Body::Json(body) => body[name] = value.clone(),
            Body::Form(pairs) => {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                pairs.push((name.to_owned(), text));
            }
        }
        changed
    }

    /// The same request with another text wherever the old one is a whole value.
    pub fn with_text(&self, old: &str, new: &str) -> Self {
        let mut changed = self.clone();
        match &mut changed.body {
            Body::Json(body) => replace(body, old, &json!(new)),
            Body::Form(pairs) => {
                for (_, value) in pairs.iter_mut().filter(|(_, value)| value == old) {
                    *value = new.to_owned();
                }
            }
        }
        changed.target = changed.target.replace(&encoded(old), &encoded(new));
        changed
    }

    /// The same request with a value in place of a text, if the body is JSON.
    pub fn with_value(&self, old: &str, new: &Value) -> Option<Self> {
        let mut changed = self.clone();
        match &mut changed.body {
            Body::Json(body) => replace(body, old, new),
            Body::Form(_) => return None,
        }
        Some(changed)
    }

    /// Whether a text is a whole value anywhere in the body.
    pub fn holds(&self, text: &str) -> bool {
        let changed = self.with_text(text, "something else");
        changed.body.bytes() != self.body.bytes()
    }

    pub fn label(&self) -> String {
        format!("{}/{}", self.preset, self.name)
    }
}

impl Body {
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Json(body) => body.to_string().into_bytes(),
            Self::Form(pairs) => form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish()
                .into_bytes(),
        }
    }
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn replace(value: &mut Value, old: &str, new: &Value) {
    match value {
        Value::String(text) if text == old => *value = new.clone(),
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, old, new)),
        Value::Object(members) => {
            members
                .iter_mut()
                .for_each(|(_, value)| replace(value, old, new));
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Runs a check on every base with its channel.
pub fn each(mut check: impl FnMut(&Base, &Channel)) {
    for base in bases() {
        check(base, channel_of(&base.preset));
    }
}
