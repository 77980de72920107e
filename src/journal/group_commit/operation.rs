//! One operation of the journal, as the writing thread sees it.

use crate::journal::error::Error;
use crate::journal::store::Store;

/// Operations that are committed together.
pub(crate) type Batch = Vec<Box<dyn Operation>>;

/// An operation and the caller that waits for it.
pub(crate) trait Operation: Send {
    /// Does the work within the batch, and says whether to keep it.
    fn run(&mut self, store: &mut dyn Store) -> Outcome;
    /// Whether it may share a transaction.
    fn batching(&self) -> Batching;
    /// Gives the caller its result.
    fn finish(self: Box<Self>, committed: Result<(), Error>);
}

pub(crate) enum Outcome {
    Keep,
    Undo,
}

/// Whether an operation may share a transaction with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Batching {
    /// It may: it changes only rows that this process has leased.
    Shared,
    /// On a shared journal it must run alone: it changes rows that other replicas change too.
    Exclusive,
}
