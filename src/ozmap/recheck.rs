//! Recheck by id: is a property gone whose DELETE was sent?
//!
//! After a DELETE that OZmap confirmed, its id and its code have to show an absence once if the
//! list of properties agrees, twice if no cross-check is possible, and more often if its client is
//! still present. After any other DELETE both have to show it twice, apart in time, and a
//! cross-check has to agree. OZmap may be wrong for longer than one response, and it may confirm
//! what it did not do. A property that is present must never be reported gone.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use super::concurrent::alongside;
use super::cross_check::CrossCheck;
use super::error::{Error, FailureKind};
use super::lookup::{Absence, CloserLook, NearSpellings};
use super::session::Session;
use crate::clock::Moment;
use crate::domain::{LookupResult, Property, PropertyId, ReservationCode, Row};

/// How many rechecks must show the absence if no cross-check is possible: they take several
/// seconds.
const RECHECKS_WITHOUT_CROSS_CHECK: u32 = 4;

/// The same after a DELETE that OZmap confirmed.
const RECHECKS_AFTER_CONFIRMATION: u32 = 2;

/// The property to recheck.
#[derive(Clone, Copy, Debug)]
pub struct Deleted<'a> {
    /// The property.
    pub id: &'a PropertyId,
    /// The code that led to it.
    pub code: &'a ReservationCode,
    /// Its client, read before the deletion.
    pub client: Option<&'a PropertyId>,
    /// The response to the DELETE.
    pub answer: DeleteAnswer,
}

/// The response to a DELETE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteAnswer {
    /// OZmap said that it was done.
    Confirmed,
    /// No response, or no clear one.
    Unclear,
}

/// The result of one recheck.
#[derive(Debug)]
pub enum RecheckResult {
    /// Gone: its id is not found any more, and its code does not lead to it.
    Gone {
        /// The properties that the code leads to now. They must not be touched.
        others: Vec<PropertyId>,
    },
    /// Not shown, but that is not confirmed yet: recheck after [`GoneChecks::wait`].
    GoneUnconfirmed(GoneChecks),
    /// Still present.
    Present(LookupResult),
    /// Its code still leads to it; under its id there is nothing, or a document that is marked as
    /// deleted.
    OnlyByCode(LookupResult),
    /// Its client is still present, which OZmap deletes with it; or the list of properties still
    /// has it.
    Contradicted,
}

/// Rechecks that did not show the property.
#[derive(Clone, Debug)]
pub struct GoneChecks {
    rechecks: u32,
    last: Moment,
    apart: Duration,
    /// How many rechecks are enough if no cross-check is possible.
    enough: u32,
}

impl GoneChecks {
    /// How long to wait until the next recheck counts: each time a little longer.
    #[must_use]
    pub fn wait(&self) -> Duration {
        let apart = self.apart.saturating_mul(self.rechecks);
        apart.saturating_sub(Duration::from_millis(self.last.age_ms()))
    }

    /// The result after one more recheck that did not show the property, given the cross-check.
    fn after_one_more(&self, cross_check: CrossCheck, gone: RecheckResult) -> RecheckResult {
        let rechecks = self.rechecks.saturating_add(1);
        let missing = match cross_check {
            CrossCheck::Present => return RecheckResult::Contradicted,
            CrossCheck::Gone => return gone,
            // It counts as one recheck.
            CrossCheck::NotFound => 1,
            CrossCheck::Inconclusive => 0,
        };
        if rechecks.saturating_add(missing) >= self.enough {
            return gone;
        }
        RecheckResult::GoneUnconfirmed(Self {
            rechecks,
            last: Moment::now(),
            ..self.clone()
        })
    }
}

impl Session<'_> {
    /// Rechecks a property that may have been deleted.
    ///
    /// # Errors
    /// [`Error`] when there is no usable response; that is never "gone".
    pub async fn recheck_by_id(
        &self,
        deleted: Deleted<'_>,
        before: Option<&GoneChecks>,
    ) -> Result<RecheckResult, Error> {
        match (deleted.answer, before) {
            (DeleteAnswer::Confirmed, None) => self.gone_at_once(deleted).await,
            (DeleteAnswer::Confirmed, Some(before)) => {
                let otherwise = self.gone_after_confirmation(deleted, before);
                self.present_by_id_or(deleted, otherwise).await
            }
            (DeleteAnswer::Unclear, Some(before)) if before.wait().is_zero() => {
                let otherwise = self.gone_by_all_sources(deleted, before);
                self.present_by_id_or(deleted, otherwise).await
            }
            (DeleteAnswer::Unclear, before) => {
                let otherwise = self.gone_unconfirmed(deleted, before);
                self.present_by_id_or(deleted, otherwise).await
            }
        }
    }

    /// Present by its id, or what `otherwise` shows: a 404 alone may come from a missing route.
    async fn present_by_id_or(
        &self,
        deleted: Deleted<'_>,
        otherwise: impl Future<Output = Result<RecheckResult, Error>>,
    ) -> Result<RecheckResult, Error> {
        match self.present_by_id(deleted).await? {
            Some(lookup) => Ok(RecheckResult::Present(lookup)),
            None => otherwise.await,
        }
    }

    async fn present_by_id(&self, deleted: Deleted<'_>) -> Result<Option<LookupResult>, Error> {
        let lookup = self.by_id(deleted.id).await?;
        // A document with a deletion date may be what OZmap keeps of a deleted property: the lookup
        // by code decides.
        Ok(lookup.filter(|lookup| !says_deleted(lookup)))
    }

    /// After a confirmed DELETE one recheck is enough if the list of properties agrees. Without
    /// that, OZmap may have confirmed what it did not do and be wrong about the id.
    async fn gone_at_once(&self, deleted: Deleted<'_>) -> Result<RecheckResult, Error> {
        let look = self.present_by_id_or(deleted, self.gone_by_its_code(deleted));
        let apart = self.ozmap.settings.lookups_apart;
        // A cross-check that fails is inconclusive. The customer waits for it no longer than for
        // another recheck.
        let cross_checking = async {
            let cross_check = self.cross_check(deleted.id, deleted.client).await;
            cross_check.unwrap_or(CrossCheck::Inconclusive)
        };
        let mut cross_checking = pin!(cross_checking);
        let (recheck, cross_check) = alongside(look, &mut cross_checking).await;
        let gone = match recheck? {
            gone @ RecheckResult::Gone { .. } => gone,
            other @ (RecheckResult::GoneUnconfirmed(_)
            | RecheckResult::Present(_)
            | RecheckResult::OnlyByCode(_)
            | RecheckResult::Contradicted) => return Ok(other),
        };
        let cross_check = match cross_check {
            Some(cross_check) => cross_check,
            None => timeout(apart, cross_checking)
                .await
                .unwrap_or(CrossCheck::Inconclusive),
        };
        Ok(match cross_check {
            CrossCheck::Gone => gone,
            CrossCheck::NotFound | CrossCheck::Inconclusive => match self
                .present_by_id(deleted)
                .await?
            {
                Some(lookup) => RecheckResult::Present(lookup),
                None => RecheckResult::GoneUnconfirmed(self.gone_once(RECHECKS_AFTER_CONFIRMATION)),
            },
            CrossCheck::Present => {
                RecheckResult::GoneUnconfirmed(self.gone_once(RECHECKS_WITHOUT_CROSS_CHECK))
            }
        })
    }

    /// If the list of properties confirms the absence, a client that OZmap keeps for longer is no
    /// reason against a confirmed deletion.
    async fn gone_after_confirmation(
        &self,
        deleted: Deleted<'_>,
        before: &GoneChecks,
    ) -> Result<RecheckResult, Error> {
        let gone = match self.gone_by_its_code(deleted).await? {
            gone @ RecheckResult::Gone { .. } => gone,
            other @ (RecheckResult::GoneUnconfirmed(_)
            | RecheckResult::Present(_)
            | RecheckResult::OnlyByCode(_)
            | RecheckResult::Contradicted) => return Ok(other),
        };
        if !before.wait().is_zero() {
            return Ok(RecheckResult::GoneUnconfirmed(before.clone()));
        }
        let client = self.check_client(deleted.client);
        let (listed, client) = tokio::join!(self.check_list_of_properties(deleted.id), client);
        let cross_check = match listed? {
            CrossCheck::Inconclusive => client?,
            listed @ (CrossCheck::Gone | CrossCheck::Present | CrossCheck::NotFound) => listed,
        };
        Ok(before.after_one_more(cross_check, gone))
    }

    async fn gone_by_its_code(&self, deleted: Deleted<'_>) -> Result<RecheckResult, Error> {
        let seen = self.by_code(deleted).await?;
        let is_plain = |(_, absence): &(String, Absence)| *absence == Absence::EmptyList;
        if !seen.rows.is_empty() || seen.absences.iter().all(is_plain) {
            return shown(deleted.id, seen.rows, seen.read_at);
        }
        // Any other answer than an empty list may also be that of a gateway.
        let closer = self.look_closer(deleted.code, seen.absences, NearSpellings::Skip);
        match closer.await? {
            CloserLook::Rows(rows) => shown(deleted.id, rows, seen.read_at),
            CloserLook::OnlyClients(_) => Ok(RecheckResult::Contradicted),
        }
    }

    /// The lookup by code; an absence is not believed yet.
    async fn gone_unconfirmed(
        &self,
        deleted: Deleted<'_>,
        before: Option<&GoneChecks>,
    ) -> Result<RecheckResult, Error> {
        let seen = self.by_code(deleted).await?;
        Ok(match shown(deleted.id, seen.rows, seen.read_at)? {
            RecheckResult::Gone { .. } => RecheckResult::GoneUnconfirmed(
                before
                    .cloned()
                    .unwrap_or_else(|| self.gone_once(RECHECKS_WITHOUT_CROSS_CHECK)),
            ),
            other @ (RecheckResult::GoneUnconfirmed(_)
            | RecheckResult::Present(_)
            | RecheckResult::OnlyByCode(_)
            | RecheckResult::Contradicted) => other,
        })
    }

    async fn gone_by_all_sources(
        &self,
        deleted: Deleted<'_>,
        before: &GoneChecks,
    ) -> Result<RecheckResult, Error> {
        let seen = self.by_code(deleted).await?;
        let mut rows = seen.rows;
        if rows.is_empty() {
            let closer = self.look_closer(deleted.code, seen.absences, NearSpellings::Skip);
            rows = match closer.await? {
                CloserLook::Rows(rows) => rows,
                // Another client with this code says nothing about the deleted one.
                CloserLook::OnlyClients(ids) => match deleted.client {
                    Some(client) if !ids.contains(client) => Vec::new(),
                    Some(_) | None => return Ok(RecheckResult::Contradicted),
                },
            };
        }
        let gone = match shown(deleted.id, rows, seen.read_at)? {
            gone @ RecheckResult::Gone { .. } => gone,
            other @ (RecheckResult::GoneUnconfirmed(_)
            | RecheckResult::Present(_)
            | RecheckResult::OnlyByCode(_)
            | RecheckResult::Contradicted) => return Ok(other),
        };
        let cross_check = self.cross_check(deleted.id, deleted.client).await?;
        Ok(before.after_one_more(cross_check, gone))
    }

    fn gone_once(&self, enough: u32) -> GoneChecks {
        GoneChecks {
            rechecks: 1,
            last: Moment::now(),
            apart: self.ozmap.settings.lookups_apart,
            enough,
        }
    }

    async fn by_code(&self, deleted: Deleted<'_>) -> Result<CodeLookup, Error> {
        let read_at = Moment::now();
        let spellings = deleted.code.spellings();
        let (raw_rows, absences) = self.lookup_spellings(deleted.code, spellings).await?;
        Ok(CodeLookup {
            rows: self.each_readable(raw_rows).await?,
            absences,
            read_at,
        })
    }
}

/// One lookup by code, not judged.
struct CodeLookup {
    rows: Vec<Row>,
    absences: Vec<(String, Absence)>,
    read_at: Moment,
}

/// Whether the document has a deletion date.
fn says_deleted(lookup: &LookupResult) -> bool {
    let is_deleted =
        |property: &Property| property.deleted_at.value().is_some_and(|at| !at.is_empty());
    matches!(lookup.rows.as_slice(), [Ok(property)] if is_deleted(property))
}

/// Whether the rows of a code show the property.
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
