//! What a caller is told while its promise is being written down.
//!
//! A caller that was told no must never see its request carried out, and what is on its way to the disk is not denied.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::journal::Caller;

/// What a caller is told while its promise is being written down: exactly one side decides.
#[derive(Default)]
pub(super) struct Word(AtomicU8);

impl Word {
    const GIVEN: u8 = 1;
    const DECLINED: u8 = 2;

    /// The caller is told no; false when the promise is on its way already.
    pub(super) fn decline(&self) -> bool {
        self.decide(Self::DECLINED)
    }

    fn decide(&self, word: u8) -> bool {
        match self
            .0
            .compare_exchange(0, word, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => true,
            Err(decided) => decided == word,
        }
    }
}

impl Caller for Arc<Word> {
    fn is_waiting(&self) -> bool {
        self.0.load(Ordering::Acquire) != Word::DECLINED
    }

    fn is_given_the_word(&self) -> bool {
        self.decide(Word::GIVEN)
    }
}
