//! Who waits for which cancellation in this process.
//!
//! Waiting changes nothing: a waiter that leaves is forgotten, and the cancellation goes on.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::domain::OpId;
use crate::journal::Record;

type Ended = Option<Record>;

/// The waiters, by cancellation.
#[derive(Default)]
pub(super) struct Watchers(Mutex<HashMap<OpId, watch::Sender<Ended>>>);

/// A place to wait; giving it up frees it.
pub(super) struct Watch<'a> {
    watchers: &'a Watchers,
    op: OpId,
    ended: watch::Receiver<Ended>,
}

impl Watchers {
    /// A place to wait for the end of a cancellation. Take it before reading the record, so that no end is missed.
    pub(super) fn watch(&self, op: OpId) -> Watch<'_> {
        let ended = self
            .lock()
            .entry(op)
            .or_insert_with(|| watch::channel(None).0)
            .subscribe();
        Watch {
            watchers: self,
            op,
            ended,
        }
    }

    /// Whether nobody waits for anything.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Tells everybody who waits that it ended.
    pub(super) fn ended(&self, record: &Record) {
        if let Some(sender) = self.lock().get(&record.id) {
            sender.send_replace(Some(record.clone()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OpId, watch::Sender<Ended>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch<'_> {
    /// Waits for the end; `None` when nobody will tell.
    pub(super) async fn ended(&mut self) -> Option<Record> {
        let ended = self.ended.wait_for(Option::is_some).await.ok()?;
        ended.clone()
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut waiting = self.watchers.lock();
        // This receiver is still counted.
        if waiting
            .get(&self.op)
            .is_some_and(|sender| sender.receiver_count() <= 1)
        {
            waiting.remove(&self.op);
        }
    }
}
