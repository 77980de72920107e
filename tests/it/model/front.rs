//! The promise to a webhook, the answer in time, and the loop that takes up what was left behind.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::clockwork::{Proc, Signal};
use super::flow::Held;
use super::plan::Point;
use super::safeguards::Safeguard;
use super::store::{Accepted, Delivery, Fault, OpId, Outcome, State};
use super::world::World;

pub const ANSWER_MS: i64 = 4_000;

/// How much longer a caller waits whose promise is on its way to the disk.
pub const LAST_MOMENT_MS: i64 = 50;

/// What a caller hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Final(Outcome),
    Pending,
    /// 503: nothing was accepted.
    Declined,
    /// It may have been accepted; ask again.
    InDoubt,
}

/// Which side decided first: the promise is on its way to the disk, or the caller was told no.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Word {
    #[default]
    Open,
    Given,
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
    let may_be_told_no = talk.word.get() == Word::Open || !world.has(Safeguard::NoWordTwice);
    if talk.promised.borrow().is_none() && may_be_told_no {
        talk.word.set(Word::Declined);
        world.at(me, Point::Declined).await;
        return (Heard::Declined, None);
    }
    if talk.promised.borrow().is_none() {
        let last_moment = answer_by + LAST_MOMENT_MS;
        world.clockwork.sleep_or(last_moment, &talk.signal).await;
    }
    let promised = *talk.promised.borrow();
    let (op, outcome) = match promised {
        Some(Ok(promised)) => promised,
        Some(Err(_)) => return (Heard::Declined, None),
        None => return (Heard::InDoubt, None),
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
    let until = if world.has(Safeguard::AnswerInTime) {
        answer_by
    } else {
        answer_by + 3_600_000
    };
    // It may have ended between the reading and the watching.
    if world.store.borrow().ops[op].state != State::Done {
        world.clockwork.sleep_or(until, &signal).await;
    }
    let early = world.note(|notes| notes.told_early.get(&(me, op)).copied());
    let op = world.store.borrow().own_record(op, message);
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
    let tell = |promised| {
        *talk.promised.borrow_mut() = Some(promised);
        world.clockwork.give(&talk.signal);
    };
    let op = match accepted {
        Ok(Accepted::Fresh(op)) => op,
        Ok(Accepted::Joined(op) | Accepted::Repeated(op)) => return tell(Ok((op.id, op.outcome))),
        Err(fault) => {
            world.note(|notes| notes.commits_in_doubt.extend(talk.made.get()));
            return tell(Err(fault));
        }
    };
    let held = Held::new(&world, me, op, asked_at);
    tell(Ok((held.op.id, None)));
    world.drive(me, held).await;
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
    };
    world
        .write(|store, now| {
            if talk.word.get() == Word::Declined && world.has(Safeguard::NotWhatWasToldNo) {
                return Err(Fault::Unavailable);
            }
            let accepted = store.accept(&asked, me, now);
            let (Accepted::Fresh(op) | Accepted::Joined(op) | Accepted::Repeated(op)) = &accepted;
            talk.made.set(Some(op.id));
            if talk.word.get() == Word::Open {
                talk.word.set(Word::Given);
            }
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
