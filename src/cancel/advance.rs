//! One step of one cancellation, from whatever state it is in.
//!
//! A fresh request and a recovery after a crash call the same function. The rules that it keeps:
//! - The target is on the disk before the DELETE leaves, and it never changes.
//! - Whatever the DELETE returned, the property is looked at again by that id; only "seen gone" is `cancelled`.
//! - After a DELETE may have been sent, nothing but `cancelled` is final before the record has settled.
//! - A DELETE follows a guard's reading made under the current lease, and no other.

use std::time::Duration;

use super::Cancellations;
use super::backoff::delete_refused;
use super::ending::{Before, ending, name_in};
use crate::domain::{
    Awaits, EventKind, LookupResult, Mode, Outcome, PropertyId, Reason, ReservationCode,
};
use crate::guard::{self, Asked, Deletable, Verdict};
use crate::journal::{self, Held, State};
use crate::ozmap::{FailureKind, GoneBefore, Look, SeenOnce, Session, Traces};

/// How long a cancellation is held that the operator stopped, or whose hour is spent.
pub(super) const HELD: Duration = Duration::from_secs(60);

/// What to do after a step.
#[derive(Debug)]
pub(super) enum Step {
    /// The record moved on, or a short pause passed: go on at once.
    Again,
    /// Pause, then go on; the reason stands in the journal when the pause is long.
    Wait(Duration, Reason),
    /// The same, but it is not this cancellation that OZmap failed: it counts as no attempt.
    Hold(Duration, Reason),
    /// It ended; the outcome is on the disk.
    Finished,
    /// The service stops: give the record back.
    Park,
}

/// What a flow remembers between two steps; a restart begins anew.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Whether a DELETE was sent since then. For an earlier one the pause is over.
    pub(super) sent: bool,
    /// Looks since the last DELETE that showed the property still there.
    pub(super) looks: usize,
    /// Reads in a row that failed.
    pub(super) failures: i64,
    /// Looks by code in a row that did not agree with the look by id.
    pub(super) disagreements: i64,
    /// Reads that had become too old to delete on.
    pub(super) too_old: i64,
    /// Looks since the last DELETE that were made anew because somebody joined during them.
    pub(super) joined: i64,
    /// Waits of a rehearsal for the real cancellation.
    pub(super) rehearsal_waits: u32,
    /// Whether one of the hour's deletions is spent for it and not used yet.
    pub(super) has_spent: bool,
    /// Between which properties a person has to choose, as the history tells it.
    pub(super) several: String,
    /// Whether a person was told already that this one changed under our hands.
    pub(super) changed_noted: bool,
    /// That its code showed nothing, once.
    pub(super) nothing: Option<SeenOnce>,
    /// That its property was not shown, since the last DELETE.
    pub(super) gone: Option<GoneBefore>,
    /// By what the property can be asked for beside its id and its code.
    pub(super) traces: Option<Traces>,
}

impl Cancellations {
    /// Moves a cancellation one step.
    pub(super) async fn advance(
        &self,
        held: &mut Held,
        memory: &mut Memory,
    ) -> Result<Step, journal::Error> {
        match held.record.reason.map(Reason::awaits) {
            Some(Awaits::Settlement) => return self.leave_to_a_person(held).await,
            Some(Awaits::Retry | Awaits::Operator) | None => {}
        }
        match held.record.state {
            State::Accepted => self.begin(held, memory).await,
            State::Intent | State::Acked => self.make_sure(held, memory).await,
            State::Done => Ok(Step::Finished),
        }
    }

    /// Nothing was sent yet: look up by code, judge, delete.
    async fn begin(&self, held: &mut Held, memory: &mut Memory) -> Result<Step, journal::Error> {
        if held.record.is_past_deadline() {
            return self.expire(held, memory).await;
        }
        if self.rules.paused {
            return Ok(Step::Hold(HELD, Reason::Paused));
        }
        let real = match held.record.mode {
            Mode::DryRun => Some(self.journal.real_one(&held.record.code).await?),
            Mode::Real => None,
        };
        // OZmap is not asked for what cannot be told yet.
        if real.as_ref().is_some_and(|real| real.is_deleting) {
            memory.rehearsal_waits += 1;
            let wait = rehearsal_wait(memory.rehearsal_waits);
            return Ok(Step::Hold(wait, Reason::BeingCancelled));
        }
        let session = match self.ozmap.session(&held.record.code).await {
            Ok(session) => session,
            Err(shut) => return Ok(self.circuit_open(shut)),
        };
        if self.stopping.is_cancelled() {
            return Ok(Step::Park);
        }
        let before = Before {
            unsettled: None,
            latecomers: self.asked_by_now(held).await?,
            beside: real,
        };
        let look = session
            .look(&held.record.code, memory.nothing.as_ref())
            .await;
        let lookup = match look {
            Ok(Look::Shown(lookup)) => lookup,
            // Asked again without the place among the calls, which others may need meanwhile.
            Ok(Look::NothingYet(once)) => {
                let wait = once.wait();
                memory.failures = 0;
                memory.nothing = Some(once);
                return Ok(Step::Wait(wait, Reason::SeenAbsentOnce));
            }
            Err(error) => return Ok(self.wait_after(&error, held, memory)),
        };
        memory.failures = 0;
        memory.nothing = None;
        let code = &held.record.code;
        if self.shows_what_is_gone(code, &ids_in(&lookup)).await? {
            return Ok(self.read_anew(held, memory));
        }
        let name = name_in(&lookup, &held.record.code);
        let key_user = self.ozmap.key_user();
        match guard::judge(&lookup, asked(held, key_user.as_deref()), &self.policy) {
            Verdict::Absent => self.absent(held, memory, before).await,
            Verdict::Keep(refusal) => {
                self.note_several(held, memory, &lookup).await?;
                let outcome = refusal.outcome(&self.policy);
                let ending = ending(held, outcome, Reason::Refused(refusal), name);
                self.finish_seen(held, memory, before, ending).await
            }
            Verdict::Delete(_) if held.record.mode == Mode::DryRun => {
                let ending = ending(held, Outcome::WouldCancel, Reason::DryRun, name);
                self.finish_seen(held, memory, before, ending).await
            }
            // Accepted before the operator began to rehearse: it keeps its place until the rehearsal is over.
            Verdict::Delete(_) if self.rules.dry_run => Ok(Step::Hold(HELD, Reason::DryRun)),
            Verdict::Delete(target) if self.ozmap.is_too_old(&target) => {
                Ok(self.read_anew(held, memory))
            }
            Verdict::Delete(target) => {
                if let Err(shut) = session.may_delete() {
                    return Ok(self.circuit_open(shut));
                }
                if !self.may_spend(held, memory).await? {
                    return Ok(Step::Hold(HELD, Reason::DeletesPerHour));
                }
                self.delete(held, memory, &session, &target).await
            }
        }
    }

    /// Spends one of the hour's deletions, once until its intent is written down. False when they are spent.
    async fn may_spend(&self, held: &Held, memory: &mut Memory) -> Result<bool, journal::Error> {
        let max = self.rules.deletes_per_hour_max;
        memory.has_spent = memory.has_spent || self.journal.spend_deletion(max).await?;
        if !memory.has_spent {
            tracing::error!(
                op = %held.record.id,
                "the deletions of this hour are spent ({max}); cancellations are held until the next hour"
            );
        }
        Ok(memory.has_spent)
    }

    /// Whether a look shows a property that was seen gone already: then it is from before that, and no reason for anything.
    pub(super) async fn shows_what_is_gone(
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

    /// Which properties a person has to choose from.
    async fn note_several(
        &self,
        held: &Held,
        memory: &mut Memory,
        lookup: &LookupResult,
    ) -> Result<(), journal::Error> {
        let ids = ids_in(lookup);
        let ids: Vec<&str> = ids.iter().map(PropertyId::as_str).collect();
        let several = ids.join(" ");
        if lookup.rows.len() < 2 || memory.several == several {
            return Ok(());
        }
        self.journal
            .note(&held.lease, EventKind::Several, &several)
            .await?;
        memory.several = several;
        Ok(())
    }

    async fn absent(
        &self,
        held: &mut Held,
        memory: &mut Memory,
        before: Before,
    ) -> Result<Step, journal::Error> {
        let (outcome, reason) = match self.journal.earlier_cancellation(&held.record.code).await? {
            Some(_) => (Outcome::AlreadyCancelled, Reason::CancelledBefore),
            None => (Outcome::NotFound, Reason::Absent),
        };
        let ending = ending(held, outcome, reason, None);
        self.finish_seen(held, memory, before, ending).await
    }

    /// Writes the target down, then sends the DELETE; the next step makes sure of what became of it.
    pub(super) async fn delete(
        &self,
        held: &mut Held,
        memory: &mut Memory,
        session: &Session<'_>,
        target: &Deletable,
    ) -> Result<Step, journal::Error> {
        if self.stopping.is_cancelled() {
            return Ok(Step::Park);
        }
        let intent = self.journal.intend(held, target).await?;
        memory.looks = 0;
        memory.joined = 0;
        memory.sent = true;
        memory.has_spent = false;
        memory.gone = None;
        memory.traces = Some(Traces::of(&target.property().raw));
        match session.delete(intent).await {
            Ok(()) => self.journal.acked(held).await?,
            Err(error) if error.is_refusal() => {
                tracing::warn!(op = %held.record.id, "OZmap refuses to delete this property: {error}");
                self.journal.refused(held).await?;
            }
            Err(error) => {
                tracing::warn!(op = %held.record.id, acted = ?error.acted, "the DELETE gave no clear answer: {error}");
                self.journal
                    .note(&held.lease, EventKind::DeleteUnclear, error.kind.id())
                    .await?;
                if error.kind == FailureKind::Forbidden {
                    let pause = delete_refused(held.record.deletes_sent);
                    return Ok(Step::Wait(pause, error.kind.reason()));
                }
                if let Some(pause) = error.retry_after {
                    return Ok(Step::Wait(pause, error.kind.reason()));
                }
            }
        }
        Ok(Step::Again)
    }
}

/// How long a rehearsal waits, for the nth time, for the real cancellation of the same code. As a rule that one ends within
/// the first two; the others are long enough for the rehearsal to be given back meanwhile.
fn rehearsal_wait(time: u32) -> Duration {
    Duration::from_millis(match time {
        0 | 1 => 300,
        2 => 1_000,
        3.. => 6_000,
    })
}

/// The properties that a look shows.
pub(super) fn ids_in(lookup: &LookupResult) -> Vec<PropertyId> {
    let rows = lookup.rows.iter().flatten();
    rows.map(|row| row.id.clone()).collect()
}

/// What the guard is asked about: the code, when its cancellation was promised, and whose key asks OZmap.
pub(super) fn asked<'a>(held: &'a Held, key_user: Option<&'a str>) -> Asked<'a> {
    Asked {
        code: &held.record.code,
        at_ms: Some(held.record.created_at_ms),
        key_user,
    }
}
