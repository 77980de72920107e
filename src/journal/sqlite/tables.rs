//! The tables of an embedded journal: read, created, and brought to what this version writes.

use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::{Connection, OpenFlags};

use super::{BUSY, Sqlite, files};
use crate::journal::upgrade::{self, Adding};
use crate::journal::{Error, sql};

impl Sqlite {
    /// An empty store with the tables of an existing journal, as the next start will find or make them.
    pub(in crate::journal) fn with_tables_of(path: &Path) -> Result<Self, Error> {
        let existing = read_only(path)?;
        let mut tables = existing.prepare(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' \
             ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'view' THEN 1 WHEN 'index' THEN 2 ELSE 3 END",
        )?;
        let store = Self::with(Connection::open_in_memory()?)?;
        let tables = tables.query_map([], |row| row.get::<_, String>(0))?;
        for table in tables {
            store.connection.execute_batch(&table?)?;
        }
        for name in sql::FIRST_TABLES {
            let known = "SELECT COUNT(*) FROM sqlite_master WHERE name = ?1";
            let is_there: i64 = store
                .connection
                .query_row(known, [name], |row| row.get(0))?;
            if is_there == 0 {
                return Err(Error::Unavailable(format!("it has no {name} any more")));
            }
        }
        store.connection.pragma_update(None, "foreign_keys", true)?;
        store.create_tables()?;
        Ok(store)
    }

    /// Creates what is not there, and adds what an older version did not have.
    pub(super) fn create_tables(&self) -> Result<(), Error> {
        self.connection.execute_batch(sql::SCHEMA)?;
        let missing =
            upgrade::missing(|table, column| has_column(&self.connection, table, column))?;
        if !missing.is_empty() {
            self.connection
                .execute_batch(&upgrade::additions(&missing, Adding::Alone))?;
        }
        Ok(())
    }
}

/// A connection to an existing journal that cannot change it, and that leaves nothing beside it.
pub(super) fn read_only(path: &Path) -> Result<Connection, Error> {
    if !path.exists() {
        return Err(Error::Open(format!(
            "there is no journal at {}",
            path.display()
        )));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match resting(path) {
        Some(address) => Connection::open_with_flags(address, flags | OpenFlags::SQLITE_OPEN_URI),
        None => Connection::open_with_flags(path, flags),
    };
    let connection =
        connection.map_err(|error| Error::Open(format!("{}: {error}", path.display())))?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// The address under which SQLite reads a journal that nobody has open without making a log for it. While a service has
/// it, its log is never empty.
fn resting(path: &Path) -> Option<String> {
    let log = files::log_path(path).metadata();
    let has_log = log.is_ok_and(|log| log.len() > 0);
    let path = utf8_percent_encode(path.to_str()?, NON_ALPHANUMERIC);
    (!has_log).then(|| format!("file:{path}?immutable=1"))
}

/// Whether a table has a column.
pub(super) fn has_column(
    connection: &Connection,
    table: &str,
    column: &str,
) -> Result<bool, Error> {
    Ok(connection.query_row(
        "SELECT COUNT(*) FROM pragma_table_info(?1) WHERE name = ?2",
        [table, column],
        |row| Ok(row.get::<_, i64>(0)? > 0),
    )?)
}
