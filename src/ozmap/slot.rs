//! The calls: what OZmap has, whether it is still there, the deletion.
//!
//! An answer that cannot be believed is an error, never "not found" and never "gone".

use std::sync::PoisonError;
use std::time::Duration;

use reqwest::{Method, StatusCode, Url};
use serde_json::value::RawValue;

use super::document::{self, Shape};
use super::gate::Pass;
use super::trouble::{Error, Trouble};
use super::wire::Reply;
use super::{GUARD_AGE_MS_MAX, Heard, NotFoundAnswer, Ozmap, Presence, Shut, path};
use crate::clock::Moment;
use crate::domain::{ClientField, Property, PropertyId, ReservationCode, Row, Sighting};
use crate::journal::Intent;

/// How much longer than a DELETE may take its lease must last.
const LEASE_MARGIN: Duration = Duration::from_secs(2);

/// The right to call OZmap, held for the calls of one step.
pub struct Slot<'a> {
    pub(super) ozmap: &'a Ozmap,
    pub(super) pass: Pass<'a>,
}

impl Slot<'_> {
    /// What OZmap has under a code.
    ///
    /// # Errors
    /// [`Error`] when there is no answer that can be believed; that is never "not found".
    pub async fn lookup(&self, code: &ReservationCode) -> Result<Sighting, Error> {
        // From before the question: what is read may be as old as that.
        let read_at = Moment::now();
        let raw_rows = match self.ozmap.base.properties_of(code) {
            Some(url) => self.rows(url).await?,
            None => self.filtered(code).await?,
        };
        let rows = match raw_rows.as_slice() {
            [raw] => vec![self.populated(document::property(raw)).await?],
            // Nobody chooses from several, so nobody asks for each one's customer, one after the other.
            several => several.iter().map(|raw| document::property(raw)).collect(),
        };
        Ok(Sighting { rows, read_at })
    }

    /// Looks again for a property that may have been deleted: by its id, and when that is gone by its code too.
    ///
    /// # Errors
    /// [`Error`] when it cannot be told; that is never "gone".
    pub async fn look_again(
        &self,
        id: &PropertyId,
        code: &ReservationCode,
    ) -> Result<Presence, Error> {
        match self.by_id(id).await? {
            // A document that says when it was deleted is what a kept copy of a deleted property looks like: whether
            // it is gone, its code must say.
            Some(sighting) if !says_deleted(&sighting) => return Ok(Presence::Present(sighting)),
            Some(_) | None => {}
        }
        // A 404 alone may be a route that is not there.
        let sighting = self.lookup(code).await?;
        let mut others = Vec::new();
        for row in &sighting.rows {
            match row {
                Ok(property) if property.id == *id => {
                    return Ok(Presence::OnlyByCode(sighting));
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

    /// Whether a deletion may be tried; asked before it is written down.
    ///
    /// # Errors
    /// [`Shut`] while the key is known to lack the right.
    pub fn may_delete(&self) -> Result<(), Shut> {
        self.pass.may_delete()
    }

    /// Deletes the property of an intent. The only DELETE of the crate.
    ///
    /// The reservation is not known to be gone when this succeeds, nor to be there when it fails: look again.
    ///
    /// # Errors
    /// [`Error`] tells whether OZmap may have acted. [`Trouble::Stale`] means that nothing was sent.
    pub async fn delete(&self, intent: Intent) -> Result<(), Error> {
        let within = self.ozmap.settings.delete;
        let stale = |why: &str| Error::not_acted(Trouble::Stale, why);
        let Some(url) = self.ozmap.base.property(intent.property()) else {
            return Err(stale("the address of the property cannot be built"));
        };
        if intent.guard_age_ms() > GUARD_AGE_MS_MAX {
            return Err(stale("the guard's reading is too old"));
        }
        if intent.lease_left() < within + LEASE_MARGIN {
            return Err(stale("the lease ends too soon"));
        }
        let replied = self.ozmap.wire.exchange(Method::DELETE, url, within).await;
        self.pass
            .delete_ended(replied.as_ref().err().map(|error| error.trouble));
        let reply = match replied {
            // It says something about the right to delete, and nothing about reading.
            Err(error) if error.trouble == Trouble::Forbidden => return Err(self.note(error)),
            replied => self.heard(replied)?,
        };
        let confirmed = reply.status.is_success()
            && !reply.is_html()
            && (reply.is_empty()
                || matches!(
                    document::shape(&reply.body),
                    Some(Shape::EmptyObject | Shape::Null | Shape::Document(_))
                ));
        match confirmed {
            true => Ok(()),
            false if reply.status == StatusCode::NOT_FOUND => {
                Err(Error::maybe(Trouble::Status, "status 404"))
            }
            false => Err(Error::maybe(Trouble::Shape, "not an answer to a DELETE")),
        }
    }

    /// One property by its id; `None` when it is not there, which is only a candidate until its code agrees.
    async fn by_id(&self, id: &PropertyId) -> Result<Option<Sighting>, Error> {
        let read_at = Moment::now();
        let reply = self.get(self.ozmap.base.property(id)).await?;
        // The generic route is known to answer 404 for an unknown id, whatever the route by code answers.
        if reply.status == StatusCode::NOT_FOUND && !reply.is_html() && !reply.is_missing_route() {
            return Ok(None);
        }
        let raw = match self.content(&reply)? {
            Content::Nothing(_) => return Ok(None),
            Content::Document(raw) => raw,
            Content::Rows(rows) => match <[Box<RawValue>; 1]>::try_from(rows) {
                Ok([raw]) => raw,
                Err(rows) if rows.is_empty() => return Ok(None),
                Err(_) => {
                    return Err(Error::not_acted(
                        Trouble::Shape,
                        "several documents for one id",
                    ));
                }
            },
        };
        let row = self.populated(document::property(&raw)).await?;
        match &row {
            Ok(property) if property.id == *id => {}
            Ok(_) | Err(_) => {
                return Err(Error::not_acted(
                    Trouble::Shape,
                    "not the document of this id",
                ));
            }
        }
        Ok(Some(Sighting {
            rows: vec![row],
            read_at,
        }))
    }

    /// The look-up for codes that cannot be a path segment: the client by its code, then its properties.
    async fn filtered(&self, code: &ReservationCode) -> Result<Vec<Box<RawValue>>, Error> {
        let unbuildable = || Error::not_acted(Trouble::Shape, "the address cannot be built");
        let base = &self.ozmap.base;
        let url = base
            .list("/ftth-clients", "code", code.as_str())
            .ok_or_else(unbuildable)?;
        let (mut properties, mut is_known) = (Vec::new(), false);
        let clients = self.rows(url).await?;
        for raw in &clients {
            let key = document::client_key(raw);
            let (id, found) = key
                .ok_or_else(|| Error::not_acted(Trouble::Shape, "a client that cannot be read"))?;
            // A server that matches loosely must not make a stranger's property look like an answer.
            if found != code.as_str() {
                continue;
            }
            let url = base
                .list("/properties", "client", id.as_str())
                .ok_or_else(unbuildable)?;
            properties.extend(self.rows(url).await?);
            is_known = true;
        }
        // As many strangers as fit: the filter was not obeyed, and the one that was asked for may be among the rest.
        if !is_known && clients.len() >= path::LIST_MAX {
            return Err(Error::not_acted(
                Trouble::Shape,
                "a full list without the code that was filtered for",
            ));
        }
        Ok(properties)
    }

    /// A row with its client's document in it, where OZmap gave only the client's id.
    async fn populated(&self, row: Row) -> Result<Row, Error> {
        let Ok(property) = row else {
            return Ok(row);
        };
        let ClientField::Reference(reference) = &property.client else {
            return Ok(Ok(property));
        };
        let Some(id) = PropertyId::parse(reference) else {
            return Ok(Ok(property));
        };
        let reply = self.get(self.ozmap.base.client(&id)).await?;
        match self.content(&reply)? {
            Content::Document(client) => Ok(with_client(property, &id, &client)),
            Content::Nothing(_) => Ok(Ok(property)),
            Content::Rows(_) => Err(Error::not_acted(
                Trouble::Shape,
                "a list instead of a client",
            )),
        }
    }

    pub(super) async fn get(&self, url: Option<Url>) -> Result<Reply, Error> {
        let url =
            url.ok_or_else(|| Error::not_acted(Trouble::Shape, "the address cannot be built"))?;
        let within = self.ozmap.settings.lookup;
        self.heard(self.ozmap.wire.exchange(Method::GET, url, within).await)
    }

    /// Makes sense of the answer to a GET; what makes none is an error, and never "nothing there".
    pub(super) fn content(&self, reply: &Reply) -> Result<Content, Error> {
        if reply.is_html() {
            return Err(self.note(Error::not_acted(
                Trouble::Html,
                "a page instead of an answer",
            )));
        }
        let expected = |answer| match self.ozmap.settings.not_found_answers.contains(&answer) {
            true => Ok(Content::Nothing(answer)),
            false => Err(Error::not_acted(
                Trouble::Shape,
                "an answer that is not in ozmap.not_found_answers",
            )),
        };
        if reply.status == StatusCode::NOT_FOUND {
            return match reply.is_missing_route() {
                true => Err(Error::not_acted(
                    Trouble::Status,
                    "status 404 for the route itself",
                )),
                false => expected(NotFoundAnswer::Status404),
            };
        }
        if reply.status == StatusCode::NO_CONTENT {
            return expected(NotFoundAnswer::Status204);
        }
        if reply.is_empty() {
            return expected(NotFoundAnswer::EmptyBody);
        }
        match document::shape(&reply.body) {
            Some(Shape::Rows(rows)) => Ok(Content::Rows(rows)),
            Some(Shape::Document(raw)) => Ok(Content::Document(raw)),
            Some(Shape::Null) => expected(NotFoundAnswer::Null),
            Some(Shape::EmptyObject) => expected(NotFoundAnswer::EmptyObject),
            Some(Shape::Other) => Err(Error::not_acted(Trouble::Shape, "JSON of an unknown shape")),
            None => Err(Error::not_acted(Trouble::Shape, "not JSON, or cut off")),
        }
    }

    fn heard(&self, result: Result<Reply, Error>) -> Result<Reply, Error> {
        match result {
            Ok(reply) => {
                // Not OZmap, but something before it, or somewhere else.
                if reply.is_html() {
                    self.pass.troubled(&Error::not_acted(
                        Trouble::Html,
                        "a page instead of an answer",
                    ));
                    self.keep(Some(Trouble::Html));
                } else {
                    self.pass.answered();
                    self.keep(None);
                }
                Ok(reply)
            }
            Err(error) => {
                self.pass.troubled(&error);
                Err(self.note(error))
            }
        }
    }

    pub(super) fn note(&self, error: Error) -> Error {
        self.keep(Some(error.trouble));
        error
    }

    fn keep(&self, trouble: Option<Trouble>) {
        let mut heard = self
            .ozmap
            .heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = heard.and_then(|heard| heard.at);
        let is_answer = trouble.is_none_or(Trouble::is_an_answer_of_ozmap);
        *heard = Some(Heard {
            at: if is_answer {
                Some(Moment::now())
            } else {
                before
            },
            trouble,
        });
    }
}

/// Whether the one document of a sighting says that it was deleted.
fn says_deleted(sighting: &Sighting) -> bool {
    let is_deleted =
        |property: &Property| property.deleted_at.value().is_some_and(|at| !at.is_empty());
    matches!(sighting.rows.as_slice(), [Ok(property)] if is_deleted(property))
}

/// What an answer to a GET holds.
pub(super) enum Content {
    Nothing(NotFoundAnswer),
    Rows(Vec<Box<RawValue>>),
    Document(Box<RawValue>),
}

/// Puts a client's document into its property, if it is the right client's.
fn with_client(property: Property, id: &PropertyId, client: &RawValue) -> Row {
    let is_same = document::client_key(client).is_some_and(|(found, _)| found == *id);
    match document::populate(&property, client).filter(|_| is_same) {
        Some(raw) => document::property(&raw),
        None => Ok(property),
    }
}
