//! The circuit breaker over all calls to OZmap: closed while calls flow, open after failures, half
//! open for a trial.
//!
//! Pure: the time is an argument. It decides which calls are admitted and when; it must never
//! decide the outcome of a cancellation.
//! - Failures of OZmap itself (no connection, timeouts, lost connections, 5xx) open the circuit,
//!   for longer each time. They must concern different reservations and make up half of the recent
//!   calls: a few reservations that always fail must not hold the others back.
//! - A page, a redirect or a 403 concerns one reservation, like a response of an unexpected shape;
//!   only that one waits. If a probe, which asks for no reservation, fails alike, the address or
//!   the key is wrong, and the circuit opens.
//! - A rejected key (401) opens the circuit at once: further calls could lock the user out.
//! - While the circuit is open only a probe may call. After a successful probe it is half open: one
//!   call is the trial.
//! - 429 opens the circuit for as long as OZmap asks and halves the limit of concurrent calls,
//!   which then grows again.
//! - A key that may read but not delete holds back deletions alone.
//!
//! The files:
//! - `mod`         `Breaker`: the states and their transitions
//! - `on_failure`  `Breaker::record_failure`: what each class of failure does
//! - `classify`    the class of a failure
//! - `recent`      the counted calls
//! - `deletes`     the breaker over deletions
//! - `limiter`     `CallLimiter`: concurrent calls, the permits, the log lines
//! - `backoff`     the growing wait

use std::time::Duration;

use tokio::time::Instant;

use super::error::FailureKind;

mod backoff;
mod classify;
mod deletes;
pub(super) mod limiter;
mod on_failure;
mod recent;

use backoff::doubled;
use deletes::{DeleteBreaker, Denial};
use recent::RecentCalls;

/// How long the circuit is open the first time; every further time doubles it.
const OPEN_FIRST: Duration = Duration::from_secs(1);

/// The longest time that the circuit is open, so that a backlog is resumed within a minute of
/// OZmap's recovery.
const OPEN_MAX: Duration = Duration::from_secs(30);

/// How long the others wait during a trial.
const TRIAL: Duration = Duration::from_secs(1);

/// How long the trial is kept for reservations that did not fail: one that always fails must not
/// keep the circuit open.
const NEWCOMERS: Duration = Duration::from_secs(3);

/// So many successes raise a halved limit by one call.
const SUCCESSES_PER_STEP: u32 = 8;

/// The caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A cancellation or a lookup; the hash tells reservations apart within this process.
    Work(u64),
    /// To find out whether OZmap responds.
    Probe,
}

/// The circuit is open, and the call was rejected; nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitOpen {
    /// How long until the next attempt is worth while.
    pub wait: Duration,
    /// The failure that opened it.
    pub why: FailureKind,
}

/// A change of the state, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transition {
    /// Nothing to log.
    None,
    /// It was closed and has opened.
    Opened(CircuitOpen),
    /// It was open or half open, and OZmap answers again.
    Closed,
    /// Deletions are refused, reads are not.
    DeletesRefused,
}

#[derive(Debug)]
enum BreakerState {
    Closed,
    Open {
        until: Instant,
        why: FailureKind,
    },
    HalfOpen {
        since: Instant,
        why: FailureKind,
        is_taken: bool,
        probe: ProbeResult,
    },
}

/// What the probe before a trial showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProbeResult {
    /// OZmap answered it.
    Answered,
    /// A server is there, or the circuit has been open for long.
    Presumed,
}

/// The state of the breaker.
#[derive(Debug)]
pub(super) struct Breaker {
    state: BreakerState,
    recent: RecentCalls,
    /// When an early probe is due because another server may be responding; and when the last probe
    /// ended.
    early_probe_at: Option<Instant>,
    probed_at: Option<Instant>,
    times_opened: u32,
    /// Calls at once, now and at most.
    limit: usize,
    limit_max: usize,
    successes: u32,
    deletes: DeleteBreaker,
}

impl Breaker {
    pub(super) fn new(limit_max: usize) -> Self {
        Self {
            state: BreakerState::Closed,
            recent: RecentCalls::default(),
            early_probe_at: None,
            probed_at: None,
            times_opened: 0,
            limit: limit_max,
            limit_max,
            successes: 0,
            deletes: DeleteBreaker::default(),
        }
    }

    /// How many calls may run at once.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether a call would be rejected now.
    pub(super) fn rejection(&self, now: Instant) -> Option<CircuitOpen> {
        match self.state {
            BreakerState::Closed
            | BreakerState::HalfOpen {
                is_taken: false, ..
            } => None,
            BreakerState::Open { until, why } => {
                // After that time a probe comes first, which takes a moment.
                let wait = until
                    .saturating_duration_since(now)
                    .max(Duration::from_millis(200));
                Some(CircuitOpen { wait, why })
            }
            BreakerState::HalfOpen {
                why,
                is_taken: true,
                ..
            } => Some(CircuitOpen { wait: TRIAL, why }),
        }
    }

    /// Admits a call; true when it is the trial of a half-open circuit.
    pub(super) fn enter(&mut self, reservation: u64, now: Instant) -> Result<bool, CircuitOpen> {
        if let Some(open) = self.rejection(now) {
            return Err(open);
        }
        let has_failed = self.recent.has_failed(reservation, now);
        match &mut self.state {
            BreakerState::HalfOpen {
                since,
                why,
                is_taken,
                ..
            } => {
                let wait = (*since + NEWCOMERS).saturating_duration_since(now);
                if has_failed && !wait.is_zero() {
                    return Err(CircuitOpen { wait, why: *why });
                }
                *is_taken = true;
                Ok(true)
            }
            BreakerState::Closed | BreakerState::Open { .. } => Ok(false),
        }
    }

    /// The trial ended without a response.
    pub(super) fn release_trial(&mut self) {
        if let BreakerState::HalfOpen { is_taken, .. } = &mut self.state {
            *is_taken = false;
        }
    }

    /// Whether the circuit opened again before any call succeeded: no single reservation is the
    /// cause.
    pub(super) fn has_reopened(&self) -> bool {
        self.times_opened > 1
    }

    /// When the next probe is due, if the circuit is open or another server may be responding.
    pub(super) fn probe_at(&self) -> Option<Instant> {
        match self.state {
            BreakerState::Open { until, .. } => Some(until),
            BreakerState::Closed => self.early_probe_at,
            BreakerState::HalfOpen { .. } => None,
        }
    }

    /// OZmap itself responded.
    pub(super) fn answered(&mut self, purpose: Purpose, now: Instant) -> Transition {
        if purpose == Purpose::Probe {
            self.probed(now);
            self.recent.clear_suspicion();
        }
        match (&self.state, purpose) {
            (BreakerState::Open { .. }, Purpose::Probe) => {
                self.half_open(ProbeResult::Answered, now)
            }
            // The response to a call from before the circuit opened; the probe decides.
            (BreakerState::Open { .. }, Purpose::Work(_)) => Transition::None,
            (BreakerState::HalfOpen { .. } | BreakerState::Closed, Purpose::Probe) => {
                Transition::None
            }
            (BreakerState::HalfOpen { .. }, Purpose::Work(reservation)) => {
                self.state = BreakerState::Closed;
                self.recent.reset();
                self.recent.record_success(reservation, now);
                self.times_opened = 0;
                Transition::Closed
            }
            (BreakerState::Closed, Purpose::Work(reservation)) => {
                self.recent.record_success(reservation, now);
                self.early_probe_at = None;
                self.successes += 1;
                if self.successes >= SUCCESSES_PER_STEP {
                    self.successes = 0;
                    self.limit = (self.limit + 1).min(self.limit_max);
                }
                Transition::None
            }
        }
    }

    /// Whether a deletion may be tried, or is held back because the key may not delete.
    pub(super) fn may_delete(&mut self, reservation: u64, now: Instant) -> Result<(), CircuitOpen> {
        let held = self.deletes.may_delete(reservation, now);
        held.map_err(|wait| CircuitOpen {
            wait,
            why: FailureKind::Forbidden,
        })
    }

    /// OZmap answered a DELETE with 403.
    pub(super) fn delete_denied(&mut self, reservation: u64, now: Instant) -> Transition {
        match self.deletes.denied(reservation, now) {
            Denial::First => Transition::DeletesRefused,
            Denial::Repeated => Transition::None,
        }
    }

    /// A DELETE did not fail for lack of a right.
    pub(super) fn delete_allowed(&mut self) {
        self.deletes.reset();
    }

    /// Whether deletions are held back because the key may not delete.
    pub(super) fn are_deletes_refused(&self) -> bool {
        self.deletes.is_open()
    }

    /// The key changed: what the old one might not delete says nothing about the new one.
    pub(super) fn key_changed(&mut self) {
        self.deletes.reset();
    }

    fn next_wait(&self) -> Duration {
        doubled(OPEN_FIRST, self.times_opened, OPEN_MAX)
    }

    fn open(
        &mut self,
        purpose: Purpose,
        why: FailureKind,
        wait: Duration,
        now: Instant,
    ) -> Transition {
        let until = now + wait;
        let was_closed = match (&self.state, purpose) {
            // A call from before the circuit opened says nothing new; it can only prolong the wait.
            (BreakerState::Open { until: earlier, .. }, Purpose::Work(_)) => {
                let until = until.max(*earlier);
                self.state = BreakerState::Open { until, why };
                return Transition::None;
            }
            (BreakerState::Closed, _) => true,
            (BreakerState::Open { .. } | BreakerState::HalfOpen { .. }, _) => false,
        };
        self.times_opened = self.times_opened.saturating_add(1);
        self.state = BreakerState::Open { until, why };
        if was_closed {
            Transition::Opened(CircuitOpen { wait, why })
        } else {
            Transition::None
        }
    }
}

#[cfg(test)]
mod tests;
