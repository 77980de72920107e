//! Which calls the breaker admits after which responses.

use super::deletes::{DELETE_DENIED_FIRST, DELETE_NEWCOMERS};
use super::*;

const LOST: FailureKind = FailureKind::Lost;

/// Failures of so many different reservations.
fn open_by(breaker: &mut Breaker, failures: u64, now: Instant) -> Transition {
    open_from(breaker, 0, failures, now)
}

/// The same for the reservations from this number on.
fn open_from(breaker: &mut Breaker, first: u64, failures: u64, now: Instant) -> Transition {
    let mut last = Transition::None;
    for reservation in first..first + failures {
        last = breaker.record_failure(Purpose::Work(reservation), LOST, None, now);
    }
    last
}

#[test]
fn four_failures_are_tolerated_and_the_fifth_opens_the_circuit() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    assert_eq!(open_by(&mut breaker, 4, now), Transition::None);
    assert!(breaker.enter(99, now).is_ok());
    assert!(matches!(
        open_from(&mut breaker, 4, 1, now),
        Transition::Opened(_)
    ));
    let open = CircuitOpen {
        wait: OPEN_FIRST,
        why: LOST,
    };
    assert_eq!(breaker.enter(99, now), Err(open));
}

#[test]
fn failures_of_less_than_half_of_the_calls_are_tolerated() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    for round in 0..50 {
        for reservation in 0..6 {
            breaker.answered(Purpose::Work(1_000 + reservation), now);
        }
        open_from(&mut breaker, round * 4, 4, now);
    }
    assert!(breaker.enter(99, now).is_ok());
    // Without further successes the failures concern OZmap itself.
    open_from(&mut breaker, 5_000, 4, now);
    assert!(breaker.enter(99, now).is_err());
}

#[test]
fn reservations_that_always_fail_do_not_open_the_circuit_for_others() {
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
        // After some successes only the failing reservations come back.
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
fn pages_for_many_reservations_cause_an_early_probe_that_decides() {
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
        assert!(breaker.enter(99, now).is_ok(), "not known yet");
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
fn pages_for_some_reservations_concern_only_those_after_a_successful_probe() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    for reservation in 0..5 {
        breaker.record_failure(Purpose::Work(reservation), FailureKind::Html, None, now);
    }
    breaker.answered(Purpose::Probe, now);
    assert_eq!(breaker.probe_at(), None);
    // Early probes are limited.
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
fn a_reservation_that_failed_before_does_not_reopen_the_circuit_after_a_successful_probe() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    open_by(&mut breaker, 5, now);
    breaker.answered(Purpose::Probe, now);
    let later = now + NEWCOMERS;
    assert_eq!(breaker.enter(3, later), Ok(true));
    breaker.record_failure(Purpose::Work(3), LOST, None, later);
    breaker.release_trial();
    assert_eq!(
        breaker.enter(99, later),
        Ok(true),
        "another call is the trial"
    );
    assert_eq!(
        breaker.answered(Purpose::Work(99), later),
        Transition::Closed
    );
    breaker.record_failure(Purpose::Work(3), LOST, None, later);
    assert_eq!(breaker.enter(99, later), Ok(false));
}

#[test]
fn an_unreachable_ozmap_reopens_the_circuit_whichever_call_finds_out() {
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
fn an_unusable_response_for_one_reservation_never_opens_the_circuit() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    for _ in 0..100 {
        breaker.record_failure(Purpose::Work(1), FailureKind::Shape, None, now);
    }
    assert!(breaker.enter(99, now).is_ok());
}

#[test]
fn one_reservation_that_always_fails_does_not_open_the_circuit() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    for _ in 0..100 {
        breaker.record_failure(Purpose::Work(7), LOST, None, now);
    }
    assert!(breaker.enter(99, now).is_ok());
}

#[test]
fn an_unreachable_server_is_not_attributed_to_a_reservation() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    for _ in 0..5 {
        breaker.record_failure(Purpose::Work(7), FailureKind::Connect, None, now);
    }
    assert!(breaker.enter(99, now).is_err());
}

#[test]
fn only_a_probe_half_opens_the_circuit_and_then_one_call_is_the_trial() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    open_by(&mut breaker, 5, now);
    let later = now + OPEN_MAX;
    assert!(
        breaker.enter(99, later).is_err(),
        "time alone closes nothing"
    );
    assert_eq!(breaker.answered(Purpose::Work(1), now), Transition::None);
    assert!(
        breaker.enter(99, later).is_err(),
        "nor a response to an earlier call"
    );
    breaker.answered(Purpose::Probe, now);
    assert_eq!(breaker.enter(99, later), Ok(true));
    assert_eq!(
        breaker.enter(99, later).map_err(|open| open.wait),
        Err(TRIAL)
    );
    assert_eq!(breaker.answered(Purpose::Work(1), now), Transition::Closed);
    assert_eq!(breaker.enter(99, later), Ok(false));
}

#[test]
fn a_trial_without_a_call_passes_to_another_caller() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    open_by(&mut breaker, 5, now);
    breaker.answered(Purpose::Probe, now);
    assert_eq!(breaker.enter(99, now), Ok(true));
    breaker.release_trial();
    assert_eq!(breaker.enter(99, now), Ok(true));
}

#[test]
fn the_circuit_is_open_for_longer_each_time_up_to_half_a_minute() {
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
fn a_failed_trial_reopens_the_circuit_for_longer() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    open_by(&mut breaker, 5, now);
    breaker.answered(Purpose::Probe, now);
    assert_eq!(breaker.enter(99, now), Ok(true));
    open_from(&mut breaker, 99, 1, now);
    let wait = breaker.enter(99, now).map_err(|open| open.wait);
    assert_eq!(wait, Err(OPEN_FIRST * 2));
}

#[test]
fn a_rejected_key_opens_the_circuit_at_once() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    let change = breaker.record_failure(Purpose::Work(1), FailureKind::Unauthorized, None, now);
    let open = CircuitOpen {
        wait: on_failure::KEY_REJECTED_FOR,
        why: FailureKind::Unauthorized,
    };
    assert_eq!(change, Transition::Opened(open));
    assert_eq!(breaker.enter(99, now), Err(open));
}

#[test]
fn rate_limiting_waits_as_long_as_asked_and_halves_the_limit_once() {
    let (mut breaker, now) = (Breaker::new(8), Instant::now());
    let asked = Duration::from_secs(7);
    for _ in 0..4 {
        breaker.record_failure(Purpose::Work(1), FailureKind::RateLimited, Some(asked), now);
    }
    assert_eq!(breaker.limit(), 4);
    assert_eq!(breaker.probe_at(), Some(now + asked));
}

#[test]
fn a_halved_limit_grows_by_one_and_never_falls_below_one() {
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
fn a_denied_deletion_holds_deletions_back_until_one_trial_succeeds() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    assert_eq!(breaker.delete_denied(1, now), Transition::DeletesRefused);
    assert!(breaker.enter(99, now).is_ok(), "reads go on");
    assert!(breaker.may_delete(99, now).is_err());
    let later = now + DELETE_DENIED_FIRST;
    assert!(breaker.may_delete(99, later).is_ok());
    assert!(
        breaker.may_delete(99, later).is_err(),
        "one trial is enough"
    );
    assert_eq!(breaker.delete_denied(1, later), Transition::None);
    let wait = breaker.may_delete(99, later).map_err(|open| open.wait);
    assert_eq!(wait, Err(DELETE_DENIED_FIRST * 2));
    breaker.delete_allowed();
    assert!(breaker.may_delete(99, later).is_ok());
}

#[test]
fn a_reservation_that_failed_is_not_the_trial_while_others_may_be() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    open_by(&mut breaker, 5, now);
    breaker.answered(Purpose::Probe, now);
    let held_back = breaker.enter(3, now).map_err(|open| open.wait);
    assert_eq!(held_back, Err(NEWCOMERS));
    assert_eq!(breaker.enter(99, now), Ok(true));
    breaker.release_trial();
    // No other reservation came.
    assert_eq!(breaker.enter(3, now + NEWCOMERS), Ok(true));
}

#[test]
fn a_denied_reservation_is_not_the_trial_deletion_while_others_may_be() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    breaker.delete_denied(1, now);
    let later = now + DELETE_DENIED_FIRST;
    let held_back = breaker.may_delete(1, later).map_err(|open| open.wait);
    assert_eq!(held_back, Err(DELETE_NEWCOMERS));
    assert!(breaker.may_delete(2, later).is_ok());
    breaker.delete_allowed();
    assert!(breaker.may_delete(1, later).is_ok());
    breaker.delete_denied(1, later);
    let last = later + DELETE_DENIED_FIRST + DELETE_NEWCOMERS;
    assert!(
        breaker.may_delete(1, last).is_ok(),
        "no other reservation came"
    );
}

#[test]
fn an_ozmap_without_the_probe_routes_is_tried_by_one_trial_call() {
    let (mut breaker, now) = (Breaker::new(4), Instant::now());
    open_by(&mut breaker, 5, now);
    breaker.record_failure(Purpose::Probe, FailureKind::Html, None, now);
    assert_eq!(breaker.enter(99, now), Ok(true));
    assert_eq!(breaker.answered(Purpose::Work(1), now), Transition::Closed);
}

#[test]
fn an_ozmap_on_which_every_probe_fails_gets_a_trial_call_in_the_end() {
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
    let wait = breaker.enter(100, now).map_err(|open| open.wait);
    assert_eq!(wait, Err(OPEN_MAX), "the circuit must not close");
}

#[test]
fn failed_probes_alone_never_open_the_circuit() {
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
