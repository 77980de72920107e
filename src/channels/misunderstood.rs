//! Why a request was not understood, and notes for the operator about one that was.
//!
//! Neither may ever hold anything that was sent: both are logged, and the first goes back to the caller.

/// A request that could not be understood. It holds nothing of what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misunderstood {
    /// The status of the answer.
    pub status: u16,
    /// The stable id of the mistake.
    pub id: &'static str,
    /// What was wrong, where, and what to write instead.
    pub detail: String,
    /// The member that the platform did not fill in, where that is the mistake.
    pub member: Option<&'static str>,
}

/// Something about a member of a request that an operator should know. It holds nothing of what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// The member, in the spelling of the contract.
    pub member: &'static str,
    /// What it is.
    pub kind: NoteKind,
}

/// What a note says about a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// The platform did not fill it in, or filled in what is the same for many customers: it counts as absent.
    NotFilledIn,
    /// It cannot be read and changes nothing of what is done: it was left out.
    Ignored,
}

impl Note {
    /// A member that the platform did not fill in.
    #[must_use]
    pub fn not_filled_in(member: &'static str) -> Self {
        Self {
            member,
            kind: NoteKind::NotFilledIn,
        }
    }

    /// A member that cannot be read and changes nothing of what is done.
    #[must_use]
    pub fn ignored(member: &'static str) -> Self {
        Self {
            member,
            kind: NoteKind::Ignored,
        }
    }
}

/// A request that is not understood.
pub(super) fn wrong(status: u16, id: &'static str, detail: impl Into<String>) -> Misunderstood {
    Misunderstood {
        status,
        id,
        detail: detail.into(),
        member: None,
    }
}
