//! Chance with a fixed algorithm, so that a seed is the same schedule on every machine and for ever.

use std::cell::Cell;

/// SplitMix64.
pub struct Random(Cell<u64>);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    fn next(&self) -> u64 {
        self.0.set(self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15));
        let mut mixed = self.0.get();
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).unwrap();
        low + i64::try_from(self.next() % span).unwrap()
    }

    /// True that often in a thousand.
    pub fn chance(&self, permille: i64) -> bool {
        self.between(0, 999) < permille
    }

    pub fn pick<T: Copy>(&self, choices: &[T]) -> T {
        choices[usize::try_from(self.between(0, choices.len() as i64 - 1)).unwrap()]
    }
}
