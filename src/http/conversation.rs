//! A conversation in free text: the question that it was asked, and how often it failed.
//!
//! Both are kept in the journal, so that a restart or another replica does not begin anew. It must never say that a plain
//! yes is enough before the question is durable. Failures that cannot be counted in time are not counted.

use std::time::Duration;

use tokio::time::timeout;

use super::App;
use super::respond::Refusal;
use crate::cancel::{Declined, conversation_id};
use crate::channels::{Channel, Echo, Memory, Message, Next, Step};
use crate::domain::{Ask, Outcome, Question, Standing, Turn};
use crate::journal::Heard;

/// What a message weighs that has something like a code which cannot be used, or a code that leads nowhere.
const FAILURE: u32 = 2;

/// What a message weighs without anything like a code: the first may be a greeting.
const MESSAGE_WITHOUT_CODE: u32 = 1;

/// From here on a person goes on after a failure: two of them.
const FAILURES_MAX: u32 = 2 * FAILURE;

/// From here on a person goes on after a message without a code: three of them.
const WITHOUT_CODE_MAX: u32 = 3 * MESSAGE_WITHOUT_CODE;

/// After so long without a message a conversation begins anew.
const SILENCE: Duration = Duration::from_secs(30 * 60);

/// How long a question may be answered by a plain yes.
const QUESTION: Duration = Duration::from_secs(10 * 60);

/// How long the journal may take to count.
const WITHIN: Duration = Duration::from_millis(500);

/// How long it may take for what must be known before anything is said.
const NEEDED_WITHIN: Duration = Duration::from_secs(2);

/// One conversation of one channel.
pub(super) struct Conversation<'a> {
    app: &'a App,
    channel: &'a Channel,
    /// Its id in the journal, where it is remembered.
    id: Option<String>,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(app: &'a App, channel: &'a Channel, echo: &Echo) -> Self {
        let conversation = echo.conversation();
        let is_remembered = channel.takes_free_text() && !conversation.is_empty();
        Self {
            app,
            channel,
            id: is_remembered.then(|| conversation_id(&channel.name, conversation)),
        }
    }

    /// What comes after a message, and the question that it is decided on.
    pub(super) async fn next(
        &self,
        message: &Message,
    ) -> Result<(Step, Option<Question>), Refusal> {
        let memory = match &self.id {
            Some(_) => Memory::Conversation,
            None => Memory::None,
        };
        let question = match &self.id {
            Some(id) if message.needs_the_question() => {
                let heard = Heard {
                    id: message.id.clone(),
                    is_unique: message.is_a_unique_answer(),
                };
                let asked = self.journal().question(id.clone(), QUESTION, heard);
                self.within(asked, "the question of a conversation cannot be read")
                    .await?
            }
            Some(_) | None => None,
        };
        Ok((message.next(question.as_ref(), memory), question))
    }

    /// Makes durable what a sentence needs before it is said: the question that it asks, or that none stands any more. False when
    /// the conversation went on meanwhile, so that it must be read anew.
    pub(super) async fn settle(
        &self,
        step: &Step,
        message: &Message,
        question: Option<&Question>,
    ) -> Result<bool, Refusal> {
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

    async fn drop_this_question(&self, question: &Question) -> Result<bool, Refusal> {
        let Some(id) = self.id.clone() else {
            return Ok(true);
        };
        let dropped = self.journal().drop_this_question(id, question.clone());
        self.within(dropped, "a question cannot be forgotten").await
    }

    async fn remember(&self, question: Question) -> Result<(), Refusal> {
        let Some(id) = self.id.clone() else {
            return Ok(());
        };
        let remembered = self.journal().remember_question(id, question, SILENCE);
        self.within(remembered, "a question cannot be remembered")
            .await
    }

    /// Forgets the question: what is said now is about something else.
    pub(super) async fn forget_question(&self) -> Result<(), Refusal> {
        let Some(id) = self.id.clone() else {
            return Ok(());
        };
        let dropped = self.journal().drop_question(id);
        self.within(dropped, "a question cannot be forgotten").await
    }

    /// Remembers that a code is acted on, before it is: a repeated yes must find its request again, and no earlier question
    /// may stand.
    pub(super) async fn begin(&self, ask: &Ask, message: &str) -> Result<(), Refusal> {
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

    /// The same for a yes: only if the question that it was read for still stands, on whichever replica it was answered.
    pub(super) async fn answer(
        &self,
        question: &Question,
        ask: &Ask,
        message: &str,
    ) -> Result<bool, Refusal> {
        let Some(id) = self.id.clone() else {
            return Ok(false);
        };
        let answered = self.journal().answer_question(
            id,
            question.clone(),
            message.to_owned(),
            ask.key.clone(),
        );
        self.within(answered, "the answer to a question cannot be noted")
            .await
    }

    /// Waits a little for the journal. What it does not do is told to the operator, without a word of the conversation.
    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, crate::journal::Error>>,
        problem: &'static str,
    ) -> Result<T, Refusal> {
        let error = match timeout(NEEDED_WITHIN, work).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} ms", NEEDED_WITHIN.as_millis()),
        };
        tracing::warn!(channel = self.channel.name, "{problem}: {error}");
        Err(Declined::Journal.into())
    }

    /// The sentence after a failure, or that a person goes on; then no question stands any more.
    pub(super) async fn after_turn(&self, turn: Turn) -> Result<Turn, Refusal> {
        let (weight, most) = match turn {
            Turn::AskCode => (MESSAGE_WITHOUT_CODE, WITHOUT_CODE_MAX),
            Turn::AskCodeAgain | Turn::SeveralCodes | Turn::ConfirmAgain => (FAILURE, FAILURES_MAX),
            // The customer was understood, or a person goes on already.
            Turn::ConfirmCode
            | Turn::ConfirmInFull
            | Turn::ConfirmBar
            // The next two are said on the phone only, where the call itself carries what counts.
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

    /// What comes after an outcome: a code that leads nowhere is a failure, anything else ends the counting.
    pub(super) async fn after_outcome(&self, echo: &Echo, outcome: Outcome) -> Next {
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

    /// Counts a failure; `None` where none is counted.
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
        // A failure that is remembered for too long only brings a person sooner.
        drop(timeout(WITHIN, noted).await);
    }

    fn journal(&self) -> &crate::journal::Journal {
        self.app.cancellations.journal()
    }
}
