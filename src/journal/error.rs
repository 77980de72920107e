//! Why the journal could not do something: one variant for each thing that a caller does
//! differently.
//!
//! It must never hold a value of a row: that is personal data.

/// Why the journal could not do something. The variants are what a caller does differently.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// It could not be opened; the service must not start.
    #[error("the journal cannot be opened: {0}")]
    Open(String),
    /// Another process has it.
    #[error("the journal {0} is in use by another running instance")]
    InUse(String),
    /// It cannot be written or read now; nothing was changed, retry.
    #[error("the journal is not available: {0}")]
    Unavailable(String),
    /// The disk is nearly full: what is running is written down, and nothing new is taken.
    #[error("the journal's disk is nearly full: {0}")]
    NoRoom(String),
    /// The lease is lost, or the step is not allowed from the record's state: stop working on this
    /// record.
    #[error("the lease on this record is lost")]
    Fenced,
    /// Another replica did the same at the same moment; nothing was changed, look again.
    #[error("another replica wrote the same first")]
    Raced,
    /// Something came after the look that was to be the outcome; nothing was changed, look again.
    #[error("another request joined the cancellation")]
    Joined,
    /// A row cannot be understood.
    #[error("the journal holds something unreadable: {0}")]
    Corrupt(String),
}
