//! The journal's errors: one variant for each case that a caller handles differently.
//!
//! It must never hold a value of a row: that is personal data.

/// An error of the journal. Each variant is a case that a caller handles differently.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// It could not be opened; the service must not start.
    #[error("the journal cannot be opened: {0}")]
    Open(String),
    /// Another process has it open.
    #[error("the journal {0} is in use by another running instance")]
    InUse(String),
    /// It cannot be written or read now; nothing was changed, retry.
    #[error("the journal is not available: {0}")]
    Unavailable(String),
    /// The disk is nearly full: running work is still written, and nothing new is accepted.
    #[error("the journal's disk is nearly full: {0}")]
    NoRoom(String),
    /// The lease is lost, or the step is not allowed from the record's state: stop working on this
    /// record.
    #[error("the lease on this record is lost")]
    Fenced,
    /// Another replica did the same at the same moment; nothing was changed, read again.
    #[error("another replica wrote the same first")]
    Raced,
    /// A request joined after the lookup on which the outcome rests; nothing was changed, look up
    /// again.
    #[error("another request joined the cancellation")]
    Joined,
    /// A row cannot be understood.
    #[error("the journal holds something unreadable: {0}")]
    Corrupt(String),
}
