//! The only source of randomness in the waits, so that a simulation can be repeated from its seed.

use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub(super) struct Jitter(Mutex<StdRng>);

impl Jitter {
    /// Seeded by the operating system.
    pub(super) fn random() -> Self {
        Self(Mutex::new(StdRng::from_rng(&mut rand::rng())))
    }

    /// The same draws for the same seed.
    #[cfg(test)]
    pub(super) fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// A uniformly distributed wait between two numbers of milliseconds.
    pub(super) fn ms(&self, range: RangeInclusive<u64>) -> Duration {
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_millis(rng.random_range(range))
    }
}
