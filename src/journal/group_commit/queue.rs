//! The operations that wait to be written, and which of them go into one batch.

use std::collections::VecDeque;

use super::operation::{Batch, Batching, Operation};
use crate::journal::store::Sharing;

/// The most operations in one commit; more wait for the next.
const BATCH_MAX: usize = 128;

/// The waiting operations, in their order.
#[derive(Default)]
pub(super) struct Waiting {
    in_company: VecDeque<Box<dyn Operation>>,
    alone: VecDeque<Box<dyn Operation>>,
    was_alone: bool,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.in_company.is_empty() && self.alone.is_empty()
    }

    pub(super) fn take(&mut self, operation: Box<dyn Operation>) {
        match operation.batching() {
            Batching::Shared => self.in_company.push_back(operation),
            Batching::Exclusive => self.alone.push_back(operation),
        }
    }

    pub(super) fn all(&mut self) -> Batch {
        self.in_company
            .drain(..)
            .chain(self.alone.drain(..))
            .collect()
    }

    /// The next batch. On a shared journal, operations that run alone take turns with batches, so
    /// that new requests and work in progress do not starve each other.
    pub(super) fn batch(&mut self, sharing: Sharing) -> Batch {
        let is_alone = match sharing {
            Sharing::Sole => false,
            Sharing::Shared => {
                !self.alone.is_empty() && (self.in_company.is_empty() || !self.was_alone)
            }
        };
        self.was_alone = is_alone;
        if is_alone {
            return self.alone.pop_front().into_iter().collect();
        }
        let mut batch: Batch = take_front(&mut self.in_company, BATCH_MAX);
        if let Sharing::Sole = sharing {
            let room = BATCH_MAX - batch.len();
            batch.extend(take_front(&mut self.alone, room));
        }
        batch
    }
}

fn take_front(queue: &mut VecDeque<Box<dyn Operation>>, count: usize) -> Batch {
    let count = count.min(queue.len());
    queue.drain(..count).collect()
}
