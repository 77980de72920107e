//! When an absence is believed although the list of clients cannot confirm it: if OZmap answers the
//! same again and, where the answer is not an empty list, a probe shows that OZmap and not a
//! gateway gave it.
//!
//! It must never take silence, a page or a stub for an absence.

use super::document::{self, Raw, Shape};
use super::error::{Error, FailureKind};
use super::http::Reply;
use super::lookup::{Absence, Listed};
use super::session::Session;
use super::settings::NotFoundAnswer;
use crate::domain::ReservationCode;

impl Session<'_> {
    /// Asks once more for a spelling that was answered with an absence. No rows means that the
    /// absence is believed.
    pub(super) async fn confirmed_rows(
        &self,
        code: &ReservationCode,
        spelling: &str,
        absence: Absence,
    ) -> Result<Vec<Raw>, Error> {
        match absence {
            Absence::EmptyList => {}
            Absence::Answer(NotFoundAnswer::Status422 | NotFoundAnswer::EmptyBody) => {
                return Err(Error::not_acted(
                    FailureKind::Shape,
                    "an answer that means \"nothing there\" only beside a list of clients that can be read",
                ));
            }
            // A gateway without an OZmap behind it answers everything alike. A key that works shows
            // that OZmap is there; the same answer again shows that OZmap gave it.
            Absence::Answer(answer) => {
                let probe = self.probe_key().await?;
                // A stub that answers "nothing" with success does so for the key as well. Only a
                // list tells it from OZmap.
                if needs_more_than_a_key(&answer) && says_nothing(&probe) {
                    self.probe_list().await?;
                }
            }
        }
        match self.listed(code, spelling).await? {
            Listed::Rows(rows) => Ok(rows),
            Listed::Nothing(again) if again == absence => Ok(Vec::new()),
            Listed::Nothing(_) => Err(Error::not_acted(
                FailureKind::Shape,
                "two answers that mean \"nothing there\" in different ways",
            )),
        }
    }
}

/// Whether a key that works does not yet confirm an absence: a server that answers "nothing" with
/// success may answer the probe of the key alike.
pub(super) fn needs_more_than_a_key(nothing: &NotFoundAnswer) -> bool {
    *nothing != NotFoundAnswer::Status404
}

/// Whether a server that answers "nothing" to everything could have given this response.
pub(super) fn says_nothing(reply: &Reply) -> bool {
    reply.is_empty()
        || matches!(
            document::shape(&reply.body),
            Some(Shape::Null | Shape::EmptyObject)
        )
}
