//! Time and tasks of the model: one thread, no wall clock, everything in the order of its time.
//!
//! A task may be dropped wherever it waits, as a killed process is. A frozen home keeps its tasks until it thaws.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Whose task it is: a run of a replica, or the world's.
pub type Home = Option<Proc>;

/// One run of one replica, from its start to its kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proc {
    pub replica: usize,
    pub run: u32,
}

pub type TaskId = u64;

struct Task {
    home: Home,
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

#[derive(Default)]
pub struct Clockwork {
    now: Cell<i64>,
    counter: Cell<u64>,
    current: Cell<TaskId>,
    due: RefCell<BinaryHeap<Reverse<(i64, u64, TaskId)>>>,
    tasks: RefCell<BTreeMap<TaskId, Task>>,
}

impl Clockwork {
    pub fn now(&self) -> i64 {
        self.now.get()
    }

    pub fn current(&self) -> TaskId {
        self.current.get()
    }

    fn count(&self) -> u64 {
        self.counter.set(self.counter.get() + 1);
        self.counter.get()
    }

    pub fn spawn(&self, home: Home, future: impl Future<Output = ()> + 'static) -> TaskId {
        let id = self.count();
        let future: Pin<Box<dyn Future<Output = ()>>> = Box::pin(future);
        self.tasks.borrow_mut().insert(
            id,
            Task {
                home,
                future: Some(future),
            },
        );
        self.wake(id);
        id
    }

    pub fn kill(&self, id: TaskId) {
        let task = self.tasks.borrow_mut().remove(&id);
        drop(task);
    }

    pub fn kill_all(&self, home: Proc) {
        let ids: Vec<TaskId> = {
            let tasks = self.tasks.borrow();
            let of_home = tasks.iter().filter(|(_, task)| task.home == Some(home));
            of_home.map(|(id, _)| *id).collect()
        };
        ids.into_iter().for_each(|id| self.kill(id));
    }

    /// Drops everything; the tasks hold the world, which holds this.
    pub fn clear(&self) {
        let tasks = std::mem::take(&mut *self.tasks.borrow_mut());
        drop(tasks);
    }

    pub fn wake(&self, id: TaskId) {
        self.wake_at(self.now(), id);
    }

    fn wake_at(&self, at: i64, id: TaskId) {
        self.due.borrow_mut().push(Reverse((at, self.count(), id)));
    }

    /// Waits; at least until the time has come, or the signal was given.
    pub fn sleep(self: &Rc<Self>, ms: i64) -> Sleep {
        Sleep {
            clockwork: self.clone(),
            until: self.now() + ms.max(0),
            signal: None,
            is_due: false,
        }
    }

    pub fn sleep_or(self: &Rc<Self>, until: i64, signal: &Rc<Signal>) -> Sleep {
        signal.task.set(Some(self.current()));
        Sleep {
            clockwork: self.clone(),
            until,
            signal: Some(signal.clone()),
            is_due: false,
        }
    }

    pub fn give(&self, signal: &Signal) {
        signal.given.set(true);
        if let Some(task) = signal.task.get() {
            self.wake(task);
        }
    }

    /// Runs until there is nothing to do, or it is done, or the time is over.
    pub fn run(
        &self,
        until: i64,
        mut is_done: impl FnMut() -> bool,
        frozen_until: impl Fn(Proc) -> Option<i64>,
    ) {
        loop {
            let next = self.due.borrow_mut().pop();
            let Some(Reverse((at, _, id))) = next else {
                return;
            };
            if at > until {
                return;
            }
            self.now.set(at.max(self.now()));
            let Some(task) = self.take(id) else {
                continue;
            };
            if let Some(thaw) = task.0.and_then(&frozen_until).filter(|thaw| *thaw > at) {
                self.put_back(id, task.1);
                self.wake_at(thaw, id);
                continue;
            }
            self.current.set(id);
            let mut future = task.1;
            let mut context = Context::from_waker(Waker::noop());
            match future.as_mut().poll(&mut context) {
                Poll::Ready(()) => self.kill(id),
                Poll::Pending => self.put_back(id, future),
            }
            if is_done() {
                return;
            }
        }
    }

    #[expect(clippy::type_complexity, reason = "a task, taken apart")]
    fn take(&self, id: TaskId) -> Option<(Home, Pin<Box<dyn Future<Output = ()>>>)> {
        let mut tasks = self.tasks.borrow_mut();
        let task = tasks.get_mut(&id)?;
        Some((task.home, task.future.take()?))
    }

    /// Unless it was killed meanwhile, by itself.
    fn put_back(&self, id: TaskId, future: Pin<Box<dyn Future<Output = ()>>>) {
        match self.tasks.borrow_mut().get_mut(&id) {
            Some(task) => task.future = Some(future),
            None => drop(future),
        }
    }
}

/// Something that a task may wait for.
#[derive(Default)]
pub struct Signal {
    given: Cell<bool>,
    task: Cell<Option<TaskId>>,
}

pub struct Sleep {
    clockwork: Rc<Clockwork>,
    until: i64,
    signal: Option<Rc<Signal>>,
    is_due: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let is_given = self
            .signal
            .as_ref()
            .is_some_and(|signal| signal.given.get());
        if is_given || self.is_due && self.clockwork.now() >= self.until {
            return Poll::Ready(());
        }
        if !self.is_due {
            self.is_due = true;
            self.clockwork.wake_at(self.until, self.clockwork.current());
        }
        Poll::Pending
    }
}
