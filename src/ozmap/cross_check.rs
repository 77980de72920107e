//! Cross-checks of an absence: routes other than the ones by code and by id that confirm or
//! contradict it.
//!
//! A cross-check may be unusable: the route is missing, the key lacks a right, OZmap ignores the
//! filter. That says nothing about OZmap's health, so it must never open the circuit breaker.

use reqwest::{Method, StatusCode, Url};

use super::document::Raw;
use super::error::{Error, FailureKind};
use super::http::Reply;
use super::session::Session;
use super::{concurrent, document, url};
use crate::domain::{Field, PropertyId, ReservationCode};

/// What the list of clients shows for a code.
#[derive(Debug)]
pub(super) enum Clients {
    /// No client has it.
    None,
    /// These have it.
    Some(Vec<PropertyId>),
    /// The list cannot be used.
    Unknown,
}

/// What a cross-check shows about a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CrossCheck {
    /// It is gone.
    Gone,
    /// It is still present, or its client, which OZmap deletes with it.
    Present,
    /// Its client is not found; a missing route says so of every client.
    NotFound,
    /// The cross-check cannot be used.
    Inconclusive,
}

impl Session<'_> {
    /// The clients that have a code. An empty list with a count cannot be mistaken for anything
    /// else.
    pub(super) async fn clients_of(&self, code: &ReservationCode) -> Result<Clients, Error> {
        let base = &self.ozmap.base;
        let spellings = code.spellings();
        let lists = spellings
            .iter()
            .map(|spelling| self.counted_list(base.list("/ftth-clients", "code", spelling)));
        let (mut ids, mut is_known) = (Vec::new(), true);
        for rows in concurrent::join_all(lists).await {
            let Some(rows) = rows? else {
                is_known = false;
                continue;
            };
            let keys: Option<Vec<_>> = rows.iter().map(|raw| document::client_key(raw)).collect();
            let Some(keys) = keys else {
                is_known = false;
                continue;
            };
            let mut has_it = false;
            for (id, found) in keys {
                // An OZmap that ignores the filter lists other clients: every row's code is
                // compared.
                if code.is(&found) {
                    has_it = true;
                    if !ids.contains(&id) {
                        ids.push(id);
                    }
                }
            }
            is_known = is_known && (has_it || rows.len() < url::LIST_MAX);
        }
        Ok(match (ids.is_empty(), is_known) {
            (false, _) => Clients::Some(ids),
            (true, true) => Clients::None,
            (true, false) => Clients::Unknown,
        })
    }

    /// Cross-checks an absence with the client of the property and with the list of properties.
    pub(super) async fn cross_check(
        &self,
        id: &PropertyId,
        client: Option<&PropertyId>,
    ) -> Result<CrossCheck, Error> {
        let (client, listed) =
            tokio::join!(self.check_client(client), self.check_list_of_properties(id));
        Ok(match (client?, listed?) {
            (CrossCheck::Present, _) | (_, CrossCheck::Present) => CrossCheck::Present,
            (CrossCheck::Gone, _) | (_, CrossCheck::Gone) => CrossCheck::Gone,
            (CrossCheck::NotFound, _) | (_, CrossCheck::NotFound) => CrossCheck::NotFound,
            (CrossCheck::Inconclusive, CrossCheck::Inconclusive) => CrossCheck::Inconclusive,
        })
    }

    /// Checks the client, which OZmap deletes with its property.
    pub(super) async fn check_client(
        &self,
        client: Option<&PropertyId>,
    ) -> Result<CrossCheck, Error> {
        let Some(id) = client else {
            return Ok(CrossCheck::Inconclusive);
        };
        let Some(reply) = self.get_optional(self.ozmap.base.client(id)).await? else {
            return Ok(CrossCheck::Inconclusive);
        };
        if reply.status == StatusCode::NOT_FOUND {
            return Ok(CrossCheck::NotFound);
        }
        Ok(match document::client_state(&reply.body) {
            Some((found, Field::Missing | Field::Null)) if found == *id => CrossCheck::Present,
            Some((found, Field::Value(_))) if found == *id => CrossCheck::Gone,
            Some(_) | None => CrossCheck::Inconclusive,
        })
    }

    pub(super) async fn check_list_of_properties(
        &self,
        id: &PropertyId,
    ) -> Result<CrossCheck, Error> {
        let list = self.ozmap.base.list("/properties", "id", id.as_str());
        let Some(rows) = self.counted_list(list).await? else {
            return Ok(CrossCheck::Inconclusive);
        };
        if rows.is_empty() {
            return Ok(CrossCheck::Gone);
        }
        let mut readable = rows.iter().flat_map(|raw| document::property(raw));
        Ok(match readable.find(|property| property.id == *id) {
            Some(property) if property.deleted_at.value().is_some() => CrossCheck::Inconclusive,
            Some(_) => CrossCheck::Present,
            // OZmap ignored the filter.
            None => CrossCheck::Inconclusive,
        })
    }

    /// The rows of a list that counts them; `None` when the list cannot be used.
    pub(super) async fn counted_list(&self, url: Option<Url>) -> Result<Option<Vec<Raw>>, Error> {
        let reply = self.get_optional(url).await?;
        Ok(reply
            .filter(|reply| reply.status.is_success())
            .and_then(|reply| document::counted_rows(&reply.body)))
    }

    /// Calls a route that this OZmap need not have; `None` when it does not have it.
    pub(super) async fn get_optional(&self, url: Option<Url>) -> Result<Option<Reply>, Error> {
        let Some(url) = url else {
            return Ok(None);
        };
        let within = self.ozmap.settings.lookup;
        match self
            .ozmap
            .transport
            .exchange(Method::GET, url, within)
            .await
        {
            Err(error) if is_about_the_route(error.kind) => Ok(None),
            Ok(reply) if reply.is_html() || reply.is_missing_route() => Ok(None),
            replied => self.observe(replied).map(Some),
        }
    }
}

/// Whether a failure concerns one route or right, and not OZmap.
fn is_about_the_route(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Forbidden
        | FailureKind::Redirect
        | FailureKind::Html
        | FailureKind::Shape
        | FailureKind::Size
        | FailureKind::Status => true,
        FailureKind::Connect
        | FailureKind::Tls
        | FailureKind::Timeout
        | FailureKind::Lost
        | FailureKind::Unauthorized
        | FailureKind::RateLimited
        | FailureKind::Server
        | FailureKind::Stale => false,
    }
}
