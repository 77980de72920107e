//! The embedded store: one file, one process, every commit on the disk before it counts.
//!
//! It must never run with less than `synchronous = FULL`: a lost commit is a lost promise to a customer.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, ToSql, params_from_iter};

use super::place::DiskRules;
use super::store::{Fate, Row, Sharing, Store, Value};
use super::{Error, disk, sql};

/// SQLite before 3.51.3 can lose the write-ahead log when it is reset.
const VERSION_MIN: i32 = 3_051_003;

/// How long a write waits for a foreign process that holds the file.
const BUSY_MS: u64 = 2_000;

const NOW: &str = "CAST(unixepoch('subsec')*1000 AS INTEGER)";

/// How much must be free beside the file.
#[derive(Default)]
struct Room {
    /// The file by its real name, so that its own disk is asked.
    path: PathBuf,
    free_bytes_min: u64,
}

/// The connection, and the statements in its dialect.
pub(super) struct Sqlite {
    connection: Connection,
    now: &'static str,
    dialect: HashMap<&'static str, String>,
    room: Room,
    // Held as long as the store lives; the lock goes with the file handle, also after a kill.
    _lock: Option<File>,
}

impl Sqlite {
    /// Opens the journal for writing, creates it when it is not there, and locks out a second instance.
    pub(super) fn open(path: &Path, rules: DiskRules) -> Result<Self, Error> {
        let folder = disk::folder_of(path);
        disk::may_lie(path, rules.network)?;
        create_private_folder(folder).map_err(|error| {
            Error::Open(format!(
                "cannot create the folder {}: {error}",
                folder.display()
            ))
        })?;
        create_private_file(path)
            .map_err(|error| Error::Open(format!("cannot write {}: {error}", path.display())))?;
        // By whatever names two instances know it, there is one lock.
        let path = &path
            .canonicalize()
            .map_err(|error| Error::Open(format!("cannot find {}: {error}", path.display())))?;
        // Again, because a link that led to nothing leads to the file now.
        disk::may_lie(path, rules.network)?;
        let lock = lock(path)?;
        let connection = Connection::open(path)
            .map_err(|error| Error::Open(format!("{}: {error}", path.display())))?;
        let mut store = Self::with(connection, Some(lock))?;
        store.room = Room {
            path: path.clone(),
            free_bytes_min: rules.free_bytes_min,
        };
        store.prepare_for_writing()?;
        Ok(store)
    }

    /// Opens an existing journal for reading, beside a running service.
    pub(super) fn open_to_read(path: &Path) -> Result<Self, Error> {
        if !path.exists() {
            return Err(Error::Open(format!(
                "there is no journal at {}",
                path.display()
            )));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|error| Error::Open(format!("{}: {error}", path.display())))?;
        Self::with(connection, None)
    }

    fn with(connection: Connection, lock: Option<File>) -> Result<Self, Error> {
        if rusqlite::version_number() < VERSION_MIN {
            return Err(Error::Open(format!(
                "SQLite {} is older than 3.51.3",
                rusqlite::version()
            )));
        }
        connection.busy_timeout(Duration::from_millis(BUSY_MS))?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self {
            connection,
            now: NOW,
            dialect: HashMap::new(),
            room: Room::default(),
            _lock: lock,
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
        self.connection.execute_batch(sql::SCHEMA)?;
        self.connection
            .execute(&translate(sql::FREE_LEASES, self.now), [])?;
        Ok(())
    }

    fn text(&mut self, sql: &'static str) -> String {
        let now = self.now;
        self.dialect
            .entry(sql)
            .or_insert_with(|| translate(sql, now))
            .clone()
    }

    /// A journal in memory whose clock is a table that a schedule sets.
    #[cfg(test)]
    pub(super) fn in_memory() -> Result<Self, Error> {
        let connection = Connection::open_in_memory()?;
        let mut store = Self::with(connection, None)?;
        store.now = "(SELECT ms FROM simulated_clock)";
        store.connection.execute_batch(
            "CREATE TABLE simulated_clock (ms BIGINT NOT NULL); INSERT INTO simulated_clock VALUES (0);",
        )?;
        store.connection.pragma_update(None, "foreign_keys", true)?;
        store.connection.execute_batch(sql::SCHEMA)?;
        Ok(store)
    }

    /// Sets the clock of a journal in memory.
    #[cfg(test)]
    pub(super) fn set_clock(&mut self, ms: i64) -> Result<(), Error> {
        self.connection
            .execute("UPDATE simulated_clock SET ms = ?1", [ms])?;
        Ok(())
    }
}

/// Whether the disk failed, and not SQLite or a rule of ours.
fn is_input_or_output(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure)
}

/// `$n` becomes `?n`: SQLite numbers `$name` by first appearance, not by its digits.
fn translate(sql: &str, now: &str) -> String {
    sql.replace("{NOW}", now)
        .replace("{SKIP}", "")
        .replace('$', "?")
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn lock(path: &Path) -> Result<File, Error> {
    let lock_path = lock_path(path);
    create_private_file(&lock_path)
        .map_err(|error| Error::Open(format!("cannot write {}: {error}", lock_path.display())))?;
    let file = OpenOptions::new()
        .write(true)
        .open(&lock_path)
        .map_err(|error| Error::Open(format!("cannot open {}: {error}", lock_path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(path.display().to_string())),
        Err(TryLockError::Error(error)) => Err(Error::Open(format!(
            "cannot lock {}: {error}",
            lock_path.display()
        ))),
    }
}

/// The journal holds personal data: only its owner may read it.
#[cfg(unix)]
fn create_private_file(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}

#[cfg(not(unix))]
fn create_private_file(path: &Path) -> std::io::Result<()> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map(drop)
}

#[cfg(unix)]
fn create_private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(not(unix))]
fn create_private_folder(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Self::Null => Ok(rusqlite::types::Null.into()),
            Self::Integer(number) => Ok((*number).into()),
            Self::Text(text) => text.to_sql(),
            // Only ever read.
            Self::Unreadable => Ok(rusqlite::types::Null.into()),
        }
    }
}

impl Store for Sqlite {
    fn sharing(&self) -> Sharing {
        Sharing::Sole
    }

    fn room(&self) -> Result<(), Error> {
        disk::has_room(&self.room.path, self.room.free_bytes_min)
    }

    fn begin(&mut self) -> Result<(), Error> {
        // IMMEDIATE: a deferred transaction that reads first fails at once when another process wrote.
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    fn commit(&mut self) -> Fate {
        match self.connection.execute_batch("COMMIT") {
            Ok(()) => Fate::Durable,
            Err(error) => {
                self.rollback();
                // All of it may stand in the log behind the last commit that counts, only not for sure: a restart would
                // find it there. Nobody is told no before something else stands in its place.
                if is_input_or_output(&error) {
                    tracing::error!("a commit may or may not last: {error}");
                    return Fate::Unknown;
                }
                Fate::Undone(error.into())
            }
        }
    }

    fn fate(&mut self) -> Fate {
        let written_over = self.connection.execute_batch(
            "BEGIN IMMEDIATE; INSERT INTO batch (owner, number, at_ms) VALUES ('sqlite', 1, 0) \
             ON CONFLICT (owner) DO UPDATE SET number = number + 1; COMMIT",
        );
        match written_over {
            Ok(()) => Fate::Undone(Error::Unavailable(
                "the disk failed, and what was being written was undone".to_owned(),
            )),
            Err(error) => {
                self.rollback();
                tracing::debug!("what became of a commit cannot be decided yet: {error}");
                Fate::Unknown
            }
        }
    }

    fn rollback(&mut self) {
        // After some errors SQLite has done so by itself.
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::warn!("the journal could not undo a batch: {error}");
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
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(parameters))?;
        let mut answer = Vec::new();
        while let Some(row) = rows.next()? {
            let values: rusqlite::Result<Vec<Value>> = (0..columns)
                .map(|column| row.get_ref(column).map(read))
                .collect();
            answer.push(Row(values?));
        }
        Ok(answer)
    }
}

/// A value that the journal cannot have written stays in its row: the others can be read all the same.
fn read(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Unreadable,
        },
        ValueRef::Real(_) | ValueRef::Blob(_) => Value::Unreadable,
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}
