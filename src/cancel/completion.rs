//! Completes a cancellation: writes its outcome, gives up at the deadline, or hands it to the
//! operator.
//!
//! It must never tell a caller anything: callers are told what the journal says after the write.

use super::context::Context;
use super::retry::jittered;
use super::step::{Precondition, Step, WorkerState};
use crate::domain::{EventKind, FirstName, LookupResult, Mode, Outcome, Reason, ReservationCode};
use crate::guard;
use crate::journal::{
    self, Ending, LateJoiners, LeasedRecord, LiveCancellations, SplitReason, State,
};
use crate::ozmap::FailureKind;

/// How often a DELETE is sent that OZmap confirmed but did not carry out.
const CONFIRMED_DELETES_MAX: i64 = 2;

/// How often a DELETE is sent at all.
const DELETES_MAX: i64 = 20;

/// How often a recheck is repeated because another request joined during it.
const LATE_JOINS_MAX: i64 = 3;

/// Whether no further DELETE is worth sending.
pub(super) async fn is_given_up(
    context: &Context,
    leased: &LeasedRecord,
) -> Result<bool, journal::Error> {
    let sent = leased.record.deletes_sent;
    if leased.record.is_past_deadline() || sent >= DELETES_MAX {
        return Ok(true);
    }
    // DELETEs that OZmap never confirmed are no reason against one more.
    match leased.record.state {
        State::Acked if sent >= CONFIRMED_DELETES_MAX => {
            let confirmed = context.journal.times_of(leased.record.id, EventKind::Acked);
            Ok(confirmed.await? >= CONFIRMED_DELETES_MAX)
        }
        State::Accepted | State::Intent | State::Acked | State::Done => Ok(false),
    }
}

/// OZmap gives no usable response: `unknown` once the record is past its deadline and settled,
/// until then the wait.
pub(super) async fn unknown_or_wait(
    context: &Context,
    leased: &mut LeasedRecord,
    failure: FailureKind,
    wait: Step,
) -> Result<Step, journal::Error> {
    if leased.record.is_past_deadline() && leased.record.unsettled_for().is_none() {
        return complete(context, leased, Outcome::Unknown, failure.reason(), None).await;
    }
    Ok(wait)
}

/// The worker panicked too often: as soon as nothing can take effect any more, the operator gets
/// the cancellation.
pub(super) async fn hand_to_operator(
    context: &Context,
    leased: &mut LeasedRecord,
) -> Result<Step, journal::Error> {
    if let Some(unsettled) = leased.record.unsettled_for() {
        return Ok(Step::Hold(unsettled, Reason::PanickedTooOften));
    }
    // OZmap was not asked, so `review` (nothing was changed) is true only if no DELETE was ever
    // sent.
    let live = others(context, leased).await?;
    let outcome = if leased.record.deletes_sent > 0 || may_have_deleted(live.as_ref()) {
        Outcome::Unknown
    } else {
        Outcome::Review
    };
    let completion = Ending {
        needs_human: true,
        ..completion(leased, outcome, Reason::PanickedTooOften, None)
    };
    write(context, leased, completion).await
}

/// The other cancellations of the code. `None` when they are unreadable, which must not keep this
/// one from its outcome.
async fn others(
    context: &Context,
    leased: &LeasedRecord,
) -> Result<Option<LiveCancellations>, journal::Error> {
    match context
        .journal
        .live_cancellations(&leased.record.code)
        .await
    {
        Ok(live) => Ok(Some(live)),
        Err(journal::Error::Corrupt(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The deadline has passed and no DELETE was sent for this cancellation: `expired`. It is `unknown`
/// when another cancellation of the code may have deleted the reservation.
pub(super) async fn expire(
    context: &Context,
    leased: &mut LeasedRecord,
    state: &mut WorkerState,
) -> Result<Step, journal::Error> {
    let live = others(context, leased).await?;
    let (outcome, reason) = if may_have_deleted(live.as_ref()) {
        (Outcome::Unknown, Reason::DeadlineAfterDeletion)
    } else {
        (Outcome::Expired, Reason::Deadline)
    };
    let precondition = Precondition {
        unsettled: None,
        late_joiners: LateJoiners::Share,
        live: live.filter(|_| leased.record.mode == Mode::DryRun),
    };
    let completion = completion(leased, outcome, reason, None);
    complete_if_unchanged(context, leased, state, precondition, completion).await
}

/// Writes the outcome, regardless of late joiners.
pub(super) async fn complete(
    context: &Context,
    leased: &mut LeasedRecord,
    outcome: Outcome,
    reason: Reason,
    first_name: Option<FirstName>,
) -> Result<Step, journal::Error> {
    let completion = completion(leased, outcome, reason, first_name);
    write(context, leased, completion).await
}

/// Writes an outcome that rests on a lookup if the precondition still holds. If a request joined
/// since the lookup began, or a live cancellation ended beside a dry run, the worker looks again.
pub(super) async fn complete_if_unchanged(
    context: &Context,
    leased: &mut LeasedRecord,
    state: &mut WorkerState,
    precondition: Precondition,
    completion: Ending,
) -> Result<Step, journal::Error> {
    let completion = Ending {
        late_joiners: precondition.late_joiners,
        live: precondition.live,
        ..completion
    };
    match write(context, leased, completion).await {
        Err(journal::Error::Joined) => {
            state.late_joins += 1;
            Ok(Step::Wait(
                jittered(context, state.late_joins),
                Reason::Joined,
            ))
        }
        written => written,
    }
}

/// The late joiners that a lookup which begins now may answer: those that the journal counts now.
pub(super) async fn late_joiners_now(
    context: &Context,
    leased: &LeasedRecord,
) -> Result<LateJoiners, journal::Error> {
    let joined = context.journal.joined(leased.record.id).await?;
    Ok(LateJoiners::AtMost(joined))
}

/// The same for a recheck after the DELETE, which is not repeated for ever: after a few repetitions
/// the late joiners are split off for review.
pub(super) async fn late_joiners_of_recheck(
    context: &Context,
    leased: &LeasedRecord,
    state: &WorkerState,
) -> Result<LateJoiners, journal::Error> {
    if state.late_joins >= LATE_JOINS_MAX {
        return Ok(LateJoiners::SplitForReview(SplitReason::JoinedLate));
    }
    late_joiners_now(context, leased).await
}

async fn write(
    context: &Context,
    leased: &mut LeasedRecord,
    completion: Ending,
) -> Result<Step, journal::Error> {
    context.journal.finish(leased, completion).await?;
    Ok(Step::Finished)
}

/// Whether other cancellations of the code may have deleted something. Unreadable ones may have.
fn may_have_deleted(others: Option<&LiveCancellations>) -> bool {
    others.is_none_or(LiveCancellations::may_have_deleted)
}

/// A completion that gives every caller the same outcome.
pub(super) fn completion(
    leased: &LeasedRecord,
    outcome: Outcome,
    reason: Reason,
    first_name: Option<FirstName>,
) -> Ending {
    Ending {
        outcome,
        reason,
        needs_human: outcome.needs_operator(leased.record.deletes_sent),
        first_name,
        late_joiners: LateJoiners::Share,
        live: None,
    }
}

/// The customer's first name, if the lookup shows exactly one property.
pub(super) fn name_in(lookup: &LookupResult, code: &ReservationCode) -> Option<FirstName> {
    match lookup.rows.as_slice() {
        [Ok(property)] => guard::first_name(property, code),
        _ => None,
    }
}
