//! Reads that run on any store: by the service, and by an operator's reader beside it.
//!
//! They change nothing.

use super::record::Record;
use super::store::{Store, Value};
use super::{Error, sql};
use crate::domain::OpId;

/// What the health page tells of the journal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Cancellations that have not ended.
    pub active: i64,
    /// How long the oldest of them has been waiting, in milliseconds.
    pub oldest_ms: i64,
    /// Ended cancellations that a person must look at.
    pub needs_human: i64,
    /// Deletions that this hour has seen, of all replicas.
    pub deletes_this_hour: i64,
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
