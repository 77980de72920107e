//! Why a cancellation waits, or why it ended as it did.
//!
//! This file defines every value of a record's `reason`; no other file may have one as a literal.
//! Operators know the ids: an id that was ever written must never change.

use super::Refusal;
use super::id_enum::id_enum;

id_enum! {
    /// Why a cancellation waits, or why it ended as it did.
    pub enum Reason {
        // It ended.
        /// OZmap has nothing under the code.
        Absent = "absent",
        /// OZmap has nothing under the code, and this service cancelled it earlier.
        CancelledBefore = "cancelled_before",
        /// The deletion was verified.
        SeenGone = "seen_gone",
        /// OZmap rejected the DELETE.
        DeleteRejected = "delete_rejected",
        /// OZmap confirmed the DELETE, or never answered it, and the property is still there.
        DeleteWithoutEffect = "delete_without_effect",
        /// OZmap contradicts itself about the property.
        Contradiction = "contradiction",
        /// The deadline passed before the service sent a DELETE.
        Deadline = "deadline",
        /// The deadline passed, and another cancellation of the code may have deleted something.
        DeadlineAfterDeletion = "deadline_after_a_deletion",
        /// The code has led to another reservation since the deletion.
        ReservedAgain = "reserved_again",
        /// Requests kept joining during the verification.
        JoinedLate = "joined_late",
        /// The worker panicked too often on it: the service does not retry, and an operator
        /// decides.
        PanickedTooOften = "panicked_too_often",
        /// The journal lost its write-ahead log.
        JournalIncomplete = "journal_incomplete",
        /// The journal is a copy from a backup.
        JournalRestored = "journal_restored",

        // It waits.
        /// The operator paused all cancellations.
        Paused = "paused",
        /// The operator switched to dry run; also the end of a dry run.
        DryRun = "dry_run",
        /// The hourly limit of deletions is reached.
        DeletesPerHour = "deletes_per_hour",
        /// A dry run waits for the live cancellation of its code.
        BeingCancelled = "being_cancelled",
        /// A lookup found nothing; a second lookup confirms it.
        SeenAbsentOnce = "seen_absent_once",
        /// A check did not find the property; a second check confirms it.
        SeenGoneOnce = "seen_gone_once",
        /// The property is still there soon after its DELETE.
        StillThere = "still_there",
        /// OZmap finds the property by its id and not by its code.
        NotUnderItsCode = "not_under_its_code",
        /// A DELETE that the service sent may still take effect.
        Unsettled = "unsettled",
        /// Another request joined during the check, which is therefore repeated.
        Joined = "joined",
        /// The service stopped; another run or replica continues.
        Parked = "parked",
        /// The worker panicked on it; the service retries.
        Panicked = "panicked",
        /// The record cannot be parsed.
        UnreadableRecord = "unreadable_record",

        // A call to OZmap failed.
        /// No connection was made.
        OzmapConnect = "ozmap_connect",
        /// The certificate is not trusted, or TLS failed.
        OzmapTls = "ozmap_tls",
        /// No complete response in time.
        OzmapTimeout = "ozmap_timeout",
        /// The connection was lost before the response was complete.
        OzmapLost = "ozmap_lost",
        /// 401: OZmap rejects the key.
        OzmapUnauthorized = "ozmap_unauthorized",
        /// 403: the key lacks a permission, or access to the project.
        OzmapForbidden = "ozmap_forbidden",
        /// 429: rate limited.
        OzmapThrottled = "ozmap_throttled",
        /// 5xx.
        OzmapServerError = "ozmap_server_error",
        /// 3xx: the address is wrong.
        OzmapRedirect = "ozmap_redirect",
        /// A web page instead of an API response.
        OzmapHtml = "ozmap_html",
        /// A response of an undocumented shape.
        OzmapShape = "ozmap_shape",
        /// The response is too large.
        OzmapSize = "ozmap_size",
        /// Any other status.
        OzmapStatus = "ozmap_status",
        /// The guard's decision was too old to delete on.
        GuardStale = "guard_stale",
    }
    or {
        /// The guard refused the deletion.
        Refused(Refusal),
    }
}

/// What a waiting cancellation needs before it can continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaits {
    /// A retry, which the service makes by itself.
    Retry,
    /// The operator, or the next hour: the service logs each wait as a warning.
    Operator,
    /// No further try: the cancellation only settles, and then the service hands it to the
    /// operator.
    Settlement,
}

impl Reason {
    /// What a cancellation that waits for this reason needs before it can continue.
    #[must_use]
    pub const fn awaits(self) -> Awaits {
        match self {
            Self::PanickedTooOften => Awaits::Settlement,
            Self::Paused | Self::DryRun | Self::DeletesPerHour | Self::OzmapForbidden => {
                Awaits::Operator
            }
            Self::Refused(_)
            | Self::Absent
            | Self::CancelledBefore
            | Self::SeenGone
            | Self::DeleteRejected
            | Self::DeleteWithoutEffect
            | Self::Contradiction
            | Self::Deadline
            | Self::DeadlineAfterDeletion
            | Self::ReservedAgain
            | Self::JoinedLate
            | Self::JournalIncomplete
            | Self::JournalRestored
            | Self::BeingCancelled
            | Self::SeenAbsentOnce
            | Self::SeenGoneOnce
            | Self::StillThere
            | Self::NotUnderItsCode
            | Self::Unsettled
            | Self::Joined
            | Self::Parked
            | Self::Panicked
            | Self::UnreadableRecord
            | Self::OzmapConnect
            | Self::OzmapTls
            | Self::OzmapTimeout
            | Self::OzmapLost
            | Self::OzmapUnauthorized
            | Self::OzmapThrottled
            | Self::OzmapServerError
            | Self::OzmapRedirect
            | Self::OzmapHtml
            | Self::OzmapShape
            | Self::OzmapSize
            | Self::OzmapStatus
            | Self::GuardStale => Awaits::Retry,
        }
    }
}
