//! The outcomes of a request, and what each of them means to a caller.
//!
//! The ids are the public contract and must never change. Every question about an outcome is an
//! exhaustive match, so that a new outcome does not compile until each match covers it.

use super::id_enum::id_enum;

id_enum! {
    /// How a request ended, or that it has not ended yet.
    pub enum Outcome {
        /// OZmap shows the property gone.
        Cancelled = "cancelled",
        /// OZmap has no such reservation now, and the journal shows that this service cancelled the
        /// code before.
        AlreadyCancelled = "already_cancelled",
        /// OZmap has no reservation with this code.
        NotFound = "not_found",
        /// The customer is installed; nothing was deleted.
        Installed = "installed",
        /// The record forbids an automatic deletion; nothing was deleted.
        Review = "review",
        /// The text cannot be a reservation code; the service did not ask OZmap.
        InvalidCode = "invalid_code",
        /// This conversation tried too many codes.
        TooManyAttempts = "too_many_attempts",
        /// Dry run: the service did everything except the deletion.
        WouldCancel = "would_cancel",
        /// Lookup: the reservation exists and could be cancelled.
        Found = "found",
        /// The service gave up before it sent a DELETE; nothing was cancelled.
        Expired = "expired",
        /// The service gave up, and a deletion may have happened; an operator must look.
        Unknown = "unknown",
        /// Accepted and durable; the service will finish it.
        Pending = "pending",
    }
}

impl Outcome {
    /// Whether a retry of the request can no longer change the outcome.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Pending => false,
            Self::Cancelled
            | Self::AlreadyCancelled
            | Self::NotFound
            | Self::Installed
            | Self::Review
            | Self::InvalidCode
            | Self::TooManyAttempts
            | Self::WouldCancel
            | Self::Found
            | Self::Expired
            | Self::Unknown => true,
        }
    }

    /// Whether the code matched nothing, so that the customer may try another one.
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

    /// Whether the caller should hand the customer over to an agent.
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

    /// Whether an operator must look at a cancellation with this outcome, after that many DELETEs.
    #[must_use]
    pub const fn needs_operator(self, deletes_sent: i64) -> bool {
        match self {
            Self::Expired | Self::Unknown => true,
            // A DELETE was sent and the answer is "not cancelled": an operator has to find out why.
            Self::Installed | Self::Review => deletes_sent > 0,
            Self::Cancelled
            | Self::AlreadyCancelled
            | Self::NotFound
            | Self::InvalidCode
            | Self::TooManyAttempts
            | Self::WouldCancel
            | Self::Found
            | Self::Pending => false,
        }
    }
}
