//! Reads that run on any store: by the service, and by an operator's reader beside it.
//!
//! They must never change anything.

use tokio::time::Duration;

use super::error::Error;
use super::handle::Journal;
use super::record::Record;
use super::sql;
use super::store::{Store, Value};
use crate::domain::OpId;

/// The journal's numbers on the health page.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Cancellations that have not ended.
    pub active: i64,
    /// How long the oldest of them has been waiting, in milliseconds.
    pub oldest_ms: i64,
    /// Ended cancellations that an operator must review.
    pub needs_human: i64,
    /// Deletions that this hour has seen, of all replicas.
    pub deletes_this_hour: i64,
}

impl Journal {
    /// One record.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn get(&self, id: OpId) -> Result<Option<Record>, Error> {
        self.reader.call(move |store| get(store, id)).await
    }

    /// The cancellations that ended lately, for callers that wait for the work of another replica.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn ended_within(&self, time: Duration) -> Result<Vec<Record>, Error> {
        let ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 2);
        self.reader
            .call(move |store| {
                let rows = store.query(sql::ENDED_WITHIN, &[ms.into()])?;
                // An unreadable record has no waiting caller, and must not hide the others.
                Ok(rows
                    .iter()
                    .filter_map(|row| Record::read(row).ok())
                    .collect())
            })
            .await
    }

    /// How long until the next cancellation is due; `None` when none is waiting.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn next_due(&self) -> Result<Option<Duration>, Error> {
        let rows = self
            .reader
            .call(|store| store.query(sql::NEXT_DUE, &[]))
            .await?;
        let wait_ms = rows
            .first()
            .map(|row| row.integer_or_null("wait_ms"))
            .transpose()?
            .flatten();
        Ok(wait_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0))))
    }

    /// The journal's numbers on the health page.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.reader.call(stats).await
    }
}

/// The records that a statement finds.
pub(super) fn records(
    store: &mut dyn Store,
    sql: &'static str,
    parameters: &[Value],
) -> Result<Vec<Record>, Error> {
    store
        .query(sql, parameters)?
        .iter()
        .map(Record::read)
        .collect()
}

/// One record by its id.
pub(super) fn get(store: &mut dyn Store, id: OpId) -> Result<Option<Record>, Error> {
    Ok(records(store, sql::GET, &[id.to_string().into()])?
        .into_iter()
        .next())
}

/// The numbers of the health page.
pub(super) fn stats(store: &mut dyn Store) -> Result<Stats, Error> {
    let rows = store.query(sql::STATS, &[])?;
    rows.first().map_or(Ok(Stats::default()), |row| {
        Ok(Stats {
            active: row.integer("active")?,
            oldest_ms: row.integer("oldest_ms")?,
            needs_human: row.integer("for_a_person")?,
            deletes_this_hour: row.integer("deletes_this_hour")?,
        })
    })
}
