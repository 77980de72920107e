//! The tables of an embedded journal: read, created, and upgraded.
//!
//! It must never leave an upgrade half done.

use std::path::Path;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::dialect::translate;
use super::files;
use crate::journal::error::Error;
use crate::journal::migrations::{self, Added, Plan, Tables};
use crate::journal::sql;

/// How long a write waits for another program that locks the file.
pub(super) const BUSY: Duration = Duration::from_secs(2);

/// A connection to an empty database in memory with the tables of an existing journal, as the next
/// start finds or makes them, and what that start does.
pub(super) fn with_tables_of(path: &Path) -> Result<(Connection, Plan), Error> {
    let existing = read_only(path)?;
    let plan = migrations::plan(&mut Existing(&existing))?;
    let mut tables = existing.prepare(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' \
         ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'view' THEN 1 WHEN 'index' THEN 2 ELSE 3 END",
    )?;
    let empty = Connection::open_in_memory()?;
    let tables = tables.query_map([], |row| row.get::<_, String>("sql"))?;
    for table in tables {
        empty.execute_batch(&table?)?;
    }
    empty.pragma_update(None, "foreign_keys", true)?;
    run(&empty, &plan)?;
    Ok((empty, plan))
}

/// Creates the tables of a new journal, and adds to an older one what this version needs. A crash
/// leaves either the old schema or the new one. `now` is the clock, as a statement asks for it.
pub(super) fn upgrade(connection: &Connection, now: &str) -> Result<(), Error> {
    let plan = migrations::plan(&mut Existing(connection))?;
    if plan == Plan::Nothing {
        return restore_indexes(connection);
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    run(&transaction, &plan)?;
    let version = translate(sql::SCHEMA_VERSION, now);
    transaction.execute(&version, [migrations::newest()])?;
    transaction.commit()?;
    plan.log();
    restore_indexes(connection)
}

/// Creates the indexes that an operator or another program removed. The journal works without
/// them, so a failure stops no start.
fn restore_indexes(connection: &Connection) -> Result<(), Error> {
    for index in migrations::missing_indexes(&mut Existing(connection))? {
        match connection.execute_batch(&index.statement) {
            Ok(()) => index.log(),
            Err(error) => index.log_failure(&error.to_string()),
        }
    }
    Ok(())
}

fn run(connection: &Connection, plan: &Plan) -> Result<(), Error> {
    for statement in plan.statements() {
        connection.execute_batch(statement)?;
    }
    Ok(())
}

/// The columns of a record that a journal of an older schema does not have yet.
pub(super) fn lacking_columns(connection: &Connection) -> Result<Vec<String>, Error> {
    migrations::lacking_columns(&mut Existing(connection), "op")
}

/// The tables of an open file.
struct Existing<'a>(&'a Connection);

impl Tables for Existing<'_> {
    fn has_each(&mut self, added: &[Added]) -> Result<Vec<bool>, Error> {
        added.iter().map(|one| has(self.0, one)).collect()
    }

    fn version(&mut self) -> Result<Option<i64>, Error> {
        let version = "SELECT MAX(version) FROM schema_version";
        Ok(self.0.query_row(version, [], |row| row.get(0))?)
    }

    fn has_rows(&mut self) -> Result<bool, Error> {
        let any = "SELECT EXISTS (SELECT 1 FROM op)";
        Ok(self.0.query_row(any, [], |row| row.get(0))?)
    }
}

fn has(connection: &Connection, added: &Added) -> Result<bool, Error> {
    let named = "SELECT COUNT(*) FROM sqlite_master WHERE type = ?1 AND name = ?2";
    let column = "SELECT COUNT(*) FROM pragma_table_info(?1) WHERE name = ?2";
    let (question, names) = match added {
        Added::Table(table) => (named, ["table", table]),
        Added::Index(index) | Added::UniqueIndex(index) => (named, ["index", index]),
        Added::Column { table, column: of } => (column, [table.as_str(), of]),
    };
    let count: i64 = connection.query_row(question, names, |row| row.get(0))?;
    Ok(count > 0)
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

/// The address under which SQLite reads a journal that no process has open, without creating a log
/// for it. While a service has it open, its log is never empty.
fn resting(path: &Path) -> Option<String> {
    let log = files::log_path(path).metadata();
    let has_log = log.is_ok_and(|log| log.len() > 0);
    let path = utf8_percent_encode(path.to_str()?, NON_ALPHANUMERIC);
    (!has_log).then(|| format!("file:{path}?immutable=1"))
}
