//! The recent calls: how many succeeded, and for which reservations they failed.
//!
//! Pure: the time is an argument. It counts and must never decide which calls are admitted.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The number of recent calls that are counted.
const WINDOW: usize = 20;

/// So many failures open the circuit if they are at least half of the counted calls.
pub(super) const FAILURES_MIN: usize = 5;

/// How long a success is counted.
const SUCCESS_COUNTS_FOR: Duration = Duration::from_secs(10);

/// How long a reservation is remembered whose call failed.
const FAILED_KNOWN_FOR: Duration = Duration::from_secs(600);

/// The most reservations remembered whose call failed.
const FAILED_KNOWN_MAX: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Succeeded(Instant),
    /// A reservation's first failure since its last success; `None` if no reservation is the cause.
    Failed(Option<u64>),
}

/// The last calls.
#[derive(Debug, Default)]
pub(super) struct RecentCalls {
    calls: VecDeque<Call>,
    /// The reservations whose calls failed since their last success, and when last; the oldest
    /// first.
    failed: VecDeque<(u64, Instant)>,
    /// The reservations for which another server may have responded since the last success.
    suspicious: Vec<u64>,
}

impl RecentCalls {
    /// A call about a reservation succeeded.
    pub(super) fn record_success(&mut self, reservation: u64, now: Instant) {
        self.failed.retain(|(failed, _)| *failed != reservation);
        // OZmap can be reached again: failures without a reservation no longer count.
        self.calls.retain(|call| match call {
            Call::Succeeded(_) => true,
            Call::Failed(failed_for) => {
                failed_for.is_some_and(|failed_for| failed_for != reservation)
            }
        });
        self.suspicious.clear();
        self.push(Call::Succeeded(now));
    }

    /// OZmap itself failed. A reservation that always fails is counted once, so that it does not
    /// hold the others back.
    pub(super) fn count_failure(&mut self, reservation: Option<u64>, now: Instant) {
        if let Some(reservation) = reservation {
            let failed_before = self.has_failed(reservation, now);
            self.remember(reservation, now);
            if failed_before {
                return;
            }
        }
        self.push(Call::Failed(reservation));
    }

    /// Another server may have responded about a reservation, or the key may not see it.
    pub(super) fn record_suspicious(&mut self, reservation: u64, now: Instant) {
        self.remember(reservation, now);
        if self.suspicious.len() < FAILURES_MIN && !self.suspicious.contains(&reservation) {
            self.suspicious.push(reservation);
        }
    }

    /// Whether a call about a reservation failed since its last success.
    pub(super) fn has_failed(&self, reservation: u64, now: Instant) -> bool {
        let is_it =
            |(failed, at): &(u64, Instant)| *failed == reservation && now < *at + FAILED_KNOWN_FOR;
        self.failed.iter().any(is_it)
    }

    /// Whether the failures concern OZmap itself: enough reservations, and at least half of the
    /// recent calls.
    pub(super) fn reaches_threshold(&mut self, now: Instant) -> bool {
        self.calls.retain(|call| match call {
            Call::Succeeded(at) => now < *at + SUCCESS_COUNTS_FOR,
            Call::Failed(_) => true,
        });
        let is_failure = |call: &&Call| matches!(call, Call::Failed(_));
        let failures = self.calls.iter().filter(is_failure).count();
        failures >= FAILURES_MIN && failures * 2 >= self.calls.len()
    }

    /// Whether another server may have responded since the last success.
    pub(super) fn is_suspicious(&self) -> bool {
        !self.suspicious.is_empty()
    }

    /// The same for so many reservations that a probe should find out.
    pub(super) fn is_widely_suspicious(&self) -> bool {
        self.suspicious.len() >= FAILURES_MIN
    }

    /// OZmap responded to a probe.
    pub(super) fn clear_suspicion(&mut self) {
        self.suspicious.clear();
    }

    /// Starts counting again; failed reservations stay remembered.
    pub(super) fn reset(&mut self) {
        self.calls.clear();
        self.suspicious.clear();
    }

    fn remember(&mut self, reservation: u64, now: Instant) {
        self.failed.retain(|(failed, _)| *failed != reservation);
        if self.failed.len() >= FAILED_KNOWN_MAX {
            self.failed.pop_front();
        }
        self.failed.push_back((reservation, now));
    }

    fn push(&mut self, call: Call) {
        if self.calls.len() >= WINDOW {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_success_counts_for_a_while_and_a_failure_until_its_reservation_succeeds() {
        let (mut recent, now) = (RecentCalls::default(), Instant::now());
        for reservation in 100..110 {
            recent.record_success(reservation, now);
        }
        for reservation in 0..9 {
            recent.count_failure(Some(reservation), now);
            assert!(!recent.reaches_threshold(now), "{reservation}");
        }
        recent.count_failure(Some(9), now);
        assert!(recent.reaches_threshold(now), "half of the calls");
        recent.record_success(9, now);
        assert!(!recent.reaches_threshold(now));
        assert!(
            recent.reaches_threshold(now + SUCCESS_COUNTS_FOR),
            "no success counts any more"
        );
    }

    #[test]
    fn a_reservation_that_always_fails_is_counted_once_and_forgotten_in_the_end() {
        let (mut recent, now) = (RecentCalls::default(), Instant::now());
        for reservation in 0..4 {
            for _ in 0..50 {
                recent.count_failure(Some(reservation), now);
            }
        }
        assert!(!recent.reaches_threshold(now));
        assert!(recent.has_failed(0, now) && !recent.has_failed(0, now + FAILED_KNOWN_FOR));
        recent.count_failure(Some(0), now + FAILED_KNOWN_FOR);
        assert!(recent.reaches_threshold(now + FAILED_KNOWN_FOR));
    }
}
