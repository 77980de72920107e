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
    Index(String),
    Column { table: String, column: String },
}

impl Added {
    /// Understands the three kinds of statements that a migration may hold.
    fn of(statement: &str) -> Option<Self> {
        let words: Vec<&str> = statement.split_whitespace().collect();
        let name = |name: &str| name.trim_end_matches('(').to_owned();
        match words.as_slice() {
            ["CREATE", "TABLE", "IF", "NOT", "EXISTS", table, ..] => Some(Self::Table(name(table))),
            ["CREATE", "INDEX", "IF", "NOT", "EXISTS", index, ..]
            | [
                "CREATE",
                "UNIQUE",
                "INDEX",
                "IF",
                "NOT",
                "EXISTS",
                index,
                ..,
            ] => Some(Self::Index(name(index))),
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
}

/// What a journal needs before this version of the service can write it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// There is no journal yet.
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

    /// Tells the operator what changed.
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

/// Compares a journal with the migrations.
///
/// # Errors
/// [`Error::Open`] when its schema is newer than this one, or when a part of its version is
/// missing.
pub(super) fn plan(tables: &mut dyn Tables) -> Result<Plan, Error> {
    let changes = compared(tables)?;
    let has = |name: &str| {
        changes
            .iter()
            .any(|one| one.is_there && one.adds.is_table(name))
    };
    let version = if has("schema_version") {
        tables.version()?
    } else {
        None
    };
    match version {
        Some(version) if version > newest() => return Err(newer(version)),
        Some(version) => {
            let gone = changes
                .iter()
                .find(|one| one.number <= version && !one.is_there);
            if let Some(gone) = gone {
                return Err(damaged(&gone.adds));
            }
        }
        None if has("op") => {
            if let Some(table) = FIRST_TABLES.into_iter().find(|table| !has(table)) {
                return Err(damaged(&Added::Table(table.to_owned())));
            }
        }
        None => {}
    }
    let missing = |one: Change| (!one.is_there).then_some(one.statement);
    // Journals without a recorded version: the highest version that they have completely.
    let first_missing = changes.iter().find(|one| !one.is_there);
    let whole = first_missing.map_or(newest(), |one| one.number - 1);
    let from = version.unwrap_or(whole);
    let is_new = !has("op");
    let statements = changes.into_iter().filter_map(missing).collect();
    Ok(if is_new {
        Plan::Create(statements)
    } else if version == Some(newest()) {
        Plan::Nothing
    } else {
        Plan::Upgrade { from, statements }
    })
}

/// The columns of a table that later migrations added, and that a journal opened only for reading
/// may lack.
pub(super) fn lacking_columns(tables: &mut dyn Tables, of: &str) -> Result<Vec<String>, Error> {
    let changes = compared(tables)?.into_iter();
    Ok(changes
        .filter_map(|one| match one.adds {
            Added::Column { table, column } if table == of && !one.is_there => Some(column),
            Added::Table(_) | Added::Index(_) | Added::Column { .. } => None,
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
#[expect(clippy::panic, clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;

    /// A journal with the additions of the first so many migrations, with or without a recorded
    /// version.
    struct Old {
        migrations: usize,
        version: Option<i64>,
        gone: Vec<Added>,
    }

    impl Tables for Old {
        fn has_each(&mut self, added: &[Added]) -> Result<Vec<bool>, Error> {
            let has: Vec<Added> = MIGRATIONS[..self.migrations.min(MIGRATIONS.len())]
                .iter()
                .flat_map(|migration| statements(migration))
                .filter_map(|statement| Added::of(&statement))
                .collect();
            let is_there = |one: &Added| has.contains(one) && !self.gone.contains(one);
            Ok(added.iter().map(is_there).collect())
        }

        fn version(&mut self) -> Result<Option<i64>, Error> {
            Ok(self.version)
        }
    }

    fn plan_of(migrations: usize, version: Option<i64>, gone: Vec<Added>) -> Result<Plan, Error> {
        plan(&mut Old {
            migrations,
            version,
            gone,
        })
    }

    #[test]
    fn every_older_schema_is_upgraded_by_what_it_lacks() {
        let all: Vec<_> = MIGRATIONS.iter().map(|one| statements(one)).collect();
        for from in 1..MIGRATIONS.len() {
            let Plan::Upgrade {
                from: said,
                statements,
            } = plan_of(from, None, vec![]).unwrap()
            else {
                panic!("schema {from} is not upgraded");
            };
            assert_eq!(usize::try_from(said).unwrap(), from);
            assert_eq!(statements, all[from..].concat());
        }
        assert_eq!(
            plan_of(0, None, vec![]).unwrap(),
            Plan::Create(all.concat())
        );
        let newest_one = plan_of(MIGRATIONS.len(), Some(newest()), vec![]).unwrap();
        assert_eq!(newest_one, Plan::Nothing);
    }

    #[test]
    fn an_upgrade_that_recorded_no_version_is_completed() {
        let whole = plan_of(MIGRATIONS.len(), None, vec![]).unwrap();
        let expected = Plan::Upgrade {
            from: newest(),
            statements: vec![],
        };
        assert_eq!(whole, expected);
    }

    #[test]
    fn a_newer_and_a_damaged_journal_are_refused() {
        let newer = plan_of(99, Some(newest() + 1), vec![])
            .unwrap_err()
            .to_string();
        assert!(newer.contains("start the newer version"), "{newer}");
        assert!(newer.contains("restore the backup"), "{newer}");
        let table = Added::Table("delivery".to_owned());
        for (migrations, version) in [(1, None), (MIGRATIONS.len(), Some(newest()))] {
            let gone = plan_of(migrations, version, vec![table.clone()]);
            let said = gone.unwrap_err().to_string();
            assert!(said.contains("table delivery is gone"), "{said}");
        }
        let column = Added::Column {
            table: "op".to_owned(),
            column: "came_as".to_owned(),
        };
        let gone = plan_of(MIGRATIONS.len(), Some(newest()), vec![column]);
        let said = gone.unwrap_err().to_string();
        assert!(
            said.contains("column came_as of table op is gone"),
            "{said}"
        );
    }
}
