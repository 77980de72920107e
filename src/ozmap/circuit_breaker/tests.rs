//! What the breaker lets in after what it heard.

use super::deletes::{DELETE_DENIED_FIRST, DELETE_NEWCOMERS};
use super::*;

const LOST: FailureKind = FailureKind::Lost;

/// Troubles of so many reservations of their own.
fn open_by(breaker: &mut Breaker, troubles: u64, now: Instant) -> Transition {
    open_from(breaker, 0, troubles, now)
}

/// The same, of the reservations from this number on.
fn open_from(breaker: &mut Breaker, first: u64, troubles: u64, now: Instant) -> Transition {
    let mut last = Transition::None;
    for reservation in first..first + troubles {
        last = breaker.record_failure(Purpose::Work(reservation), LOST, None, now);
    }
    last
}

#[test]
fn four_troubles_are_borne_and_the_fifth_shuts() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    assert_eq!(open_by(&mut breaker, 4, now), Transition::None);
    assert!(breaker.enter(99, now).is_ok());
    assert!(matches!(
        open_from(&mut breaker, 4, 1, now),
        Transition::Opened(_)
    ));
    let shut = CircuitOpen {
        wait: OPEN_FIRST,
        why: LOST,
    };
    assert_eq!(breaker.enter(99, now), Err(shut));
}

#[test]
fn troubles_that_are_less_than_half_of_the_calls_are_borne() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    for round in 0..50 {
        for reservation in 0..6 {
            breaker.answered(Purpose::Work(1_000 + reservation), now);
        }
        open_from(&mut breaker, round * 4, 4, now);
    }
    assert!(breaker.enter(99, now).is_ok());
    // As soon as nothing goes well any more, it is about all.
    open_from(&mut breaker, 5_000, 4, now);
    assert!(breaker.enter(99, now).is_err());
}

#[test]
fn those_that_always_fail_keep_nobody_from_ozmap() {
    for kind in [
        LOST,
        FailureKind::Server,
        FailureKind::Timeout,
        FailureKind::Html,
        FailureKind::Redirect,
        FailureKind::Forbidden,
        FailureKind::Shape,
    ] {
        let (mut breaker, mut now) = (Breaker::new(4), Instant::now());
        // Well for a while, some of them fail, and only those come again and again.
        for reservation in 100..120 {
            breaker.answered(Purpose::Work(reservation), now);
        }
        for _ in 0..100 {
            for reservation in 0..10 {
                let before = breaker.enter(99, now).is_ok();
                breaker.record_failure(Purpose::Work(reservation), kind, None, now);
                assert!(before, "{kind:?}");
                if reservation % 2 == 0 {
                    breaker.answered(Purpose::Work(200 + reservation), now);
                }
            }
            breaker.answered(Purpose::Probe, now);
            now += Duration::from_secs(1);
        }
        assert!(breaker.enter(99, now).is_ok(), "{kind:?}");
    }
}

#[test]
fn a_page_for_everybody_asks_for_a_probe_and_the_probe_decides() {
    for (kind, is_about_all) in [
        (FailureKind::Html, true),
        (FailureKind::Redirect, true),
        (FailureKind::Forbidden, true),
        (FailureKind::Server, false),
    ] {
        let (mut breaker, now) = (Breaker::new(4), Instant::now());
        for reservation in 0..5 {
            assert_eq!(breaker.probe_at(), None);
            breaker.record_failure(Purpose::Work(reservation), FailureKind::Html, None, now);
        }
        assert!(breaker.enter(99, now).is_ok(), "it is not known yet");
        assert_eq!(breaker.probe_at(), Some(now));
        let change = breaker.record_failure(Purpose::Probe, kind, None, now);
        assert_eq!(
            matches!(change, Transition::Opened(_)),
            is_about_all,
            "{kind:?}"
        );
        assert_eq!(breaker.enter(99, now).is_err(), is_about_all, "{kind:?}");
    }
}

#[test]
fn pages_for_some_are_about_those_when_a_probe_is_answered() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    for reservation in 0..5 {
        breaker.record_failure(Purpose::Work(reservation), FailureKind::Html, None, now);
    }
    breaker.answered(Purpose::Probe, now);
    assert_eq!(breaker.probe_at(), None);
    // Nor is a probe asked for all the time.
    for reservation in 0..5 {
        breaker.record_failure(Purpose::Work(reservation), FailureKind::Html, None, now);
    }
    assert_eq!(breaker.probe_at(), Some(now + Duration::from_secs(10)));
    breaker.answered(Purpose::Work(7), now);
    assert_eq!(breaker.probe_at(), None);
    assert_eq!(
        breaker.record_failure(Purpose::Probe, FailureKind::Html, None, now),
        Transition::None
    );
    assert!(breaker.enter(99, now).is_ok());
}

#[test]
fn one_that_failed_before_shuts_it_not_again_after_a_probe_that_was_answered() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    open_by(&mut breaker, 5, now);
    breaker.answered(Purpose::Probe, now);
    let later = now + NEWCOMERS;
    assert_eq!(breaker.enter(3, later), Ok(true));
    breaker.record_failure(Purpose::Work(3), LOST, None, later);
    breaker.release_trial();
    assert_eq!(breaker.enter(99, later), Ok(true), "another goes first");
    assert_eq!(
        breaker.answered(Purpose::Work(99), later),
        Transition::Closed
    );
    breaker.record_failure(Purpose::Work(3), LOST, None, later);
    assert_eq!(breaker.enter(99, later), Ok(false));
}

#[test]
fn an_ozmap_that_cannot_be_reached_is_left_alone_again_by_whoever_finds_out() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    open_by(&mut breaker, 5, now);
    breaker.answered(Purpose::Probe, now);
    assert_eq!(breaker.enter(3, now + NEWCOMERS), Ok(true));
    breaker.record_failure(
        Purpose::Work(3),
        FailureKind::Connect,
        None,
        now + NEWCOMERS,
    );
    assert!(breaker.enter(99, now + NEWCOMERS).is_err());
}

#[test]
fn an_answer_that_only_one_cancellation_cannot_use_never_shuts() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    for _ in 0..100 {
        breaker.record_failure(Purpose::Work(1), FailureKind::Shape, None, now);
    }
    assert!(breaker.enter(99, now).is_ok());
}

#[test]
fn one_reservation_that_always_fails_does_not_shut_it_for_the_others() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    for _ in 0..100 {
        breaker.record_failure(Purpose::Work(7), LOST, None, now);
    }
    assert!(breaker.enter(99, now).is_ok());
}

#[test]
fn a_server_that_cannot_be_reached_is_nobody_s_fault() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    for _ in 0..5 {
        breaker.record_failure(Purpose::Work(7), FailureKind::Connect, None, now);
    }
    assert!(breaker.enter(99, now).is_err());
}

#[test]
fn only_a_probe_opens_it_and_then_one_goes_first() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    open_by(&mut breaker, 5, now);
    let later = now + OPEN_MAX;
    assert!(
        breaker.enter(99, later).is_err(),
        "the time alone opens nothing"
    );
    assert_eq!(breaker.answered(Purpose::Work(1), now), Transition::None);
    assert!(
        breaker.enter(99, later).is_err(),
        "nor an answer from before"
    );
    breaker.answered(Purpose::Probe, now);
    assert_eq!(breaker.enter(99, later), Ok(true));
    assert_eq!(
        breaker.enter(99, later).map_err(|shut| shut.wait),
        Err(TRIAL)
    );
    assert_eq!(breaker.answered(Purpose::Work(1), now), Transition::Closed);
    assert_eq!(breaker.enter(99, later), Ok(false));
}

#[test]
fn who_goes_first_and_asks_nothing_leaves_its_place_to_another() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    open_by(&mut breaker, 5, now);
    breaker.answered(Purpose::Probe, now);
    assert_eq!(breaker.enter(99, now), Ok(true));
    breaker.release_trial();
    assert_eq!(breaker.enter(99, now), Ok(true));
}

#[test]
fn it_is_shut_for_longer_each_time_up_to_half_a_minute() {
    let (mut breaker, mut now) = (Breaker::new(4), Instant::now());
    open_by(&mut breaker, 5, now);
    let mut waits = Vec::new();
    for _ in 0..7 {
        let wait = breaker.probe_at().map(|at| at - now).unwrap_or_default();
        waits.push(wait.as_secs());
        now += wait;
        breaker.record_failure(Purpose::Probe, LOST, None, now);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
}

#[test]
fn a_trial_that_fails_shuts_it_again_for_longer() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    open_by(&mut breaker, 5, now);
    breaker.answered(Purpose::Probe, now);
    assert_eq!(breaker.enter(99, now), Ok(true));
    open_from(&mut breaker, 99, 1, now);
    let wait = breaker.enter(99, now).map_err(|shut| shut.wait);
    assert_eq!(wait, Err(OPEN_FIRST * 2));
}

#[test]
fn a_key_that_is_not_accepted_shuts_it_at_once() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    let change = breaker.record_failure(Purpose::Work(1), FailureKind::Unauthorized, None, now);
    let shut = CircuitOpen {
        wait: on_failure::KEY_REJECTED_FOR,
        why: FailureKind::Unauthorized,
    };
    assert_eq!(change, Transition::Opened(shut));
    assert_eq!(breaker.enter(99, now), Err(shut));
}

#[test]
fn throttling_waits_as_long_as_asked_and_halves_the_calls_once() {
    let (mut breaker, now) = (Breaker::new(8), Instant::now());
    let asked = Duration::from_secs(7);
    for _ in 0..4 {
        breaker.record_failure(Purpose::Work(1), FailureKind::RateLimited, Some(asked), now);
    }
    assert_eq!(breaker.limit(), 4);
    assert_eq!(breaker.probe_at(), Some(now + asked));
}

#[test]
fn halved_calls_come_back_one_by_one_and_never_go_below_one() {
    let (mut breaker, now) = (Breaker::new(3), Instant::now());
    for _ in 0..5 {
        breaker.record_failure(Purpose::Work(1), FailureKind::RateLimited, None, now);
        breaker.answered(Purpose::Probe, now);
        breaker.answered(Purpose::Work(1), now);
    }
    assert_eq!(breaker.limit(), 1);
    for _ in 0..SUCCESSES_PER_STEP {
        breaker.answered(Purpose::Work(1), now);
    }
    assert_eq!(breaker.limit(), 2);
    for _ in 0..10 * SUCCESSES_PER_STEP {
        breaker.answered(Purpose::Work(1), now);
    }
    assert_eq!(breaker.limit(), 3);
}

#[test]
fn a_refused_deletion_stops_the_deletions_and_one_tries_for_all() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    assert_eq!(breaker.delete_denied(1, now), Transition::DeletesRefused);
    assert!(breaker.enter(99, now).is_ok(), "reads go on");
    assert!(breaker.may_delete(99, now).is_err());
    let later = now + DELETE_DENIED_FIRST;
    assert!(breaker.may_delete(99, later).is_ok());
    assert!(breaker.may_delete(99, later).is_err(), "one is enough");
    assert_eq!(breaker.delete_denied(1, later), Transition::None);
    let wait = breaker.may_delete(99, later).map_err(|shut| shut.wait);
    assert_eq!(wait, Err(DELETE_DENIED_FIRST * 2));
    breaker.delete_allowed();
    assert!(breaker.may_delete(99, later).is_ok());
}

#[test]
fn who_met_trouble_does_not_go_first_while_others_may() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    open_by(&mut breaker, 5, now);
    breaker.answered(Purpose::Probe, now);
    let kept_back = breaker.enter(3, now).map_err(|shut| shut.wait);
    assert_eq!(kept_back, Err(NEWCOMERS));
    assert_eq!(breaker.enter(99, now), Ok(true));
    breaker.release_trial();
    // Nobody else came.
    assert_eq!(breaker.enter(3, now + NEWCOMERS), Ok(true));
}

#[test]
fn who_was_refused_does_not_try_to_delete_for_all_while_others_may() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    breaker.delete_denied(1, now);
    let later = now + DELETE_DENIED_FIRST;
    let kept_back = breaker.may_delete(1, later).map_err(|shut| shut.wait);
    assert_eq!(kept_back, Err(DELETE_NEWCOMERS));
    assert!(breaker.may_delete(2, later).is_ok());
    breaker.delete_allowed();
    assert!(breaker.may_delete(1, later).is_ok());
    breaker.delete_denied(1, later);
    let last = later + DELETE_DENIED_FIRST + DELETE_NEWCOMERS;
    assert!(breaker.may_delete(1, last).is_ok(), "nobody else came");
}

#[test]
fn an_ozmap_without_the_routes_of_a_probe_is_found_out_about_by_one_that_goes_first() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    open_by(&mut breaker, 5, now);
    breaker.record_failure(Purpose::Probe, FailureKind::Html, None, now);
    assert_eq!(breaker.enter(99, now), Ok(true));
    assert_eq!(breaker.answered(Purpose::Work(1), now), Transition::Closed);
}

#[test]
fn an_ozmap_on_which_every_probe_fails_is_found_out_about_in_the_end() {
    let (mut breaker, mut now) = (Breaker::new(4), Instant::now());
    open_by(&mut breaker, 5, now);
    let mut probes = 0;
    while breaker.enter(99, now).is_err() && probes < 100 {
        probes += 1;
        now += OPEN_MAX;
        breaker.record_failure(Purpose::Probe, FailureKind::Server, None, now);
    }
    assert_eq!(probes, 8);
    breaker.record_failure(Purpose::Work(99), FailureKind::Server, None, now);
    let wait = breaker.enter(100, now).map_err(|shut| shut.wait);
    assert_eq!(wait, Err(OPEN_MAX), "nor does it go on as if it were well");
}

#[test]
fn probes_alone_never_shut_it() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    for kind in [
        FailureKind::Html,
        LOST,
        FailureKind::Unauthorized,
        FailureKind::Connect,
    ] {
        for _ in 0..10 {
            breaker.record_failure(Purpose::Probe, kind, None, now);
        }
    }
    assert_eq!(breaker.enter(99, now), Ok(false));
}
