//! The journal under simulated time: the production statements on a store in memory whose clock is the schedule's.
//!
//! Several processes may share one book, as they share a database. It may be away for a while, and its answers may
//! come late; what it has answered is durable.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

use super::{Dice, Process};
use crate::clock::Moment;
use crate::journal::seam::{
    FREE_LEASES, LOOK_EVERY, Operation, OperationQueue, Row, Sqlite, Store, Value, Writer, finish,
    run,
};
use crate::journal::{Error, Journal, Times};

/// The most that an operation takes while all is well.
const USUAL_MS: u64 = 15;

/// The most that an answer is late, now and then.
const LATE_MS: u64 = 6_000;

/// A database, shared by every process of a schedule.
pub(crate) struct Book {
    store: Mutex<Sqlite>,
    began: Instant,
    /// The simulator of OZmap began at the same time, and dates what it makes.
    began_ms: i64,
    away_until: Mutex<Option<Instant>>,
    tasks: TaskTracker,
}

/// The way of one process to the book.
#[derive(Clone)]
struct Desk {
    book: Arc<Book>,
    process: Process,
    dice: Dice,
    alone: Alone,
}

impl Book {
    pub(crate) fn new() -> Result<Arc<Self>, Error> {
        Ok(Arc::new(Self {
            store: Mutex::new(Sqlite::in_memory()?),
            began: Instant::now(),
            began_ms: Moment::now().unix_ms(),
            away_until: Mutex::new(None),
            tasks: TaskTracker::new(),
        }))
    }

    /// A journal of one process; `restarted` when it is the only one, and takes up what the last one left at once.
    pub(crate) fn open(
        self: &Arc<Self>,
        process: &Process,
        dice: &Dice,
        times: Times,
        alone: Alone,
    ) -> Result<Journal, Error> {
        if let Alone::Yes = alone {
            self.now(|store| store.execute(FREE_LEASES, &[]))?;
        }
        let writer = Writer::simulated(Arc::new(Desk {
            book: self.clone(),
            process: process.clone(),
            dice: dice.clone(),
            alone,
        }));
        let look_every = match alone {
            Alone::Yes => None,
            Alone::No => Some(LOOK_EVERY),
        };
        Ok(Journal::simulated(writer, times, look_every))
    }

    /// Nobody can read or write for so long.
    pub(crate) fn go_away(&self, time: Duration) {
        *lock(&self.away_until) = Some(Instant::now() + time);
    }

    /// Reads it as an operator would.
    pub(crate) fn rows(&self, sql: &'static str) -> Result<Vec<Vec<String>>, Error> {
        let rows = self.now(|store| store.query(sql, &[]))?;
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

    fn now<T>(&self, work: impl FnOnce(&mut Sqlite) -> Result<T, Error>) -> Result<T, Error> {
        let mut store = lock(&self.store);
        let elapsed = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX / 2);
        store.set_clock(self.began_ms + elapsed)?;
        work(&mut store)
    }

    fn is_away(&self) -> bool {
        lock(&self.away_until).is_some_and(|until| until > Instant::now())
    }
}

/// Whether a process has the book for itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Alone {
    Yes,
    No,
}

impl OperationQueue for Desk {
    fn push(&self, operation: Box<dyn Operation>) {
        let this = self.clone();
        self.book.tasks.spawn(async move {
            this.process.runs().await;
            sleep(this.dice.ms(0..=USUAL_MS)).await;
            if this.book.is_away() {
                sleep(Duration::from_millis(500)).await;
                let error = Error::Unavailable("simulated: it is away".to_owned());
                return finish(vec![operation], &Err(error));
            }
            this.process.runs().await;
            let is_late = this.dice.one_in(60);
            if is_late {
                sleep(this.dice.ms(0..=LATE_MS)).await;
            }
            // What a server was told it does, also when the process is gone; a file is written by the process itself.
            if let Alone::Yes = this.alone {
                this.process.runs().await;
            }
            let done = this.book.now(|store| Ok(run(store, vec![operation])));
            if let Err(error) = done {
                tracing::error!("the simulated journal failed: {error}");
            }
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
