//! Parsing and rendering of every preset, for any bytes: no caller passes without authentication, no code comes out that did not go
//! in, and every answer is well-formed for the platform that reads it.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use ozmap_cancel::channels::{
    Answered, Catalog, Channel, Memory, Next, Problem, Rendered, ReplyContext, RequestKind, Step,
    Understood,
};
use ozmap_cancel::config::{Config, Sources};
use ozmap_cancel::domain::{
    Action, Answer, Ask, FirstName, Found, Locale, Outcome, Protocol, Turn,
};
use ozmap_cancel::replies::{Refused, Replies};

use super::request::{PUBLIC_URL, Request};
use super::traces::{self, Trace};
use super::wellformed;

/// What no template and no parser may stumble over.
pub const HOSTILE: [&str; 10] = [
    "\"<&>{{}}${}]]>",
    "{{7*7}}{% raw %}{# x #}",
    "$${{a}}${env:X}",
    "<!--<![CDATA[ ]]>&amp;&#0;--><?x?>",
    "a\u{0}b\u{7}c\u{1b}d\u{7f}e\u{9f}f\u{fffe}g",
    "\u{202e}\u{2028}\u{2029}\u{feff}\u{85}",
    "😀ção\u{301}العربية",
    "\\\"\\u0000\\",
    "&a=b+c%20d%zz;e=f",
    "'\" onload='x",
];

/// A channel of a preset, and what its file says about it.
struct Way {
    preset: String,
    channel: Channel,
    trace: Trace,
}

thread_local! {
    // Made once for each thread: a fuzzer asks thousands of times.
    static WAYS: Vec<Way> = ways();
    static REPLIES: Replies = Replies::load("", TimeZone::UTC).unwrap();
}

/// Every preset, in each of its formats and with each of its proofs, beside the native channel.
fn ways() -> Vec<Way> {
    let catalog = Catalog::load("").unwrap();
    let mut text = format!("[server]\npublic_url = \"{PUBLIC_URL}\"\n");
    let mut presets = Vec::new();
    for (name, _) in catalog.list().unwrap() {
        let file: toml::Table = toml::from_str(catalog.text(&name).unwrap_or_default()).unwrap();
        let formats = file.get("answer").and_then(|answer| answer.get("format"));
        let formats = formats.and_then(toml::Value::as_table).into_iter();
        let formats = formats
            .flat_map(toml::Table::keys)
            .map(|format| format!("format = \"{format}\"\n"));
        let schemes = catalog.usual(&name).unwrap().auth;
        let usual = secret(&schemes[0]);
        let formats = formats.map(|format| format!("{format}secret = \"{usual}\"\n"));
        let schemes = schemes
            .iter()
            .map(|scheme| format!("auth = \"{scheme}\"\nsecret = \"{}\"\n", secret(scheme)));
        for keys in schemes.chain(formats) {
            text += &format!("[channels.c{}]\npreset = \"{name}\"\n{keys}", presets.len());
            let trace = if file.contains_key("text") {
                Trace::Within
            } else {
                Trace::Whole
            };
            presets.push((name.clone(), trace));
        }
    }
    let mut channels = configured(&text);
    presets
        .into_iter()
        .enumerate()
        .map(|(number, (preset, trace))| Way {
            preset,
            channel: channels.remove(&format!("c{number}")).unwrap(),
            trace,
        })
        .collect()
}

/// A secret that no request carries, in the form of a scheme.
fn secret(scheme: &str) -> &'static str {
    match scheme {
        "basic" => "user:a-password-that-nobody-sends",
        "standard-webhooks" => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "ed25519" => "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=",
        _ => "a-secret-that-nobody-sends-0123456789",
    }
}

/// The channels of a configuration file.
fn configured(text: &str) -> BTreeMap<String, Channel> {
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), text).unwrap();
    let variables = [
        (
            "OZMAP_CANCEL__OZMAP__BASE_URL",
            "https://ozmap.example:9994",
        ),
        ("OZMAP_CANCEL__OZMAP__API_KEY", "a-key"),
    ];
    let sources = Sources {
        files: vec![file.path().to_owned()],
        environment: variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
    };
    Config::load(&sources).unwrap().channels
}

/// The bytes as a request to every channel.
pub fn check(bytes: &[u8]) {
    let request = Request::parse(bytes);
    WAYS.with(|ways| ways.iter().for_each(|way| check_way(way, &request)));
}

/// The bytes as a request to the channels of one preset.
pub fn check_one(preset: &str, bytes: &[u8]) {
    let request = Request::parse(bytes);
    of_preset(preset, |way| check_way(way, &request));
}

/// The ways of one preset.
fn of_preset(preset: &str, check: impl Fn(&Way)) {
    WAYS.with(|ways| {
        let mut found = ways.iter().filter(|way| way.preset == preset).peekable();
        assert!(found.peek().is_some(), "there is no preset {preset}");
        found.for_each(check);
    });
}

fn check_way(way: &Way, request: &Request) {
    let Way {
        channel,
        trace,
        preset,
    } = way;
    let inbound = request.inbound();
    let _ = channel.accepts(inbound.method);
    assert!(
        channel.authenticate(&inbound).is_err(),
        "{preset} believed {request:?}"
    );
    let answers = Answers { channel, request };
    answers.check_problems(
        &channel.anonymous_reply_context(&inbound),
        "not_authenticated",
        "x",
    );
    match channel.parse(&inbound) {
        Err(wrong) => {
            assert!(
                matches!(wrong.status, 400 | 405 | 413 | 415 | 422),
                "{}",
                wrong.status
            );
            answers.check_problems(&channel.reply_context(&inbound), wrong.id, &wrong.detail);
        }
        Ok(Understood { kind, echo, .. }) => match kind {
            RequestKind::Ask(ask) => {
                traces::check(request, &ask.typed_code, *trace);
                answers.check_ask(&ask, &echo);
                answers.check_problems(&echo, "busy", "x");
            }
            RequestKind::Message(message) => match message.next(None, Memory::Conversation) {
                Step::Cancel(code) | Step::Confirm(code) => {
                    traces::check(request, &code, Trace::Spoken);
                    let ask = Ask {
                        typed_code: code,
                        ..message.ask
                    };
                    answers.check_ask(&ask, &echo);
                    answers.check_problems(&echo, "busy", "x");
                }
                Step::Recall { code, .. }
                | Step::Question(_, code)
                | Step::SayAndKeep(_, code)
                | Step::SayAndDrop(_, code) => {
                    answers.check_turns(&echo, &code);
                }
            },
            RequestKind::Turn(turn, code) => {
                if !code.is_empty() {
                    assert_eq!(turn, Turn::ConfirmCode);
                    traces::check(request, &code, Trace::Spoken);
                }
                answers.check_turns(&echo, &code);
            }
            RequestKind::Ignore => {
                let rendered = channel.render_ignored(&echo);
                if !rendered.body.is_empty() {
                    wellformed::texts(&rendered);
                }
            }
            RequestKind::Handshake(text) => {
                assert!(
                    traces::texts(request)
                        .iter()
                        .any(|found| found.trim() == text)
                );
            }
        },
    }
}

/// The answers of a channel to one request.
struct Answers<'a> {
    channel: &'a Channel,
    request: &'a Request,
}

impl Answers<'_> {
    /// A number that is the same for the same request, so that a failure comes again.
    fn pick(&self, among: usize) -> usize {
        let mixed = self
            .request
            .body
            .iter()
            .fold(self.request.target.len(), |mixed, byte| {
                mixed.wrapping_mul(31).wrapping_add(usize::from(*byte))
            });
        mixed % among
    }

    fn check_ask(&self, ask: &Ask, echo: &ReplyContext) {
        let outcome = Outcome::ALL[self.pick(Outcome::ALL.len())];
        self.check_outcome(ask, echo, outcome);
    }

    fn check_outcome(&self, ask: &Ask, echo: &ReplyContext, outcome: Outcome) {
        let hostile = HOSTILE[self.pick(HOSTILE.len())];
        let answer = Answer {
            protocol: Protocol::parse("20261123004217"),
            first_name: ask.first_name.clone().or(FirstName::of("D'Ávila")),
            replayed: self.pick(2) == 0,
            cancelled_at_ms: Some(1_795_467_600_000),
            found: Some(Found {
                address: hostile.repeat(40),
                reserved_at: hostile.to_owned(),
            }),
            ..Answer::bare(outcome)
        };
        let said = REPLIES.with(|replies| {
            replies.say(echo.locale, self.channel.medium, &answer, &ask.typed_code)
        });
        assert!(!said.contains(['\n', '\r']));
        let next = self.channel.next(echo, outcome);
        for reply in [said.as_str(), hostile] {
            for (next, action) in [
                (next, ask.action),
                (Next::End, Action::Lookup),
                (Next::AskAgain, Action::Cancel),
                (Next::HandOver, Action::Cancel),
            ] {
                let answered = Answered {
                    action,
                    code: &ask.typed_code,
                    answer: &answer,
                    next,
                    reply,
                };
                let rendered = self.channel.render(&self.request.headers, echo, &answered);
                self.check_rendered(&rendered, reply);
            }
        }
    }

    fn check_turns(&self, echo: &ReplyContext, code: &str) {
        for turn in Turn::ALL {
            let said =
                REPLIES.with(|replies| replies.turn(echo.locale, self.channel.medium, turn, code));
            let headers = &self.request.headers;
            let rendered = self.channel.render_turn(headers, echo, turn, code, &said);
            self.check_rendered(&rendered, &said);
        }
    }

    fn check_problems(&self, echo: &ReplyContext, id: &str, detail: &str) {
        let refused = Refused::ALL[self.pick(Refused::ALL.len())];
        let status = [401, 405, 413, 422, 429, 503][self.pick(6)];
        let said =
            REPLIES.with(|replies| replies.refuse(echo.locale, self.channel.medium, refused));
        let problem = Problem {
            status,
            id,
            title: "A title",
            detail,
            reply: &said,
            handoff: refused.hands_off(),
        };
        let (told, rendered) = self
            .channel
            .render_problem(&self.request.headers, echo, &problem);
        assert!(told == status || told == 200);
        self.check_rendered(&rendered, &said);
    }

    /// The answer is well-formed and holds the whole sentence as one text.
    fn check_rendered(&self, rendered: &Rendered, reply: &str) {
        let texts = wellformed::texts(rendered);
        let is_short = rendered.body.len() < 65_536;
        assert!(
            is_short,
            "{}: {} bytes",
            self.channel.name,
            rendered.body.len()
        );
        let bare = |text: &str| -> String {
            let is_kept =
                |c: &char| c.is_alphanumeric() && *c != '\u{fffd}' || "<>&\"'".contains(*c);
            text.chars().filter(is_kept).collect()
        };
        let wanted = bare(reply);
        // One format of the text preset is the outcome alone.
        let is_a_word = rendered
            .body
            .bytes()
            .all(|byte| b"_0123456789".contains(&byte) || byte.is_ascii_lowercase());
        assert!(
            is_a_word || texts.iter().any(|text| bare(text).contains(&wanted)),
            "{}: {reply:?} is not said by {}",
            self.channel.name,
            rendered.body
        );
    }
}

/// Every outcome, as the answer to the requests that a preset understands.
pub fn check_outcomes(preset: &str, bytes: &[u8]) {
    let request = Request::parse(bytes);
    of_preset(preset, |way| {
        let answers = Answers {
            channel: &way.channel,
            request: &request,
        };
        match way.channel.parse(&request.inbound()) {
            Ok(Understood {
                kind: RequestKind::Ask(ask),
                mut echo,
                ..
            }) => {
                for locale in Locale::ALL {
                    echo.locale = locale;
                    for outcome in Outcome::ALL {
                        answers.check_outcome(&ask, &echo, outcome);
                    }
                    answers.check_turns(&echo, &ask.typed_code);
                }
            }
            Ok(Understood {
                kind: RequestKind::Message(message),
                mut echo,
                ..
            }) => {
                let code = message.meaning.code().unwrap_or_default();
                for locale in Locale::ALL {
                    echo.locale = locale;
                    for outcome in Outcome::ALL {
                        answers.check_outcome(&message.ask, &echo, outcome);
                    }
                    answers.check_turns(&echo, code);
                }
            }
            Ok(Understood {
                kind: RequestKind::Turn(_, code),
                mut echo,
                ..
            }) => {
                for locale in Locale::ALL {
                    echo.locale = locale;
                    answers.check_turns(&echo, &code);
                }
            }
            Ok(_) | Err(_) => {}
        }
    });
}
