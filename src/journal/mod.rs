//! The durable memory: what was promised, what was intended, how it ended.
//!
//! `accepted -> intent -> acked -> done(outcome)`, one row per cancellation, one active row per code, and a lease
//! with a fence so that several processes may share one database. It alone makes an [`Intent`], after the target is
//! on the disk. It must never decide what may be deleted, and never talk to OZmap.

mod accept;
mod conversation;
mod disk;
mod events;
mod history;
mod migrations;
mod place;
mod postgres;
mod protocol;
mod queries;
mod read;
mod record;
mod rehearsal;
mod seen;
mod sql;
mod sqlite;
mod steps;
mod store;
mod words;
mod writer;

use std::sync::Arc;

use tokio::time::{Duration, Instant};
use uuid::Uuid;

pub use accept::{Acceptance, Accepted, Caller, KeyScope, Recalled};
pub use conversation::Heard;
pub use history::{Earlier, RealOne};
use place::Kind;
pub use place::{DiskRules, Link, NetworkDisk, Place, PlainLink};
use postgres::Postgres;
pub use queries::Stats;
pub use read::{DeliveryNote, Event, Filter, Found, Inspection, Reader, backup, inspect};
pub use record::{Held, Intent, Lease, Pulse, Record};
pub use sqlite::copy::Copied;
pub use steps::UNREADABLE;
use store::{Store, Value};
use writer::Writer;

pub use crate::domain::State;
use crate::domain::{FirstName, OpId, Outcome, Reason, ReservationCode};

/// What the simulation of `crate::testing` builds a journal of.
#[cfg(test)]
pub(crate) mod seam {
    pub(crate) use super::sql::FREE_LEASES;
    pub(crate) use super::sqlite::Sqlite;
    pub(crate) use super::store::{Row, Store, Value};
    pub(crate) use super::writer::{Operation, OperationQueue, Writer, finish, run};
}

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
    /// The disk is nearly full: what is running is written down, and nothing new is taken.
    #[error("the journal's disk is nearly full: {0}")]
    NoRoom(String),
    /// The lease is lost, or the step is not allowed from the record's state: stop working on this record.
    #[error("the lease on this record is lost")]
    Fenced,
    /// Another replica did the same at the same moment; nothing was changed, look again.
    #[error("another replica was faster")]
    Raced,
    /// Something came after the look that was to be the outcome; nothing was changed, look again.
    #[error("another request joined meanwhile")]
    Joined,
    /// A row cannot be understood.
    #[error("the journal holds something unreadable: {0}")]
    Corrupt(String),
}

impl Error {
    fn corrupt(column: &str, expected: &str, found: Option<&Value>) -> Self {
        let found = match found {
            None => "is missing",
            Some(Value::Null) => "holds null",
            Some(Value::Integer(_)) => "holds a number",
            Some(Value::Text(_)) => "holds a text",
            Some(Value::Unreadable) => "holds an unreadable value",
        };
        Self::Corrupt(format!("column {column} {found}, expected {expected}"))
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

const HOUR_MS: i64 = 3_600_000;

/// How long what another replica wrote may go unseen by somebody who waits for it.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A handle to the journal; cheap to clone.
#[derive(Clone)]
pub struct Journal {
    writer: Writer,
    // The writer itself where a read costs nothing, another connection where it would hold up the writes.
    reader: Writer,
    place: Place,
    look_every: Option<Duration>,
    owner: Arc<str>,
    times: Times,
}

#[cfg(test)]
impl Journal {
    /// A journal whose operations wait in a simulated queue.
    pub(crate) fn simulated(writer: Writer, times: Times, look_every: Option<Duration>) -> Self {
        Self {
            reader: writer.clone(),
            writer,
            place: Place(Kind::File("simulated.db".into(), DiskRules::default())),
            look_every,
            owner: Uuid::now_v7().to_string().into(),
            times,
        }
    }

    /// The name under which this process holds leases.
    pub(crate) fn owner(&self) -> &str {
        &self.owner
    }
}

impl Journal {
    /// Opens the journal for writing, under a name that no other process has.
    ///
    /// # Errors
    /// [`Error::InUse`] when another instance has it, [`Error::Open`] when it cannot be used.
    pub fn open(place: &Place, times: Times) -> Result<Self, Error> {
        let owner: Arc<str> = Uuid::now_v7().to_string().into();
        let (writer, reader, look_every) = match place.0.clone() {
            Kind::File(path, disk) => {
                let writer = Writer::start(move || sqlite::Sqlite::open(&path, disk))?;
                (writer.clone(), writer, None)
            }
            Kind::Server(server) => {
                let (to_write, to_read, owner) = (*server.clone(), *server, owner.clone());
                (
                    Writer::start(move || Postgres::open(to_write, owner))?,
                    Writer::start(move || Ok(Postgres::to_read(to_read)))?,
                    Some(LOOK_EVERY),
                )
            }
        };
        Ok(Self {
            writer,
            reader,
            place: place.clone(),
            look_every,
            owner,
            times,
        })
    }

    /// Why accepted requests may be missing in it, when it was found so at the start.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn incomplete(&self) -> Result<Option<Reason>, Error> {
        let incomplete = |store: &mut dyn Store| Ok(store.incomplete().map(|why| why.reason()));
        self.reader.call(incomplete).await
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// How often to look for what another process may have written; `None` when there can be no other.
    #[must_use]
    pub fn look_every(&self) -> Option<Duration> {
        self.look_every
    }

    /// The times that it was opened with.
    #[must_use]
    pub fn times(&self) -> Times {
        self.times
    }

    /// How long until the next cancellation may be taken; `None` when none is waiting.
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

    /// Spends one of the deletions of this hour. False when they are spent.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn spend_deletion(&self, per_hour_max: u32) -> Result<bool, Error> {
        self.writer
            .call_alone(move |store| {
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
            .call_alone(move |store| accept::may_try(store, &conversation, &code, codes_max))
            .await
    }

    /// Notes, once, what a webhook was told.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn told(&self, asked: Acceptance, outcome: Outcome) -> Result<(), Error> {
        self.writer
            .call(move |store| {
                let (key, _) = seen::by_key(store, &asked)?;
                let channel = asked.delivery.channel.as_str();
                let parameters = [outcome.id().into(), channel.into(), key.into()];
                store.execute(sql::TOLD, &parameters).map(drop)
            })
            .await
    }

    /// Makes due what waits and is held by nobody.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn wake(&self) -> Result<(), Error> {
        self.writer
            .call_alone(|store| store.execute(sql::WAKE, &[]).map(drop))
            .await
    }

    /// Forgets attempts and hours that no longer count.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn forget_old_counts(&self) -> Result<(), Error> {
        self.writer
            .call_alone(move |store| {
                store.execute(sql::FORGET_BUDGET, &[(48 * HOUR_MS).into()])?;
                store.execute(sql::FORGET_ATTEMPTS, &[accept::DAY_MS.into()])?;
                store.execute(sql::FORGET_CONVERSATIONS, &[accept::DAY_MS.into()])?;
                store.execute(sql::FORGET_HEARD, &[accept::DAY_MS.into()])?;
                Ok(())
            })
            .await
    }

    /// The cancellations that ended within the last while, for whoever waits for one that another process works on.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn ended_within(&self, time: Duration) -> Result<Vec<Record>, Error> {
        let ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 2);
        self.reader
            .call(move |store| {
                let rows = store.query(sql::ENDED_WITHIN, &[ms.into()])?;
                // One that cannot be read is told to nobody, and keeps no other from being told.
                Ok(rows
                    .iter()
                    .filter_map(|row| Record::read(row).ok())
                    .collect())
            })
            .await
    }

    /// Proves that something can be promised: by writing, and by all that a promise writes until it ends, which is undone.
    ///
    /// # Errors
    /// [`Error::NoRoom`] when its disk is nearly full, [`Error::Unavailable`] when it cannot be written.
    pub async fn prove_writable(&self) -> Result<(), Error> {
        let owner = self.owner.clone();
        self.writer
            .call(move |store| {
                store.room()?;
                store.execute(sql::HEARTBEAT, &[Value::from(&*owner)])?;
                store.savepoint()?;
                let rehearsed = rehearsal::rehearse(store, &owner);
                store.undo()?;
                rehearsed
            })
            .await
    }

    /// One record.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn get(&self, id: OpId) -> Result<Option<Record>, Error> {
        self.reader.call(move |store| queries::get(store, id)).await
    }

    /// Writes what waits, closes the journal and frees it; afterwards an embedded one is all in its one file. Whatever is
    /// asked of it after that is told no.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when a part of it stands elsewhere, and where.
    pub async fn close(&self) -> Result<(), Error> {
        let read = self.reader.close().await;
        self.writer.close().await.and(read)
    }

    /// What the health page tells.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.reader.call(queries::stats).await
    }

    /// A lease is counted from before its commit, so that it never seems longer here than it is there.
    fn lease_end(&self) -> Instant {
        Instant::now() + Duration::from_millis(u64::try_from(self.times.lease_ms).unwrap_or(0))
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
    pub reason: Reason,
    /// Whether a person must look.
    pub needs_human: bool,
    /// What the customer is called, when OZmap's record says it.
    pub first_name: Option<FirstName>,
    /// What those hear who asked only after the deletion was decided.
    pub latecomers: Latecomers,
    /// Of a rehearsal: what the real cancellations of its code had come to before the look. When that is so no more, it does
    /// not end, with [`Error::Joined`].
    pub beside: Option<RealOne>,
}

/// What those hear who joined a cancellation after its deletion was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latecomers {
    /// The same as all others.
    HearTheSame,
    /// The same, if there are no more webhooks than this, which [`Journal::joined`] counted before the look: what was seen
    /// says nothing about what those ask for who came since. Otherwise it does not end, with [`Error::Joined`].
    AreNoMoreThan(i64),
    /// Nobody knows which reservation they meant: a person must look. Nothing is deleted for them, because a repetition of
    /// the first request may look like a new one.
    AreForAPerson(Apart),
}

/// Why those who joined late end apart from those whose deletion it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apart {
    /// The code leads to another reservation now.
    ReservedAgain,
    /// Somebody new joined during every look.
    JoinedLate,
}

impl Apart {
    /// The reason in the journal, which [`sql::FIND_RECENT`] knows too.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::ReservedAgain => Reason::ReservedAgain,
            Self::JoinedLate => Reason::JoinedLate,
        }
    }
}
