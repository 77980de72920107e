//! A property that is still present although its DELETE may have been sent.
//!
//! It is deleted again only if the guard allows it both by its id and by its code. Otherwise no
//! outcome is written before everything that was sent has settled. What our own DELETE left behind
//! must never become a reason for a refusal.

use std::time::Duration;

use super::completion::{complete, complete_if_unchanged, completion, is_given_up, name_in};
use super::context::Context;
use super::delete::delete;
use super::retry;
use super::step::{HOLD, Precondition, Step, WorkerState, asked, ids_in};
use crate::domain::{EventKind, LookupResult, Outcome, Reason};
use crate::guard::{self, Deletable, Refusal, Verdict};
use crate::journal::{self, LeasedRecord, State};
use crate::ozmap::{Lookup, Session};

/// The waits between rechecks after a confirmed DELETE: OZmap may read from a replica that lags.
const RECHECKS_AFTER_ACK_MS: [u64; 3] = [300, 1_000, 3_000];

/// What showed that the property is present.
pub(super) enum Seen {
    /// Its id.
    ById(LookupResult),
    /// Only its code, while its id leads to nothing or to a document that is marked as deleted:
    /// OZmap may have carried out half of the DELETE.
    OnlyByCode(LookupResult),
}

impl Seen {
    fn lookup(&self) -> &LookupResult {
        match self {
            Self::ById(lookup) | Self::OnlyByCode(lookup) => lookup,
        }
    }

    /// Whether this refusal leaves open that something was changed.
    fn may_be_half_deleted(&self, refusal: Refusal) -> bool {
        match self {
            Self::ById(_) => may_be_our_doing(refusal),
            Self::OnlyByCode(_) => true,
        }
    }
}

/// What to do about it.
enum Judged {
    /// The guard allows one more DELETE.
    DeleteAgain(Box<Deletable>),
    /// Do not delete again: the guard refuses, or no further DELETE is worth sending.
    Keep(Option<Refusal>),
    /// It cannot be decided yet.
    NotNow(Step),
}

/// Deletes again if the guard still allows it. Otherwise waits until nothing that was sent can take
/// effect any more, and only then writes the outcome.
pub(super) async fn still_present(
    context: &Context,
    leased: &mut LeasedRecord,
    state: &mut WorkerState,
    session: &Session<'_>,
    seen: &Seen,
    precondition: Precondition,
) -> Result<Step, journal::Error> {
    if let Some(pause) = pause_before_recheck(context, leased, state) {
        return Ok(Step::Wait(pause, Reason::StillThere));
    }
    let rules = &context.rules;
    if (rules.paused || rules.dry_run) && !leased.record.is_past_deadline() {
        let why = if rules.paused {
            Reason::Paused
        } else {
            Reason::DryRun
        };
        return Ok(Step::Hold(HOLD, why));
    }
    let lookup = seen.lookup();
    let refusal = match judge_again(context, leased, state, session, lookup).await? {
        Judged::DeleteAgain(_) if was_refused(context, leased).await? => {
            return refused(context, leased, state, lookup, precondition).await;
        }
        Judged::DeleteAgain(target) => {
            if let Err(open) = session.may_delete() {
                return Ok(retry::circuit_open(context, open));
            }
            return delete(context, leased, state, session, &target).await;
        }
        Judged::NotNow(step) => return Ok(step),
        Judged::Keep(refusal) => refusal,
    };
    note_change(context, leased, state, refusal).await?;
    if let Some(unsettled) = precondition.unsettled {
        return Ok(Step::Hold(unsettled, Reason::Unsettled));
    }
    let name = name_in(lookup, &leased.record.code);
    match refusal {
        Some(refusal) if seen.may_be_half_deleted(refusal) => {
            complete(
                context,
                leased,
                Outcome::Unknown,
                Reason::Refused(refusal),
                None,
            )
            .await
        }
        Some(refusal) => {
            let outcome = refusal.outcome(&context.policy);
            let completion = completion(leased, outcome, Reason::Refused(refusal), name);
            complete_if_unchanged(context, leased, state, precondition, completion).await
        }
        None => {
            let why = Reason::DeleteWithoutEffect;
            complete(context, leased, Outcome::Unknown, why, name).await
        }
    }
}

/// Whether OZmap refused this deletion: then no further DELETE is sent.
async fn was_refused(context: &Context, leased: &LeasedRecord) -> Result<bool, journal::Error> {
    let refused = context
        .journal
        .times_of(leased.record.id, EventKind::DeleteRejected);
    Ok(refused.await? > 0)
}

/// OZmap refused the deletion and the property is present: the operator has to find out why.
async fn refused(
    context: &Context,
    leased: &mut LeasedRecord,
    state: &mut WorkerState,
    lookup: &LookupResult,
    precondition: Precondition,
) -> Result<Step, journal::Error> {
    if let Some(unsettled) = precondition.unsettled {
        return Ok(Step::Hold(unsettled, Reason::Unsettled));
    }
    let name = name_in(lookup, &leased.record.code);
    let completion = completion(leased, Outcome::Review, Reason::DeleteRejected, name);
    complete_if_unchanged(context, leased, state, precondition, completion).await
}

/// How long to wait for the next recheck before anything else is done.
fn pause_before_recheck(
    context: &Context,
    leased: &LeasedRecord,
    state: &mut WorkerState,
) -> Option<Duration> {
    let rechecks = state.rechecks;
    state.rechecks += 1;
    match leased.record.state {
        State::Acked => RECHECKS_AFTER_ACK_MS
            .get(rechecks)
            .map(|ms| Duration::from_millis(*ms)),
        State::Accepted | State::Intent | State::Done => (rechecks == 0 && state.delete_sent)
            .then(|| retry::jittered(context, leased.record.deletes_sent)),
    }
}

/// Asks the guard again, by id and by code.
async fn judge_again(
    context: &Context,
    leased: &LeasedRecord,
    state: &mut WorkerState,
    session: &Session<'_>,
    by_id: &LookupResult,
) -> Result<Judged, journal::Error> {
    let is_given_up = is_given_up(context, leased).await?;
    let key_user = context.ozmap.key_user();
    let asked = asked(leased, key_user.as_deref());
    let refused = match guard::judge(by_id, asked, &context.policy) {
        Verdict::Delete(_) if is_given_up => return Ok(Judged::Keep(None)),
        Verdict::Delete(_) => None,
        Verdict::Keep(refusal) if may_be_our_doing(refusal) => {
            return Ok(Judged::Keep(Some(refusal)));
        }
        Verdict::Keep(refusal) => Some(refusal),
        Verdict::Absent => {
            return Err(journal::Error::Corrupt(
                "a present property without a row".to_owned(),
            ));
        }
    };
    // The document under the id may be what OZmap keeps of a deleted property. Only the code tells
    // whether the property is present and the only one of its code.
    let by_code = match session.lookup(&leased.record.code, None).await {
        Ok(Lookup::Conclusive(lookup)) => lookup,
        Ok(Lookup::AbsentOnce(_)) => return Ok(not_under_its_code(context, leased, state)),
        Err(_) if leased.record.is_past_deadline() => return Ok(Judged::Keep(None)),
        Err(error) => {
            let wait = retry::after_failed_read(context, &error, leased, state);
            let wait = retry::disagreement(context, wait, leased, state);
            return Ok(Judged::NotNow(wait));
        }
    };
    let code = &leased.record.code;
    if context
        .shows_deleted_property(code, &ids_in(&by_code))
        .await?
    {
        if leased.record.is_past_deadline() {
            return Ok(Judged::Keep(None));
        }
        let wait = retry::stale_reading(context, leased, state);
        return Ok(Judged::NotNow(wait));
    }
    if !may_show(&by_code, leased) {
        // Another property under the code is no reason for or against the deleted one.
        return Ok(not_under_its_code(context, leased, state));
    }
    let verdict = guard::judge(&by_code, asked, &context.policy);
    Ok(match (verdict, refused) {
        (Verdict::Keep(by_code), Some(_)) if may_be_our_doing(by_code) => {
            Judged::Keep(Some(by_code))
        }
        (Verdict::Keep(_) | Verdict::Delete(_) | Verdict::Absent, Some(by_id)) => {
            Judged::Keep(Some(by_id))
        }
        (Verdict::Keep(by_code), None) => Judged::Keep(Some(by_code)),
        (Verdict::Delete(target), None) if context.ozmap.is_too_old(&target) => {
            Judged::NotNow(retry::stale_reading(context, leased, state))
        }
        (Verdict::Delete(target), None) => Judged::DeleteAgain(target),
        (Verdict::Absent, None) => {
            return Err(journal::Error::Corrupt(
                "a shown property without a row".to_owned(),
            ));
        }
    })
}

fn not_under_its_code(context: &Context, leased: &LeasedRecord, state: &mut WorkerState) -> Judged {
    if leased.record.is_past_deadline() {
        return Judged::Keep(None);
    }
    let wait = Step::Wait(Duration::ZERO, Reason::NotUnderItsCode);
    Judged::NotNow(retry::disagreement(context, wait, leased, state))
}

/// Tells the operator, once, that the reservation is not deleted again.
async fn note_change(
    context: &Context,
    leased: &LeasedRecord,
    state: &mut WorkerState,
    refusal: Option<Refusal>,
) -> Result<(), journal::Error> {
    if state.change_noted {
        return Ok(());
    }
    state.change_noted = true;
    let why = refusal
        .map_or(Reason::DeleteWithoutEffect, Reason::Refused)
        .id();
    tracing::error!(
        op = %leased.record.id, protocol = %leased.record.protocol, reason = why,
        "reservation still present after its DELETE was sent; it is not deleted again: needs review"
    );
    const KIND: EventKind = EventKind::NotDeletedAgain;
    let (journal, lease) = (&context.journal, &leased.lease);
    match refusal {
        // If the DELETE takes effect after all, it hits a customer whom the guard would have kept.
        Some(refusal) if !may_be_our_doing(refusal) => {
            journal.flag_for_review(lease, KIND, why).await
        }
        Some(_) | None => journal.note(lease, KIND, why).await,
    }
}

/// Whether the code leads to the property of this cancellation. An unreadable row may be it if it
/// is the only one.
fn may_show(by_code: &LookupResult, leased: &LeasedRecord) -> bool {
    match by_code.rows.as_slice() {
        [Err(_)] => true,
        rows => {
            let mut readable = rows.iter().flatten();
            readable.any(|row| Some(&row.id) == leased.record.property.as_ref())
        }
    }
}

/// Whether our own DELETE, half carried out, may be what causes this refusal. "Nothing was changed"
/// must not be said then.
fn may_be_our_doing(refusal: Refusal) -> bool {
    match refusal {
        Refusal::UnreadableDocument
        | Refusal::BadId
        | Refusal::UnknownKind
        | Refusal::NoClient
        | Refusal::UnreadableClient
        | Refusal::OtherCode
        | Refusal::ClientWithoutProperty
        | Refusal::InstalledUnknown
        | Refusal::MarkedDeleted
        // The document says that a customer moved out.
        | Refusal::PreexistingProperty => true,
        Refusal::SeveralProperties
        | Refusal::Installed
        | Refusal::ReservedLater
        | Refusal::InstallEvidence
        | Refusal::BuildingUnit
        | Refusal::OtherCreator => false,
    }
}
