//! The handle to the journal: where it is, and the threads that write and read it.
//!
//! Its operations are in the files that they belong to, see the map in `mod.rs`.

use std::sync::Arc;

use tokio::time::{Duration, Instant};
use uuid::Uuid;

use super::error::Error;
use super::group_commit::Writer;
use super::postgres::Postgres;
use super::sql;
use super::sqlite::Sqlite;
use super::store::Store;
#[cfg(test)]
use super::url::DiskRules;
use super::url::{Backend, JournalUrl};
use crate::domain::Reason;

/// The journal's time limits, all in milliseconds on the database's clock.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// How long a lease lasts unless it is renewed.
    pub lease_ms: i64,
    /// How long after a DELETE was written down it may still take effect.
    pub settle_ms: i64,
    /// How long after its acceptance a cancellation is given up.
    pub deadline_ms: i64,
}

/// How often a waiting caller polls for writes of other replicas.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A handle to the journal; cheap to clone.
#[derive(Clone)]
pub struct Journal {
    pub(super) writer: Writer,
    // The writer itself where a read is cheap, another connection where it would delay the writes.
    pub(super) reader: Writer,
    place: JournalUrl,
    pub(super) look_every: Option<Duration>,
    pub(super) owner: Arc<str>,
    pub(super) times: Times,
}

#[cfg(test)]
impl Journal {
    /// A journal whose operations wait in a simulated queue.
    pub(crate) fn simulated(writer: Writer, times: Times, look_every: Option<Duration>) -> Self {
        Self {
            reader: writer.clone(),
            writer,
            place: JournalUrl(Backend::File("simulated.db".into(), DiskRules::default())),
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
    /// Opens the journal for writing, under an owner name that no other process has.
    ///
    /// # Errors
    /// [`Error::InUse`] when another instance has it, [`Error::Open`] when it cannot be used.
    pub fn open(place: &JournalUrl, times: Times) -> Result<Self, Error> {
        let owner: Arc<str> = Uuid::now_v7().to_string().into();
        let (writer, reader, look_every) = match place.0.clone() {
            Backend::File(path, disk) => {
                let writer = Writer::start(move || Sqlite::open(&path, disk))?;
                (writer.clone(), writer, None)
            }
            Backend::Server(server) => {
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

    /// Why the journal may lack accepted cancellations: the id of the reason, if the start found
    /// one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn incomplete(&self) -> Result<Option<Reason>, Error> {
        let incomplete = |store: &mut dyn Store| Ok(store.incomplete().map(|why| why.reason()));
        self.reader.call(incomplete).await
    }

    /// The location of the journal.
    #[must_use]
    pub fn place(&self) -> &JournalUrl {
        &self.place
    }

    /// How often to poll for writes of other processes; `None` when there can be no other.
    #[must_use]
    pub fn look_every(&self) -> Option<Duration> {
        self.look_every
    }

    /// The time limits that it was opened with.
    #[must_use]
    pub fn times(&self) -> Times {
        self.times
    }

    /// Makes every waiting cancellation due that no worker holds a lease on.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn wake(&self) -> Result<(), Error> {
        self.writer
            .call_exclusive(|store| store.execute(sql::WAKE, &[]).map(drop))
            .await
    }

    /// Writes the waiting operations, closes the journal and releases its locks. Afterwards an
    /// embedded journal is entirely in its one file, and every further operation fails.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when a part of it could not be moved into the file, with the reason.
    pub async fn close(&self) -> Result<(), Error> {
        let read = self.reader.close().await;
        self.writer.close().await.and(read)
    }

    /// Counts a lease from before its commit, so that it never seems longer here than in the
    /// database.
    pub(super) fn lease_end(&self) -> Instant {
        Instant::now() + Duration::from_millis(u64::try_from(self.times.lease_ms).unwrap_or(0))
    }
}
