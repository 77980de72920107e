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
    /// The stable id of the reason.
    pub reason: Reason,
    /// Whether an operator must review it.
    pub needs_human: bool,
    /// The customer's name, if OZmap's record has one.
    pub first_name: Option<FirstName>,
    /// The answer for webhooks that joined after the deletion was decided.
    pub late_joiners: LateJoiners,
    /// For a dry run: the state of the real cancellations of the code before the lookup. If it has
    /// changed, the dry run does not end, with [`super::Error::Joined`].
    pub live: Option<LiveCancellations>,
}

/// The answer for webhooks that joined a cancellation after its deletion was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateJoiners {
    /// The same as for all others.
    Share,
    /// The same, if no more webhooks than this joined. [`super::Journal::joined`] counted them
    /// before the lookup, which says nothing about webhooks that came after it. Otherwise the
    /// cancellation does not end, with [`super::Error::Joined`].
    AtMost(i64),
    /// It is unknown which reservation they meant, so an operator must review them. Nothing is
    /// deleted for them, because a retry of the first request may look like a new one.
    SplitForReview(SplitReason),
}

/// Why late webhooks end in a record of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitReason {
    /// The code leads to another reservation now.
    ReservedAgain,
    /// Another webhook joined during every lookup.
    JoinedLate,
}

impl SplitReason {
    /// The reason in the journal; `sql::FIND_RECENT` uses the same ids.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::ReservedAgain => Reason::ReservedAgain,
            Self::JoinedLate => Reason::JoinedLate,
        }
    }
}
