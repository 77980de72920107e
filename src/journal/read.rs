//! Reading the journal: for the service, and for an operator beside a running service.

use super::place::{Kind, Place};
use super::postgres::Postgres;
use super::record::Record;
use super::sqlite::Sqlite;
use super::store::{Store, Value};
use super::{Error, disk, sql};
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

/// A line in the history of a cancellation.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its place in the order.
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
    /// The final outcome that it was told, if it was told one.
    pub told_outcome: Option<String>,
    /// When it was told.
    pub told_at_ms: Option<i64>,
}

/// Which records to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only records in this state; empty means any.
    pub state: String,
    /// Only records with this outcome; empty means any.
    pub outcome: String,
    /// Only records that a person must look at; false means any.
    pub needs_human: bool,
    /// The most records.
    pub limit: u32,
}

/// Records that were looked for.
#[derive(Debug, Default)]
pub struct Found {
    /// Those that can be understood.
    pub records: Vec<Record>,
    /// The ids of the others, each with what is wrong.
    pub unreadable: Vec<String>,
}

/// A journal that is opened for reading only; the service may be running.
pub struct Reader {
    store: Box<dyn Store>,
}

impl Reader {
    /// Opens an existing journal. Blocks: not for asynchronous code.
    ///
    /// # Errors
    /// [`Error::Open`] when there is none or it cannot be read.
    pub fn open(place: &Place) -> Result<Self, Error> {
        let store: Box<dyn Store> = match &place.0 {
            Kind::File(path, _) => Box::new(Sqlite::open_to_read(path)?),
            Kind::Server(server) => Box::new(Postgres::open_to_read(*server.clone())?),
        };
        Ok(Self { store })
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
        self.found(sql::FIND, &[what.into(), i64::from(limit).into()])
    }

    /// One that cannot be understood must not hide the others, nor be hidden by them.
    fn found(&mut self, sql: &'static str, parameters: &[Value]) -> Result<Found, Error> {
        let mut found = Found::default();
        for row in self.store.query(sql, parameters)? {
            match Record::read(&row) {
                Ok(record) => found.records.push(record),
                Err(error) => {
                    let id = row.text(0).unwrap_or("?");
                    found.unreadable.push(format!("{id}: {error}"));
                }
            }
        }
        Ok(found)
    }

    /// What the health page tells of the journal.
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
            row.text_or_null(0)?.map(str::to_owned),
            row.text_or_null(1)?.map(str::to_owned),
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
                    seq: row.integer(0)?,
                    at_ms: row.integer(1)?,
                    fence: row.integer(2)?,
                    kind: row.text(3)?.to_owned(),
                    detail: row.text(4)?.to_owned(),
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
                    channel: row.text(0)?.to_owned(),
                    received_at_ms: row.integer(1)?,
                    told_outcome: row.text_or_null(2)?.map(str::to_owned),
                    told_at_ms: row.integer_or_null(3)?,
                })
            })
            .collect()
    }
}

/// Looks whether the service could use this journal, without creating it: `None` when it is not there yet.
/// Blocks: not for asynchronous code.
///
/// # Errors
/// [`Error::Open`] when the service would refuse it, [`Error::NoRoom`] when its disk is too full to accept anything,
/// [`Error::Unavailable`] when it cannot be read.
pub fn inspect(place: &Place) -> Result<Option<Stats>, Error> {
    let is_there = match &place.0 {
        Kind::File(path, rules) => {
            disk::may_lie(path, rules.network)?;
            disk::has_room(path, rules.free_bytes_min)?;
            path.exists()
        }
        Kind::Server(server) => Postgres::examine(server)?,
    };
    is_there.then(|| Reader::open(place)?.stats()).transpose()
}

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

pub(super) fn get(store: &mut dyn Store, id: OpId) -> Result<Option<Record>, Error> {
    Ok(records(store, sql::GET, &[id.to_string().into()])?
        .into_iter()
        .next())
}

pub(super) fn stats(store: &mut dyn Store) -> Result<Stats, Error> {
    let rows = store.query(sql::STATS, &[])?;
    rows.first().map_or(Ok(Stats::default()), |row| {
        Ok(Stats {
            active: row.integer(0)?,
            oldest_ms: row.integer(1)?,
            needs_human: row.integer(2)?,
            deletes_this_hour: row.integer(3)?,
        })
    })
}
