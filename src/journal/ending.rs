//! How a cancellation ends, and what the webhooks get that joined it late.
//!
//! It only describes an ending; `steps.rs` decides whether it may be written.

use super::history::RealOne;
use crate::domain::{FirstName, Outcome};

/// How a cancellation ends.
#[derive(Debug)]
pub struct Ending {
    /// The outcome.
    pub outcome: Outcome,
    /// The stable id of why.
    pub reason: String,
    /// Whether a person must look.
    pub needs_human: bool,
    /// What the customer is called, when OZmap's record says it.
    pub first_name: Option<FirstName>,
    /// What those hear who asked only after the deletion was decided.
    pub latecomers: Latecomers,
    /// Of a rehearsal: what the real cancellations of its code had come to before the look. When that is so no more, it does
    /// not end, with [`super::Error::Joined`].
    pub beside: Option<RealOne>,
}

/// What those hear who joined a cancellation after its deletion was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latecomers {
    /// The same as all others.
    HearTheSame,
    /// The same, if there are no more webhooks than this, which [`super::Journal::joined`] counted before the look: what was seen
    /// says nothing about what those ask for who came since. Otherwise it does not end, with [`super::Error::Joined`].
    AreNoMoreThan(i64),
    /// Nobody knows which reservation they meant: a person must look. Nothing is deleted for them, because a repetition of
    /// the first request may look like a new one.
    AreForAPerson(Apart),
}

/// Why those who joined late end apart from those whose deletion it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apart {
    /// The code leads to another reservation now.
    ReservedAgain,
    /// Somebody new joined during every look.
    JoinedLate,
}

impl Apart {
    /// The word for it in the journal, which `sql::FIND_RECENT` knows too.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::ReservedAgain => "reserved_again",
            Self::JoinedLate => "joined_late",
        }
    }
}
