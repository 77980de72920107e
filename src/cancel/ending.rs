//! How a cancellation ends: which outcome is written down, and when it is given up.
//!
//! Nothing is told from here; what is written down is.

use std::time::Duration;

use super::Cancellations;
use super::advance::{Memory, Step};
use crate::domain::{EventKind, FirstName, LookupResult, Mode, Outcome, Reason, ReservationCode};
use crate::guard;
use crate::journal::{self, Apart, Ending, Held, Latecomers, RealOne, State};
use crate::ozmap::FailureKind;

/// How often a deletion that OZmap confirmed, but that did not happen, is sent.
const CONFIRMED_DELETES_MAX: i64 = 2;

/// How often a deletion is sent at all.
const DELETES_MAX: i64 = 20;

/// How often a look after the deletion is made anew because somebody joined during it.
const JOINED_MAX: i64 = 3;

/// What held before a look: what was seen says nothing about what came after it.
pub(super) struct Before {
    /// For how long something that was sent could still take effect.
    pub(super) unsettled: Option<Duration>,
    /// Who may hear what the look showed.
    pub(super) latecomers: Latecomers,
    /// Of a rehearsal: the real cancellations of its code.
    pub(super) beside: Option<RealOne>,
}

impl Cancellations {
    /// Whether no further DELETE is worth sending.
    pub(super) async fn is_given_up(&self, held: &Held) -> Result<bool, journal::Error> {
        let sent = held.record.deletes_sent;
        if held.record.is_past_deadline() || sent >= DELETES_MAX {
            return Ok(true);
        }
        // Those that OZmap never confirmed say nothing against one more.
        match held.record.state {
            State::Acked if sent >= CONFIRMED_DELETES_MAX => {
                let confirmed = self.journal.times_of(held.record.id, EventKind::Acked);
                Ok(confirmed.await? >= CONFIRMED_DELETES_MAX)
            }
            State::Accepted | State::Intent | State::Acked | State::Done => Ok(false),
        }
    }

    /// OZmap gives no answer that can be believed. Past the deadline, and settled, that is what is recorded.
    pub(super) async fn cannot_tell(
        &self,
        held: &mut Held,
        kind: FailureKind,
        wait: Step,
    ) -> Result<Step, journal::Error> {
        if held.record.is_past_deadline() && held.record.unsettled_for().is_none() {
            return self
                .finish(held, Outcome::Unknown, kind.reason(), None)
                .await;
        }
        Ok(wait)
    }

    /// A mistake of ours keeps ending the work on it: as soon as nothing can take effect any more, it is a person's.
    pub(super) async fn leave_to_a_person(&self, held: &mut Held) -> Result<Step, journal::Error> {
        if let Some(unsettled) = held.record.unsettled_for() {
            return Ok(Step::Hold(unsettled, Reason::PanickedTooOften));
        }
        // Nobody looked: that nothing was changed can only be said where nothing was ever sent.
        let real = self.others(held).await?;
        let outcome = match held.record.deletes_sent > 0 || may_have_deleted(real.as_ref()) {
            true => Outcome::Unknown,
            false => Outcome::Review,
        };
        let ending = Ending {
            needs_human: true,
            ..ending(held, outcome, Reason::PanickedTooOften, None)
        };
        self.end(held, ending).await
    }

    /// What the others of its code have come to; nothing when that cannot be read, which must not keep this one from its end.
    async fn others(&self, held: &Held) -> Result<Option<RealOne>, journal::Error> {
        match self.journal.real_one(&held.record.code).await {
            Ok(real) => Ok(Some(real)),
            Err(journal::Error::Corrupt(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Its time is over and nothing was sent for it. That is no word about the reservation when another cancellation of its
    /// code may have deleted it: then a person must look.
    pub(super) async fn expire(
        &self,
        held: &mut Held,
        memory: &mut Memory,
    ) -> Result<Step, journal::Error> {
        let real = self.others(held).await?;
        let (outcome, reason) = match may_have_deleted(real.as_ref()) {
            true => (Outcome::Unknown, Reason::DeadlineAfterDeletion),
            false => (Outcome::Expired, Reason::Deadline),
        };
        let before = Before {
            unsettled: None,
            latecomers: Latecomers::HearTheSame,
            beside: real.filter(|_| held.record.mode == Mode::DryRun),
        };
        let ending = ending(held, outcome, reason, None);
        self.finish_seen(held, memory, before, ending).await
    }

    /// Writes the outcome down; whoever waits is told after that.
    pub(super) async fn finish(
        &self,
        held: &mut Held,
        outcome: Outcome,
        reason: Reason,
        first_name: Option<FirstName>,
    ) -> Result<Step, journal::Error> {
        let ending = ending(held, outcome, reason, first_name);
        self.end(held, ending).await
    }

    /// The same with what a look showed, unless somebody joined since it began, who may ask for what was made in that
    /// moment, or it was cancelled beside a rehearsal: then it is looked at again.
    pub(super) async fn finish_seen(
        &self,
        held: &mut Held,
        memory: &mut Memory,
        before: Before,
        ending: Ending,
    ) -> Result<Step, journal::Error> {
        let ending = Ending {
            latecomers: before.latecomers,
            beside: before.beside,
            ..ending
        };
        match self.end(held, ending).await {
            Err(journal::Error::Joined) => {
                memory.joined += 1;
                Ok(Step::Wait(self.full_jitter(memory.joined), Reason::Joined))
            }
            ended => ended,
        }
    }

    /// Who may hear what a look that begins now will show: those who are there.
    pub(super) async fn asked_by_now(&self, held: &Held) -> Result<Latecomers, journal::Error> {
        let joined = self.journal.joined(held.record.id).await?;
        Ok(Latecomers::AreNoMoreThan(joined))
    }

    /// The same of a look after the deletion: it is not made anew for ever. In the end those who joined after the deletion
    /// was decided are left to a person.
    pub(super) async fn asked_before_the_last_look(
        &self,
        held: &Held,
        memory: &Memory,
    ) -> Result<Latecomers, journal::Error> {
        match memory.joined >= JOINED_MAX {
            true => Ok(Latecomers::AreForAPerson(Apart::JoinedLate)),
            false => self.asked_by_now(held).await,
        }
    }

    async fn end(&self, held: &mut Held, ending: Ending) -> Result<Step, journal::Error> {
        self.journal.finish(held, ending).await?;
        Ok(Step::Finished)
    }
}

/// Whether others of a code may have deleted something; nobody can say so when they cannot be read.
fn may_have_deleted(others: Option<&RealOne>) -> bool {
    others.is_none_or(RealOne::may_have_deleted)
}

/// An ending that all hear.
pub(super) fn ending(
    held: &Held,
    outcome: Outcome,
    reason: Reason,
    first_name: Option<FirstName>,
) -> Ending {
    Ending {
        outcome,
        reason,
        needs_human: outcome.needs_operator(held.record.deletes_sent),
        first_name,
        latecomers: Latecomers::HearTheSame,
        beside: None,
    }
}

/// What to call the customer of the one property of a sighting.
pub(super) fn name_in(lookup: &LookupResult, code: &ReservationCode) -> Option<FirstName> {
    match lookup.rows.as_slice() {
        [Ok(property)] => guard::first_name(property, code),
        _ => None,
    }
}
