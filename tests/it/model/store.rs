//! The journal of the model: the rows and the conditions of the real statements, one atomic step each.

use super::clockwork::Proc;

pub const LEASE_MS: i64 = 30_000;
pub const SETTLE_MS: i64 = 120_000;
/// A day in the real service; the rules do not depend on its length.
pub const DEADLINE_MS: i64 = 600_000;
pub const DUPLICATE_WINDOW_MS: i64 = 600_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Accepted,
    Intent,
    Acked,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Cancelled,
    AlreadyCancelled,
    NotFound,
    Installed,
    Review,
    WouldCancel,
    Expired,
    Unknown,
}

/// Why a write was not done, or is not known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Unavailable,
    Fenced,
    /// Somebody joined who must not hear what was seen before.
    Joined,
}

/// What those hear who joined a cancellation late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latecomers {
    HearTheSame,
    /// The same, if there are no more than were counted before the look; otherwise it does not end.
    AreNoMoreThan(usize),
    /// An ended record of their own, for a person.
    AreForAPerson,
}

pub type OpId = usize;

#[derive(Clone, Debug)]
pub struct Op {
    pub id: OpId,
    pub code: usize,
    pub rehearsal: bool,
    pub state: State,
    pub outcome: Option<Outcome>,
    pub property: Option<usize>,
    pub settle_at: i64,
    pub sent: i64,
    pub attempt: i64,
    pub fence: i64,
    pub owner: Option<Proc>,
    pub lease_until: i64,
    pub next_at: i64,
    pub deadline_at: i64,
    pub created_at: i64,
    /// When the first deletion was decided, at the earliest.
    pub decided_at: Option<i64>,
    pub done_at: Option<i64>,
    /// The one that its callers had joined too late.
    pub apart_from: Option<OpId>,
}

impl Op {
    pub fn is_held_by(&self, lease: &Grant, now: i64) -> bool {
        self.fence == lease.fence && self.owner == Some(lease.owner) && self.lease_until > now
    }
}

/// The right that a lease gives, as the journal knows it.
#[derive(Clone, Copy, Debug)]
pub struct Grant {
    pub op: OpId,
    pub fence: i64,
    pub owner: Proc,
}

#[derive(Clone, Debug)]
pub struct Delivery {
    pub message: usize,
    pub has_key: bool,
    pub code: usize,
    pub rehearsal: bool,
    pub op: OpId,
    pub received_at: i64,
}

#[derive(Debug)]
pub enum Accepted {
    Fresh(Op),
    Joined(Op),
    Repeated(Op),
}

#[derive(Default)]
pub struct Store {
    pub ops: Vec<Op>,
    pub deliveries: Vec<Delivery>,
    pub spent: i64,
    pub has_fence: bool,
    pub has_settle: bool,
    pub has_one_target: bool,
    pub has_single_flight: bool,
    pub knows_keys: bool,
    pub knows_conversations: bool,
    pub takes_only_free: bool,
    pub settles_anew: bool,
}

impl Store {
    fn held(&mut self, lease: &Grant, now: i64) -> Result<&mut Op, Fault> {
        let has_fence = self.has_fence;
        let op = &mut self.ops[lease.op];
        let is_mine = op.fence == lease.fence && op.owner == Some(lease.owner);
        let is_alive = !has_fence || is_mine && op.lease_until > now;
        if op.state != State::Done && is_alive {
            Ok(op)
        } else {
            Err(Fault::Fenced)
        }
    }

    /// As `held`, for the writes that do not ask whether the lease has run out.
    fn last_held(&mut self, lease: &Grant) -> Result<&mut Op, Fault> {
        let now = self.ops[lease.op].lease_until - 1;
        self.held(lease, now)
    }

    pub fn accept(&mut self, asked: &Delivery, owner: Proc, now: i64) -> Accepted {
        if let Some(op) = self.seen_before(asked, now) {
            return Accepted::Repeated(self.ops[op].clone());
        }
        let same = |op: &&Op| op.code == asked.code && op.rehearsal == asked.rehearsal;
        let active = self
            .ops
            .iter()
            .find(|op| op.state != State::Done && same(op));
        if let Some(active) = active.filter(|_| self.has_single_flight) {
            let op = active.clone();
            self.deliveries.push(Delivery {
                op: op.id,
                received_at: now,
                ..asked.clone()
            });
            return Accepted::Joined(op);
        }
        let op = Op {
            id: self.ops.len(),
            code: asked.code,
            rehearsal: asked.rehearsal,
            state: State::Accepted,
            outcome: None,
            property: None,
            settle_at: 0,
            sent: 0,
            attempt: 1,
            fence: 1,
            owner: Some(owner),
            lease_until: now + LEASE_MS,
            next_at: now,
            deadline_at: now + DEADLINE_MS,
            created_at: now,
            decided_at: None,
            done_at: None,
            apart_from: None,
        };
        self.ops.push(op.clone());
        self.deliveries.push(Delivery {
            op: op.id,
            received_at: now,
            ..asked.clone()
        });
        Accepted::Fresh(op)
    }

    fn seen_before(&self, asked: &Delivery, now: i64) -> Option<OpId> {
        if asked.has_key {
            let mut same = self
                .deliveries
                .iter()
                .filter(|one| one.message == asked.message);
            return same.next().map(|one| one.op).filter(|_| self.knows_keys);
        }
        let is_same = |one: &&Delivery| {
            let op = &self.ops[one.op];
            let is_recent = op.done_at.is_some_and(|at| at > now - DUPLICATE_WINDOW_MS);
            let binds = op.outcome == Some(Outcome::Cancelled) || op.apart_from.is_some();
            one.message == asked.message && (op.state != State::Done || is_recent && binds)
        };
        let recent = self
            .deliveries
            .iter()
            .filter(is_same)
            .max_by_key(|one| one.received_at);
        recent
            .map(|one| one.op)
            .filter(|_| self.knows_conversations)
    }

    pub fn take_due(&mut self, owner: Proc, now: i64) -> Option<Op> {
        let only_free = self.takes_only_free;
        let is_due = |op: &&mut Op| {
            op.state != State::Done
                && op.next_at <= now
                && (!only_free && op.owner != Some(owner) || op.lease_until < now)
        };
        let op = self
            .ops
            .iter_mut()
            .filter(is_due)
            .min_by_key(|op| op.next_at)?;
        if op.owner.is_none() {
            op.attempt += 1;
        }
        op.owner = Some(owner);
        op.lease_until = now + LEASE_MS;
        op.fence += 1;
        Some(op.clone())
    }

    /// When the next one may be taken.
    pub fn next_due(&self) -> Option<i64> {
        let waiting = self.ops.iter().filter(|op| op.state != State::Done);
        waiting.map(|op| op.lease_until.max(op.next_at)).min()
    }

    pub fn renew(&mut self, lease: &Grant, now: i64) -> Result<(), Fault> {
        self.held(lease, now)?.lease_until = now + LEASE_MS;
        Ok(())
    }

    /// `age` is how old the guard's reading is by now.
    pub fn intend(
        &mut self,
        lease: &Grant,
        property: usize,
        age: i64,
        now: i64,
    ) -> Result<Op, Fault> {
        let (one_target, anew) = (self.has_one_target, self.settles_anew);
        let op = self.held(lease, now)?;
        if op.state != State::Accepted && op.property != Some(property) && one_target {
            return Err(Fault::Fenced);
        }
        op.state = State::Intent;
        op.property = Some(property);
        if anew || op.sent == 0 {
            op.settle_at = now + SETTLE_MS;
        }
        op.sent += 1;
        op.lease_until = now + LEASE_MS;
        op.decided_at = op.decided_at.or(Some(now - age));
        Ok(op.clone())
    }

    pub fn acked(&mut self, lease: &Grant) -> Result<Op, Fault> {
        let op = self.last_held(lease)?;
        if op.state != State::Intent {
            return Err(Fault::Fenced);
        }
        op.state = State::Acked;
        Ok(op.clone())
    }

    pub fn back_off(&mut self, lease: &Grant, wait: i64, now: i64) -> Result<(), Fault> {
        let op = self.last_held(lease)?;
        op.next_at = now + wait;
        op.owner = None;
        op.lease_until = 0;
        Ok(())
    }

    pub fn done(
        &mut self,
        lease: &Grant,
        outcome: Outcome,
        latecomers: Latecomers,
        now: i64,
    ) -> Result<Op, Fault> {
        let has_settle = self.has_settle;
        let joined = match latecomers {
            Latecomers::AreNoMoreThan(before) => self.joined(lease.op) > before,
            Latecomers::HearTheSame | Latecomers::AreForAPerson => false,
        };
        let op = self.held(lease, now)?;
        if joined {
            return Err(Fault::Joined);
        }
        if outcome != Outcome::Cancelled && op.settle_at > now && has_settle {
            return Err(Fault::Fenced);
        }
        op.state = State::Done;
        op.outcome = Some(outcome);
        op.owner = None;
        op.lease_until = 0;
        op.done_at = Some(now);
        let op = op.clone();
        if latecomers == Latecomers::AreForAPerson {
            self.set_apart(&op);
        }
        Ok(op)
    }

    /// How many webhooks a cancellation answers.
    pub fn joined(&self, op: OpId) -> usize {
        let of_it = self.deliveries.iter().filter(|one| one.op == op);
        of_it.count()
    }

    /// Gives those who asked only after the deletion was decided an ended record of their own.
    fn set_apart(&mut self, joined: &Op) {
        let own = self.ops.len();
        let of_it = |one: &&mut Delivery| one.op == joined.id;
        let mut all: Vec<_> = self.deliveries.iter_mut().filter(of_it).collect();
        all.retain(|one| Some(one.received_at) > joined.decided_at);
        if all.is_empty() {
            return;
        }
        all.into_iter().for_each(|one| one.op = own);
        self.ops.push(Op {
            id: own,
            outcome: Some(Outcome::Unknown),
            property: None,
            sent: 0,
            apart_from: Some(joined.id),
            ..joined.clone()
        });
    }

    /// The record that a webhook hears of: its own, if it was set apart from the one that it had joined.
    pub fn own_record(&self, joined: OpId, message: usize) -> OpId {
        let mut own = self.deliveries.iter().filter(|one| one.message == message);
        own.find(|one| self.ops[one.op].apart_from == Some(joined))
            .map_or(joined, |one| one.op)
    }

    pub fn spend(&mut self, budget: i64) -> bool {
        let may = self.spent < budget;
        self.spent += i64::from(may);
        may
    }

    pub fn was_cancelled(&self, code: usize) -> bool {
        self.ops
            .iter()
            .any(|op| op.code == code && op.outcome == Some(Outcome::Cancelled))
    }

    /// An embedded journal frees all leases when it is opened: it has no other user.
    pub fn free_leases(&mut self, now: i64) {
        for op in self.ops.iter_mut().filter(|op| op.state != State::Done) {
            op.owner = None;
            op.lease_until = 0;
            op.next_at = now;
        }
    }
}
