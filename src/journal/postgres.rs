//! The shared store: a PostgreSQL server on which several replicas are one service.
//!
//! Leases belong to replicas that may be alive, so a start releases none. It must never report a
//! batch as durable or rolled back without knowing: if the answer to a commit is lost, it looks up
//! the number that the batch wrote.
//!
//! | file | holds |
//! | --- | --- |
//! | `connection` | one connection, with a limit of time for every exchange |
//! | `schema` | which servers are refused, the tables, and their upgrade |
//! | `values` | values as PostgreSQL takes them |

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::error::SqlState;

use super::error::Error;
use super::migrations::Plan;
use super::record;
use super::sql;
use super::store::{CommitResult, Row, Sharing, Store, Value};
use super::url::Server;

mod connection;
mod schema;
mod values;

use connection::{Connection, Trouble, told};

/// How long after a refused connection the next attempt is made. Until then every operation fails
/// at once.
const RECONNECT_PAUSE: Duration = Duration::from_millis(250);

/// A replica that wrote nothing for this long is considered gone.
const DAY_MS: i64 = 86_400_000;

/// How many lock waits one batch may have before all of it fails.
const WAITS_MAX: u32 = 2;

/// What the connection is for.
enum Purpose {
    /// Batches, which are numbered under this name.
    Write(Arc<str>),
    /// Single reads.
    Read,
}

/// What the server has in the place of the journal.
pub(super) enum Examined {
    /// Nothing; it will be created.
    NotThere,
    /// A journal of an older schema, which the start upgrades.
    Older,
    /// A journal of this schema.
    Current(Box<Postgres>),
}

/// The server, and the connection to it while there is one.
pub(super) struct Postgres {
    server: Server,
    purpose: Purpose,
    connection: Option<Connection>,
    refused: Option<(Instant, Error)>,
    dialect: HashMap<&'static str, String>,
    batch: i64,
    has_written: bool,
    waits: u32,
    // What `{RECORD}` stands for.
    record: String,
}

impl Postgres {
    /// Opens the journal for writing as `owner`, and creates its tables when they do not exist.
    pub(super) fn open(server: Server, owner: Arc<str>) -> Result<Self, Error> {
        let mut store = Self::new(server, Purpose::Write(owner));
        store.connected().map_err(at_start)?;
        schema::upgrade(store.connected()?)?;
        // A first write, so that a role without permission to write fails now.
        store.last_durable().map_err(at_start)?;
        store.take_over();
        Ok(store)
    }

    /// A journal to read from; it connects at the first read.
    pub(super) fn to_read(server: Server) -> Self {
        Self::new(server, Purpose::Read)
    }

    /// Opens an existing journal to read from. Blocks: not for asynchronous code.
    pub(super) fn open_to_read(server: Server) -> Result<Self, Error> {
        let mut store = Self::to_read(server);
        let connection = store.connected().map_err(at_start)?;
        if !schema::is_there(connection)? {
            return Err(Error::Open(
                "there is no journal in this database".to_owned(),
            ));
        }
        store.record = record::select_list(&schema::lacking_columns(connection)?);
        Ok(store)
    }

    /// Looks whether the server would be taken for writing, what journal is there, and whether the
    /// start may create or upgrade its tables. What it runs for that, it rolls back.
    pub(super) fn examine(server: &Server) -> Result<Examined, Error> {
        let mut connection = Connection::open(server).map_err(|error| at_start(told(error)))?;
        schema::require_durable(&mut connection)?;
        let plan = schema::plan(&mut connection)?;
        schema::rehearse_upgrade(&mut connection, &plan)?;
        Ok(match plan {
            Plan::Create(_) => Examined::NotThere,
            Plan::Upgrade { .. } => Examined::Older,
            Plan::Nothing => {
                let owner = Purpose::Write(Arc::from("check"));
                Examined::Current(Box::new(Self::new(server.clone(), owner)))
            }
        })
    }

    fn new(server: Server, purpose: Purpose) -> Self {
        Self {
            server,
            purpose,
            connection: None,
            refused: None,
            dialect: HashMap::new(),
            batch: 0,
            has_written: false,
            waits: 0,
            record: record::select_list(&[]),
        }
    }

    /// The connection, a new one when the last was lost.
    fn connected(&mut self) -> Result<&mut Connection, Error> {
        if self.connection.is_none() {
            if let Some((at, error)) = &self.refused
                && at.elapsed() < RECONNECT_PAUSE
            {
                return Err(error.clone());
            }
            match self.connect() {
                Ok(connection) => {
                    self.refused = None;
                    self.connection = Some(connection);
                }
                Err(error) => {
                    self.refused = Some((Instant::now(), error.clone()));
                    return Err(error);
                }
            }
        }
        self.connection.as_mut().ok_or_else(lost)
    }

    fn connect(&self) -> Result<Connection, Error> {
        let mut connection = Connection::open(&self.server).map_err(told)?;
        match &self.purpose {
            // On every connection, because another server may answer after a failover.
            Purpose::Write(_) => schema::require_durable(&mut connection)?,
            Purpose::Read => connection
                .run("SET default_transaction_read_only = on")
                .map_err(told)?,
        }
        Ok(connection)
    }

    /// What a failure means for the batch, and for the connection.
    fn failed(&mut self, trouble: Trouble) -> Error {
        match &trouble {
            Trouble::Lost(_) => self.connection = None,
            Trouble::Refused(code, _) if is_a_wait(code) => self.waits += 1,
            Trouble::Refused(..) => {}
        }
        told(trouble)
    }

    /// Runs a command on the connection that the batch began on.
    fn run(&mut self, command: &str) -> Result<(), Error> {
        let Some(connection) = &mut self.connection else {
            return Err(lost());
        };
        connection
            .run(command)
            .map_err(|trouble| self.failed(trouble))
    }

    fn text(&mut self, sql: &'static str) -> String {
        let translate = || schema::translate(sql, &self.record);
        self.dialect.entry(sql).or_insert_with(translate).clone()
    }

    fn rows(&mut self, sql: &'static str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        let text = self.text(sql);
        let Some(connection) = &mut self.connection else {
            return Err(lost());
        };
        let rows = connection.query(&text, parameters);
        let rows = rows.map_err(|trouble| self.failed(trouble))?;
        let names = values::names(&rows);
        rows.iter().map(|row| values::read(row, &names)).collect()
    }

    /// Writes the number of the batch as a part of it. From here on the row of this process is
    /// locked until the batch is committed or rolled back, even if the answer is lost.
    fn mark(&mut self) -> Result<(), Error> {
        let Purpose::Write(owner) = &self.purpose else {
            return Ok(());
        };
        let parameters = [Value::from(&**owner), self.batch.into()];
        self.execute(sql::MARK_BATCH, &parameters).map(drop)
    }

    /// Makes waiting cancellations due, and purges replicas that have not written for a day. Any
    /// replica may do it.
    fn take_over(&mut self) {
        let day: &[Value] = &[DAY_MS.into()];
        let [batch, heartbeat] = sql::FORGET_WRITERS;
        for (sql, parameters) in [(sql::WAKE, &[][..]), (batch, day), (heartbeat, day)] {
            if let Err(error) = self.execute(sql, parameters) {
                tracing::warn!("failed to purge old replicas from the journal: {error}");
            }
        }
    }

    /// Reads the number of the last durable batch; waits while a commit is still running.
    fn last_durable(&mut self) -> Result<Option<i64>, Error> {
        let Purpose::Write(owner) = &self.purpose else {
            return Ok(None);
        };
        let parameters = [Value::from(&**owner)];
        self.connected()?;
        let rows = self.rows(sql::LAST_BATCH, &parameters)?;
        rows.first().map(|row| row.integer("number")).transpose()
    }
}

impl Store for Postgres {
    fn sharing(&self) -> Sharing {
        Sharing::Shared
    }

    /// Its disk is the server's, usually on another machine.
    fn room(&self) -> Result<(), Error> {
        Ok(())
    }

    fn begin(&mut self) -> Result<(), Error> {
        self.connected()?;
        let Purpose::Write(_) = self.purpose else {
            return Ok(());
        };
        self.batch += 1;
        self.has_written = false;
        self.waits = 0;
        match self.run("BEGIN") {
            // The server was restarted since the last batch; nothing of this one was sent yet.
            Err(_) if self.connection.is_none() => {
                self.connected()?;
                self.run("BEGIN")
            }
            begun => begun,
        }
    }

    fn commit(&mut self) -> CommitResult {
        let Purpose::Write(_) = self.purpose else {
            return CommitResult::Committed;
        };
        if !self.has_written {
            return match self.run("COMMIT") {
                Ok(()) => CommitResult::Committed,
                Err(error) => CommitResult::RolledBack(error),
            };
        }
        if let Err(error) = self.mark() {
            self.rollback();
            return CommitResult::RolledBack(error);
        }
        match self.run("COMMIT") {
            Ok(()) => CommitResult::Committed,
            // The server refused the commit.
            Err(error) if self.connection.is_some() => {
                self.rollback();
                CommitResult::RolledBack(error)
            }
            Err(error) => {
                tracing::error!("the answer to a commit was lost: {error}");
                CommitResult::Unknown
            }
        }
    }

    fn resolve_commit(&mut self) -> CommitResult {
        match self.last_durable() {
            Ok(Some(last)) if last >= self.batch => CommitResult::Committed,
            Ok(_) => CommitResult::RolledBack(Error::Unavailable(
                "the database rolled the batch back when the connection was lost".to_owned(),
            )),
            Err(error) => {
                tracing::debug!("the outcome of a commit is still unknown: {error}");
                CommitResult::Unknown
            }
        }
    }

    fn rollback(&mut self) {
        if let Purpose::Read = self.purpose {
            return;
        }
        // Without a connection the server rolls back by itself.
        if self.connection.is_some()
            && let Err(error) = self.run("ROLLBACK")
        {
            tracing::warn!("failed to roll back a batch: {error}");
            self.connection = None;
        }
    }

    fn savepoint(&mut self) -> Result<(), Error> {
        match self.purpose {
            Purpose::Write(_) => self.run("SAVEPOINT operation"),
            Purpose::Read => Ok(()),
        }
    }

    fn release(&mut self) -> Result<(), Error> {
        match self.purpose {
            Purpose::Write(_) => self.run("RELEASE operation"),
            Purpose::Read => Ok(()),
        }
    }

    fn undo(&mut self) -> Result<(), Error> {
        match self.purpose {
            Purpose::Read => Ok(()),
            Purpose::Write(_) if self.waits >= WAITS_MAX => Err(Error::Unavailable(
                "other sessions lock the rows of the journal for too long".to_owned(),
            )),
            Purpose::Write(_) => self.run("ROLLBACK TO operation; RELEASE operation"),
        }
    }

    fn execute(&mut self, sql: &'static str, parameters: &[Value]) -> Result<u64, Error> {
        let text = self.text(sql);
        let Some(connection) = &mut self.connection else {
            return Err(lost());
        };
        let changed = connection.execute(&text, parameters);
        let changed = changed.map_err(|trouble| self.failed(trouble))?;
        self.has_written |= changed > 0;
        Ok(changed)
    }

    fn query(&mut self, sql: &'static str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        let rows = match self.rows(sql, parameters) {
            // A read has no effect, so it is safe to retry: the server may have been restarted.
            Err(_) if self.connection.is_none() && matches!(self.purpose, Purpose::Read) => {
                self.connected()?;
                self.rows(sql, parameters)?
            }
            rows => rows?,
        };
        self.has_written |= !rows.is_empty() && !sql.starts_with("SELECT");
        Ok(rows)
    }
}

/// Whether a statement failed because of the locks of other sessions.
fn is_a_wait(code: &SqlState) -> bool {
    [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::QUERY_CANCELED,
    ]
    .contains(code)
}

fn at_start(error: Error) -> Error {
    match error {
        Error::Unavailable(why) => Error::Open(why),
        other @ (Error::Open(_)
        | Error::InUse(_)
        | Error::NoRoom(_)
        | Error::Fenced
        | Error::Raced
        | Error::Joined
        | Error::Corrupt(_)) => other,
    }
}

fn lost() -> Error {
    Error::Unavailable("the connection to the database was lost".to_owned())
}
