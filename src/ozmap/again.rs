//! Looking again for a property whose DELETE was sent: is it gone?
//!
//! After a DELETE that OZmap confirmed, its id and its code have to say so, and several times where its client is still
//! there. After any other, both have to say it twice, apart in time, and another witness as well: OZmap may be wrong for
//! longer than one answer, and it may confirm what it did not do. What is said must never be "gone" about a property that
//! is there.

use std::time::Duration;

use super::look::{Closer, Near, Said};
use super::slot::Slot;
use super::trouble::{Error, Trouble};
use super::witness::Testimony;
use crate::clock::Moment;
use crate::domain::{Property, PropertyId, ReservationCode, Row, Sighting};

/// How often a property must be seen gone where nobody else can tell: over several seconds.
const LOOKS_WITHOUT_WITNESS: u32 = 4;

/// What is looked for again.
#[derive(Clone, Copy, Debug)]
pub struct Deleted<'a> {
    /// The property.
    pub id: &'a PropertyId,
    /// The code that led to it.
    pub code: &'a ReservationCode,
    /// Its client, as it was read before the deletion.
    pub client: Option<&'a PropertyId>,
    /// What OZmap said to the DELETE.
    pub answer: DeleteAnswer,
}

/// What OZmap said to a DELETE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteAnswer {
    /// That it was done.
    Confirmed,
    /// Nothing, or nothing clear.
    Unclear,
}

/// What a second look at one property showed.
#[derive(Debug)]
pub enum Presence {
    /// Gone: its id is not found any more, and its code does not lead to it.
    Gone {
        /// The properties that the code leads to now, which are not ours to touch.
        others: Vec<PropertyId>,
    },
    /// Not shown, which is to be seen again after [`GoneBefore::wait`] before it counts.
    GoneYet(GoneBefore),
    /// Still there.
    Present(Sighting),
    /// Its code still leads to it; by its id it is not there, or says that it was deleted.
    OnlyByCode(Sighting),
    /// Its client is still there, which would have gone with it; or the list of properties still has it.
    Contradicted,
}

/// That a property was not shown by some looks.
#[derive(Clone, Debug)]
pub struct GoneBefore {
    looks: u32,
    last: Moment,
    apart: Duration,
}

impl GoneBefore {
    /// How long to wait before the next look counts: each time a little longer.
    #[must_use]
    pub fn wait(&self) -> Duration {
        let apart = self.apart.saturating_mul(self.looks);
        apart.saturating_sub(Duration::from_millis(self.last.age_ms()))
    }

    /// What one more look that showed it gone comes to, by what a witness says.
    fn decided(&self, testimony: Testimony, gone: Presence) -> Presence {
        let looks = self.looks.saturating_add(1);
        match testimony {
            Testimony::There => Presence::Contradicted,
            Testimony::Gone => gone,
            Testimony::Silent if looks >= LOOKS_WITHOUT_WITNESS => gone,
            Testimony::Silent => Presence::GoneYet(Self {
                looks,
                last: Moment::now(),
                apart: self.apart,
            }),
        }
    }
}

impl Slot<'_> {
    /// Looks again for a property that may have been deleted.
    ///
    /// # Errors
    /// [`Error`] when it cannot be told; that is never "gone".
    pub async fn look_again(
        &self,
        deleted: Deleted<'_>,
        before: Option<&GoneBefore>,
    ) -> Result<Presence, Error> {
        match self.by_id(deleted.id).await? {
            // A document that says when it was deleted is what a kept copy of a deleted property looks like: whether
            // it is gone, its code must say.
            Some(sighting) if !says_deleted(&sighting) => return Ok(Presence::Present(sighting)),
            Some(_) | None => {}
        }
        // A 404 alone may be a route that is not there.
        match (deleted.answer, before) {
            (DeleteAnswer::Confirmed, before) => {
                self.gone_after_confirmation(deleted, before).await
            }
            (DeleteAnswer::Unclear, Some(before)) if before.wait().is_zero() => {
                self.gone_by_every_account(deleted, before).await
            }
            (DeleteAnswer::Unclear, before) => self.gone_at_first_sight(deleted, before).await,
        }
    }

    /// One look is enough, unless its client is still there: then OZmap may have been wrong by the id. A client that is
    /// kept for longer than its property is no reason against that, but then the list of properties has to say so, or
    /// as many looks as where nobody else can tell.
    async fn gone_after_confirmation(
        &self,
        deleted: Deleted<'_>,
        before: Option<&GoneBefore>,
    ) -> Result<Presence, Error> {
        let Some(before) = before else {
            let client = self.client_says(deleted.client);
            let (presence, client) = tokio::join!(self.gone_by_its_code(deleted), client);
            // It is only good to know: what cannot be asked keeps no customer waiting.
            let client = client.unwrap_or(Testimony::Silent);
            return match (presence?, client) {
                (Presence::Gone { .. }, Testimony::There) => {
                    Ok(Presence::GoneYet(self.gone_once()))
                }
                (gone @ Presence::Gone { .. }, Testimony::Silent) => {
                    self.gone_by_id_again(deleted, gone).await
                }
                (presence, Testimony::There | Testimony::Gone | Testimony::Silent) => Ok(presence),
            };
        };
        let gone = match self.gone_by_its_code(deleted).await? {
            gone @ Presence::Gone { .. } => gone,
            other @ (Presence::GoneYet(_)
            | Presence::Present(_)
            | Presence::OnlyByCode(_)
            | Presence::Contradicted) => return Ok(other),
        };
        if !before.wait().is_zero() {
            return Ok(Presence::GoneYet(before.clone()));
        }
        let listed = self.list_says(deleted.id).await?;
        Ok(before.decided(listed, gone))
    }

    /// Where nobody else can tell, its id is asked for once more: it may have been wrong once.
    async fn gone_by_id_again(
        &self,
        deleted: Deleted<'_>,
        gone: Presence,
    ) -> Result<Presence, Error> {
        Ok(match self.by_id(deleted.id).await? {
            Some(sighting) if !says_deleted(&sighting) => Presence::Present(sighting),
            Some(_) | None => gone,
        })
    }

    async fn gone_by_its_code(&self, deleted: Deleted<'_>) -> Result<Presence, Error> {
        let seen = self.by_code(deleted).await?;
        let is_plain = |(_, said): &(String, Said)| *said == Said::EmptyList;
        if !seen.rows.is_empty() || seen.nothings.iter().all(is_plain) {
            return shown(deleted.id, seen.rows, seen.read_at);
        }
        // Any other way to say "nothing" may also be that of a gateway.
        let closer = self.look_closer(deleted.code, seen.nothings, Near::LeftOut);
        match closer.await? {
            Closer::Rows(rows) => shown(deleted.id, rows, seen.read_at),
            Closer::OnlyClients(_) => Ok(Presence::Contradicted),
        }
    }

    /// What its code shows now; "gone" is not believed yet.
    async fn gone_at_first_sight(
        &self,
        deleted: Deleted<'_>,
        before: Option<&GoneBefore>,
    ) -> Result<Presence, Error> {
        let seen = self.by_code(deleted).await?;
        Ok(match shown(deleted.id, seen.rows, seen.read_at)? {
            Presence::Gone { .. } => {
                Presence::GoneYet(before.cloned().unwrap_or_else(|| self.gone_once()))
            }
            other @ (Presence::GoneYet(_)
            | Presence::Present(_)
            | Presence::OnlyByCode(_)
            | Presence::Contradicted) => other,
        })
    }

    async fn gone_by_every_account(
        &self,
        deleted: Deleted<'_>,
        before: &GoneBefore,
    ) -> Result<Presence, Error> {
        let seen = self.by_code(deleted).await?;
        let rows = match seen.rows.is_empty() {
            false => seen.rows,
            true => match self
                .look_closer(deleted.code, seen.nothings, Near::LeftOut)
                .await?
            {
                Closer::Rows(rows) => rows,
                // Another client with this code says nothing about the one that went with the property.
                Closer::OnlyClients(ids) => match deleted.client {
                    Some(client) if !ids.contains(client) => Vec::new(),
                    Some(_) | None => return Ok(Presence::Contradicted),
                },
            },
        };
        let gone = match shown(deleted.id, rows, seen.read_at)? {
            gone @ Presence::Gone { .. } => gone,
            other @ (Presence::GoneYet(_)
            | Presence::Present(_)
            | Presence::OnlyByCode(_)
            | Presence::Contradicted) => return Ok(other),
        };
        let testimony = self.testimony(deleted.id, deleted.client).await?;
        Ok(before.decided(testimony, gone))
    }

    fn gone_once(&self) -> GoneBefore {
        GoneBefore {
            looks: 1,
            last: Moment::now(),
            apart: self.ozmap.settings.looks_apart,
        }
    }

    async fn by_code(&self, deleted: Deleted<'_>) -> Result<Sighted, Error> {
        let read_at = Moment::now();
        let spellings = deleted.code.spellings();
        let (raw_rows, nothings) = self.spelled(deleted.code, spellings).await?;
        Ok(Sighted {
            rows: self.each_readable(raw_rows).await?,
            nothings,
            read_at,
        })
    }
}

/// What a code showed, once.
struct Sighted {
    rows: Vec<Row>,
    nothings: Vec<(String, Said)>,
    read_at: Moment,
}

/// Whether the one document of a sighting says that it was deleted.
fn says_deleted(sighting: &Sighting) -> bool {
    let is_deleted =
        |property: &Property| property.deleted_at.value().is_some_and(|at| !at.is_empty());
    matches!(sighting.rows.as_slice(), [Ok(property)] if is_deleted(property))
}

/// Whether the rows of a code show a property.
fn shown(id: &PropertyId, rows: Vec<Row>, read_at: Moment) -> Result<Presence, Error> {
    let mut others = Vec::new();
    for row in &rows {
        match row {
            Ok(property) if property.id == *id => {
                return Ok(Presence::OnlyByCode(Sighting { rows, read_at }));
            }
            Ok(property) => others.push(property.id.clone()),
            Err(_) => {
                return Err(Error::not_acted(
                    Trouble::Shape,
                    "a row without a usable id",
                ));
            }
        }
    }
    Ok(Presence::Gone { others })
}
