//! A process that a scenario can freeze and kill wherever it calls OZmap or the journal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

/// Whether a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Frozen,
    Dead,
}

/// One process of a scenario.
#[derive(Clone)]
pub(crate) struct Process {
    state: Arc<watch::Sender<State>>,
    panics: Arc<AtomicU64>,
}

impl Process {
    pub(crate) fn new() -> Self {
        Self {
            state: Arc::new(watch::channel(State::Running).0),
            panics: Arc::default(),
        }
    }

    /// Waits until the process runs; for ever if it is dead.
    pub(crate) async fn runs(&self) {
        let mut state = self.state.subscribe();
        // The sender is held by this process.
        drop(state.wait_for(|state| *state == State::Running).await);
    }

    /// Waits until the process is dead.
    pub(crate) async fn dies(&self) {
        let mut state = self.state.subscribe();
        drop(state.wait_for(|state| *state == State::Dead).await);
    }

    pub(crate) fn is_running(&self) -> bool {
        *self.state.borrow() == State::Running
    }

    /// Kills the process: it does nothing any more.
    pub(crate) fn kill(&self) {
        self.state.send_replace(State::Dead);
    }

    /// Freezes the process at its next call.
    pub(crate) fn freeze(&self) {
        self.turn(State::Running, State::Frozen);
    }

    /// Lets a frozen process continue.
    pub(crate) fn thaw(&self) {
        self.turn(State::Frozen, State::Running);
    }

    /// Makes the next `times` calls of OZmap panic.
    pub(crate) fn panic_at(&self, times: u64) {
        self.panics.store(times, Ordering::Relaxed);
    }

    /// Panics if a panic is due.
    pub(crate) fn may_panic(&self) {
        let left = self.panics.load(Ordering::Relaxed);
        if left > 0 {
            self.panics.store(left - 1, Ordering::Relaxed);
            // Unwinds like a panic, without its message on stderr.
            std::panic::resume_unwind(Box::new("simulated"));
        }
    }

    fn turn(&self, from: State, to: State) {
        self.state.send_if_modified(|state| {
            let turns = *state == from;
            if turns {
                *state = to;
            }
            turns
        });
    }
}
