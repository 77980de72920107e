//! Runs one cancellation in this process: step after step under a lease that it renews.
//!
//! The worker may be dropped at any point: the journal holds all that the next worker needs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;
use tracing::Instrument;

use super::advance::advance;
use super::catch_panic::catch_panic;
use super::completion::hand_to_operator;
use super::context::Context;
use super::retry;
use super::span::span_of;
use super::step::{Step, WorkerState};
use crate::domain::{Awaits, Outcome, Reason};
use crate::journal::{self, LeaseRenewer, LeasedRecord};
use crate::trace::RequestIds;

/// The longest wait under the lease; a longer one releases it.
const WAIT_UNDER_LEASE_MAX: Duration = Duration::from_secs(5);

/// The wait before a journal that is not available is tried again.
const JOURNAL_RETRY: Duration = Duration::from_millis(500);

/// After so many panics the cancellation goes to the operator for review.
const PANICS_MAX: i64 = 3;

/// Why a worker stopped.
enum End {
    /// The outcome is durable.
    Finished,
    /// The lease was released; the journal says when the cancellation is due again.
    Released,
    /// The lease expired, or another worker has it.
    LeaseLost,
    /// A step panicked.
    Panicked,
}

/// Carries out cancellations. `advance` defines what one step does.
#[derive(Clone)]
pub(super) struct Worker {
    context: Arc<Context>,
}

impl Worker {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Works on a cancellation in its span: every log line and every call to OZmap is linked to it.
    pub(super) async fn run(&self, leased: LeasedRecord, permit: OwnedSemaphorePermit) {
        let ids = RequestIds::current().unwrap_or_else(RequestIds::fresh);
        let span = span_of(&leased.record, Some(&ids));
        // Boxed: it is too large to be moved over the stack once more.
        let work = Box::pin(self.run_leased(leased, permit));
        ids.scope(work).instrument(span).await;
    }

    /// Works on a cancellation until it is finished, waits for long, or loses its lease.
    async fn run_leased(&self, mut leased: LeasedRecord, permit: OwnedSemaphorePermit) {
        let op = leased.record.id;
        let renewer = leased.lease.renewer();
        let end = tokio::select! {
            // First, so that the worker sees the outcome before the renewal notices that the lease
            // ended with it.
            biased;
            end = catch_panic(self.steps(&mut leased)) => end.unwrap_or(End::Panicked),
            () = self.keep_lease(&renewer) => End::LeaseLost,
        };
        let end = match end {
            End::Panicked => self.after_panic(&mut leased).await,
            End::Finished | End::Released | End::LeaseLost => end,
        };
        drop(permit);
        match end {
            End::Finished => {
                log_outcome(&leased);
                self.context.waiters.completed(&leased.record);
            }
            End::Released => {}
            End::LeaseLost | End::Panicked => {
                tracing::warn!(%op, "lease expired; the next worker continues the cancellation");
            }
        }
    }

    async fn steps(&self, leased: &mut LeasedRecord) -> End {
        let mut state = WorkerState::default();
        loop {
            match advance(&self.context, leased, &mut state).await {
                Ok(Step::Continue) => {}
                Ok(Step::Finished) => return End::Finished,
                Ok(Step::Park) => return self.hand_over(leased, Reason::Parked).await,
                Ok(Step::Hold(pause, reason)) if pause > WAIT_UNDER_LEASE_MAX => {
                    log_hold(leased, pause, reason);
                    let held = self.context.journal.hold(leased, pause, reason).await;
                    return released(leased, held);
                }
                Ok(Step::Wait(pause, reason)) if pause > WAIT_UNDER_LEASE_MAX => {
                    log_hold(leased, pause, reason);
                    return self.back_off(leased, pause, reason).await;
                }
                Ok(Step::Wait(pause, reason) | Step::Hold(pause, reason)) => {
                    tokio::select! {
                        () = sleep(pause) => {}
                        // The next worker looks before it acts, whatever was sent: handing over
                        // loses nothing.
                        () = self.context.stopping.cancelled() => {
                            // The next run must still know that the operator has to take this one.
                            let reason = after_stop(reason);
                            return self.hand_over(leased, reason).await;
                        }
                    }
                }
                Err(journal::Error::Fenced) => return End::LeaseLost,
                Err(error @ journal::Error::Corrupt(_)) => {
                    // An immediate retry would read the same; the other cancellations must
                    // continue.
                    tracing::error!(
                        op = %leased.record.id,
                        "corrupt journal record, the cancellation needs review: {error}"
                    );
                    return self
                        .back_off(leased, journal::UNREADABLE, Reason::UnreadableRecord)
                        .await;
                }
                Err(error) => {
                    tracing::error!(
                        op = %leased.record.id, retry_in_ms = JOURNAL_RETRY.as_millis(),
                        "failed to write a step to the journal: {error}; retrying in {} ms",
                        JOURNAL_RETRY.as_millis()
                    );
                    // The record in the journal did not change; the next step begins there.
                    sleep(JOURNAL_RETRY).await;
                    if leased.lease.left().is_zero() {
                        return End::LeaseLost;
                    }
                }
            }
        }
    }

    /// A bug stopped the work on one cancellation: retries later, but not for ever.
    async fn after_panic(&self, leased: &mut LeasedRecord) -> End {
        let op = leased.record.id;
        let panics = match self.context.journal.panicked(leased).await {
            Ok(panics) => panics,
            Err(error) => {
                tracing::error!(%op, "failed to record a panic: {error}");
                return End::LeaseLost;
            }
        };
        tracing::error!(%op, panics, "worker panicked on cancellation {}", leased.record.protocol);
        if panics < PANICS_MAX {
            let pause = retry::jittered(&self.context, panics);
            return self.back_off(leased, pause, Reason::Panicked).await;
        }
        // The reason also tells the next run that no further step is to be tried.
        match hand_to_operator(&self.context, leased).await {
            Ok(Step::Hold(pause, reason)) => self.back_off(leased, pause, reason).await,
            Ok(Step::Continue | Step::Wait(..) | Step::Finished | Step::Park) => End::Finished,
            Err(error) => {
                tracing::error!(%op, "failed to write the outcome to the journal: {error}");
                End::LeaseLost
            }
        }
    }

    /// Releases the lease for the next run; a stop is no failed attempt.
    async fn hand_over(&self, leased: &LeasedRecord, reason: Reason) -> End {
        let held = self
            .context
            .journal
            .hold(leased, Duration::ZERO, reason)
            .await;
        released(leased, held)
    }

    /// Releases the lease until the next attempt is due.
    async fn back_off(&self, leased: &LeasedRecord, pause: Duration, reason: Reason) -> End {
        let backed_off = self.context.journal.back_off(leased, pause, reason).await;
        released(leased, backed_off)
    }

    /// Renews the lease three times within its life; returns when it is lost.
    async fn keep_lease(&self, renewer: &LeaseRenewer) {
        let journal = &self.context.journal;
        let every = Duration::from_millis(u64::try_from(journal.times().lease_ms / 3).unwrap_or(1));
        loop {
            sleep(every.min(renewer.left())).await;
            match journal.renew(renewer).await {
                Ok(()) => {}
                Err(journal::Error::Fenced) => return,
                Err(error) => {
                    tracing::warn!("failed to renew a lease: {error}");
                    sleep(JOURNAL_RETRY).await;
                    if renewer.left().is_zero() {
                        return;
                    }
                }
            }
        }
    }
}

fn log_outcome(leased: &LeasedRecord) {
    let record = &leased.record;
    let outcome = record.outcome.map_or("none", |outcome| outcome.id());
    let reason = record.reason_id().unwrap_or_default();
    let elapsed_ms = record.now_ms().saturating_sub(record.created_at_ms);
    let needs_review =
        record.needs_human || matches!(record.outcome, Some(Outcome::Expired | Outcome::Unknown));
    if needs_review {
        tracing::warn!(
            op = %record.id, protocol = %record.protocol, outcome, reason, elapsed_ms,
            attempts = record.attempts,
            "cancellation {} completed: {outcome}; needs review", record.protocol
        );
    } else {
        tracing::info!(
            op = %record.id, protocol = %record.protocol, outcome, reason, elapsed_ms,
            attempts = record.attempts, "cancellation {} completed: {outcome}", record.protocol
        );
    }
}

/// Logs a wait that only the operator can end.
fn log_hold(leased: &LeasedRecord, pause: Duration, reason: Reason) {
    if reason.awaits() == Awaits::Operator {
        tracing::warn!(
            op = %leased.record.id, protocol = %leased.record.protocol, reason = reason.id(),
            wait_s = pause.as_secs(), "cancellation {} on hold: {reason}", leased.record.protocol
        );
    }
}

/// The reason of a cancellation that waited when the service stopped. If the cancellation was about
/// to go to the operator, the next run still hands it over.
const fn after_stop(waited_for: Reason) -> Reason {
    match waited_for.awaits() {
        Awaits::Settlement => waited_for,
        Awaits::Retry | Awaits::Operator => Reason::Parked,
    }
}

fn released(leased: &LeasedRecord, result: Result<(), journal::Error>) -> End {
    match result {
        Ok(()) => End::Released,
        Err(error) => {
            tracing::warn!(
                op = %leased.record.id,
                "failed to release the lease; it will expire on its own: {error}"
            );
            End::LeaseLost
        }
    }
}
