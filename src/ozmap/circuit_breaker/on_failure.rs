//! The effect of a failure on the breaker: whether it concerns every call, one reservation, or only
//! this response.
//!
//! A failure that concerns one reservation must never hold the others back.

use std::time::Duration;

use tokio::time::Instant;

use super::classify::{FailureClass, classify, may_be_another_server};
use super::{Breaker, BreakerState, ProbeResult, Purpose, Transition};
use crate::ozmap::error::FailureKind;

/// After so many openings in a row a failed probe alone no longer keeps the circuit open.
const PROBES_TRUSTED: u32 = 8;

/// How long a rejected key is not used again.
pub(super) const KEY_REJECTED_FOR: Duration = Duration::from_secs(30);

/// The shortest time between two early probes, which find out whether another server responds
/// instead of OZmap.
const EARLY_PROBE_EVERY: Duration = Duration::from_secs(10);

impl Breaker {
    /// A call failed.
    pub(in crate::ozmap) fn record_failure(
        &mut self,
        purpose: Purpose,
        kind: FailureKind,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Transition {
        match purpose {
            Purpose::Probe => self.probe_failed(kind, retry_after, now),
            Purpose::Work(reservation) => self.work_failed(reservation, kind, retry_after, now),
        }
    }

    fn probe_failed(
        &mut self,
        kind: FailureKind,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Transition {
        self.probed(now);
        if !matches!(self.state, BreakerState::Open { .. }) {
            let is_met_by_all = may_be_another_server(kind) && self.recent.is_suspicious();
            return match self.state {
                // The probe, which asks for no reservation, fails like the customers' calls: it is
                // not OZmap that responds.
                BreakerState::Closed if is_met_by_all => {
                    let wait = self.next_wait();
                    self.open(Purpose::Probe, kind, wait, now)
                }
                // A failed probe alone opens nothing; it only shows on the health page.
                BreakerState::Closed
                | BreakerState::HalfOpen { .. }
                | BreakerState::Open { .. } => Transition::None,
            };
        }
        self.successes = 0;
        match classify(kind) {
            FailureClass::ThisAnswer => self.half_open(ProbeResult::Answered, now),
            // A server responds. Whether it is an OZmap on which only the probe fails, a single
            // cancellation finds out.
            FailureClass::Suspicious => self.half_open(ProbeResult::Presumed, now),
            // The probe has been the only call for long.
            FailureClass::Service if self.times_opened >= PROBES_TRUSTED => {
                self.half_open(ProbeResult::Presumed, now)
            }
            FailureClass::KeyRejected => self.open(Purpose::Probe, kind, KEY_REJECTED_FOR, now),
            FailureClass::Service | FailureClass::RateLimited => {
                let wait = retry_after.unwrap_or_else(|| self.next_wait());
                self.open(Purpose::Probe, kind, wait, now)
            }
        }
    }

    fn work_failed(
        &mut self,
        reservation: u64,
        kind: FailureKind,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Transition {
        let (purpose, failed_before) = (
            Purpose::Work(reservation),
            self.recent.has_failed(reservation, now),
        );
        self.successes = 0;
        match classify(kind) {
            FailureClass::ThisAnswer => self.answered(purpose, now),
            FailureClass::Suspicious => {
                self.recent.record_suspicious(reservation, now);
                if self.is_trial_after_response() {
                    return Transition::None;
                }
                self.schedule_early_probe(now);
                self.reopen_trial(purpose, kind, now)
            }
            FailureClass::KeyRejected => {
                self.recent.count_failure(Some(reservation), now);
                self.open(purpose, kind, KEY_REJECTED_FOR, now)
            }
            FailureClass::RateLimited => {
                if matches!(self.state, BreakerState::Closed) {
                    self.limit = (self.limit / 2).max(1);
                }
                let wait = retry_after.unwrap_or_else(|| self.next_wait());
                self.open(purpose, kind, wait, now)
            }
            FailureClass::Service => {
                // OZmap was not told the reservation yet.
                let is_unattributed = kind.is_before_any_request();
                self.recent
                    .count_failure((!is_unattributed).then_some(reservation), now);
                if let Some(wait) = retry_after {
                    return self.open(purpose, kind, wait, now);
                }
                // This reservation failed before and the probe succeeded: that says nothing about
                // the others.
                if failed_before && !is_unattributed && self.is_trial_after_response() {
                    return Transition::None;
                }
                match self.state {
                    BreakerState::Closed if !self.recent.reaches_threshold(now) => Transition::None,
                    BreakerState::Closed
                    | BreakerState::Open { .. }
                    | BreakerState::HalfOpen { .. } => {
                        let wait = self.next_wait();
                        self.open(purpose, kind, wait, now)
                    }
                }
            }
        }
    }

    pub(super) fn half_open(&mut self, probe: ProbeResult, now: Instant) -> Transition {
        if let BreakerState::Open { why, .. } = self.state {
            self.state = BreakerState::HalfOpen {
                since: now,
                why,
                is_taken: false,
                probe,
            };
        }
        Transition::None
    }

    fn is_trial_after_response(&self) -> bool {
        matches!(
            self.state,
            BreakerState::HalfOpen {
                probe: ProbeResult::Answered,
                ..
            }
        )
    }

    /// Opens the circuit again if this was the trial call.
    fn reopen_trial(&mut self, purpose: Purpose, kind: FailureKind, now: Instant) -> Transition {
        match self.state {
            BreakerState::HalfOpen { .. } => {
                let wait = self.next_wait();
                self.open(purpose, kind, wait, now)
            }
            BreakerState::Closed | BreakerState::Open { .. } => Transition::None,
        }
    }

    /// Schedules an early probe when another server may have responded for many reservations, and
    /// OZmap for none.
    fn schedule_early_probe(&mut self, now: Instant) {
        if self.recent.is_widely_suspicious() && self.early_probe_at.is_none() {
            let earliest = self.probed_at.map_or(now, |at| at + EARLY_PROBE_EVERY);
            self.early_probe_at = Some(earliest.max(now));
        }
    }

    pub(super) fn probed(&mut self, now: Instant) {
        self.early_probe_at = None;
        self.probed_at = Some(now);
    }
}
