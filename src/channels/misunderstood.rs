//! Why a request was not understood, and notes for the operator about one that was.
//!
//! Neither may contain anything of the request: both are logged, and the first is sent back to the
//! caller.

/// Why a request was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misunderstood {
    /// The HTTP status.
    pub status: u16,
    /// The stable id of the problem.
    pub id: &'static str,
    /// What was wrong, where, and what to write instead.
    pub detail: String,
    /// The member that the platform did not fill in, if that is the problem.
    pub member: Option<&'static str>,
}

/// Something about a request that the operator should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// The member, by its documented name.
    pub member: &'static str,
    /// The kind.
    pub kind: NoteKind,
}

/// The kind of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// Not filled in by the platform, or the same for many customers: treated as absent.
    NotFilledIn,
    /// Unreadable, and irrelevant for what is done: ignored.
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

    /// A member that is unreadable and irrelevant for what is done.
    #[must_use]
    pub fn ignored(member: &'static str) -> Self {
        Self {
            member,
            kind: NoteKind::Ignored,
        }
    }
}

/// Shorthand for a problem without a member.
pub(super) fn wrong(status: u16, id: &'static str, detail: impl Into<String>) -> Misunderstood {
    Misunderstood {
        status,
        id,
        detail: detail.into(),
        member: None,
    }
}
