//! The rules of a cancellation, step after step, as the service keeps them.

use std::cell::Cell;
use std::rc::Rc;

use super::clockwork::Proc;
use super::ozmap::{Presence, Sighting, Trouble};
use super::plan::{Point, Rules};
use super::safeguards::Safeguard;
use super::store::{Fault, Grant, LEASE_MS, Latecomers, Op, Outcome, State};
use super::world::{Moment, World};

const GUARD_AGE_MS_MAX: i64 = 3_000;
/// How much later than the request something may seem to be made; scaled down like the deadline.
pub const CLOCKS_APART_MS: i64 = 60_000;
const DELETE_MS: i64 = 20_000;
const LEASE_MARGIN_MS: i64 = 2_000;
const HELD_MS: i64 = 60_000;
const KEY_REFUSED_MS: i64 = 30_000;
const CONFIRMED_DELETES_MAX: i64 = 2;
const DELETES_MAX: i64 = 20;
const LOOKS_APART_MS: i64 = 700;
const LOOKS_AFTER_ACK_MS: [i64; 3] = [300, 1_000, 3_000];

/// A cancellation and the lease on it.
pub struct Held {
    pub op: Op,
    pub grant: Grant,
    /// Until when, on the monotonic clock of the one who holds it.
    pub until: Rc<Cell<i64>>,
    /// When the row was read, on both sides.
    read_at: (i64, i64),
}

pub enum Step {
    Again,
    Wait(i64),
    Finished,
    Park,
}

#[derive(Default)]
pub struct Memory {
    pub sent: bool,
    looks: usize,
    failures: i64,
    too_old: i64,
    pub joined: i64,
    /// Its code showed nothing, once.
    absent: bool,
    /// It was seen gone, once, after a DELETE that was not confirmed.
    gone: bool,
}

enum Verdict {
    Absent,
    Keep(Outcome),
    Delete(Target),
}

#[derive(Clone, Copy)]
struct Target {
    property: usize,
    read_at: Moment,
}

impl Held {
    pub fn new(world: &World, me: Proc, op: Op, asked_at: i64) -> Self {
        let grant = Grant {
            op: op.id,
            fence: op.fence,
            owner: me,
        };
        let until = Rc::new(Cell::new(world.lease_end(me, asked_at)));
        let mut held = Self {
            op,
            grant,
            until,
            read_at: (0, 0),
        };
        held.is_now(world, me, None);
        held
    }

    fn is_now(&mut self, world: &World, me: Proc, op: Option<Op>) {
        self.op = op.unwrap_or_else(|| self.op.clone());
        self.read_at = (world.database_now(), world.monotonic(me));
    }

    /// The database's clock, carried forward from the reading of the row.
    fn now(&self, world: &World, me: Proc) -> i64 {
        self.read_at.0 + world.monotonic(me) - self.read_at.1
    }
}

/// What held before a look.
pub struct Before {
    /// For how long something that was sent could still take effect.
    unsettled: i64,
    /// Who may hear what it showed.
    latecomers: Latecomers,
}

impl World {
    pub fn lease_end(&self, me: Proc, asked_at: i64) -> i64 {
        if self.has(Safeguard::LeaseFromBeforeCommit) {
            asked_at + LEASE_MS
        } else {
            self.monotonic(me) + LEASE_MS
        }
    }

    pub fn jitter(&self, attempts: i64) -> i64 {
        let bound = (500 << attempts.clamp(0, 12)).min(300_000);
        self.random.between(100, bound)
    }

    pub fn is_past_deadline(&self, me: Proc, held: &Held) -> bool {
        self.has(Safeguard::Deadline) && held.op.deadline_at <= held.now(self, me)
    }

    pub async fn begin(
        &self,
        me: Proc,
        held: &mut Held,
        memory: &mut Memory,
    ) -> Result<Step, Fault> {
        if self.is_past_deadline(me, held) {
            return self.finish(me, held, Outcome::Expired).await;
        }
        let rules = self.replica(me).rules.get();
        if rules == Rules::Pause && self.has(Safeguard::Pause) {
            return Ok(Step::Wait(HELD_MS));
        }
        if self.replica(me).stopping.get() {
            return Ok(Step::Park);
        }
        let latecomers = self.asked_by_now(held).await?;
        let sighting = match self.look_up(me, held.op.code).await {
            Ok(sighting) => sighting,
            Err(trouble) => return Ok(self.wait_after(trouble, held, memory)),
        };
        memory.failures = 0;
        match self.judge(&sighting, &held.op) {
            Verdict::Absent if !memory.absent && self.has(Safeguard::SeenAbsentTwice) => {
                memory.absent = true;
                Ok(Step::Wait(LOOKS_APART_MS))
            }
            Verdict::Absent => {
                let code = held.op.code;
                let outcome = if self.write(|store, _| Ok(store.was_cancelled(code))).await? {
                    Outcome::AlreadyCancelled
                } else {
                    Outcome::NotFound
                };
                self.finish_seen(me, held, memory, outcome, latecomers)
                    .await
            }
            Verdict::Keep(outcome) => {
                self.finish_seen(me, held, memory, outcome, latecomers)
                    .await
            }
            Verdict::Delete(_)
                if held.op.rehearsal && self.has(Safeguard::RehearsalOfTheCaller) =>
            {
                let outcome = Outcome::WouldCancel;
                self.finish_seen(me, held, memory, outcome, latecomers)
                    .await
            }
            Verdict::Delete(_)
                if rules == Rules::Rehearse && self.has(Safeguard::RehearsalOfTheOperator) =>
            {
                Ok(Step::Wait(HELD_MS))
            }
            Verdict::Delete(target) if self.is_too_old(me, target) => {
                Ok(self.read_anew(held, memory))
            }
            Verdict::Delete(target) => {
                let budget = if self.has(Safeguard::SpendTheBudget) {
                    self.plan.budget
                } else {
                    i64::MAX
                };
                if !self.write(|store, _| Ok(store.spend(budget))).await? {
                    return Ok(Step::Wait(HELD_MS));
                }
                self.delete(me, held, memory, target).await
            }
        }
    }

    async fn delete(
        &self,
        me: Proc,
        held: &mut Held,
        memory: &mut Memory,
        target: Target,
    ) -> Result<Step, Fault> {
        if self.replica(me).stopping.get() {
            return Ok(Step::Park);
        }
        if self.has(Safeguard::Intent) {
            self.at(me, Point::IntentAsked).await;
            let (grant, asked_at) = (held.grant, self.monotonic(me));
            let op = self
                .write(|store, now| {
                    store.intend(&grant, target.property, self.age(me, target.read_at), now)
                })
                .await?;
            held.is_now(self, me, Some(op));
            held.until.set(self.lease_end(me, asked_at));
            self.at(me, Point::IntentWritten).await;
        }
        memory.looks = 0;
        memory.joined = 0;
        memory.sent = true;
        memory.gone = false;
        let answer = self.send(me, held, target).await;
        if !self.has(Safeguard::Intent) {
            let grant = held.grant;
            let op = self
                .write(|store, now| {
                    store.intend(&grant, target.property, self.age(me, target.read_at), now)
                })
                .await?;
            held.is_now(self, me, Some(op));
        }
        let trusts = match answer {
            Ok(()) => {
                !self.has(Safeguard::LookAgainAfterConfirmed)
                    || !self.has(Safeguard::ReadTheConfirmation)
            }
            Err(_) => false,
        };
        let was_sent = answer != Err(Trouble::Stale);
        if trusts || was_sent && !self.has(Safeguard::LookAgain) {
            return self.finish(me, held, Outcome::Cancelled).await;
        }
        if answer.is_ok() {
            let grant = held.grant;
            let op = self.write(|store, _| store.acked(&grant)).await?;
            held.is_now(self, me, Some(op));
            self.at(me, Point::AckWritten).await;
        } else {
            // The note in the history.
            self.write(|_, _| Ok(())).await?;
        }
        Ok(Step::Again)
    }

    /// The last look at what allows the DELETE; then nothing stands between it and the wire.
    async fn send(&self, me: Proc, held: &Held, target: Target) -> Result<(), Trouble> {
        if self.is_too_old(me, target) {
            return Err(Trouble::Stale);
        }
        let left = held.until.get() - self.monotonic(me);
        if left < DELETE_MS + LEASE_MARGIN_MS && self.has(Safeguard::LeaseBeforeSending) {
            return Err(Trouble::Stale);
        }
        self.note(|notes| notes.checked(me, held.grant, self.now()));
        self.at(me, Point::DeleteChecked).await;
        self.send_delete(me, held.op.id, target.property).await
    }

    fn is_too_old(&self, me: Proc, target: Target) -> bool {
        self.has(Safeguard::GuardAge) && self.age(me, target.read_at) > GUARD_AGE_MS_MAX
    }

    pub async fn make_sure(
        &self,
        me: Proc,
        held: &mut Held,
        memory: &mut Memory,
    ) -> Result<Step, Fault> {
        let Some(property) = held.op.property else {
            return Ok(Step::Park);
        };
        let mut unsettled = held.op.settle_at - held.now(self, me);
        let latecomers = self.asked_before_the_last_look(held, memory).await?;
        let seen = match self.look_again(me, property, held.op.code).await {
            Ok(Presence::Gone { reserved_again })
                if held.op.state != State::Acked && self.has(Safeguard::SeenGoneTwice) =>
            {
                if !memory.gone {
                    memory.gone = true;
                    return Ok(Step::Wait(LOOKS_APART_MS));
                }
                if self.has(Safeguard::TheClientIsAskedToo) {
                    self.testify(me, property).await.map(|gone| {
                        if gone {
                            Presence::Gone { reserved_again }
                        } else {
                            Presence::Contradicted
                        }
                    })
                } else {
                    Ok(Presence::Gone { reserved_again })
                }
            }
            seen => seen,
        };
        let sighting = match seen {
            Ok(Presence::Contradicted) => {
                memory.gone = false;
                if unsettled <= 0 {
                    return self.finish(me, held, Outcome::Unknown).await;
                }
                memory.failures += 1;
                return Ok(Step::Wait(self.jitter(memory.failures)));
            }
            Ok(Presence::Gone { reserved_again }) => {
                let latecomers = match (reserved_again, self.has(Safeguard::SetLatecomersApart)) {
                    (true, true) => Latecomers::AreForAPerson,
                    (true, false) => Latecomers::HearTheSame,
                    (false, _) => latecomers,
                };
                let gone = Outcome::Cancelled;
                return self.finish_seen(me, held, memory, gone, latecomers).await;
            }
            Ok(Presence::Present(sighting)) => {
                memory.gone = false;
                sighting
            }
            Err(_)
                if self.is_past_deadline(me, held) && held.op.settle_at <= held.now(self, me) =>
            {
                return self.finish(me, held, self.given_up()).await;
            }
            Err(trouble) => return Ok(self.wait_after(trouble, held, memory)),
        };
        memory.failures = 0;
        if !self.has(Safeguard::SettledBeforeLooking) {
            unsettled = held.op.settle_at - held.now(self, me);
        }
        let before = Before {
            unsettled,
            latecomers,
        };
        self.still_there(me, held, memory, &sighting, before).await
    }

    async fn still_there(
        &self,
        me: Proc,
        held: &mut Held,
        memory: &mut Memory,
        sighting: &Sighting,
        before: Before,
    ) -> Result<Step, Fault> {
        let looks = memory.looks;
        memory.looks += 1;
        let pause = match held.op.state {
            State::Acked => LOOKS_AFTER_ACK_MS.get(looks).copied(),
            State::Accepted | State::Intent | State::Done => {
                (looks == 0 && memory.sent).then(|| self.jitter(held.op.sent))
            }
        };
        if let Some(pause) = pause {
            return Ok(Step::Wait(pause));
        }
        let is_held = match self.replica(me).rules.get() {
            Rules::Work => false,
            Rules::Rehearse => self.has(Safeguard::RehearsalHoldsTheSecond),
            Rules::Pause => self.has(Safeguard::Pause),
        };
        if is_held && !self.is_past_deadline(me, held) {
            return Ok(Step::Wait(HELD_MS));
        }
        let is_given_up = self.is_past_deadline(me, held)
            || held.op.sent >= DELETES_MAX
            || held.op.state == State::Acked && held.op.sent >= CONFIRMED_DELETES_MAX;
        let verdict = match (self.judge(sighting, &held.op), held.op.property) {
            (Verdict::Keep(_), Some(property)) if !self.has(Safeguard::GuardEveryTime) => {
                Verdict::Delete(Target {
                    property,
                    read_at: sighting.read_at,
                })
            }
            (verdict, _) => verdict,
        };
        let verdict = match verdict {
            Verdict::Delete(target)
                if !is_given_up
                    && self.has(Safeguard::OnlyOneOfItsCode)
                    && self.has(Safeguard::GuardEveryTime) =>
            {
                // By its id it stands alone; whether it is the only one of its code, only the code tells.
                let by_code = match self.look_up(me, held.op.code).await {
                    Ok(by_code) => by_code,
                    Err(trouble) => return Ok(self.wait_after(trouble, held, memory)),
                };
                let is_shown = by_code.rows.iter().any(|row| row.id == target.property);
                match self.judge(&by_code, &held.op) {
                    Verdict::Delete(found) if found.property == target.property => {
                        Verdict::Delete(found)
                    }
                    keep @ Verdict::Keep(_) if is_shown => keep,
                    // What stands there instead is no reason for or against the one that was deleted.
                    Verdict::Keep(_) | Verdict::Delete(_) | Verdict::Absent => {
                        memory.failures += 1;
                        return Ok(Step::Wait(self.jitter(memory.failures)));
                    }
                }
            }
            verdict @ (Verdict::Absent | Verdict::Keep(_) | Verdict::Delete(_)) => verdict,
        };
        let outcome = match verdict {
            Verdict::Delete(target) if !is_given_up && self.is_too_old(me, target) => {
                return Ok(self.read_anew(held, memory));
            }
            Verdict::Delete(target) if !is_given_up => {
                return self.delete(me, held, memory, target).await;
            }
            Verdict::Delete(_) | Verdict::Absent => self.given_up(),
            Verdict::Keep(outcome) => outcome,
        };
        self.write(|_, _| Ok(())).await?;
        match outcome {
            _ if before.unsettled > 0 && self.has(Safeguard::Settle) => {
                Ok(Step::Wait(before.unsettled))
            }
            // A person looks, whoever asked.
            Outcome::Unknown | Outcome::Expired => self.finish(me, held, outcome).await,
            Outcome::Cancelled
            | Outcome::AlreadyCancelled
            | Outcome::NotFound
            | Outcome::Installed
            | Outcome::Review
            | Outcome::WouldCancel => {
                self.finish_seen(me, held, memory, outcome, before.latecomers)
                    .await
            }
        }
    }

    fn given_up(&self) -> Outcome {
        if self.has(Safeguard::GivenUpIsUnknown) {
            Outcome::Unknown
        } else {
            Outcome::Expired
        }
    }

    fn judge(&self, sighting: &Sighting, op: &Op) -> Verdict {
        let row = match sighting.rows.as_slice() {
            [] => return Verdict::Absent,
            [row] => row,
            [row, ..] if !self.has(Safeguard::OneRowOnly) => row,
            [_, _, ..] => return Verdict::Keep(Outcome::Review),
        };
        if row.code != op.code && self.has(Safeguard::CompareTheCode) {
            return Verdict::Keep(Outcome::Review);
        }
        if row.implanted && self.has(Safeguard::KeepInstalled) {
            return Verdict::Keep(Outcome::Installed);
        }
        if row.created_at > op.created_at + CLOCKS_APART_MS
            && self.has(Safeguard::NotWhatWasMadeLater)
        {
            return Verdict::Keep(Outcome::Review);
        }
        Verdict::Delete(Target {
            property: row.id,
            read_at: sighting.read_at,
        })
    }

    async fn finish(&self, me: Proc, held: &mut Held, outcome: Outcome) -> Result<Step, Fault> {
        self.end(me, held, outcome, Latecomers::HearTheSame).await
    }

    pub async fn end(
        &self,
        me: Proc,
        held: &mut Held,
        outcome: Outcome,
        latecomers: Latecomers,
    ) -> Result<Step, Fault> {
        self.at(me, Point::DoneAsked).await;
        if !self.has(Safeguard::RecordThenTell) {
            self.tell_early(me, held.op.id, outcome);
        }
        let grant = held.grant;
        let op = self
            .write(|store, now| {
                let op = store.done(&grant, outcome, latecomers, now)?;
                self.check_done(&op);
                self.check_joined(&op, &store.deliveries);
                Ok(op)
            })
            .await?;
        held.is_now(self, me, Some(op));
        self.at(me, Point::DoneWritten).await;
        Ok(Step::Finished)
    }

    fn wait_after(&self, trouble: Trouble, held: &Held, memory: &mut Memory) -> Step {
        memory.failures += 1;
        Step::Wait(match trouble {
            Trouble::Unauthorized => KEY_REFUSED_MS,
            Trouble::Other | Trouble::Stale => self.jitter(held.op.attempt.max(memory.failures)),
        })
    }

    fn read_anew(&self, held: &Held, memory: &mut Memory) -> Step {
        memory.too_old += 1;
        Step::Wait(self.jitter(held.op.attempt.max(memory.too_old)))
    }
}
