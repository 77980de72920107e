//! The interface to a database: run a statement, and commit a batch or roll it back.
//!
//! The journal's operations are written once against this trait; a store only knows its dialect and
//! its driver.

use std::sync::Arc;

use super::error::Error;
use crate::domain::Reason;

/// A value of a parameter or a column; the journal needs no other types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// No value.
    Null,
    /// A whole number; flags are 0 and 1, times are milliseconds since 1970.
    Integer(i64),
    /// A text.
    Text(String),
    /// A value that the journal cannot have written.
    Unreadable,
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer. Its values are read by the names of their columns.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    // Shared by all rows of an answer.
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    /// A row of an answer with these columns.
    pub(super) fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// The whole number in a column.
    pub(crate) fn integer(&self, column: &str) -> Result<i64, Error> {
        match self.value(column) {
            Some(Value::Integer(number)) => Ok(*number),
            other => Err(corrupt(column, "a number", other)),
        }
    }

    /// The whole number in a column, or nothing.
    pub(crate) fn integer_or_null(&self, column: &str) -> Result<Option<i64>, Error> {
        match self.value(column) {
            Some(Value::Null) => Ok(None),
            _ => self.integer(column).map(Some),
        }
    }

    /// The text in a column.
    pub(crate) fn text(&self, column: &str) -> Result<&str, Error> {
        match self.value(column) {
            Some(Value::Text(text)) => Ok(text),
            other => Err(corrupt(column, "a text", other)),
        }
    }

    /// The text in a column, or nothing.
    pub(crate) fn text_or_null(&self, column: &str) -> Result<Option<&str>, Error> {
        match self.value(column) {
            Some(Value::Null) => Ok(None),
            _ => self.text(column).map(Some),
        }
    }

    /// All values, in the order of the statement.
    #[cfg(test)]
    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }

    fn value(&self, column: &str) -> Option<&Value> {
        let at = self.columns.iter().position(|name| name == column)?;
        self.values.get(at)
    }
}

/// A value that is not what its column holds. The error names the column, never the value.
fn corrupt(column: &str, expected: &str, found: Option<&Value>) -> Error {
    let found = match found {
        None => "is missing",
        Some(Value::Null) => "holds null",
        Some(Value::Integer(_)) => "holds a number",
        Some(Value::Text(_)) => "holds a text",
        Some(Value::Unreadable) => "holds an unreadable value",
    };
    Error::Corrupt(format!("column {column} {found}, expected {expected}"))
}

/// Why a journal lacks accepted cancellations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Incomplete {
    /// Its write-ahead log is gone.
    LogIsGone,
    /// It is a copy, which lacks everything that came after it.
    IsACopy,
}

impl Incomplete {
    /// The reason of the cancellations that are left for review because of it.
    pub(super) const fn reason(self) -> Reason {
        match self {
            Self::LogIsGone => Reason::JournalIncomplete,
            Self::IsACopy => Reason::JournalRestored,
        }
    }
}

/// The outcome of a batch.
#[derive(Clone)]
pub(crate) enum CommitResult {
    /// It was committed.
    Committed,
    /// It was rolled back.
    RolledBack(Error),
    /// The answer to the commit was lost.
    Unknown,
}

/// Whether other processes write to the same tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// They do not.
    Sole,
    /// They may, and hold locks while they do.
    Shared,
}

/// One connection of the journal, used by one thread.
pub(crate) trait Store: Send {
    /// Whether other processes write to the same tables.
    fn sharing(&self) -> Sharing;
    /// Whether there is disk space for another cancellation and all that it writes until it ends.
    fn room(&self) -> Result<(), Error>;
    /// Maintenance between two batches, and about once a second while there are none.
    fn tidy(&mut self) {}
    /// Why this journal lacks accepted cancellations, if it does.
    fn incomplete(&self) -> Option<Incomplete> {
        None
    }
    /// Closes the connection. Afterwards an embedded journal is entirely in its one file, or the
    /// error says why not.
    fn close(self) -> Result<(), Error>
    where
        Self: Sized,
    {
        Ok(())
    }
    /// Begins a batch that will write.
    fn begin(&mut self) -> Result<(), Error>;
    /// Commits the batch, or says why it was rolled back.
    fn commit(&mut self) -> CommitResult;
    /// The outcome of the last batch, whose commit got no answer. No new batch begins before it is
    /// known.
    fn resolve_commit(&mut self) -> CommitResult;
    /// Rolls the batch back.
    fn rollback(&mut self);
    /// Begins one operation within a batch.
    fn savepoint(&mut self) -> Result<(), Error>;
    /// Keeps the operation.
    fn release(&mut self) -> Result<(), Error>;
    /// Rolls back the operation, and only that.
    fn undo(&mut self) -> Result<(), Error>;
    /// Runs a statement and says how many rows it changed.
    fn execute(&mut self, sql: &'static str, parameters: &[Value]) -> Result<u64, Error>;
    /// Runs a statement and returns its rows.
    fn query(&mut self, sql: &'static str, parameters: &[Value]) -> Result<Vec<Row>, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_column_and_an_error_names_the_column() -> Result<(), Error> {
        let columns = ["outcome", "attempt", "reason"].map(str::to_owned);
        let values = vec!["found".into(), 3.into(), Value::Null];
        let row = Row::new(Arc::from(columns), values);
        assert_eq!(
            (row.text("outcome")?, row.integer("attempt")?),
            ("found", 3)
        );
        assert_eq!(row.text_or_null("reason")?, None);
        assert_eq!(row.integer_or_null("reason")?, None);
        for (error, expected) in [
            (
                row.text("note").err(),
                "column note is missing, expected a text",
            ),
            (
                row.integer_or_null("note").err(),
                "column note is missing, expected a number",
            ),
            (
                row.text("attempt").err(),
                "column attempt holds a number, expected a text",
            ),
            (
                row.integer("reason").err(),
                "column reason holds null, expected a number",
            ),
        ] {
            let said = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(said.ends_with(expected), "{said}");
        }
        Ok(())
    }
}
