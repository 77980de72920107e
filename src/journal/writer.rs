//! One thread owns the connection; whatever waits for it goes to the disk together (group commit).
//!
//! A caller hears of its operation only after the commit that made it durable, or after everything of it was undone.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tokio::sync::oneshot;

use super::Error;
use super::store::Store;

/// The most operations in one commit; more wait for the next.
const BATCH_MAX: usize = 128;

/// A queue of operations to the thread that writes.
#[derive(Clone)]
pub(super) struct Writer {
    queue: Sender<Box<dyn Operation>>,
}

/// An operation and the caller that waits for it.
trait Operation: Send {
    /// Does the work within the batch; false when it must be undone.
    fn run(&mut self, store: &mut dyn Store) -> Outcome;
    /// Tells the caller.
    fn finish(self: Box<Self>, committed: Result<(), Error>);
}

enum Outcome {
    Keep,
    Undo,
}

struct Call<T, F> {
    work: Option<F>,
    result: Option<Result<T, Error>>,
    caller: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Operation for Call<T, F>
where
    T: Send,
    F: FnOnce(&mut dyn Store) -> Result<T, Error> + Send,
{
    fn run(&mut self, store: &mut dyn Store) -> Outcome {
        // Nobody waits any more: nothing was promised, so nothing is done.
        if self.caller.is_closed() {
            return Outcome::Undo;
        }
        let Some(work) = self.work.take() else {
            return Outcome::Undo;
        };
        let result = work(store);
        let outcome = if result.is_ok() {
            Outcome::Keep
        } else {
            Outcome::Undo
        };
        self.result = Some(result);
        outcome
    }

    fn finish(self: Box<Self>, committed: Result<(), Error>) {
        let answer = match (committed, self.result) {
            (_, Some(Err(error))) | (Err(error), _) => Err(error),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Ok(()), None) => Err(Error::Unavailable("the operation was not run".to_owned())),
        };
        // A caller that left meanwhile reads the record again; what is durable stays durable.
        drop(self.caller.send(answer));
    }
}

impl Writer {
    /// Starts the thread; it ends when the last clone of the queue is gone.
    pub(super) fn start(mut store: Box<dyn Store>) -> Result<Self, Error> {
        let (queue, operations) = channel();
        thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write(store.as_mut(), &operations))
            .map_err(|error| Error::Open(format!("cannot start the journal's thread: {error}")))?;
        Ok(Self { queue })
    }

    /// Runs an operation in the next batch and waits until it is durable.
    pub(super) async fn call<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Store) -> Result<T, Error> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let operation = Call {
            work: Some(work),
            result: None,
            caller,
        };
        let gone = || Error::Unavailable("the journal's thread has ended".to_owned());
        self.queue.send(Box::new(operation)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

fn write(store: &mut dyn Store, operations: &Receiver<Box<dyn Operation>>) {
    while let Ok(first) = operations.recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX {
            match operations.try_recv() {
                Ok(next) => batch.push(next),
                Err(_) => break,
            }
        }
        let committed = run_batch(store, &mut batch);
        for operation in batch {
            operation.finish(committed.clone());
        }
    }
}

/// Runs a batch in one transaction; an operation that fails is undone alone.
fn run_batch(store: &mut dyn Store, batch: &mut [Box<dyn Operation>]) -> Result<(), Error> {
    store.begin()?;
    let result = batch.iter_mut().try_for_each(|operation| {
        store.savepoint()?;
        match operation.run(store) {
            Outcome::Keep => store.release(),
            Outcome::Undo => store.undo(),
        }
    });
    let result = result.and_then(|()| store.commit());
    if result.is_err() {
        store.rollback();
    }
    result
}
