//! When "nothing there" is believed although the list of clients cannot be used as a witness: when it is said again, and,
//! where it is no list, with a proof that OZmap and no gateway said it.
//!
//! It must never take silence, a page or a stub for "nothing there".

use reqwest::StatusCode;

use super::NotFoundAnswer;
use super::document::{self, Shape};
use super::look::{Listed, Raw, Said};
use super::slot::Session;
use super::trouble::{Error, FailureKind};
use super::wire::Reply;
use crate::domain::ReservationCode;

impl Session<'_> {
    /// Proves that the address and the key are good, without touching any reservation.
    ///
    /// # Errors
    /// [`Error`] says what OZmap answered instead.
    pub async fn probe(&self) -> Result<(), Error> {
        self.prove_key().await.map(drop)
    }

    /// Proves that a "nothing there" with success could be told from a stub's, as [`Session::look`] demands it.
    ///
    /// # Errors
    /// [`Error`] says what OZmap answered for its list of projects, which is needed for it and cannot be read.
    pub async fn probe_nothing(&self) -> Result<(), Error> {
        let listed = &self.ozmap.settings.not_found_answers;
        if listed.iter().any(needs_more_than_a_key) && says_nothing(&self.prove_key().await?) {
            self.prove_list().await?;
        }
        Ok(())
    }

    /// The answer that proves it.
    async fn prove_key(&self) -> Result<Reply, Error> {
        let reply = self.get(self.ozmap.base.fixed("/authenticated")).await?;
        match reply.status == StatusCode::NOT_FOUND {
            // The route is not there on every server; a list of projects proves the key as well.
            true => self.prove_list().await,
            false => self.succeeded(reply),
        }
    }

    async fn prove_list(&self) -> Result<Reply, Error> {
        let projects = self.ozmap.base.fixed("/projects?limit=1&select=name");
        let reply = self.get(projects).await?;
        match document::is_list(&reply.body) {
            true => self.succeeded(reply),
            false => Err(Error::not_acted(
                FailureKind::Shape,
                "the list of projects cannot be read",
            )),
        }
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

    /// The rows of a spelling that was answered with "nothing", or none when that is believed without a witness.
    pub(super) async fn proven(
        &self,
        code: &ReservationCode,
        spelling: &str,
        said: Said,
    ) -> Result<Vec<Raw>, Error> {
        match said {
            Said::EmptyList => {}
            Said::Answer(NotFoundAnswer::Status422 | NotFoundAnswer::EmptyBody) => {
                return Err(Error::not_acted(
                    FailureKind::Shape,
                    "an answer that means \"nothing there\" only beside a list of clients that can be read",
                ));
            }
            // A gateway with no OZmap behind it says the same about everything. Only a key that works after that answer
            // shows that somebody is there, and only the same answer again that it was OZmap's own.
            Said::Answer(answer) => {
                let proof = self.prove_key().await?;
                // A stub that says "nothing" with success says the same of the key. That OZmap is there, only a list
                // tells then.
                if needs_more_than_a_key(&answer) && says_nothing(&proof) {
                    self.prove_list().await?;
                }
            }
        }
        match self.listed(code, spelling).await? {
            Listed::Rows(rows) => Ok(rows),
            Listed::Nothing(again) if again == said => Ok(Vec::new()),
            Listed::Nothing(_) => Err(Error::not_acted(
                FailureKind::Shape,
                "two answers that mean \"nothing there\" in different ways",
            )),
        }
    }
}

/// Whether a key that works does not prove an answer: who says "nothing" with success may say it of the key as well.
fn needs_more_than_a_key(nothing: &NotFoundAnswer) -> bool {
    *nothing != NotFoundAnswer::Status404
}

/// Whether an answer could be that of somebody who says "nothing" to everything.
fn says_nothing(reply: &Reply) -> bool {
    reply.is_empty()
        || matches!(
            document::shape(&reply.body),
            Some(Shape::Null | Shape::EmptyObject)
        )
}
