//! The life of a cancellation in this process: step after step under a lease that is kept alive.
//!
//! A flow may be dropped at any point: the journal then holds all that the next one needs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

use super::Cancellations;
use super::advance::{Memory, Step};
use super::contained::contained;
use crate::domain::{Awaits, Outcome, Reason};
use crate::journal::{self, Held, Pulse};

/// A pause up to this long is waited out under the lease; a longer one gives the lease back.
const PAUSE_UNDER_LEASE_MAX: Duration = Duration::from_secs(5);

/// How long to wait before a journal that is not available is tried again.
const JOURNAL_RETRY: Duration = Duration::from_millis(500);

/// After so many panics a cancellation is left to a person.
const PANICS_MAX: i64 = 3;

/// Why a flow stopped working on a record.
enum End {
    Finished,
    GivenBack,
    Lost,
    Panicked,
}

impl Cancellations {
    /// Works on a cancellation until it ends, pauses for long, or the lease is lost.
    pub(super) async fn drive(self: Arc<Self>, mut held: Held, permit: OwnedSemaphorePermit) {
        let op = held.record.id;
        let pulse = held.lease.pulse();
        let end = tokio::select! {
            // First, so that an ending is seen before the heartbeat notices that the lease is gone with it.
            biased;
            end = contained(self.steps(&mut held)) => end.unwrap_or(End::Panicked),
            () = self.keep_alive(&pulse) => End::Lost,
        };
        let end = match end {
            End::Panicked => self.after_panic(&mut held).await,
            End::Finished | End::GivenBack | End::Lost => end,
        };
        drop(permit);
        match end {
            End::Finished => {
                self.log_ending(&held);
                self.watchers.ended(&held.record);
            }
            End::GivenBack => {}
            End::Lost | End::Panicked => {
                tracing::warn!(%op, "the lease on a cancellation was lost; whoever has it now goes on")
            }
        }
    }

    async fn steps(&self, held: &mut Held) -> End {
        let mut memory = Memory::default();
        loop {
            match self.advance(held, &mut memory).await {
                Ok(Step::Again) => {}
                Ok(Step::Finished) => return End::Finished,
                Ok(Step::Park) => return self.park(held, Reason::Parked).await,
                Ok(Step::Hold(pause, reason)) if pause > PAUSE_UNDER_LEASE_MAX => {
                    log_hold(held, pause, reason);
                    return given_back(held, self.journal.hold(held, pause, reason).await);
                }
                Ok(Step::Wait(pause, reason)) if pause > PAUSE_UNDER_LEASE_MAX => {
                    log_hold(held, pause, reason);
                    return self.give_back(held, pause, reason).await;
                }
                Ok(Step::Wait(pause, reason) | Step::Hold(pause, reason)) => {
                    tokio::select! {
                        () = sleep(pause) => {}
                        // Whoever goes on looks first, whatever was sent: nothing is lost by handing it over.
                        () = self.stopping.cancelled() => {
                            // What is a person's stays so in the next run.
                            return self.park(held, parked(reason)).await;
                        }
                    }
                }
                Err(journal::Error::Fenced) => return End::Lost,
                Err(error @ journal::Error::Corrupt(_)) => {
                    // Trying again at once would show the same; a person must look, and others must go on.
                    tracing::error!(op = %held.record.id, "a cancellation cannot be worked on: {error}");
                    return self
                        .give_back(held, journal::UNREADABLE, Reason::UnreadableRecord)
                        .await;
                }
                Err(error) => {
                    tracing::error!(op = %held.record.id, "a step could not be journaled: {error}");
                    // The record in the journal did not move; the next step begins from where it is.
                    sleep(JOURNAL_RETRY).await;
                    if held.lease.left().is_zero() {
                        return End::Lost;
                    }
                }
            }
        }
    }

    /// A mistake of ours stopped the work on one cancellation: try again later, and not for ever.
    async fn after_panic(&self, held: &mut Held) -> End {
        let op = held.record.id;
        let panics = match self.journal.panicked(held).await {
            Ok(panics) => panics,
            Err(error) => {
                tracing::error!(%op, "a panic could not be noted: {error}");
                return End::Lost;
            }
        };
        tracing::error!(%op, panics, "the work on cancellation {} ended in a panic", held.record.protocol);
        if panics < PANICS_MAX {
            let pause = self.full_jitter(panics);
            return self.give_back(held, pause, Reason::Panicked).await;
        }
        // Its history tells the next run too that no step of it is to be tried again.
        match self.leave_to_a_person(held).await {
            Ok(Step::Hold(pause, reason)) => self.give_back(held, pause, reason).await,
            Ok(Step::Again | Step::Wait(..) | Step::Finished | Step::Park) => End::Finished,
            Err(error) => {
                tracing::error!(%op, "an ending could not be journaled: {error}");
                End::Lost
            }
        }
    }

    /// Hands it over to whoever goes on; a stop is no attempt that failed.
    async fn park(&self, held: &Held, reason: Reason) -> End {
        given_back(held, self.journal.hold(held, Duration::ZERO, reason).await)
    }

    async fn give_back(&self, held: &Held, pause: Duration, reason: Reason) -> End {
        given_back(held, self.journal.back_off(held, pause, reason).await)
    }

    /// Renews the lease three times within its life; returns when it is lost.
    async fn keep_alive(&self, pulse: &Pulse) {
        let beat =
            Duration::from_millis(u64::try_from(self.journal.times().lease_ms / 3).unwrap_or(1));
        loop {
            sleep(beat.min(pulse.left())).await;
            match self.journal.renew(pulse).await {
                Ok(()) => {}
                Err(journal::Error::Fenced) => return,
                Err(error) => {
                    tracing::warn!("a lease could not be renewed: {error}");
                    sleep(JOURNAL_RETRY).await;
                    if pulse.left().is_zero() {
                        return;
                    }
                }
            }
        }
    }

    fn log_ending(&self, held: &Held) {
        let record = &held.record;
        let outcome = record.outcome.map_or("none", |outcome| outcome.id());
        let reason = record.reason_id().unwrap_or_default();
        let elapsed_ms = record.now_ms().saturating_sub(record.created_at_ms);
        let needs_a_person = record.needs_human
            || matches!(record.outcome, Some(Outcome::Expired | Outcome::Unknown));
        match needs_a_person {
            true => tracing::warn!(
                op = %record.id, protocol = %record.protocol, outcome, reason, elapsed_ms,
                attempts = record.attempts,
                "cancellation {} ended: {outcome}; a person must look", record.protocol
            ),
            false => tracing::info!(
                op = %record.id, protocol = %record.protocol, outcome, reason, elapsed_ms,
                attempts = record.attempts, "cancellation {} ended: {outcome}", record.protocol
            ),
        }
    }
}

/// A cancellation that waits for the operator, and not for OZmap, is told each time.
fn log_hold(held: &Held, pause: Duration, reason: Reason) {
    if reason.awaits() == Awaits::Operator {
        tracing::warn!(
            op = %held.record.id, protocol = %held.record.protocol, reason = reason.id(),
            wait_s = pause.as_secs(), "cancellation {} is held: {reason}", held.record.protocol
        );
    }
}

/// The reason of one that waited when the service stopped: one that is handed to the operator stays so in the next run.
const fn parked(waited_for: Reason) -> Reason {
    match waited_for.awaits() {
        Awaits::Settlement => waited_for,
        Awaits::Retry | Awaits::Operator => Reason::Parked,
    }
}

fn given_back(held: &Held, result: Result<(), journal::Error>) -> End {
    match result {
        Ok(()) => End::GivenBack,
        Err(error) => {
            // The lease runs out by itself; then whoever looks next goes on.
            tracing::warn!(op = %held.record.id, "a cancellation could not be given back: {error}");
            End::Lost
        }
    }
}
