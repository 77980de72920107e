//! Looking again for a property whose DELETE was sent: is it gone?
//!
//! After a DELETE that OZmap confirmed, its id and its code have to say so once where the list of properties agrees, twice
//! where nobody else can tell, and more often where its client is still there. After any other, both have to say it twice, apart in time, and another witness as well: OZmap may be wrong for
//! longer than one answer, and it may confirm what it did not do. What is said must never be "gone" about a property that
//! is there.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use super::look::{Closer, Near, Said};
use super::slot::Session;
use super::together::beside;
use super::trouble::{Error, FailureKind};
use super::witness::Testimony;
use crate::clock::Moment;
use crate::domain::{LookupResult, Property, PropertyId, ReservationCode, Row};

/// How often a property must be seen gone where nobody else can tell: over several seconds.
const LOOKS_WITHOUT_WITNESS: u32 = 4;

/// How often, where OZmap confirmed the deletion.
const LOOKS_AFTER_CONFIRMATION: u32 = 2;

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
pub enum RecheckResult {
    /// Gone: its id is not found any more, and its code does not lead to it.
    Gone {
        /// The properties that the code leads to now, which are not ours to touch.
        others: Vec<PropertyId>,
    },
    /// Not shown, which is to be seen again after [`GoneBefore::wait`] before it counts.
    GoneYet(GoneBefore),
    /// Still there.
    Present(LookupResult),
    /// Its code still leads to it; by its id it is not there, or says that it was deleted.
    OnlyByCode(LookupResult),
    /// Its client is still there, which would have gone with it; or the list of properties still has it.
    Contradicted,
}

/// That a property was not shown by some looks.
#[derive(Clone, Debug)]
pub struct GoneBefore {
    looks: u32,
    last: Moment,
    apart: Duration,
    /// How many looks are enough where nobody else can tell.
    enough: u32,
}

impl GoneBefore {
    /// How long to wait before the next look counts: each time a little longer.
    #[must_use]
    pub fn wait(&self) -> Duration {
        let apart = self.apart.saturating_mul(self.looks);
        apart.saturating_sub(Duration::from_millis(self.last.age_ms()))
    }

    /// What one more look that showed it gone comes to, by what a witness says.
    fn decided(&self, testimony: Testimony, gone: RecheckResult) -> RecheckResult {
        let looks = self.looks.saturating_add(1);
        let missing = match testimony {
            Testimony::There => return RecheckResult::Contradicted,
            Testimony::Gone => return gone,
            // It counts as one look.
            Testimony::NotFound => 1,
            Testimony::Silent => 0,
        };
        match looks.saturating_add(missing) >= self.enough {
            true => gone,
            false => RecheckResult::GoneYet(Self {
                looks,
                last: Moment::now(),
                ..self.clone()
            }),
        }
    }
}

impl Session<'_> {
    /// Looks again for a property that may have been deleted.
    ///
    /// # Errors
    /// [`Error`] when it cannot be told; that is never "gone".
    pub async fn recheck_by_id(
        &self,
        deleted: Deleted<'_>,
        before: Option<&GoneBefore>,
    ) -> Result<RecheckResult, Error> {
        match (deleted.answer, before) {
            (DeleteAnswer::Confirmed, None) => self.gone_at_once(deleted).await,
            (DeleteAnswer::Confirmed, Some(before)) => {
                let otherwise = self.gone_after_confirmation(deleted, before);
                self.shown_by_id_or(deleted, otherwise).await
            }
            (DeleteAnswer::Unclear, Some(before)) if before.wait().is_zero() => {
                let otherwise = self.gone_by_every_account(deleted, before);
                self.shown_by_id_or(deleted, otherwise).await
            }
            (DeleteAnswer::Unclear, before) => {
                let otherwise = self.gone_at_first_sight(deleted, before);
                self.shown_by_id_or(deleted, otherwise).await
            }
        }
    }

    /// Present by its id, or what else is seen: a 404 alone may be a route that is not there.
    async fn shown_by_id_or(
        &self,
        deleted: Deleted<'_>,
        otherwise: impl Future<Output = Result<RecheckResult, Error>>,
    ) -> Result<RecheckResult, Error> {
        match self.shown_by_id(deleted).await? {
            Some(lookup) => Ok(RecheckResult::Present(lookup)),
            None => otherwise.await,
        }
    }

    async fn shown_by_id(&self, deleted: Deleted<'_>) -> Result<Option<LookupResult>, Error> {
        let lookup = self.by_id(deleted.id).await?;
        // A document that says when it was deleted is what a kept copy of a deleted property looks like: whether it is
        // gone, its code must say.
        Ok(lookup.filter(|lookup| !says_deleted(lookup)))
    }

    /// One look at a confirmed deletion is enough where the list of properties agrees: OZmap may confirm what it did not do,
    /// and be wrong by the id.
    async fn gone_at_once(&self, deleted: Deleted<'_>) -> Result<RecheckResult, Error> {
        let look = self.shown_by_id_or(deleted, self.gone_by_its_code(deleted));
        let apart = self.ozmap.settings.looks_apart;
        // What cannot be asked says nothing, and keeps no customer waiting for longer than another look would.
        let witness = async {
            let testimony = self.testimony(deleted.id, deleted.client).await;
            testimony.unwrap_or(Testimony::Silent)
        };
        let mut witness = pin!(witness);
        let (recheck, said) = beside(look, &mut witness).await;
        let gone = match recheck? {
            gone @ RecheckResult::Gone { .. } => gone,
            other @ (RecheckResult::GoneYet(_)
            | RecheckResult::Present(_)
            | RecheckResult::OnlyByCode(_)
            | RecheckResult::Contradicted) => return Ok(other),
        };
        let said = match said {
            Some(said) => said,
            None => timeout(apart, witness).await.unwrap_or(Testimony::Silent),
        };
        Ok(match said {
            Testimony::Gone => gone,
            Testimony::NotFound | Testimony::Silent => match self.shown_by_id(deleted).await? {
                Some(lookup) => RecheckResult::Present(lookup),
                None => RecheckResult::GoneYet(self.gone_once(LOOKS_AFTER_CONFIRMATION)),
            },
            Testimony::There => RecheckResult::GoneYet(self.gone_once(LOOKS_WITHOUT_WITNESS)),
        })
    }

    /// A client that is kept for longer than its property is no reason against a confirmed deletion where the list of
    /// properties says that it is gone.
    async fn gone_after_confirmation(
        &self,
        deleted: Deleted<'_>,
        before: &GoneBefore,
    ) -> Result<RecheckResult, Error> {
        let gone = match self.gone_by_its_code(deleted).await? {
            gone @ RecheckResult::Gone { .. } => gone,
            other @ (RecheckResult::GoneYet(_)
            | RecheckResult::Present(_)
            | RecheckResult::OnlyByCode(_)
            | RecheckResult::Contradicted) => return Ok(other),
        };
        if !before.wait().is_zero() {
            return Ok(RecheckResult::GoneYet(before.clone()));
        }
        let client = self.client_says(deleted.client);
        let (listed, client) = tokio::join!(self.list_says(deleted.id), client);
        let testimony = match listed? {
            Testimony::Silent => client?,
            listed @ (Testimony::Gone | Testimony::There | Testimony::NotFound) => listed,
        };
        Ok(before.decided(testimony, gone))
    }

    async fn gone_by_its_code(&self, deleted: Deleted<'_>) -> Result<RecheckResult, Error> {
        let seen = self.by_code(deleted).await?;
        let is_plain = |(_, said): &(String, Said)| *said == Said::EmptyList;
        if !seen.rows.is_empty() || seen.nothings.iter().all(is_plain) {
            return shown(deleted.id, seen.rows, seen.read_at);
        }
        // Any other way to say "nothing" may also be that of a gateway.
        let closer = self.look_closer(deleted.code, seen.nothings, Near::LeftOut);
        match closer.await? {
            Closer::Rows(rows) => shown(deleted.id, rows, seen.read_at),
            Closer::OnlyClients(_) => Ok(RecheckResult::Contradicted),
        }
    }

    /// What its code shows now; "gone" is not believed yet.
    async fn gone_at_first_sight(
        &self,
        deleted: Deleted<'_>,
        before: Option<&GoneBefore>,
    ) -> Result<RecheckResult, Error> {
        let seen = self.by_code(deleted).await?;
        Ok(match shown(deleted.id, seen.rows, seen.read_at)? {
            RecheckResult::Gone { .. } => RecheckResult::GoneYet(
                before
                    .cloned()
                    .unwrap_or_else(|| self.gone_once(LOOKS_WITHOUT_WITNESS)),
            ),
            other @ (RecheckResult::GoneYet(_)
            | RecheckResult::Present(_)
            | RecheckResult::OnlyByCode(_)
            | RecheckResult::Contradicted) => other,
        })
    }

    async fn gone_by_every_account(
        &self,
        deleted: Deleted<'_>,
        before: &GoneBefore,
    ) -> Result<RecheckResult, Error> {
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
                    Some(_) | None => return Ok(RecheckResult::Contradicted),
                },
            },
        };
        let gone = match shown(deleted.id, rows, seen.read_at)? {
            gone @ RecheckResult::Gone { .. } => gone,
            other @ (RecheckResult::GoneYet(_)
            | RecheckResult::Present(_)
            | RecheckResult::OnlyByCode(_)
            | RecheckResult::Contradicted) => return Ok(other),
        };
        let testimony = self.testimony(deleted.id, deleted.client).await?;
        Ok(before.decided(testimony, gone))
    }

    fn gone_once(&self, enough: u32) -> GoneBefore {
        GoneBefore {
            looks: 1,
            last: Moment::now(),
            apart: self.ozmap.settings.looks_apart,
            enough,
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
fn says_deleted(lookup: &LookupResult) -> bool {
    let is_deleted =
        |property: &Property| property.deleted_at.value().is_some_and(|at| !at.is_empty());
    matches!(lookup.rows.as_slice(), [Ok(property)] if is_deleted(property))
}

/// Whether the rows of a code show a property.
fn shown(id: &PropertyId, rows: Vec<Row>, read_at: Moment) -> Result<RecheckResult, Error> {
    let mut others = Vec::new();
    for row in &rows {
        match row {
            Ok(property) if property.id == *id => {
                return Ok(RecheckResult::OnlyByCode(LookupResult { rows, read_at }));
            }
            Ok(property) => others.push(property.id.clone()),
            Err(_) => {
                return Err(Error::not_acted(
                    FailureKind::Shape,
                    "a row without a usable id",
                ));
            }
        }
    }
    Ok(RecheckResult::Gone { others })
}
