//! The operator's view of a journal, also while the service runs: `journal list`, `show` and
//! `backup`, and `check`.
//!
//! It must never write to the journal that it reads.

use std::path::Path;

use super::error::Error;
use super::migrations::Plan;
use super::postgres::{Examined, Postgres};
use super::queries::{Stats, stats};
use super::record::Record;
use super::sqlite::backup::Copied;
use super::sqlite::{self, Sqlite};
use super::store::{Store, Value};
use super::url::{Backend, JournalUrl, Server};
use super::write_probe::probe_write;
use super::{disk, sql};
use crate::domain::{OpId, Reason, ReservationCode};

/// A line in the history of a cancellation.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its position in the order.
    pub seq: i64,
    /// When (database clock, ms).
    pub at_ms: i64,
    /// Under which lease.
    pub fence: i64,
    /// What happened.
    pub kind: String,
    /// More about it.
    pub detail: String,
}

/// One webhook of a cancellation.
#[derive(Clone, Debug)]
pub struct DeliveryNote {
    /// The channel that it came through.
    pub channel: String,
    /// When (database clock, ms).
    pub received_at_ms: i64,
    /// The final outcome that it was answered with, if any.
    pub told_outcome: Option<String>,
    /// When it was answered with it.
    pub told_at_ms: Option<i64>,
}

/// Which records to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only records in this state; empty means any.
    pub state: String,
    /// Only records with this outcome; empty means any.
    pub outcome: String,
    /// Only records that an operator must review; false means any.
    pub needs_human: bool,
    /// The most records.
    pub limit: u32,
}

/// The result of a search for records.
#[derive(Debug, Default)]
pub struct Found {
    /// The readable ones.
    pub records: Vec<Record>,
    /// The ids of the others, each with what is wrong.
    pub unreadable: Vec<String>,
}

impl Found {
    /// Whether the result is empty, without even an unreadable record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.unreadable.is_empty()
    }
}

/// A journal that is opened for reading only; the service may be running.
pub struct Reader {
    store: Box<dyn Store>,
}

impl Reader {
    /// Opens an existing journal. Blocks: not for asynchronous code.
    ///
    /// # Errors
    /// [`Error::Open`] when it does not exist or cannot be read.
    pub fn open(place: &JournalUrl) -> Result<Self, Error> {
        let store: Box<dyn Store> = match &place.0 {
            Backend::File(path, _) => Box::new(Sqlite::open_to_read(path)?),
            Backend::Server(server) => Box::new(Postgres::open_to_read(*server.clone())?),
        };
        Ok(Self { store })
    }

    /// Why the journal lacks accepted cancellations: the id of the reason.
    #[must_use]
    pub fn incomplete(&self) -> Option<Reason> {
        self.store.incomplete().map(|why| why.reason())
    }

    /// The newest records.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot be read.
    pub fn list(&mut self, filter: &Filter) -> Result<Found, Error> {
        let parameters = [
            filter.state.as_str().into(),
            filter.outcome.as_str().into(),
            i64::from(filter.limit).into(),
            i64::from(filter.needs_human).into(),
        ];
        self.found(sql::LIST, &parameters)
    }

    /// Records by protocol number, id, reservation code or property id; the newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot be read.
    pub fn find(&mut self, what: &str, limit: u32) -> Result<Found, Error> {
        let found = self.found(sql::FIND, &[what.into(), i64::from(limit).into()])?;
        match ReservationCode::parse(what) {
            // The journal holds one spelling of a code, however the operator types it.
            Ok(code) if found.is_empty() && code.as_str() != what => {
                self.found(sql::FIND, &[code.as_str().into(), i64::from(limit).into()])
            }
            Ok(_) | Err(_) => Ok(found),
        }
    }

    /// An unreadable record must not hide the others, nor be hidden by them.
    fn found(&mut self, sql: &'static str, parameters: &[Value]) -> Result<Found, Error> {
        let mut found = Found::default();
        for row in self.store.query(sql, parameters)? {
            match Record::read(&row) {
                Ok(record) => found.records.push(record),
                Err(error) => {
                    let id = row.text("id").unwrap_or("?");
                    found.unreadable.push(format!("{id}: {error}"));
                }
            }
        }
        Ok(found)
    }

    /// The journal's numbers on the health page.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot be read.
    pub fn stats(&mut self) -> Result<Stats, Error> {
        stats(self.store.as_mut())
    }

    /// The raw JSON that was kept before the deletion, and the customer's reason.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot be read.
    pub fn snapshot(&mut self, op: OpId) -> Result<(Option<String>, Option<String>), Error> {
        let rows = self.store.query(sql::SNAPSHOT, &[op.to_string().into()])?;
        let Some(row) = rows.first() else {
            return Ok((None, None));
        };
        Ok((
            row.text_or_null("snapshot")?.map(str::to_owned),
            row.text_or_null("note")?.map(str::to_owned),
        ))
    }

    /// The history of a cancellation, in order.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot be read.
    pub fn events(&mut self, op: OpId) -> Result<Vec<Event>, Error> {
        let rows = self.store.query(sql::EVENTS, &[op.to_string().into()])?;
        rows.iter()
            .map(|row| {
                Ok(Event {
                    seq: row.integer("seq")?,
                    at_ms: row.integer("at_ms")?,
                    fence: row.integer("fence")?,
                    kind: row.text("kind")?.to_owned(),
                    detail: row.text("detail")?.to_owned(),
                })
            })
            .collect()
    }

    /// The webhooks of a cancellation, in order.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot be read.
    pub fn deliveries(&mut self, op: OpId) -> Result<Vec<DeliveryNote>, Error> {
        let rows = self
            .store
            .query(sql::DELIVERIES, &[op.to_string().into()])?;
        rows.iter()
            .map(|row| {
                Ok(DeliveryNote {
                    channel: row.text("channel")?.to_owned(),
                    received_at_ms: row.integer("received_at")?,
                    told_outcome: row.text_or_null("told_outcome")?.map(str::to_owned),
                    told_at_ms: row.integer_or_null("told_at")?,
                })
            })
            .collect()
    }
}

/// What exists in the place of the journal.
#[derive(Clone, Copy, Debug)]
pub enum Inspection {
    /// Nothing yet; it will be created.
    NotThere,
    /// A journal that the service can use.
    Usable {
        /// What is in it.
        stats: Stats,
        /// Whether a running instance has it open.
        in_use: bool,
    },
    /// A journal that lacks accepted cancellations. The start will report it and leave the unclear
    /// ones to the operator.
    Incomplete {
        /// The id of the reason.
        why: Reason,
    },
}

/// Examines whether the service could use this journal, without creating or changing anything.
/// Blocks: not for asynchronous code.
///
/// # Errors
/// [`Error::Open`] when the service would refuse it, [`Error::NoRoom`] when its disk is too full to
/// accept anything, [`Error::Unavailable`] when nothing could be accepted in it.
pub fn inspect(place: &JournalUrl) -> Result<Inspection, Error> {
    let (is_there, in_use) = match &place.0 {
        Backend::File(path, rules) => {
            disk::may_lie(path, rules.network)?;
            disk::has_room(path, rules.free_bytes_min)?;
            disk::may_be_written(path, &sqlite::companions(path))?;
            (examine_file(path)?, sqlite::is_in_use(path)?)
        }
        Backend::Server(server) => (examine(server)?, false),
    };
    if !is_there {
        return Ok(Inspection::NotThere);
    }
    let mut reader = Reader::open(place)?;
    match reader.incomplete() {
        // While it runs, the start has already reported what is missing.
        Some(why) if !in_use => Ok(Inspection::Incomplete { why }),
        Some(_) | None => Ok(Inspection::Usable {
            stats: reader.stats()?,
            in_use,
        }),
    }
}

/// Whether there is a journal in a file. Writes a cancellation into empty tables like its own.
fn examine_file(path: &Path) -> Result<bool, Error> {
    if !path.metadata().is_ok_and(|found| found.len() > 0) {
        return Ok(false);
    }
    let (mut tables, plan) = Sqlite::with_tables_of(path)?;
    tables.begin()?;
    probe_write(&mut tables, "check")?;
    match plan {
        // A first start that was killed, or a journal whose write-ahead log is gone with all of it.
        Plan::Create(_) => Ok(Sqlite::open_to_read(path)?.incomplete().is_some()),
        Plan::Upgrade { .. } | Plan::Nothing => Ok(true),
    }
}

/// Whether there is a journal on a server. Writes a cancellation into one of this schema, and rolls
/// it back.
fn examine(server: &Server) -> Result<bool, Error> {
    let mut store = match Postgres::examine(server)? {
        Examined::NotThere => return Ok(false),
        Examined::Older => return Ok(true),
        Examined::Current(store) => store,
    };
    store.begin()?;
    let probed = probe_write(store.as_mut(), "check");
    store.rollback();
    probed.map(|()| true)
}

/// Copies an embedded journal into a new file, also while the service writes. Blocks: not for
/// asynchronous code.
///
/// # Errors
/// [`Error::Open`] when the file already exists or cannot be written, or when the journal is on a
/// server, which has tools of its own; [`Error::Unavailable`] when the journal cannot be read.
pub fn backup(place: &JournalUrl, target: &Path) -> Result<Copied, Error> {
    match &place.0 {
        Backend::File(path, _) => sqlite::backup::copy(path, target),
        Backend::Server(_) => Err(Error::Open(format!(
            "the journal is on {place}: copy it with PostgreSQL's own tools, as pg_dump --format=custom --file={} does, \
             or with continuous archiving",
            target.display()
        ))),
    }
}
