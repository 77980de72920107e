//! Backoff: how long a worker waits before it calls OZmap again about one cancellation.
//!
//! Full jitter: cancellations that failed together must not come back together.

use std::time::Duration;

use super::context::Context;
use super::jitter::Jitter;
use super::step::{Step, WorkerState};
use crate::journal::LeasedRecord;
use crate::ozmap::{self, CircuitOpen, FailureKind};

/// The upper bound of the first wait.
const FIRST_MS: u64 = 500;

/// The upper bound of every wait.
const LONGEST_MS: u64 = 5 * 60 * 1000;

/// The lower bound of every wait.
const SHORTEST_MS: u64 = 100;

/// How long a cancellation waits whose reservation the key may not see.
const FORBIDDEN: Duration = Duration::from_secs(30);

/// The longest wait after a denied deletion. `DELETES_MAX` of them last longer than a day.
const DELETE_DENIED_MAX: Duration = Duration::from_secs(2 * 3_600);

/// How far apart the cancellations come back that the circuit breaker rejected together.
const SPREAD_MS: u64 = 1_000;

/// Backs off after a failed read.
pub(super) fn after_failed_read(
    context: &Context,
    error: &ozmap::Error,
    leased: &LeasedRecord,
    state: &mut WorkerState,
) -> Step {
    state.failed_reads += 1;
    let step = wait_after(context, error, leased, state);
    let retry_in_ms = match &step {
        Step::Wait(pause, _) | Step::Hold(pause, _) => {
            u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)
        }
        Step::Continue | Step::Finished | Step::Park => 0,
    };
    let what = if error.kind == FailureKind::RateLimited {
        "rate limited by OZmap"
    } else {
        "no usable response from OZmap"
    };
    tracing::warn!(
        op = %leased.record.id, failures = state.failed_reads, failure = error.kind.id(), retry_in_ms,
        "{what}: {error}; retrying in {retry_in_ms} ms"
    );
    step
}

fn wait_after(
    context: &Context,
    error: &ozmap::Error,
    leased: &LeasedRecord,
    state: &WorkerState,
) -> Step {
    // A server that cannot be reached says nothing about this cancellation, however often it was
    // tried before.
    let attempts = if error.kind.is_before_any_request() {
        state.failed_reads
    } else {
        leased.record.attempts.max(state.failed_reads)
    };
    let backoff = jittered(context, attempts);
    if let Some(open) = context.ozmap.circuit_open() {
        if context.ozmap.is_down() {
            return circuit_open(context, open);
        }
        // OZmap was healthy before this call, so this reservation may be the cause. One that always
        // fails must come back more and more rarely, or it would keep the circuit open for all
        // others.
        let wait = open.wait + context.jitter.ms(0..=SPREAD_MS);
        return Step::Wait(wait.max(backoff), open.why.reason());
    }
    let wait = match (error.retry_after, error.kind) {
        (Some(retry_after), _) => retry_after,
        (None, FailureKind::Forbidden) => FORBIDDEN,
        (None, _) => backoff,
    };
    Step::Wait(wait, error.kind.reason())
}

/// The circuit breaker rejected the call: nothing was sent, and it counts as no attempt.
pub(super) fn circuit_open(context: &Context, open: CircuitOpen) -> Step {
    Step::Hold(
        open.wait + context.jitter.ms(0..=SPREAD_MS),
        open.why.reason(),
    )
}

/// The reading is too old for a deletion, or older than a recheck: backs off before the next
/// lookup.
pub(super) fn stale_reading(
    context: &Context,
    leased: &LeasedRecord,
    state: &mut WorkerState,
) -> Step {
    state.stale_reads += 1;
    let attempts = leased.record.attempts.max(state.stale_reads);
    let wait = jittered(context, attempts);
    tracing::warn!(
        op = %leased.record.id, lookup_ms = context.ozmap.lookup_ms(),
        guard_age_ms_max = context.ozmap.guard_age_ms(),
        "stale reading: what OZmap showed is too old to delete on; retrying in {} ms", wait.as_millis()
    );
    Step::Wait(wait, FailureKind::Stale.reason())
}

/// The recheck by id and the lookup by code disagree: waits longer each time, although no call
/// failed.
pub(super) fn disagreement(
    context: &Context,
    wait: Step,
    leased: &LeasedRecord,
    state: &mut WorkerState,
) -> Step {
    state.disagreements += 1;
    let backoff = jittered(context, leased.record.attempts.max(state.disagreements));
    match wait {
        Step::Wait(pause, why) => Step::Wait(pause.max(backoff), why),
        step @ (Step::Continue | Step::Hold(..) | Step::Finished | Step::Park) => step,
    }
}

/// A random wait below a bound that doubles with every attempt.
pub(super) fn jittered(context: &Context, attempts: i64) -> Duration {
    full_jitter(&context.jitter, attempts)
}

/// How long a cancellation waits whose deletion OZmap denied so often. Other cancellations do not
/// wait that long.
pub(super) fn delete_denied(times: i64) -> Duration {
    let doublings = u32::try_from((times - 1).clamp(0, 10)).unwrap_or(0);
    FORBIDDEN
        .saturating_mul(1 << doublings)
        .min(DELETE_DENIED_MAX)
}

fn full_jitter(jitter: &Jitter, attempts: i64) -> Duration {
    jitter.ms(SHORTEST_MS..=bound_ms(attempts))
}

fn bound_ms(attempts: i64) -> u64 {
    let doublings = u32::try_from(attempts.clamp(0, 20)).unwrap_or(0);
    FIRST_MS.saturating_mul(1 << doublings).min(LONGEST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_from_half_a_second_to_five_minutes() {
        let bounds: Vec<u64> = [0, 1, 2, 9, 10, 1_000_000, i64::MAX].map(bound_ms).to_vec();
        assert_eq!(
            bounds,
            [500, 1_000, 2_000, 256_000, 300_000, 300_000, 300_000]
        );
        assert_eq!(bound_ms(-1), 500);
    }

    #[test]
    fn a_denied_deletion_waits_longer_each_time_and_all_waits_together_more_than_a_day() {
        let waits = [0, 1, 2, 3, 100].map(|times| delete_denied(times).as_secs());
        assert_eq!(waits, [30, 30, 60, 120, 7_200]);
        let all: Duration = (1..=20).map(delete_denied).sum();
        assert!(all >= Duration::from_secs(24 * 3_600), "{all:?}");
    }

    #[test]
    fn a_wait_is_within_its_bounds() {
        let jitter = Jitter::random();
        for attempts in 0..30 {
            let wait = full_jitter(&jitter, attempts);
            assert!(
                wait >= Duration::from_millis(SHORTEST_MS)
                    && wait <= Duration::from_millis(bound_ms(attempts))
            );
        }
    }
}
