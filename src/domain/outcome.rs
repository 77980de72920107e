//! The few words that a cancellation can end in, and what they mean to a caller.
//!
//! The ids are the public contract: an exhaustive match makes a new outcome fail to compile until it has one.

use std::fmt;

/// How a request ended, or that it has not ended yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// OZmap shows the property gone.
    Cancelled,
    /// Nothing there now, and the journal says that this service cancelled this code before.
    AlreadyCancelled,
    /// OZmap has no reservation with this code.
    NotFound,
    /// The customer is installed; nothing was deleted.
    Installed,
    /// The record forbids an automatic deletion; nothing was deleted.
    Review,
    /// Cannot be a reservation code; OZmap was not asked.
    InvalidCode,
    /// This conversation tried too many codes.
    TooManyAttempts,
    /// Dry run: everything but the deletion.
    WouldCancel,
    /// Look-up: the reservation exists and could be cancelled.
    Found,
    /// Given up; nothing was ever sent, so nothing was cancelled.
    Expired,
    /// Given up; a deletion may have happened, a person must look.
    Unknown,
    /// Accepted and durable; it will be finished.
    Pending,
}

impl Outcome {
    /// Every outcome, in the order of the contract's table.
    pub const ALL: [Self; 12] = [
        Self::Cancelled,
        Self::AlreadyCancelled,
        Self::NotFound,
        Self::Installed,
        Self::Review,
        Self::InvalidCode,
        Self::TooManyAttempts,
        Self::WouldCancel,
        Self::Found,
        Self::Expired,
        Self::Unknown,
        Self::Pending,
    ];

    /// The stable word of the contract.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::AlreadyCancelled => "already_cancelled",
            Self::NotFound => "not_found",
            Self::Installed => "installed",
            Self::Review => "review",
            Self::InvalidCode => "invalid_code",
            Self::TooManyAttempts => "too_many_attempts",
            Self::WouldCancel => "would_cancel",
            Self::Found => "found",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::Pending => "pending",
        }
    }

    /// The outcome with this id, if there is one.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.id() == id)
    }

    /// Whether asking again with the same request can still change it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending)
    }

    /// Whether the code led to nothing, so that the customer may try another one.
    #[must_use]
    pub const fn leads_nowhere(self) -> bool {
        match self {
            Self::InvalidCode | Self::NotFound => true,
            Self::Cancelled
            | Self::AlreadyCancelled
            | Self::Installed
            | Self::Review
            | Self::TooManyAttempts
            | Self::WouldCancel
            | Self::Found
            | Self::Expired
            | Self::Unknown
            | Self::Pending => false,
        }
    }

    /// Whether the caller should hand the customer to a person.
    #[must_use]
    pub const fn hands_off(self) -> bool {
        match self {
            Self::Installed
            | Self::Review
            | Self::TooManyAttempts
            | Self::Expired
            | Self::Unknown => true,
            Self::Cancelled
            | Self::AlreadyCancelled
            | Self::NotFound
            | Self::InvalidCode
            | Self::WouldCancel
            | Self::Found
            | Self::Pending => false,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
