//! The last question of a conversation in free text, and how often the conversation failed in a
//! row. Both survive restarts and are shared by all replicas.
//!
//! Times are the database's. It must never decide what an answer means: it only keeps the question.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::error::Error;
use super::handle::Journal;
use super::sql;
use super::store::{Row, Store};
use crate::domain::{Mode, Question, Standing};

/// A message of a conversation.
pub struct ReceivedMessage {
    /// Its id, or a hash of its text.
    pub id: String,
    /// Whether the id is the platform's, so that no other message has it.
    pub is_unique: bool,
}

/// Set when the caller no longer waits.
#[derive(Default)]
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Journal {
    /// Adds the weight of a failure to those of a conversation, and returns the sum. After a
    /// silence of `window` the sum starts at zero.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn conversation_failed(
        &self,
        id: String,
        weight: u32,
        window: Duration,
    ) -> Result<u32, Error> {
        let window_ms = milliseconds(window);
        self.writer
            .call_exclusive(move |store| {
                let parameters = [id.into(), window_ms.into(), i64::from(weight).into()];
                let rows = store.query(sql::CONVERSATION_FAILED, &parameters)?;
                let failures = rows
                    .first()
                    .map_or(Ok(i64::from(weight)), |row| row.integer("failures"))?;
                Ok(u32::try_from(failures).unwrap_or(u32::MAX))
            })
            .await
    }

    /// Stores the question that the service asks in a conversation. A plain yes may answer only a
    /// durable question. Failures older than `window` no longer count. If the caller stops waiting,
    /// nothing is written after that.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn remember_question(
        &self,
        id: String,
        question: Question,
        window: Duration,
    ) -> Result<(), Error> {
        let given_up = GivenUp::default();
        let is_given_up = given_up.0.clone();
        let window_ms = milliseconds(window);
        self.writer
            .call_exclusive(move |store| {
                if is_given_up.load(Ordering::SeqCst) {
                    return Err(Error::Unavailable("the caller no longer waits".to_owned()));
                }
                remember(store, &id, &question, window_ms)
            })
            .await
    }

    /// Notes that a question was answered with a yes; false when the question is no longer open.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn answer_question(
        &self,
        id: String,
        question: Question,
        message: String,
        key: Option<String>,
    ) -> Result<bool, Error> {
        self.writer
            .call_exclusive(move |store| {
                let parameters = [
                    id.into(),
                    question.code.into(),
                    question.asked_by.into(),
                    key.into(),
                    message.into(),
                ];
                Ok(store.execute(sql::ANSWER_QUESTION, &parameters)? == 1)
            })
            .await
    }

    /// Resets the failures of a conversation after a success.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn conversation_succeeded(&self, id: String) -> Result<(), Error> {
        self.writer
            .call_exclusive(move |store| {
                store
                    .execute(sql::CONVERSATION_SUCCEEDED, &[id.into()])
                    .map(drop)
            })
            .await
    }

    /// The last question of a conversation, if it was asked within this time. A message that was
    /// first seen before the question was asked does not answer it; only an id of the platform can
    /// show that.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn question(
        &self,
        id: String,
        within: Duration,
        message: ReceivedMessage,
    ) -> Result<Option<Question>, Error> {
        let within_ms = milliseconds(within);
        self.writer
            .call_exclusive(move |store| {
                let asked = [
                    id.as_str().into(),
                    within_ms.into(),
                    message.id.as_str().into(),
                ];
                let rows = store.query(sql::QUESTION, &asked)?;
                if message.is_unique {
                    store.execute(sql::HEAR, &[id.into(), message.id.as_str().into()])?;
                }
                let Some(row) = rows.first() else {
                    return Ok(None);
                };
                let asked_at = row.integer("asked_at")?;
                let is_older = row
                    .integer_or_null("first_seen_at")?
                    .is_some_and(|at| at < asked_at);
                let question = question(row)?;
                Ok(Some(if is_older && question.standing == Standing::Open {
                    Question {
                        asked_by: message.id,
                        ..question
                    }
                } else {
                    question
                }))
            })
            .await
    }

    /// Forgets this question of a conversation; false when it is no longer the last one, or was
    /// answered.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn drop_this_question(&self, id: String, question: Question) -> Result<bool, Error> {
        self.writer
            .call_exclusive(move |store| {
                let answered = match question.standing {
                    Standing::Open => 0,
                    Standing::Answered { .. } => 1,
                };
                let parameters = [id.into(), question.code.into(), answered.into()];
                Ok(store.execute(sql::DROP_THIS_QUESTION, &parameters)? == 1)
            })
            .await
    }

    /// Forgets the question of a conversation: a later yes answers something else.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn drop_question(&self, id: String) -> Result<(), Error> {
        self.writer
            .call_exclusive(move |store| store.execute(sql::DROP_QUESTION, &[id.into()]).map(drop))
            .await
    }
}

fn remember(
    store: &mut dyn Store,
    id: &str,
    question: &Question,
    window_ms: i64,
) -> Result<(), Error> {
    let (answered, key) = match &question.standing {
        Standing::Open => (0, None),
        Standing::Answered { key } => (1, key.clone()),
    };
    let parameters = [
        id.into(),
        question.code.as_str().into(),
        mode_id(question.mode).into(),
        question.asked_by.as_str().into(),
        answered.into(),
        key.into(),
        window_ms.into(),
    ];
    store.execute(sql::REMEMBER_QUESTION, &parameters).map(drop)
}

fn question(row: &Row) -> Result<Question, Error> {
    let key = row.text_or_null("answered_key")?.map(str::to_owned);
    Ok(Question {
        code: row.text("asked_code")?.to_owned(),
        // Only the value of a real cancellation may delete; any other one deletes nothing.
        mode: if row.text("asked_mode")? == mode_id(Mode::Real) {
            Mode::Real
        } else {
            Mode::DryRun
        },
        asked_by: row.text("asked_by")?.to_owned(),
        standing: match row.integer("answered")? {
            0 => Standing::Open,
            _ => Standing::Answered { key },
        },
    })
}

const fn mode_id(mode: Mode) -> &'static str {
    match mode {
        Mode::Real => "real",
        Mode::DryRun => "dry_run",
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}
