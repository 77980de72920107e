//! A free-text conversation: its open question, and how often it failed.
//!
//! Both are kept in the journal, so that a restart or another replica continues the conversation.
//! It must never offer a plain yes before the question is durable. Failures that cannot be counted
//! in time are not counted.

use std::time::Duration;

use tokio::time::timeout;

use super::App;
use super::problem::HttpProblem;
use crate::cancel::{Declined, conversation_id};
use crate::channels::{Channel, Memory, Message, Next, ReplyContext, Step};
use crate::domain::{Ask, Outcome, Question, Standing, Turn};
use crate::journal::ReceivedMessage;

/// The weight of a message whose code cannot be used or leads nowhere.
const FAILURE: u32 = 2;

/// The weight of a message without a code: the first may be a greeting.
const MESSAGE_WITHOUT_CODE: u32 = 1;

/// The weight at which an agent takes over: two failures with a code.
const FAILURES_MAX: u32 = 2 * FAILURE;

/// The weight at which an agent takes over without any code: three messages.
const WITHOUT_CODE_MAX: u32 = 3 * MESSAGE_WITHOUT_CODE;

/// A conversation without a message for this long is forgotten.
const SILENCE: Duration = Duration::from_secs(30 * 60);

/// How long a plain yes answers a question.
const QUESTION: Duration = Duration::from_secs(10 * 60);

/// The timeout for counting, which may be skipped.
const WITHIN: Duration = Duration::from_millis(500);

/// The timeout for reads that must finish before the reply.
const NEEDED_WITHIN: Duration = Duration::from_secs(2);

/// One conversation of one channel.
pub(super) struct Conversation<'a> {
    app: &'a App,
    channel: &'a Channel,
    /// Its id in the journal; `None` when the journal does not keep it.
    id: Option<String>,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(app: &'a App, channel: &'a Channel, echo: &ReplyContext) -> Self {
        let conversation = echo.conversation();
        let is_remembered = channel.takes_free_text() && !conversation.is_empty();
        Self {
            app,
            channel,
            id: is_remembered.then(|| conversation_id(&channel.name, conversation)),
        }
    }

    /// The step after a message, and the open question that it depends on.
    pub(super) async fn next(
        &self,
        message: &Message,
    ) -> Result<(Step, Option<Question>), HttpProblem> {
        let memory = match &self.id {
            Some(_) => Memory::Conversation,
            None => Memory::None,
        };
        let question = match &self.id {
            Some(id) if message.needs_the_question() => {
                let heard = ReceivedMessage {
                    id: message.id.clone(),
                    is_unique: message.is_a_unique_answer(),
                };
                let asked = self.journal().question(id.clone(), QUESTION, heard);
                self.within(asked, "failed to read the question of a conversation")
                    .await?
            }
            Some(_) | None => None,
        };
        Ok((message.next(question.as_ref(), memory), question))
    }

    /// Makes durable what a sentence needs before it is said: its question, or that no question is
    /// open. False when another message changed the conversation, which must then be read again.
    pub(super) async fn settle(
        &self,
        step: &Step,
        message: &Message,
        question: Option<&Question>,
    ) -> Result<bool, HttpProblem> {
        match (step, question) {
            (Step::Question(_, code), _) => {
                let question = Question {
                    code: code.clone(),
                    mode: message.ask.mode,
                    asked_by: message.id.clone(),
                    standing: Standing::Open,
                };
                self.remember(question).await.map(|()| true)
            }
            // A later yes would be an answer to it.
            (Step::SayAndDrop(..), Some(question)) => self.drop_this_question(question).await,
            (
                Step::SayAndDrop(..)
                | Step::Cancel(_)
                | Step::Confirm(_)
                | Step::Recall { .. }
                | Step::SayAndKeep(..),
                _,
            ) => Ok(true),
        }
    }

    async fn drop_this_question(&self, question: &Question) -> Result<bool, HttpProblem> {
        let Some(id) = self.id.clone() else {
            return Ok(true);
        };
        let dropped = self.journal().drop_this_question(id, question.clone());
        self.within(dropped, "failed to drop the question of a conversation")
            .await
    }

    async fn remember(&self, question: Question) -> Result<(), HttpProblem> {
        let Some(id) = self.id.clone() else {
            return Ok(());
        };
        let remembered = self.journal().remember_question(id, question, SILENCE);
        self.within(remembered, "failed to store the question of a conversation")
            .await
    }

    /// Drops the open question: the message is about something else.
    pub(super) async fn forget_question(&self) -> Result<(), HttpProblem> {
        let Some(id) = self.id.clone() else {
            return Ok(());
        };
        let dropped = self.journal().drop_question(id);
        self.within(dropped, "failed to drop the question of a conversation")
            .await
    }

    /// Notes that the service acts on a code, before it does: a repeated yes must find its request,
    /// and no earlier question may stay open.
    pub(super) async fn begin(&self, ask: &Ask, message: &str) -> Result<(), HttpProblem> {
        self.remember(Question {
            code: ask.typed_code.clone(),
            mode: ask.mode,
            asked_by: message.to_owned(),
            standing: Standing::Answered {
                key: ask.key.clone(),
            },
        })
        .await
    }

    /// The same for a yes; false when another message, on any replica, has answered the question.
    pub(super) async fn answer(
        &self,
        question: &Question,
        ask: &Ask,
        message: &str,
    ) -> Result<bool, HttpProblem> {
        let Some(id) = self.id.clone() else {
            return Ok(false);
        };
        let answered = self.journal().answer_question(
            id,
            question.clone(),
            message.to_owned(),
            ask.key.clone(),
        );
        self.within(answered, "failed to store the answer to a question")
            .await
    }

    /// Waits for the journal within a timeout. An error is logged without any text of the
    /// conversation.
    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, crate::journal::Error>>,
        failure: &'static str,
    ) -> Result<T, HttpProblem> {
        let error = match timeout(NEEDED_WITHIN, work).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("timeout after {} ms", NEEDED_WITHIN.as_millis()),
        };
        tracing::warn!("{failure}: {error}");
        Err(Declined::Journal.into())
    }

    /// The prompt after a failure, or the handover to an agent, which leaves no question open.
    pub(super) async fn after_turn(&self, turn: Turn) -> Result<Turn, HttpProblem> {
        let (weight, most) = match turn {
            Turn::AskCode => (MESSAGE_WITHOUT_CODE, WITHOUT_CODE_MAX),
            Turn::AskCodeAgain | Turn::SeveralCodes | Turn::ConfirmAgain => (FAILURE, FAILURES_MAX),
            // The service understood the customer, or an agent takes over already.
            Turn::ConfirmCode
            | Turn::ConfirmInFull
            | Turn::ConfirmBar
            // The next two belong to phone calls, where the call itself carries the count.
            | Turn::CorrectCode
            | Turn::NothingHeard
            | Turn::Declined
            | Turn::Thanked
            | Turn::HandOver => return Ok(turn),
        };
        match self.count(weight).await {
            Some(failures) if failures >= most => {
                self.forget_question().await?;
                Ok(Turn::HandOver)
            }
            Some(_) | None => Ok(turn),
        }
    }

    /// Counts an outcome: a code that leads nowhere is a failure, any other outcome resets the
    /// count.
    pub(super) async fn after_outcome(&self, echo: &ReplyContext, outcome: Outcome) -> Next {
        let next = self.channel.next(echo, outcome);
        if !outcome.leads_nowhere() {
            self.succeeded().await;
            return next;
        }
        match self.count(FAILURE).await {
            Some(failures) if failures >= FAILURES_MAX => Next::HandOver,
            Some(_) | None => next,
        }
    }

    /// Counts a failure; `None` when it was not counted.
    async fn count(&self, weight: u32) -> Option<u32> {
        let counted = self
            .journal()
            .conversation_failed(self.id.clone()?, weight, SILENCE);
        timeout(WITHIN, counted).await.ok()?.ok()
    }

    async fn succeeded(&self) {
        let Some(id) = self.id.clone() else {
            return;
        };
        let noted = self.journal().conversation_succeeded(id);
        // A count that is not reset only brings an agent sooner.
        drop(timeout(WITHIN, noted).await);
    }

    fn journal(&self) -> &crate::journal::Journal {
        self.app.cancellations.journal()
    }
}
