//! The one source of chance in the waits, so that a schedule can be repeated from its seed.

use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub(super) struct Chance(Mutex<StdRng>);

impl Chance {
    /// Seeded by the operating system: what failed together must not come back together.
    pub(super) fn real() -> Self {
        Self(Mutex::new(StdRng::from_rng(&mut rand::rng())))
    }

    /// The same draws for the same seed.
    #[cfg(test)]
    pub(super) fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// Some time between two numbers of milliseconds, each as likely as any other.
    pub(super) fn ms(&self, range: RangeInclusive<u64>) -> Duration {
        let mut chance = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_millis(chance.random_range(range))
    }
}
