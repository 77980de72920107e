//! The moments of a cancellation at which a scenario can schedule an event.
//!
//! It only counts and wakes; it must never execute the event itself, which the harness does.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// A moment of any cancellation in any process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    Accepted,
    LookUpSent,
    LookUpAnswered,
    GetSent,
    GetAnswered,
    /// OZmap answered a read of any kind.
    ReadAnswered,
    IntentWritten,
    DeleteSent,
    DeleteAnswered,
    AckWritten,
    DoneWritten,
}

impl Point {
    pub(crate) const ALL: [Self; 11] = [
        Self::Accepted,
        Self::LookUpSent,
        Self::LookUpAnswered,
        Self::GetSent,
        Self::GetAnswered,
        Self::ReadAnswered,
        Self::IntentWritten,
        Self::DeleteSent,
        Self::DeleteAnswered,
        Self::AckWritten,
        Self::DoneWritten,
    ];
}

struct Waiting {
    point: Point,
    left: u64,
    wake: oneshot::Sender<()>,
}

/// The events that wait for a moment.
#[derive(Clone, Default)]
pub(crate) struct Points(Arc<Mutex<Vec<Waiting>>>);

impl Points {
    /// Resolves when the point has been passed `nth` times from now.
    pub(crate) fn wait(&self, point: Point, nth: u64) -> oneshot::Receiver<()> {
        let (wake, woken) = oneshot::channel();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(Waiting {
            point,
            left: nth,
            wake,
        });
        woken
    }

    /// Records that a process passes a point.
    pub(crate) fn pass(&self, point: Point) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for one in waiting.iter_mut().filter(|one| one.point == point) {
            one.left = one.left.saturating_sub(1);
        }
        let (due, rest) = waiting.drain(..).partition(|one| one.left == 0);
        *waiting = rest;
        let due: Vec<Waiting> = due;
        // The harness may be gone by the end of a scenario.
        for one in due {
            let _ = one.wake.send(());
        }
    }
}
