//! What happens to the world of a schedule.

use super::plan::Act;
use super::world::World;

/// How long a replica that stops lets its work come to an end.
const DRAIN_MS: i64 = 20_000;

impl World {
    pub fn act(&self, act: Act, replica: usize) {
        self.say(|| format!("     *** {act:?} (r{replica})"));
        let now = self.now();
        let machine = &self.machines[replica];
        match act {
            Act::Kill { back_after } => self.kill(replica, back_after),
            Act::Stop { back_after } => self.stop(replica, back_after),
            Act::Reconfigure { rules } => {
                machine.rules.set(rules);
                self.kill(replica, 1_000);
            }
            Act::Freeze { ms } => self.freeze(replica, ms),
            Act::Suspend { ms } => {
                self.freeze(replica, ms);
                machine.suspended_ms.set(machine.suspended_ms.get() + ms);
            }
            Act::Jump { ms } => {
                self.jump_ms.set(self.jump_ms.get() + ms);
                self.note(|notes| notes.jumps.push((now, ms)));
            }
            Act::Implant => self.implant(),
            Act::ReserveAnew => self.reserve_anew(),
            Act::ReserveAlso => self.reserve(0, now, None),
            Act::Outage { ms } => self.outage_until.set(now + ms),
            Act::Revoke { ms } => self.truth.borrow_mut().revoked_until = now + ms,
            Act::Gateway { ms } => self.truth.borrow_mut().gateway_until = now + ms,
            Act::RouteGone { ms } => self.truth.borrow_mut().route_gone_until = now + ms,
            Act::Deny {
                by_code,
                by_id,
                renamed_ms,
            } => {
                let mut truth = self.truth.borrow_mut();
                truth.denials_by_code = by_code;
                truth.denials_by_id = by_id;
                truth.renamed_until = now + renamed_ms;
            }
            Act::Again => {
                for (message, asked) in self.plan.messages.iter().enumerate() {
                    // Before its first arrival it is no repetition, and much later only a key is remembered.
                    let age = now - asked.arrivals[0].0;
                    if age > 0 && (asked.has_key || age < 550_000) {
                        self.arrive(1, replica, message);
                    }
                }
            }
        }
    }

    fn freeze(&self, replica: usize, ms: i64) {
        let machine = &self.machines[replica];
        let until = (self.now() + ms).max(machine.frozen_until.get());
        machine.frozen_until.set(until);
        machine.thawed_at.set(until);
    }

    fn implant(&self) {
        let now = self.now();
        for property in &mut self.truth.borrow_mut().properties {
            if property.code == 0 && property.is_there(now) && property.implanted_at.is_none() {
                property.implanted_at = Some(now);
            }
        }
    }

    fn reserve_anew(&self) {
        let now = self.now();
        for property in &mut self.truth.borrow_mut().properties {
            if property.code == 0 && property.gone_at.is_none() {
                property.gone_at = Some(now);
            }
        }
        self.reserve(0, now, None);
    }

    pub fn kill(&self, replica: usize, back_after: i64) {
        let Some(me) = self.up(replica) else {
            return;
        };
        let machine = &self.machines[replica];
        machine.is_up.set(false);
        machine.frozen_until.set(0);
        self.clockwork.kill_all(me);
        let world = self.clone();
        self.clockwork.spawn(None, async move {
            world.sleep(back_after).await;
            world.start(replica);
        });
    }

    fn stop(&self, replica: usize, back_after: i64) {
        let Some(me) = self.up(replica) else {
            return;
        };
        self.replica(me).stopping.set(true);
        let world = self.clone();
        self.clockwork.spawn(None, async move {
            world.sleep(DRAIN_MS).await;
            if world.is_alive(me) {
                world.kill(replica, back_after);
            }
        });
    }
}
