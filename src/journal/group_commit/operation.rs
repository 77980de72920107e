//! One operation of the journal, as the thread that writes sees it.

use crate::journal::error::Error;
use crate::journal::store::Store;

/// Operations that are committed together.
pub(crate) type Batch = Vec<Box<dyn Operation>>;

/// An operation and the caller that waits for it.
pub(crate) trait Operation: Send {
    /// Does the work within the batch; false when it must be undone.
    fn run(&mut self, store: &mut dyn Store) -> Outcome;
    /// With whom it may be written.
    fn company(&self) -> Company;
    /// Tells the caller.
    fn finish(self: Box<Self>, committed: Result<(), Error>);
}

pub(crate) enum Outcome {
    Keep,
    Undo,
}

/// With whom an operation may be written in one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// With any other: it changes only rows that this process holds.
    Any,
    /// With none, where the journal is shared: it changes rows that other processes change as well.
    None,
}
