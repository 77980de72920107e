//! Exponential growth of a wait up to a bound.

use std::time::Duration;

/// The first wait doubled so many times, at most `most`.
pub(super) fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(most)
}
