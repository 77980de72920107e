//! The embedded store: one file, one process, every commit is on the disk before it counts.
//!
//! It must never run with less than `synchronous = FULL`: a lost commit is a lost cancellation of a
//! customer. It must never write to a file that the next start would not find.
//!
//! Below it: `schema` (tables, upgrade), `files` (locks, files in place), `wal` (write-ahead log),
//! `backup` (a copy), `dialect` and `values`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, params_from_iter};

use super::error::Error;
use super::migrations::Plan;
use super::store::{CommitResult, Incomplete, Row, Sharing, Store, Value};
use super::url::DiskRules;
use super::{disk, record, sql};

pub(super) mod backup;
mod dialect;
mod files;
mod schema;
mod values;
mod wal;

use dialect::{NOW, translate};
use files::Files;
pub(super) use files::{companions, is_in_use};
use schema::{BUSY, read_only};
use values::read;

/// SQLite before 3.51.3 can lose the write-ahead log when it is reset.
const VERSION_MIN: i32 = 3_051_003;

/// The disk space that must stay free.
#[derive(Default)]
struct Room {
    /// The file by its real name: the disk that counts is the one under the file.
    path: PathBuf,
    free_bytes_min: u64,
}

/// The connection, and the statements in its dialect.
pub(crate) struct Sqlite {
    connection: Connection,
    now: &'static str,
    dialect: HashMap<&'static str, String>,
    room: Room,
    // What `{RECORD}` stands for.
    record: String,
    incomplete: Option<Incomplete>,
    trouble: Option<String>,
    log_tried_at_bytes: u64,
    // Dropped after the connection, which must be closed before the locks are released.
    files: Option<Files>,
}

impl Sqlite {
    /// Opens the journal for writing, creates it when it does not exist, and locks out a second
    /// instance.
    pub(super) fn open(path: &Path, rules: DiskRules) -> Result<Self, Error> {
        let folder = disk::folder_of(path);
        disk::may_lie(path, rules.network)?;
        files::create_private_folder(folder).map_err(|error| {
            Error::Open(format!(
                "cannot create the folder {}: {error}",
                folder.display()
            ))
        })?;
        let files = Files::hold(path)?;
        let path = files.path().to_owned();
        // Again, because a dangling link leads to the new file now.
        disk::may_lie(&path, rules.network)?;
        files::refuse_foreign_log(&path)?;
        let run = wal::run_in_file(&path);
        let connection = Connection::open(&path)
            .map_err(|error| Error::Open(format!("{}: {error}", path.display())))?;
        wal::refuse_older(&connection, &path, run)?;
        let mut store = Self::with(connection)?;
        store.files = Some(files);
        store.room = Room {
            path,
            free_bytes_min: rules.free_bytes_min,
        };
        store.prepare_for_writing()?;
        Ok(store)
    }

    /// Opens an existing journal for reading, beside a running service.
    pub(super) fn open_to_read(path: &Path) -> Result<Self, Error> {
        let mut store = Self::with(read_only(path)?)?;
        store.record = record::select_list(&schema::lacking_columns(&store.connection)?);
        let has_log = files::log_path(path)
            .metadata()
            .is_ok_and(|log| log.len() > 0);
        store.incomplete = match wal::mark(&store.connection)? {
            wal::MORE_IN_LOG if !has_log => Some(Incomplete::LogIsGone),
            wal::LOG_WAS_MISSING => Some(Incomplete::LogIsGone),
            wal::COPY => Some(Incomplete::IsACopy),
            _ => None,
        };
        Ok(store)
    }

    /// An empty store in memory with the tables of an existing journal, as the next start finds or
    /// makes them, and what that start does.
    pub(super) fn with_tables_of(path: &Path) -> Result<(Self, Plan), Error> {
        let (connection, plan) = schema::with_tables_of(path)?;
        Ok((Self::with(connection)?, plan))
    }

    fn with(connection: Connection) -> Result<Self, Error> {
        if rusqlite::version_number() < VERSION_MIN {
            return Err(Error::Open(format!(
                "SQLite {} is older than 3.51.3",
                rusqlite::version()
            )));
        }
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self {
            connection,
            now: NOW,
            dialect: HashMap::new(),
            room: Room::default(),
            record: record::select_list(&[]),
            incomplete: None,
            trouble: None,
            log_tried_at_bytes: 0,
            files: None,
        })
    }

    fn prepare_for_writing(&mut self) -> Result<(), Error> {
        let mode: String =
            self.connection
                .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        if !mode.eq_ignore_ascii_case("wal") {
            return Err(Error::Open(format!(
                "the file system does not allow a write-ahead log (journal mode {mode})"
            )));
        }
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let level: i64 = self
            .connection
            .pragma_query_value(None, "synchronous", |row| row.get(0))?;
        if level != 2 {
            return Err(Error::Open("synchronous=FULL was not accepted".to_owned()));
        }
        self.connection.pragma_update(None, "foreign_keys", true)?;
        wal::own(&self.connection)?;
        self.incomplete = wal::incomplete(&self.connection)?;
        schema::upgrade(&self.connection, self.now)?;
        self.connection
            .execute(&translate(sql::FREE_LEASES, self.now), [])?;
        if let Some(why) = self.incomplete {
            let left = wal::leave_to_a_person(&self.connection, self.now, why)?;
            wal::say_incomplete(why, left);
        }
        wal::count_run(&self.connection)?;
        self.move_log();
        Ok(())
    }

    /// Moves the write-ahead log into the file. If that fails, nothing is lost; the journal only
    /// stays in two files.
    fn move_log(&mut self) {
        if let Err(error) = wal::move_into_file(&self.connection) {
            tracing::warn!(
                "the journal's write-ahead log could not be moved into its file: {error}"
            );
        }
        self.remember();
        let bytes = self.files.as_ref().and_then(Files::log_bytes);
        self.log_tried_at_bytes = bytes.unwrap_or(0);
    }

    fn remember(&mut self) {
        let frames_end = self.log_end();
        if let Some(files) = &mut self.files {
            files.remember(frames_end);
        }
    }

    /// Where the last frame of the write-ahead log ends. Must not be called within a transaction.
    fn log_end(&self) -> Option<u64> {
        let page_bytes = self
            .connection
            .pragma_query_value(None, "page_size", |row| row.get(0));
        let frames = wal::frames(&self.connection);
        Some(files::end_of_log(frames.ok()?, page_bytes.ok()?))
    }

    /// Whether the next start will find the writes of this process.
    fn in_place(&self) -> Result<(), Error> {
        let Some(files) = &self.files else {
            return Ok(());
        };
        let frames_end = || self.log_end();
        files.in_place(frames_end).map_err(|trouble| {
            Error::Unavailable(format!(
                "{} was removed, renamed or cut off under the running service: {trouble}; stop the service, put the \
                 journal back in its place and start it again",
                files.path().display()
            ))
        })
    }

    fn text(&mut self, sql: &'static str) -> String {
        let (now, record) = (self.now, &self.record);
        self.dialect
            .entry(sql)
            .or_insert_with(|| translate(&sql.replace("{RECORD}", record), now))
            .clone()
    }

    /// A journal in memory whose clock is a table that a schedule sets.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Result<Self, Error> {
        let connection = Connection::open_in_memory()?;
        let mut store = Self::with(connection)?;
        store.now = "(SELECT ms FROM simulated_clock)";
        store.connection.execute_batch(
            "CREATE TABLE simulated_clock (ms BIGINT NOT NULL); INSERT INTO simulated_clock VALUES (0);",
        )?;
        store.connection.pragma_update(None, "foreign_keys", true)?;
        schema::upgrade(&store.connection, store.now)?;
        Ok(store)
    }

    /// Sets the clock of a journal in memory.
    #[cfg(test)]
    pub(crate) fn set_clock(&mut self, ms: i64) -> Result<(), Error> {
        self.connection
            .execute("UPDATE simulated_clock SET ms = ?1", [ms])?;
        Ok(())
    }
}

/// Whether the disk failed, and not a statement.
fn is_input_or_output(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure)
}

impl Store for Sqlite {
    fn sharing(&self) -> Sharing {
        Sharing::Sole
    }

    fn room(&self) -> Result<(), Error> {
        disk::has_room(&self.room.path, self.room.free_bytes_min)
    }

    fn tidy(&mut self) {
        let trouble = self.in_place().err().map(|error| error.to_string());
        if trouble != self.trouble {
            match &trouble {
                Some(trouble) => tracing::error!("nothing new is accepted: {trouble}"),
                None => tracing::warn!("the journal is back in its place"),
            }
            self.trouble = trouble;
        }
        if self.trouble.is_some() {
            return;
        }
        self.remember();
        let bytes = self.files.as_ref().and_then(Files::log_bytes).unwrap_or(0);
        // A reader may have blocked a part of the move: retry only after the log has grown as much
        // again.
        if bytes > wal::LOG_BYTES_MAX
            && (bytes < self.log_tried_at_bytes
                || bytes > self.log_tried_at_bytes + wal::LOG_BYTES_MAX)
        {
            self.move_log();
        }
    }

    fn incomplete(&self) -> Option<Incomplete> {
        self.incomplete
    }

    fn close(mut self) -> Result<(), Error> {
        if let Err(error) = self.in_place() {
            // A clean close would remove the present log, which may belong to another journal.
            std::mem::forget(self.connection);
            return Err(error);
        }
        wal::empty_into_file(&self.connection)?;
        let closed = self.connection.close();
        closed.map_err(|(_, error)| error)?;
        match self.files.take().and_then(|files| files.log_bytes()) {
            None | Some(0) => Ok(()),
            Some(bytes) => Err(Error::Unavailable(format!(
                "{bytes} bytes are left in its write-ahead log"
            ))),
        }
    }

    fn begin(&mut self) -> Result<(), Error> {
        self.in_place()?;
        // Within the transaction SQLite does not show what another program did to the log before
        // it.
        self.remember();
        // IMMEDIATE: a deferred transaction that reads first fails at once when another process
        // wrote.
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    fn commit(&mut self) -> CommitResult {
        if let Err(error) = self.in_place() {
            self.rollback();
            return CommitResult::RolledBack(error);
        }
        match self.connection.execute_batch("COMMIT") {
            Ok(()) => {
                self.remember();
                CommitResult::Committed
            }
            Err(error) => {
                self.rollback();
                // The batch may be in the log behind the last commit, and a restart would find it
                // there. No caller is refused before another write has replaced it.
                if is_input_or_output(&error) {
                    tracing::error!("the outcome of a commit is unknown: {error}");
                    return CommitResult::Unknown;
                }
                CommitResult::RolledBack(error.into())
            }
        }
    }

    fn resolve_commit(&mut self) -> CommitResult {
        let written_over = self.connection.execute_batch(
            "BEGIN IMMEDIATE; INSERT INTO batch (owner, number, at_ms) VALUES ('sqlite', 1, 0) \
             ON CONFLICT (owner) DO UPDATE SET number = number + 1; COMMIT",
        );
        match written_over {
            Ok(()) => CommitResult::RolledBack(Error::Unavailable(
                "the disk failed and the batch was rolled back".to_owned(),
            )),
            Err(error) => {
                self.rollback();
                tracing::debug!("the outcome of a commit is still unknown: {error}");
                CommitResult::Unknown
            }
        }
    }

    fn rollback(&mut self) {
        // After some errors SQLite has rolled back by itself.
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::warn!("failed to roll back a batch: {error}");
        }
    }

    fn savepoint(&mut self) -> Result<(), Error> {
        Ok(self.connection.execute_batch("SAVEPOINT operation")?)
    }

    fn release(&mut self) -> Result<(), Error> {
        Ok(self.connection.execute_batch("RELEASE operation")?)
    }

    fn undo(&mut self) -> Result<(), Error> {
        Ok(self
            .connection
            .execute_batch("ROLLBACK TO operation; RELEASE operation")?)
    }

    fn execute(&mut self, sql: &'static str, parameters: &[Value]) -> Result<u64, Error> {
        let text = self.text(sql);
        let changed = self
            .connection
            .prepare_cached(&text)?
            .execute(params_from_iter(parameters))?;
        Ok(changed as u64)
    }

    fn query(&mut self, sql: &'static str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        let text = self.text(sql);
        let mut statement = self.connection.prepare_cached(&text)?;
        let names = statement.column_names();
        let names: Arc<[String]> = names.map(str::to_owned).collect();
        let mut rows = statement.query(params_from_iter(parameters))?;
        let mut answer = Vec::new();
        while let Some(row) = rows.next()? {
            let values: rusqlite::Result<Vec<Value>> = (0..names.len())
                .map(|column| row.get_ref(column).map(read))
                .collect();
            answer.push(Row::new(names.clone(), values?));
        }
        Ok(answer)
    }
}
