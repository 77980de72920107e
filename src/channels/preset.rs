//! A platform as data: where the fields are, what to ignore, how to answer. One TOML file, no code.
//!
//! `config/channels/PRESET.toml` is embedded; an operator's file of the same form adds a platform
//! or overrides one.

use std::collections::BTreeMap;

use regex::Regex;
use serde::{Deserialize, Deserializer};

use super::Misunderstood;
use super::auth::SchemeOptions;
use super::fields::Source;
use super::input::Input;
use super::places::FieldsSpec;

/// The presets that the binary carries, by name.
pub(super) const EMBEDDED: [(&str, &str); 17] = [
    (
        "connect",
        include_str!("../../config/channels/connect.toml"),
    ),
    (
        "dialogflow-cx",
        include_str!("../../config/channels/dialogflow-cx.toml"),
    ),
    (
        "dialogflow-es",
        include_str!("../../config/channels/dialogflow-es.toml"),
    ),
    (
        "evolution",
        include_str!("../../config/channels/evolution.toml"),
    ),
    (
        "freeswitch-httapi",
        include_str!("../../config/channels/freeswitch-httapi.toml"),
    ),
    (
        "genesys",
        include_str!("../../config/channels/genesys.toml"),
    ),
    (
        "jambonz",
        include_str!("../../config/channels/jambonz.toml"),
    ),
    ("lex", include_str!("../../config/channels/lex.toml")),
    (
        "manychat",
        include_str!("../../config/channels/manychat.toml"),
    ),
    ("plivo", include_str!("../../config/channels/plivo.toml")),
    ("rasa", include_str!("../../config/channels/rasa.toml")),
    (
        "simplesdesk",
        include_str!("../../config/channels/simplesdesk.toml"),
    ),
    ("text", include_str!("../../config/channels/text.toml")),
    (
        "twilio-messaging",
        include_str!("../../config/channels/twilio-messaging.toml"),
    ),
    (
        "twilio-voice",
        include_str!("../../config/channels/twilio-voice.toml"),
    ),
    (
        "voicexml",
        include_str!("../../config/channels/voicexml.toml"),
    ),
    ("vonage", include_str!("../../config/channels/vonage.toml")),
];

/// The name of the agent's phone number among the texts that an answer repeats.
pub(super) const AGENT: &str = "agent";

/// A preset file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spec {
    /// What the platform is, in one sentence.
    pub(super) about: String,
    /// The form of its requests.
    pub(super) request: RequestSpec,
    /// The details of its proof, where a name alone does not say them.
    #[serde(default)]
    pub(super) proof: SchemeOptions,
    /// Where the fields are.
    #[serde(default)]
    pub(super) fields: FieldsSpec,
    /// How a code is found in free text.
    pub(super) text: Option<TextSpec>,
    /// How a phone call asks for a code.
    pub(super) turns: Option<TurnsSpec>,
    /// What is the same on a retry.
    #[serde(default)]
    pub(super) duplicate: DuplicateSpec,
    /// Requests that are ignored.
    #[serde(default)]
    pub(super) ignore: Vec<RuleSpec>,
    /// A request that only checks the address.
    pub(super) handshake: Option<HandshakeSpec>,
    /// Texts of the request that the answer repeats.
    #[serde(default)]
    pub(super) echo: BTreeMap<String, Vec<Source>>,
    /// How to answer.
    pub(super) answer: AnswerSpec,
}

impl Spec {
    /// The names of the texts of a request that its answer repeats.
    pub(super) fn echoed(&self) -> impl Iterator<Item = &str> {
        let agent = (!self.fields.agent.is_empty()).then_some(AGENT);
        self.echo.keys().map(String::as_str).chain(agent)
    }
}

/// The form of a platform's requests, and its defaults.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestSpec {
    /// `POST`; `GET` only where the platform cannot post.
    #[serde(default = "only_post")]
    pub(super) methods: Vec<String>,
    /// The most bytes of a body, also after inflation.
    #[serde(default = "usual_body")]
    pub(super) body_bytes_max: usize,
    /// The deadline of an answer.
    pub(super) answer_ms_max: u64,
    /// `text` or `voice`.
    pub(super) medium: String,
    /// The schemes by which the platform can authenticate, the usual one first.
    pub(super) auth: Vec<String>,
    /// Whether an absolute address of this service must be known.
    #[serde(default)]
    pub(super) needs_public_url: bool,
}

fn only_post() -> Vec<String> {
    vec!["POST".to_owned()]
}

const fn usual_body() -> usize {
    65_536
}

/// How a code is found in free text. What the words around it mean is the same for every preset:
/// `config/language/`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TextSpec {
    /// The pattern of a code.
    pub(super) code: Pattern,
    /// Characters of a code around which blanks mean nothing: `123 | 123` is `123|123`.
    #[serde(default = "usual_bar")]
    pub(super) bar: String,
}

fn usual_bar() -> String {
    "|".to_owned()
}

/// How a phone call asks for a code.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TurnsSpec {
    /// After how many failures a person takes over.
    pub(super) failures_max: u8,
    /// The minimum confidence of the speech recognition.
    pub(super) confidence_min: f64,
    /// Whether a keyed code is read back and confirmed by a 1. Only off where the platform does
    /// that itself.
    #[serde(default = "yes")]
    pub(super) confirm_keyed: bool,
    /// Keys that were cut off before `#`: a failure to key, not a code. A 1 that confirms has no
    /// end to wait for.
    #[serde(default)]
    pub(super) cut_off: Vec<RuleSpec>,
    /// No input at all: keys and words in such a request are no answer to the question.
    #[serde(default)]
    pub(super) silent: Vec<RuleSpec>,
    /// Something came that the platform itself did not understand: keys and words in such a request
    /// are no answer either.
    #[serde(default)]
    pub(super) unclear: Vec<RuleSpec>,
}

const fn yes() -> bool {
    true
}

/// What is the same on a retry; the first with a value is the idempotency key.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DuplicateSpec {
    /// Any one of these alone.
    pub(super) first: Vec<Source>,
    /// All of these together; each may be a list of places, of which the first that has something
    /// counts.
    pub(super) all: Vec<Places>,
    /// The body itself, when the platform repeats it byte for byte.
    pub(super) body: bool,
}

/// One place, or several that may have the same value.
#[derive(Deserialize)]
#[serde(from = "OneOrMore")]
pub(super) struct Places(pub(super) Vec<Source>);

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a place is /pointer/into/the/body, query:NAME or header:NAME, or a list of such places"
)]
enum OneOrMore {
    One(Source),
    More(Vec<Source>),
}

impl From<OneOrMore> for Places {
    fn from(places: OneOrMore) -> Self {
        match places {
            OneOrMore::One(source) => Self(vec![source]),
            OneOrMore::More(sources) => Self(sources),
        }
    }
}

/// A condition on a text of the request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleSpec {
    /// The place.
    pub(super) source: Source,
    /// Applies if the text there is one of these, ignoring case; an empty one matches an absent
    /// text.
    #[serde(default)]
    pub(super) is: Vec<String>,
    /// Applies if the text there ends with one of these, ignoring case.
    #[serde(default)]
    pub(super) ends_with: Vec<String>,
    /// Applies unless the text there is one of these. A channel's `acts_on` replaces them.
    #[serde(default)]
    pub(super) unless: Vec<String>,
}

impl RuleSpec {
    /// What is wrong with a rule that has no condition, or several.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let ways = [&self.is, &self.ends_with, &self.unless];
        if ways.iter().filter(|texts| !texts.is_empty()).count() != 1 {
            return Some(
                "a rule needs one of `is`, `ends_with` and `unless`, with at least one text",
            );
        }
        // Everything ends with nothing: such a rule would hold for every request.
        let holds_always = self.ends_with.iter().any(|ending| ending.is_empty());
        holds_always.then_some("`ends_with` has an empty text; write the ending")
    }

    /// Whether it applies to a request.
    fn applies(&self, input: &Input<'_>) -> Result<bool, Misunderstood> {
        let found = self.source.text(input)?.unwrap_or_default().to_lowercase();
        let stands_in = |texts: &[String]| texts.iter().any(|text| text.to_lowercase() == found);
        let ends = |ending: &String| found.ends_with(&ending.to_lowercase());
        Ok(if self.unless.is_empty() {
            stands_in(&self.is) || self.ends_with.iter().any(ends)
        } else {
            !stands_in(&self.unless)
        })
    }
}

/// Whether any of these rules applies to a request.
pub(super) fn any(rules: &[RuleSpec], input: &Input<'_>) -> Result<bool, Misunderstood> {
    for rule in rules {
        if rule.applies(input)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A request that only checks the address, and what to send back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HandshakeSpec {
    /// The method, where it is another one than those of requests: then it is accepted for nothing
    /// else.
    pub(super) method: Option<String>,
    /// The place.
    pub(super) source: Source,
    /// The texts that mean so; empty means any.
    #[serde(default)]
    pub(super) is: Vec<String>,
    /// The text that is sent back unchanged.
    pub(super) respond: Source,
}

/// The answers to a platform.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerSpec {
    /// The content type.
    pub(super) content_type: String,
    /// How texts are escaped, and the format that the answer must be well-formed in.
    pub(super) escape: Escape,
    /// The status of a problem: `200` if the platform cannot handle any other.
    #[serde(default)]
    pub(super) problem_status: ProblemStatus,
    /// The end of a request: an outcome, a problem or a person.
    pub(super) reply: String,
    /// The next question; by default like `reply`.
    pub(super) ask: Option<String>,
    /// The answer to what is ignored; by default nothing.
    #[serde(default)]
    pub(super) ignore: String,
    /// Other forms of the answer, which a request or the channel may choose.
    #[serde(default)]
    pub(super) format: BTreeMap<String, FormatSpec>,
}

/// Another form of the answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FormatSpec {
    pub(super) content_type: String,
    pub(super) escape: Escape,
    pub(super) reply: String,
}

/// How texts are escaped in an answer.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Escape {
    /// As JSON values, quotes included.
    Json,
    /// As XML text or attribute.
    Xml,
    /// As they are, on one line.
    Text,
    /// Percent-encoded, `%20` and never `+`.
    Form,
}

/// The status of a problem.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum ProblemStatus {
    /// As it is.
    #[default]
    Own,
    /// 200, with the sentence in the platform's own form.
    Ok,
}

/// A regular expression in a file.
pub(super) struct Pattern(pub(super) Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Regex::new(&text)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}
