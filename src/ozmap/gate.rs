//! The way to OZmap: as many calls at once as allowed, and none while the breaker is shut.
//!
//! It never queues anybody behind an OZmap that does not answer: who is turned away hears for how long.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, sleep_until};

use super::breaker::{Breaker, CircuitOpen, Purpose, Transition};
use super::trouble::{Error, FailureKind};

pub(super) struct CallLimiter {
    state: Mutex<State>,
    places: Semaphore,
    shut: Notify,
}

struct State {
    breaker: Breaker,
    /// Places that exist, used or not; follows the breaker's limit as they become free.
    places: usize,
    /// How often the key was changed.
    keys: u64,
    /// Whether a probe is due now, because the key was changed.
    is_new_key: bool,
}

/// A place among the calls that run at once.
pub(super) struct Permit<'a> {
    limiter: &'a CallLimiter,
    place: Option<SemaphorePermit<'a>>,
    /// Until something was heard.
    goes_first: AtomicBool,
    purpose: Purpose,
    /// Which key it began with.
    key: u64,
}

impl CallLimiter {
    pub(super) fn new(places: usize) -> Self {
        Self {
            state: Mutex::new(State {
                breaker: Breaker::new(places),
                places,
                keys: 0,
                is_new_key: false,
            }),
            places: Semaphore::new(places),
            shut: Notify::new(),
        }
    }

    /// Waits for a place, unless OZmap is left alone. The mark tells reservations apart.
    pub(super) async fn enter(&self, mark: u64) -> Result<Permit<'_>, CircuitOpen> {
        self.turned_away().map_or(Ok(()), Err)?;
        let place = self.place().await;
        // It may have been shut meanwhile.
        let mut state = self.state();
        let goes_first = state.breaker.enter(mark, Instant::now())?;
        let key = state.keys;
        drop(state);
        Ok(Permit {
            limiter: self,
            place,
            goes_first: AtomicBool::new(goes_first),
            purpose: Purpose::Work(mark),
            key,
        })
    }

    /// Waits for a place to find out how OZmap does, whether it is left alone or not.
    pub(super) async fn probe(&self) -> Permit<'_> {
        let place = self.place().await;
        Permit {
            limiter: self,
            place,
            goes_first: AtomicBool::new(false),
            purpose: Purpose::Probe,
            key: self.state().keys,
        }
    }

    /// Whether work is turned away now.
    pub(super) fn turned_away(&self) -> Option<CircuitOpen> {
        self.state().breaker.turned_away(Instant::now())
    }

    /// Whether OZmap has been left alone more than once in a row.
    pub(super) fn is_lasting(&self) -> bool {
        self.state().breaker.is_lasting()
    }

    /// Whether the key is known to lack the right to delete.
    pub(super) fn are_deletes_refused(&self) -> bool {
        self.state().breaker.are_deletes_refused()
    }

    /// Another key is shown from now on: OZmap is probed with it at once, whatever it said to the old one.
    pub(super) fn key_changed(&self) {
        let mut state = self.state();
        state.breaker.key_changed();
        state.keys += 1;
        state.is_new_key = true;
        drop(state);
        self.shut.notify_one();
    }

    /// Waits until OZmap should be probed: now and then, and as soon as it may be asked again after a trouble.
    pub(super) async fn probe_is_due(&self, every: Duration) {
        loop {
            match self.probe_at() {
                Some(at) if at <= Instant::now() => return,
                // Then it may have been shut for longer; or the key was changed meanwhile.
                Some(at) => tokio::select! {
                    () = sleep_until(at) => {}
                    () = self.shut.notified() => {}
                },
                None => tokio::select! {
                    () = sleep(every) => return,
                    () = self.shut.notified() => {}
                },
            }
        }
    }

    /// When a probe is due, if one is; a new key makes one due now.
    fn probe_at(&self) -> Option<Instant> {
        let mut state = self.state();
        match std::mem::take(&mut state.is_new_key) {
            true => Some(Instant::now()),
            false => state.breaker.probe_at(),
        }
    }

    async fn place(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed; without a place the call would only be less polite.
        self.places.acquire().await.ok()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes places until there are as many as the breaker allows. Fewer come about as they are given back.
    fn fit(&self, state: &mut State) {
        let limit = state.breaker.limit();
        if state.places < limit {
            self.places.add_permits(limit - state.places);
            state.places = limit;
        }
    }

    fn tell(&self, change: Transition) {
        match change {
            Transition::None => {}
            Transition::Opened(CircuitOpen { wait, why }) => {
                tracing::error!(
                    kind = why.id(),
                    wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                    "circuit breaker opened: {} ({}){}; no cancellation asks OZmap until a probe is answered",
                    why.happened(),
                    why.id(),
                    advice(why)
                );
            }
            Transition::Closed => tracing::info!("circuit breaker closed: OZmap answers again"),
            Transition::DeletesRefused => tracing::error!(
                "OZmap does not let this key delete; deletions are held. Give the API user the right to delete properties"
            ),
        }
    }
}

impl Permit<'_> {
    /// OZmap answered as itself.
    pub(super) fn answered(&self) {
        self.goes_first.store(false, Ordering::Relaxed);
        let mut state = self.limiter.state();
        let change = state.breaker.answered(self.purpose, Instant::now());
        self.limiter.fit(&mut state);
        drop(state);
        self.limiter.tell(change);
    }

    /// A call gave no usable answer.
    pub(super) fn record_failure(&self, error: &Error) {
        let went_first = self.goes_first.swap(false, Ordering::Relaxed);
        let (purpose, now) = (self.purpose, Instant::now());
        let mut state = self.limiter.state();
        // What the old key still hears says nothing about the new one.
        if error.kind == FailureKind::Unauthorized && self.key != state.keys {
            if went_first {
                state.breaker.leave_trial();
            }
            return;
        }
        let breaker = &mut state.breaker;
        let change = breaker.record_failure(purpose, error.kind, error.retry_after, now);
        // Where that shut nothing, another goes first.
        if went_first {
            breaker.leave_trial();
        }
        if breaker.probe_at().is_some() {
            // Whoever waits for the next probe is told, or will see it when it begins to wait.
            self.limiter.shut.notify_one();
        }
        drop(state);
        self.limiter.tell(change);
    }

    /// Whether a deletion may be tried, or is held because the key may not delete.
    pub(super) fn may_delete(&self) -> Result<(), CircuitOpen> {
        match self.purpose {
            Purpose::Work(mark) => {
                let now = Instant::now();
                self.limiter.state().breaker.may_delete(mark, now)
            }
            // It deletes nothing.
            Purpose::Probe => Ok(()),
        }
    }

    /// A DELETE was answered: whether the key may delete is known now.
    pub(super) fn delete_ended(&self, kind: Option<FailureKind>) {
        let mut state = self.limiter.state();
        let Purpose::Work(mark) = self.purpose else {
            return;
        };
        let change = match kind {
            Some(FailureKind::Forbidden) => state.breaker.delete_refused(mark, Instant::now()),
            Some(
                FailureKind::Connect
                | FailureKind::Tls
                | FailureKind::Timeout
                | FailureKind::Lost
                | FailureKind::Unauthorized
                | FailureKind::Throttled
                | FailureKind::Server
                | FailureKind::Redirect
                | FailureKind::Html
                | FailureKind::Shape
                | FailureKind::Size
                | FailureKind::Stale,
            ) => Transition::None,
            None | Some(FailureKind::Status) => {
                state.breaker.delete_taken();
                Transition::None
            }
        };
        drop(state);
        self.limiter.tell(change);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        if *self.goes_first.get_mut() {
            state.breaker.leave_trial();
        }
        if state.places > state.breaker.limit()
            && let Some(place) = self.place.take()
        {
            place.forget();
            state.places -= 1;
        }
    }
}

fn advice(why: FailureKind) -> &'static str {
    match why {
        FailureKind::Unauthorized => "; check ozmap.api_key",
        FailureKind::Forbidden => "; check what the API user may see",
        FailureKind::Redirect | FailureKind::Html => "; check ozmap.base_url",
        FailureKind::Tls => "; check ozmap.tls_ca_file and ozmap.tls_pin_sha256",
        FailureKind::Connect
        | FailureKind::Timeout
        | FailureKind::Lost
        | FailureKind::Throttled
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
