//! Questions beside the ones by code and by id, whose answers show whether "nothing there" is true.
//!
//! A witness that cannot be used says nothing: a route that is not there, a right that is missing, a filter that is not
//! obeyed. That is about the route and not about OZmap, so it must never keep OZmap from others.

use reqwest::{Method, StatusCode, Url};

use super::look::Raw;
use super::slot::Session;
use super::trouble::{Error, FailureKind};
use super::wire::Reply;
use super::{document, path, together};
use crate::domain::{Field, PropertyId, ReservationCode};

/// What the list of clients says of a code.
#[derive(Debug)]
pub(super) enum Clients {
    /// Nobody has it.
    None,
    /// These have it.
    Some(Vec<PropertyId>),
    /// The list cannot be used.
    Unknown,
}

/// What somebody who knew a property says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Testimony {
    /// It is gone.
    Gone,
    /// It, or its client, which goes with it, is still there.
    There,
    /// Its client is not found, which a route that is not there says of every client.
    NotFound,
    /// Nothing.
    Silent,
}

impl Session<'_> {
    /// Who has a code, by the list of clients: its "nothing" cannot be mistaken for anything else.
    pub(super) async fn clients_of(&self, code: &ReservationCode) -> Result<Clients, Error> {
        let base = &self.ozmap.base;
        let spellings = code.spellings();
        let lists = spellings
            .iter()
            .map(|spelling| self.witness_rows(base.list("/ftth-clients", "code", spelling)));
        let (mut ids, mut is_known) = (Vec::new(), true);
        for rows in together::all(lists).await {
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
                // Every row's code is looked at: unknown parameters are ignored, and then strangers are listed.
                if code.is(&found) {
                    has_it = true;
                    if !ids.contains(&id) {
                        ids.push(id);
                    }
                }
            }
            is_known = is_known && (has_it || rows.len() < path::LIST_MAX);
        }
        Ok(match (ids.is_empty(), is_known) {
            (false, _) => Clients::Some(ids),
            (true, true) => Clients::None,
            (true, false) => Clients::Unknown,
        })
    }

    /// What is known of a property that is said to be gone: by its client's id, and by the list of properties.
    pub(super) async fn testimony(
        &self,
        id: &PropertyId,
        client: Option<&PropertyId>,
    ) -> Result<Testimony, Error> {
        let (client, listed) = tokio::join!(self.client_says(client), self.list_says(id));
        Ok(match (client?, listed?) {
            (Testimony::There, _) | (_, Testimony::There) => Testimony::There,
            (Testimony::Gone, _) | (_, Testimony::Gone) => Testimony::Gone,
            (Testimony::NotFound, _) | (_, Testimony::NotFound) => Testimony::NotFound,
            (Testimony::Silent, Testimony::Silent) => Testimony::Silent,
        })
    }

    /// The client goes with its property.
    pub(super) async fn client_says(
        &self,
        client: Option<&PropertyId>,
    ) -> Result<Testimony, Error> {
        let Some(id) = client else {
            return Ok(Testimony::Silent);
        };
        let Some(reply) = self.ask_aside(self.ozmap.base.client(id)).await? else {
            return Ok(Testimony::Silent);
        };
        if reply.status == StatusCode::NOT_FOUND {
            return Ok(Testimony::NotFound);
        }
        Ok(match document::client_state(&reply.body) {
            Some((found, Field::Missing | Field::Null)) if found == *id => Testimony::There,
            Some((found, Field::Value(_))) if found == *id => Testimony::Gone,
            Some(_) | None => Testimony::Silent,
        })
    }

    pub(super) async fn list_says(&self, id: &PropertyId) -> Result<Testimony, Error> {
        let list = self.ozmap.base.list("/properties", "id", id.as_str());
        let Some(rows) = self.witness_rows(list).await? else {
            return Ok(Testimony::Silent);
        };
        if rows.is_empty() {
            return Ok(Testimony::Gone);
        }
        let mut readable = rows.iter().flat_map(|raw| document::property(raw));
        Ok(match readable.find(|property| property.id == *id) {
            Some(property) if property.deleted_at.value().is_some() => Testimony::Silent,
            Some(_) => Testimony::There,
            // The filter was not obeyed.
            None => Testimony::Silent,
        })
    }

    /// The rows of a list that counts them; `None` when it cannot be used as a witness.
    pub(super) async fn witness_rows(&self, url: Option<Url>) -> Result<Option<Vec<Raw>>, Error> {
        let reply = self.ask_aside(url).await?;
        Ok(reply
            .filter(|reply| reply.status.is_success())
            .and_then(|reply| document::counted_rows(&reply.body)))
    }

    /// Asks something that this OZmap need not know; `None` when it does not.
    pub(super) async fn ask_aside(&self, url: Option<Url>) -> Result<Option<Reply>, Error> {
        let Some(url) = url else {
            return Ok(None);
        };
        let within = self.ozmap.settings.lookup;
        match self.ozmap.wire.exchange(Method::GET, url, within).await {
            Err(error) if is_about_the_route(error.kind) => Ok(None),
            Ok(reply) if reply.is_html() || reply.is_missing_route() => Ok(None),
            replied => self.heard(replied).map(Some),
        }
    }
}

/// Whether a trouble says something of one route or right, and nothing of OZmap.
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
        | FailureKind::Throttled
        | FailureKind::Server
        | FailureKind::Stale => false,
    }
}
