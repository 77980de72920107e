//! The callers in this process that wait for the outcome of a cancellation.
//!
//! Waiting changes nothing: a caller that leaves is forgotten, and the cancellation goes on.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::domain::OpId;
use crate::journal::Record;

type Completed = Option<Record>;

/// The waiting callers, by cancellation.
#[derive(Default)]
pub(super) struct Waiters(Mutex<HashMap<OpId, watch::Sender<Completed>>>);

/// The subscription of one caller; dropping it unsubscribes.
pub(super) struct Subscription<'a> {
    waiters: &'a Waiters,
    op: OpId,
    completed: watch::Receiver<Completed>,
}

impl Waiters {
    /// Subscribes to the outcome of a cancellation. Subscribe before reading the record, so that no
    /// outcome is missed.
    pub(super) fn subscribe(&self, op: OpId) -> Subscription<'_> {
        let completed = self
            .lock()
            .entry(op)
            .or_insert_with(|| watch::channel(None).0)
            .subscribe();
        Subscription {
            waiters: self,
            op,
            completed,
        }
    }

    /// Whether no caller waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Passes a completed record on to the callers that wait for it.
    pub(super) fn completed(&self, record: &Record) {
        if let Some(sender) = self.lock().get(&record.id) {
            sender.send_replace(Some(record.clone()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OpId, watch::Sender<Completed>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription<'_> {
    /// Waits for the completed record; `None` when the sender is gone.
    pub(super) async fn completed(&mut self) -> Option<Record> {
        let completed = self.completed.wait_for(Option::is_some).await.ok()?;
        completed.clone()
    }
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        let mut waiting = self.waiters.lock();
        // This receiver is still counted.
        if waiting
            .get(&self.op)
            .is_some_and(|sender| sender.receiver_count() <= 1)
        {
            waiting.remove(&self.op);
        }
    }
}
