//! How long to wait before OZmap is asked again about one cancellation.
//!
//! Full jitter: many cancellations that failed together must not come back together.

use std::time::Duration;

use rand::RngExt;

/// The first wait is drawn from up to this.
const FIRST_MS: u64 = 500;

/// No wait is longer.
const LONGEST_MS: u64 = 5 * 60 * 1000;

/// The shortest wait: OZmap is never asked twice in the same moment.
const SHORTEST_MS: u64 = 100;

/// A random wait below a bound that doubles with every attempt.
pub(super) fn full_jitter(attempts: i64) -> Duration {
    let bound = bound_ms(attempts);
    Duration::from_millis(rand::rng().random_range(SHORTEST_MS..=bound))
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
    fn a_wait_is_within_its_bounds() {
        for attempts in 0..30 {
            let wait = full_jitter(attempts);
            assert!(
                wait >= Duration::from_millis(SHORTEST_MS)
                    && wait <= Duration::from_millis(bound_ms(attempts))
            );
        }
    }
}
