//! The durable memory: what was promised, what was intended, how it ended.
//!
//! `accepted -> intent -> acked -> done(outcome)`, one row per cancellation, one active row per code, and a lease
//! with a fence so that several processes may share one database. It alone makes an [`Intent`], after the target is
//! on the disk. It must never decide what may be deleted, and never talk to OZmap.

mod accept;
mod read;
mod record;
mod sql;
mod sqlite;
mod store;
mod writer;

use std::path::Path;
use std::sync::Arc;

use tokio::time::{Duration, Instant};
use uuid::Uuid;

pub use accept::{Acceptance, Accepted, Withdrawn};
pub use read::{DeliveryNote, Event, Filter, Reader, Stats};
pub use record::{Held, Intent, Lease, Pulse, Record, State};
use store::{Store, Value};
use writer::Writer;

use crate::domain::{FirstName, OpId, Outcome, Protocol, ReservationCode};
use crate::guard::Deletable;

/// Why the journal could not do something. The variants are what a caller does differently.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// It could not be opened; the service must not start.
    #[error("the journal cannot be opened: {0}")]
    Open(String),
    /// Another process has it.
    #[error("the journal {0} is in use by another running instance")]
    InUse(String),
    /// It cannot be written or read now; nothing was changed, try again.
    #[error("the journal is not available: {0}")]
    Unavailable(String),
    /// The lease is lost, or the step is not allowed from the record's state: stop working on this record.
    #[error("the lease on this record is lost")]
    Fenced,
    /// A row cannot be understood.
    #[error("the journal holds something unreadable: {0}")]
    Corrupt(String),
}

impl Error {
    fn corrupt(column: usize, expected: &str, found: Option<&Value>) -> Self {
        let found = match found {
            None => "nothing",
            Some(Value::Null) => "null",
            Some(Value::Integer(_)) => "a number",
            Some(Value::Text(_)) => "a text",
        };
        Self::Corrupt(format!("column {column} has {found} instead of {expected}"))
    }
}

/// The times that the journal keeps to, all in milliseconds on the database's clock.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// How long a lease lasts unless it is renewed.
    pub lease_ms: i64,
    /// How long after a DELETE was written down it may still take effect.
    pub settle_ms: i64,
    /// How long after its acceptance a cancellation is given up.
    pub deadline_ms: i64,
}

/// A handle to the journal; cheap to clone.
#[derive(Clone)]
pub struct Journal {
    writer: Writer,
    owner: Arc<str>,
    times: Times,
}

impl Journal {
    /// Opens the journal at a URL (`sqlite:PATH`) for writing.
    ///
    /// # Errors
    /// [`Error::InUse`] when another instance has it, [`Error::Open`] when it cannot be used.
    pub fn open(url: &str, times: Times) -> Result<Self, Error> {
        let store: Box<dyn Store> = Box::new(sqlite::Sqlite::open(Path::new(sqlite_path(url)?))?);
        Ok(Self {
            writer: Writer::start(store)?,
            owner: Uuid::now_v7().to_string().into(),
            times,
        })
    }

    /// The times that it was opened with.
    #[must_use]
    pub fn times(&self) -> Times {
        self.times
    }

    /// Takes the lease of one cancellation that is due, if there is one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn take_due(&self) -> Result<Option<Held>, Error> {
        self.take(0).await
    }

    /// Takes the lease of one cancellation whose deadline is over, if there is one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn take_overdue(&self) -> Result<Option<Held>, Error> {
        self.take(1).await
    }

    async fn take(&self, only_overdue: i64) -> Result<Option<Held>, Error> {
        let parameters = [
            Value::from(&*self.owner),
            self.times.lease_ms.into(),
            only_overdue.into(),
        ];
        let until = self.lease_end();
        let row = self
            .writer
            .call(move |store| Ok(store.query(sql::TAKE_DUE, &parameters)?.into_iter().next()))
            .await?;
        row.map(|row| {
            let record = Record::read(&row)?;
            let lease = Lease::granted(record.id, row.integer(19)?, until);
            Ok(Held { record, lease })
        })
        .transpose()
    }

    /// How long until the next cancellation may be taken; `None` when none is waiting.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn next_due(&self) -> Result<Option<Duration>, Error> {
        let rows = self
            .writer
            .call(|store| store.query(sql::NEXT_DUE, &[]))
            .await?;
        let wait_ms = rows
            .first()
            .map(|row| row.integer_or_null(0))
            .transpose()?
            .flatten();
        Ok(wait_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0))))
    }

    /// Prolongs a lease.
    ///
    /// # Errors
    /// [`Error::Fenced`] when it was lost already.
    pub async fn renew(&self, pulse: &Pulse) -> Result<(), Error> {
        let until = self.lease_end();
        let lease = pulse.lease();
        let parameters = vec![
            self.times.lease_ms.into(),
            lease.op.to_string().into(),
            lease.fence.into(),
            Value::from(&*self.owner),
        ];
        self.writer
            .call(move |store| one_row(store, sql::RENEW, &parameters))
            .await?;
        lease.prolong(until);
        Ok(())
    }

    /// Writes the target of a deletion down, with its tombstone, before the deletion may be sent.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease is lost or the record has another target already: then nothing may be sent.
    pub async fn intend(&self, held: &mut Held, target: &Deletable) -> Result<Intent, Error> {
        let until = self.lease_end();
        let property = target.property();
        let first_name = held
            .record
            .first_name
            .clone()
            .or_else(|| crate::guard::first_name(property, &held.record.code));
        let (settle_ms, lease_ms) = (self.times.settle_ms, self.times.lease_ms);
        let parameters = vec![
            property.id.as_str().into(),
            property.raw.as_str().into(),
            first_name.as_ref().map(FirstName::as_str).into(),
            settle_ms.into(),
            lease_ms.into(),
            held.lease.op.to_string().into(),
            held.lease.fence.into(),
            Value::from(&*self.owner),
        ];
        let event = Note::of(&held.lease, "intent", property.id.as_str());
        held.record = self
            .writer
            .call(move |store| {
                one_row(store, sql::INTENT, &parameters)?;
                event.write(store)?;
                read::get(store, event.op)?.ok_or(Error::Fenced)
            })
            .await?;
        held.lease.prolong(until);
        Ok(Intent::written(target, &held.lease))
    }

    /// Notes that OZmap confirmed the deletion.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease is lost.
    pub async fn acked(&self, held: &mut Held) -> Result<(), Error> {
        let parameters = self.lease_parameters(&held.lease, vec![]);
        let event = Note::of(&held.lease, "acked", "");
        held.record = self
            .writer
            .call(move |store| {
                one_row(store, sql::ACKED, &parameters)?;
                event.write(store)?;
                read::get(store, event.op)?.ok_or(Error::Fenced)
            })
            .await?;
        Ok(())
    }

    /// Gives the lease back until a later time, and says what for. Its history tells a reason once, however often it
    /// is waited for again.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease is lost already.
    pub async fn back_off(&self, held: &Held, wait: Duration, reason: &str) -> Result<(), Error> {
        let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 2);
        let parameters = self.lease_parameters(&held.lease, vec![wait_ms.into(), reason.into()]);
        let is_news = held.record.reason.as_deref() != Some(reason);
        let event = Note::of(&held.lease, "waits", reason);
        self.writer
            .call(move |store| {
                one_row(store, sql::BACKOFF, &parameters)?;
                if is_news { event.write(store) } else { Ok(()) }
            })
            .await
    }

    /// Ends a cancellation.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease is lost, or when the outcome is not `cancelled` and a deletion may still
    /// take effect.
    pub async fn finish(&self, held: &mut Held, ending: Ending) -> Result<(), Error> {
        let lease = self.lease_parameters(&held.lease, vec![]);
        let event = Note::of(&held.lease, "done", "");
        held.record = self
            .writer
            .call(move |store| end(store, lease, event, ending))
            .await?;
        Ok(())
    }

    /// Appends to the history of a cancellation; for what an operator should find there.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn note(&self, lease: &Lease, kind: &'static str, detail: &str) -> Result<(), Error> {
        let event = Note::of(lease, kind, detail);
        self.writer.call(move |store| event.write(store)).await
    }

    /// The last time that this service cancelled a code.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn earlier_cancellation(
        &self,
        code: &ReservationCode,
    ) -> Result<Option<(Protocol, i64)>, Error> {
        let parameters = [Value::from(code.as_str())];
        let rows = self
            .writer
            .call(move |store| store.query(sql::EARLIER_CANCEL, &parameters))
            .await?;
        rows.first()
            .map(|row| {
                let protocol = Protocol::parse(row.text(0)?);
                let protocol = protocol
                    .ok_or_else(|| Error::Corrupt("a protocol is not a number".to_owned()))?;
                Ok((protocol, row.integer(1)?))
            })
            .transpose()
    }

    /// Spends one of the deletions of this hour. False when they are spent.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn spend_deletion(&self, per_hour_max: u32) -> Result<bool, Error> {
        const HOUR_MS: i64 = 3_600_000;
        self.writer
            .call(move |store| {
                store.execute(sql::FORGET_BUDGET, &[(48 * HOUR_MS).into()])?;
                let parameters = [
                    "deletes".into(),
                    HOUR_MS.into(),
                    i64::from(per_hour_max).into(),
                ];
                Ok(per_hour_max > 0 && !store.query(sql::SPEND, &parameters)?.is_empty())
            })
            .await
    }

    /// Notes that a conversation tries a code, unless it has tried `codes_max` others within a day: then false.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn try_code(
        &self,
        conversation: String,
        code: &ReservationCode,
        codes_max: u32,
    ) -> Result<bool, Error> {
        let code = code.clone();
        self.writer
            .call(move |store| accept::may_try(store, &conversation, &code, codes_max))
            .await
    }

    /// Notes, once, what a webhook was told.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn told(&self, delivery: DeliveryKey, outcome: Outcome) -> Result<(), Error> {
        let parameters = vec![
            outcome.id().into(),
            delivery.channel.into(),
            delivery.key.into(),
        ];
        self.writer
            .call(move |store| store.execute(sql::TOLD, &parameters).map(drop))
            .await
    }

    /// Proves that the journal can be written, by writing.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot.
    pub async fn prove_writable(&self) -> Result<(), Error> {
        let parameters = [Value::from(&*self.owner)];
        self.writer
            .call(move |store| store.execute(sql::HEARTBEAT, &parameters).map(drop))
            .await
    }

    /// One record.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn get(&self, id: OpId) -> Result<Option<Record>, Error> {
        self.writer.call(move |store| read::get(store, id)).await
    }

    /// The cancellation of a code that has not ended, if there is one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn active(&self, code: &ReservationCode) -> Result<Option<Record>, Error> {
        let parameters = [Value::from(code.as_str())];
        self.writer
            .call(move |store| read::records(store, sql::ACTIVE, &parameters))
            .await
            .map(|found| found.into_iter().next())
    }

    /// What the health page tells.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.writer.call(read::stats).await
    }

    /// A lease is counted from before its commit, so that it never seems longer here than it is there.
    fn lease_end(&self) -> Instant {
        Instant::now() + Duration::from_millis(u64::try_from(self.times.lease_ms).unwrap_or(0))
    }

    fn lease_parameters(&self, lease: &Lease, mut first: Vec<Value>) -> Vec<Value> {
        first.extend([
            lease.op.to_string().into(),
            lease.fence.into(),
            Value::from(&*self.owner),
        ]);
        first
    }
}

/// Which webhook: a channel and the key of the request in it.
#[derive(Clone)]
pub struct DeliveryKey {
    /// The channel's name.
    pub channel: String,
    /// The key that is the same on every retry.
    pub key: String,
}

/// How a cancellation ends.
#[derive(Debug)]
pub struct Ending {
    /// The outcome.
    pub outcome: Outcome,
    /// The stable id of why.
    pub reason: String,
    /// Whether a person must look.
    pub needs_human: bool,
    /// What the customer is called, when OZmap's record says it.
    pub first_name: Option<FirstName>,
}

/// A line for the history of a cancellation.
struct Note {
    op: OpId,
    fence: i64,
    kind: &'static str,
    detail: String,
}

impl Note {
    fn of(lease: &Lease, kind: &'static str, detail: &str) -> Self {
        Self {
            op: lease.op,
            fence: lease.fence,
            kind,
            detail: detail.trim().to_owned(),
        }
    }

    fn write(&self, store: &mut dyn Store) -> Result<(), Error> {
        let parameters = [
            self.op.to_string().into(),
            self.fence.into(),
            self.kind.into(),
            self.detail.as_str().into(),
        ];
        store.execute(sql::EVENT, &parameters).map(drop)
    }
}

/// Ends a cancellation under a lease, and says so in its history.
fn end(
    store: &mut dyn Store,
    lease: Vec<Value>,
    event: Note,
    ending: Ending,
) -> Result<Record, Error> {
    let mut parameters = vec![
        ending.outcome.id().into(),
        ending.reason.as_str().into(),
        i64::from(ending.needs_human).into(),
        ending.first_name.as_ref().map(FirstName::as_str).into(),
    ];
    parameters.extend(lease);
    one_row(store, sql::DONE, &parameters)?;
    store.execute(sql::FORGET_CALLS, &[event.op.to_string().into()])?;
    let detail = format!("{} {}", ending.outcome, ending.reason);
    Note { detail, ..event }.write(store)?;
    read::get(store, event.op)?.ok_or(Error::Fenced)
}

/// Runs a write that must change exactly one row.
fn one_row(store: &mut dyn Store, sql: &'static str, parameters: &[Value]) -> Result<(), Error> {
    match store.execute(sql, parameters)? {
        1 => Ok(()),
        _ => Err(Error::Fenced),
    }
}

fn sqlite_path(url: &str) -> Result<&str, Error> {
    let path = url
        .strip_prefix("sqlite://")
        .or_else(|| url.strip_prefix("sqlite:"));
    match path {
        Some(path) if !path.is_empty() => Ok(path),
        _ => Err(Error::Open(
            "journal.url must look like sqlite:data/journal.db".to_owned(),
        )),
    }
}
