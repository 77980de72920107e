//! Dispatches a parsed webhook: to a cancellation, a lookup, a prompt of a conversation, or
//! nothing.
//!
//! It must never write an answer, nor decide about a deletion: it submits a request and says what
//! became of it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::App;
use super::access_log::AccessLine;
use super::conversation::Conversation;
use super::problem::HttpProblem;
use crate::cancel::Declined;
use crate::channels::{Channel, Message, Next, ReplyContext, RequestKind, Step};
use crate::domain::{Answer, Ask, Question, Turn};

/// How often a conversation is read again after another replica changed it.
const READS_MAX: u32 = 2;

/// How long a request whose yes is noted may take into the journal. A no that comes in this time
/// must not be answered with "nothing was done".
const ACCEPT_WITHIN: Duration = Duration::from_secs(2);

/// How often the journal is polled for it.
const POLL: Duration = Duration::from_millis(100);

/// What the customer is told.
pub(super) enum Decision {
    /// How a request ended, or that it is pending.
    Outcome {
        ask: Ask,
        answer: Answer,
        next: Next,
        reply: String,
    },
    /// A prompt of a conversation.
    Turn {
        turn: Turn,
        code: String,
        reply: String,
    },
    /// Nothing: the request asks for nothing.
    Ignored,
    /// The text that proves to the platform that it has the right address.
    Handshake(String),
    /// Nothing was accepted.
    Problem(HttpProblem),
}

/// One request of a channel, on its way to a decision.
pub(super) struct Dispatcher<'a> {
    app: &'a App,
    channel: &'a Channel,
    echo: &'a ReplyContext,
    conversation: Conversation<'a>,
}

impl<'a> Dispatcher<'a> {
    pub(super) fn new(app: &'a App, channel: &'a Channel, echo: &'a ReplyContext) -> Self {
        Self {
            app,
            channel,
            echo,
            conversation: Conversation::new(app, channel, echo),
        }
    }

    /// Does what the request asks for.
    pub(super) async fn dispatch(&self, kind: RequestKind, line: &mut AccessLine) -> Decision {
        let decision = match kind {
            RequestKind::Ask(ask) => self.ask(*ask, line).await,
            RequestKind::Message(message) => self.converse(*message, line).await,
            RequestKind::Turn(turn, code) => self.say(turn, code, line).await,
            RequestKind::Ignore => Ok(Decision::Ignored),
            RequestKind::Handshake(text) => Ok(Decision::Handshake(text)),
        };
        decision.unwrap_or_else(Decision::Problem)
    }

    /// A request that does not need the conversation; drops an open question.
    async fn ask(&self, ask: Ask, line: &AccessLine) -> Result<Decision, HttpProblem> {
        self.conversation.forget_question().await?;
        self.submit(ask, line).await
    }

    /// A message in free text; what it leads to depends on the open question.
    async fn converse(
        &self,
        message: Message,
        line: &mut AccessLine,
    ) -> Result<Decision, HttpProblem> {
        for _ in 0..READS_MAX {
            let (step, question) = self.conversation.next(&message).await?;
            line.stepped(&step);
            let decision = self.follow(step, &message, question.as_ref(), line).await?;
            if let Some(decision) = decision {
                return Ok(decision);
            }
        }
        Err(Declined::Journal.into())
    }

    /// Follows a step; `None` when another message changed the conversation, which must then be
    /// read again.
    async fn follow(
        &self,
        step: Step,
        message: &Message,
        question: Option<&Question>,
        line: &mut AccessLine,
    ) -> Result<Option<Decision>, HttpProblem> {
        let step = match step {
            Step::Recall {
                code,
                key,
                otherwise,
            } => {
                let earlier = Ask {
                    key,
                    ..ask_for(message, code)
                };
                let recalled = self.recall(earlier, patience(&otherwise), line);
                if let Some(decision) = recalled.await? {
                    return Ok(Some(decision));
                }
                line.stepped(&otherwise);
                *otherwise
            }
            step @ (Step::Cancel(_)
            | Step::Confirm(_)
            | Step::Question(..)
            | Step::SayAndKeep(..)
            | Step::SayAndDrop(..)) => step,
        };
        if !self.conversation.settle(&step, message, question).await? {
            return Ok(None);
        }
        self.take(step, message, question, line).await
    }

    /// Takes a step whose question, if it has one, is durable.
    async fn take(
        &self,
        step: Step,
        message: &Message,
        question: Option<&Question>,
        line: &mut AccessLine,
    ) -> Result<Option<Decision>, HttpProblem> {
        match step {
            Step::Cancel(code) => {
                let ask = ask_for(message, code);
                self.conversation.begin(&ask, &message.id).await?;
                self.submit(ask, line).await.map(Some)
            }
            Step::Confirm(code) => {
                let ask = ask_for(message, code);
                let Some(question) = question else {
                    return Ok(None);
                };
                let is_still_open = self
                    .conversation
                    .answer(question, &ask, &message.id)
                    .await?;
                if is_still_open {
                    self.submit(ask, line).await.map(Some)
                } else {
                    Ok(None)
                }
            }
            Step::Question(turn, code)
            | Step::SayAndKeep(turn, code)
            | Step::SayAndDrop(turn, code) => self.say(turn, code, line).await.map(Some),
            // A recall leads to no other recall.
            Step::Recall { .. } => Ok(None),
        }
    }

    /// The answer of an earlier request, if there was one. Waits for one that is just being
    /// accepted.
    async fn recall(
        &self,
        ask: Ask,
        patience: Duration,
        line: &AccessLine,
    ) -> Result<Option<Decision>, HttpProblem> {
        let cancellations = &self.app.cancellations;
        let wait_until = Instant::now() + patience;
        loop {
            let answer = cancellations.earlier_answer(ask.clone(), self.answer_by(line));
            if let Some(answer) = answer.await? {
                return Ok(Some(self.outcome(ask, answer).await));
            }
            if Instant::now() >= wait_until {
                return Ok(None);
            }
            sleep(POLL).await;
        }
    }

    async fn say(
        &self,
        turn: Turn,
        code: String,
        line: &mut AccessLine,
    ) -> Result<Decision, HttpProblem> {
        let turn = self.conversation.after_turn(turn).await?;
        line.turned(turn);
        let (replies, medium) = (&self.app.replies, self.channel.medium);
        let reply = replies.turn(self.echo.locale, medium, turn, &code);
        Ok(Decision::Turn { turn, code, reply })
    }

    async fn submit(&self, ask: Ask, line: &AccessLine) -> Result<Decision, HttpProblem> {
        let allowed = self.app.check_rate_limit(self.channel, line.at());
        allowed.map_err(HttpProblem::rate_limited)?;
        let cancellations = &self.app.cancellations;
        let answer = cancellations.submit(ask.clone(), self.answer_by(line));
        Ok(self.outcome(ask, answer.await?).await)
    }

    fn answer_by(&self, line: &AccessLine) -> Instant {
        line.at().instant() + Duration::from_millis(self.channel.answer_ms_max)
    }

    async fn outcome(&self, ask: Ask, answer: Answer) -> Decision {
        let (replies, medium, locale) = (&self.app.replies, self.channel.medium, self.echo.locale);
        let next = if answer.replayed {
            // It was counted with the first answer.
            self.channel.next(self.echo, answer.outcome)
        } else {
            self.conversation
                .after_outcome(self.echo, answer.outcome)
                .await
        };
        let reply = match next.turn() {
            None => replies.say(locale, medium, &answer, &ask.typed_code),
            Some(turn) => replies.say_then(locale, medium, &answer, &ask.typed_code, turn),
        };
        Decision::Outcome {
            ask,
            answer,
            next,
            reply,
        }
    }
}

/// The request of a message about this code.
fn ask_for(message: &Message, code: String) -> Ask {
    Ask {
        typed_code: code,
        ..message.ask.clone()
    }
}

/// How long to wait for an earlier request before this step is taken instead.
fn patience(instead: &Step) -> Duration {
    match instead {
        Step::SayAndDrop(Turn::Declined, _) => ACCEPT_WITHIN,
        Step::Cancel(_)
        | Step::Confirm(_)
        | Step::Recall { .. }
        | Step::Question(..)
        | Step::SayAndKeep(..)
        | Step::SayAndDrop(..) => Duration::ZERO,
    }
}
