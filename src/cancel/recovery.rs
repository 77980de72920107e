//! Recovery: resumes what a crash, a stop or a pause left behind, and probes OZmap.
//!
//! It must not resume what could only wait: while the circuit breaker is open, only overdue
//! cancellations are taken.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::catch_panic::catch_panic;
use super::context::Context;
use super::span::span_of;
use super::worker::Worker;

/// The most recovered cancellations in progress at the same time.
const RECOVERIES_MAX: usize = 64;

/// The longest time between two polls for due cancellations.
const POLL_MAX: Duration = Duration::from_secs(1);

/// The shortest time between two polls.
const POLL_MIN: Duration = Duration::from_millis(20);

/// How much later than its timestamp the outcome of another replica may become visible.
const VISIBLE_LATE_MAX: Duration = Duration::from_secs(15);

/// How often expired counters are purged.
const PURGE_EVERY: Duration = Duration::from_secs(600);

/// How often OZmap is probed while the circuit breaker is closed.
const PROBE_EVERY: Duration = Duration::from_secs(30);

/// The background tasks. Each runs until the service stops.
#[derive(Clone)]
pub(super) struct Recovery {
    context: Arc<Context>,
    worker: Worker,
    permits: Arc<Semaphore>,
}

impl Recovery {
    pub(super) fn new(context: Arc<Context>, worker: Worker) -> Self {
        Self {
            context,
            worker,
            permits: Arc::new(Semaphore::new(RECOVERIES_MAX)),
        }
    }

    /// Resumes whatever is due.
    pub(super) async fn resume_due(self) {
        while catch_panic(self.poll()).await.is_err() {
            tracing::error!(
                "recovery panicked; restarting it in {} ms",
                POLL_MAX.as_millis()
            );
            sleep(POLL_MAX).await;
        }
    }

    async fn poll(&self) {
        let (journal, ozmap, stopping) = (
            &self.context.journal,
            &self.context.ozmap,
            &self.context.stopping,
        );
        let mut purge_at = Instant::now();
        while !stopping.is_cancelled() {
            if purge_at <= Instant::now() {
                purge_at = Instant::now() + PURGE_EVERY;
                if let Err(error) = journal.forget_old_counts().await {
                    tracing::warn!("failed to purge expired rate-limit counters: {error}");
                }
            }
            let permit = tokio::select! {
                permit = self.permits.clone().acquire_owned() => permit,
                () = stopping.cancelled() => return,
            };
            let Ok(permit) = permit else {
                return;
            };
            let taken = match ozmap.circuit_open() {
                None => journal.take_due().await,
                // Overdue ones can complete without OZmap; the others would only be rejected.
                Some(_) => journal.take_overdue().await,
            };
            let wait = match taken {
                Ok(Some(leased)) => {
                    span_of(&leased.record, None).in_scope(|| {
                        tracing::info!(
                            state = leased.record.state.id(),
                            attempts = leased.record.attempts,
                            "cancellation {} resumed",
                            leased.record.protocol
                        );
                    });
                    let worker = self.worker.clone();
                    self.context
                        .tracker
                        .spawn(async move { worker.run(leased, permit).await });
                    continue;
                }
                Ok(None) if ozmap.circuit_open().is_some() => POLL_MAX,
                Ok(None) => journal.next_due().await.ok().flatten().unwrap_or(POLL_MAX),
                Err(error) => {
                    tracing::error!("failed to poll the journal for due cancellations: {error}");
                    POLL_MAX
                }
            };
            drop(permit);
            tokio::select! {
                () = sleep(wait.clamp(POLL_MIN, POLL_MAX)) => {}
                () = stopping.cancelled() => {}
            }
        }
    }

    /// Passes the outcomes that other replicas wrote on to the callers waiting here; one query for
    /// all of them.
    pub(super) async fn watch_replicas(self) {
        let context = &self.context;
        let Some(every) = context.journal.look_every() else {
            return;
        };
        let watching = async {
            loop {
                sleep(every).await;
                if context.waiters.is_empty() {
                    continue;
                }
                if let Ok(ended) = context.journal.ended_within(VISIBLE_LATE_MAX).await {
                    ended
                        .iter()
                        .for_each(|record| context.waiters.completed(record));
                }
            }
        };
        tokio::select! {
            () = watching => {}
            () = context.stopping.cancelled() => {}
        }
    }

    /// Probes OZmap without touching any reservation.
    pub(super) async fn probe_ozmap(self) {
        let ozmap = &self.context.ozmap;
        let probing = async {
            loop {
                match catch_panic(ozmap.probe()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::warn!(
                        failure = error.kind.id(),
                        "probe of OZmap failed: {} ({error})",
                        error.kind.description()
                    ),
                    Err(_) => {
                        tracing::error!("probe of OZmap panicked");
                        sleep(POLL_MAX).await;
                    }
                }
                ozmap.probe_is_due(PROBE_EVERY).await;
            }
        };
        tokio::select! {
            () = probing => {}
            () = self.context.stopping.cancelled() => {}
        }
    }
}
