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
use crate::domain::{FirstName, Mode, Outcome, ReservationCode, Sighting};
use crate::guard::{self, Deletable, Refusal, Verdict};
use crate::journal::{self, Ending, Held, State};
use crate::ozmap::{self, Presence, Slot, Trouble};

/// How often a deletion that OZmap confirmed, but that did not happen, is sent.
const CONFIRMED_DELETES_MAX: i64 = 2;

/// How often a deletion is sent at all.
const DELETES_MAX: i64 = 20;

/// The waits between looks after a confirmed DELETE: OZmap may read from a copy that lags.
const LOOKS_AFTER_ACK_MS: [u64; 3] = [300, 1_000, 3_000];

/// How long a cancellation is held that the operator stopped, or whose hour is spent.
const HELD: Duration = Duration::from_secs(60);

/// What to do after a step.
#[derive(Debug)]
pub(super) enum Step {
    /// The record moved on, or a short pause passed: go on at once.
    Again,
    /// Pause, then go on; the reason stands in the journal when the pause is long.
    Wait(Duration, &'static str),
    /// The same, but it is not this cancellation that OZmap failed: it counts as no attempt.
    Hold(Duration, &'static str),
    /// It ended; the outcome is on the disk.
    Finished,
    /// The service stops: give the record back.
    Park,
}

/// What a flow remembers between two steps; a restart begins anew.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Whether a DELETE was sent since then. For an earlier one the pause is over.
    sent: bool,
    /// Looks since the last DELETE that showed the property still there.
    looks: usize,
    /// Reads in a row that failed.
    pub(super) failures: i64,
    /// Reads that had become too old to delete on.
    pub(super) too_old: i64,
    /// Whether a person was told already that this one changed under our hands.
    changed_noted: bool,
}

impl Cancellations {
    /// Moves a cancellation one step.
    pub(super) async fn advance(
        &self,
        held: &mut Held,
        memory: &mut Memory,
    ) -> Result<Step, journal::Error> {
        match held.record.state {
            State::Accepted => self.begin(held, memory).await,
            State::Intent | State::Acked => self.make_sure(held, memory).await,
            State::Done => Ok(Step::Finished),
        }
    }

    /// Nothing was sent yet: look up by code, judge, delete.
    async fn begin(&self, held: &mut Held, memory: &mut Memory) -> Result<Step, journal::Error> {
        if held.record.is_past_deadline() {
            return self.finish(held, Outcome::Expired, "deadline", None).await;
        }
        if self.rules.paused {
            return Ok(Step::Hold(HELD, "paused"));
        }
        let slot = match self.ozmap.slot(&held.record.code).await {
            Ok(slot) => slot,
            Err(shut) => return Ok(self.left_alone(shut)),
        };
        if self.stopping.is_cancelled() {
            return Ok(Step::Park);
        }
        let sighting = match slot.lookup(&held.record.code).await {
            Ok(sighting) => sighting,
            Err(error) => return Ok(self.wait_after(&error, held, memory)),
        };
        memory.failures = 0;
        let name = name_in(&sighting, &held.record.code);
        match guard::judge(&sighting, &held.record.code, &self.policy) {
            Verdict::Absent => self.absent(held).await,
            Verdict::Keep(refusal) => {
                self.finish(held, refusal.outcome(&self.policy), refusal.id(), name)
                    .await
            }
            Verdict::Delete(_) if held.record.mode == Mode::DryRun => {
                self.finish(held, Outcome::WouldCancel, "dry_run", name)
                    .await
            }
            // Accepted before the operator began to rehearse: it keeps its place until the rehearsal is over.
            Verdict::Delete(_) if self.rules.dry_run => Ok(Step::Hold(HELD, "dry_run")),
            Verdict::Delete(target) if ozmap::is_too_old(&target) => {
                Ok(self.read_anew(held, memory))
            }
            Verdict::Delete(target) => {
                if let Err(shut) = slot.may_delete() {
                    return Ok(self.left_alone(shut));
                }
                if !self
                    .journal
                    .spend_deletion(self.rules.deletes_per_hour_max)
                    .await?
                {
                    tracing::error!(
                        op = %held.record.id,
                        "the deletions of this hour are spent ({}); cancellations are held until the next hour",
                        self.rules.deletes_per_hour_max
                    );
                    return Ok(Step::Hold(HELD, "deletes_per_hour"));
                }
                self.delete(held, memory, &slot, &target).await
            }
        }
    }

    async fn absent(&self, held: &mut Held) -> Result<Step, journal::Error> {
        match self.journal.earlier_cancellation(&held.record.code).await? {
            Some(_) => {
                self.finish(held, Outcome::AlreadyCancelled, "cancelled_before", None)
                    .await
            }
            None => self.finish(held, Outcome::NotFound, "absent", None).await,
        }
    }

    /// Writes the target down, then sends the DELETE; the next step makes sure of what became of it.
    async fn delete(
        &self,
        held: &mut Held,
        memory: &mut Memory,
        slot: &Slot<'_>,
        target: &Deletable,
    ) -> Result<Step, journal::Error> {
        if self.stopping.is_cancelled() {
            return Ok(Step::Park);
        }
        let intent = self.journal.intend(held, target).await?;
        memory.looks = 0;
        memory.sent = true;
        match slot.delete(intent).await {
            Ok(()) => self.journal.acked(held).await?,
            Err(error) => {
                tracing::warn!(op = %held.record.id, acted = ?error.acted, "the DELETE gave no clear answer: {error}");
                self.journal
                    .note(&held.lease, "delete_unclear", error.trouble.id())
                    .await?;
                if error.trouble == Trouble::Forbidden {
                    let pause = delete_refused(held.record.deletes_sent);
                    return Ok(Step::Wait(pause, error.trouble.id()));
                }
                if let Some(pause) = error.retry_after {
                    return Ok(Step::Wait(pause, error.trouble.id()));
                }
            }
        }
        Ok(Step::Again)
    }

    /// A DELETE may have been sent: look again by the recorded id, and end only on what is seen.
    async fn make_sure(
        &self,
        held: &mut Held,
        memory: &mut Memory,
    ) -> Result<Step, journal::Error> {
        let Some(id) = held.record.property.clone() else {
            return Err(journal::Error::Corrupt(
                "an intent without a property".to_owned(),
            ));
        };
        let slot = match self.ozmap.slot(&held.record.code).await {
            Ok(slot) => slot,
            Err(shut) => {
                return self
                    .cannot_tell(held, shut.why, self.left_alone(shut))
                    .await;
            }
        };
        // Of the time before the look: what was seen while a DELETE could still take effect may not be so any more.
        let unsettled = held.record.unsettled_for();
        let sighting = match slot.look_again(&id, &held.record.code).await {
            Ok(Presence::Gone { reserved_again }) => {
                if reserved_again {
                    self.journal
                        .note(
                            &held.lease,
                            "reserved_again",
                            "the code leads to another property now",
                        )
                        .await?;
                }
                return self
                    .finish(held, Outcome::Cancelled, "seen_gone", None)
                    .await;
            }
            Ok(Presence::Present(sighting)) => sighting,
            Err(error) => {
                let wait = self.wait_after(&error, held, memory);
                return self.cannot_tell(held, error.trouble, wait).await;
            }
        };
        memory.failures = 0;
        self.still_there(held, memory, &slot, &sighting, unsettled)
            .await
    }

    /// The property is still there. Delete it again, if the guard still allows it; otherwise wait until nothing that
    /// was sent can take effect any more, and only then say so.
    async fn still_there(
        &self,
        held: &mut Held,
        memory: &mut Memory,
        slot: &Slot<'_>,
        sighting: &Sighting,
        unsettled: Option<Duration>,
    ) -> Result<Step, journal::Error> {
        let looks = memory.looks;
        memory.looks += 1;
        let pause = match held.record.state {
            State::Acked => LOOKS_AFTER_ACK_MS
                .get(looks)
                .map(|ms| Duration::from_millis(*ms)),
            State::Accepted | State::Intent | State::Done => {
                (looks == 0 && memory.sent).then(|| self.full_jitter(held.record.deletes_sent))
            }
        };
        if let Some(pause) = pause {
            return Ok(Step::Wait(pause, "still_there"));
        }
        if (self.rules.paused || self.rules.dry_run) && !held.record.is_past_deadline() {
            let why = if self.rules.paused {
                "paused"
            } else {
                "dry_run"
            };
            return Ok(Step::Hold(HELD, why));
        }
        let refusal = match guard::judge(sighting, &held.record.code, &self.policy) {
            Verdict::Delete(target) if !self.is_given_up(held) && ozmap::is_too_old(&target) => {
                return Ok(self.read_anew(held, memory));
            }
            Verdict::Delete(target) if !self.is_given_up(held) => {
                if let Err(shut) = slot.may_delete() {
                    return Ok(self.left_alone(shut));
                }
                return self.delete(held, memory, slot, &target).await;
            }
            Verdict::Delete(_) => None,
            Verdict::Keep(refusal) => Some(refusal),
            Verdict::Absent => {
                return Err(journal::Error::Corrupt(
                    "a present property without a row".to_owned(),
                ));
            }
        };
        self.changed_under_our_hands(held, memory, refusal).await?;
        if let Some(unsettled) = unsettled {
            return Ok(Step::Hold(unsettled, "unsettled"));
        }
        match refusal {
            // After our own DELETE these look like its traces, not like reasons against it.
            Some(refusal @ (Refusal::MarkedDeleted | Refusal::NoClient)) => {
                self.finish(held, Outcome::Unknown, refusal.id(), None)
                    .await
            }
            Some(refusal) => {
                self.finish(
                    held,
                    refusal.outcome(&self.policy),
                    refusal.id(),
                    name_in(sighting, &held.record.code),
                )
                .await
            }
            None => {
                self.finish(
                    held,
                    Outcome::Unknown,
                    "delete_without_effect",
                    name_in(sighting, &held.record.code),
                )
                .await
            }
        }
    }

    /// Whether no further DELETE is worth sending.
    fn is_given_up(&self, held: &Held) -> bool {
        let sent = held.record.deletes_sent;
        held.record.is_past_deadline()
            || sent >= DELETES_MAX
            || (held.record.state == State::Acked && sent >= CONFIRMED_DELETES_MAX)
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
        let why = refusal.map_or("delete_without_effect", Refusal::id);
        tracing::error!(
            op = %held.record.id, protocol = %held.record.protocol, reason = why,
            "a reservation whose deletion was sent is still there and is not deleted again; a person should look"
        );
        self.journal
            .note(&held.lease, "not_deleted_again", why)
            .await
    }

    /// OZmap gives no answer that can be believed. Past the deadline, and settled, that is what is recorded.
    async fn cannot_tell(
        &self,
        held: &mut Held,
        trouble: Trouble,
        wait: Step,
    ) -> Result<Step, journal::Error> {
        if held.record.is_past_deadline() && held.record.unsettled_for().is_none() {
            return self
                .finish(held, Outcome::Unknown, trouble.id(), None)
                .await;
        }
        Ok(wait)
    }

    async fn finish(
        &self,
        held: &mut Held,
        outcome: Outcome,
        reason: &str,
        first_name: Option<FirstName>,
    ) -> Result<Step, journal::Error> {
        let deleted_nothing_for_sure = held.record.deletes_sent == 0;
        let needs_human = match outcome {
            Outcome::Expired | Outcome::Unknown => true,
            // Something was sent, and the answer is "no": that is for a person to understand.
            Outcome::Installed | Outcome::Review => !deleted_nothing_for_sure,
            Outcome::Cancelled
            | Outcome::AlreadyCancelled
            | Outcome::NotFound
            | Outcome::InvalidCode
            | Outcome::TooManyAttempts
            | Outcome::WouldCancel
            | Outcome::Found
            | Outcome::Pending => false,
        };
        let ending = Ending {
            outcome,
            reason: reason.to_owned(),
            needs_human,
            first_name,
        };
        self.journal.finish(held, ending).await?;
        Ok(Step::Finished)
    }
}

fn name_in(sighting: &Sighting, code: &ReservationCode) -> Option<FirstName> {
    match sighting.rows.as_slice() {
        [Ok(property)] => guard::first_name(property, code),
        _ => None,
    }
}
