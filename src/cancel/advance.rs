//! One step of one cancellation, from any state.
//!
//! A fresh request and the recovery after a crash call the same function. Its rules:
//! - The target is on the disk before the DELETE leaves, and it never changes.
//! - Whatever the DELETE returned, the property is rechecked by that id; only a confirmed absence
//!   is `cancelled`.
//! - After a DELETE may have been sent, no outcome but `cancelled` is final before the record has
//!   settled.
//! - A DELETE follows a guard's reading made under the current lease, and no other.

use std::time::Duration;

use super::completion::{
    complete_if_unchanged, completion, expire, hand_to_operator, late_joiners_now, name_in,
};
use super::context::Context;
use super::delete::{delete, take_budget};
use super::retry;
use super::step::{HOLD, Precondition, Step, WorkerState, asked, ids_in};
use super::verify::verify_deleted;
use crate::domain::{Awaits, EventKind, LookupResult, Mode, Outcome, PropertyId, Reason};
use crate::guard::{self, Verdict};
use crate::journal::{self, LeasedRecord, State};
use crate::ozmap::Lookup;

/// Moves a cancellation one step.
pub(super) async fn advance(
    context: &Context,
    leased: &mut LeasedRecord,
    state: &mut WorkerState,
) -> Result<Step, journal::Error> {
    match leased.record.reason.map(Reason::awaits) {
        Some(Awaits::Settlement) => return hand_to_operator(context, leased).await,
        Some(Awaits::Retry | Awaits::Operator) | None => {}
    }
    match leased.record.state {
        State::Accepted => begin(context, leased, state).await,
        State::Intent | State::Acked => verify_deleted(context, leased, state).await,
        State::Done => Ok(Step::Finished),
    }
}

/// No DELETE was sent yet: look up by code, judge, delete.
async fn begin(
    context: &Context,
    leased: &mut LeasedRecord,
    state: &mut WorkerState,
) -> Result<Step, journal::Error> {
    if leased.record.is_past_deadline() {
        return expire(context, leased, state).await;
    }
    if context.rules.paused {
        return Ok(Step::Hold(HOLD, Reason::Paused));
    }
    let live = match leased.record.mode {
        Mode::DryRun => Some(
            context
                .journal
                .live_cancellations(&leased.record.code)
                .await?,
        ),
        Mode::Real => None,
    };
    // The answer is not known before the real deletion has ended, so OZmap is not called.
    if live.as_ref().is_some_and(|live| live.is_deleting) {
        state.dry_run_waits += 1;
        let wait = dry_run_wait(state.dry_run_waits);
        return Ok(Step::Hold(wait, Reason::BeingCancelled));
    }
    let session = match context.ozmap.session(&leased.record.code).await {
        Ok(session) => session,
        Err(open) => return Ok(retry::circuit_open(context, open)),
    };
    if context.stopping.is_cancelled() {
        return Ok(Step::Park);
    }
    let precondition = Precondition {
        unsettled: None,
        late_joiners: late_joiners_now(context, leased).await?,
        live,
    };
    let lookup = session
        .lookup(&leased.record.code, state.absent_once.as_ref())
        .await;
    let lookup = match lookup {
        Ok(Lookup::Conclusive(lookup)) => lookup,
        // The session ends here, so that others can call OZmap during the wait.
        Ok(Lookup::AbsentOnce(once)) => {
            let wait = once.wait();
            state.failed_reads = 0;
            state.absent_once = Some(once);
            return Ok(Step::Wait(wait, Reason::SeenAbsentOnce));
        }
        Err(error) => return Ok(retry::after_failed_read(context, &error, leased, state)),
    };
    state.failed_reads = 0;
    state.absent_once = None;
    let code = &leased.record.code;
    if context
        .shows_deleted_property(code, &ids_in(&lookup))
        .await?
    {
        return Ok(retry::stale_reading(context, leased, state));
    }
    let name = name_in(&lookup, &leased.record.code);
    let key_user = context.ozmap.key_user();
    match guard::judge(&lookup, asked(leased, key_user.as_deref()), &context.policy) {
        Verdict::Absent => absent(context, leased, state, precondition).await,
        Verdict::Keep(refusal) => {
            note_candidates(context, leased, state, &lookup).await?;
            let outcome = refusal.outcome(&context.policy);
            let completion = completion(leased, outcome, Reason::Refused(refusal), name);
            complete_if_unchanged(context, leased, state, precondition, completion).await
        }
        Verdict::Delete(_) if leased.record.mode == Mode::DryRun => {
            let completion = completion(leased, Outcome::WouldCancel, Reason::DryRun, name);
            complete_if_unchanged(context, leased, state, precondition, completion).await
        }
        // Accepted before the operator turned the dry run on: it waits until the dry run is over.
        Verdict::Delete(_) if context.rules.dry_run => Ok(Step::Hold(HOLD, Reason::DryRun)),
        Verdict::Delete(target) if context.ozmap.is_too_old(&target) => {
            Ok(retry::stale_reading(context, leased, state))
        }
        Verdict::Delete(target) => {
            if let Err(open) = session.may_delete() {
                return Ok(retry::circuit_open(context, open));
            }
            if !take_budget(context, leased, state).await? {
                return Ok(Step::Hold(HOLD, Reason::DeletesPerHour));
            }
            delete(context, leased, state, &session, &target).await
        }
    }
}

/// Records for the operator which properties share the code.
async fn note_candidates(
    context: &Context,
    leased: &LeasedRecord,
    state: &mut WorkerState,
    lookup: &LookupResult,
) -> Result<(), journal::Error> {
    let ids = ids_in(lookup);
    let ids: Vec<&str> = ids.iter().map(PropertyId::as_str).collect();
    let candidates = ids.join(" ");
    if lookup.rows.len() < 2 || state.candidates_noted == candidates {
        return Ok(());
    }
    context
        .journal
        .note(&leased.lease, EventKind::Several, &candidates)
        .await?;
    state.candidates_noted = candidates;
    Ok(())
}

/// OZmap has nothing under the code.
async fn absent(
    context: &Context,
    leased: &mut LeasedRecord,
    state: &mut WorkerState,
    precondition: Precondition,
) -> Result<Step, journal::Error> {
    let earlier = context
        .journal
        .earlier_cancellation(&leased.record.code)
        .await?;
    let (outcome, reason) = match earlier {
        Some(_) => (Outcome::AlreadyCancelled, Reason::CancelledBefore),
        None => (Outcome::NotFound, Reason::Absent),
    };
    let completion = completion(leased, outcome, reason, None);
    complete_if_unchanged(context, leased, state, precondition, completion).await
}

/// How long a dry run waits, for the nth time, for the real cancellation of the same code. Most end
/// within the first two waits; the later ones are long enough to release the lease.
fn dry_run_wait(time: u32) -> Duration {
    Duration::from_millis(match time {
        0 | 1 => 300,
        2 => 1_000,
        3.. => 6_000,
    })
}
