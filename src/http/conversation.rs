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

/// How long a question may be answered by a plain yes. Shorter than the window in which a request without a key is known again.
const QUESTION: Duration = Duration::from_secs(10 * 60);

/// How long the journal may take to count, and to remember.
const WITHIN: Duration = Duration::from_millis(500);

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

    /// What comes after a message.
    pub(super) async fn next(&self, message: &Message) -> Result<Step, Refusal> {
        let memory = match &self.id {
            Some(_) => Memory::Conversation,
            None => Memory::None,
        };
        let question = match &self.id {
            Some(id) if message.needs_the_question() => self.question(id.clone()).await?,
            Some(_) | None => None,
        };
        let step = message.next(question.as_ref(), memory);
        Ok(match step {
            Step::Question(turn, code) => {
                let question = Question {
                    code: code.clone(),
                    mode: message.ask.mode,
                    asked_by: message.id.clone(),
                    standing: Standing::Open,
                };
                match self.remember(question).await {
                    true => Step::Question(turn, code),
                    // Only the whole wish can confirm what is not remembered.
                    false => Step::SayAndKeep(Turn::ConfirmInFull, code),
                }
            }
            Step::SayAndDrop(turn, code) => {
                self.drop_question(question.as_ref()).await?;
                Step::SayAndDrop(turn, code)
            }
            other => other,
        })
    }

    async fn question(&self, id: String) -> Result<Option<Question>, Refusal> {
        let question = self.journal().question(id, QUESTION);
        match timeout(WITHIN, question).await {
            Ok(Ok(question)) => Ok(question),
            Ok(Err(_)) | Err(_) => Err(Declined::Journal.into()),
        }
    }

    async fn remember(&self, question: Question) -> bool {
        let Some(id) = self.id.clone() else {
            return false;
        };
        let remembered = self.journal().remember_question(id, question);
        matches!(timeout(WITHIN, remembered).await, Ok(Ok(())))
    }

    /// An open question must be gone before anything else is said: a later yes would be an answer to it.
    async fn drop_question(&self, question: Option<&Question>) -> Result<(), Refusal> {
        match question.map(|question| &question.standing) {
            Some(Standing::Open) => self.forget_question().await,
            Some(Standing::Answered { .. }) | None => Ok(()),
        }
    }

    async fn forget_question(&self) -> Result<(), Refusal> {
        let Some(id) = self.id.clone() else {
            return Ok(());
        };
        match timeout(WITHIN, self.journal().drop_question(id)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Declined::Journal.into()),
        }
    }

    /// Remembers that a code is acted on, before it is: a repeated yes must find its request again, and no earlier question
    /// may stand.
    pub(super) async fn begin(&self, ask: &Ask) -> Result<(), Refusal> {
        let acted = Question {
            code: ask.typed_code.clone(),
            mode: ask.mode,
            asked_by: String::new(),
            standing: Standing::Answered {
                key: ask.key.clone(),
            },
        };
        match self.id.is_none() || self.remember(acted).await {
            true => Ok(()),
            false => Err(Declined::Journal.into()),
        }
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
        match outcome {
            Outcome::InvalidCode | Outcome::NotFound => match self.count(FAILURE).await {
                Some(failures) if failures >= FAILURES_MAX => Next::HandOver,
                Some(_) | None => next,
            },
            Outcome::Cancelled
            | Outcome::AlreadyCancelled
            | Outcome::Installed
            | Outcome::Review
            | Outcome::TooManyAttempts
            | Outcome::WouldCancel
            | Outcome::Found
            | Outcome::Expired
            | Outcome::Unknown
            | Outcome::Pending => {
                self.succeeded().await;
                next
            }
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
