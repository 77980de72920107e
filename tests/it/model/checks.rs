//! The promises, each checked against what is true in the model's OZmap and not against what the service believes.
//!
//! What no protocol can help is told apart, exactly and never by guess: a process that stood still between its last
//! check and the sending, a database clock that was set, and a commit that was done and said to have failed.

use std::collections::BTreeMap;

use super::clockwork::Proc;
use super::flow::CLOCKS_APART_MS;
use super::front::{ANSWER_MS, Heard, LAST_MOMENT_MS};
use super::plan::Rules;
use super::safeguards::Promise;
use super::store::{Accepted, DEADLINE_MS, Delivery, Grant, Op, OpId, Outcome, SETTLE_MS, State};
use super::world::{DATABASE_EPOCH, World};

/// How old the guard's reading may be.
const GUARD_AGE_MS_MAX: i64 = 3_000;

/// The longest backoff, a hold, a lease, and a replica that comes back late.
const GRACE_MS: i64 = 900_000;

/// One DELETE that left.
struct Sent {
    op: OpId,
    property: usize,
    /// The process stood still after it had checked for the last time.
    is_torn: bool,
}

/// One arrival of a message at a replica, and what it was told, if anything.
struct Call {
    message: usize,
    heard: Option<Heard>,
    op: Option<OpId>,
}

pub struct Broken {
    pub promise: Promise,
    pub text: String,
    /// What no protocol can help.
    pub irreducible: bool,
}

#[derive(Default)]
pub struct Notes {
    pub broken: Vec<Broken>,
    pub jumps: Vec<(i64, i64)>,
    /// Written down, and said not to be.
    pub commits_in_doubt: Vec<OpId>,
    pub told_early: BTreeMap<(Proc, OpId), Outcome>,
    pub to_come: usize,
    pub is_over: bool,
    sent: Vec<Sent>,
    calls: Vec<Call>,
    /// Per cancellation: who accepted it, and when.
    accepted: BTreeMap<OpId, (Proc, i64)>,
    /// Which calls were promised which cancellation.
    relied: Vec<(OpId, usize)>,
    checked: BTreeMap<OpId, (Proc, Grant, i64)>,
    done: BTreeMap<OpId, (Outcome, i64)>,
    targets: BTreeMap<OpId, usize>,
}

impl Notes {
    pub fn checked(&mut self, me: Proc, grant: Grant, now: i64) {
        self.checked.insert(grant.op, (me, grant, now));
    }

    /// A call reaches a replica.
    pub fn called(&mut self, message: usize) -> usize {
        self.calls.push(Call {
            message,
            heard: None,
            op: None,
        });
        self.calls.len() - 1
    }

    fn breaks(&mut self, promise: Promise, irreducible: bool, text: String) {
        self.broken.push(Broken {
            promise,
            text,
            irreducible,
        });
    }

    fn has_jumped(&self) -> bool {
        !self.jumps.is_empty()
    }

    fn is_torn(&self, op: OpId) -> bool {
        self.has_jumped() || self.sent.iter().any(|sent| sent.op == op && sent.is_torn)
    }
}

impl World {
    pub fn note_accepted(&self, me: Proc, call: usize, accepted: &Accepted) {
        let now = self.now();
        let mut notes = self.notes.borrow_mut();
        let message = notes.calls[call].message;
        self.say(|| format!("r{}.{} m{message}: {accepted:?}", me.replica, me.run));
        let op = match accepted {
            Accepted::Fresh(op) => {
                notes.accepted.insert(op.id, (me, now));
                op
            }
            Accepted::Joined(op) | Accepted::Repeated(op) => op,
        };
        notes.relied.push((op.id, call));
    }

    /// A DELETE leaves now.
    pub fn check_send(&self, me: Proc, op: OpId, property: usize) {
        let (store, truth) = (self.store.borrow(), self.truth.borrow());
        let mut notes = self.notes.borrow_mut();
        let (now, row, target) = (self.now(), &store.ops[op], &truth.properties[property]);
        let Some((_, grant, checked_at)) = notes.checked.get(&op).copied() else {
            return;
        };
        let is_torn = self.machines[me.replica].thawed_at.get() > checked_at;
        let excused = is_torn || notes.has_jumped();
        notes.sent.push(Sent {
            op,
            property,
            is_torn,
        });
        if !row.is_held_by(&grant, self.database_now()) {
            notes.breaks(
                Promise::OneAtATime,
                excused,
                format!("op{op} deletes without a lease"),
            );
        }
        let is_rival = |other: &&Op| {
            other.id != op && other.code == row.code && other.state != State::Done && other.sent > 0
        };
        if let Some(rival) = store.ops.iter().find(is_rival) {
            let text = format!("op{op} and op{} delete the same code at once", rival.id);
            notes.breaks(Promise::OneAtATime, excused, text);
        }
        let before = now - GUARD_AGE_MS_MAX - self.plan.lag_ms;
        let mut refuse = |why: &str| {
            let text = format!("op{op} deletes p{property} {why}");
            notes.breaks(Promise::OnlyWhatMayGo, excused, text);
        };
        if target.code != row.code {
            refuse("of another code");
        }
        if DATABASE_EPOCH + target.created_at > row.created_at + CLOCKS_APART_MS {
            refuse("that was made long after it was asked for");
        }
        if target.implanted_at.is_some_and(|since| since < before) {
            refuse("whose customer was installed well before");
        }
        let mut all = truth.properties.iter().enumerate();
        if all.any(|(id, other)| {
            id != property
                && other.code == row.code
                && other.is_there(before)
                && other.is_there(now)
        }) {
            refuse("though the code leads to several");
        }
        let is_rehearsal = row.rehearsal || self.replica(me).rules.get() != Rules::Work;
        if is_rehearsal {
            let rules = self.replica(me).rules.get();
            notes.breaks(
                Promise::Rehearsal,
                false,
                format!("op{op} deletes p{property} in a rehearsal ({rules:?})"),
            );
        }
        if notes
            .targets
            .insert(op, property)
            .is_some_and(|earlier| earlier != property)
        {
            notes.breaks(
                Promise::NeverChanges,
                false,
                format!("op{op} has a second target"),
            );
        }
        let mut targets: Vec<usize> = notes.sent.iter().map(|sent| sent.property).collect();
        targets.sort_unstable();
        targets.dedup();
        if targets.len() as i64 > self.plan.budget {
            let text = format!(
                "{} deletions in an hour of {}",
                targets.len(),
                self.plan.budget
            );
            notes.breaks(Promise::Budget, false, text);
        }
    }

    /// A cancellation is recorded as ended. Called inside the write.
    pub fn check_done(&self, op: &Op) {
        let (now, id) = (self.now(), op.id);
        let Some(outcome) = op.outcome else {
            return;
        };
        self.say(|| format!("op{id} ends: {outcome:?}"));
        let truth = self.truth.borrow();
        let mut notes = self.notes.borrow_mut();
        if notes.done.insert(id, (outcome, now)).is_some() {
            notes.breaks(Promise::NeverChanges, false, format!("op{id} ends twice"));
        }
        let accepted_at = notes.accepted.get(&id).map_or(0, |(_, at)| *at);
        let is_there = op
            .property
            .is_some_and(|property| truth.properties[property].is_there(now));
        if outcome == Outcome::Cancelled && is_there {
            notes.breaks(
                Promise::CancelledIsGone,
                false,
                format!("op{id} ends cancelled, and its property is there"),
            );
        }
        if matches!(outcome, Outcome::NotFound | Outcome::AlreadyCancelled) {
            let stood = |property: &super::ozmap::Property| {
                property.code == op.code
                    && property.is_there(accepted_at - self.plan.lag_ms)
                    && property.is_there(now)
            };
            if truth.properties.iter().any(stood) {
                notes.breaks(
                    Promise::NoMeansNo,
                    false,
                    format!("op{id} ends {outcome:?}, and it was there all the time"),
                );
            }
        }
        let moved: i64 = notes.jumps.iter().map(|(_, ms)| ms.abs()).sum();
        if now > accepted_at + DEADLINE_MS + SETTLE_MS + GRACE_MS + moved {
            notes.breaks(
                Promise::NothingIsLost,
                false,
                format!("op{id} ends much too late"),
            );
        }
    }

    /// Nobody who asked about a reservation that stands is told that it is gone, or that nothing is there.
    pub fn check_joined(&self, op: &Op, deliveries: &[Delivery]) {
        match op.outcome {
            Some(Outcome::Cancelled | Outcome::NotFound | Outcome::AlreadyCancelled) => {}
            Some(_) | None => return,
        }
        let (now, truth) = (self.now(), self.truth.borrow());
        let mut notes = self.notes.borrow_mut();
        for one in deliveries.iter().filter(|one| one.op == op.id) {
            let asked_at = one.received_at - DATABASE_EPOCH;
            let stands = |property: &super::ozmap::Property| {
                property.code == op.code
                    && property.is_there(asked_at - self.plan.lag_ms)
                    && property.is_there(now)
            };
            if truth.properties.iter().any(stands) {
                let text = format!(
                    "m{} hears {:?} of op{}, and it stands",
                    one.message, op.outcome, op.id
                );
                let excused = notes.has_jumped();
                notes.breaks(Promise::OfItsOwn, excused, text);
            }
        }
    }

    pub fn check_told(&self, call: usize, heard: Heard, op: Option<OpId>, took: Option<i64>) {
        let mut notes = self.notes.borrow_mut();
        let message = notes.calls[call].message;
        self.say(|| format!("m{message} hears {heard:?}"));
        notes.calls[call].heard = Some(heard);
        notes.calls[call].op = op;
        if took.is_some_and(|ms| ms > ANSWER_MS + LAST_MOMENT_MS) {
            notes.breaks(
                Promise::InTime,
                false,
                format!("m{message} is answered after {took:?} ms"),
            );
        }
    }

    /// What can be judged only when everything is over.
    pub fn check_end(&self) {
        let (store, truth) = (self.store.borrow(), self.truth.borrow());
        let mut notes = self.notes.borrow_mut();
        let deleted = |op: OpId| {
            truth
                .properties
                .iter()
                .filter(|property| property.deleted_by == Some(op))
                .count()
        };
        for op in &store.ops {
            let (id, has_deleted, was_sent) = (
                op.id,
                deleted(op.id) > 0,
                notes.sent.iter().any(|sent| sent.op == op.id),
            );
            let Some(outcome) = op.outcome else {
                notes.breaks(
                    Promise::NothingIsLost,
                    false,
                    format!("op{id} never ends: {op:?}"),
                );
                continue;
            };
            let excused = notes.is_torn(id);
            let says_no = !matches!(outcome, Outcome::Cancelled | Outcome::Unknown);
            if says_no && (has_deleted || was_sent && outcome == Outcome::Expired) {
                notes.breaks(
                    Promise::NoMeansNo,
                    excused,
                    format!("op{id} ends {outcome:?}, and its DELETE was sent"),
                );
            }
            if has_deleted || was_sent {
                self.check_declined(&mut notes, id);
            }
        }
        for message in 0..self.plan.messages.len() {
            self.check_answers(&mut notes, message, &store.ops, deleted);
        }
    }

    /// Somebody who was not told no must stand behind every deletion.
    fn check_declined(&self, notes: &mut Notes, op: OpId) {
        let mut calls = notes
            .relied
            .iter()
            .filter(|(relied, _)| *relied == op)
            .map(|(_, call)| &notes.calls[*call]);
        if calls.any(|call| call.heard != Some(Heard::Declined)) {
            return;
        }
        let excused = notes.commits_in_doubt.contains(&op);
        let text =
            format!("op{op} deletes, and its only caller was told that nothing was accepted");
        notes.breaks(Promise::DeclinedIsNothing, excused, text);
    }

    fn check_answers(
        &self,
        notes: &mut Notes,
        message: usize,
        ops: &[Op],
        deleted: impl Fn(OpId) -> usize,
    ) {
        let excused = notes.has_jumped();
        let has_key = self.plan.messages[message].has_key;
        let mut first: Option<Outcome> = None;
        let mut texts = Vec::new();
        for told in notes.calls.iter().filter(|call| call.message == message) {
            let Some(Heard::Final(outcome)) = told.heard else {
                continue;
            };
            if let Some(op) = told.op.filter(|op| ops[*op].outcome != Some(outcome)) {
                texts.push(format!(
                    "m{message} was told {outcome:?}, and op{op} ended {:?}",
                    ops[op].outcome
                ));
            }
            // Without a key, asking again about anything but a deletion may be answered better.
            let binds = has_key || first == Some(Outcome::Cancelled);
            if binds && first.is_some_and(|first| first != outcome) {
                texts.push(format!("m{message} was told {first:?}, then {outcome:?}"));
            }
            first = first.or(Some(outcome));
        }
        let mut mine: Vec<OpId> = notes
            .relied
            .iter()
            .filter(|(_, call)| notes.calls[*call].message == message)
            .map(|(op, _)| *op)
            .collect();
        mine.sort_unstable();
        mine.dedup();
        if mine.iter().map(|op| deleted(*op)).sum::<usize>() > 1 {
            texts.push(format!("m{message} deleted more than one reservation"));
        }
        for text in texts {
            notes.breaks(Promise::OneAnswer, excused, text);
        }
    }
}
