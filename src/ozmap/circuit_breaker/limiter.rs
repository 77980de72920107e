//! Limits the calls to OZmap: a number of concurrent ones, and none while the circuit breaker is
//! open.
//!
//! It must never queue a caller behind an OZmap that does not respond: a rejected caller is told
//! how long to wait.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, sleep_until};

use super::{Breaker, CircuitOpen, Purpose, Transition};
use crate::ozmap::error::{Error, FailureKind};

pub(in crate::ozmap) struct CallLimiter {
    state: Mutex<State>,
    permits: Semaphore,
    opened: Notify,
}

struct State {
    breaker: Breaker,
    /// The permits that exist, used or not; follows the breaker's limit as they are returned.
    permits: usize,
    /// How often the key was changed.
    keys: u64,
    /// Whether a probe is due now, because the key was changed.
    is_new_key: bool,
}

/// The right to make calls, one after another.
pub(in crate::ozmap) struct Permit<'a> {
    limiter: &'a CallLimiter,
    permit: Option<SemaphorePermit<'a>>,
    /// Whether this is the trial of a half-open circuit; until its first response.
    is_trial: AtomicBool,
    purpose: Purpose,
    /// The key with which it began.
    key: u64,
}

impl CallLimiter {
    pub(in crate::ozmap) fn new(permits: usize) -> Self {
        Self {
            state: Mutex::new(State {
                breaker: Breaker::new(permits),
                permits,
                keys: 0,
                is_new_key: false,
            }),
            permits: Semaphore::new(permits),
            opened: Notify::new(),
        }
    }

    /// Waits for a permit, unless the circuit is open. `reservation` is a hash that tells
    /// reservations apart.
    pub(in crate::ozmap) async fn enter(
        &self,
        reservation: u64,
    ) -> Result<Permit<'_>, CircuitOpen> {
        self.rejection().map_or(Ok(()), Err)?;
        let permit = self.acquire().await;
        // The circuit may have opened during the wait.
        let mut state = self.state();
        let is_trial = state.breaker.enter(reservation, Instant::now())?;
        let key = state.keys;
        drop(state);
        Ok(Permit {
            limiter: self,
            permit,
            is_trial: AtomicBool::new(is_trial),
            purpose: Purpose::Work(reservation),
            key,
        })
    }

    /// Waits for a permit to probe OZmap, also while the circuit is open.
    pub(in crate::ozmap) async fn probe(&self) -> Permit<'_> {
        let permit = self.acquire().await;
        Permit {
            limiter: self,
            permit,
            is_trial: AtomicBool::new(false),
            purpose: Purpose::Probe,
            key: self.state().keys,
        }
    }

    /// Whether calls are rejected now.
    pub(in crate::ozmap) fn rejection(&self) -> Option<CircuitOpen> {
        self.state().breaker.rejection(Instant::now())
    }

    /// Whether the circuit opened more than once in a row.
    pub(in crate::ozmap) fn has_reopened(&self) -> bool {
        self.state().breaker.has_reopened()
    }

    /// Whether the key is known to lack the right to delete.
    pub(in crate::ozmap) fn are_deletes_refused(&self) -> bool {
        self.state().breaker.are_deletes_refused()
    }

    /// The key changed: OZmap is probed with the new one at once.
    pub(in crate::ozmap) fn key_changed(&self) {
        let mut state = self.state();
        state.breaker.key_changed();
        state.keys += 1;
        state.is_new_key = true;
        drop(state);
        self.opened.notify_one();
    }

    /// Waits until a probe is due: after `every`, or as soon as an open circuit allows one.
    pub(in crate::ozmap) async fn probe_is_due(&self, every: Duration) {
        loop {
            match self.probe_at() {
                Some(at) if at <= Instant::now() => return,
                // Afterwards the circuit may be open for longer, or the key may have changed.
                Some(at) => tokio::select! {
                    () = sleep_until(at) => {}
                    () = self.opened.notified() => {}
                },
                None => tokio::select! {
                    () = sleep(every) => return,
                    () = self.opened.notified() => {}
                },
            }
        }
    }

    /// When an early probe is due, if one is; after a change of the key it is due now.
    fn probe_at(&self) -> Option<Instant> {
        let mut state = self.state();
        if std::mem::take(&mut state.is_new_key) {
            return Some(Instant::now());
        }
        state.breaker.probe_at()
    }

    async fn acquire(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed. Without a permit the call would only exceed the limit.
        self.permits.acquire().await.ok()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds permits up to the breaker's limit. A lower limit takes effect as permits are returned.
    fn fit(&self, state: &mut State) {
        let limit = state.breaker.limit();
        if state.permits < limit {
            self.permits.add_permits(limit - state.permits);
            state.permits = limit;
        }
    }

    fn log(&self, change: Transition) {
        match change {
            Transition::None => {}
            Transition::Opened(CircuitOpen { wait, why }) => {
                tracing::error!(
                    failure = why.id(),
                    wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                    "circuit breaker opened: {} ({}){}; no OZmap calls until a probe succeeds",
                    why.description(),
                    why.id(),
                    advice(why)
                );
            }
            Transition::Closed => tracing::info!("circuit breaker closed: OZmap recovered"),
            Transition::DeletesRefused => tracing::error!(
                "OZmap denies this key deletions (403); deletions are on hold. Grant the API user the right to delete properties"
            ),
        }
    }
}

impl Permit<'_> {
    /// OZmap answered as itself.
    pub(in crate::ozmap) fn answered(&self) {
        self.is_trial.store(false, Ordering::Relaxed);
        let mut state = self.limiter.state();
        let change = state.breaker.answered(self.purpose, Instant::now());
        self.limiter.fit(&mut state);
        drop(state);
        self.limiter.log(change);
    }

    /// A call failed.
    pub(in crate::ozmap) fn record_failure(&self, error: &Error) {
        let was_trial = self.is_trial.swap(false, Ordering::Relaxed);
        let (purpose, now) = (self.purpose, Instant::now());
        let mut state = self.limiter.state();
        // A response to the old key says nothing about the new one.
        if error.kind == FailureKind::Unauthorized && self.key != state.keys {
            if was_trial {
                state.breaker.release_trial();
            }
            return;
        }
        let breaker = &mut state.breaker;
        let change = breaker.record_failure(purpose, error.kind, error.retry_after, now);
        // If the circuit did not open again, another call becomes the trial.
        if was_trial {
            breaker.release_trial();
        }
        if breaker.probe_at().is_some() {
            // Wakes the probe task, or is seen by it when it begins to wait.
            self.limiter.opened.notify_one();
        }
        drop(state);
        self.limiter.log(change);
    }

    /// Whether a deletion may be tried, or is held back because the key may not delete.
    pub(in crate::ozmap) fn may_delete(&self) -> Result<(), CircuitOpen> {
        match self.purpose {
            Purpose::Work(reservation) => {
                let now = Instant::now();
                self.limiter.state().breaker.may_delete(reservation, now)
            }
            // A probe deletes nothing.
            Purpose::Probe => Ok(()),
        }
    }

    /// A DELETE ended: its response may show whether the key may delete.
    pub(in crate::ozmap) fn delete_ended(&self, kind: Option<FailureKind>) {
        let mut state = self.limiter.state();
        let Purpose::Work(reservation) = self.purpose else {
            return;
        };
        let change = match kind {
            Some(FailureKind::Forbidden) => {
                state.breaker.delete_denied(reservation, Instant::now())
            }
            Some(
                FailureKind::Connect
                | FailureKind::Tls
                | FailureKind::Timeout
                | FailureKind::Lost
                | FailureKind::Unauthorized
                | FailureKind::RateLimited
                | FailureKind::Server
                | FailureKind::Redirect
                | FailureKind::Html
                | FailureKind::Shape
                | FailureKind::Size
                | FailureKind::Stale,
            ) => Transition::None,
            None | Some(FailureKind::Status) => {
                state.breaker.delete_allowed();
                Transition::None
            }
        };
        drop(state);
        self.limiter.log(change);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        if *self.is_trial.get_mut() {
            state.breaker.release_trial();
        }
        if state.permits > state.breaker.limit()
            && let Some(permit) = self.permit.take()
        {
            permit.forget();
            state.permits -= 1;
        }
    }
}

fn advice(why: FailureKind) -> &'static str {
    match why {
        FailureKind::Unauthorized => "; check ozmap.api_key",
        FailureKind::Forbidden => "; check what the API user may view",
        FailureKind::Redirect | FailureKind::Html => "; check ozmap.base_url",
        FailureKind::Tls => "; check ozmap.tls_ca_file and ozmap.tls_pin_sha256",
        FailureKind::Connect
        | FailureKind::Timeout
        | FailureKind::Lost
        | FailureKind::RateLimited
        | FailureKind::Server
        | FailureKind::Shape
        | FailureKind::Size
        | FailureKind::Status
        | FailureKind::Stale => "",
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop")]
mod tests;
