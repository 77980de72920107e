//! The journal's values as SQLite's, and back.
//!
//! It must never guess at a value that the journal cannot have written, nor let it hide the rest of
//! the row.

use rusqlite::ToSql;
use rusqlite::types::ValueRef;

use crate::journal::error::Error;
use crate::journal::store::Value;

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

/// A value that the journal cannot have written is marked as unreadable; the others of its row can
/// be read.
pub(super) fn read(value: ValueRef<'_>) -> Value {
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
