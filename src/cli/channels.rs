//! `channels list`, `channels show` and `channels test`: what platforms there are, and what one of their requests
//! means. Nothing is cancelled, nobody is asked.

use std::io::Read;
use std::process::ExitCode;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use ozmap_cancel::channels::{
    Answered, Auth, Catalog, Channel, Choices, Echo, Inbound, Memory, Message, Note, NoteKind,
    Problem as Refusal, Rendered, Scheme, Seal, Step, Understood, Usual, Wish,
};
use ozmap_cancel::clock::Moment;
use ozmap_cancel::config::{self, Sources};
use ozmap_cancel::domain::{Action, Answer, Ask, Locale, Mode, Outcome, Protocol};
use ozmap_cancel::replies::{Refused, Replies};
use secrecy::SecretString;

use super::try_out::{self, Try};
use super::{Done, Problem, tell};

/// The most bytes of a captured request.
const CAPTURE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What to show.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// The presets, a line each
    List,
    /// A preset's file: what to fill in on the platform's side, and what a preset of your own begins with
    Show {
        /// The preset
        preset: String,
    },
    /// What a captured request (headers and body, on stdin) means, and what would be answered
    Test(Test),
    /// A conversation at the terminal with a simulated OZmap: reads and shows what customers would read
    Try(Try),
}

#[derive(Args)]
pub(crate) struct Test {
    /// The preset
    preset: String,
    /// The outcome to show the answer for
    #[arg(long, default_value = "cancelled")]
    outcome: String,
    /// One of the preset's other answer formats
    #[arg(long, default_value = "", hide_default_value = true)]
    format: String,
}

pub(crate) fn run(verb: &Verb, sources: &Sources) -> Done {
    let catalog = Catalog::load(&config::presets_directory(sources)?)?;
    match verb {
        Verb::List => {
            for (name, about) in catalog.list()? {
                tell(&format!("{name:<20}  {about}"))?;
            }
        }
        Verb::Show { preset } if preset == "json" => {
            tell("The native JSON channel is no preset file; the README shows its members.")?;
        }
        Verb::Show { preset } => tell(catalog.text(preset)?.trim_end())?,
        Verb::Test(test) => return run_test(test, &catalog),
        Verb::Try(arguments) => return try_out::run(arguments, sources),
    }
    Ok(ExitCode::SUCCESS)
}

fn run_test(test: &Test, catalog: &Catalog) -> Done {
    let usual = catalog.usual(&test.preset)?;
    let channel = Channel {
        name: "test".to_owned(),
        auth: everybody(&usual)?,
        seal: Seal::unchecked(),
        codec: catalog.codec(
            &test.preset,
            Choices {
                separator: "|",
                format: &test.format,
                acts_on: &[],
            },
        )?,
        locale: Locale::PtBr,
        medium: usual.medium,
        answer_ms_max: usual.answer_ms_max,
        duplicate_window_s: 600,
        numeric_codes: false,
        code_pattern: None,
        replay_s: 3_600,
        per_second_max: 0,
        public_url: "https://your-server".to_owned(),
    };
    let replies = Replies::load("", TimeZone::UTC)?;
    let outcome = Outcome::from_id(&test.outcome).ok_or_else(|| {
        Problem::new(format!(
            "there is no outcome `{}`; there are {}",
            test.outcome,
            Outcome::ALL.map(Outcome::id).join(", ")
        ))
    })?;
    let capture = Capture::read()?;
    let inbound = Inbound {
        method: &capture.method,
        target: &capture.target,
        public_url: &channel.public_url,
        headers: &capture.headers,
        body: &capture.body,
        at: Moment::now(),
    };
    if !channel.accepts(inbound.method) {
        tell(&format!(
            "refused       {} is not accepted by this preset",
            inbound.method
        ))?;
        return Ok(ExitCode::FAILURE);
    }
    match channel.parse(&inbound) {
        Ok(Understood { wish, echo, notes }) => {
            show_wish(&wish)?;
            show_notes(&notes)?;
            show_answer(&rendered(
                &channel,
                &replies,
                &capture.headers,
                wish,
                &echo,
                outcome,
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(wrong) => {
            tell(&format!(
                "refused       {} {}: {}",
                wrong.status, wrong.id, wrong.detail
            ))?;
            let echo = channel.hear(&inbound);
            let reply = replies.refuse(echo.locale, channel.medium, Refused::SetUp);
            let problem = Refusal {
                status: wrong.status,
                id: wrong.id,
                title: "The request was not understood",
                detail: &wrong.detail,
                reply: &reply,
                handoff: Refused::SetUp.hands_off(),
            };
            let (status, rendered) = channel.render_problem(&capture.headers, &echo, &problem);
            tell(&format!("status        {status}"))?;
            show_answer(&rendered)?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Believes everybody, and knows where the secret stands that a platform leads through its calls.
fn everybody(usual: &Usual) -> Result<Auth, Problem> {
    let mut schemes = vec![Scheme::None];
    if usual.auth.iter().any(|name| name == "query") {
        let unused = SecretString::from("unused");
        schemes.push(Scheme::parse("query", &unused, &usual.proof)?);
    }
    Ok(Auth::any_of(schemes))
}

fn rendered(
    channel: &Channel,
    replies: &Replies,
    headers: &HeaderMap,
    wish: Wish,
    echo: &Echo,
    outcome: Outcome,
) -> Rendered {
    match wish {
        Wish::Ask(ask) => {
            let answer = Answer {
                protocol: Protocol::parse("20261123004217"),
                first_name: ask.first_name.clone(),
                ..Answer::bare(outcome)
            };
            let (locale, medium, code) = (echo.locale, channel.medium, &ask.typed_code);
            let next = channel.next(echo, outcome);
            let reply = match next.turn() {
                None => replies.say(locale, medium, &answer, code),
                Some(turn) => replies.say_then(locale, medium, &answer, code, turn),
            };
            let answered = Answered {
                action: ask.action,
                code,
                answer: &answer,
                next,
                reply: &reply,
            };
            channel.render(headers, echo, &answered)
        }
        Wish::Message(message) => {
            let (turn, code) = match first_step(&message) {
                Step::Question(turn, code)
                | Step::SayAndKeep(turn, code)
                | Step::SayAndDrop(turn, code) => (turn, code),
                Step::Cancel(code) | Step::Confirm(code) | Step::Recall { code, .. } => {
                    let ask = Box::new(Ask {
                        typed_code: code,
                        ..message.ask
                    });
                    return rendered(channel, replies, headers, Wish::Ask(ask), echo, outcome);
                }
            };
            let reply = replies.turn(echo.locale, channel.medium, turn, &code);
            channel.render_turn(headers, echo, turn, &code, &reply)
        }
        Wish::Turn(turn, code) => {
            let reply = replies.turn(echo.locale, channel.medium, turn, &code);
            channel.render_turn(headers, echo, turn, &code, &reply)
        }
        Wish::Ignore => channel.render_ignored(echo),
        Wish::Handshake(text) => Rendered {
            content_type: "text/plain; charset=utf-8".to_owned(),
            body: text,
        },
    }
}

/// What a message leads to as the first one of its conversation.
fn first_step(message: &Message) -> Step {
    let memory = match &message.ask.conversation {
        Some(_) => Memory::Conversation,
        None => Memory::None,
    };
    match message.next(None, memory) {
        // There is no earlier request.
        Step::Recall { otherwise, .. } => *otherwise,
        step @ (Step::Cancel(_)
        | Step::Confirm(_)
        | Step::Question(..)
        | Step::SayAndKeep(..)
        | Step::SayAndDrop(..)) => step,
    }
}

fn show_wish(wish: &Wish) -> Result<(), Problem> {
    match wish {
        Wish::Ask(ask) => show_ask(ask),
        Wish::Message(message) => match first_step(message) {
            Step::Cancel(code) | Step::Confirm(code) | Step::Recall { code, .. } => {
                show_ask(&Ask {
                    typed_code: code,
                    ..message.ask.clone()
                })
            }
            Step::Question(turn, code)
            | Step::SayAndKeep(turn, code)
            | Step::SayAndDrop(turn, code) => show_wish(&Wish::Turn(turn, code)),
        },
        Wish::Turn(turn, code) => {
            tell(&format!("understood    {}", turn.id()))?;
            if turn.asks_for_a_yes() && !code.is_empty() {
                tell(&format!("code          {code}"))?;
            }
            Ok(())
        }
        Wish::Ignore => tell("understood    nothing to do"),
        Wish::Handshake(_) => tell("understood    a check of the address"),
    }
}

fn show_notes(notes: &[Note]) -> Result<(), Problem> {
    for note in notes {
        let what = match note.kind {
            NoteKind::NotFilledIn => "was not filled in, and counts as absent",
            NoteKind::Ignored => "cannot be read, and was left out",
        };
        tell(&format!("note          {} {what}", note.member))?;
    }
    Ok(())
}

fn show_ask(ask: &Ask) -> Result<(), Problem> {
    let action = match (ask.action, ask.mode) {
        (Action::Cancel, Mode::Real) => "cancel",
        (Action::Cancel, Mode::DryRun) => "cancel, dry run",
        (Action::Lookup, _) => "lookup",
    };
    tell(&format!("understood    {action}"))?;
    tell(&format!("code          {}", ask.typed_code))?;
    tell(&format!(
        "conversation  {}",
        ask.conversation.as_deref().unwrap_or("none")
    ))?;
    tell(&format!(
        "key           {}",
        ask.key
            .as_deref()
            .unwrap_or("none: duplicates are told by conversation and code")
    ))?;
    tell(&format!("locale        {}", ask.locale.id()))
}

fn show_answer(rendered: &Rendered) -> Result<(), Problem> {
    tell(&format!(
        "content type  {}\n\n{}",
        rendered.content_type, rendered.body
    ))
}

/// A request as it was captured: request line, headers, an empty line, body.
struct Capture {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Capture {
    fn read() -> Result<Self, Problem> {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(CAPTURE_BYTES_MAX)
            .read_to_end(&mut bytes)?;
        // A body alone is as good as a whole request.
        if bytes.trim_ascii_start().starts_with(b"{") {
            return Ok(Self {
                method: Method::POST,
                target: "/webhooks/test".to_owned(),
                headers: HeaderMap::new(),
                body: bytes,
            });
        }
        let (head, body) = split(&bytes).ok_or_else(|| {
            Problem::new("there is no empty line between the headers and the body")
        })?;
        let head = String::from_utf8_lossy(head).into_owned();
        let mut lines = head.lines();
        let mut words = lines.next().unwrap_or_default().split(' ');
        let method = words
            .next()
            .and_then(|word| Method::from_bytes(word.as_bytes()).ok());
        let method = method.ok_or_else(|| {
            Problem::new("the first line is no request line, like POST /webhooks/x HTTP/1.1")
        })?;
        let target = words.next().unwrap_or("/").to_owned();
        let mut headers = HeaderMap::new();
        for line in lines {
            let parsed = line.split_once(':').and_then(|(name, value)| {
                Some((
                    HeaderName::from_bytes(name.trim().as_bytes()).ok()?,
                    HeaderValue::from_str(value.trim()).ok()?,
                ))
            });
            let (name, value) =
                parsed.ok_or_else(|| Problem::new("a line of the head is no header"))?;
            headers.append(name, value);
        }
        Ok(Self {
            method,
            target,
            headers,
            body: body.to_vec(),
        })
    }
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let find = |end: &[u8]| {
        bytes
            .windows(end.len())
            .position(|window| window == end)
            .map(|at| (at, at + end.len()))
    };
    let (head, body) = find(b"\r\n\r\n").or_else(|| find(b"\n\n"))?;
    Some((bytes.get(..head)?, bytes.get(body..)?))
}
