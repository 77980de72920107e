//! The life of a flow in a replica: step after step under a lease that is kept alive.

use std::cell::Cell;

use super::clockwork::Proc;
use super::flow::{Held, Memory, Step};
use super::safeguards::Safeguard;
use super::store::{Fault, Grant, LEASE_MS, State};
use super::world::World;

const PAUSE_UNDER_LEASE_MAX: i64 = 5_000;

impl World {
    /// Works on a cancellation until it ends, pauses for long, or the lease is lost.
    pub async fn drive(&self, me: Proc, mut held: Held) {
        let flow = self.clockwork.current();
        let (world, grant, until) = (self.clone(), held.grant, held.until.clone());
        let beat = self.spawn(me, async move {
            world.keep_alive(me, grant, &until).await;
            world.say(|| format!("     op{}: the lease is lost", grant.op));
            world.clockwork.kill(flow);
        });
        let is_finished = self.steps(me, &mut held).await;
        self.clockwork.kill(beat);
        if is_finished {
            let memory = self.replica(me);
            let mut watchers = memory.watchers.borrow_mut();
            for (_, signal) in watchers.iter().filter(|(op, _)| *op == held.op.id) {
                self.clockwork.give(signal);
            }
            watchers.retain(|(op, _)| *op != held.op.id);
        }
    }

    async fn keep_alive(&self, me: Proc, grant: Grant, until: &Cell<i64>) {
        loop {
            let left = until.get() - self.monotonic(me);
            self.sleep((LEASE_MS / 3).min(left)).await;
            let asked_at = self.monotonic(me);
            match self.write(|store, now| store.renew(&grant, now)).await {
                Ok(()) => until.set(self.lease_end(me, asked_at)),
                Err(Fault::Fenced | Fault::Joined) => return,
                Err(Fault::Unavailable) => {
                    self.sleep(500).await;
                    if until.get() <= self.monotonic(me) {
                        return;
                    }
                }
            }
        }
    }

    async fn steps(&self, me: Proc, held: &mut Held) -> bool {
        let mut memory = Memory::default();
        loop {
            let step = match held.op.state {
                State::Accepted => self.begin(me, held, &mut memory).await,
                State::Intent | State::Acked
                    if !self.has(Safeguard::RecordedId) && !memory.sent =>
                {
                    self.begin(me, held, &mut memory).await
                }
                State::Intent | State::Acked => self.make_sure(me, held, &mut memory).await,
                State::Done => Ok(Step::Finished),
            };
            match step {
                Ok(Step::Again) => {}
                Ok(Step::Finished) => return true,
                Ok(Step::Park) => return self.give_back(held, 0).await,
                Ok(Step::Wait(pause)) if pause > PAUSE_UNDER_LEASE_MAX => {
                    return self.give_back(held, pause).await;
                }
                Ok(Step::Wait(pause)) => {
                    self.sleep(pause).await;
                    if held.op.state == State::Accepted && self.replica(me).stopping.get() {
                        return self.give_back(held, 0).await;
                    }
                }
                Err(Fault::Fenced | Fault::Joined) => return false,
                Err(Fault::Unavailable) => {
                    self.sleep(500).await;
                    if held.until.get() <= self.monotonic(me) {
                        return false;
                    }
                }
            }
        }
    }

    async fn give_back(&self, held: &Held, pause: i64) -> bool {
        let grant = held.grant;
        // If it fails, the lease runs out by itself.
        let _ = self
            .write(|store, now| store.back_off(&grant, pause, now))
            .await;
        false
    }
}
