//! The promise to a webhook, the answer in time, and the loop that takes up what was left behind.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::clockwork::{Proc, Signal};
use super::flow::Held;
use super::plan::Point;
use super::safeguards::Safeguard;
use super::store::{Accepted, Delivery, Fault, LEASE_MS, OpId, Outcome, State, Withdrawn};
use super::world::World;

pub const ANSWER_MS: i64 = 4_000;

/// What a caller hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Final(Outcome),
    Pending,
    /// 503: nothing was accepted.
    Declined,
}

/// Which side decided first: the promise is kept, or the caller was told no.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Word {
    #[default]
    Open,
    Kept,
    Declined,
}

/// Which cancellation, and how it had ended already.
type Promised = Result<(OpId, Option<Outcome>), Fault>;

/// Between the handler and the task that makes the promise.
#[derive(Default)]
struct Talk {
    word: Cell<Word>,
    promised: RefCell<Option<Promised>>,
    signal: Rc<Signal>,
    call: usize,
    /// What was written down, whether or not that is known.
    made: Cell<Option<OpId>>,
}

/// A replica comes up: it proves its key, then takes up what is due.
pub async fn boot(world: World, me: Proc) {
    let _ = world.probe(me).await;
    while world.has(Safeguard::Recovery) && !world.replica(me).stopping.get() {
        let asked_at = world.monotonic(me);
        let wait = match world.write(|store, now| Ok(store.take_due(me, now))).await {
            Ok(Some(op)) => {
                world.say(|| {
                    format!(
                        "r{}.{} takes op{} up in {:?}",
                        me.replica, me.run, op.id, op.state
                    )
                });
                let held = Held::new(&world, me, op, asked_at);
                let flow = world.clone();
                world.spawn(me, async move { flow.drive(me, held).await });
                continue;
            }
            Ok(None) => {
                let next = world.store.borrow().next_due();
                next.map_or(5_000, |at| at - world.database_now() + 1)
            }
            Err(_) => 1_000,
        };
        world.sleep(wait.clamp(20, 5_000)).await;
    }
}

pub async fn webhook(world: World, me: Proc, message: usize) {
    let (asked_at, woken_at) = (world.now(), world.machines[me.replica].thawed_at.get());
    let call = world.note(|notes| notes.called(message));
    let (heard, op) = answer(&world, me, message, call).await;
    // A process that stood still could not answer.
    let stood_still = world.machines[me.replica].thawed_at.get() != woken_at;
    let took = world.now() - asked_at;
    world.check_told(call, heard, op, (!stood_still).then_some(took));
}

async fn answer(world: &World, me: Proc, message: usize, call: usize) -> (Heard, Option<OpId>) {
    if world.replica(me).stopping.get() {
        return (Heard::Declined, None);
    }
    let answer_by = world.now() + ANSWER_MS;
    let talk = Rc::new(Talk {
        call,
        ..Talk::default()
    });
    let task = promise(world.clone(), me, message, talk.clone());
    world.spawn(me, task);
    world.clockwork.sleep_or(answer_by, &talk.signal).await;
    if talk.word.get() == Word::Open {
        talk.word.set(Word::Declined);
        world.at(me, Point::Declined).await;
        return (Heard::Declined, None);
    }
    // It was promised in the same moment; the word is on its way.
    while talk.promised.borrow().is_none() {
        world.sleep(1).await;
    }
    let promised = *talk.promised.borrow();
    let Some(Ok((op, outcome))) = promised else {
        return (Heard::Declined, None);
    };
    if let Some(outcome) = outcome {
        return (Heard::Final(outcome), Some(op));
    }
    let signal = Rc::new(Signal::default());
    world
        .replica(me)
        .watchers
        .borrow_mut()
        .push((op, signal.clone()));
    let until = match world.has(Safeguard::AnswerInTime) {
        true => answer_by,
        false => answer_by + 3_600_000,
    };
    // It may have ended between the reading and the watching.
    if world.store.borrow().ops[op].state != State::Done {
        world.clockwork.sleep_or(until, &signal).await;
    }
    let early = world.note(|notes| notes.told_early.get(&(me, op)).copied());
    match early.or(world.store.borrow().ops[op].outcome) {
        Some(outcome) => (Heard::Final(outcome), Some(op)),
        None => (Heard::Pending, Some(op)),
    }
}

/// Makes the promise, whether or not its caller still listens.
async fn promise(world: World, me: Proc, message: usize, talk: Rc<Talk>) {
    world.at(me, Point::AcceptAsked).await;
    let asked_at = world.monotonic(me);
    let accepted = accept(&world, me, message, &talk).await;
    world.at(me, Point::Accepted).await;
    let is_kept = talk.word.get() == Word::Open;
    if is_kept {
        talk.word.set(Word::Kept);
    }
    let tell = |promised| {
        *talk.promised.borrow_mut() = Some(promised);
        world.clockwork.give(&talk.signal);
    };
    let op = match accepted {
        Ok(Accepted::Fresh(op)) => op,
        Ok(Accepted::Joined(op) | Accepted::Repeated(op)) => {
            tell(Ok((op.id, op.outcome)));
            if !is_kept && world.has(Safeguard::WithdrawWhatJoined) {
                withdraw(&world, me, &talk, op.id, asked_at + LEASE_MS).await;
            }
            return;
        }
        Err(fault) => {
            world.note(|notes| notes.torn_withdrawals.extend(talk.made.get()));
            return tell(Err(fault));
        }
    };
    let held = Held::new(&world, me, op, asked_at);
    if is_kept || !world.has(Safeguard::Withdraw) {
        tell(Ok((held.op.id, None)));
        return world.drive(me, held).await;
    }
    if withdraw(&world, me, &talk, held.op.id, held.until.get()).await {
        world.drive(me, held).await;
    }
}

/// Undoes a promise that its caller was told no about; whether it must be kept all the same, because others rely on it.
async fn withdraw(world: &World, me: Proc, talk: &Talk, op: OpId, until: i64) -> bool {
    let call = talk.call;
    loop {
        let withdrawn = world.write(|store, _| {
            let withdrawn = store.withdraw(op, call);
            world.note(|notes| notes.withdrawn(op, call, withdrawn));
            Ok(withdrawn)
        });
        match withdrawn.await {
            Ok(withdrawn) => return withdrawn == Withdrawn::OthersRelyOnIt,
            Err(_) if !world.has(Safeguard::WithdrawUntilItIsWritten) => return false,
            Err(_) => {}
        }
        world.sleep(500).await;
        if until <= world.monotonic(me) {
            world.note(|notes| notes.torn_withdrawals.push(op));
            return false;
        }
    }
}

async fn accept(world: &World, me: Proc, message: usize, talk: &Talk) -> Result<Accepted, Fault> {
    let plan = &world.plan.messages[message];
    let asked = Delivery {
        message,
        has_key: plan.has_key,
        code: plan.code,
        rehearsal: plan.rehearsal,
        op: 0,
        received_at: 0,
        call: talk.call,
        is_repetition: false,
        was_told_no: false,
    };
    world
        .write(|store, now| {
            if talk.word.get() == Word::Declined {
                return Err(Fault::Unavailable);
            }
            let accepted = store.accept(&asked, me, now);
            let (Accepted::Fresh(op) | Accepted::Joined(op) | Accepted::Repeated(op)) = &accepted;
            talk.made.set(Some(op.id));
            world.note_accepted(me, talk.call, &accepted);
            Ok(accepted)
        })
        .await
}

impl World {
    /// What a flow without the rule tells its callers before it is written down.
    pub fn tell_early(&self, me: Proc, op: OpId, outcome: Outcome) {
        self.note(|notes| notes.told_early.insert((me, op), outcome));
        for (watched, signal) in self.replica(me).watchers.borrow().iter() {
            if *watched == op {
                self.clockwork.give(signal);
            }
        }
    }
}
