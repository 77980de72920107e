//! OZmap of the model: what is true, what it shows, and how its answers go wrong.
//!
//! Ids are never used twice. What is read may be as old as the schedule's lag. A DELETE that was received takes
//! effect before its cancellation has settled, or never: that is the one thing the protocol takes for granted.

use super::clockwork::Proc;
use super::plan::Point;
use super::safeguards::Safeguard;
use super::store::{OpId, SETTLE_MS};
use super::world::{DATABASE_EPOCH, Moment, World};

const READ_MS_MAX: i64 = 8_000;
/// A DELETE leaves within this time after it was written down: the guard's reading is older, and may be 3 s old.
const SEND_WITHIN_MS: i64 = 3_100;
const DELETE_MS_MAX: i64 = 20_000;

pub struct Property {
    pub code: usize,
    pub created_at: i64,
    pub implanted_at: Option<i64>,
    pub gone_at: Option<i64>,
    /// Whose DELETE took effect.
    pub deleted_by: Option<OpId>,
}

impl Property {
    pub fn is_there(&self, at: i64) -> bool {
        self.created_at <= at && self.gone_at.is_none_or(|gone| gone > at)
    }

    pub fn is_implanted(&self, at: i64) -> bool {
        self.implanted_at.is_some_and(|since| since <= at)
    }
}

#[derive(Default)]
pub struct Truth {
    pub properties: Vec<Property>,
    /// Until when the key is refused, the gateway answers, the route by id is not there.
    pub revoked_until: i64,
    pub gateway_until: i64,
    pub route_gone_until: i64,
    /// How many of the next reads, by the code and by the id, are told that nothing is there although something is.
    pub denials_by_code: u32,
    pub denials_by_id: u32,
    /// Until when the looks after a DELETE do not find its property under the code, as if it had another one by then.
    pub renamed_until: i64,
    /// DELETEs that OZmap has received and not yet carried out.
    pub on_their_way: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub id: usize,
    pub code: usize,
    pub implanted: bool,
    /// As OZmap dates it, whose clock goes as the database's.
    pub created_at: i64,
}

#[derive(Clone, Debug)]
pub struct Sighting {
    pub rows: Vec<Row>,
    pub read_at: Moment,
}

/// A call without an answer that can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    Unauthorized,
    Other,
    Stale,
}

pub enum Presence {
    Gone {
        /// Whether the code leads to another property now.
        reserved_again: bool,
    },
    Present(Sighting),
    /// By its id and its code it is gone, and its client is still there.
    Contradicted,
}

/// What comes back for a read.
enum Read {
    Rows(Vec<Row>),
    /// A JSON 404: nothing there, or nobody there to know.
    Nothing,
    Page,
    Refused,
    Garbage,
}

#[derive(Clone, Copy)]
enum What {
    Code(usize),
    /// The same after the DELETE of a property.
    CodeAfterwards {
        code: usize,
        id: usize,
    },
    Id(usize),
    /// The client of a property, which goes with it.
    ClientOf(usize),
}

fn is_by_code(what: &What) -> bool {
    match what {
        What::Code(_) | What::CodeAfterwards { .. } => true,
        What::Id(_) | What::ClientOf(_) => false,
    }
}

/// How a DELETE goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Done,
    NeverSent,
    LostBefore,
    LostAfter,
    TakesEffectLate,
    FailsWithError,
    ErrorWith200,
    PageWith200,
    ConfirmedButNotDone,
    ConfirmedButLate,
}

impl World {
    pub async fn look_up(&self, me: Proc, code: usize) -> Result<Sighting, Trouble> {
        self.look_by(me, What::Code(code)).await
    }

    async fn look_by(&self, me: Proc, code: What) -> Result<Sighting, Trouble> {
        let asked_at = self.moment(me);
        let mut read = self.read(me, code).await?;
        if matches!(read, Read::Nothing) && self.prove_the_key(me).await? {
            read = self.read(me, code).await?;
        }
        let rows = match read {
            Read::Rows(rows) => rows,
            Read::Nothing => Vec::new(),
            Read::Page if !self.has(Safeguard::PagesAreNoAnswer) => Vec::new(),
            Read::Page | Read::Garbage => return Err(Trouble::Other),
            Read::Refused => return Err(Trouble::Unauthorized),
        };
        self.at(me, Point::LookUpAnswered).await;
        let read_at = if self.has(Safeguard::GuardAgeFromTheQuestion) {
            asked_at
        } else {
            self.moment(me)
        };
        Ok(Sighting { rows, read_at })
    }

    /// By the recorded id, and when that is not found by the code too.
    pub async fn look_again(&self, me: Proc, id: usize, code: usize) -> Result<Presence, Trouble> {
        let asked_at = self.moment(me);
        let read = self.read(me, What::Id(id)).await?;
        self.at(me, Point::LookAgainServed).await;
        match read {
            Read::Rows(rows) if !rows.is_empty() => {
                let read_at = if self.has(Safeguard::GuardAgeFromTheQuestion) {
                    asked_at
                } else {
                    self.moment(me)
                };
                return Ok(Presence::Present(Sighting { rows, read_at }));
            }
            Read::Rows(_) | Read::Nothing => {}
            Read::Page if !self.has(Safeguard::PagesAreNoAnswer) => {}
            Read::Page | Read::Garbage => return Err(Trouble::Other),
            Read::Refused => return Err(Trouble::Unauthorized),
        }
        if !self.has(Safeguard::CodeConfirmsGone) {
            let reserved_again = false;
            return Ok(Presence::Gone { reserved_again });
        }
        let sighting = self.look_by(me, What::CodeAfterwards { code, id }).await?;
        if sighting.rows.iter().any(|row| row.id == id) {
            Ok(Presence::Present(sighting))
        } else {
            Ok(Presence::Gone {
                reserved_again: !sighting.rows.is_empty(),
            })
        }
    }

    /// What the client says of a property that was seen gone: it is another question, which OZmap answers rightly.
    pub async fn testify(&self, me: Proc, id: usize) -> Result<bool, Trouble> {
        match self.read(me, What::ClientOf(id)).await? {
            Read::Rows(rows) => Ok(rows.is_empty()),
            Read::Nothing => Ok(true),
            Read::Page | Read::Garbage => Err(Trouble::Other),
            Read::Refused => Err(Trouble::Unauthorized),
        }
    }

    /// An answer that may mean "nothing there" counts only when the key works; whether to ask again after that.
    async fn prove_the_key(&self, me: Proc) -> Result<bool, Trouble> {
        const BELIEVED_MS: i64 = 30_000;
        if !self.has(Safeguard::ProveTheKey) {
            return Ok(false);
        }
        let proven = self.replica(me).proven_at.get();
        let is_proven = proven.is_some_and(|at| self.age(me, at) < BELIEVED_MS);
        if !self.has(Safeguard::ProveTheKeyAfterwards) {
            return if is_proven {
                Ok(false)
            } else {
                self.probe(me).await.map(|()| false)
            };
        }
        self.probe(me)
            .await
            .map(|()| self.has(Safeguard::AskAgainAfterTheProof))
    }

    pub async fn probe(&self, me: Proc) -> Result<(), Trouble> {
        self.sleep(self.random.between(1, 20)).await;
        let now = self.now();
        let truth = self.truth.borrow();
        if now < truth.revoked_until || now < truth.gateway_until {
            return Err(Trouble::Unauthorized);
        }
        self.replica(me).proven_at.set(Some(self.moment(me)));
        Ok(())
    }

    async fn read(&self, me: Proc, what: What) -> Result<Read, Trouble> {
        let odds = self.plan.odds;
        self.sleep(self.random.between(1, 40)).await;
        if self.random.chance(odds.read_fails) {
            match self.random.between(0, 5) {
                0 => return Err(Trouble::Other),
                1 => {
                    self.sleep(READ_MS_MAX).await;
                    return Err(Trouble::Other);
                }
                2 | 3 => return Ok(Read::Page),
                _ => return Ok(Read::Garbage),
            }
        }
        let is_by_code = is_by_code(&what);
        let read = self.serve(&what);
        if is_by_code {
            self.at(me, Point::LookUpServed).await;
        }
        let slow = if self.random.chance(odds.read_is_slow) {
            READ_MS_MAX - 100
        } else {
            60
        };
        self.sleep(self.random.between(1, slow)).await;
        Ok(read)
    }

    fn serve(&self, what: &What) -> Read {
        let now = self.now();
        let mut truth = self.truth.borrow_mut();
        if now < truth.gateway_until {
            return Read::Nothing;
        }
        if now < truth.revoked_until {
            return Read::Refused;
        }
        let seen_at = now - self.plan.lag_ms;
        let is_asked = |id: usize, property: &Property| match what {
            What::Id(asked) | What::ClientOf(asked) => id == *asked,
            What::CodeAfterwards { id: it, .. } if now < truth.renamed_until && id == *it => false,
            // A code that begins like another one: the world has such a neighbour.
            What::Code(code) | What::CodeAfterwards { code, .. } => {
                property.code == *code || self.plan.matches_loosely && property.code == *code + 100
            }
        };
        if matches!(what, What::Id(_)) && now < truth.route_gone_until {
            return Read::Nothing;
        }
        let found = truth.properties.iter().enumerate();
        let rows: Vec<Row> = found
            .filter(|(id, property)| is_asked(*id, property) && property.is_there(seen_at))
            .map(|(id, property)| Row {
                id,
                code: property.code,
                implanted: property.is_implanted(seen_at),
                created_at: DATABASE_EPOCH + property.created_at,
            })
            .collect();
        let denials = match what {
            What::Code(_) | What::CodeAfterwards { .. } => &mut truth.denials_by_code,
            What::Id(_) => &mut truth.denials_by_id,
            What::ClientOf(_) => &mut 0,
        };
        let is_denied = !rows.is_empty() && *denials > 0;
        if is_denied {
            *denials -= 1;
        }
        let rows = if is_denied { Vec::new() } else { rows };
        if rows.is_empty() && (self.plan.says_404 || !is_by_code(what)) {
            Read::Nothing
        } else {
            Read::Rows(rows)
        }
    }

    /// Sends the DELETE; whether it was confirmed.
    pub async fn send_delete(&self, me: Proc, op: OpId, property: usize) -> Result<(), Trouble> {
        let fate = self.fate();
        if fate == Fate::NeverSent {
            self.sleep(3_000).await;
            return Err(Trouble::Other);
        }
        self.check_send(me, op, property);
        self.say(|| format!("{me:?} DELETE of p{property} for op{op}: {fate:?}"));
        let (now, random) = (self.now(), &self.random);
        if self.is_refused_now() {
            self.sleep(5).await;
            return Err(Trouble::Unauthorized);
        }
        // It takes effect within what the protocol waits for, as seen by whoever reads with a lag.
        let settles_at = now + SETTLE_MS - SEND_WITHIN_MS - self.plan.lag_ms;
        let late = random.pick(&[random.between(1_000, 60_000), SETTLE_MS]);
        let takes_effect_at = match fate {
            Fate::Done => Some(now + random.between(1, 2_000)),
            Fate::LostAfter => Some(now + 1),
            Fate::TakesEffectLate | Fate::ConfirmedButLate => Some((now + late).min(settles_at)),
            Fate::NeverSent
            | Fate::LostBefore
            | Fate::FailsWithError
            | Fate::ErrorWith200
            | Fate::PageWith200
            | Fate::ConfirmedButNotDone => None,
        };
        if let Some(at) = takes_effect_at {
            self.take_effect_at(at, op, property);
        }
        self.at(me, Point::DeleteSent).await;
        let (answer_ms, answer) = match fate {
            Fate::Done => (takes_effect_at.unwrap_or(now) - now + 1, Ok(())),
            Fate::ErrorWith200 | Fate::PageWith200 if self.has(Safeguard::ReadTheConfirmation) => {
                (5, Err(Trouble::Other))
            }
            Fate::ConfirmedButNotDone
            | Fate::ConfirmedButLate
            | Fate::ErrorWith200
            | Fate::PageWith200 => (5, Ok(())),
            Fate::TakesEffectLate => (DELETE_MS_MAX, Err(Trouble::Other)),
            Fate::LostBefore => (random.pick(&[2, DELETE_MS_MAX]), Err(Trouble::Other)),
            Fate::NeverSent | Fate::LostAfter | Fate::FailsWithError => (3, Err(Trouble::Other)),
        };
        self.sleep(answer_ms).await;
        if answer.is_ok() {
            // That it is wrong three times, when it confirms, about the id and about the code, is more than it is.
            self.truth.borrow_mut().renamed_until = 0;
        }
        self.at(me, Point::DeleteAnswered).await;
        answer
    }

    fn is_refused_now(&self) -> bool {
        let (now, truth) = (self.now(), self.truth.borrow());
        now < truth.revoked_until || now < truth.gateway_until
    }

    fn fate(&self) -> Fate {
        if !self.random.chance(self.plan.odds.delete_fails) {
            return Fate::Done;
        }
        self.random.pick(&[
            Fate::NeverSent,
            Fate::LostBefore,
            Fate::LostAfter,
            Fate::TakesEffectLate,
            Fate::TakesEffectLate,
            Fate::FailsWithError,
            Fate::ErrorWith200,
            Fate::PageWith200,
            Fate::ConfirmedButNotDone,
            Fate::ConfirmedButLate,
        ])
    }

    fn take_effect_at(&self, at: i64, op: OpId, property: usize) {
        self.truth.borrow_mut().on_their_way += 1;
        let world = self.clone();
        self.clockwork.spawn(None, async move {
            world.sleep(at - world.now()).await;
            let mut truth = world.truth.borrow_mut();
            truth.on_their_way -= 1;
            let target = &mut truth.properties[property];
            if target.gone_at.is_none() {
                target.gone_at = Some(world.now());
                target.deleted_by = Some(op);
                world.say(|| format!("p{property} is deleted by op{op}"));
            }
        });
    }
}
