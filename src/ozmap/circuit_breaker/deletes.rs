//! The breaker over deletions alone: OZmap lets the key read, but answered a DELETE with 403.
//!
//! Pure: the time is an argument. One reservation that may not be deleted must not hold the others
//! back for long.

use std::time::Duration;

use tokio::time::Instant;

use super::backoff::doubled;

/// The most reservations remembered whose deletion was denied.
const DENIED_MAX: usize = 256;

/// How long the first denied deletion holds the others back.
pub(super) const DELETE_DENIED_FIRST: Duration = Duration::from_secs(30);

/// The longest hold. It may be short because each denied cancellation waits longer by itself.
const DELETE_DENIED_MAX: Duration = Duration::from_secs(60);

/// How long the trial is kept for reservations that were not denied: the key may lack the right for
/// some properties only.
pub(super) const DELETE_NEWCOMERS: Duration = Duration::from_secs(10);

/// Whether this denial is the first since a deletion was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    First,
    Repeated,
}

/// Whether deletions are held back.
#[derive(Debug, Default)]
pub(super) struct DeleteBreaker(Option<Denied>);

#[derive(Debug)]
struct Denied {
    until: Instant,
    times: u32,
    reservations: Vec<u64>,
}

impl DeleteBreaker {
    /// Whether a deletion may be tried, or how long to wait. The first caller after the hold is the
    /// trial for all.
    pub(super) fn may_delete(&mut self, reservation: u64, now: Instant) -> Result<(), Duration> {
        let Some(denied) = &mut self.0 else {
            return Ok(());
        };
        let mut until = denied.until;
        if denied.reservations.contains(&reservation) {
            until += DELETE_NEWCOMERS;
        }
        if until > now {
            return Err(until - now);
        }
        denied.until = now + DELETE_DENIED_FIRST;
        Ok(())
    }

    /// The key may not delete this reservation.
    pub(super) fn denied(&mut self, reservation: u64, now: Instant) -> Denial {
        let before = self.0.take();
        let denial = match before {
            None => Denial::First,
            Some(_) => Denial::Repeated,
        };
        let (times, mut reservations) = before.map_or((0, Vec::new()), |denied| {
            (denied.times.saturating_add(1), denied.reservations)
        });
        if reservations.len() < DENIED_MAX && !reservations.contains(&reservation) {
            reservations.push(reservation);
        }
        let wait = doubled(DELETE_DENIED_FIRST, times, DELETE_DENIED_MAX);
        self.0 = Some(Denied {
            until: now + wait,
            times,
            reservations,
        });
        denial
    }

    /// OZmap carried a deletion out or refused it for another reason, or the key changed.
    pub(super) fn reset(&mut self) {
        self.0 = None;
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.is_some()
    }
}
