//! When OZmap is left alone: a breaker over all calls, decided by what came back.
//!
//! Pure: the time is given to it. It never decides what a cancellation comes to; it only says who may call, and when.
//! - Troubles in a row that say that OZmap itself is not well shut it, for longer each time. They must be about
//!   different reservations: one that always fails must not keep OZmap from the others.
//! - A key that is not accepted shuts it at once: more calls could only lock the user out.
//! - While it is shut only a probe may call, one at a time; after a probe that passed, one cancellation goes first.
//! - 429 shuts it for as long as OZmap asks and halves the calls at once; they come back one by one.
//! - A key that may read and not delete stops the deletions alone.

use std::time::Duration;

use tokio::time::Instant;

use super::trouble::Trouble;

/// So many troubles in a row are not about one cancellation any more.
const TROUBLES_MAX: usize = 5;

/// The first time that it is shut; every further one doubles it.
const SHUT_FIRST: Duration = Duration::from_secs(1);

/// The longest that it is shut, so that a backlog is worked on within a minute of OZmap's return.
const SHUT_MAX: Duration = Duration::from_secs(30);

/// How long a key that was refused is not shown again.
const KEY_REFUSED: Duration = Duration::from_secs(30);

/// How long the others wait while one goes first.
const TRIAL: Duration = Duration::from_secs(1);

/// How long a refused deletion stops the others, the first time.
const DELETE_REFUSED_FIRST: Duration = Duration::from_secs(30);

/// The longest that a refused deletion stops the others.
const DELETE_REFUSED_MAX: Duration = Duration::from_secs(900);

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
pub struct Shut {
    /// For how long.
    pub wait: Duration,
    /// What happened.
    pub why: Trouble,
}

/// What changed, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing that a person should hear of.
    None,
    /// It was open and is shut.
    Shut(Shut),
    /// It was shut, and OZmap does its work again.
    Open,
    /// Deletions are refused, reads are not.
    DeletesRefused,
}

#[derive(Debug)]
enum Door {
    Open,
    Shut { until: Instant, why: Trouble },
    Trial { why: Trouble, is_taken: bool },
}

/// The state of the breaker.
#[derive(Debug)]
pub(super) struct Breaker {
    door: Door,
    /// The reservations that met troubles since the last good answer; a trouble that none is to blame for has its own.
    troubled: Vec<Option<u64>>,
    shuts: u32,
    /// Calls at once, now and at most.
    limit: usize,
    limit_max: usize,
    calm: u32,
    deletes: Option<Refused>,
}

/// Deletions that are refused for want of a right.
#[derive(Clone, Copy, Debug)]
struct Refused {
    until: Instant,
    times: u32,
}

impl Breaker {
    pub(super) fn new(limit_max: usize) -> Self {
        Self {
            door: Door::Open,
            troubled: Vec::new(),
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
    pub(super) fn turned_away(&self, now: Instant) -> Option<Shut> {
        match self.door {
            Door::Open
            | Door::Trial {
                is_taken: false, ..
            } => None,
            Door::Shut { until, why } => {
                // When the time is over a probe goes first; that takes a moment.
                let wait = until
                    .saturating_duration_since(now)
                    .max(Duration::from_millis(200));
                Some(Shut { wait, why })
            }
            Door::Trial {
                why,
                is_taken: true,
            } => Some(Shut { wait: TRIAL, why }),
        }
    }

    /// Lets a cancellation or a look-up in; true when it is the one that goes first.
    pub(super) fn enter(&mut self, now: Instant) -> Result<bool, Shut> {
        if let Some(shut) = self.turned_away(now) {
            return Err(shut);
        }
        match &mut self.door {
            Door::Trial { is_taken, .. } => {
                *is_taken = true;
                Ok(true)
            }
            Door::Open | Door::Shut { .. } => Ok(false),
        }
    }

    /// The one that went first has left without having asked anything.
    pub(super) fn leave_trial(&mut self) {
        if let Door::Trial { is_taken, .. } = &mut self.door {
            *is_taken = false;
        }
    }

    /// When the next probe is due, if it is shut.
    pub(super) fn probe_at(&self) -> Option<Instant> {
        match self.door {
            Door::Shut { until, .. } => Some(until),
            Door::Open | Door::Trial { .. } => None,
        }
    }

    /// OZmap answered as itself.
    pub(super) fn answered(&mut self, purpose: Purpose) -> Change {
        match (&self.door, purpose) {
            (Door::Shut { why, .. }, Purpose::Probe) => {
                self.door = Door::Trial {
                    why: *why,
                    is_taken: false,
                };
                Change::None
            }
            // The answer to a question from before; the probe decides.
            (Door::Shut { .. }, Purpose::Work(_)) => Change::None,
            (Door::Trial { .. } | Door::Open, Purpose::Probe) => Change::None,
            (Door::Trial { .. }, Purpose::Work(_)) => {
                self.door = Door::Open;
                self.troubled.clear();
                self.shuts = 0;
                Change::Open
            }
            (Door::Open, Purpose::Work(_)) => {
                self.troubled.clear();
                self.calm += 1;
                if self.calm >= CALM {
                    self.calm = 0;
                    self.limit = (self.limit + 1).min(self.limit_max);
                }
                Change::None
            }
        }
    }

    /// A call gave no usable answer.
    pub(super) fn troubled(
        &mut self,
        purpose: Purpose,
        trouble: Trouble,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Change {
        // While it is open a probe is for the health page alone: nobody is kept waiting because of a question that no
        // customer asked.
        if purpose == Purpose::Probe && !matches!(self.door, Door::Shut { .. }) {
            return Change::None;
        }
        self.calm = 0;
        match weight(trouble) {
            Weight::OneOnly => self.answered(purpose),
            // Somebody is there. Whether it is an OZmap without the routes of a probe, or something else, only a
            // cancellation can find out; it goes alone.
            Weight::All if purpose == Purpose::Probe && is_an_answer(trouble) => {
                self.answered(purpose)
            }
            Weight::Key => self.shut(purpose, trouble, KEY_REFUSED, now),
            Weight::Throttle => {
                if matches!(self.door, Door::Open) {
                    self.limit = (self.limit / 2).max(1);
                }
                let wait = retry_after.unwrap_or_else(|| self.next_wait());
                self.shut(purpose, trouble, wait, now)
            }
            Weight::All => {
                self.blame(purpose, trouble);
                let has_gone_first = !matches!(self.door, Door::Open);
                match retry_after {
                    Some(wait) => self.shut(purpose, trouble, wait, now),
                    None if has_gone_first || self.troubled.len() >= TROUBLES_MAX => {
                        let wait = self.next_wait();
                        self.shut(purpose, trouble, wait, now)
                    }
                    None => Change::None,
                }
            }
        }
    }

    /// Whether a deletion may be tried; the one who asks when the time is over tries it for all.
    pub(super) fn may_delete(&mut self, now: Instant) -> Result<(), Shut> {
        match &mut self.deletes {
            None => Ok(()),
            Some(refused) if refused.until > now => Err(Shut {
                wait: refused.until - now,
                why: Trouble::Forbidden,
            }),
            Some(refused) => {
                refused.until = now + DELETE_REFUSED_FIRST;
                Ok(())
            }
        }
    }

    /// The key may not delete.
    pub(super) fn delete_refused(&mut self, now: Instant) -> Change {
        let times = self.deletes.map_or(0, |refused| refused.times + 1);
        let wait = doubled(DELETE_REFUSED_FIRST, times, DELETE_REFUSED_MAX);
        let until = now + wait;
        match self.deletes.replace(Refused { until, times }) {
            None => Change::DeletesRefused,
            Some(_) => Change::None,
        }
    }

    /// A deletion was not refused for want of a right.
    pub(super) fn delete_taken(&mut self) {
        self.deletes = None;
    }

    /// Whether deletions are refused, as far as is known.
    pub(super) fn are_deletes_refused(&self) -> bool {
        self.deletes.is_some()
    }

    fn blame(&mut self, purpose: Purpose, trouble: Trouble) {
        let mark = match (purpose, trouble) {
            // No reservation was named yet.
            (_, Trouble::Connect | Trouble::Tls) | (Purpose::Probe, _) => None,
            (Purpose::Work(mark), _) => Some(mark),
        };
        if self.troubled.len() < TROUBLES_MAX && (mark.is_none() || !self.troubled.contains(&mark))
        {
            self.troubled.push(mark);
        }
    }

    fn next_wait(&self) -> Duration {
        doubled(SHUT_FIRST, self.shuts, SHUT_MAX)
    }

    fn shut(&mut self, purpose: Purpose, why: Trouble, wait: Duration, now: Instant) -> Change {
        let until = now + wait;
        let was_open = match (&self.door, purpose) {
            // What was under way when it was shut says nothing new; only a longer wait is believed.
            (Door::Shut { until: earlier, .. }, Purpose::Work(_)) => {
                let until = until.max(*earlier);
                self.door = Door::Shut { until, why };
                return Change::None;
            }
            (Door::Open, _) => true,
            (Door::Shut { .. } | Door::Trial { .. }, _) => false,
        };
        self.shuts = self.shuts.saturating_add(1);
        self.door = Door::Shut { until, why };
        if was_open {
            Change::Shut(Shut { wait, why })
        } else {
            Change::None
        }
    }
}

/// What a trouble says about the calls to come.
enum Weight {
    /// It is about this one answer; OZmap is there.
    OneOnly,
    /// It would meet the next call too.
    All,
    /// OZmap asks for fewer.
    Throttle,
    /// Nothing will be answered until a person does something.
    Key,
}

fn weight(trouble: Trouble) -> Weight {
    match trouble {
        Trouble::Connect
        | Trouble::Tls
        | Trouble::Timeout
        | Trouble::Lost
        | Trouble::Server
        | Trouble::Redirect
        | Trouble::Html
        | Trouble::Forbidden => Weight::All,
        Trouble::Throttled => Weight::Throttle,
        Trouble::Unauthorized => Weight::Key,
        Trouble::Shape | Trouble::Size | Trouble::Status | Trouble::Stale => Weight::OneOnly,
    }
}

/// Whether something came back at all.
fn is_an_answer(trouble: Trouble) -> bool {
    match trouble {
        Trouble::Html | Trouble::Forbidden | Trouble::Redirect => true,
        Trouble::Connect
        | Trouble::Tls
        | Trouble::Timeout
        | Trouble::Lost
        | Trouble::Unauthorized
        | Trouble::Throttled
        | Trouble::Server
        | Trouble::Shape
        | Trouble::Size
        | Trouble::Status
        | Trouble::Stale => false,
    }
}

fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOST: Trouble = Trouble::Lost;

    fn shut_by(breaker: &mut Breaker, troubles: u64, now: Instant) -> Change {
        let mut last = Change::None;
        let first = breaker.troubled.len() as u64;
        for mark in first..first + troubles {
            last = breaker.troubled(Purpose::Work(mark), LOST, None, now);
        }
        last
    }

    #[test]
    fn four_troubles_in_a_row_are_borne_and_the_fifth_shuts() {
        let (mut breaker, now) = (Breaker::new(4), Instant::now());
        assert_eq!(shut_by(&mut breaker, 4, now), Change::None);
        assert!(breaker.enter(now).is_ok());
        assert!(matches!(shut_by(&mut breaker, 1, now), Change::Shut(_)));
        let shut = Shut {
            wait: SHUT_FIRST,
            why: LOST,
        };
        assert_eq!(breaker.enter(now), Err(shut));
    }

    #[test]
    fn a_good_answer_between_them_begins_the_count_anew() {
        let (mut breaker, now) = (Breaker::new(4), Instant::now());
        for _ in 0..10 {
            shut_by(&mut breaker, 4, now);
            breaker.answered(Purpose::Work(1));
        }
        assert!(breaker.enter(now).is_ok());
    }

    #[test]
    fn an_answer_that_only_one_cancellation_cannot_use_never_shuts() {
        let (mut breaker, now) = (Breaker::new(4), Instant::now());
        for _ in 0..100 {
            breaker.troubled(Purpose::Work(1), Trouble::Shape, None, now);
        }
        assert!(breaker.enter(now).is_ok());
    }

    #[test]
    fn one_reservation_that_always_fails_does_not_shut_it_for_the_others() {
        let (mut breaker, now) = (Breaker::new(4), Instant::now());
        for _ in 0..100 {
            breaker.troubled(Purpose::Work(7), LOST, None, now);
        }
        assert!(breaker.enter(now).is_ok());
    }

    #[test]
    fn a_server_that_cannot_be_reached_is_nobody_s_fault() {
        let (mut breaker, now) = (Breaker::new(4), Instant::now());
        for _ in 0..5 {
            breaker.troubled(Purpose::Work(7), Trouble::Connect, None, now);
        }
        assert!(breaker.enter(now).is_err());
    }

    #[test]
    fn only_a_probe_opens_it_and_then_one_goes_first() {
        let (mut breaker, now) = (Breaker::new(4), Instant::now());
        shut_by(&mut breaker, 5, now);
        let later = now + SHUT_MAX;
        assert!(
            breaker.enter(later).is_err(),
            "the time alone opens nothing"
        );
        assert_eq!(breaker.answered(Purpose::Work(1)), Change::None);
        assert!(breaker.enter(later).is_err(), "nor an answer from before");
        breaker.answered(Purpose::Probe);
        assert_eq!(breaker.enter(later), Ok(true));
        assert_eq!(breaker.enter(later).map_err(|shut| shut.wait), Err(TRIAL));
        assert_eq!(breaker.answered(Purpose::Work(1)), Change::Open);
        assert_eq!(breaker.enter(later), Ok(false));
    }

    #[test]
    fn an_ozmap_without_the_routes_of_a_probe_is_found_out_about_by_one_that_goes_first() {
        let (mut breaker, now) = (Breaker::new(4), Instant::now());
        shut_by(&mut breaker, 5, now);
        breaker.troubled(Purpose::Probe, Trouble::Html, None, now);
        assert_eq!(breaker.enter(now), Ok(true));
        assert_eq!(breaker.answered(Purpose::Work(1)), Change::Open);
    }

    #[test]
    fn probes_alone_never_shut_it() {
        let (mut breaker, now) = (Breaker::new(4), Instant::now());
        for trouble in [Trouble::Html, LOST, Trouble::Unauthorized, Trouble::Connect] {
            for _ in 0..10 {
                breaker.troubled(Purpose::Probe, trouble, None, now);
            }
        }
        assert_eq!(breaker.enter(now), Ok(false));
    }

    #[test]
    fn who_goes_first_and_asks_nothing_leaves_its_place_to_another() {
        let (mut breaker, now) = (Breaker::new(4), Instant::now());
        shut_by(&mut breaker, 5, now);
        breaker.answered(Purpose::Probe);
        assert_eq!(breaker.enter(now), Ok(true));
        breaker.leave_trial();
        assert_eq!(breaker.enter(now), Ok(true));
    }

    #[test]
    fn it_is_shut_for_longer_each_time_up_to_half_a_minute() {
        let (mut breaker, mut now) = (Breaker::new(4), Instant::now());
        shut_by(&mut breaker, 5, now);
        let mut waits = Vec::new();
        for _ in 0..7 {
            let wait = breaker.probe_at().map(|at| at - now).unwrap_or_default();
            waits.push(wait.as_secs());
            now += wait;
            breaker.troubled(Purpose::Probe, LOST, None, now);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn a_trial_that_fails_shuts_it_again_for_longer() {
        let (mut breaker, now) = (Breaker::new(4), Instant::now());
        shut_by(&mut breaker, 5, now);
        breaker.answered(Purpose::Probe);
        assert_eq!(breaker.enter(now), Ok(true));
        shut_by(&mut breaker, 1, now);
        let wait = breaker.enter(now).map_err(|shut| shut.wait);
        assert_eq!(wait, Err(SHUT_FIRST * 2));
    }

    #[test]
    fn a_key_that_is_not_accepted_shuts_it_at_once() {
        let (mut breaker, now) = (Breaker::new(4), Instant::now());
        let change = breaker.troubled(Purpose::Work(1), Trouble::Unauthorized, None, now);
        let shut = Shut {
            wait: KEY_REFUSED,
            why: Trouble::Unauthorized,
        };
        assert_eq!(change, Change::Shut(shut));
        assert_eq!(breaker.enter(now), Err(shut));
    }

    #[test]
    fn throttling_waits_as_long_as_asked_and_halves_the_calls_once() {
        let (mut breaker, now) = (Breaker::new(8), Instant::now());
        let asked = Duration::from_secs(7);
        for _ in 0..4 {
            breaker.troubled(Purpose::Work(1), Trouble::Throttled, Some(asked), now);
        }
        assert_eq!(breaker.limit(), 4);
        assert_eq!(breaker.probe_at(), Some(now + asked));
    }

    #[test]
    fn halved_calls_come_back_one_by_one_and_never_go_below_one() {
        let (mut breaker, now) = (Breaker::new(3), Instant::now());
        for _ in 0..5 {
            breaker.troubled(Purpose::Work(1), Trouble::Throttled, None, now);
            breaker.answered(Purpose::Probe);
            breaker.answered(Purpose::Work(1));
        }
        assert_eq!(breaker.limit(), 1);
        for _ in 0..CALM {
            breaker.answered(Purpose::Work(1));
        }
        assert_eq!(breaker.limit(), 2);
        for _ in 0..10 * CALM {
            breaker.answered(Purpose::Work(1));
        }
        assert_eq!(breaker.limit(), 3);
    }

    #[test]
    fn a_refused_deletion_stops_the_deletions_and_one_tries_for_all() {
        let (mut breaker, now) = (Breaker::new(4), Instant::now());
        assert_eq!(breaker.delete_refused(now), Change::DeletesRefused);
        assert!(breaker.enter(now).is_ok(), "reads go on");
        assert!(breaker.may_delete(now).is_err());
        let later = now + DELETE_REFUSED_FIRST;
        assert!(breaker.may_delete(later).is_ok());
        assert!(breaker.may_delete(later).is_err(), "one is enough");
        assert_eq!(breaker.delete_refused(later), Change::None);
        let wait = breaker.may_delete(later).map_err(|shut| shut.wait);
        assert_eq!(wait, Err(DELETE_REFUSED_FIRST * 2));
        breaker.delete_taken();
        assert!(breaker.may_delete(later).is_ok());
    }
}
