//! After a DELETE may have been sent: verifies by the recorded id what became of the property.
//!
//! Whatever the DELETE returned, a cancellation completes only on what the recheck shows. After a
//! DELETE that OZmap did not confirm, an absence has to be seen at least twice. Optional facts must
//! never delay an outcome.

use std::time::Duration;

use super::completion::{
    complete, complete_if_unchanged, completion, late_joiners_of_recheck, unknown_or_wait,
};
use super::context::Context;
use super::retry;
use super::step::{Precondition, Step, WorkerState};
use super::still_present::{Seen, still_present};
use crate::domain::{EventKind, Outcome, PropertyId, Reason};
use crate::journal::{self, LateJoiners, LeasedRecord, SplitReason, State};
use crate::ozmap::{
    DeleteAnswer, Deleted, FailureKind, Port, PortState, RecheckResult, RelatedIds, Session,
    alongside,
};

/// Rechecks the property by its id and completes, waits or deletes again.
pub(super) async fn verify_deleted(
    context: &Context,
    leased: &mut LeasedRecord,
    state: &mut WorkerState,
) -> Result<Step, journal::Error> {
    let Some(id) = leased.record.property.clone() else {
        return Err(journal::Error::Corrupt(
            "an intent without a property".to_owned(),
        ));
    };
    let session = match context.ozmap.session(&leased.record.code).await {
        Ok(session) => session,
        Err(open) => {
            let wait = retry::circuit_open(context, open);
            return unknown_or_wait(context, leased, open.why, wait).await;
        }
    };
    let related = related_ids(context, leased, state).await?;
    // The spelling that led to the property may be one that only the lookup of near spellings asks
    // for.
    if let Some(code) = &related.code {
        leased.record.code = leased.record.code.clone().held_as(code);
    }
    let precondition = Precondition {
        unsettled: leased.record.unsettled_for(),
        late_joiners: late_joiners_of_recheck(context, leased, state).await?,
        live: None,
    };
    let deleted = Deleted {
        id: &id,
        code: &leased.record.code,
        client: related.client.as_ref(),
        answer: match leased.record.state {
            State::Acked => DeleteAnswer::Confirmed,
            State::Accepted | State::Intent | State::Done => DeleteAnswer::Unclear,
        },
    };
    let recheck = session.recheck_by_id(deleted, state.gone_checks.as_ref());
    let (recheck, port) = alongside(recheck, port_state(&session, related.port.as_ref())).await;
    let gone_checks = state.gone_checks.take();
    let seen = match recheck {
        Ok(RecheckResult::Gone { others }) => {
            note_port(context, leased, related.port.as_ref(), port.flatten()).await;
            return gone(context, leased, state, precondition, others).await;
        }
        Ok(RecheckResult::GoneUnconfirmed(gone)) => {
            let wait = gone.wait();
            state.failed_reads = 0;
            state.gone_checks = Some(gone);
            return Ok(Step::Wait(wait, Reason::SeenGoneOnce));
        }
        Ok(RecheckResult::Contradicted) => {
            return contradicted(context, leased, state, precondition).await;
        }
        Ok(RecheckResult::Present(lookup)) => Seen::ById(lookup),
        Ok(RecheckResult::OnlyByCode(lookup)) => Seen::OnlyByCode(lookup),
        Err(error) => {
            // A failed call does not take back what the rechecks before it showed.
            state.gone_checks = gone_checks;
            let wait = retry::after_failed_read(context, &error, leased, state);
            return unknown_or_wait(context, leased, error.kind, wait).await;
        }
    };
    state.failed_reads = 0;
    still_present(context, leased, state, &session, &seen, precondition).await
}

/// The absence is confirmed: `cancelled`.
async fn gone(
    context: &Context,
    leased: &mut LeasedRecord,
    state: &mut WorkerState,
    precondition: Precondition,
    others: Vec<PropertyId>,
) -> Result<Step, journal::Error> {
    let code = &leased.record.code;
    if context.shows_deleted_property(code, &others).await? {
        let wait = retry::stale_reading(context, leased, state);
        return unknown_or_wait(context, leased, FailureKind::Stale, wait).await;
    }
    let late_joiners = if others.is_empty() {
        precondition.late_joiners
    } else {
        // The new reservation may come from a system that makes reservations by itself: the
        // operator of that system has to know.
        let what = "the code leads to another property now";
        context
            .journal
            .flag_for_review(&leased.lease, EventKind::ReservedAgain, what)
            .await?;
        LateJoiners::SplitForReview(SplitReason::ReservedAgain)
    };
    let completion = completion(leased, Outcome::Cancelled, Reason::SeenGone, None);
    let precondition = Precondition {
        late_joiners,
        ..precondition
    };
    complete_if_unchanged(context, leased, state, precondition, completion).await
}

/// The id and the code say that the property is gone; its client or a list says that it is not.
/// Once nothing can take effect any more, the operator has to find out.
async fn contradicted(
    context: &Context,
    leased: &mut LeasedRecord,
    state: &mut WorkerState,
    precondition: Precondition,
) -> Result<Step, journal::Error> {
    tracing::warn!(
        op = %leased.record.id,
        "OZmap contradicts itself: the deleted property is not found by id, but its client or a list still has it"
    );
    if precondition.unsettled.is_some() {
        let wait = Step::Wait(Duration::ZERO, Reason::Contradiction);
        return Ok(retry::disagreement(context, wait, leased, state));
    }
    complete(
        context,
        leased,
        Outcome::Unknown,
        Reason::Contradiction,
        None,
    )
    .await
}

/// The ids by which the property can still be asked for; read from its snapshot once.
async fn related_ids(
    context: &Context,
    leased: &LeasedRecord,
    state: &mut WorkerState,
) -> Result<RelatedIds, journal::Error> {
    if let Some(related) = &state.related {
        return Ok(related.clone());
    }
    let snapshot = context.journal.snapshot(leased.record.id).await?;
    let related = snapshot.map_or_else(RelatedIds::default, |raw| RelatedIds::of(&raw));
    state.related = Some(related.clone());
    Ok(related)
}

/// Records whether the splitter output is free again, if OZmap said so in time.
async fn note_port(
    context: &Context,
    leased: &LeasedRecord,
    port: Option<&Port>,
    port_state: Option<PortState>,
) {
    let (Some(port), Some(port_state)) = (port, port_state) else {
        return;
    };
    let kind = match port_state {
        PortState::Free => EventKind::PortFree,
        PortState::Taken => EventKind::PortTaken,
    };
    let detail = format!(
        "output {} of splitter {}",
        port.number,
        port.splitter.as_str()
    );
    if let Err(error) = context.journal.note(&leased.lease, kind, &detail).await {
        tracing::warn!(op = %leased.record.id, "failed to record the state of the splitter output: {error}");
    }
}

async fn port_state(session: &Session<'_>, port: Option<&Port>) -> Option<PortState> {
    session.port_state(port?).await
}
