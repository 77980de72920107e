//! The dangerous verb: takes a deletion from the hour's budget, writes the intent, and sends the
//! DELETE.
//!
//! The target is on the disk before the DELETE leaves. Whatever OZmap answers, this file concludes
//! nothing: the next step verifies what became of the property.

use super::context::Context;
use super::retry::delete_denied;
use super::step::{Step, WorkerState};
use crate::domain::EventKind;
use crate::guard::Deletable;
use crate::journal::{self, LeasedRecord};
use crate::ozmap::{FailureKind, RelatedIds, Session};

/// Takes one deletion from the hour's budget, once until its intent is written. False when the
/// budget is spent.
pub(super) async fn take_budget(
    context: &Context,
    leased: &LeasedRecord,
    state: &mut WorkerState,
) -> Result<bool, journal::Error> {
    let max = context.rules.deletes_per_hour_max;
    state.has_budget = state.has_budget || context.journal.spend_deletion(max).await?;
    if !state.has_budget {
        tracing::error!(
            op = %leased.record.id,
            "hourly deletion limit reached ({max}); cancellations wait until the next hour"
        );
    }
    Ok(state.has_budget)
}

/// Writes the target to the journal, then sends the DELETE.
pub(super) async fn delete(
    context: &Context,
    leased: &mut LeasedRecord,
    state: &mut WorkerState,
    session: &Session<'_>,
    target: &Deletable,
) -> Result<Step, journal::Error> {
    if context.stopping.is_cancelled() {
        return Ok(Step::Park);
    }
    let intent = context.journal.intend(leased, target).await?;
    state.rechecks = 0;
    state.late_joins = 0;
    state.delete_sent = true;
    state.has_budget = false;
    state.gone_checks = None;
    state.related = Some(RelatedIds::of(&target.property().raw));
    match session.delete(intent).await {
        Ok(()) => context.journal.acked(leased).await?,
        Err(error) if error.is_refusal() => {
            tracing::warn!(op = %leased.record.id, "OZmap refuses to delete this property: {error}");
            context.journal.refused(leased).await?;
        }
        Err(error) => {
            tracing::warn!(
                op = %leased.record.id, acted = ?error.acted,
                "no clear response to the DELETE: {error}; verifying by id"
            );
            context
                .journal
                .note(&leased.lease, EventKind::DeleteUnclear, error.kind.id())
                .await?;
            if error.kind == FailureKind::Forbidden {
                let pause = delete_denied(leased.record.deletes_sent);
                return Ok(Step::Wait(pause, error.kind.reason()));
            }
            if let Some(pause) = error.retry_after {
                return Ok(Step::Wait(pause, error.kind.reason()));
            }
        }
    }
    Ok(Step::Continue)
}
