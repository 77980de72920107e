//! Channels: how each chatbot and phone platform authenticates, what its requests mean and how it
//! is answered.
//!
//! Every channel has three pure, synchronous functions: authenticate (on the raw bytes, before
//! parsing), parse, render (total: errors too). A platform is data, `config/channels/PRESET.toml`;
//! only the native JSON channel is code. Nothing here may wait, read the journal or call OZmap.
//!
//! The request on its way in:
//! - `exchange`           the raw request, the rendered answer, and what an answer is rendered from
//! - `auth/`              authentication schemes, and the signature of a call's state
//! - `body`, `json`, `form`, `input`   decompression and decoding into one value
//! - `native`             the native JSON channel
//! - `preset`, `catalog`  a platform described as data, and all presets by name
//! - `platform`           parses a request of a preset
//! - `places`, `fields`, `spot`, `member`   where members are, and the names that they may have
//! - `reading/`           finds the members that decide, the same for every channel
//! - `instruction`, `stray/`   what `action` and `dry_run` say, and instructions in unexpected
//!   places
//! - `placeholder`        variables that a platform did not fill in
//! - `values`             limits of texts
//! - `request_key`        the idempotency key of a request
//! - `misunderstood`      why a request was not understood
//! - `understood`         what a request means
//!
//! Conversations:
//! - `language`           the words of customers and the tags of voices, by language
//! - `message/`           the meaning of free text; `dialogue` decides the next step
//! - `code`, `confirmation`, `keypad_and_speech/`   codes that are keyed or spoken on the phone
//! - `call_state`, `attempts`, `turns`   the state of a call, its failures, its next question
//!
//! The answer on its way out:
//! - `template`, `render` compiles and renders a preset's templates
//! - `reply_context`      what an error answer takes from its request
//! - `openapi_info`       what the OpenAPI document says about a channel
//!
//! Beside them: `self_check` for `check`, and `draft` for `channels try`.

mod attempts;
mod auth;
mod body;
mod call_state;
mod catalog;
mod code;
mod confirmation;
mod dialogue;
mod draft;
mod exchange;
mod fields;
mod form;
mod input;
mod instruction;
mod json;
mod keypad_and_speech;
mod language;
mod member;
mod message;
mod misunderstood;
mod native;
mod openapi_info;
mod placeholder;
mod places;
mod platform;
mod preset;
mod reading;
mod render;
mod reply_context;
mod request_key;
mod self_check;
mod spot;
mod stray;
mod template;
mod turns;
mod understood;
mod values;

use attempts::Count;
pub use auth::{
    Algorithm, Auth, AuthError, CredentialLocation, Ed25519Spec, Encoding, HmacSpec, Proof, Scheme,
    SchemeOptions, SecretEncoding, SecretError, SelfCheck, StateSigner,
};
use axum::http::{HeaderMap, Method};
use call_state::NextTurn;
pub use catalog::{Catalog, CatalogError, Codec, PresetDefaults, PresetOptions};
pub use dialogue::{Memory, Message, Step};
pub use draft::{CustomerInput, Draft, Said};
use exchange::CallerTrust;
pub use exchange::{Answered, Inbound, Problem, Rendered};
pub use message::{Clarity, Meaning};
pub use misunderstood::{Misunderstood, Note, NoteKind};
use template::Context;
pub use understood::{Next, ReplyContext, RequestKind, Understood};
pub use values::TEXT_CHARS_MAX;

use crate::domain::{Locale, Medium, Outcome, Turn};

/// A configured channel: its URL, authentication, codec and limits.
pub struct Channel {
    /// The name in its URL.
    pub name: String,
    /// How its callers authenticate.
    pub auth: Auth,
    /// The key that signs the state of its calls.
    pub seal: StateSigner,
    /// How requests are read and answers written.
    pub codec: Codec,
    /// The language of requests that name none.
    pub locale: Locale,
    /// How the reply reaches the customer.
    pub medium: Medium,
    /// The deadline of an answer, in milliseconds.
    pub answer_ms_max: u64,
    /// For how long an identical request without a key counts as a duplicate, in seconds.
    pub duplicate_window_s: u32,
    /// Whether a JSON number may be a code: only if codes are numbers without leading zeros.
    pub numeric_codes: bool,
    /// The pattern of the provider's codes, if configured. A text that matches is a code, even if
    /// it looks like a variable that a platform did not fill in.
    pub code_pattern: Option<regex::Regex>,
    /// For how long a final answer is replayed for the same key without asking OZmap, in seconds.
    pub replay_s: u32,
    /// The rate limit in requests per second, with a burst of a few seconds; 0 is unlimited.
    pub per_second_max: u32,
    /// The configured address of this service, without a slash at its end; empty when it is not
    /// configured.
    pub public_url: String,
}

impl Channel {
    /// Whether a text matches the configured pattern of codes.
    fn is_code(&self, text: &str) -> bool {
        let pattern = self.code_pattern.as_ref();
        pattern.is_some_and(|pattern| pattern.is_match(text))
    }

    /// The allowed methods, sorted. Only platforms that cannot POST may use GET, which proxies may
    /// repeat.
    #[must_use]
    pub fn methods(&self) -> Vec<&str> {
        match &self.codec {
            Codec::Native => vec![Method::POST.as_str()],
            Codec::Platform(platform) => platform.methods(),
        }
    }

    /// Whether this method is allowed.
    #[must_use]
    pub fn accepts(&self, method: &Method) -> bool {
        self.methods().contains(&method.as_str())
    }

    /// The most bytes of a body. A platform that sends whole conversations needs more than the
    /// configured limit.
    #[must_use]
    pub fn body_bytes_max(&self, usual: usize) -> usize {
        match &self.codec {
            Codec::Native => usual,
            Codec::Platform(platform) => usual.max(platform.spec.request.body_bytes_max),
        }
    }

    /// Authenticates the caller.
    ///
    /// # Errors
    /// [`AuthError`] when authentication fails.
    pub fn authenticate(&self, inbound: &Inbound<'_>) -> Result<(), AuthError> {
        self.auth.check(inbound)
    }

    /// Parses the request.
    ///
    /// # Errors
    /// [`Misunderstood`] says what to write instead.
    pub fn parse(&self, inbound: &Inbound<'_>) -> Result<Understood, Misunderstood> {
        match &self.codec {
            Codec::Native => native::parse(self, inbound),
            Codec::Platform(platform) => platform.parse(self, inbound),
        }
    }

    /// Whether customers write free text. The URLs of a chat carry no state, so the journal counts
    /// its failures.
    #[must_use]
    pub fn takes_free_text(&self) -> bool {
        match &self.codec {
            Codec::Native => false,
            Codec::Platform(platform) => {
                platform.spec.text.is_some() && platform.spec.turns.is_none()
            }
        }
    }

    /// The next step after an outcome.
    #[must_use]
    pub fn next(&self, echo: &ReplyContext, outcome: Outcome) -> Next {
        match &self.codec {
            Codec::Native => Next::End,
            Codec::Platform(platform) => turns::next(&platform.spec, echo, outcome),
        }
    }

    /// Renders an outcome.
    #[must_use]
    pub fn render(
        &self,
        headers: &HeaderMap,
        echo: &ReplyContext,
        answered: &Answered<'_>,
    ) -> Rendered {
        let Codec::Platform(platform) = &self.codec else {
            return native::render(headers, echo.locale, answered);
        };
        let outcome = answered.answer.outcome;
        let context = Context {
            outcome: outcome.id().to_owned(),
            r#final: outcome.is_final(),
            handoff: outcome.hands_off() || answered.next == Next::HandOver,
            status: 200,
            protocol: answered
                .answer
                .protocol
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            replayed: answered.answer.replayed,
            ..self.context(echo, answered.reply, answered.code)
        };
        match answered.next {
            Next::End | Next::HandOver => platform.render("reply", Some(echo), &context),
            Next::AskAgain => {
                let count = echo.count.failed();
                platform.render(
                    "ask",
                    Some(echo),
                    &self.with_turn(echo, context, Turn::AskCodeAgain, count, ""),
                )
            }
        }
    }

    /// Renders the next question of a conversation, or the hand-over to a person.
    #[must_use]
    pub fn render_turn(
        &self,
        headers: &HeaderMap,
        echo: &ReplyContext,
        turn: Turn,
        code: &str,
        reply: &str,
    ) -> Rendered {
        let Codec::Platform(platform) = &self.codec else {
            return native::plain(headers, reply);
        };
        let context = Context {
            outcome: turn.id().to_owned(),
            r#final: turn == Turn::HandOver,
            handoff: turn == Turn::HandOver,
            status: 200,
            ..self.context(echo, reply, code)
        };
        match turn {
            Turn::HandOver | Turn::Declined => platform.render("reply", Some(echo), &context),
            // While a question is open, the platform must send the next message here.
            Turn::Thanked if code.is_empty() => platform.render("reply", Some(echo), &context),
            Turn::AskCode
            | Turn::AskCodeAgain
            | Turn::CorrectCode
            | Turn::NothingHeard
            | Turn::SeveralCodes
            | Turn::ConfirmCode
            | Turn::ConfirmInFull
            | Turn::ConfirmBar
            | Turn::ConfirmAgain
            | Turn::Thanked => platform.render(
                "ask",
                Some(echo),
                &self.with_turn(echo, context, turn, echo.count, code),
            ),
        }
    }

    /// Renders the answer to a request that is ignored.
    #[must_use]
    pub fn render_ignored(&self, echo: &ReplyContext) -> Rendered {
        match &self.codec {
            Codec::Native => Rendered {
                content_type: "application/json".to_owned(),
                body: "{}".to_owned(),
            },
            Codec::Platform(platform) => {
                platform.render("ignore", Some(echo), &self.context(echo, "", ""))
            }
        }
    }

    /// Renders a problem, with the status that the platform can handle.
    #[must_use]
    pub fn render_problem(
        &self,
        headers: &HeaderMap,
        echo: &ReplyContext,
        problem: &Problem<'_>,
    ) -> (u16, Rendered) {
        let Codec::Platform(platform) = &self.codec else {
            return (problem.status, native::render_problem(headers, problem));
        };
        let context = Context {
            outcome: problem.id.to_owned(),
            r#final: false,
            handoff: problem.handoff,
            status: problem.status,
            ..self.context(echo, problem.reply, "")
        };
        (
            platform.problem_status(problem.status),
            platform.render("reply", Some(echo), &context),
        )
    }

    /// The query of the URL for the next turn of a call.
    #[must_use]
    pub fn next_query(&self, echo: &ReplyContext, turn: Turn, code: &str) -> String {
        NextTurn::new(self, echo, turn, echo.count, code).query(echo)
    }

    /// The same after an outcome that may be tried again.
    #[must_use]
    pub fn next_query_after_outcome(&self, echo: &ReplyContext) -> String {
        let count = echo.count.failed();
        NextTurn::new(self, echo, Turn::AskCodeAgain, count, "").query(echo)
    }

    fn context(&self, echo: &ReplyContext, reply: &str, code: &str) -> Context {
        Context {
            reply: reply.to_owned(),
            code: code
                .trim()
                .chars()
                .take(crate::domain::CODE_CHARS_MAX)
                .collect(),
            locale: echo.locale.id().to_owned(),
            echo: echo.texts.clone(),
            call: echo.call.clone(),
            failures: echo.count.text(),
            // For platforms that must get a state at the start of a call.
            seal: NextTurn::new(self, echo, Turn::AskCode, Count::default(), "").seal,
            ..Context::default()
        }
    }

    fn with_turn(
        &self,
        echo: &ReplyContext,
        context: Context,
        turn: Turn,
        count: Count,
        code: &str,
    ) -> Context {
        let following = NextTurn::new(self, echo, turn, count, code);
        Context {
            next_url: format!(
                "{}/webhooks/{}?{}",
                self.public_url,
                self.name,
                following.query(echo)
            ),
            step: following.step.to_owned(),
            step_code: following.code.to_owned(),
            failures: following.failures,
            seal: following.seal,
            ..context
        }
    }
}

/// Renders a problem when the channel is unknown.
#[must_use]
pub fn render_problem(headers: &HeaderMap, problem: &Problem<'_>) -> Rendered {
    native::render_problem(headers, problem)
}
