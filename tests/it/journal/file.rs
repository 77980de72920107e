//! The journal's file, read as it is on the disk, while a service is writing it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Map, Value};

/// Where a world keeps its journal.
pub fn path(folder: &Path) -> PathBuf {
    folder.join("journal.db")
}

/// The rows of a table, oldest first, with every column by its name.
pub fn table(folder: &Path, name: &str) -> Vec<Value> {
    let connection =
        Connection::open_with_flags(path(folder), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
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

fn member(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Text(text) => std::str::from_utf8(text).unwrap().into(),
        ValueRef::Real(_) | ValueRef::Blob(_) => panic!("a column of a foreign type"),
    }
}
