//! The vocabulary of a step: what the worker does next, what it remembers between two steps, and
//! what must still hold when it writes an outcome.
//!
//! Types only: it must never call the journal or OZmap.

use std::time::Duration;

use crate::domain::{LookupResult, PropertyId, Reason};
use crate::guard::Asked;
use crate::journal::{LateJoiners, LeasedRecord, LiveCancellations};
use crate::ozmap::{AbsentOnce, GoneChecks, RelatedIds};

/// How long a cancellation waits that the operator paused, or whose hour has no deletions left.
pub(super) const HOLD: Duration = Duration::from_secs(60);

/// What the worker does after a step.
#[derive(Debug)]
pub(super) enum Step {
    /// Take the next step at once.
    Continue,
    /// Wait, then take the next step. The journal records the reason of a long wait.
    Wait(Duration, Reason),
    /// The same, but OZmap did not fail this cancellation: it counts as no attempt.
    Hold(Duration, Reason),
    /// The outcome is durable.
    Finished,
    /// The service is stopping: release the lease.
    Park,
}

/// What a worker remembers between two steps; after a restart it begins empty.
#[derive(Debug, Default)]
pub(super) struct WorkerState {
    /// Whether this worker sent a DELETE. The pause after an earlier one is over.
    pub(super) delete_sent: bool,
    /// Rechecks since the last DELETE that showed the property still present.
    pub(super) rechecks: usize,
    /// Failed reads in a row.
    pub(super) failed_reads: i64,
    /// Lookups by code in a row that disagreed with the recheck by id.
    pub(super) disagreements: i64,
    /// Readings that became too old for a deletion.
    pub(super) stale_reads: i64,
    /// Lookups since the last DELETE that were repeated because another request joined during them.
    pub(super) late_joins: i64,
    /// How often a dry run waited for the real cancellation.
    pub(super) dry_run_waits: u32,
    /// Whether one deletion of the hour's budget is taken for it and not yet used.
    pub(super) has_budget: bool,
    /// The candidates that the history already names for the operator.
    pub(super) candidates_noted: String,
    /// Whether the operator was already told that the reservation changed after its DELETE was
    /// sent.
    pub(super) change_noted: bool,
    /// One lookup showed nothing under the code.
    pub(super) absent_once: Option<AbsentOnce>,
    /// Rechecks since the last DELETE that did not show the property.
    pub(super) gone_checks: Option<GoneChecks>,
    /// The ids by which OZmap can be asked about the property besides its own id and its code.
    pub(super) related: Option<RelatedIds>,
}

/// What held before a lookup. An outcome that rests on the lookup is written only if it still
/// holds: the lookup says nothing about requests that came after it began.
pub(super) struct Precondition {
    /// How long something that was sent could still take effect.
    pub(super) unsettled: Option<Duration>,
    /// Which late joiners may be given the same outcome.
    pub(super) late_joiners: LateJoiners,
    /// For a dry run: the live cancellations of its code.
    pub(super) live: Option<LiveCancellations>,
}

/// The properties that a lookup shows.
pub(super) fn ids_in(lookup: &LookupResult) -> Vec<PropertyId> {
    let rows = lookup.rows.iter().flatten();
    rows.map(|row| row.id.clone()).collect()
}

/// The question for the guard: the code, when the request was accepted, and the user of the API
/// key.
pub(super) fn asked<'a>(leased: &'a LeasedRecord, key_user: Option<&'a str>) -> Asked<'a> {
    Asked {
        code: &leased.record.code,
        at_ms: Some(leased.record.created_at_ms),
        key_user,
    }
}
