//! How often a conversation failed in a row, over restarts and replicas.
//!
//! It never keeps more of a conversation than its id, which the attempts hold too.

use std::time::Duration;

use super::{Error, Journal, sql};

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
        let window_ms = i64::try_from(window.as_millis()).unwrap_or(i64::MAX / 2);
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
}
