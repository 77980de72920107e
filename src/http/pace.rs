//! How fast a channel may ask, so that a loop in somebody's flow, or a stolen secret, does not take all of OZmap.
//!
//! Judged after the caller was believed, because nobody else may use up what is a channel's own, and before anything is
//! written down.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So many seconds' worth may come at once: people do not write at even distances.
const BURST_S: f64 = 2.5;

/// The allowance of one channel.
pub(super) struct Pace {
    per_second: f64,
    left: Mutex<Left>,
}

struct Left {
    requests: f64,
    at: Instant,
}

impl Pace {
    /// `None` when any number is allowed.
    pub(super) fn new(per_second_max: u32, now: Instant) -> Option<Self> {
        let per_second = f64::from(per_second_max);
        let left = Left {
            requests: per_second * BURST_S,
            at: now,
        };
        (per_second_max > 0).then(|| Self {
            per_second,
            left: Mutex::new(left),
        })
    }

    /// Takes one request, or says when to come again.
    pub(super) fn take(&self, now: Instant) -> Result<(), Duration> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now.saturating_duration_since(left.at).as_secs_f64();
        left.requests = (left.requests + since * self.per_second).min(self.per_second * BURST_S);
        left.at = left.at.max(now);
        if left.requests < 1.0 {
            let missing = 1.0 - left.requests;
            return Err(Duration::from_secs_f64(missing / self.per_second));
        }
        left.requests -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(pace: &Pace, now: Instant) -> usize {
        (0..1_000).take_while(|_| pace.take(now).is_ok()).count()
    }

    #[test]
    fn a_burst_passes_and_then_what_every_second_brings() {
        let start = Instant::now();
        let Some(pace) = Pace::new(20, start) else {
            unreachable!("20 is a limit")
        };
        assert_eq!(taken(&pace, start), 50);
        assert_eq!(pace.take(start), Err(Duration::from_millis(50)));
        assert_eq!(taken(&pace, start + Duration::from_millis(500)), 10);
        // An earlier time, read by another thread, gives nothing back.
        assert_eq!(taken(&pace, start), 0);
        assert_eq!(taken(&pace, start + Duration::from_secs(3_600)), 50);
    }

    #[test]
    fn one_a_second_lets_one_through_at_once() {
        let start = Instant::now();
        let Some(pace) = Pace::new(1, start) else {
            unreachable!("1 is a limit")
        };
        assert_eq!(taken(&pace, start), 2);
        assert_eq!(taken(&pace, start + Duration::from_millis(400)), 0);
        assert_eq!(taken(&pace, start + Duration::from_millis(600)), 1);
    }

    #[test]
    fn no_limit_is_none() {
        assert!(Pace::new(0, Instant::now()).is_none());
    }
}
