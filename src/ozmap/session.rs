//! A session: the right to call OZmap for one step, the calls about one property, and the only
//! DELETE.
//!
//! A response that cannot be believed is an error. It must never become "not found" or "gone".

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use reqwest::{Method, StatusCode, Url};
use serde_json::value::RawValue;

use super::circuit_breaker::CircuitOpen;
use super::circuit_breaker::limiter::Permit;
use super::client::Ozmap;
use super::document::{self, Raw, Shape};
use super::error::{Error, FailureKind};
use super::http::Reply;
use super::settings::NotFoundAnswer;
use crate::clock::Moment;
use crate::domain::{ClientField, LookupResult, Property, PropertyId, ReservationCode, Row};
use crate::journal::Intent;

/// How much longer than the DELETE may take the lease must last.
const LEASE_MARGIN: Duration = Duration::from_secs(2);

/// The right to call OZmap during one step.
pub struct Session<'a> {
    pub(super) ozmap: &'a Ozmap,
    pub(super) permit: Permit<'a>,
}

impl Ozmap {
    /// Waits for a permit to call OZmap about a reservation.
    ///
    /// # Errors
    /// [`CircuitOpen`] when the circuit breaker rejects calls now; nothing was sent.
    pub async fn session(&self, code: &ReservationCode) -> Result<Session<'_>, CircuitOpen> {
        // The hash only tells reservations apart within this process.
        let mut hasher = DefaultHasher::new();
        code.as_str().hash(&mut hasher);
        let permit = self.limiter.enter(hasher.finish()).await?;
        Ok(Session {
            ozmap: self,
            permit,
        })
    }
}

impl Session<'_> {
    /// Whether a deletion may be tried. Call it before the intent is written.
    ///
    /// # Errors
    /// [`CircuitOpen`] while the key is known to lack the right to delete.
    pub fn may_delete(&self) -> Result<(), CircuitOpen> {
        self.permit.may_delete()
    }

    /// Deletes the property of an intent. The only DELETE of the crate.
    ///
    /// Success does not show that the reservation is gone, failure does not show that it is
    /// present: recheck by id.
    ///
    /// # Errors
    /// [`Error`] tells whether OZmap may have acted. [`FailureKind::Stale`] means that nothing was
    /// sent.
    pub async fn delete(&self, intent: Intent) -> Result<(), Error> {
        let within = self.ozmap.settings.delete;
        let stale = |why: &str| Error::not_acted(FailureKind::Stale, why);
        let Some(url) = self.ozmap.base.property(intent.property()) else {
            return Err(stale("the address of the property cannot be built"));
        };
        if intent.guard_age_ms() > self.ozmap.guard_age_ms() {
            return Err(stale("the guard's reading is too old"));
        }
        if intent.lease_left() < within + LEASE_MARGIN {
            return Err(stale("the lease ends too soon"));
        }
        let replied = self
            .ozmap
            .transport
            .exchange(Method::DELETE, url, within)
            .await;
        self.permit
            .delete_ended(replied.as_ref().err().map(|error| error.kind));
        let reply = match replied {
            // A 403 concerns the right to delete, not the right to read.
            Err(error) if error.kind == FailureKind::Forbidden => return Err(self.note(error)),
            // A refusal concerns this property; OZmap itself is healthy.
            Err(error) if error.is_refusal() => {
                self.permit.answered();
                self.ozmap.record_response(None);
                return Err(error);
            }
            replied => self.observe(replied)?,
        };
        let confirmed = reply.status.is_success()
            && !reply.is_html()
            && (reply.is_empty()
                || matches!(
                    document::shape(&reply.body),
                    Some(Shape::EmptyObject | Shape::Null | Shape::Document(_))
                ));
        if confirmed {
            return Ok(());
        }
        if reply.status == StatusCode::UNPROCESSABLE_ENTITY && !reply.is_html() {
            return Err(Error::answered(FailureKind::Status, reply.status, None));
        }
        if reply.status == StatusCode::NOT_FOUND {
            return Err(Error::maybe(FailureKind::Status, "status 404"));
        }
        Err(Error::maybe(
            FailureKind::Shape,
            "not an answer to a DELETE",
        ))
    }

    /// One property by its id. `None` does not prove an absence before the lookup by code agrees.
    pub(super) async fn by_id(&self, id: &PropertyId) -> Result<Option<LookupResult>, Error> {
        let read_at = Moment::now();
        let reply = self.get(self.ozmap.base.property(id)).await?;
        // This route answers an unknown id with 404, whatever the route by code answers.
        if reply.status == StatusCode::NOT_FOUND && !reply.is_html() && !reply.is_missing_route() {
            return Ok(None);
        }
        let raw = match self.content(&reply)? {
            // This route is not known to answer an absence like this.
            Content::Nothing(NotFoundAnswer::Status422 | NotFoundAnswer::EmptyBody) => {
                return Err(Error::not_acted(
                    FailureKind::Shape,
                    "neither a document nor an answer that means \"nothing there\"",
                ));
            }
            Content::Nothing(
                NotFoundAnswer::Status404
                | NotFoundAnswer::Status204
                | NotFoundAnswer::Null
                | NotFoundAnswer::EmptyObject,
            ) => return Ok(None),
            Content::Document(raw) => raw,
            Content::Rows(rows) => match <[Raw; 1]>::try_from(rows) {
                Ok([raw]) => raw,
                Err(rows) if rows.is_empty() => return Ok(None),
                Err(_) => {
                    return Err(Error::not_acted(
                        FailureKind::Shape,
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
                    FailureKind::Shape,
                    "not the document of this id",
                ));
            }
        }
        Ok(Some(LookupResult {
            rows: vec![row],
            read_at,
        }))
    }

    /// A row with its client's document in it; fetches the document if OZmap gave only the client's
    /// id.
    pub(super) async fn populated(&self, row: Row) -> Result<Row, Error> {
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
                FailureKind::Shape,
                "a list instead of a client",
            )),
        }
    }

    pub(super) async fn get(&self, url: Option<Url>) -> Result<Reply, Error> {
        let url =
            url.ok_or_else(|| Error::not_acted(FailureKind::Shape, "the address cannot be built"))?;
        let within = self.ozmap.settings.lookup;
        self.observe(
            self.ozmap
                .transport
                .exchange(Method::GET, url, within)
                .await,
        )
    }

    /// The meaning of the response to a GET. A response without one is an error, never an absence.
    pub(super) fn content(&self, reply: &Reply) -> Result<Content, Error> {
        if reply.is_html() {
            return Err(self.note(Error::not_acted(
                FailureKind::Html,
                "a page instead of an answer",
            )));
        }
        let expected = |answer| {
            if self.ozmap.settings.not_found_answers.contains(&answer) {
                return Ok(Content::Nothing(answer));
            }
            Err(Error::not_acted(
                FailureKind::Shape,
                "an answer that is not in ozmap.not_found_answers",
            ))
        };
        if reply.status == StatusCode::NOT_FOUND && reply.is_missing_route() {
            return Err(Error::not_acted(
                FailureKind::Status,
                "status 404 for the route itself",
            ));
        }
        if reply.status == StatusCode::NOT_FOUND {
            return expected(NotFoundAnswer::Status404);
        }
        if reply.status == StatusCode::UNPROCESSABLE_ENTITY {
            return expected(NotFoundAnswer::Status422);
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
            Some(Shape::Other) => Err(Error::not_acted(
                FailureKind::Shape,
                "JSON of an unknown shape",
            )),
            None => Err(Error::not_acted(FailureKind::Shape, "not JSON, or cut off")),
        }
    }

    pub(super) fn observe(&self, result: Result<Reply, Error>) -> Result<Reply, Error> {
        match result {
            Ok(reply) => {
                // A proxy or another server responded, not OZmap.
                if reply.is_html() {
                    self.permit.record_failure(&Error::not_acted(
                        FailureKind::Html,
                        "a page instead of an answer",
                    ));
                    self.ozmap.record_response(Some(FailureKind::Html));
                } else {
                    self.permit.answered();
                    self.ozmap.record_response(None);
                }
                Ok(reply)
            }
            Err(error) => {
                self.permit.record_failure(&error);
                Err(self.note(error))
            }
        }
    }

    pub(super) fn note(&self, error: Error) -> Error {
        self.ozmap.record_response(Some(error.kind));
        error
    }
}

/// The content of the response to a GET.
pub(super) enum Content {
    Nothing(NotFoundAnswer),
    Rows(Vec<Raw>),
    Document(Raw),
}

/// Puts a client's document into its property, if it is the document of the right client.
fn with_client(property: Property, id: &PropertyId, client: &RawValue) -> Row {
    let is_same = document::client_key(client).is_some_and(|(found, _)| found == *id);
    match document::populate(&property, client).filter(|_| is_same) {
        Some(raw) => document::property(&raw),
        None => Ok(property),
    }
}
