//! What a conversation in free text was asked last, and how often it failed in a row, over restarts and replicas.
//!
//! Times are the database's. It must never decide what an answer means: it only keeps the question.

use std::time::Duration;

use super::store::{Row, Store};
use super::{Error, Journal, sql};
use crate::domain::{Mode, Question, Standing};

impl Journal {
    /// Adds to the failures of a conversation, by how much this one weighs, and says what they come to by now; after a silence of
    /// `window` they count from nothing.
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
            .call_alone(move |store| {
                let parameters = [id.into(), window_ms.into(), i64::from(weight).into()];
                let rows = store.query(sql::CONVERSATION_FAILED, &parameters)?;
                let failures = rows
                    .first()
                    .map_or(Ok(i64::from(weight)), |row| row.integer(0))?;
                Ok(u32::try_from(failures).unwrap_or(u32::MAX))
            })
            .await
    }

    /// Remembers the question that a conversation is asked, durably: only then may a plain yes be enough.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn remember_question(&self, id: String, question: Question) -> Result<(), Error> {
        self.writer
            .call_alone(move |store| remember(store, &id, &question))
            .await
    }

    /// Forgets the failures of a conversation, because it went well.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn conversation_succeeded(&self, id: String) -> Result<(), Error> {
        self.writer
            .call_alone(move |store| {
                store
                    .execute(sql::CONVERSATION_SUCCEEDED, &[id.into()])
                    .map(drop)
            })
            .await
    }

    /// The last question of a conversation, if it was asked within this time.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn question(&self, id: String, within: Duration) -> Result<Option<Question>, Error> {
        let within_ms = milliseconds(within);
        self.writer
            .call_alone(move |store| {
                let rows = store.query(sql::QUESTION, &[id.into(), within_ms.into()])?;
                rows.first().map(question).transpose()
            })
            .await
    }

    /// Forgets the question of a conversation: a later yes is an answer to something else.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn drop_question(&self, id: String) -> Result<(), Error> {
        self.writer
            .call_alone(move |store| store.execute(sql::DROP_QUESTION, &[id.into()]).map(drop))
            .await
    }
}

fn remember(store: &mut dyn Store, id: &str, question: &Question) -> Result<(), Error> {
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
    ];
    store.execute(sql::REMEMBER_QUESTION, &parameters).map(drop)
}

fn question(row: &Row) -> Result<Question, Error> {
    let key = row.text_or_null(4)?.map(str::to_owned);
    Ok(Question {
        code: row.text(0)?.to_owned(),
        // Anything else than what was written for a real one deletes nothing.
        mode: if row.text(1)? == mode_id(Mode::Real) {
            Mode::Real
        } else {
            Mode::DryRun
        },
        asked_by: row.text(2)?.to_owned(),
        standing: match row.integer(3)? {
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
