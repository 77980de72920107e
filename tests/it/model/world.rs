//! Everything that a schedule runs in: time, chance, the replicas, the journal, OZmap, and what happens to them.

use std::cell::{Cell, Ref, RefCell};
use std::ops::Deref;
use std::rc::Rc;

use super::checks::Notes;
use super::clockwork::{Clockwork, Proc, Signal, TaskId};
use super::front;
use super::ozmap::{Property, Truth};
use super::plan::{Plan, Point, Rules, When};
use super::random::Random;
use super::safeguards::Safeguard;
use super::store::{Fault, OpId, Store};

/// The hour begins a while before the schedule, so that a clock that jumps stays in it.
pub const DATABASE_EPOCH: i64 = 900_000;

/// A point in time on both clocks of a replica's machine.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub monotonic: i64,
    pub wall: i64,
}

/// What one run of a replica has in its memory.
#[derive(Default)]
pub struct Memory {
    pub stopping: Cell<bool>,
    pub rules: Cell<Rules>,
    pub proven_at: Cell<Option<Moment>>,
    pub watchers: RefCell<Vec<(OpId, Rc<Signal>)>>,
}

#[derive(Default)]
pub struct Machine {
    pub run: Cell<u32>,
    pub is_up: Cell<bool>,
    pub rules: Cell<Rules>,
    pub frozen_until: Cell<i64>,
    pub thawed_at: Cell<i64>,
    pub suspended_ms: Cell<i64>,
    memory: RefCell<Memory>,
}

pub struct Inside {
    pub plan: Plan,
    pub clockwork: Rc<Clockwork>,
    pub random: Random,
    pub store: RefCell<Store>,
    pub truth: RefCell<Truth>,
    pub notes: RefCell<Notes>,
    pub machines: Vec<Machine>,
    pub jump_ms: Cell<i64>,
    pub outage_until: Cell<i64>,
    passings: RefCell<Vec<u32>>,
    trace: Option<RefCell<Vec<String>>>,
}

#[derive(Clone)]
pub struct World(Rc<Inside>);

impl Deref for World {
    type Target = Inside;

    fn deref(&self) -> &Inside {
        &self.0
    }
}

impl World {
    pub fn new(plan: Plan, traced: bool) -> Self {
        let has = |safeguard| !plan.without.contains(&safeguard);
        let store = Store {
            has_fence: has(Safeguard::Fence),
            has_settle: has(Safeguard::Settle),
            has_one_target: has(Safeguard::OneTarget),
            has_single_flight: has(Safeguard::SingleFlight),
            knows_keys: has(Safeguard::KnowTheKey),
            knows_conversations: has(Safeguard::KnowTheConversation),
            takes_only_free: has(Safeguard::TakeOnlyWhatIsFree),
            settles_anew: has(Safeguard::SettleAfterEveryDelete),
            ..Store::default()
        };
        let world = Self(Rc::new(Inside {
            clockwork: Rc::default(),
            random: Random::new(plan.seed.wrapping_mul(0x2545_F491_4F6C_DD1D)),
            store: RefCell::new(store),
            truth: RefCell::default(),
            notes: RefCell::default(),
            machines: (0..plan.replicas).map(|_| Machine::default()).collect(),
            jump_ms: Cell::new(0),
            outage_until: Cell::new(0),
            passings: RefCell::new(vec![0; plan.events.len()]),
            trace: traced.then(RefCell::default),
            plan,
        }));
        world.furnish();
        world
    }

    fn furnish(&self) {
        let long_ago = -1_000_000;
        for reserved in &self.plan.reserved {
            self.reserve(
                reserved.code,
                long_ago,
                reserved.implanted.then_some(long_ago),
            );
        }
        for code in 0..self.plan.codes {
            // The neighbour that only a loose match shows.
            self.reserve(code + 100, long_ago, None);
        }
        (0..self.plan.replicas).for_each(|replica| self.start(replica));
        for (message, asked) in self.plan.messages.iter().enumerate() {
            for (at, replica) in asked.arrivals.iter().copied() {
                self.arrive(at, replica, message);
            }
        }
        for (index, event) in self.plan.events.iter().enumerate() {
            if let When::At(at) = event.when {
                self.act_after(at, index, event.replica);
            }
        }
    }

    pub fn arrive(&self, after: i64, replica: usize, message: usize) {
        self.note(|notes| notes.to_come += 1);
        let world = self.clone();
        self.clockwork.spawn(None, async move {
            world.sleep(after).await;
            world.note(|notes| notes.to_come -= 1);
            // A load balancer sends it to whoever is there.
            let up = [replica, (replica + 1) % world.plan.replicas];
            if let Some(me) = up.into_iter().find_map(|replica| world.up(replica)) {
                let task = front::webhook(world.clone(), me, message);
                world.clockwork.spawn(Some(me), task);
            }
        });
    }

    pub fn has(&self, safeguard: Safeguard) -> bool {
        !self.plan.without.contains(&safeguard)
    }

    pub fn now(&self) -> i64 {
        self.clockwork.now()
    }

    /// The database's clock; in an embedded journal it is the machine's.
    pub fn database_now(&self) -> i64 {
        DATABASE_EPOCH + self.now() + self.jump_ms.get()
    }

    pub fn monotonic(&self, me: Proc) -> i64 {
        self.now() - self.machines[me.replica].suspended_ms.get()
    }

    pub fn moment(&self, me: Proc) -> Moment {
        Moment {
            monotonic: self.monotonic(me),
            wall: self.database_now(),
        }
    }

    /// By the clock that says more.
    pub fn age(&self, me: Proc, since: Moment) -> i64 {
        let now = self.moment(me);
        let monotonic = now.monotonic - since.monotonic;
        if self.has(Safeguard::GuardAgeOverSleep) {
            monotonic.max(now.wall - since.wall)
        } else {
            monotonic
        }
    }

    pub fn sleep(&self, ms: i64) -> super::clockwork::Sleep {
        self.clockwork.sleep(ms)
    }

    pub fn replica(&self, me: Proc) -> Ref<'_, Memory> {
        self.machines[me.replica].memory.borrow()
    }

    pub fn is_alive(&self, me: Proc) -> bool {
        self.up(me.replica) == Some(me)
    }

    pub fn up(&self, replica: usize) -> Option<Proc> {
        let machine = &self.machines[replica];
        let run = machine.run.get();
        machine.is_up.get().then_some(Proc { replica, run })
    }

    pub fn frozen_until(&self, me: Proc) -> Option<i64> {
        Some(self.machines[me.replica].frozen_until.get())
    }

    pub fn note<T>(&self, write: impl FnOnce(&mut Notes) -> T) -> T {
        write(&mut self.notes.borrow_mut())
    }

    pub fn say(&self, line: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            let line = format!("{:>9} ms  {}", self.now(), line());
            trace.borrow_mut().push(line);
        }
    }

    pub fn trace(&self) -> String {
        self.trace
            .as_ref()
            .map(|trace| trace.borrow().join("\n"))
            .unwrap_or_default()
    }

    /// A place in a cancellation where the schedule may strike.
    pub async fn at(&self, me: Proc, point: Point) {
        self.say(|| format!("r{}.{} {point:?}", me.replica, me.run));
        for (index, event) in self.plan.events.iter().enumerate() {
            let When::Passing {
                point: chosen,
                nth,
                after,
            } = event.when
            else {
                continue;
            };
            if chosen != point {
                continue;
            }
            let passings = {
                let mut passings = self.passings.borrow_mut();
                passings[index] += 1;
                passings[index]
            };
            if passings == nth && after == 0 {
                self.act(event.act, me.replica);
            } else if passings == nth {
                self.act_after(after, index, me.replica);
            }
        }
        if !self.is_alive(me) {
            std::future::pending::<()>().await;
        }
        if self.machines[me.replica].frozen_until.get() > self.now() {
            self.sleep(0).await;
        }
    }

    fn act_after(&self, after: i64, index: usize, replica: usize) {
        self.note(|notes| notes.to_come += 1);
        let world = self.clone();
        self.clockwork.spawn(None, async move {
            world.sleep(after).await;
            world.note(|notes| notes.to_come -= 1);
            world.act(world.plan.events[index].act, replica);
        });
    }

    pub fn reserve(&self, code: usize, created_at: i64, implanted_at: Option<i64>) {
        self.truth.borrow_mut().properties.push(Property {
            code,
            created_at,
            implanted_at,
            gone_at: None,
            deleted_by: None,
        });
    }

    pub fn start(&self, replica: usize) {
        let machine = &self.machines[replica];
        let me = Proc {
            replica,
            run: machine.run.get() + 1,
        };
        machine.run.set(me.run);
        machine.is_up.set(true);
        machine.memory.replace(Memory {
            rules: Cell::new(machine.rules.get()),
            ..Memory::default()
        });
        self.say(|| format!("r{replica}.{} starts, {:?}", me.run, machine.rules.get()));
        if self.plan.replicas == 1 {
            self.store.borrow_mut().free_leases(self.database_now());
        }
        self.clockwork
            .spawn(Some(me), front::boot(self.clone(), me));
    }

    /// One atomic step of the journal, with what may happen on the way there and back.
    pub async fn write<T>(
        &self,
        work: impl FnOnce(&mut Store, i64) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let odds = self.plan.odds;
        let stall = |random: &Random| {
            if random.chance(odds.write_stalls) {
                random.between(500, random.pick(&[6_000, 45_000]))
            } else {
                random.between(0, 3)
            }
        };
        self.sleep(stall(&self.random)).await;
        if self.now() < self.outage_until.get() {
            return Err(Fault::Unavailable);
        }
        let done = work(&mut self.store.borrow_mut(), self.database_now());
        if done.is_ok() && self.random.chance(odds.commit_in_doubt) {
            self.say(|| "     the commit is done, and said to have failed".to_owned());
            self.sleep(1).await;
            return Err(Fault::Unavailable);
        }
        self.sleep(stall(&self.random)).await;
        done
    }

    pub fn spawn(&self, me: Proc, task: impl Future<Output = ()> + 'static) -> TaskId {
        self.clockwork.spawn(Some(me), task)
    }
}
