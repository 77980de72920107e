//! A property that is still there although its DELETE may have been sent.
//!
//! It is deleted again only when the guard allows it by its id and by its code; otherwise nothing is said before
//! whatever was sent can take effect no more. It must never call what our own DELETE left behind a reason against it.

use std::time::Duration;

use super::Cancellations;
use super::advance::{HELD, Memory, Step, asked, ids_in};
use super::ending::{Before, ending, name_in};
use crate::domain::{EventKind, LookupResult, Outcome, Reason};
use crate::guard::{self, Deletable, Refusal, Verdict};
use crate::journal::{self, Held, State};
use crate::ozmap::{Look, Session};

/// The waits between looks after a confirmed DELETE: OZmap may read from a copy that lags.
const LOOKS_AFTER_ACK_MS: [u64; 3] = [300, 1_000, 3_000];

/// How it was seen to be there.
pub(super) enum Seen {
    /// By its id.
    ById(LookupResult),
    /// Only under its code, while its id leads to nothing or to something that says it was deleted: half of what was sent
    /// may have been done.
    OnlyByCode(LookupResult),
}

impl Seen {
    fn lookup(&self) -> &LookupResult {
        match self {
            Self::ById(lookup) | Self::OnlyByCode(lookup) => lookup,
        }
    }

    /// Whether "nothing was changed" must not be said with this refusal.
    fn may_be_half_deleted(&self, refusal: Refusal) -> bool {
        match self {
            Self::ById(_) => is_trace(refusal),
            Self::OnlyByCode(_) => true,
        }
    }
}

/// What is to be done about it.
enum Judged {
    /// The guard allows it once more.
    DeleteAgain(Box<Deletable>),
    /// It is not deleted again: the guard objects, or no further DELETE is worth sending.
    Keep(Option<Refusal>),
    /// It cannot be told now.
    NotNow(Step),
}

impl Cancellations {
    /// Delete it again, if the guard still allows it; otherwise wait until nothing that was sent can take effect any
    /// more, and only then say so.
    pub(super) async fn still_there(
        &self,
        held: &mut Held,
        memory: &mut Memory,
        session: &Session<'_>,
        seen: &Seen,
        before: Before,
    ) -> Result<Step, journal::Error> {
        if let Some(pause) = self.pause_before_more(held, memory) {
            return Ok(Step::Wait(pause, Reason::StillThere));
        }
        if (self.rules.paused || self.rules.dry_run) && !held.record.is_past_deadline() {
            let why = if self.rules.paused {
                Reason::Paused
            } else {
                Reason::DryRun
            };
            return Ok(Step::Hold(HELD, why));
        }
        let lookup = seen.lookup();
        let refusal = match self.judge_again(held, memory, session, lookup).await? {
            Judged::DeleteAgain(_) if self.was_refused(held).await? => {
                return self.refused(held, memory, lookup, before).await;
            }
            Judged::DeleteAgain(target) => {
                if let Err(shut) = session.may_delete() {
                    return Ok(self.circuit_open(shut));
                }
                return self.delete(held, memory, session, &target).await;
            }
            Judged::NotNow(step) => return Ok(step),
            Judged::Keep(refusal) => refusal,
        };
        self.changed_under_our_hands(held, memory, refusal).await?;
        if let Some(unsettled) = before.unsettled {
            return Ok(Step::Hold(unsettled, Reason::Unsettled));
        }
        let name = name_in(lookup, &held.record.code);
        match refusal {
            Some(refusal) if seen.may_be_half_deleted(refusal) => {
                self.finish(held, Outcome::Unknown, Reason::Refused(refusal), None)
                    .await
            }
            Some(refusal) => {
                let outcome = refusal.outcome(&self.policy);
                let ending = ending(held, outcome, Reason::Refused(refusal), name);
                self.finish_seen(held, memory, before, ending).await
            }
            None => {
                self.finish(held, Outcome::Unknown, Reason::DeleteWithoutEffect, name)
                    .await
            }
        }
    }

    /// Whether OZmap refused to delete it: then no further DELETE is sent.
    async fn was_refused(&self, held: &Held) -> Result<bool, journal::Error> {
        let refused = self
            .journal
            .times_of(held.record.id, EventKind::DeleteRejected);
        Ok(refused.await? > 0)
    }

    /// OZmap refused to delete it, and it is there: a person has to look why.
    async fn refused(
        &self,
        held: &mut Held,
        memory: &mut Memory,
        lookup: &LookupResult,
        before: Before,
    ) -> Result<Step, journal::Error> {
        if let Some(unsettled) = before.unsettled {
            return Ok(Step::Hold(unsettled, Reason::Unsettled));
        }
        let name = name_in(lookup, &held.record.code);
        let ending = ending(held, Outcome::Review, Reason::DeleteRejected, name);
        self.finish_seen(held, memory, before, ending).await
    }

    /// How long to wait before it is looked at again, without doing anything about it.
    fn pause_before_more(&self, held: &Held, memory: &mut Memory) -> Option<Duration> {
        let looks = memory.looks;
        memory.looks += 1;
        match held.record.state {
            State::Acked => LOOKS_AFTER_ACK_MS
                .get(looks)
                .map(|ms| Duration::from_millis(*ms)),
            State::Accepted | State::Intent | State::Done => {
                (looks == 0 && memory.sent).then(|| self.full_jitter(held.record.deletes_sent))
            }
        }
    }

    async fn judge_again(
        &self,
        held: &Held,
        memory: &mut Memory,
        session: &Session<'_>,
        by_id: &LookupResult,
    ) -> Result<Judged, journal::Error> {
        let is_given_up = self.is_given_up(held).await?;
        let key_user = self.ozmap.key_user();
        let refused = match guard::judge(by_id, asked(held, key_user.as_deref()), &self.policy) {
            Verdict::Delete(_) if is_given_up => return Ok(Judged::Keep(None)),
            Verdict::Delete(_) => None,
            Verdict::Keep(refusal) if is_trace(refusal) => {
                return Ok(Judged::Keep(Some(refusal)));
            }
            Verdict::Keep(refusal) => Some(refusal),
            Verdict::Absent => {
                return Err(journal::Error::Corrupt(
                    "a present property without a row".to_owned(),
                ));
            }
        };
        // By its id it stands alone, and may be what OZmap keeps of a deleted one. Whether it is there, and the only one of
        // its code, only the code tells.
        let by_code = match session.look(&held.record.code, None).await {
            Ok(Look::Shown(lookup)) => lookup,
            Ok(Look::NothingYet(_)) => return Ok(self.not_under_its_code(held, memory)),
            Err(_) if held.record.is_past_deadline() => return Ok(Judged::Keep(None)),
            Err(error) => {
                let wait = self.wait_after(&error, held, memory);
                return Ok(Judged::NotNow(self.disagreeing(wait, held, memory)));
            }
        };
        let code = &held.record.code;
        if self.shows_what_is_gone(code, &ids_in(&by_code)).await? {
            return Ok(match held.record.is_past_deadline() {
                true => Judged::Keep(None),
                false => Judged::NotNow(self.read_anew(held, memory)),
            });
        }
        if !may_show(&by_code, held) {
            // What stands there instead is no reason for or against the one that was deleted.
            return Ok(self.not_under_its_code(held, memory));
        }
        let verdict = guard::judge(&by_code, asked(held, key_user.as_deref()), &self.policy);
        Ok(match (verdict, refused) {
            (Verdict::Keep(by_code), Some(_)) if is_trace(by_code) => Judged::Keep(Some(by_code)),
            (Verdict::Keep(_) | Verdict::Delete(_) | Verdict::Absent, Some(by_id)) => {
                Judged::Keep(Some(by_id))
            }
            (Verdict::Keep(by_code), None) => Judged::Keep(Some(by_code)),
            (Verdict::Delete(target), None) if self.ozmap.is_too_old(&target) => {
                Judged::NotNow(self.read_anew(held, memory))
            }
            (Verdict::Delete(target), None) => Judged::DeleteAgain(target),
            (Verdict::Absent, None) => {
                return Err(journal::Error::Corrupt(
                    "a shown property without a row".to_owned(),
                ));
            }
        })
    }

    fn not_under_its_code(&self, held: &Held, memory: &mut Memory) -> Judged {
        if held.record.is_past_deadline() {
            return Judged::Keep(None);
        }
        let wait = Step::Wait(Duration::ZERO, Reason::NotUnderItsCode);
        Judged::NotNow(self.disagreeing(wait, held, memory))
    }

    /// By its id it is there, and its code does not say so: it is asked more and more rarely, although every look by id
    /// went well.
    pub(super) fn disagreeing(&self, wait: Step, held: &Held, memory: &mut Memory) -> Step {
        memory.disagreements += 1;
        let usual = self.full_jitter(held.record.attempts.max(memory.disagreements));
        match wait {
            Step::Wait(pause, why) => Step::Wait(pause.max(usual), why),
            step @ (Step::Again | Step::Hold(..) | Step::Finished | Step::Park) => step,
        }
    }

    async fn changed_under_our_hands(
        &self,
        held: &Held,
        memory: &mut Memory,
        refusal: Option<Refusal>,
    ) -> Result<(), journal::Error> {
        if memory.changed_noted {
            return Ok(());
        }
        memory.changed_noted = true;
        let why = refusal
            .map_or(Reason::DeleteWithoutEffect, Reason::Refused)
            .id();
        tracing::error!(
            op = %held.record.id, protocol = %held.record.protocol, reason = why,
            "a reservation whose deletion was sent is still there and is not deleted again; a person should look"
        );
        const KIND: EventKind = EventKind::NotDeletedAgain;
        match refusal {
            // Should what was sent take effect all the same, somebody is deleted whom the guard would have kept.
            Some(refusal) if !is_trace(refusal) => {
                self.journal.call_a_person(&held.lease, KIND, why).await
            }
            Some(_) | None => self.journal.note(&held.lease, KIND, why).await,
        }
    }
}

/// Whether the code leads to the property of this cancellation; the only row may be it, when it cannot be read.
fn may_show(by_code: &LookupResult, held: &Held) -> bool {
    match by_code.rows.as_slice() {
        [Err(_)] => true,
        rows => {
            let mut readable = rows.iter().flatten();
            readable.any(|row| Some(&row.id) == held.record.property.as_ref())
        }
    }
}

/// Whether a refusal may be the trace of our own DELETE, half done, instead of a reason against it: "nothing was
/// changed" must not be said then.
fn is_trace(refusal: Refusal) -> bool {
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
        // Somebody moved out, by what the document says.
        | Refusal::PreexistingProperty => true,
        Refusal::SeveralProperties
        | Refusal::Installed
        | Refusal::ReservedLater
        | Refusal::InstallEvidence
        | Refusal::BuildingUnit
        | Refusal::OtherCreator => false,
    }
}
