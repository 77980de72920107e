//! Makes a platform's request from a customer's turn, for `channels try`.
//!
//! It only fills in what the preset reads, and never authenticates.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::{Map, Value};

use super::fields::{Container, Source};
use super::platform::Platform;
use super::{Channel, Codec};

/// What a customer says, writes or keys in one turn.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// The text. On the phone digits, `*` and `#` alone are keys, anything else is spoken.
    pub text: &'a str,
    /// The platform's id of the conversation.
    pub conversation: &'a str,
    /// The unique id of this turn.
    pub id: &'a str,
    /// The query of the URL in the last answer; empty in the first turn.
    pub query: &'a str,
}

/// A request of a platform.
pub struct Draft {
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub target: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, JSON.
    pub body: Vec<u8>,
}

/// The input that a channel takes from customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CustomerInput {
    /// Write in their own words.
    FreeText,
    /// Press keys or speak.
    Phone,
    /// Give a code: the bot understands the rest.
    Code,
}

impl Channel {
    /// The input that this channel takes from customers.
    #[must_use]
    pub fn customer_input(&self) -> CustomerInput {
        match &self.codec {
            Codec::Native => CustomerInput::Code,
            Codec::Platform(platform) if platform.spec.turns.is_some() => CustomerInput::Phone,
            Codec::Platform(platform) if !platform.spec.fields.text.is_empty() => {
                CustomerInput::FreeText
            }
            Codec::Platform(_) => CustomerInput::Code,
        }
    }

    /// A customer's turn as a request of this channel's platform.
    #[must_use]
    pub fn draft(&self, said: &Said<'_>) -> Draft {
        let mut form = Form::new(&self.name, said.query);
        match &self.codec {
            Codec::Native => {
                form.put_body("/code", said.text);
                form.put_body("/conversation_id", said.conversation);
                form.put_body("/message_id", said.id);
            }
            Codec::Platform(platform) => platform.fill_in(&mut form, said),
        }
        form.finish()
    }
}

impl Platform {
    fn fill_in(&self, form: &mut Form, said: &Said<'_>) {
        let fields = &self.spec.fields;
        for rule in &self.spec.ignore {
            match rule.unless.first() {
                Some(wanted) => form.put(&rule.source, wanted),
                None if rule.is.iter().any(String::is_empty) => form.put(&rule.source, "true"),
                None => {}
            }
        }
        let ids = self.spec.duplicate.all.iter();
        let ids = ids.filter_map(|places| places.0.first());
        let ids = ids.chain(self.spec.duplicate.first.first());
        // A part of the key that is the conversation or the text itself is filled in as such.
        for source in ids.filter(|source| !fields.reads(&source.place())) {
            form.put(source, said.id);
        }
        let conversation = fields.conversation.first().or(fields.phone.first());
        match conversation {
            Some(source) => form.put(source, said.conversation),
            None => form.put_body("/conversation_id", said.conversation),
        }
        let is_keyed = said
            .text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '*' | '#' | ' '));
        let typed = [&fields.text, &fields.code];
        let place = match (is_keyed, fields.digits.first(), fields.speech.first()) {
            (true, Some(keys), _) => Some(keys),
            (false, _, Some(speech)) => Some(speech),
            (_, keys, _) => typed.into_iter().find_map(|places| places.first()).or(keys),
        };
        let containers = fields.members.iter().chain(&fields.parameters);
        match (place, containers.map(Container::code).next()) {
            // If the bot extracts the code, it is under its own name.
            (Some(_), Some(code)) if fields.text.is_empty() && self.spec.turns.is_none() => {
                form.put_body(&code, said.text);
            }
            (Some(place), _) => form.put(place, said.text),
            (None, Some(code)) => form.put_body(&code, said.text),
            (None, None) => form.put_body("/code", said.text),
        }
    }
}

/// A request under construction.
struct Form {
    target: String,
    headers: HeaderMap,
    body: Value,
}

impl Form {
    fn new(channel: &str, query: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        Self {
            target: format!("/webhooks/{channel}?{query}"),
            headers,
            body: Value::Object(Map::new()),
        }
    }

    fn put(&mut self, source: &Source, text: &str) {
        match source {
            Source::Body(pointer) => self.put_body(pointer, text),
            Source::Query(name) => {
                let pair = form_urlencoded::Serializer::new(String::new())
                    .append_pair(name, text)
                    .finish();
                self.target = format!("{}&{pair}", self.target);
            }
            Source::Header(name) => {
                let name = HeaderName::try_from(name.as_str());
                let value = HeaderValue::from_str(text);
                if let (Ok(name), Ok(value)) = (name, value) {
                    self.headers.insert(name, value);
                }
            }
        }
    }

    /// Puts a text at a JSON pointer, and creates the objects and lists on the way.
    fn put_body(&mut self, pointer: &str, text: &str) {
        let names = pointer.split('/').skip(1);
        let place = names.fold(&mut self.body, |value, name| {
            let name = name.replace("~1", "/").replace("~0", "~");
            child(value, &name)
        });
        *place = Value::String(text.to_owned());
    }

    fn finish(self) -> Draft {
        Draft {
            method: Method::POST,
            target: self.target,
            headers: self.headers,
            body: self.body.to_string().into_bytes(),
        }
    }
}

/// The member of an object, or of a list where its name is a number; made where it is missing.
fn child<'v>(value: &'v mut Value, name: &str) -> &'v mut Value {
    let index = name.parse::<usize>().ok().filter(|index| *index < 8);
    if let Some(index) = index {
        if !value.is_array() {
            *value = Value::Array(Vec::new());
        }
        if let Value::Array(items) = value {
            while items.len() <= index {
                items.push(Value::Null);
            }
            return &mut items[index];
        }
        return value;
    }
    let mut members = match std::mem::take(value) {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    };
    members.entry(name).or_insert(Value::Null);
    *value = Value::Object(members);
    &mut value[name]
}
