//! How long to wait before OZmap is asked again about one cancellation.
//!
//! Full jitter: many cancellations that failed together must not come back together.

use std::time::Duration;

use super::Cancellations;
use super::advance::{Memory, Step};
use super::chance::Chance;
use crate::journal::Held;
use crate::ozmap::{self, CircuitOpen, FailureKind};

/// The first wait is drawn from up to this.
const FIRST_MS: u64 = 500;

/// No wait is longer.
const LONGEST_MS: u64 = 5 * 60 * 1000;

/// The shortest wait: OZmap is never asked twice in the same moment.
const SHORTEST_MS: u64 = 100;

/// How long a reservation is left alone that the key may not see.
const FORBIDDEN: Duration = Duration::from_secs(30);

/// The longest that a deletion which was refused is not tried again: so many of them fill a day.
const DELETE_REFUSED_MAX: Duration = Duration::from_secs(2 * 3_600);

/// How far those that were turned away together are spread.
const SPREAD_MS: u64 = 1_000;

impl Cancellations {
    /// How long to leave OZmap alone after a read that failed.
    pub(super) fn wait_after(
        &self,
        error: &ozmap::Error,
        held: &Held,
        memory: &mut Memory,
    ) -> Step {
        memory.failures += 1;
        tracing::warn!(op = %held.record.id, failures = memory.failures, "OZmap gave no usable answer: {error}");
        // A server that cannot be reached says nothing of this one, however often it was tried before.
        let attempts = match error.kind.is_before_any_request() {
            true => memory.failures,
            false => held.record.attempts.max(memory.failures),
        };
        let usual = self.full_jitter(attempts);
        if let Some(shut) = self.ozmap.circuit_open() {
            if self.ozmap.is_away() {
                return self.circuit_open(shut);
            }
            // All was well before it asked, so it is maybe the reason: one that always fails so must come back more and
            // more rarely, or it would keep OZmap from all others.
            let wait = shut.wait + self.chance.ms(0..=SPREAD_MS);
            return Step::Wait(wait.max(usual), shut.why.reason());
        }
        let wait = match (error.retry_after, error.kind) {
            (Some(asked), _) => asked,
            (None, FailureKind::Forbidden) => FORBIDDEN,
            (None, _) => usual,
        };
        Step::Wait(wait, error.kind.reason())
    }

    /// OZmap is left alone: nothing was sent, and it counts as no attempt.
    pub(super) fn circuit_open(&self, shut: CircuitOpen) -> Step {
        Step::Hold(shut.wait + self.chance.ms(0..=SPREAD_MS), shut.why.reason())
    }

    /// OZmap was so slow that what it showed allows no deletion any more.
    pub(super) fn read_anew(&self, held: &Held, memory: &mut Memory) -> Step {
        memory.too_old += 1;
        tracing::warn!(
            op = %held.record.id, lookup_ms = self.ozmap.look_ms(), guard_age_ms_max = self.ozmap.guard_age_ms(),
            "what OZmap showed is too old to delete on; it is read anew"
        );
        let wait = self.full_jitter(held.record.attempts.max(memory.too_old));
        Step::Wait(wait, FailureKind::Stale.reason())
    }

    /// A random wait below a bound that doubles with every attempt.
    pub(super) fn full_jitter(&self, attempts: i64) -> Duration {
        full_jitter(&self.chance, attempts)
    }
}

/// How long a deletion that was refused so often is not tried again. The others do not wait so long.
pub(super) fn delete_refused(times: i64) -> Duration {
    let doublings = u32::try_from((times - 1).clamp(0, 10)).unwrap_or(0);
    FORBIDDEN
        .saturating_mul(1 << doublings)
        .min(DELETE_REFUSED_MAX)
}

fn full_jitter(chance: &Chance, attempts: i64) -> Duration {
    chance.ms(SHORTEST_MS..=bound_ms(attempts))
}

fn bound_ms(attempts: i64) -> u64 {
    let doublings = u32::try_from(attempts.clamp(0, 20)).unwrap_or(0);
    FIRST_MS.saturating_mul(1 << doublings).min(LONGEST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_from_half_a_second_to_five_minutes() {
        let bounds: Vec<u64> = [0, 1, 2, 9, 10, 1_000_000, i64::MAX].map(bound_ms).to_vec();
        assert_eq!(
            bounds,
            [500, 1_000, 2_000, 256_000, 300_000, 300_000, 300_000]
        );
        assert_eq!(bound_ms(-1), 500);
    }

    #[test]
    fn a_refused_deletion_waits_longer_each_time_and_all_of_them_more_than_a_day() {
        let waits = [0, 1, 2, 3, 100].map(|times| delete_refused(times).as_secs());
        assert_eq!(waits, [30, 30, 60, 120, 7_200]);
        let all: Duration = (1..=20).map(delete_refused).sum();
        assert!(all >= Duration::from_secs(24 * 3_600), "{all:?}");
    }

    #[test]
    fn a_wait_is_within_its_bounds() {
        let chance = Chance::real();
        for attempts in 0..30 {
            let wait = full_jitter(&chance, attempts);
            assert!(
                wait >= Duration::from_millis(SHORTEST_MS)
                    && wait <= Duration::from_millis(bound_ms(attempts))
            );
        }
    }
}
