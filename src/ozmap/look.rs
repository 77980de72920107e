//! Looking for a reservation code: in each of its spellings, and "nothing" only when it was seen twice, apart in time.
//!
//! OZmap compares codes byte for byte and is sometimes wrong for a moment. One answer that shows nothing is never believed.
//! A reservation that is there costs no further question.

use std::time::Duration;

use reqwest::Url;
use serde_json::value::RawValue;

use super::port::Traces;
use super::slot::{Content, Session};
use super::trouble::{Error, FailureKind};
use super::witness::Clients;
use super::{NotFoundAnswer, document, path, together};
use crate::clock::Moment;
use crate::domain::{DocumentError, LookupResult, PropertyId, ReservationCode, Row};

/// What a look for a code showed.
#[derive(Debug)]
pub enum Look {
    /// Something, or nothing that was seen twice: then the sighting has no row.
    Shown(LookupResult),
    /// Nothing, for the first time: to be asked again after [`SeenOnce::wait`].
    NothingYet(SeenOnce),
}

/// That nothing was shown once.
#[derive(Clone, Debug)]
pub struct SeenOnce {
    at: Moment,
    apart: Duration,
}

impl SeenOnce {
    /// How long to wait before the second look counts.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.apart
            .saturating_sub(Duration::from_millis(self.at.age_ms()))
    }
}

/// A row as it came.
pub(super) type Raw = Box<RawValue>;

/// What one spelling of a code was answered.
#[derive(Clone, Debug)]
pub(super) enum Listed {
    /// Rows; never none.
    Rows(Vec<Raw>),
    /// Nothing, said in this way.
    Nothing(Said),
}

/// How "nothing" was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A list without a row.
    EmptyList,
    /// One of the answers that the operator listed.
    Answer(NotFoundAnswer),
}

/// Whether spellings that nearly are the code are asked for too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Near {
    Asked,
    LeftOut,
}

/// What a closer look showed after "nothing".
#[derive(Debug)]
pub(super) enum Closer {
    /// Rows after all, or none: then there is nothing.
    Rows(Vec<Row>),
    /// Clients with this code, and no property.
    OnlyClients(Vec<PropertyId>),
}

impl Session<'_> {
    /// What OZmap has under a code. With an earlier look that showed nothing, and that is old enough, "nothing" is looked
    /// into more closely and then believed.
    ///
    /// # Errors
    /// [`Error`] when there is no answer that can be believed; that is never "not found".
    pub async fn look(
        &self,
        code: &ReservationCode,
        before: Option<&SeenOnce>,
    ) -> Result<Look, Error> {
        // From before the question: what is read may be as old as that.
        let read_at = Moment::now();
        let (mut raw_rows, nothings) = self.spelled(code, code.spellings()).await?;
        if !raw_rows.is_empty() {
            // A second reservation under another spelling must not be missed because OZmap was wrong once.
            let silent = nothings.into_iter().map(|(spelling, _)| spelling).collect();
            let (more, _) = self.spelled(code, silent).await?;
            raw_rows.extend(not_among(&raw_rows, more));
            let rows = self.each_readable(raw_rows).await?;
            self.ozmap.note_look_time(read_at.age_ms());
            return Ok(Look::Shown(LookupResult { rows, read_at }));
        }
        self.ozmap.note_look_time(read_at.age_ms());
        let Some(before) = before else {
            let apart = self.ozmap.settings.looks_apart;
            return Ok(Look::NothingYet(SeenOnce {
                at: Moment::now(),
                apart,
            }));
        };
        if !before.wait().is_zero() {
            return Ok(Look::NothingYet(before.clone()));
        }
        let rows = match self.look_closer(code, nothings, Near::Asked).await? {
            Closer::Rows(rows) => rows,
            Closer::OnlyClients(_) => vec![Err(DocumentError::ClientWithoutProperty)],
        };
        Ok(Look::Shown(LookupResult { rows, read_at }))
    }

    /// The rows of every spelling, each property once, and how the others said "nothing".
    pub(super) async fn spelled(
        &self,
        code: &ReservationCode,
        spellings: Vec<String>,
    ) -> Result<(Vec<Raw>, Vec<(String, Said)>), Error> {
        let asked = spellings.iter().map(|spelling| self.listed(code, spelling));
        let answers = together::all(asked).await;
        let (mut rows, mut nothings) = (Vec::new(), Vec::new());
        for (spelling, answer) in spellings.into_iter().zip(answers) {
            match answer? {
                Listed::Nothing(said) => nothings.push((spelling, said)),
                Listed::Rows(found) => {
                    let new = not_among(&rows, found);
                    rows.extend(new);
                }
            }
        }
        Ok((rows, nothings))
    }

    /// Nothing was shown before, and now again: the spellings that nearly are the code, and the list of clients, tell
    /// whether that is so.
    pub(super) async fn look_closer(
        &self,
        code: &ReservationCode,
        nothings: Vec<(String, Said)>,
        near: Near,
    ) -> Result<Closer, Error> {
        let near = match near {
            Near::Asked => code.near_spellings(),
            Near::LeftOut => Vec::new(),
        };
        let (near, clients) = tokio::join!(self.spelled(code, near), self.clients_of(code));
        let (near, _) = near?;
        if !near.is_empty() {
            return self.each_readable(near).await.map(Closer::Rows);
        }
        match clients? {
            Clients::None => Ok(Closer::Rows(Vec::new())),
            Clients::Some(ids) => self.of_clients(ids).await,
            // Without the witness the answers themselves have to be proven.
            Clients::Unknown => {
                for (spelling, said) in nothings {
                    let rows = self.proven(code, &spelling, said).await?;
                    if !rows.is_empty() {
                        return self.each_readable(rows).await.map(Closer::Rows);
                    }
                }
                Ok(Closer::Rows(Vec::new()))
            }
        }
    }

    /// The properties of clients that have the code, although the code leads to none.
    async fn of_clients(&self, ids: Vec<PropertyId>) -> Result<Closer, Error> {
        let mut rows = Vec::new();
        for id in &ids {
            let list = self.ozmap.base.list("/properties", "client", id.as_str());
            let found = self.witness_rows(list).await?.unwrap_or_default();
            // A filter that is not obeyed lists the properties of strangers.
            let is_theirs = |raw: &Raw| {
                let client = Traces::of(raw.get()).client;
                client.is_none_or(|client| client == *id)
            };
            rows.extend(found.into_iter().filter(is_theirs));
        }
        match rows.is_empty() {
            true => Ok(Closer::OnlyClients(ids)),
            false => self.each_readable(rows).await.map(Closer::Rows),
        }
    }

    /// What one spelling leads to.
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
            Content::Rows(rows) if rows.is_empty() => Ok(Listed::Nothing(Said::EmptyList)),
            Content::Rows(rows) => Ok(Listed::Rows(rows)),
            Content::Nothing(answer) => Ok(Listed::Nothing(Said::Answer(answer))),
            Content::Document(_) => Err(Error::not_acted(
                FailureKind::Shape,
                "an object instead of a list",
            )),
        }
    }

    /// The look-up for spellings that cannot be a path segment: the client by its code, then its properties.
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
        let (mut properties, mut is_known) = (Vec::new(), false);
        for raw in &clients {
            let key = document::client_key(raw);
            let (id, found) = key.ok_or_else(|| {
                Error::not_acted(FailureKind::Shape, "a client that cannot be read")
            })?;
            // A server that matches loosely must not make a stranger's property look like an answer.
            if found != spelling && !code.is(&found) {
                continue;
            }
            let url = base
                .list("/properties", "client", id.as_str())
                .ok_or_else(unbuildable)?;
            if let Listed::Rows(rows) = self.list(url).await? {
                properties.extend(rows);
            }
            is_known = true;
        }
        // As many strangers as fit: the filter was not obeyed, and the one that was asked for may be among the rest.
        if !is_known && clients.len() >= path::LIST_MAX {
            return Err(Error::not_acted(
                FailureKind::Shape,
                "a full list without the code that was filtered for",
            ));
        }
        match properties.is_empty() {
            true => Ok(Listed::Nothing(Said::EmptyList)),
            false => Ok(Listed::Rows(properties)),
        }
    }

    pub(super) async fn each_readable(&self, raw_rows: Vec<Raw>) -> Result<Vec<Row>, Error> {
        match raw_rows.as_slice() {
            [raw] => Ok(vec![self.populated(document::property(raw)).await?]),
            // Nobody chooses from several, so nobody asks for each one's customer, one after the other.
            several => Ok(several.iter().map(|raw| document::property(raw)).collect()),
        }
    }
}

/// The rows of one answer that those of earlier ones do not have. Two rows of one answer stay two: only what another
/// spelling showed already is the same row.
fn not_among(rows: &[Raw], found: Vec<Raw>) -> Vec<Raw> {
    let id_of = |raw: &Raw| document::property(raw).ok().map(|property| property.id);
    let shown: Vec<PropertyId> = rows.iter().filter_map(id_of).collect();
    let is_new = |raw: &Raw| id_of(raw).is_none_or(|id| !shown.contains(&id));
    found.into_iter().filter(is_new).collect()
}
