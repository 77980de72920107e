//! What a database must be able to do for the journal: run a statement, and make a batch durable or undo it.
//!
//! The journal's operations are written once against this trait; a store only knows its dialect and its driver.

use super::Error;
use super::sqlite::Incomplete;

/// A value of a parameter or a column; the journal needs no other types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// No value.
    Null,
    /// A whole number; flags are 0 and 1, times are milliseconds since 1970.
    Integer(i64),
    /// A text.
    Text(String),
    /// Something that the journal cannot have written.
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

/// One row of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Row {
    /// The whole number in a column.
    pub(crate) fn integer(&self, column: usize) -> Result<i64, Error> {
        match self.0.get(column) {
            Some(Value::Integer(number)) => Ok(*number),
            other => Err(Error::corrupt(column, "a number", other)),
        }
    }

    /// The whole number in a column, or nothing.
    pub(crate) fn integer_or_null(&self, column: usize) -> Result<Option<i64>, Error> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            _ => self.integer(column).map(Some),
        }
    }

    /// The text in a column.
    pub(crate) fn text(&self, column: usize) -> Result<&str, Error> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(text),
            other => Err(Error::corrupt(column, "a text", other)),
        }
    }

    /// The text in a column, or nothing.
    pub(crate) fn text_or_null(&self, column: usize) -> Result<Option<&str>, Error> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            _ => self.text(column).map(Some),
        }
    }
}

/// What became of a batch.
#[derive(Clone)]
pub(crate) enum Fate {
    /// All that was kept of it lasts.
    Durable,
    /// Nothing of it was done.
    Undone(Error),
    /// The answer was lost: one or the other.
    Unknown,
}

/// Whether other processes write to the same tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// None does.
    Sole,
    /// They may, and hold locks while they do.
    Shared,
}

/// One connection of the journal, used by one thread.
pub(crate) trait Store: Send {
    /// Whether other processes write to the same tables.
    fn sharing(&self) -> Sharing;
    /// Whether there is room for another promise and all that has to be written down until it ends.
    fn room(&self) -> Result<(), Error>;
    /// What is due between two batches, and about once a second while there are none.
    fn tidy(&mut self) {}
    /// Why this journal is not all that was promised in it, when it is not.
    fn incomplete(&self) -> Option<Incomplete> {
        None
    }
    /// Ends the connection; afterwards all of an embedded journal is in its one file, or this says why not.
    fn close(self) -> Result<(), Error>
    where
        Self: Sized,
    {
        Ok(())
    }
    /// Begins a batch that will write.
    fn begin(&mut self) -> Result<(), Error>;
    /// Makes the batch durable, or says why nothing of it is.
    fn commit(&mut self) -> Fate;
    /// Asks what became of the last batch, whose commit got no answer. Nothing else is begun before that is known.
    fn fate(&mut self) -> Fate;
    /// Undoes the batch.
    fn rollback(&mut self);
    /// Begins one operation within a batch.
    fn savepoint(&mut self) -> Result<(), Error>;
    /// Keeps the operation.
    fn release(&mut self) -> Result<(), Error>;
    /// Undoes the operation, and only that.
    fn undo(&mut self) -> Result<(), Error>;
    /// Runs a statement and says how many rows it changed.
    fn execute(&mut self, sql: &'static str, parameters: &[Value]) -> Result<u64, Error>;
    /// Runs a statement and returns its rows.
    fn query(&mut self, sql: &'static str, parameters: &[Value]) -> Result<Vec<Row>, Error>;
}
