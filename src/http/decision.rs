//! What a request that was understood leads to: a cancellation, a look-up, a question or a sentence.
//!
//! It must never write an answer, nor decide about a deletion: it submits a request and says what became of it.

use std::time::Duration;

use tokio::time::Instant;

use super::App;
use super::conversation::Conversation;
use super::line::Line;
use super::respond::Refusal;
use crate::channels::{Channel, Echo, Message, Next, Step, Wish};
use crate::domain::{Answer, Ask, Turn};

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
            Wish::Ask(ask) => self.submit(*ask, line).await,
            Wish::Message(message) => self.converse(*message, line).await,
            Wish::Turn(turn, code) => self.say(turn, code).await,
            Wish::Ignore => Ok(Told::Ignored),
            Wish::Handshake(text) => Ok(Told::Handshake(text)),
        };
        told.unwrap_or_else(Told::Refused)
    }

    /// A message in free text: what it leads to depends on what the conversation was asked before.
    async fn converse(&self, message: Message, line: &mut Line) -> Result<Told, Refusal> {
        let mut step = self.conversation.next(&message).await?;
        line.stepped(&step);
        if let Step::Recall {
            code,
            key,
            otherwise,
        } = step
        {
            let earlier = Ask {
                typed_code: code,
                key,
                ..message.ask.clone()
            };
            let cancellations = &self.app.cancellations;
            let answer_by = self.answer_by(line);
            let answer = cancellations.earlier_answer(earlier.clone(), answer_by);
            if let Some(answer) = answer.await? {
                return Ok(self.tell(earlier, answer).await);
            }
            step = *otherwise;
        }
        match step {
            Step::Cancel(code) => {
                let ask = Ask {
                    typed_code: code,
                    ..message.ask
                };
                self.conversation.begin(&ask).await?;
                self.submit(ask, line).await
            }
            Step::Question(turn, code)
            | Step::SayAndKeep(turn, code)
            | Step::SayAndDrop(turn, code) => self.say(turn, code).await,
            // An earlier request leads to no other one.
            Step::Recall { code, .. } => self.say(Turn::ConfirmAgain, code).await,
        }
    }

    async fn say(&self, turn: Turn, code: String) -> Result<Told, Refusal> {
        let turn = self.conversation.after_turn(turn).await?;
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
        let next = conversation.after_outcome(self.echo, answer.outcome).await;
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
