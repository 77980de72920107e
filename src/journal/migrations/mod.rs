//! The numbered migrations of a journal's schema, and which of them a journal lacks.
//!
//! SQLite and PostgreSQL run the same files. A migration only adds tables, indexes, and columns
//! that an older version may leave out, because two versions share one database while replicas are
//! replaced. It must never change or remove anything, and a released file is never edited: a test
//! keeps the hashes.
//!
//! It is written by hand because no migration crate fits. The journal needs the SQLite of rusqlite
//! 0.43; `refinery-core` 0.10.1 takes rusqlite up to 0.41 and `rusqlite_migration` 2.6.0 takes
//! 0.40, and a program can link only one of them. `PRAGMA user_version`, which the latter counts
//! in, already says whether a file lacks its write-ahead log. And neither handles the journals that
//! were written before versions were recorded.
//!
//! The first versions of the service created the tables one statement after another, so a journal
//! without a version may be half made. It is completed while it holds no cancellation.
//!
//! | file | holds |
//! | --- | --- |
//! | `*.sql` | the migrations |
//! | `tests` | the plans for journals that lack something |
//!
//! To add a column: write the next file and name it in [`MIGRATIONS`], then read and write the
//! column.

use super::error::Error;

/// The migrations in their order. The version of a schema is the number of the last one.
const MIGRATIONS: &[&str] = &[
    include_str!("0001_first.sql"),
    include_str!("0002_received_code.sql"),
    include_str!("0003_question.sql"),
    include_str!("0004_first_seen.sql"),
    include_str!("0005_schema_version.sql"),
];

/// The tables without which a database that has `op` is damaged, and not only old.
const FIRST_TABLES: [&str; 6] = [
    "op",
    "delivery",
    "op_event",
    "budget",
    "attempt",
    "heartbeat",
];

/// What a statement of a migration adds to the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Added {
    Table(String),
    /// An index that only makes queries faster.
    Index(String),
    /// An index that forbids rows.
    UniqueIndex(String),
    Column {
        table: String,
        column: String,
    },
}

impl Added {
    /// Understands the three kinds of statements that a migration may hold.
    fn of(statement: &str) -> Option<Self> {
        let words: Vec<&str> = statement.split_whitespace().collect();
        let name = |name: &str| name.trim_end_matches('(').to_owned();
        match words.as_slice() {
            ["CREATE", "TABLE", "IF", "NOT", "EXISTS", table, ..] => Some(Self::Table(name(table))),
            ["CREATE", "INDEX", "IF", "NOT", "EXISTS", index, ..] => Some(Self::Index(name(index))),
            [
                "CREATE",
                "UNIQUE",
                "INDEX",
                "IF",
                "NOT",
                "EXISTS",
                index,
                ..,
            ] => Some(Self::UniqueIndex(name(index))),
            ["ALTER", "TABLE", table, "ADD", "COLUMN", column, ..] => Some(Self::Column {
                table: name(table),
                column: name(column),
            }),
            _ => None,
        }
    }

    /// For an error.
    fn describe(&self) -> String {
        match self {
            Self::Table(table) => format!("table {table}"),
            Self::Index(index) => format!("index {index}"),
            Self::UniqueIndex(index) => format!("unique index {index}"),
            Self::Column { table, column } => format!("column {column} of table {table}"),
        }
    }

    fn is_table(&self, name: &str) -> bool {
        matches!(self, Self::Table(table) if table == name)
    }
}

/// The tables of a journal, as its store shows them.
pub(super) trait Tables {
    /// Whether each of these exists, in the same order.
    fn has_each(&mut self, added: &[Added]) -> Result<Vec<bool>, Error>;
    /// The highest version in the table `schema_version`, which exists.
    fn version(&mut self) -> Result<Option<i64>, Error>;
    /// Whether the table `op`, which is there, holds a cancellation.
    fn has_rows(&mut self) -> Result<bool, Error>;
}

/// What a journal needs before this version of the service can write it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// There is no journal yet, or only a part of its empty tables.
    Create(Vec<String>),
    /// Its schema is older than this one.
    Upgrade { from: i64, statements: Vec<String> },
    /// Nothing.
    Nothing,
}

impl Plan {
    /// The statements to run, in one transaction, before [`super::sql::SCHEMA_VERSION`].
    pub(super) fn statements(&self) -> &[String] {
        match self {
            Self::Create(statements) | Self::Upgrade { statements, .. } => statements,
            Self::Nothing => &[],
        }
    }

    /// The tables that it adds.
    pub(super) fn new_tables(&self) -> Vec<String> {
        let added = self.statements().iter();
        let added = added.filter_map(|statement| Added::of(statement));
        added
            .filter_map(|adds| match adds {
                Added::Table(table) => Some(table),
                Added::Index(_) | Added::UniqueIndex(_) | Added::Column { .. } => None,
            })
            .collect()
    }

    /// Tells the operator what was done.
    pub(super) fn log(&self) {
        let to = newest();
        match self {
            Self::Create(_) => tracing::info!(schema = to, "journal created with schema {to}"),
            Self::Upgrade { from, .. } => {
                tracing::info!(from, to, "journal upgraded from schema {from} to {to}");
            }
            Self::Nothing => {}
        }
    }
}

/// The version of the schema that this version of the service writes.
pub(super) fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// An index without which a journal is slow, but whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MissingIndex {
    name: String,
    /// Creates it.
    pub(super) statement: String,
}

impl MissingIndex {
    /// Tells the operator that it is there again.
    pub(super) fn log(&self) {
        let index = &self.name;
        tracing::info!(
            index,
            "journal index {index} was missing and was created again"
        );
    }

    /// Tells the operator what to do: the service runs without it.
    pub(super) fn log_failure(&self, why: &str) {
        let Self { name, statement } = self;
        tracing::warn!(
            index = name,
            "journal index {name} is missing and could not be created ({why}): queries are slower; run as the owner of \
             its table: {statement}"
        );
    }
}

/// The indexes that a journal lost. Only for one that needs no upgrade any more.
pub(super) fn missing_indexes(tables: &mut dyn Tables) -> Result<Vec<MissingIndex>, Error> {
    let changes = compared(tables)?.into_iter();
    Ok(changes
        .filter_map(|one| match one.adds {
            Added::Index(name) if !one.is_there => Some(MissingIndex {
                name,
                statement: one.statement,
            }),
            Added::Table(_) | Added::Index(_) | Added::UniqueIndex(_) | Added::Column { .. } => {
                None
            }
        })
        .collect())
}

/// Compares a journal with the migrations.
///
/// # Errors
/// [`Error::Open`] when its schema is newer than this one, or when a part of its version is
/// missing.
pub(super) fn plan(tables: &mut dyn Tables) -> Result<Plan, Error> {
    let changes = compared(tables)?;
    let version = if has_table(&changes, "schema_version") {
        tables.version()?
    } else {
        None
    };
    let Some(from) = version else {
        return plan_without_version(tables, changes);
    };
    if from > newest() {
        return Err(newer(from));
    }
    let mut gone = changes.iter().filter(|one| one.is_needed());
    if let Some(gone) = gone.find(|one| one.number <= from) {
        return Err(damaged(&gone.adds));
    }
    Ok(if from == newest() {
        Plan::Nothing
    } else {
        upgrade(from, changes)
    })
}

/// The same for a journal from before there was a version, and for none at all.
fn plan_without_version(tables: &mut dyn Tables, changes: Vec<Change>) -> Result<Plan, Error> {
    let has = |table: &&str| has_table(&changes, table);
    let gone = FIRST_TABLES.into_iter().find(|table| !has(table));
    if let Some(table) = gone {
        let is_new = if has(&"op") {
            // Its first start was killed.
            !tables.has_rows()?
        } else {
            !FIRST_TABLES.iter().any(has)
        };
        if is_new {
            return Ok(Plan::Create(missing_after(0, changes)));
        }
        return Err(damaged(&Added::Table(table.to_owned())));
    }
    // The last migration that it has all of.
    let first_missing = changes.iter().find(|one| one.is_needed());
    let from = first_missing.map_or(newest(), |one| one.number - 1);
    Ok(upgrade(from, changes))
}

fn upgrade(from: i64, changes: Vec<Change>) -> Plan {
    let statements = missing_after(from, changes);
    Plan::Upgrade { from, statements }
}

/// The statements of what is missing of the migrations after one.
fn missing_after(number: i64, changes: Vec<Change>) -> Vec<String> {
    let missing = changes
        .into_iter()
        .filter(|one| one.number > number && !one.is_there);
    missing.map(|one| one.statement).collect()
}

fn has_table(changes: &[Change], name: &str) -> bool {
    changes
        .iter()
        .any(|one| one.is_there && one.adds.is_table(name))
}

/// The columns of a table that later migrations added, and that a journal which is only read does
/// not have yet.
pub(super) fn lacking_columns(tables: &mut dyn Tables, of: &str) -> Result<Vec<String>, Error> {
    let changes = compared(tables)?.into_iter();
    Ok(changes
        .filter_map(|one| match one.adds {
            Added::Column { table, column } if table == of && !one.is_there => Some(column),
            Added::Table(_) | Added::Index(_) | Added::UniqueIndex(_) | Added::Column { .. } => {
                None
            }
        })
        .collect())
}

/// Whether a journal exists.
pub(super) fn is_there(tables: &mut dyn Tables) -> Result<bool, Error> {
    let op = [Added::Table("op".to_owned())];
    Ok(tables.has_each(&op)?.contains(&true))
}

/// One statement of a migration, and whether its addition exists.
struct Change {
    number: i64,
    statement: String,
    adds: Added,
    is_there: bool,
}

impl Change {
    /// Whether the journal cannot be written before this is there.
    fn is_needed(&self) -> bool {
        !self.is_there && !matches!(self.adds, Added::Index(_))
    }
}

fn compared(tables: &mut dyn Tables) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::new();
    for (number, migration) in (1..).zip(MIGRATIONS) {
        for statement in statements(migration) {
            let adds = Added::of(&statement).ok_or_else(|| {
                Error::Open(format!(
                    "migration {number} does more than to add something"
                ))
            })?;
            changes.push((number, statement, adds));
        }
    }
    let added: Vec<Added> = changes.iter().map(|(_, _, adds)| adds.clone()).collect();
    let there = tables.has_each(&added)?;
    let changes = changes.into_iter().zip(there);
    Ok(changes
        .map(|((number, statement, adds), is_there)| Change {
            number,
            statement,
            adds,
            is_there,
        })
        .collect())
}

/// The statements of a migration, without its comments.
fn statements(migration: &str) -> Vec<String> {
    let code = migration
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"));
    let code: String = code.flat_map(|line| [line, "\n"]).collect();
    let statements = code.split(';').map(|statement| statement.trim().to_owned());
    statements
        .filter(|statement| !statement.is_empty())
        .collect()
}

fn newer(version: i64) -> Error {
    let newest = newest();
    Error::Open(format!(
        "its schema {version} is newer than schema {newest} of this version of ozmap-cancel; start the newer version that \
         upgraded it, or restore the backup that was made before the upgrade"
    ))
}

fn damaged(gone: &Added) -> Error {
    Error::Open(format!(
        "its {} is gone; undo what removed or renamed it, or restore a backup",
        gone.describe()
    ))
}

#[cfg(test)]
mod tests;
