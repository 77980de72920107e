//! How a cancellation ends, and what happens to the webhooks that joined it late.
//!
//! It only describes an ending; `transitions.rs` decides whether it may be written.

use super::history::LiveCancellations;
use crate::domain::{FirstName, Outcome, Reason};

/// How a cancellation ends.
#[derive(Debug)]
pub struct Ending {
    /// The outcome.
    pub outcome: Outcome,
    /// The stable id of why.
    pub reason: Reason,
    /// Whether a person must look.
    pub needs_human: bool,
    /// What the customer is called, when OZmap's record says it.
    pub first_name: Option<FirstName>,
    /// The answer for webhooks that joined after the deletion was decided.
    pub late_joiners: LateJoiners,
    /// For a dry run: the state of the real cancellations of the code before the look-up. If it has
    /// changed, the dry run does not end, with [`super::Error::Joined`].
    pub live: Option<LiveCancellations>,
}

/// The answer for webhooks that joined a cancellation after its deletion was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateJoiners {
    /// The same as for all others.
    Share,
    /// The same, if there are no more webhooks than this, which [`super::Journal::joined`] counted before
    /// the look: what was seen says nothing about what those ask for who came since. Otherwise it
    /// does not end, with [`super::Error::Joined`].
    AtMost(i64),
    /// It cannot be known which reservation they meant, so a person must look. Nothing is deleted
    /// for them, because a retry of the first request may look like a new one.
    SplitForReview(SplitReason),
}

/// Why late webhooks end in a record of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitReason {
    /// The code leads to another reservation now.
    ReservedAgain,
    /// Another webhook joined during every look-up.
    JoinedLate,
}

impl SplitReason {
    /// The reason in the journal, which `sql::FIND_RECENT` knows too.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::ReservedAgain => Reason::ReservedAgain,
            Self::JoinedLate => Reason::JoinedLate,
        }
    }
}
