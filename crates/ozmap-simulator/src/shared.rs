//! What every connection shares: the state behind one lock, and the means to wait and to stop.
//!
//! Responsible for the one place where time is spent with nothing locked. It must never hold the
//! lock across an await.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::documents::Moment;
use super::options::{Key, Options};
use super::plan::Plan;
use super::quirks::Quirks;
use super::records::Records;
use super::reservation::Refusal;
use super::seed;
use super::state::World;

/// Everything that changes.
#[derive(Debug)]
pub(super) struct State {
    pub(super) world: World,
    pub(super) plan: Plan,
    pub(super) quirks: Quirks,
    pub(super) records: Records,
    /// Tokens issued by logins, and the key behind each.
    pub(super) tokens: BTreeMap<String, Key>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) released: Notify,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
    began: Moment,
    state: Mutex<State>,
}

/// The simulator is stopping.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopped;

impl Shared {
    pub(super) fn new(options: Options) -> Result<Shared, Refusal> {
        let state = State {
            world: seed::world()?,
            plan: Plan::new(options.faults.clone()),
            quirks: options.quirks.clone(),
            records: Records::default(),
            tokens: BTreeMap::new(),
        };
        Ok(Shared {
            options,
            released: Notify::new(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            began: Moment::now(),
            state: Mutex::new(state),
        })
    }

    /// What time it is at the simulated provider.
    pub(super) fn now(&self) -> Moment {
        self.began.passed()
    }

    /// The state; a panic elsewhere does not make it unreadable.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seeds the world again with ids that were never used, and drops faults, tokens and records.
    pub(super) fn reset(&self) -> Result<(), Refusal> {
        let mut state = self.state();
        state.world = seed::world_after(state.world.ids.clone())?;
        state.plan.clear();
        state.quirks = self.options.quirks.clone();
        state.tokens.clear();
        state.records.clear();
        Ok(())
    }

    pub(super) async fn pause(&self, pause: Duration) -> Result<(), Stopped> {
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            () = self.stop.cancelled() => Err(Stopped),
        }
    }
}
