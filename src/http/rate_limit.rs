//! The rate limit of a channel: a loop in one flow, or a stolen secret, must not use up OZmap's
//! capacity for all.
//!
//! It is applied after authentication, so that unauthenticated traffic cannot use up a channel's
//! allowance, and before anything is written to the journal.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many seconds' worth of requests may come in one burst: customers do not write at even
/// intervals.
const BURST_S: f64 = 2.5;

/// The allowance of one channel.
pub(super) struct TokenBucket {
    per_second: f64,
    level: Mutex<Level>,
}

struct Level {
    tokens: f64,
    at: Instant,
}

impl TokenBucket {
    /// A full bucket; `None` when the channel has no limit.
    pub(super) fn new(per_second_max: u32, now: Instant) -> Option<Self> {
        let per_second = f64::from(per_second_max);
        let level = Level {
            tokens: per_second * BURST_S,
            at: now,
        };
        (per_second_max > 0).then(|| Self {
            per_second,
            level: Mutex::new(level),
        })
    }

    /// Takes one token, or tells after which time there will be one.
    pub(super) fn take(&self, now: Instant) -> Result<(), Duration> {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = now.saturating_duration_since(level.at).as_secs_f64();
        let refilled = level.tokens + elapsed * self.per_second;
        level.tokens = refilled.min(self.per_second * BURST_S);
        level.at = level.at.max(now);
        if level.tokens < 1.0 {
            let missing = 1.0 - level.tokens;
            return Err(Duration::from_secs_f64(missing / self.per_second));
        }
        level.tokens -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(bucket: &TokenBucket, now: Instant) -> usize {
        (0..1_000).take_while(|_| bucket.take(now).is_ok()).count()
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_applies() {
        let start = Instant::now();
        let Some(bucket) = TokenBucket::new(20, start) else {
            unreachable!("20 is a limit")
        };
        assert_eq!(taken(&bucket, start), 50);
        assert_eq!(bucket.take(start), Err(Duration::from_millis(50)));
        assert_eq!(taken(&bucket, start + Duration::from_millis(500)), 10);
        // An earlier time, read by another thread, refills nothing.
        assert_eq!(taken(&bucket, start), 0);
        assert_eq!(taken(&bucket, start + Duration::from_secs(3_600)), 50);
    }

    #[test]
    fn a_limit_of_one_a_second_still_allows_a_burst_of_two() {
        let start = Instant::now();
        let Some(bucket) = TokenBucket::new(1, start) else {
            unreachable!("1 is a limit")
        };
        assert_eq!(taken(&bucket, start), 2);
        assert_eq!(taken(&bucket, start + Duration::from_millis(400)), 0);
        assert_eq!(taken(&bucket, start + Duration::from_millis(600)), 1);
    }

    #[test]
    fn a_limit_of_zero_is_no_limit() {
        assert!(TokenBucket::new(0, Instant::now()).is_none());
    }
}
