//! Read-only checks of the address and the key, for the health page, the circuit breaker and
//! `check`.
//!
//! They must never ask for a customer's reservation.

use reqwest::StatusCode;

use super::absence::{needs_more_than_a_key, says_nothing};
use super::client::Ozmap;
use super::cross_check::Clients;
use super::document;
use super::error::{Error, FailureKind};
use super::http::Reply;
use super::session::Session;
use crate::clock::Moment;
use crate::domain::ReservationCode;

impl Ozmap {
    /// Whether OZmap responds and accepts the key; also while the circuit breaker is open.
    ///
    /// # Errors
    /// [`Error`] says what OZmap responded instead.
    pub async fn probe(&self) -> Result<(), Error> {
        self.probing().await.probe().await
    }

    /// Whether an absence that OZmap answers with success will be believed, if such an answer is
    /// configured.
    ///
    /// # Errors
    /// [`Error`] says what OZmap responded for its list of projects, which is needed for it.
    pub async fn probe_nothing(&self) -> Result<(), Error> {
        self.probing().await.probe_nothing().await
    }

    /// Whether the list of clients can cross-check an absence.
    ///
    /// # Errors
    /// [`Error`] when OZmap gives no usable response.
    pub async fn can_cross_check(&self) -> Result<bool, Error> {
        let clients = self.probing().await.clients_of(&unused_code()?).await?;
        Ok(matches!(clients, Clients::None))
    }

    /// How long a lookup takes for a code that no customer has, in milliseconds.
    ///
    /// # Errors
    /// [`Error`] when OZmap gives no usable response.
    pub async fn time_lookup(&self) -> Result<u64, Error> {
        let code = unused_code()?;
        let session = self.probing().await;
        let asked_at = Moment::now();
        session.lookup(&code, None).await?;
        Ok(asked_at.age_ms())
    }

    async fn probing(&self) -> Session<'_> {
        let permit = self.limiter.probe().await;
        Session {
            ozmap: self,
            permit,
        }
    }
}

impl Session<'_> {
    /// Proves that the address and the key are good, without asking for any reservation.
    ///
    /// # Errors
    /// [`Error`] says what OZmap responded instead.
    pub async fn probe(&self) -> Result<(), Error> {
        self.probe_key().await.map(drop)
    }

    async fn probe_nothing(&self) -> Result<(), Error> {
        let listed = &self.ozmap.settings.not_found_answers;
        if listed.iter().any(needs_more_than_a_key) && says_nothing(&self.probe_key().await?) {
            self.probe_list().await?;
        }
        Ok(())
    }

    /// The response that proves that the key is accepted.
    pub(super) async fn probe_key(&self) -> Result<Reply, Error> {
        let reply = self.get(self.ozmap.base.fixed("/authenticated")).await?;
        // Not every server has the route; a list of projects proves the key as well.
        if reply.status == StatusCode::NOT_FOUND {
            return self.probe_list().await;
        }
        self.succeeded(reply)
    }

    /// The list of projects, which a stub that answers everything alike does not have.
    pub(super) async fn probe_list(&self) -> Result<Reply, Error> {
        let projects = self.ozmap.base.fixed("/projects?limit=1&select=name");
        let reply = self.get(projects).await?;
        if document::is_list(&reply.body) {
            return self.succeeded(reply);
        }
        Err(Error::not_acted(
            FailureKind::Shape,
            "the list of projects cannot be read",
        ))
    }

    fn succeeded(&self, reply: Reply) -> Result<Reply, Error> {
        if reply.is_html() {
            return Err(self.note(Error::not_acted(
                FailureKind::Html,
                "a page instead of an answer",
            )));
        }
        if !reply.status.is_success() {
            return Err(self.note(Error::not_acted(
                FailureKind::Status,
                format!("status {}", reply.status.as_u16()),
            )));
        }
        Ok(reply)
    }
}

/// A code that no customer has.
fn unused_code() -> Result<ReservationCode, Error> {
    let code = format!("ozmap-cancel-check-{}", uuid::Uuid::now_v7());
    ReservationCode::parse(&code)
        .map_err(|_| Error::not_acted(FailureKind::Shape, "the address cannot be built"))
}
