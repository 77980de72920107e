//! A worker's reads about its own cancellation and about others of the same code. It must never
//! write.

use super::error::Error;
use super::handle::Journal;
use super::record::Record;
use super::store::{Store, Value};
use super::{queries, sql};
use crate::domain::{EventKind, OpId, Protocol, ReservationCode};

/// The cancellations of a code that ended and may have deleted something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// The number of the last one.
    pub protocol: Protocol,
    /// When that one ended, in milliseconds since 1970 on the database's clock.
    pub at_ms: i64,
    /// How many there are. The count shows a new one whatever the clock did.
    pub count: i64,
}

/// The real cancellations of a code, for a dry run of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveCancellations {
    /// Whether one is running that may have deleted something.
    pub is_deleting: bool,
    /// Those that ended and may have deleted something.
    pub ended: Option<Earlier>,
}

impl LiveCancellations {
    /// Whether one of them may have deleted something, or may still do so.
    #[must_use]
    pub fn may_have_deleted(&self) -> bool {
        self.is_deleting || self.ended.is_some()
    }
}

impl Journal {
    /// The cancellations of a code that this service completed, or for which it sent a deletion
    /// without seeing the result. Only meant for a code under which OZmap shows nothing.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn earlier_cancellation(
        &self,
        code: &ReservationCode,
    ) -> Result<Option<Earlier>, Error> {
        let code = code.clone();
        self.reader.call(move |store| earlier(store, &code)).await
    }

    /// The state of the real cancellations of a code.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn live_cancellations(
        &self,
        code: &ReservationCode,
    ) -> Result<LiveCancellations, Error> {
        let code = code.clone();
        self.reader
            .call(move |store| live_cancellations(store, &code))
            .await
    }

    /// The properties of this code whose absence was confirmed so recently that OZmap may still
    /// list them: within the time that a deletion takes to settle. OZmap never reuses their ids.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn seen_gone(&self, code: &ReservationCode) -> Result<Vec<String>, Error> {
        let parameters = [Value::from(code.as_str()), self.times.settle_ms.into()];
        let rows = self
            .reader
            .call(move |store| store.query(sql::SEEN_GONE, &parameters))
            .await?;
        rows.iter()
            .map(|row| Ok(row.text("property_id")?.to_owned()))
            .collect()
    }

    /// How often something happened to a cancellation, by the kind of the event in its history.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn times_of(&self, id: OpId, kind: EventKind) -> Result<i64, Error> {
        self.reader
            .call(move |store| times_of(store, id, kind))
            .await
    }

    /// The property's JSON as it was before the deletion, if it is still kept.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn snapshot(&self, id: OpId) -> Result<Option<String>, Error> {
        let rows = self
            .reader
            .call(move |store| store.query(sql::SNAPSHOT, &[id.to_string().into()]))
            .await?;
        let raw = rows
            .first()
            .map(|row| row.text_or_null("snapshot"))
            .transpose()?;
        Ok(raw.flatten().map(str::to_owned))
    }

    /// The cancellation of a code that has not ended, if there is one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn active(&self, code: &ReservationCode) -> Result<Option<Record>, Error> {
        let code = code.clone();
        self.reader.call(move |store| active(store, &code)).await
    }

    /// How many webhooks a cancellation answers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn joined(&self, id: OpId) -> Result<i64, Error> {
        self.reader.call(move |store| joined(store, id)).await
    }
}

/// How many webhooks a cancellation answers.
pub(super) fn joined(store: &mut dyn Store, op: OpId) -> Result<i64, Error> {
    let counted = store.query(sql::JOINED, &[op.to_string().into()])?;
    counted.first().map_or(Ok(0), |row| row.integer("joined"))
}

/// How often something happened to a cancellation.
pub(super) fn times_of(store: &mut dyn Store, op: OpId, kind: EventKind) -> Result<i64, Error> {
    let counted = store.query(
        sql::COUNT_EVENTS,
        &[op.to_string().into(), kind.id().into()],
    )?;
    counted.first().map_or(Ok(0), |row| row.integer("events"))
}

/// The state of the real cancellations of a code.
pub(super) fn live_cancellations(
    store: &mut dyn Store,
    code: &ReservationCode,
) -> Result<LiveCancellations, Error> {
    // In this order: one that ends between the two reads is found ended.
    let active = active(store, code)?;
    let ended = earlier(store, code)?;
    Ok(LiveCancellations {
        is_deleting: active.is_some_and(|real| real.deletes_sent > 0),
        ended,
    })
}

fn active(store: &mut dyn Store, code: &ReservationCode) -> Result<Option<Record>, Error> {
    let found = queries::records(store, sql::ACTIVE, &[code.as_str().into()])?;
    Ok(found.into_iter().next())
}

fn earlier(store: &mut dyn Store, code: &ReservationCode) -> Result<Option<Earlier>, Error> {
    let rows = store.query(sql::EARLIER_CANCEL, &[code.as_str().into()])?;
    rows.first()
        .map(|row| {
            let protocol = Protocol::parse(row.text("protocol")?);
            let protocol =
                protocol.ok_or_else(|| Error::Corrupt("a protocol is not a number".to_owned()))?;
            Ok(Earlier {
                protocol,
                at_ms: row.integer("done_at")?,
                count: row.integer("cancellations")?,
            })
        })
        .transpose()
}
