//! `channels list`, `show`, `test` and `try`: which platforms are supported, and how their requests
//! are understood.
//!
//! - `capture`  reads a captured request for `test`
//! - `try_out`  `try`: a conversation at the terminal
//!
//! It must never cancel anything, and only the simulated OZmap of `try` is called.

mod capture;
mod try_out;

use std::process::ExitCode;

use axum::http::HeaderMap;
use capture::Capture;
use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use ozmap_cancel::channels::{
    Answered, Auth, Catalog, Channel, Inbound, Memory, Message, Note, NoteKind, PresetDefaults,
    PresetOptions, Problem as Refusal, Rendered, ReplyContext, RequestKind, Scheme, StateSigner,
    Step, Understood,
};
use ozmap_cancel::clock::Moment;
use ozmap_cancel::config::{self, Sources};
use ozmap_cancel::domain::{Action, Answer, Ask, Locale, Mode, Outcome, Protocol};
use ozmap_cancel::replies::{Refused, Replies};
use secrecy::SecretString;
use try_out::Try;

use super::{Done, Problem, tell};

/// A subcommand of `channels`.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists the presets, one per line
    List,
    /// Prints a preset's file: what to configure on the platform, and a start for your own preset
    Show {
        /// The preset
        preset: String,
    },
    /// Shows how a captured request (headers and body, on stdin) is understood and answered
    Test(Test),
    /// Starts a conversation at the terminal, with a simulated OZmap and the replies that customers
    /// would get
    Try(Try),
}

#[derive(Args)]
pub(crate) struct Test {
    /// The preset
    preset: String,
    /// The outcome whose answer is shown
    #[arg(long, default_value = "cancelled")]
    outcome: String,
    /// One of the preset's other answer formats
    #[arg(long, default_value = "", hide_default_value = true)]
    format: String,
}

pub(crate) fn run(command: &Command, sources: &Sources) -> Done {
    let catalog = Catalog::load(&config::presets_directory(sources)?)?;
    match command {
        Command::List => {
            for (name, about) in catalog.list()? {
                tell(&format!("{name:<20}  {about}"))?;
            }
        }
        Command::Show { preset } if preset == "json" => {
            tell("The native JSON channel has no preset file; the README describes its members.")?;
        }
        Command::Show { preset } => tell(catalog.text(preset)?.trim_end())?,
        Command::Test(test) => return run_test(test, &catalog),
        Command::Try(arguments) => return try_out::run(arguments, sources),
    }
    Ok(ExitCode::SUCCESS)
}

fn run_test(test: &Test, catalog: &Catalog) -> Done {
    let usual = catalog.usual(&test.preset)?;
    let channel = Channel {
        name: "test".to_owned(),
        auth: no_auth(&usual)?,
        seal: StateSigner::unchecked(),
        codec: catalog.codec(
            &test.preset,
            PresetOptions {
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
            "there is no outcome `{}`; the outcomes are {}",
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
        Ok(Understood { kind, echo, notes }) => {
            show_wish(&kind)?;
            show_notes(&notes)?;
            show_answer(&rendered(
                &channel,
                &replies,
                &capture.headers,
                kind,
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
            let echo = channel.reply_context(&inbound);
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

/// Accepts every caller. It still knows the query member with the secret that a platform carries
/// through a call.
fn no_auth(usual: &PresetDefaults) -> Result<Auth, Problem> {
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
    kind: RequestKind,
    echo: &ReplyContext,
    outcome: Outcome,
) -> Rendered {
    match kind {
        RequestKind::Ask(ask) => {
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
        RequestKind::Message(message) => {
            let (turn, code) = match first_step(&message) {
                Step::Question(turn, code)
                | Step::SayAndKeep(turn, code)
                | Step::SayAndDrop(turn, code) => (turn, code),
                Step::Cancel(code) | Step::Confirm(code) | Step::Recall { code, .. } => {
                    let ask = Box::new(Ask {
                        typed_code: code,
                        ..message.ask
                    });
                    return rendered(
                        channel,
                        replies,
                        headers,
                        RequestKind::Ask(ask),
                        echo,
                        outcome,
                    );
                }
            };
            let reply = replies.turn(echo.locale, channel.medium, turn, &code);
            channel.render_turn(headers, echo, turn, &code, &reply)
        }
        RequestKind::Turn(turn, code) => {
            let reply = replies.turn(echo.locale, channel.medium, turn, &code);
            channel.render_turn(headers, echo, turn, &code, &reply)
        }
        RequestKind::Ignore => channel.render_ignored(echo),
        RequestKind::Handshake(text) => Rendered {
            content_type: "text/plain; charset=utf-8".to_owned(),
            body: text,
        },
    }
}

/// What a message leads to as the first of its conversation.
fn first_step(message: &Message) -> Step {
    let memory = match &message.ask.conversation {
        Some(_) => Memory::Conversation,
        None => Memory::None,
    };
    match message.next(None, memory) {
        // There is no earlier request to recall.
        Step::Recall { otherwise, .. } => *otherwise,
        step @ (Step::Cancel(_)
        | Step::Confirm(_)
        | Step::Question(..)
        | Step::SayAndKeep(..)
        | Step::SayAndDrop(..)) => step,
    }
}

fn show_wish(kind: &RequestKind) -> Result<(), Problem> {
    match kind {
        RequestKind::Ask(ask) => show_ask(ask),
        RequestKind::Message(message) => match first_step(message) {
            Step::Cancel(code) | Step::Confirm(code) | Step::Recall { code, .. } => {
                show_ask(&Ask {
                    typed_code: code,
                    ..message.ask.clone()
                })
            }
            Step::Question(turn, code)
            | Step::SayAndKeep(turn, code)
            | Step::SayAndDrop(turn, code) => show_wish(&RequestKind::Turn(turn, code)),
        },
        RequestKind::Turn(turn, code) => {
            tell(&format!("understood    {}", turn.id()))?;
            if turn.asks_for_a_yes() && !code.is_empty() {
                tell(&format!("code          {code}"))?;
            }
            Ok(())
        }
        RequestKind::Ignore => tell("understood    nothing to do"),
        RequestKind::Handshake(_) => tell("understood    a check of the webhook address"),
    }
}

fn show_notes(notes: &[Note]) -> Result<(), Problem> {
    for note in notes {
        let what = match note.kind {
            NoteKind::NotFilledIn => "was not filled in by the platform; treated as absent",
            NoteKind::Ignored => "cannot be read; ignored",
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
            .unwrap_or("none: duplicates are recognized by conversation and code")
    ))?;
    tell(&format!("locale        {}", ask.locale.id()))
}

fn show_answer(rendered: &Rendered) -> Result<(), Problem> {
    tell(&format!(
        "content type  {}\n\n{}",
        rendered.content_type, rendered.body
    ))
}
