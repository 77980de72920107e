//! When OZmap is left alone: a breaker over all calls, decided by what came back.
//!
//! Pure: the time is given to it. It never decides what a cancellation comes to; it only says who may call, and when.
//! - Troubles that say that OZmap itself is not well (no connection, time-outs, lost connections, 5xx) shut it, for longer
//!   each time. They must be about different reservations and at least half of the recent calls: some that always fail
//!   must not keep OZmap from the others.
//! - A page, a redirect or a 403 is about one reservation, as an answer of an odd shape is; only that one waits. When a
//!   probe meets the same, which asks for no reservation, it is about the address or the key, and shuts it.
//! - A key that is not accepted shuts it at once: more calls could only lock the user out.
//! - While it is shut only a probe may call, one at a time; after a probe that passed, one cancellation goes first.
//! - 429 shuts it for as long as OZmap asks and halves the calls at once; they come back one by one.
//! - A key that may read and not delete stops the deletions alone.

use std::time::Duration;

use tokio::time::Instant;

use super::trouble::FailureKind;

mod recent;
mod troubles;
mod weight;

use recent::Recent;

/// The first time that it is shut; every further one doubles it.
const SHUT_FIRST: Duration = Duration::from_secs(1);

/// The longest that it is shut, so that a backlog is worked on within a minute of OZmap's return.
const SHUT_MAX: Duration = Duration::from_secs(30);

/// How long the others wait while one goes first.
const TRIAL: Duration = Duration::from_secs(1);

/// For how long only those may go first who met no trouble: one that always fails must not keep it shut for the others.
const NEWCOMERS: Duration = Duration::from_secs(3);

/// The most reservations that are known to have been refused a deletion.
const REFUSED_MAX: usize = 256;

/// How long a refused deletion stops the others, the first time.
const DELETE_REFUSED_FIRST: Duration = Duration::from_secs(30);

/// The longest that a refused deletion stops the others. Each waits longer by itself, so that this may stay short: many
/// that may not be deleted must not keep the others waiting for a day.
const DELETE_REFUSED_MAX: Duration = Duration::from_secs(60);

/// For how long only those may try to delete then who were not refused: the right may lack for some properties only.
const DELETE_NEWCOMERS: Duration = Duration::from_secs(10);

/// So many good answers give one of the halved calls at once back.
const CALM: u32 = 8;

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A cancellation or a look-up of the reservation with this mark; the mark tells reservations apart.
    Work(u64),
    /// To find out whether OZmap answers.
    Probe,
}

/// OZmap is left alone for now; nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitOpen {
    /// For how long.
    pub wait: Duration,
    /// What happened.
    pub why: FailureKind,
}

/// What changed, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transition {
    /// Nothing that a person should hear of.
    None,
    /// It was closed and has opened.
    Opened(CircuitOpen),
    /// It was open or half open, and OZmap answers again.
    Closed,
    /// Deletions are refused, reads are not.
    DeletesRefused,
}

#[derive(Debug)]
enum BreakerState {
    Closed,
    Open {
        until: Instant,
        why: FailureKind,
    },
    HalfOpen {
        since: Instant,
        why: FailureKind,
        is_taken: bool,
        proof: Proof,
    },
}

/// What the probe before a trial showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// OZmap answered it.
    Answered,
    /// Somebody is there, or it has been shut for long.
    Presumed,
}

/// The state of the breaker.
#[derive(Debug)]
pub(super) struct Breaker {
    state: BreakerState,
    recent: Recent,
    /// When a probe is due although it is open, because it is doubtful who answers; and when the last one was answered.
    doubt_at: Option<Instant>,
    probed_at: Option<Instant>,
    shuts: u32,
    /// Calls at once, now and at most.
    limit: usize,
    limit_max: usize,
    calm: u32,
    deletes: Option<Refused>,
}

/// Deletions that are refused for want of a right.
#[derive(Debug)]
struct Refused {
    until: Instant,
    times: u32,
    reservations: Vec<u64>,
}

impl Breaker {
    pub(super) fn new(limit_max: usize) -> Self {
        Self {
            state: BreakerState::Closed,
            recent: Recent::default(),
            doubt_at: None,
            probed_at: None,
            shuts: 0,
            limit: limit_max,
            limit_max,
            calm: 0,
            deletes: None,
        }
    }

    /// How many calls may run at once.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether work would be turned away now.
    pub(super) fn turned_away(&self, now: Instant) -> Option<CircuitOpen> {
        match self.state {
            BreakerState::Closed
            | BreakerState::HalfOpen {
                is_taken: false, ..
            } => None,
            BreakerState::Open { until, why } => {
                // When the time is over a probe goes first; that takes a moment.
                let wait = until
                    .saturating_duration_since(now)
                    .max(Duration::from_millis(200));
                Some(CircuitOpen { wait, why })
            }
            BreakerState::HalfOpen {
                why,
                is_taken: true,
                ..
            } => Some(CircuitOpen { wait: TRIAL, why }),
        }
    }

    /// Lets a cancellation or a look-up in; true when it is the one that goes first.
    pub(super) fn enter(&mut self, mark: u64, now: Instant) -> Result<bool, CircuitOpen> {
        if let Some(shut) = self.turned_away(now) {
            return Err(shut);
        }
        let is_known = self.recent.is_known(mark, now);
        match &mut self.state {
            BreakerState::HalfOpen {
                since,
                why,
                is_taken,
                ..
            } => {
                let wait = (*since + NEWCOMERS).saturating_duration_since(now);
                if is_known && !wait.is_zero() {
                    return Err(CircuitOpen { wait, why: *why });
                }
                *is_taken = true;
                Ok(true)
            }
            BreakerState::Closed | BreakerState::Open { .. } => Ok(false),
        }
    }

    /// The one that went first has left without having asked anything.
    pub(super) fn leave_trial(&mut self) {
        if let BreakerState::HalfOpen { is_taken, .. } = &mut self.state {
            *is_taken = false;
        }
    }

    /// Whether it was shut again before anything went well: then it is not about the one that was asked for.
    pub(super) fn is_lasting(&self) -> bool {
        self.shuts > 1
    }

    /// When the next probe is due, if it is shut or doubtful who answers.
    pub(super) fn probe_at(&self) -> Option<Instant> {
        match self.state {
            BreakerState::Open { until, .. } => Some(until),
            BreakerState::Closed => self.doubt_at,
            BreakerState::HalfOpen { .. } => None,
        }
    }

    /// OZmap answered as itself.
    pub(super) fn answered(&mut self, purpose: Purpose, now: Instant) -> Transition {
        if purpose == Purpose::Probe {
            self.probed(now);
            self.recent.proven();
        }
        match (&self.state, purpose) {
            (BreakerState::Open { .. }, Purpose::Probe) => self.begin_trial(Proof::Answered, now),
            // The answer to a question from before; the probe decides.
            (BreakerState::Open { .. }, Purpose::Work(_)) => Transition::None,
            (BreakerState::HalfOpen { .. } | BreakerState::Closed, Purpose::Probe) => {
                Transition::None
            }
            (BreakerState::HalfOpen { .. }, Purpose::Work(mark)) => {
                self.state = BreakerState::Closed;
                self.recent.begin_anew();
                self.recent.good(mark, now);
                self.shuts = 0;
                Transition::Closed
            }
            (BreakerState::Closed, Purpose::Work(mark)) => {
                self.recent.good(mark, now);
                self.doubt_at = None;
                self.calm += 1;
                if self.calm >= CALM {
                    self.calm = 0;
                    self.limit = (self.limit + 1).min(self.limit_max);
                }
                Transition::None
            }
        }
    }

    /// Whether a deletion may be tried; the one who asks when the time is over tries it for all.
    pub(super) fn may_delete(&mut self, mark: u64, now: Instant) -> Result<(), CircuitOpen> {
        let Some(refused) = &mut self.deletes else {
            return Ok(());
        };
        let mut until = refused.until;
        if refused.reservations.contains(&mark) {
            until += DELETE_NEWCOMERS;
        }
        if until > now {
            return Err(CircuitOpen {
                wait: until - now,
                why: FailureKind::Forbidden,
            });
        }
        refused.until = now + DELETE_REFUSED_FIRST;
        Ok(())
    }

    /// The key may not delete this one.
    pub(super) fn delete_refused(&mut self, mark: u64, now: Instant) -> Transition {
        let before = self.deletes.take();
        let change = match before {
            None => Transition::DeletesRefused,
            Some(_) => Transition::None,
        };
        let (times, mut reservations) = before.map_or((0, Vec::new()), |refused| {
            (refused.times.saturating_add(1), refused.reservations)
        });
        if reservations.len() < REFUSED_MAX && !reservations.contains(&mark) {
            reservations.push(mark);
        }
        let wait = doubled(DELETE_REFUSED_FIRST, times, DELETE_REFUSED_MAX);
        self.deletes = Some(Refused {
            until: now + wait,
            times,
            reservations,
        });
        change
    }

    /// A deletion was not refused for want of a right.
    pub(super) fn delete_taken(&mut self) {
        self.deletes = None;
    }

    /// Whether deletions are refused, as far as is known.
    pub(super) fn are_deletes_refused(&self) -> bool {
        self.deletes.is_some()
    }

    /// Another key is shown from now on: that the old one might not delete says nothing about it.
    pub(super) fn key_changed(&mut self) {
        self.deletes = None;
    }

    fn next_wait(&self) -> Duration {
        doubled(SHUT_FIRST, self.shuts, SHUT_MAX)
    }

    fn shut(
        &mut self,
        purpose: Purpose,
        why: FailureKind,
        wait: Duration,
        now: Instant,
    ) -> Transition {
        let until = now + wait;
        let was_open = match (&self.state, purpose) {
            // What was under way when it was shut says nothing new; only a longer wait is believed.
            (BreakerState::Open { until: earlier, .. }, Purpose::Work(_)) => {
                let until = until.max(*earlier);
                self.state = BreakerState::Open { until, why };
                return Transition::None;
            }
            (BreakerState::Closed, _) => true,
            (BreakerState::Open { .. } | BreakerState::HalfOpen { .. }, _) => false,
        };
        self.shuts = self.shuts.saturating_add(1);
        self.state = BreakerState::Open { until, why };
        if was_open {
            Transition::Opened(CircuitOpen { wait, why })
        } else {
            Transition::None
        }
    }
}

fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(most)
}

#[cfg(test)]
mod tests;
