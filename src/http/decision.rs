//! What a request that was understood leads to: a cancellation, a look-up, a question or a sentence.
//!
//! It must never write an answer, nor decide about a deletion: it submits a request and says what became of it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::App;
use super::conversation::Conversation;
use super::line::Line;
use super::respond::Refusal;
use crate::cancel::Declined;
use crate::channels::{Channel, Echo, Message, Next, Step, Wish};
use crate::domain::{Answer, Ask, Question, Turn};

/// How often a conversation is read that another replica answers at the same time.
const READINGS_MAX: u32 = 2;

/// How long a request may be on its way into the journal whose yes is noted already. A no that comes then must not be told that
/// nothing was done.
const UNDER_WAY: Duration = Duration::from_secs(2);

/// How often it is looked for meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What the customer is told.
pub(super) enum Told {
    /// How a request ended, or that it is under way.
    Outcome {
        ask: Ask,
        answer: Answer,
        next: Next,
        reply: String,
    },
    /// A question or a sentence of a conversation.
    Turn {
        turn: Turn,
        code: String,
        reply: String,
    },
    /// Nothing: nothing was wanted.
    Ignored,
    /// The text that proves that the address is right.
    Handshake(String),
    /// Nothing was accepted.
    Refused(Refusal),
}

/// One request of a channel, on its way to an answer.
pub(super) struct Decision<'a> {
    app: &'a App,
    channel: &'a Channel,
    echo: &'a Echo,
    conversation: Conversation<'a>,
}

impl<'a> Decision<'a> {
    pub(super) fn of(app: &'a App, channel: &'a Channel, echo: &'a Echo) -> Self {
        Self {
            app,
            channel,
            echo,
            conversation: Conversation::new(app, channel, echo),
        }
    }

    pub(super) async fn decide(&self, wish: Wish, line: &mut Line) -> Told {
        let told = match wish {
            Wish::Ask(ask) => self.ask(*ask, line).await,
            Wish::Message(message) => self.converse(*message, line).await,
            Wish::Turn(turn, code) => self.say(turn, code, line).await,
            Wish::Ignore => Ok(Told::Ignored),
            Wish::Handshake(text) => Ok(Told::Handshake(text)),
        };
        told.unwrap_or_else(Told::Refused)
    }

    /// A request that is whole without the conversation; what the conversation was asked before no longer stands.
    async fn ask(&self, ask: Ask, line: &Line) -> Result<Told, Refusal> {
        self.conversation.forget_question().await?;
        self.submit(ask, line).await
    }

    /// A message in free text: what it leads to depends on what the conversation was asked before.
    async fn converse(&self, message: Message, line: &mut Line) -> Result<Told, Refusal> {
        for _ in 0..READINGS_MAX {
            let (step, question) = self.conversation.next(&message).await?;
            line.stepped(&step);
            let told = self.follow(step, &message, question.as_ref(), line).await?;
            if let Some(told) = told {
                return Ok(told);
            }
        }
        Err(Declined::Journal.into())
    }

    /// Does what a step says; `None` when the conversation went on meanwhile, so that it must be read anew.
    async fn follow(
        &self,
        step: Step,
        message: &Message,
        question: Option<&Question>,
        line: &mut Line,
    ) -> Result<Option<Told>, Refusal> {
        let ask_for = |code: String| Ask {
            typed_code: code,
            ..message.ask.clone()
        };
        let step = match step {
            Step::Recall {
                code,
                key,
                otherwise,
            } => {
                let earlier = Ask {
                    key,
                    ..ask_for(code)
                };
                let patience = match otherwise.as_ref() {
                    Step::SayAndDrop(Turn::Declined, _) => UNDER_WAY,
                    Step::Cancel(_)
                    | Step::Confirm(_)
                    | Step::Recall { .. }
                    | Step::Question(..)
                    | Step::SayAndKeep(..)
                    | Step::SayAndDrop(..) => Duration::ZERO,
                };
                if let Some(told) = self.recall(earlier, patience, line).await? {
                    return Ok(Some(told));
                }
                line.stepped(&otherwise);
                *otherwise
            }
            as_it_is @ (Step::Cancel(_)
            | Step::Confirm(_)
            | Step::Question(..)
            | Step::SayAndKeep(..)
            | Step::SayAndDrop(..)) => as_it_is,
        };
        if !self.conversation.settle(&step, message, question).await? {
            return Ok(None);
        }
        match step {
            Step::Cancel(code) => {
                let ask = ask_for(code);
                self.conversation.begin(&ask, &message.id).await?;
                self.submit(ask, line).await.map(Some)
            }
            Step::Confirm(code) => {
                let ask = ask_for(code);
                let Some(question) = question else {
                    return Ok(None);
                };
                match self
                    .conversation
                    .answer(question, &ask, &message.id)
                    .await?
                {
                    true => self.submit(ask, line).await.map(Some),
                    false => Ok(None),
                }
            }
            Step::Question(turn, code)
            | Step::SayAndKeep(turn, code)
            | Step::SayAndDrop(turn, code) => self.say(turn, code, line).await.map(Some),
            // What an earlier request leads to is no other earlier request.
            Step::Recall { .. } => Ok(None),
        }
    }

    /// What an earlier request was answered, if there was one; one that is just being accepted is waited for.
    async fn recall(
        &self,
        ask: Ask,
        patience: Duration,
        line: &Line,
    ) -> Result<Option<Told>, Refusal> {
        let cancellations = &self.app.cancellations;
        let wait_until = Instant::now() + patience;
        loop {
            let answer = cancellations.earlier_answer(ask.clone(), self.answer_by(line));
            if let Some(answer) = answer.await? {
                return Ok(Some(self.tell(ask, answer).await));
            }
            if Instant::now() >= wait_until {
                return Ok(None);
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    async fn say(&self, turn: Turn, code: String, line: &mut Line) -> Result<Told, Refusal> {
        let turn = self.conversation.after_turn(turn).await?;
        line.turned(turn);
        let (replies, medium) = (&self.app.replies, self.channel.medium);
        let reply = replies.turn(self.echo.locale, medium, turn, &code);
        Ok(Told::Turn { turn, code, reply })
    }

    async fn submit(&self, ask: Ask, line: &Line) -> Result<Told, Refusal> {
        let pace = self.app.pace(self.channel, line.at());
        pace.map_err(Refusal::too_fast)?;
        let cancellations = &self.app.cancellations;
        let answer = cancellations.submit(ask.clone(), self.answer_by(line));
        Ok(self.tell(ask, answer.await?).await)
    }

    fn answer_by(&self, line: &Line) -> Instant {
        line.at().instant() + Duration::from_millis(self.channel.answer_ms_max)
    }

    async fn tell(&self, ask: Ask, answer: Answer) -> Told {
        let (replies, medium, locale) = (&self.app.replies, self.channel.medium, self.echo.locale);
        let conversation = &self.conversation;
        let next = match answer.replayed {
            // It was counted when it was told first.
            true => self.channel.next(self.echo, answer.outcome),
            false => conversation.after_outcome(self.echo, answer.outcome).await,
        };
        let reply = match next.turn() {
            None => replies.say(locale, medium, &answer, &ask.typed_code),
            Some(turn) => replies.say_then(locale, medium, &answer, &ask.typed_code, turn),
        };
        Told::Outcome {
            ask,
            answer,
            next,
            reply,
        }
    }
}
