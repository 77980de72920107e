//! Group commit: one thread owns the connection and commits the waiting operations in batches.
//!
//! On a shared database, operations that touch rows other replicas also lock run in a transaction
//! of their own. Batching them would hold row locks in different orders on different replicas and
//! deadlock. A caller gets its result only after the commit that made it durable, or after a
//! rollback of all of it. When the answer to a commit is lost, its callers wait until the outcome
//! is known, and no new batch begins.
//!
//! - `operation`  one operation, as the thread sees it
//! - `queue`      the operations that wait, and which of them share a batch

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::Span;

use super::error::Error;
use super::store::{CommitResult, Store};

mod operation;
mod queue;

pub(crate) use operation::Operation;
use operation::{Batch, Batching, Outcome};
use queue::Waiting;

/// How often the store checks its files while nothing is written.
const IDLE: Duration = Duration::from_secs(1);

/// How often the outcome of a commit is queried whose answer was lost.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// A queue of operations to the thread that writes.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: Queue,
}

#[derive(Clone)]
enum Queue {
    Thread(Sender<Message>),
    #[cfg(test)]
    Simulated(std::sync::Arc<dyn OperationQueue>),
}

/// Where the operations of a simulated journal wait.
#[cfg(test)]
pub(crate) trait OperationQueue: Send + Sync {
    fn push(&self, operation: Box<dyn Operation>);

    /// Returns when the process learns the result of an operation that has already been committed.
    fn deliver(&self) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// A message to the thread.
enum Message {
    Run(Box<dyn Operation>),
    /// Everything before this is written; then the store is closed.
    Close(Closer),
}

struct Call<T, F> {
    /// The span of the caller, so that the thread's log lines carry its fields.
    span: Span,
    batching: Batching,
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
        // The caller no longer waits and was promised nothing, so the operation is skipped.
        if self.caller.is_closed() {
            return Outcome::Undo;
        }
        let Some(work) = self.work.take() else {
            return Outcome::Undo;
        };
        let _in_span = self.span.enter();
        // A panic in one operation must not end the thread that all others wait for.
        let result = catch_unwind(AssertUnwindSafe(|| work(store))).unwrap_or_else(|_| {
            Err(Error::Unavailable(
                "the operation ended in a panic".to_owned(),
            ))
        });
        let outcome = if result.is_ok() {
            Outcome::Keep
        } else {
            Outcome::Undo
        };
        self.result = Some(result);
        outcome
    }

    fn batching(&self) -> Batching {
        self.batching
    }

    fn finish(self: Box<Self>, committed: Result<(), Error>) {
        let answer = match (committed, self.result) {
            (_, Some(Err(error))) | (Err(error), _) => Err(error),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Ok(()), None) => Err(Error::Unavailable("the operation was not run".to_owned())),
        };
        // A caller that no longer waits will read the record again; the commit stays durable.
        drop(self.caller.send(answer));
    }
}

impl Writer {
    /// Starts the thread and opens the store on it; it ends when the last clone of the queue is
    /// gone.
    pub(super) fn start<S: Store + 'static>(
        open: impl FnOnce() -> Result<S, Error> + Send + 'static,
    ) -> Result<Self, Error> {
        let (queue, operations) = channel();
        let (tell, opened) = channel();
        let work = move || match open() {
            Ok(mut store) => {
                // `start` waits for this.
                drop(tell.send(Ok(())));
                if let Some(closer) = write(&mut store, &operations) {
                    // The caller of `close` may be gone.
                    drop(closer.send(store.close()));
                }
            }
            Err(error) => drop(tell.send(Err(error))),
        };
        thread::Builder::new()
            .name("journal".to_owned())
            .spawn(work)
            .map_err(|error| Error::Open(format!("cannot start the journal's thread: {error}")))?;
        opened
            .recv()
            .map_err(|_| Error::Open("the journal's thread has ended".to_owned()))??;
        Ok(Self {
            queue: Queue::Thread(queue),
        })
    }

    /// A queue that is not served by a thread: a simulated journal.
    #[cfg(test)]
    pub(crate) fn simulated(queue: std::sync::Arc<dyn OperationQueue>) -> Self {
        Self {
            queue: Queue::Simulated(queue),
        }
    }

    /// Runs an operation in the next batch and waits until it is durable.
    pub(super) async fn call<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Store) -> Result<T, Error> + Send + 'static,
    {
        self.call_in(Batching::Shared, work).await
    }

    /// The same for an operation whose rows other processes may also write.
    pub(super) async fn call_exclusive<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Store) -> Result<T, Error> + Send + 'static,
    {
        self.call_in(Batching::Exclusive, work).await
    }

    /// Writes the waiting operations, closes the store and ends the thread; every later operation
    /// fails.
    pub(super) async fn close(&self) -> Result<(), Error> {
        match &self.queue {
            Queue::Thread(thread) => {
                let (closer, closed) = oneshot::channel();
                // The thread has ended: it is closed already.
                match thread.send(Message::Close(closer)) {
                    Ok(()) => closed.await.unwrap_or(Ok(())),
                    Err(_) => Ok(()),
                }
            }
            #[cfg(test)]
            Queue::Simulated(_) => Ok(()),
        }
    }

    async fn call_in<T, F>(&self, batching: Batching, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Store) -> Result<T, Error> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let operation = Call {
            span: Span::current(),
            batching,
            work: Some(work),
            result: None,
            caller,
        };
        let gone = || Error::Unavailable("the journal's thread has ended".to_owned());
        match &self.queue {
            Queue::Thread(thread) => {
                let run = Message::Run(Box::new(operation));
                thread.send(run).map_err(|_| gone())?;
            }
            #[cfg(test)]
            Queue::Simulated(queue) => {
                queue.push(Box::new(operation));
                let result = answer.await.map_err(|_| gone())?;
                queue.deliver().await;
                return result;
            }
        }
        answer.await.map_err(|_| gone())?
    }
}

type Closer = oneshot::Sender<Result<(), Error>>;

const NOT_KNOWN: &str = "the outcome of the last commit is not known yet";

/// Works until the queue is dropped or closed; then returns the caller that closed it.
fn write(store: &mut dyn Store, messages: &Receiver<Message>) -> Option<Closer> {
    let (mut unsure, mut waiting) = (Batch::new(), Waiting::default());
    let mut closer = None;
    loop {
        if waiting.is_empty() && closer.is_none() {
            match messages.recv_timeout(if unsure.is_empty() { IDLE } else { ASK_AGAIN }) {
                Ok(Message::Run(first)) => waiting.take(first),
                Ok(Message::Close(asked)) => closer = Some(asked),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        while closer.is_none()
            && let Ok(more) = messages.try_recv()
        {
            match more {
                Message::Run(operation) => waiting.take(operation),
                Message::Close(asked) => closer = Some(asked),
            }
        }
        if !unsure.is_empty() {
            match store.resolve_commit() {
                CommitResult::Unknown => {
                    let why = Error::Unavailable(NOT_KNOWN.to_owned());
                    finish(waiting.all(), &Err(why.clone()));
                    if let Some(closer) = closer {
                        // It could not be closed: the next start handles that.
                        drop(closer.send(Err(why)));
                        return None;
                    }
                    continue;
                }
                CommitResult::Committed => finish(std::mem::take(&mut unsure), &Ok(())),
                CommitResult::RolledBack(error) => finish(std::mem::take(&mut unsure), &Err(error)),
            }
        }
        if waiting.is_empty() && closer.is_some() {
            return closer;
        }
        let batch = waiting.batch(store.sharing());
        unsure = run(store, batch);
        if unsure.is_empty() {
            store.tidy();
        }
    }
}

/// Runs a batch and answers its callers; returns the batch when its outcome is unknown.
pub(crate) fn run(store: &mut dyn Store, mut batch: Batch) -> Batch {
    if batch.is_empty() {
        return batch;
    }
    match run_batch(store, &mut batch) {
        CommitResult::Committed => finish(batch, &Ok(())),
        CommitResult::RolledBack(error) => finish(batch, &Err(error)),
        CommitResult::Unknown => return batch,
    }
    Batch::new()
}

pub(crate) fn finish(batch: Batch, committed: &Result<(), Error>) {
    for operation in batch {
        operation.finish(committed.clone());
    }
}

/// Runs a batch in one transaction; an operation that fails is rolled back alone.
fn run_batch(store: &mut dyn Store, batch: &mut Batch) -> CommitResult {
    if let Err(error) = store.begin() {
        return CommitResult::RolledBack(error);
    }
    if let [only] = batch.as_mut_slice() {
        return match only.run(store) {
            Outcome::Keep => store.commit(),
            Outcome::Undo => {
                store.rollback();
                // The caller gets the operation's own error.
                CommitResult::Committed
            }
        };
    }
    let result = batch.iter_mut().try_for_each(|operation| {
        store.savepoint()?;
        match operation.run(store) {
            Outcome::Keep => store.release(),
            Outcome::Undo => store.undo(),
        }
    });
    match result {
        Ok(()) => store.commit(),
        Err(error) => {
            store.rollback();
            CommitResult::RolledBack(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sqlite::Sqlite;
    use super::super::store::Value;
    use super::*;

    const COUNT: &str = "SELECT COUNT(*) AS written FROM heartbeat";

    fn write_row(store: &mut dyn Store, owner: &'static str) -> Result<u64, Error> {
        let sql = "INSERT INTO heartbeat (owner, at_ms) VALUES ($1, 1)";
        store.execute(sql, &[Value::from(owner)])
    }

    #[tokio::test]
    async fn an_operation_that_panics_is_undone_and_the_thread_goes_on() -> Result<(), Error> {
        let writer = Writer::start(Sqlite::in_memory)?;
        let panics = |store: &mut dyn Store| -> Result<u64, Error> {
            write_row(store, "one")?;
            std::panic::resume_unwind(Box::new("a mistake"))
        };
        let failed = writer.call(panics).await;
        assert!(matches!(failed, Err(Error::Unavailable(_))), "{failed:?}");
        writer.call(|store| write_row(store, "two")).await?;
        let rows = writer.call(|store| store.query(COUNT, &[])).await?;
        assert_eq!(rows.first().map_or(Ok(0), |row| row.integer("written"))?, 1);
        Ok(())
    }

    #[test]
    fn an_operation_that_fails_in_company_leaves_nothing_and_the_others_are_kept()
    -> Result<(), Error> {
        let call = |work: fn(&mut dyn Store) -> Result<u64, Error>| {
            let (caller, answer) = oneshot::channel();
            let call = Call {
                span: Span::none(),
                batching: Batching::Shared,
                work: Some(work),
                result: None,
                caller,
            };
            (Box::new(call) as Box<dyn Operation>, answer)
        };
        let mut store = Sqlite::in_memory()?;
        let (first, _first) = call(|store| write_row(store, "one"));
        let (failing, mut failed) = call(|store| {
            write_row(store, "two")?;
            Err(Error::Joined)
        });
        let (last, _last) = call(|store| write_row(store, "three"));
        assert!(run(&mut store, vec![first, failing, last]).is_empty());
        assert!(matches!(failed.try_recv(), Ok(Err(Error::Joined))));
        let owners = store.query("SELECT owner FROM heartbeat ORDER BY owner", &[])?;
        let owners = owners
            .iter()
            .map(|row| row.text("owner"))
            .collect::<Result<Vec<_>, _>>()?;
        assert_eq!(owners, ["one", "three"]);
        Ok(())
    }
}
