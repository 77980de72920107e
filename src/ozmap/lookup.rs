//! Lookup by reservation code: in each of its spellings, and nothing only after two lookups apart
//! in time.
//!
//! OZmap compares codes byte for byte and is sometimes wrong for a moment. A single response
//! without rows must never be believed. A reservation that is there costs no further request.

use std::time::Duration;

use reqwest::Url;

use super::cross_check::Clients;
use super::document::{self, Raw};
use super::error::{Error, FailureKind};
use super::related::RelatedIds;
use super::session::{Content, Session};
use super::settings::NotFoundAnswer;
use super::{concurrent, url};
use crate::clock::Moment;
use crate::domain::{DocumentError, LookupResult, PropertyId, ReservationCode, Row};

/// The result of one lookup.
#[derive(Debug)]
pub enum Lookup {
    /// Rows, or a confirmed absence: then there are no rows.
    Conclusive(LookupResult),
    /// Nothing, for the first time: look up again after [`AbsentOnce::wait`].
    AbsentOnce(AbsentOnce),
}

/// One lookup showed nothing.
#[derive(Clone, Debug)]
pub struct AbsentOnce {
    at: Moment,
    apart: Duration,
}

impl AbsentOnce {
    /// How long to wait until the second lookup counts.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.apart
            .saturating_sub(Duration::from_millis(self.at.age_ms()))
    }
}

/// The response for one spelling of a code.
#[derive(Clone, Debug)]
pub(super) enum Listed {
    /// At least one row.
    Rows(Vec<Raw>),
    /// Nothing, answered in this way.
    Nothing(Absence),
}

/// How OZmap answered "nothing".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    /// An empty list.
    EmptyList,
    /// One of the configured `ozmap.not_found_answers`.
    Answer(NotFoundAnswer),
}

/// Whether near spellings of the code are looked up too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NearSpellings {
    Include,
    Skip,
}

/// What the cross-check of an absence showed.
#[derive(Debug)]
pub(super) enum CloserLook {
    /// Rows after all, or no row: the absence is confirmed.
    Rows(Vec<Row>),
    /// Clients with this code, and no property.
    OnlyClients(Vec<PropertyId>),
}

impl Session<'_> {
    /// What OZmap has under a code. If an earlier lookup, long enough ago, showed nothing too, the
    /// absence is cross-checked and then believed.
    ///
    /// # Errors
    /// [`Error`] when there is no usable response; that is never "not found".
    pub async fn lookup(
        &self,
        code: &ReservationCode,
        before: Option<&AbsentOnce>,
    ) -> Result<Lookup, Error> {
        // Before the request: the reading may be as old as that.
        let read_at = Moment::now();
        let (mut raw_rows, absences) = self.lookup_spellings(code, code.spellings()).await?;
        if !raw_rows.is_empty() {
            // OZmap may be wrong once: a second reservation under another spelling must not be
            // missed.
            let silent = absences.into_iter().map(|(spelling, _)| spelling).collect();
            let (more, _) = self.lookup_spellings(code, silent).await?;
            raw_rows.extend(not_among(&raw_rows, more));
            let rows = self.each_readable(raw_rows).await?;
            self.ozmap.record_lookup_time(read_at.age_ms());
            return Ok(Lookup::Conclusive(LookupResult { rows, read_at }));
        }
        self.ozmap.record_lookup_time(read_at.age_ms());
        let Some(before) = before else {
            let apart = self.ozmap.settings.lookups_apart;
            return Ok(Lookup::AbsentOnce(AbsentOnce {
                at: Moment::now(),
                apart,
            }));
        };
        if !before.wait().is_zero() {
            return Ok(Lookup::AbsentOnce(before.clone()));
        }
        let rows = match self
            .look_closer(code, absences, NearSpellings::Include)
            .await?
        {
            CloserLook::Rows(rows) => rows,
            CloserLook::OnlyClients(_) => vec![Err(DocumentError::ClientWithoutProperty)],
        };
        Ok(Lookup::Conclusive(LookupResult { rows, read_at }))
    }

    /// The rows of every spelling, each property once, and how the other spellings were answered.
    pub(super) async fn lookup_spellings(
        &self,
        code: &ReservationCode,
        spellings: Vec<String>,
    ) -> Result<(Vec<Raw>, Vec<(String, Absence)>), Error> {
        let asked = spellings.iter().map(|spelling| self.listed(code, spelling));
        let answers = concurrent::join_all(asked).await;
        let (mut rows, mut absences) = (Vec::new(), Vec::new());
        for (spelling, answer) in spellings.into_iter().zip(answers) {
            match answer? {
                Listed::Nothing(absence) => absences.push((spelling, absence)),
                Listed::Rows(found) => {
                    let new = not_among(&rows, found);
                    rows.extend(new);
                }
            }
        }
        Ok((rows, absences))
    }

    /// Cross-checks a second absence with the near spellings and the list of clients.
    pub(super) async fn look_closer(
        &self,
        code: &ReservationCode,
        absences: Vec<(String, Absence)>,
        near: NearSpellings,
    ) -> Result<CloserLook, Error> {
        let near = match near {
            NearSpellings::Include => code.near_spellings(),
            NearSpellings::Skip => Vec::new(),
        };
        let (near, clients) =
            tokio::join!(self.lookup_spellings(code, near), self.clients_of(code));
        let (near, _) = near?;
        if !near.is_empty() {
            return self.each_readable(near).await.map(CloserLook::Rows);
        }
        match clients? {
            Clients::None => Ok(CloserLook::Rows(Vec::new())),
            Clients::Some(ids) => self.of_clients(ids).await,
            // Without the list of clients the responses themselves have to be confirmed.
            Clients::Unknown => {
                for (spelling, absence) in absences {
                    let rows = self.confirmed_rows(code, &spelling, absence).await?;
                    if !rows.is_empty() {
                        return self.each_readable(rows).await.map(CloserLook::Rows);
                    }
                }
                Ok(CloserLook::Rows(Vec::new()))
            }
        }
    }

    /// The properties of the clients that have the code, although the lookup by code shows none.
    async fn of_clients(&self, ids: Vec<PropertyId>) -> Result<CloserLook, Error> {
        let (mut raw_rows, mut silent) = (Vec::new(), 0);
        for id in &ids {
            let list = self.ozmap.base.list("/properties", "client", id.as_str());
            let found = self.counted_list(list).await?.unwrap_or_default();
            // An OZmap that ignores the filter lists the properties of other clients.
            let is_theirs = |raw: &Raw| {
                let client = RelatedIds::of(raw.get()).client;
                client.is_none_or(|client| client == *id)
            };
            let before = raw_rows.len();
            raw_rows.extend(found.into_iter().filter(is_theirs));
            silent += usize::from(raw_rows.len() == before);
        }
        if raw_rows.is_empty() {
            return Ok(CloserLook::OnlyClients(ids));
        }
        let mut rows = self.each_readable(raw_rows).await?;
        // A property that OZmap does not show for a moment: one row is not the only one.
        rows.extend((0..silent).map(|_| Err(DocumentError::ClientWithoutProperty)));
        Ok(CloserLook::Rows(rows))
    }

    /// The lookup of one spelling.
    pub(super) async fn listed(
        &self,
        code: &ReservationCode,
        spelling: &str,
    ) -> Result<Listed, Error> {
        match self.ozmap.base.properties_of(spelling) {
            Some(url) => self.list(url).await,
            None => self.filtered(code, spelling).await,
        }
    }

    async fn list(&self, url: Url) -> Result<Listed, Error> {
        let reply = self.get(Some(url)).await?;
        match self.content(&reply)? {
            Content::Rows(rows) if rows.is_empty() => Ok(Listed::Nothing(Absence::EmptyList)),
            Content::Rows(rows) => Ok(Listed::Rows(rows)),
            Content::Nothing(answer) => Ok(Listed::Nothing(Absence::Answer(answer))),
            Content::Document(_) => Err(Error::not_acted(
                FailureKind::Shape,
                "an object instead of a list",
            )),
        }
    }

    /// The lookup of a spelling that cannot be a path segment: the client by its code, then its
    /// properties.
    async fn filtered(&self, code: &ReservationCode, spelling: &str) -> Result<Listed, Error> {
        let unbuildable = || Error::not_acted(FailureKind::Shape, "the address cannot be built");
        let base = &self.ozmap.base;
        let url = base
            .list("/ftth-clients", "code", spelling)
            .ok_or_else(unbuildable)?;
        let clients = match self.list(url).await? {
            Listed::Rows(clients) => clients,
            nothing @ Listed::Nothing(_) => return Ok(nothing),
        };
        // OZmap ignored the filter: another client with the code may be on a later page.
        if clients.len() >= url::LIST_MAX {
            return Err(Error::not_acted(
                FailureKind::Shape,
                "a full list of clients for one code",
            ));
        }
        let (mut properties, mut silent) = (Vec::new(), Vec::new());
        for raw in clients {
            let key = document::client_key(&raw);
            let (id, found) = key.ok_or_else(|| {
                Error::not_acted(FailureKind::Shape, "a client that cannot be read")
            })?;
            // A loosely matching server may list other customers.
            if found != spelling && !code.is(&found) {
                continue;
            }
            let url = base
                .list("/properties", "client", id.as_str())
                .ok_or_else(unbuildable)?;
            match self.list(url).await? {
                Listed::Rows(rows) => properties.extend(rows),
                Listed::Nothing(_) => silent.push(raw),
            }
        }
        if properties.is_empty() {
            return Ok(Listed::Nothing(Absence::EmptyList));
        }
        // OZmap may be wrong once: the client stands for its property that is not shown, so that
        // one row is not the only one. As a property it cannot be read.
        properties.extend(silent);
        Ok(Listed::Rows(properties))
    }

    pub(super) async fn each_readable(&self, raw_rows: Vec<Raw>) -> Result<Vec<Row>, Error> {
        match raw_rows.as_slice() {
            [raw] => Ok(vec![self.populated(document::property(raw)).await?]),
            // The guard refuses several properties, so their clients are not fetched.
            several => Ok(several.iter().map(|raw| document::property(raw)).collect()),
        }
    }
}

/// The rows of one response that earlier responses do not have. Two rows of one response stay two:
/// only a row that another spelling showed already is the same.
fn not_among(rows: &[Raw], found: Vec<Raw>) -> Vec<Raw> {
    let id_of = |raw: &Raw| document::property(raw).ok().map(|property| property.id);
    let shown: Vec<PropertyId> = rows.iter().filter_map(id_of).collect();
    let is_new = |raw: &Raw| id_of(raw).is_none_or(|id| !shown.contains(&id));
    found.into_iter().filter(is_new).collect()
}
