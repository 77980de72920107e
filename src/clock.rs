//! Reads the two clocks of the machine. No other file reads the wall clock.
//!
//! Durations come from the monotonic clock. The wall clock only detects that the machine was
//! suspended. Leases and deadlines of the journal must never use either clock: the database's clock
//! counts them.

use std::time::SystemTime;

use tokio::time::Instant;

#[cfg(test)]
thread_local! {
    /// How long the simulated machine of this thread has been suspended.
    static SLEPT: std::cell::Cell<std::time::Duration> = const { std::cell::Cell::new(std::time::Duration::ZERO) };
}

/// Suspends the simulated machine: its wall clock advances and its monotonic clock does not. Zero
/// starts a new machine.
#[cfg(test)]
pub(crate) fn suspend(time: std::time::Duration) {
    let so_far = if time.is_zero() { time } else { SLEPT.get() };
    SLEPT.set(so_far + time);
}

/// A point in time on both clocks of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    monotonic: Instant,
    wall: SystemTime,
}

impl Moment {
    /// Reads both clocks.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the only place that reads the wall clock"
    )]
    pub fn now() -> Self {
        Self {
            monotonic: Instant::now(),
            #[cfg(not(test))]
            wall: SystemTime::now(),
            #[cfg(test)]
            wall: SystemTime::now() + SLEPT.get(),
        }
    }

    /// A moment in the past, for tests of requests that were signed long ago.
    #[cfg(test)]
    pub(crate) fn at_unix_seconds(seconds: u64) -> Self {
        let wall = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        Self {
            wall,
            ..Self::now()
        }
    }

    /// Milliseconds since this moment, by the clock that shows the longer time.
    ///
    /// A suspended machine stops the monotonic clock, and a correction moves the wall clock. The
    /// longer time is the safe one, because every caller checks whether something is too old.
    #[must_use]
    pub fn age_ms(&self) -> u64 {
        let now = Self::now();
        let monotonic = now.monotonic.saturating_duration_since(self.monotonic);
        // A wall clock that was set back does not show how much time has passed.
        let wall = now.wall.duration_since(self.wall).unwrap_or_default();
        u64::try_from(monotonic.max(wall).as_millis()).unwrap_or(u64::MAX)
    }

    /// This moment on the monotonic clock.
    #[must_use]
    pub fn instant(&self) -> Instant {
        self.monotonic
    }

    /// Seconds since 1970 on the wall clock, as webhook signatures count them.
    #[must_use]
    pub fn unix_seconds(&self) -> i64 {
        let since = self
            .wall
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }

    /// Milliseconds since 1970 on the wall clock.
    #[must_use]
    pub fn unix_ms(&self) -> i64 {
        let since = self
            .wall
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_slept_makes_a_moment_older_and_a_clock_that_went_back_makes_it_no_younger() {
        let now = Moment::now().unix_seconds().unsigned_abs();
        // As if the monotonic clock had stopped for a minute.
        assert!(Moment::at_unix_seconds(now - 60).age_ms() >= 59_000);
        assert!(Moment::at_unix_seconds(now + 60).age_ms() < 10_000);
    }
}
