//! What intake, worker and recovery share: the journal, the OZmap client, the operator's settings
//! and the stop.
//!
//! It holds these and answers what more than one of them asks. It must never decide about a
//! cancellation.

use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::jitter::Jitter;
use super::waiters::Waiters;
use crate::domain::{PropertyId, ReservationCode};
use crate::guard::Policy;
use crate::journal::{self, Journal};
use crate::ozmap::Ozmap;

/// The operator's settings.
pub struct Rules {
    /// Nothing is deleted and OZmap is not called; accepted requests wait.
    pub paused: bool,
    /// Every cancellation is a dry run.
    pub dry_run: bool,
    /// The most deletions in an hour.
    pub deletes_per_hour_max: u32,
    /// The most codes that a conversation may try in a day.
    pub codes_per_conversation_max: u32,
    /// What a reservation code looks like at this provider, if the operator configured it.
    pub code_pattern: Option<regex::Regex>,
    /// The most requests in progress at the same time.
    pub in_flight_max: usize,
    /// The provider's time zone, for the date in a protocol number.
    pub time_zone: TimeZone,
}

/// Shared by intake, worker and recovery.
pub(super) struct Context {
    pub(super) journal: Journal,
    pub(super) ozmap: Ozmap,
    pub(super) policy: Policy,
    pub(super) rules: Rules,
    pub(super) waiters: Waiters,
    pub(super) jitter: Jitter,
    /// Every task of this module; a stop waits for them.
    pub(super) tracker: TaskTracker,
    pub(super) stopping: CancellationToken,
}

impl Context {
    /// Whether a lookup shows a property that a recheck already saw gone. The lookup is then older
    /// than the recheck, and nothing may be concluded from it.
    pub(super) async fn shows_deleted_property(
        &self,
        code: &ReservationCode,
        shown: &[PropertyId],
    ) -> Result<bool, journal::Error> {
        if shown.is_empty() {
            return Ok(false);
        }
        let gone = self.journal.seen_gone(code).await?;
        Ok(shown
            .iter()
            .any(|id| gone.iter().any(|gone| gone == id.as_str())))
    }

    /// Waits until the service stops and its last task has ended.
    pub(super) async fn stopped_and_drained(&self) {
        self.stopping.cancelled().await;
        self.tracker.wait().await;
    }
}
