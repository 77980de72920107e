//! What came back lately: how many calls went well, and which reservations met troubles.
//!
//! Pure: the time is given to it. It counts and never decides who may call.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// So many calls are looked at together.
const CALLS: usize = 20;

/// So many troubles among them are not about one reservation any more, if they are half of the calls.
pub(super) const TROUBLES_MIN: usize = 5;

/// For how long a good answer speaks for OZmap.
const GOOD_FOR: Duration = Duration::from_secs(10);

/// For how long a reservation is known to have met troubles.
const KNOWN_FOR: Duration = Duration::from_secs(600);

/// The most reservations that are known to have met troubles.
const KNOWN_MAX: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Good(Instant),
    /// The reservation's first trouble since its last good answer; without a mark none is to blame.
    Bad(Option<u64>),
}

/// The last calls.
#[derive(Debug, Default)]
pub(super) struct Recent {
    calls: VecDeque<Call>,
    /// Reservations that met any trouble since their last good answer, and when last; the oldest first.
    known: VecDeque<(u64, Instant)>,
    /// Reservations that something else than OZmap answered about since the last good answer.
    doubtful: Vec<u64>,
}

impl Recent {
    /// A call about a reservation was answered.
    pub(super) fn good(&mut self, mark: u64, now: Instant) {
        self.known.retain(|(known, _)| *known != mark);
        // Whatever could not be reached is reached again.
        self.calls.retain(|call| match call {
            Call::Good(_) => true,
            Call::Bad(blamed) => blamed.is_some_and(|blamed| blamed != mark),
        });
        self.doubtful.clear();
        self.push(Call::Good(now));
    }

    /// OZmap itself failed. A reservation that always fails is counted once: the others do not wait for it.
    pub(super) fn bad(&mut self, mark: Option<u64>, now: Instant) {
        if let Some(mark) = mark {
            let was_known = self.is_known(mark, now);
            self.note(mark, now);
            if was_known {
                return;
            }
        }
        self.push(Call::Bad(mark));
    }

    /// Something else than OZmap answered about a reservation, or it may not be seen.
    pub(super) fn odd(&mut self, mark: u64, now: Instant) {
        self.note(mark, now);
        if self.doubtful.len() < TROUBLES_MIN && !self.doubtful.contains(&mark) {
            self.doubtful.push(mark);
        }
    }

    /// Whether a reservation met troubles since its last good answer.
    pub(super) fn is_known(&self, mark: u64, now: Instant) -> bool {
        let is_it = |(known, at): &(u64, Instant)| *known == mark && now < *at + KNOWN_FOR;
        self.known.iter().any(is_it)
    }

    /// Whether the troubles are about OZmap: of enough reservations, and at least half of the recent calls.
    pub(super) fn speak_against_all(&mut self, now: Instant) -> bool {
        self.calls.retain(|call| match call {
            Call::Good(at) => now < *at + GOOD_FOR,
            Call::Bad(_) => true,
        });
        let is_bad = |call: &&Call| matches!(call, Call::Bad(_));
        let bad = self.calls.iter().filter(is_bad).count();
        bad >= TROUBLES_MIN && bad * 2 >= self.calls.len()
    }

    /// Whether something else than OZmap answered since the last good answer.
    pub(super) fn is_doubtful(&self) -> bool {
        !self.doubtful.is_empty()
    }

    /// The same, about so many reservations that it is time to find out.
    pub(super) fn is_very_doubtful(&self) -> bool {
        self.doubtful.len() >= TROUBLES_MIN
    }

    /// OZmap answered a question that was about no reservation.
    pub(super) fn proven(&mut self) {
        self.doubtful.clear();
    }

    /// Counts anew; who met troubles stays known.
    pub(super) fn begin_anew(&mut self) {
        self.calls.clear();
        self.doubtful.clear();
    }

    fn note(&mut self, mark: u64, now: Instant) {
        self.known.retain(|(known, _)| *known != mark);
        if self.known.len() >= KNOWN_MAX {
            self.known.pop_front();
        }
        self.known.push_back((mark, now));
    }

    fn push(&mut self, call: Call) {
        if self.calls.len() >= CALLS {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_answer_speaks_for_ozmap_for_a_while_and_a_trouble_until_its_reservation_is_answered()
    {
        let (mut recent, now) = (Recent::default(), Instant::now());
        for mark in 100..110 {
            recent.good(mark, now);
        }
        for mark in 0..9 {
            recent.bad(Some(mark), now);
            assert!(!recent.speak_against_all(now), "{mark}");
        }
        recent.bad(Some(9), now);
        assert!(recent.speak_against_all(now), "half of the calls");
        recent.good(9, now);
        assert!(!recent.speak_against_all(now));
        assert!(
            recent.speak_against_all(now + GOOD_FOR),
            "nothing speaks for it any more"
        );
    }

    #[test]
    fn a_reservation_that_always_fails_is_counted_once_and_forgotten_in_the_end() {
        let (mut recent, now) = (Recent::default(), Instant::now());
        for mark in 0..4 {
            for _ in 0..50 {
                recent.bad(Some(mark), now);
            }
        }
        assert!(!recent.speak_against_all(now));
        assert!(recent.is_known(0, now) && !recent.is_known(0, now + KNOWN_FOR));
        recent.bad(Some(0), now + KNOWN_FOR);
        assert!(recent.speak_against_all(now + KNOWN_FOR));
    }
}
