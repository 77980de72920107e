//! The steps of a cancellation: each is one commit, under the lease of the worker.
//!
//! It must never change a row after the lease expired or was taken over: every statement carries
//! the fence and the owner.

use tokio::time::{Duration, Instant};

use super::ending::{Ending, LateJoiners, SplitReason};
use super::error::Error;
use super::events::Note;
use super::handle::Journal;
use super::history::{joined, live_cancellations, times_of};
use super::protocol::free_protocol;
use super::record::{Intent, Lease, LeaseRenewer, LeasedRecord, Record};
use super::store::{Row, Store, Value};
use super::{queries, sql};
use crate::domain::{EventKind, FirstName, OpId, Outcome, Reason};
use crate::guard::Deletable;

/// How long the workers skip an unreadable record.
pub const UNREADABLE: Duration = Duration::from_secs(300);

impl Journal {
    /// Takes the lease of one cancellation that is due, if there is one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn take_due(&self) -> Result<Option<LeasedRecord>, Error> {
        self.take(0).await
    }

    /// Takes the lease of one cancellation whose deadline has passed, if there is one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn take_overdue(&self) -> Result<Option<LeasedRecord>, Error> {
        self.take(1).await
    }

    async fn take(&self, only_overdue: i64) -> Result<Option<LeasedRecord>, Error> {
        let parameters = [
            Value::from(&*self.owner),
            self.times.lease_ms.into(),
            only_overdue.into(),
        ];
        let until = self.lease_end();
        self.writer
            .call(move |store| {
                loop {
                    let rows = store.query(sql::TAKE_DUE, &parameters)?;
                    let Some(row) = rows.first() else {
                        return Ok(None);
                    };
                    match held(row, until) {
                        Ok(held) => return Ok(Some(held)),
                        Err(error) => leave_unreadable(store, row, &error)?,
                    }
                }
            })
            .await
    }

    /// Renews a lease.
    ///
    /// # Errors
    /// [`Error::Fenced`] when it was lost already.
    pub async fn renew(&self, renewer: &LeaseRenewer) -> Result<(), Error> {
        let until = self.lease_end();
        let lease = renewer.lease();
        let parameters = vec![
            self.times.lease_ms.into(),
            lease.op.to_string().into(),
            lease.fence.into(),
            Value::from(&*self.owner),
        ];
        self.writer
            .call(move |store| one_row(store, sql::RENEW, &parameters))
            .await?;
        lease.prolong(until);
        Ok(())
    }

    /// Writes the target of a deletion and its tombstone, before the deletion may be sent.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease is lost or the record has another target already: then
    /// nothing may be sent.
    pub async fn intend(
        &self,
        held: &mut LeasedRecord,
        target: &Deletable,
    ) -> Result<Intent, Error> {
        let until = self.lease_end();
        let property = target.property();
        let first_name = held
            .record
            .first_name
            .clone()
            .or_else(|| crate::guard::first_name(property, &held.record.code));
        let (settle_ms, lease_ms) = (self.times.settle_ms, self.times.lease_ms);
        let parameters = vec![
            property.id.as_str().into(),
            property.raw.as_str().into(),
            first_name.as_ref().map(FirstName::as_str).into(),
            settle_ms.into(),
            lease_ms.into(),
            held.lease.op.to_string().into(),
            held.lease.fence.into(),
            Value::from(&*self.owner),
        ];
        // The event carries the time of the decision, which may be long before the write. A request
        // that joined after it may mean a reservation that the guard did not see.
        let age_ms = i64::try_from(target.read_at().age_ms()).unwrap_or(i64::MAX / 2);
        let op = held.lease.op;
        let event = vec![
            op.to_string().into(),
            held.lease.fence.into(),
            property.id.as_str().into(),
            (held.record.now_ms() - age_ms).into(),
        ];
        held.record = self
            .writer
            .call(move |store| {
                one_row(store, sql::INTENT, &parameters)?;
                store.execute(sql::INTENT_EVENT, &event)?;
                queries::get(store, op)?.ok_or(Error::Fenced)
            })
            .await?;
        held.lease.prolong(until);
        Ok(Intent::written(target, &held.lease))
    }

    /// Notes that OZmap confirmed the deletion.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease is lost.
    pub async fn acked(&self, held: &mut LeasedRecord) -> Result<(), Error> {
        let parameters = self.lease_parameters(&held.lease, vec![]);
        let event = Note::of(&held.lease, EventKind::Acked, "");
        held.record = self
            .writer
            .call(move |store| {
                one_row(store, sql::ACKED, &parameters)?;
                event.write(store)?;
                queries::get(store, event.op)?.ok_or(Error::Fenced)
            })
            .await?;
        Ok(())
    }

    /// Notes that OZmap refused the deletion. If it was the only one, nothing can take effect any
    /// more.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease is lost.
    pub async fn refused(&self, held: &mut LeasedRecord) -> Result<(), Error> {
        let parameters = self.lease_parameters(&held.lease, vec![]);
        let event = Note::of(&held.lease, EventKind::DeleteRejected, "");
        held.record = self
            .writer
            .call(move |store| {
                one_row(store, sql::REFUSED, &parameters)?;
                event.write(store)?;
                queries::get(store, event.op)?.ok_or(Error::Fenced)
            })
            .await?;
        Ok(())
    }

    /// Releases the lease until a later time, and notes why. The history shows a reason once,
    /// however often the cancellation waits for it again.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease is lost already.
    pub async fn back_off(
        &self,
        held: &LeasedRecord,
        wait: Duration,
        reason: Reason,
    ) -> Result<(), Error> {
        self.give_back(held, wait, 0, reason).await
    }

    /// The same for a cancellation that only waited and did not call OZmap: it does not count as an
    /// attempt.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease is lost already.
    pub async fn hold(
        &self,
        held: &LeasedRecord,
        wait: Duration,
        reason: Reason,
    ) -> Result<(), Error> {
        self.give_back(held, wait, 1, reason).await
    }

    async fn give_back(
        &self,
        held: &LeasedRecord,
        wait: Duration,
        not_attempted: i64,
        reason: Reason,
    ) -> Result<(), Error> {
        let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 2);
        let first = vec![wait_ms.into(), not_attempted.into(), reason.id().into()];
        let parameters = self.lease_parameters(&held.lease, first);
        let is_news = held.record.reason != Some(reason);
        let event = Note::of(&held.lease, EventKind::Waits, reason.id());
        self.writer
            .call(move |store| {
                one_row(store, sql::BACKOFF, &parameters)?;
                if is_news { event.write(store) } else { Ok(()) }
            })
            .await
    }

    /// Ends a cancellation.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease is lost, or when the outcome is not `cancelled` and a
    /// deletion may still take effect. [`Error::Joined`] when a webhook joined that [`LateJoiners`]
    /// does not allow.
    pub async fn finish(&self, held: &mut LeasedRecord, ending: Ending) -> Result<(), Error> {
        let lease = self.lease_parameters(&held.lease, vec![]);
        let event = Note::of(&held.lease, EventKind::Done, "");
        // It also waits for the row of the real cancellation, which another replica may lock.
        let is_dry_run = ending.live.is_some();
        let work = move |store: &mut dyn Store| end(store, lease, event, ending);
        held.record = if is_dry_run {
            self.writer.call_exclusive(work).await?
        } else {
            self.writer.call(work).await?
        };
        Ok(())
    }

    /// Notes that the work on a cancellation panicked, and returns how often that has happened.
    /// Reads the record again, because the work may have stopped at any point.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn panicked(&self, held: &mut LeasedRecord) -> Result<i64, Error> {
        let event = Note::of(&held.lease, EventKind::Panicked, "");
        let (record, panics) = self
            .writer
            .call(move |store| {
                event.write(store)?;
                let panics = times_of(store, event.op, EventKind::Panicked)?;
                let record = queries::get(store, event.op)?.ok_or(Error::Fenced)?;
                Ok((record, panics))
            })
            .await?;
        held.record = record;
        Ok(panics)
    }

    /// Flags a cancellation for review, whatever its outcome, and notes why.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease is lost.
    pub async fn flag_for_review(
        &self,
        lease: &Lease,
        kind: EventKind,
        detail: &str,
    ) -> Result<(), Error> {
        let parameters = self.lease_parameters(lease, vec![]);
        let event = Note::of(lease, kind, detail);
        self.writer
            .call(move |store| {
                one_row(store, sql::CALL_A_PERSON, &parameters)?;
                event.write(store)
            })
            .await
    }

    /// Appends a line for the operator to the history of a cancellation.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn note(&self, lease: &Lease, kind: EventKind, detail: &str) -> Result<(), Error> {
        let event = Note::of(lease, kind, detail);
        self.writer.call(move |store| event.write(store)).await
    }

    fn lease_parameters(&self, lease: &Lease, mut first: Vec<Value>) -> Vec<Value> {
        first.extend([
            lease.op.to_string().into(),
            lease.fence.into(),
            Value::from(&*self.owner),
        ]);
        first
    }
}

fn held(row: &Row, until: Instant) -> Result<LeasedRecord, Error> {
    let record = Record::read(row)?;
    let lease = Lease::granted(record.id, row.integer("fence")?, until);
    Ok(LeasedRecord { record, lease })
}

/// Leaves an unreadable record for review. It does not delay other records, and it ends like any
/// other.
fn leave_unreadable(store: &mut dyn Store, row: &Row, error: &Error) -> Result<(), Error> {
    let id = row.text("id")?;
    tracing::error!(op = id, "unreadable cancellation, left for review: {error}");
    let wait_ms = i64::try_from(UNREADABLE.as_millis()).unwrap_or(i64::MAX / 2);
    store.execute(sql::LEAVE_UNREADABLE, &[wait_ms.into(), id.into()])?;
    store.execute(sql::GIVE_UP_UNREADABLE, &[id.into()])?;
    Ok(())
}

/// Ends a cancellation under a lease, and says so in its history.
fn end(
    store: &mut dyn Store,
    lease: Vec<Value>,
    event: Note,
    ending: Ending,
) -> Result<Record, Error> {
    let mut parameters = vec![
        ending.outcome.id().into(),
        ending.reason.id().into(),
        i64::from(ending.needs_human).into(),
        ending.first_name.as_ref().map(FirstName::as_str).into(),
    ];
    parameters.extend(lease);
    one_row(store, sql::DONE, &parameters)?;
    let detail = format!("{} {}", ending.outcome, ending.reason);
    let op = event.op;
    Note { detail, ..event }.write(store)?;
    let record = queries::get(store, op)?.ok_or(Error::Fenced)?;
    if let Some(before) = ending.live {
        // A replica that is about to delete waits for this row, or we wait for it: the outcome was
        // true before anything was sent.
        store.execute(sql::LOCK_LIVE, &[record.code.as_str().into()])?;
        if live_cancellations(store, &record.code)? != before {
            return Err(Error::Joined);
        }
    }
    // Must run after the UPDATE: a joining request takes the same row lock, so we either count it
    // here or it finds the record already done.
    match ending.late_joiners {
        LateJoiners::Share => {}
        LateJoiners::AtMost(before) => {
            if joined(store, op)? > before {
                return Err(Error::Joined);
            }
        }
        LateJoiners::SplitForReview(why) => split_late_joiners(store, op, why)?,
    }
    Ok(record)
}

/// Gives webhooks that joined after the deletion was decided an ended record of their own, for
/// review.
fn split_late_joiners(store: &mut dyn Store, op: OpId, why: SplitReason) -> Result<(), Error> {
    let late = store.query(sql::LATE_DELIVERIES, &[op.to_string().into()])?;
    let Some(row) = late.first() else {
        return Ok(());
    };
    // A protocol number begins with the date.
    let date: String = row.text("protocol")?.chars().take(8).collect();
    let (own, protocol) = (OpId::new(), free_protocol(store, &date)?);
    let ids = [own.to_string().into(), op.to_string().into()];
    let [own_id, op_id] = ids.clone();
    let apart = [own_id, protocol.into(), op_id, why.reason().id().into()];
    store.execute(sql::SPLIT_LATE_JOINERS, &apart)?;
    store.execute(sql::MOVE_LATE_DELIVERIES, &ids)?;
    Note {
        op: own,
        fence: 0,
        kind: EventKind::Done,
        detail: format!("{} {}", Outcome::Unknown, why.reason()),
    }
    .write(store)
}

/// Runs a write that must change exactly one row.
fn one_row(store: &mut dyn Store, sql: &'static str, parameters: &[Value]) -> Result<(), Error> {
    match store.execute(sql, parameters)? {
        1 => Ok(()),
        _ => Err(Error::Fenced),
    }
}
