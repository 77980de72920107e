//! What a trouble does to the breaker: to everybody, to one reservation, or to nobody.
//!
//! It must never let what is about one reservation keep OZmap from the others.

use std::time::Duration;

use tokio::time::Instant;

use super::weight::{Weight, is_an_answer, weight};
use super::{Breaker, BreakerState, Proof, Purpose, Transition};
use crate::ozmap::trouble::FailureKind;

/// After it was shut so often in a row, a probe that fails is not enough to keep everybody away.
const PROBES_BELIEVED: u32 = 8;

/// How long a key that was refused is not shown again.
pub(super) const KEY_REFUSED: Duration = Duration::from_secs(30);

/// How often a doubt whether OZmap itself answers is settled by a probe that would not be due yet.
const DOUBT_EVERY: Duration = Duration::from_secs(10);

impl Breaker {
    /// A call gave no usable answer.
    pub(in crate::ozmap) fn record_failure(
        &mut self,
        purpose: Purpose,
        kind: FailureKind,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Transition {
        match purpose {
            Purpose::Probe => self.probe_troubled(kind, retry_after, now),
            Purpose::Work(mark) => self.work_troubled(mark, kind, retry_after, now),
        }
    }

    fn probe_troubled(
        &mut self,
        kind: FailureKind,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Transition {
        self.probed(now);
        if !matches!(self.state, BreakerState::Open { .. }) {
            let is_met_by_all = is_an_answer(kind) && self.recent.is_doubtful();
            return match self.state {
                // What customers met is met where no reservation is asked for: it is no OZmap that answers.
                BreakerState::Closed if is_met_by_all => {
                    let wait = self.next_wait();
                    self.shut(Purpose::Probe, kind, wait, now)
                }
                // It is for the health page alone: nobody is kept waiting because of a question that no customer asked.
                BreakerState::Closed
                | BreakerState::HalfOpen { .. }
                | BreakerState::Open { .. } => Transition::None,
            };
        }
        self.calm = 0;
        match weight(kind) {
            Weight::OneOnly => self.begin_trial(Proof::Answered, now),
            // Somebody is there. Whether it is an OZmap on which only a probe fails, or something else, only a
            // cancellation can find out; it goes alone.
            Weight::Odd => self.begin_trial(Proof::Presumed, now),
            // The probe has been alone for long.
            Weight::All if self.shuts >= PROBES_BELIEVED => self.begin_trial(Proof::Presumed, now),
            Weight::Key => self.shut(Purpose::Probe, kind, KEY_REFUSED, now),
            Weight::All | Weight::Throttle => {
                let wait = retry_after.unwrap_or_else(|| self.next_wait());
                self.shut(Purpose::Probe, kind, wait, now)
            }
        }
    }

    fn work_troubled(
        &mut self,
        mark: u64,
        kind: FailureKind,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Transition {
        let (purpose, was_known) = (Purpose::Work(mark), self.recent.is_known(mark, now));
        self.calm = 0;
        match weight(kind) {
            Weight::OneOnly => self.answered(purpose, now),
            Weight::Odd => {
                self.recent.odd(mark, now);
                if self.is_proven_trial() {
                    return Transition::None;
                }
                self.doubt(now);
                self.shut_trial(purpose, kind, now)
            }
            Weight::Key => {
                self.recent.bad(Some(mark), now);
                self.shut(purpose, kind, KEY_REFUSED, now)
            }
            Weight::Throttle => {
                if matches!(self.state, BreakerState::Closed) {
                    self.limit = (self.limit / 2).max(1);
                }
                let wait = retry_after.unwrap_or_else(|| self.next_wait());
                self.shut(purpose, kind, wait, now)
            }
            Weight::All => {
                // No reservation was named yet.
                let is_nameless = kind.is_before_any_request();
                self.recent.bad((!is_nameless).then_some(mark), now);
                if let Some(wait) = retry_after {
                    return self.shut(purpose, kind, wait, now);
                }
                // It failed before, and a probe did not: that says nothing of the others.
                if was_known && !is_nameless && self.is_proven_trial() {
                    return Transition::None;
                }
                match self.state {
                    BreakerState::Closed if !self.recent.speak_against_all(now) => Transition::None,
                    BreakerState::Closed
                    | BreakerState::Open { .. }
                    | BreakerState::HalfOpen { .. } => {
                        let wait = self.next_wait();
                        self.shut(purpose, kind, wait, now)
                    }
                }
            }
        }
    }

    pub(super) fn begin_trial(&mut self, proof: Proof, now: Instant) -> Transition {
        if let BreakerState::Open { why, .. } = self.state {
            self.state = BreakerState::HalfOpen {
                since: now,
                why,
                is_taken: false,
                proof,
            };
        }
        Transition::None
    }

    fn is_proven_trial(&self) -> bool {
        matches!(
            self.state,
            BreakerState::HalfOpen {
                proof: Proof::Answered,
                ..
            }
        )
    }

    /// Shuts it again if this was the one that went first.
    fn shut_trial(&mut self, purpose: Purpose, kind: FailureKind, now: Instant) -> Transition {
        match self.state {
            BreakerState::HalfOpen { .. } => {
                let wait = self.next_wait();
                self.shut(purpose, kind, wait, now)
            }
            BreakerState::Closed | BreakerState::Open { .. } => Transition::None,
        }
    }

    /// Asks for a probe before its time when many met something else than OZmap and nobody an OZmap.
    fn doubt(&mut self, now: Instant) {
        if self.recent.is_very_doubtful() && self.doubt_at.is_none() {
            let earliest = self.probed_at.map_or(now, |at| at + DOUBT_EVERY);
            self.doubt_at = Some(earliest.max(now));
        }
    }

    pub(super) fn probed(&mut self, now: Instant) {
        self.doubt_at = None;
        self.probed_at = Some(now);
    }
}
