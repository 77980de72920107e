//! Taking up what a crash, a stop or a pause left behind, and finding out when OZmap can be asked again.
//!
//! Nothing is taken up that could only wait: the journal rests while OZmap is left alone.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Cancellations;
use super::contained::contained;

/// The longest that something that is due waits to be seen.
const TICK: Duration = Duration::from_secs(1);

/// The shortest time between two looks at what is due.
const TICK_MIN: Duration = Duration::from_millis(20);

/// How much later than it was written an ending of another process may be seen.
const SEEN_LATE_MAX: Duration = Duration::from_secs(15);

/// How often what no longer counts is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(600);

/// How often OZmap is asked whether the key still works, while all is well.
const PROBE: Duration = Duration::from_secs(30);

impl Cancellations {
    /// Takes up whatever is due, until the service stops.
    pub(super) async fn recover(self: Arc<Self>) {
        while contained(self.clone().take_up()).await.is_err() {
            tracing::error!("taking up what is due ended in a panic; it begins anew");
            sleep(TICK).await;
        }
    }

    async fn take_up(self: Arc<Self>) {
        let mut forget_at = Instant::now();
        while !self.stopping.is_cancelled() {
            if forget_at <= Instant::now() {
                forget_at = Instant::now() + FORGET_EVERY;
                if let Err(error) = self.journal.forget_old_counts().await {
                    tracing::warn!("old counts could not be forgotten: {error}");
                }
            }
            let permit = tokio::select! {
                permit = self.recoveries.clone().acquire_owned() => permit,
                () = self.stopping.cancelled() => return,
            };
            let Ok(permit) = permit else {
                return;
            };
            let taken = match self.ozmap.circuit_open() {
                None => self.journal.take_due().await,
                // What is over is over, also without OZmap; the rest would only be turned away.
                Some(_) => self.journal.take_overdue().await,
            };
            let wait = match taken {
                Ok(Some(held)) => {
                    tracing::info!(
                        op = %held.record.id, state = held.record.state.id(), attempts = held.record.attempts,
                        "cancellation {} is taken up again", held.record.protocol
                    );
                    self.tracker.spawn(self.clone().drive(held, permit));
                    continue;
                }
                Ok(None) if self.ozmap.circuit_open().is_some() => TICK,
                Ok(None) => self.journal.next_due().await.ok().flatten().unwrap_or(TICK),
                Err(error) => {
                    tracing::error!("the journal cannot be asked what is due: {error}");
                    TICK
                }
            };
            drop(permit);
            tokio::select! {
                () = sleep(wait.clamp(TICK_MIN, TICK)) => {}
                () = self.stopping.cancelled() => {}
            }
        }
    }

    /// Tells whoever waits here what another process has ended; one question for all of them.
    pub(super) async fn hear_of_endings(self: Arc<Self>) {
        let Some(every) = self.journal.look_every() else {
            return;
        };
        let hearing = async {
            loop {
                sleep(every).await;
                if self.watchers.is_empty() {
                    continue;
                }
                // Its commit may be seen later than the time that stands in it.
                if let Ok(ended) = self.journal.ended_within(SEEN_LATE_MAX).await {
                    ended.iter().for_each(|record| self.watchers.ended(record));
                }
            }
        };
        tokio::select! {
            () = hearing => {}
            () = self.stopping.cancelled() => {}
        }
    }

    /// Keeps what is known of OZmap fresh, without touching any reservation, until the service stops.
    pub(super) async fn probe_ozmap(self: Arc<Self>) {
        let probing = async {
            loop {
                match contained(self.ozmap.probe()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::warn!(
                        kind = error.kind.id(),
                        "probe of OZmap failed: {} ({error})",
                        error.kind.happened()
                    ),
                    Err(_) => {
                        tracing::error!("a probe of OZmap ended in a panic");
                        sleep(TICK).await;
                    }
                }
                self.ozmap.probe_is_due(PROBE).await;
            }
        };
        tokio::select! {
            () = probing => {}
            () = self.stopping.cancelled() => {}
        }
    }
}
