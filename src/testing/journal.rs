//! The journal under simulated time: the production statements on a store in memory with the clock
//! of the scenario.
//!
//! Several processes may share one database. It can be unavailable or slow for a while, and a
//! process can learn of a commit late; a commit is always durable. It must never change the effect
//! of a statement.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

use super::audit::Audit;
use super::{Process, Rng};
use crate::clock::{self, Moment};
use crate::journal::seam::{
    FREE_LEASES, LOOK_EVERY, Operation, OperationQueue, Row, Sqlite, Store, Value, Writer, finish,
    run,
};
use crate::journal::{Error, Journal, Times};

/// The longest time of an operation without a fault.
const USUAL_MS: u64 = 15;

/// The longest time of an occasional slow operation.
const LATE_MS: u64 = 6_000;

/// The database that the processes of a scenario share.
pub(crate) struct SimDatabase {
    store: Mutex<Sqlite>,
    audit: Mutex<Audit>,
    began: Instant,
    /// The simulator of OZmap starts at the same time, and dates its documents by it.
    began_ms: i64,
    away_until: Mutex<Option<Instant>>,
    slow: Mutex<Option<(Instant, u64)>>,
    slept: Mutex<Duration>,
    /// No fault happens by chance once this is set.
    is_calm: AtomicBool,
    tasks: TaskTracker,
}

/// The connection of one process to the database.
#[derive(Clone)]
struct SimWriter {
    database: Arc<SimDatabase>,
    process: Process,
    rng: Rng,
    alone: Alone,
    owner: Arc<Mutex<String>>,
}

impl SimDatabase {
    pub(crate) fn new(audit: Audit) -> Result<Arc<Self>, Error> {
        clock::suspend(Duration::ZERO);
        Ok(Arc::new(Self {
            store: Mutex::new(Sqlite::in_memory()?),
            audit: Mutex::new(audit),
            began: Instant::now(),
            began_ms: Moment::now().unix_ms(),
            away_until: Mutex::new(None),
            slow: Mutex::new(None),
            slept: Mutex::default(),
            is_calm: AtomicBool::new(false),
            tasks: TaskTracker::new(),
        }))
    }

    /// Opens the journal of one process. A process that has the database to itself releases the
    /// leases of the last run.
    pub(crate) fn open(
        self: &Arc<Self>,
        process: &Process,
        rng: &Rng,
        times: Times,
        alone: Alone,
    ) -> Result<Journal, Error> {
        if let Alone::Yes = alone {
            self.with_store(|store| store.execute(FREE_LEASES, &[]))?;
            self.audited(None);
        }
        let owner = Arc::new(Mutex::default());
        let writer = Writer::simulated(Arc::new(SimWriter {
            database: self.clone(),
            process: process.clone(),
            rng: rng.clone(),
            alone,
            owner: owner.clone(),
        }));
        let look_every = match alone {
            Alone::Yes => None,
            Alone::No => Some(LOOK_EVERY),
        };
        let journal = Journal::simulated(writer, times, look_every);
        *lock(&owner) = journal.owner().to_owned();
        Ok(journal)
    }

    /// Makes the database unavailable for a time.
    pub(crate) fn go_away(&self, time: Duration) {
        *lock(&self.away_until) = Some(Instant::now() + time);
    }

    /// Makes every operation take up to `ms` milliseconds, for a time.
    pub(crate) fn slow_down(&self, time: Duration, ms: u64) {
        *lock(&self.slow) = Some((Instant::now() + time, ms));
    }

    /// Suspends the machine: its wall clock goes on, its monotonic clock does not.
    pub(crate) fn suspend(&self, time: Duration) {
        *lock(&self.slept) += time;
        clock::suspend(time);
    }

    /// Ends the faults by chance.
    pub(crate) fn calm_down(&self) {
        self.is_calm.store(true, Ordering::Relaxed);
    }

    /// Whether a fault happens by chance, once in `times`.
    pub(crate) fn fails_by_chance(&self, rng: &Rng, times: u64) -> bool {
        rng.one_in(times) && !self.is_calm.load(Ordering::Relaxed)
    }

    /// How long the machine has been suspended so far.
    pub(crate) fn slept(&self) -> Duration {
        *lock(&self.slept)
    }

    /// The start of the database, in milliseconds since 1970.
    pub(crate) fn began_ms(&self) -> i64 {
        self.began_ms
    }

    /// Reads rows as an operator would.
    pub(crate) fn rows(&self, sql: &'static str) -> Result<Vec<Vec<String>>, Error> {
        let rows = self.with_store(|store| store.query(sql, &[]))?;
        Ok(rows
            .into_iter()
            .map(|row: Row| {
                row.values()
                    .iter()
                    .map(|value| match value {
                        Value::Null | Value::Unreadable => String::new(),
                        Value::Integer(number) => number.to_string(),
                        Value::Text(text) => text.clone(),
                    })
                    .collect()
            })
            .collect())
    }

    /// The rules that a commit broke.
    pub(crate) fn broken(&self) -> Vec<String> {
        lock(&self.audit).broken().to_vec()
    }

    fn audited(&self, actor: Option<&str>) {
        let slept = self.slept();
        let audited = self.with_store(|store| lock(&self.audit).look(store, actor, slept));
        if let Err(error) = audited {
            tracing::error!("the simulated journal cannot be audited: {error}");
        }
    }

    fn with_store<T>(
        &self,
        work: impl FnOnce(&mut Sqlite) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut store = lock(&self.store);
        let elapsed = self.began.elapsed() + self.slept();
        let elapsed = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX / 2);
        store.set_clock(self.began_ms + elapsed)?;
        work(&mut store)
    }

    fn is_away(&self) -> bool {
        lock(&self.away_until).is_some_and(|until| until > Instant::now())
    }

    fn slow_ms(&self) -> Option<u64> {
        let (until, ms) = (*lock(&self.slow))?;
        (until > Instant::now()).then_some(ms)
    }
}

/// Whether a process has the database to itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Alone {
    Yes,
    No,
}

impl SimWriter {
    /// Waits like an operation in the queue.
    async fn queued(&self) {
        self.process.runs().await;
        sleep(self.rng.millis(0..=USUAL_MS)).await;
        if let Some(ms) = self.database.slow_ms() {
            sleep(self.rng.millis(ms / 2..=ms)).await;
        }
    }

    async fn work(self, operation: Box<dyn Operation>) {
        self.queued().await;
        if self.database.is_away() {
            sleep(Duration::from_millis(500)).await;
            let error = Error::Unavailable("simulated: unavailable".to_owned());
            return finish(vec![operation], &Err(error));
        }
        self.process.runs().await;
        if self.database.fails_by_chance(&self.rng, 60) {
            sleep(self.rng.millis(0..=LATE_MS)).await;
        }
        // A server executes what it received even if the process is gone; a file is written by the
        // process itself.
        if let Alone::Yes = self.alone {
            self.process.runs().await;
        }
        let done = self
            .database
            .with_store(|store| Ok(run(store, vec![operation])));
        if let Err(error) = done {
            tracing::error!("the simulated journal failed: {error}");
        }
        let owner = lock(&self.owner).clone();
        self.database.audited(Some(&owner));
    }
}

impl OperationQueue for SimWriter {
    fn push(&self, operation: Box<dyn Operation>) {
        self.database.tasks.spawn(self.clone().work(operation));
    }

    fn deliver(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            // A task that waits for the commit runs before the process learns of it.
            tokio::task::yield_now().await;
            if self.database.fails_by_chance(&self.rng, 120) {
                sleep(self.rng.millis(0..=LATE_MS)).await;
            }
            if let Some(ms) = self.database.slow_ms().filter(|_| self.rng.one_in(3)) {
                sleep(self.rng.millis(0..=ms)).await;
            }
            self.process.runs().await;
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
