//! Every answer that a preset can give, for the validators: each captured request with each
//! outcome, question and refusal, in each language, with the true sentence and with hostile ones.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::tz::TimeZone;
use ozmap_cancel::channels::{
    Answered, Auth, Catalog, Channel, Inbound, Next, PresetOptions, Problem, Rendered,
    ReplyContext, Scheme, StateSigner, Understood,
};
use ozmap_cancel::clock::Moment;
use ozmap_cancel::domain::{Action, Answer, FirstName, Locale, Outcome, Protocol, Turn};
use ozmap_cancel::replies::{Refused, Replies};

use super::program::in_checkout;

/// Every character with a meaning in JSON, XML, a template, a dialplan or a form.
const HOSTILE: &str =
    "\"<&>{{}}{% x %}${}]]><!--'\\\u{0}\u{7}\u{b}\u{1b}\u{7f}\u{fffe}\r\n\t\u{2028}😀ção";

const REFUSALS: [(u16, Refused); 5] = [
    (401, Refused::SetUp),
    (413, Refused::SetUp),
    (422, Refused::SetUp),
    (429, Refused::Busy),
    (503, Refused::Unavailable),
];

/// The presets with this kind of answer, ordered by name.
pub fn presets_that_write(escape: &str) -> Vec<String> {
    let catalog = Catalog::load("").unwrap();
    let names = catalog.list().unwrap().into_iter().map(|(name, _)| name);
    let writes = |name: &String| {
        let text = catalog.text(name).unwrap_or_default();
        text.contains(&format!("escape = \"{escape}\""))
    };
    names.filter(writes).collect()
}

/// All answers of a preset, as content type and body, each once.
pub fn of(preset: &str) -> Vec<(String, String)> {
    let writer = Writer::new(preset);
    let requests = requests(preset);
    assert!(!requests.is_empty(), "{preset} has no captured request");
    let mut all = BTreeSet::new();
    for request in &requests {
        writer.answer(request, &mut all);
    }
    all.into_iter().collect()
}

/// A captured request.
struct Request {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

fn requests(preset: &str) -> Vec<Request> {
    let folder = in_checkout("tests/it/channels/cases").join(preset);
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "http"))
        .filter_map(|path| read(&path))
        .collect()
}

/// Reads a request; `None` for a capture that is a body alone.
fn read(path: &Path) -> Option<Request> {
    let bytes = fs::read(path).unwrap();
    let split = |end: &[u8]| {
        let at = bytes.windows(end.len()).position(|window| window == end)?;
        Some((bytes[..at].to_vec(), bytes[at + end.len()..].to_vec()))
    };
    let (head, body) = split(b"\r\n\r\n").or_else(|| split(b"\n\n"))?;
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.parse().ok()?, words.next()?.to_owned());
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap();
        let name: HeaderName = name.parse().unwrap();
        (name, HeaderValue::from_str(value.trim()).unwrap())
    });
    Some(Request {
        method,
        target,
        headers: headers.collect(),
        body,
    })
}

/// One preset with its sentences.
struct Writer {
    channel: Channel,
    replies: Replies,
    /// Whether it ignores some requests; a preset that does not has no answer for them.
    ignores: bool,
}

impl Writer {
    fn new(preset: &str) -> Self {
        let catalog = Catalog::load("").unwrap();
        let usual = catalog.usual(preset).unwrap();
        let choices = PresetOptions {
            separator: "|",
            format: "",
            acts_on: &[],
        };
        Self {
            channel: Channel {
                name: "site".to_owned(),
                auth: Auth::any_of(vec![Scheme::None]),
                codec: catalog.codec(preset, choices).unwrap(),
                locale: Locale::PtBr,
                medium: usual.medium,
                answer_ms_max: usual.answer_ms_max,
                duplicate_window_s: 600,
                replay_s: 3_600,
                public_url: "https://hook.example.com".to_owned(),
                per_second_max: 0,
                numeric_codes: false,
                code_pattern: None,
                seal: StateSigner::unchecked(),
            },
            replies: Replies::load("", TimeZone::UTC).unwrap(),
            ignores: catalog.text(preset).unwrap().contains("[[ignore]]"),
        }
    }

    fn answer(&self, request: &Request, all: &mut BTreeSet<(String, String)>) {
        let inbound = Inbound {
            method: &request.method,
            target: &request.target,
            public_url: &self.channel.public_url,
            headers: &request.headers,
            body: &request.body,
            at: Moment::now(),
        };
        let mut add = |rendered: Rendered| {
            all.insert((rendered.content_type, rendered.body));
        };
        for locale in Locale::ALL {
            // An authenticated caller, and another one.
            for mut echo in [
                self.channel.reply_context(&inbound),
                self.channel.anonymous_reply_context(&inbound),
            ] {
                echo.locale = locale;
                self.refusals(request, &echo, &mut add);
            }
        }
        let understood = self.channel.parse(&inbound);
        if let Ok(Understood { mut echo, .. }) = understood {
            for locale in Locale::ALL {
                echo.locale = locale;
                self.outcomes(request, &echo, &mut add);
                self.turns(request, &echo, &mut add);
            }
            if self.ignores {
                add(self.channel.render_ignored(&echo));
            }
        }
    }

    fn outcomes(&self, request: &Request, echo: &ReplyContext, add: &mut impl FnMut(Rendered)) {
        for outcome in Outcome::ALL {
            let answer = Answer {
                protocol: Protocol::parse("20261123004217"),
                first_name: FirstName::of("João-Vitor"),
                ..Answer::bare(outcome)
            };
            for code in ["123|123", HOSTILE] {
                let medium = self.channel.medium;
                let said = self.replies.say(echo.locale, medium, &answer, code);
                for reply in texts(&said, echo.locale) {
                    for next in [Next::End, Next::AskAgain, Next::HandOver] {
                        let answered = Answered {
                            action: Action::Cancel,
                            code,
                            answer: &answer,
                            next,
                            reply: &reply,
                        };
                        add(self.channel.render(&request.headers, echo, &answered));
                    }
                }
            }
        }
    }

    fn turns(&self, request: &Request, echo: &ReplyContext, add: &mut impl FnMut(Rendered)) {
        for turn in Turn::ALL {
            for code in ["", "123|123", HOSTILE] {
                let medium = self.channel.medium;
                let said = self.replies.turn(echo.locale, medium, turn, code);
                for reply in texts(&said, echo.locale) {
                    let headers = &request.headers;
                    add(self.channel.render_turn(headers, echo, turn, code, &reply));
                }
            }
        }
    }

    fn refusals(&self, request: &Request, echo: &ReplyContext, add: &mut impl FnMut(Rendered)) {
        for (status, refused) in REFUSALS {
            let said = self
                .replies
                .refuse(echo.locale, self.channel.medium, refused);
            for reply in texts(&said, echo.locale) {
                let problem = Problem {
                    status,
                    id: "not_understood",
                    title: "The request was not understood",
                    detail: HOSTILE,
                    reply: &reply,
                    handoff: refused.hands_off(),
                };
                let headers = &request.headers;
                add(self.channel.render_problem(headers, echo, &problem).1);
            }
        }
    }
}

/// Texts in the place of a sentence: the sentence, and variants that a hostile name could produce,
/// up to 4 KiB. One language suffices for the hostile variants.
fn texts(said: &str, locale: Locale) -> Vec<String> {
    let mut texts = vec![said.to_owned()];
    if locale == Locale::PtBr {
        texts.push(format!("{said} {HOSTILE}"));
        texts.push(HOSTILE.repeat(4096 / HOSTILE.len() + 1));
    }
    texts
}
