//! Who may hear what a look showed: nobody who asked after it began.

use super::clockwork::Proc;
use super::flow::{Held, Memory, Step};
use super::safeguards::Safeguard;
use super::store::{Fault, Latecomers, Outcome};
use super::world::World;

/// How often a look after the deletion is made anew because somebody joined during it.
const JOINED_MAX: i64 = 3;

impl World {
    /// Who may hear what a look that begins now will show: those who are there.
    pub async fn asked_by_now(&self, held: &Held) -> Result<Latecomers, Fault> {
        let op = held.op.id;
        if self.has(Safeguard::LookAgainForWhoJoins) {
            let joined = self.write(|store, _| Ok(store.joined(op))).await?;
            Ok(Latecomers::AreNoMoreThan(joined))
        } else {
            Ok(Latecomers::HearTheSame)
        }
    }

    /// The same of a look after the deletion, which is not made anew for ever.
    pub async fn asked_before_the_last_look(
        &self,
        held: &Held,
        memory: &Memory,
    ) -> Result<Latecomers, Fault> {
        let is_enough = memory.joined >= JOINED_MAX;
        if is_enough && self.has(Safeguard::SetLatecomersApart) {
            Ok(Latecomers::AreForAPerson)
        } else {
            self.asked_by_now(held).await
        }
    }

    pub async fn finish_seen(
        &self,
        me: Proc,
        held: &mut Held,
        memory: &mut Memory,
        outcome: Outcome,
        latecomers: Latecomers,
    ) -> Result<Step, Fault> {
        match self.end(me, held, outcome, latecomers).await {
            Err(Fault::Joined) => {
                memory.joined += 1;
                Ok(Step::Wait(self.jitter(memory.joined)))
            }
            ended => ended,
        }
    }
}
