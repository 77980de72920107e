//! The journal's rows, read as they are stored, while a service is writing them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value};

use crate::support::postgres::Session;
use crate::support::store::{is_embedded, journal_url};

/// The path of a world's journal when that is a file.
pub fn path(folder: &Path) -> PathBuf {
    folder.join("journal.db")
}

/// Another program that uses the journal of a folder.
pub enum Foreign {
    Embedded(Connection),
    Shared(Session),
}

impl Foreign {
    pub fn of(folder: &Path) -> Self {
        if !is_embedded() {
            return Self::Shared(Session::open(&journal_url(folder)));
        }
        let connection = Connection::open(path(folder)).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        Self::Embedded(connection)
    }

    /// A program that locks the journal for writing, as a backup program might.
    pub fn lock(folder: &Path) -> Self {
        let foreign = Self::of(folder);
        match &foreign {
            Self::Embedded(_) => foreign.run("BEGIN IMMEDIATE"),
            Self::Shared(_) => foreign.run(
                "BEGIN; LOCK TABLE op, delivery, op_event, budget, attempt, heartbeat IN EXCLUSIVE MODE",
            ),
        }
        foreign
    }

    /// Releases the lock.
    pub fn unlock(&self) {
        self.run("ROLLBACK");
    }

    /// Runs statements.
    pub fn run(&self, sql: &str) {
        self.try_run(sql).unwrap();
    }

    /// Like `run`, for statements that the database may refuse.
    pub fn try_run(&self, sql: &str) -> Result<(), String> {
        match self {
            Self::Embedded(connection) => connection
                .execute_batch(sql)
                .map_err(|error| error.to_string()),
            Self::Shared(session) => session
                .try_run(sql)
                .map(drop)
                .map_err(|error| error.as_db_error().unwrap().message().to_owned()),
        }
    }

    /// The outcome of a record with an invalid protocol number, as far as it can be read.
    pub fn the_unreadable(&self, protocol: &str) -> Value {
        match self {
            Self::Embedded(connection) => {
                let row = "SELECT state, outcome, reason, needs_human FROM op WHERE protocol = ?1";
                let read = |row: &rusqlite::Row<'_>| {
                    Ok(serde_json::json!({
                        "state": row.get::<_, String>(0)?,
                        "outcome": row.get::<_, Option<String>>(1)?,
                        "reason": row.get::<_, Option<String>>(2)?,
                        "needs_human": row.get::<_, i64>(3)?,
                    }))
                };
                connection.query_row(row, [protocol], read).unwrap()
            }
            Self::Shared(_) => {
                let rows = self.table("op");
                let found = rows.into_iter().find(|row| row["protocol"] == protocol);
                found.unwrap()
            }
        }
    }

    fn table(&self, name: &str) -> Vec<Value> {
        match self {
            Self::Embedded(connection) => embedded(connection, name),
            Self::Shared(session) => session.run(&format!(
                "SELECT row_to_json(t) FROM (SELECT * FROM {name} ORDER BY {}) t",
                order(name)
            )),
        }
    }
}

/// The rows of a table, oldest first, with every column by its name.
pub fn table(folder: &Path, name: &str) -> Vec<Value> {
    Foreign::of(folder).table(name)
}

/// The cancellations, oldest first.
pub fn cancellations(folder: &Path) -> Vec<Value> {
    table(folder, "op")
}

/// The kinds of the events of every cancellation, in order.
pub fn events(folder: &Path) -> Vec<String> {
    table(folder, "op_event")
        .iter()
        .map(|event| event["kind"].as_str().unwrap().to_owned())
        .collect()
}

/// The columns that order the rows of a table by the time of their writing.
fn order(table: &str) -> &'static str {
    match table {
        "op" => "created_at, id",
        "delivery" => "received_at, dedupe_key",
        "op_event" => "at_ms, op_id, seq",
        "budget" => "bucket_at",
        "heartbeat" => "owner",
        "conversation" => "id",
        "schema_version" => "version",
        other => panic!("no order of rows is defined for {other}"),
    }
}

fn embedded(connection: &Connection, name: &str) -> Vec<Value> {
    let mut statement = connection
        .prepare(&format!("SELECT * FROM {name} ORDER BY rowid"))
        .unwrap();
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([]).unwrap();
    let mut table = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let members: Map<String, Value> = columns
            .iter()
            .enumerate()
            .map(|(at, name)| (name.clone(), member(row.get_ref(at).unwrap())))
            .collect();
        table.push(Value::Object(members));
    }
    table
}

fn member(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Text(text) => std::str::from_utf8(text).unwrap().into(),
        ValueRef::Real(_) | ValueRef::Blob(_) => panic!("a column of a foreign type"),
    }
}
