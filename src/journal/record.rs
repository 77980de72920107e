//! A cancellation as the journal holds it, and the lease under which one process works on it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::{Duration, Instant};

use super::error::Error;
use super::store::Row;
use crate::clock::Moment;
use crate::domain::{
    FirstName, Mode, OpId, Outcome, PropertyId, Protocol, Reason, ReservationCode, State,
};
use crate::guard::Deletable;

/// One cancellation, as it was read from the journal.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its id.
    pub id: OpId,
    /// The number that the customer may quote.
    pub protocol: Protocol,
    /// The reservation code.
    pub code: ReservationCode,
    /// Whether it may delete.
    pub mode: Mode,
    /// The channel of the first request.
    pub channel: String,
    /// The customer's name.
    pub first_name: Option<FirstName>,
    /// Its state.
    pub state: State,
    /// Its outcome.
    pub outcome: Option<Outcome>,
    /// Why: the id of a refusal, or of what it waits for.
    ///
    /// `None` also for an id that this version does not know.
    pub reason: Option<Reason>,
    reason_id: Option<String>,
    /// The one property that it may delete.
    pub property: Option<PropertyId>,
    /// Before this time (database clock, ms) a DELETE may still take effect.
    pub settle_at_ms: i64,
    /// How many DELETEs were written as intents.
    pub deletes_sent: i64,
    /// How many attempts were made.
    pub attempts: i64,
    /// When it is given up (database clock, ms).
    pub deadline_at_ms: i64,
    /// Whether an operator must review it.
    pub needs_human: bool,
    /// When it was accepted (database clock, ms).
    pub created_at_ms: i64,
    /// When it last changed (database clock, ms).
    pub updated_at_ms: i64,
    /// When it ended (database clock, ms).
    pub done_at_ms: Option<i64>,
    read_at_ms: i64,
    read_at: Instant,
}

/// The columns that [`Record::read`] and the lease read, in `{RECORD}` of a statement.
const COLUMNS: [&str; 20] = [
    "id",
    "protocol",
    "code",
    "came_as",
    "dry_run",
    "channel",
    "first_name",
    "state",
    "outcome",
    "reason",
    "property_id",
    "settle_at",
    "delete_sent",
    "attempt",
    "deadline_at",
    "needs_human",
    "created_at",
    "updated_at",
    "done_at",
    "fence",
];

/// What `{RECORD}` stands for. `lacking` are the columns that a journal of an older schema does not
/// have yet: they read as null.
pub(super) fn select_list(lacking: &[String]) -> String {
    let column = |name: &&str| {
        if lacking.iter().any(|lacking| lacking == name) {
            format!("CAST(NULL AS TEXT) AS {name}, ")
        } else {
            format!("{name}, ")
        }
    };
    let columns: String = COLUMNS.iter().map(column).collect();
    format!("{columns}{{NOW}} AS now_ms")
}

impl Record {
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        let bad = |what: &str| Error::Corrupt(format!("a record has an unreadable {what}"));
        let outcome = row
            .text_or_null("outcome")?
            .map(|id| Outcome::from_id(id).ok_or_else(|| bad("outcome")))
            .transpose()?;
        Ok(Self {
            id: OpId::parse(row.text("id")?).ok_or_else(|| bad("id"))?,
            protocol: Protocol::parse(row.text("protocol")?).ok_or_else(|| bad("protocol"))?,
            code: code(row.text("code")?, row.text_or_null("came_as")?)
                .ok_or_else(|| bad("code"))?,
            mode: if row.integer("dry_run")? == 0 {
                Mode::Real
            } else {
                Mode::DryRun
            },
            channel: row.text("channel")?.to_owned(),
            first_name: row.text_or_null("first_name")?.and_then(FirstName::of),
            state: State::from_id(row.text("state")?).ok_or_else(|| bad("state"))?,
            outcome,
            reason: row.text_or_null("reason")?.and_then(Reason::from_id),
            reason_id: row.text_or_null("reason")?.map(str::to_owned),
            property: row
                .text_or_null("property_id")?
                .map(|id| PropertyId::parse(id).ok_or_else(|| bad("property id")))
                .transpose()?,
            settle_at_ms: row.integer("settle_at")?,
            deletes_sent: row.integer("delete_sent")?,
            attempts: row.integer("attempt")?,
            deadline_at_ms: row.integer("deadline_at")?,
            needs_human: row.integer("needs_human")? != 0,
            created_at_ms: row.integer("created_at")?,
            updated_at_ms: row.integer("updated_at")?,
            done_at_ms: row.integer_or_null("done_at")?,
            read_at_ms: row.integer("now_ms")?,
            read_at: Instant::now(),
        })
    }

    /// The id of the reason as the journal holds it. For display only: another version may have
    /// written an id that is unknown here, on which nothing may be decided.
    #[must_use]
    pub fn reason_id(&self) -> Option<&str> {
        self.reason_id.as_deref()
    }

    /// The database's clock now, carried forward from the reading of this record.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        let passed = i64::try_from(self.read_at.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.read_at_ms.saturating_add(passed)
    }

    /// How long a DELETE of this cancellation may still take effect; `None` when it cannot any
    /// more.
    #[must_use]
    pub fn unsettled_for(&self) -> Option<Duration> {
        until(self.settle_at_ms, self.now_ms())
    }

    /// Whether it is time to give up.
    #[must_use]
    pub fn is_past_deadline(&self) -> bool {
        until(self.deadline_at_ms, self.now_ms()).is_none()
    }
}

/// A code with the spelling in which it was received.
fn code(kept: &str, came_as: Option<&str>) -> Option<ReservationCode> {
    let kept = ReservationCode::parse(kept).ok()?;
    Some(match came_as {
        Some(came_as) => kept.or_as(came_as),
        None => kept,
    })
}

fn until(at_ms: i64, now_ms: i64) -> Option<Duration> {
    let left = u64::try_from(at_ms.saturating_sub(now_ms)).unwrap_or(0);
    (left > 0).then(|| Duration::from_millis(left))
}

/// The right to work on one cancellation, until a time on this machine's monotonic clock.
///
/// Not `Clone`: one worker holds it. A replica that took the cancellation over has a higher fence,
/// and a write under a lost lease changes no row.
#[derive(Debug)]
pub struct Lease {
    pub(super) op: OpId,
    pub(super) fence: i64,
    until: Arc<Mutex<Instant>>,
}

/// The part of a lease that renews it, for the heartbeat beside the worker.
#[derive(Debug)]
pub struct LeaseRenewer(Lease);

impl Lease {
    pub(super) fn granted(op: OpId, fence: i64, until: Instant) -> Self {
        Self {
            op,
            fence,
            until: Arc::new(Mutex::new(until)),
        }
    }

    pub(super) fn prolong(&self, until: Instant) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    pub(super) fn until(&self) -> Instant {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a heartbeat needs to keep this lease alive.
    #[must_use]
    pub fn renewer(&self) -> LeaseRenewer {
        LeaseRenewer(Self {
            op: self.op,
            fence: self.fence,
            until: self.until.clone(),
        })
    }

    /// The cancellation that it is for.
    #[must_use]
    pub fn op(&self) -> OpId {
        self.op
    }

    /// How long it lasts unless it is renewed, never more than the journal says.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.until().saturating_duration_since(Instant::now())
    }
}

impl LeaseRenewer {
    /// The lease that it keeps alive.
    pub(super) fn lease(&self) -> &Lease {
        &self.0
    }

    /// How long the lease lasts unless it is renewed.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.0.left()
    }
}

/// A cancellation and the lease on it: what a worker works with.
#[derive(Debug)]
pub struct LeasedRecord {
    /// The record as of the last write.
    pub record: Record,
    /// The right to change it.
    pub lease: Lease,
}

/// The receipt that a deletion is written in the journal: OZmap's DELETE takes nothing else.
///
/// Only [`super::Journal::intend`] makes it, from a value that only the guard makes, and one DELETE
/// uses it up:
/// ```compile_fail,E0451
/// # use ozmap_cancel::{domain::PropertyId, clock::Moment, journal::Intent};
/// # fn forge(property: PropertyId, read_at: Moment, lease_until: tokio::time::Instant) -> Intent {
/// Intent { property, read_at, lease_until }
/// # }
/// ```
/// Any holder can read it:
/// ```
/// # use ozmap_cancel::journal::Intent;
/// # fn read(intent: &Intent) -> &str {
/// intent.property().as_str()
/// # }
/// ```
pub struct Intent {
    property: PropertyId,
    read_at: Moment,
    lease_until: Instant,
}

impl Intent {
    pub(super) fn written(target: &Deletable, lease: &Lease) -> Self {
        Self {
            property: target.property().id.clone(),
            read_at: target.read_at(),
            lease_until: lease.until(),
        }
    }

    /// The property that may be deleted.
    #[must_use]
    pub fn property(&self) -> &PropertyId {
        &self.property
    }

    /// How old the reading of the guard is, in milliseconds.
    #[must_use]
    pub fn guard_age_ms(&self) -> u64 {
        self.read_at.age_ms()
    }

    /// How long the lease lasts under which it was written.
    #[must_use]
    pub fn lease_left(&self) -> Duration {
        self.lease_until.saturating_duration_since(Instant::now())
    }
}

impl fmt::Debug for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intent")
            .field("property", &self.property)
            .finish_non_exhaustive()
    }
}
