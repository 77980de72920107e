//! A look-up: what is there, and whether it could be cancelled. It deletes nothing and promises nothing.

use tokio::time::sleep;

use super::advance::ids_in;
use super::{Cancellations, Declined, answer_of, conversation_of};
use crate::domain::{Answer, Ask, Field, Found, LookupResult, Outcome, Property, ReservationCode};
use crate::guard::{self, Asked, Verdict};
use crate::journal::Earlier;
use crate::ozmap::Look;

impl Cancellations {
    /// Says what is there; deletes nothing and promises nothing.
    pub(super) async fn look(&self, ask: &Ask, code: &ReservationCode) -> Result<Answer, Declined> {
        if let Some(conversation) = conversation_of(ask) {
            let codes_max = self.rules.codes_per_conversation_max;
            let may = self
                .journal
                .try_code(conversation, code, codes_max)
                .await
                .map_err(|_| Declined::Journal)?;
            if !may {
                return Ok(Answer::bare(Outcome::TooManyAttempts));
            }
        }
        if let Some(answer) = self.active_answer(code).await? {
            return Ok(answer);
        }
        let before = self.earlier(code).await?;
        let lookup = self.seen_by_code(ask, code).await?;
        let property = match lookup.rows.as_slice() {
            [Ok(property)] => Some(property),
            _ => None,
        };
        // One that was accepted meanwhile may have made what was seen.
        if let Some(answer) = self.active_answer(code).await? {
            return Ok(answer);
        }
        let earlier = self.earlier(code).await?;
        // Or one came and ended: then nobody knows from which side of it this was seen.
        if earlier != before {
            tracing::warn!(channel = %ask.channel, "what a look-up saw was cancelled meanwhile");
            return Err(Declined::Ozmap);
        }
        let is_old = self.shows_what_is_gone(code, &ids_in(&lookup)).await;
        if is_old.map_err(|_| Declined::Journal)? {
            tracing::warn!(channel = %ask.channel, "a look-up saw what was seen gone before");
            return Err(Declined::Ozmap);
        }
        let key_user = self.ozmap.key_user();
        let asked = Asked {
            key_user: key_user.as_deref(),
            ..Asked::from(code)
        };
        let mut answer = match guard::judge(&lookup, asked, &self.policy) {
            Verdict::Absent => return Ok(absent_answer(earlier)),
            Verdict::Keep(refusal) => Answer::bare(refusal.outcome(&self.policy)),
            Verdict::Delete(_) => Answer {
                found: property.map(found),
                ..Answer::bare(Outcome::Found)
            },
        };
        answer.first_name = property.and_then(|property| guard::first_name(property, code));
        Ok(answer)
    }

    async fn seen_by_code(
        &self,
        ask: &Ask,
        code: &ReservationCode,
    ) -> Result<LookupResult, Declined> {
        self.shown_under(code).await.map_err(|why| {
            tracing::warn!(channel = %ask.channel, "a look-up got no usable answer from OZmap: {why}");
            Declined::Ozmap
        })
    }

    /// What OZmap shows under a code; "nothing" only when it was seen twice, apart in time.
    ///
    /// # Errors
    /// Why there is no answer that can be believed.
    pub(super) async fn shown_under(&self, code: &ReservationCode) -> Result<LookupResult, String> {
        let mut before = None;
        loop {
            let session = self.ozmap.session(code).await;
            let session = session.map_err(|shut| shut.why.id().to_owned())?;
            let looked = session.look(code, before.as_ref()).await;
            // It does not hold up others while it waits.
            drop(session);
            match looked.map_err(|error| error.to_string())? {
                Look::Shown(lookup) => return Ok(lookup),
                Look::NothingYet(once) => {
                    sleep(once.wait()).await;
                    before = Some(once);
                }
            }
        }
    }

    /// The answer about a code whose cancellation is under way.
    async fn active_answer(&self, code: &ReservationCode) -> Result<Option<Answer>, Declined> {
        let active = self.journal.active(code).await;
        let active = active.map_err(|_| Declined::Journal)?;
        Ok(active.as_ref().map(answer_of))
    }

    /// The cancellations of this code that may have deleted something.
    async fn earlier(&self, code: &ReservationCode) -> Result<Option<Earlier>, Declined> {
        let earlier = self.journal.earlier_cancellation(code).await;
        earlier.map_err(|_| Declined::Journal)
    }
}

fn absent_answer(earlier: Option<Earlier>) -> Answer {
    match earlier {
        None => Answer::bare(Outcome::NotFound),
        Some(earlier) => Answer {
            protocol: Some(earlier.protocol),
            cancelled_at_ms: Some(earlier.at_ms),
            ..Answer::bare(Outcome::AlreadyCancelled)
        },
    }
}

fn found(property: &Property) -> Found {
    let text = |field: &Field<String>| field.value().cloned().unwrap_or_default();
    Found {
        address: text(&property.address),
        reserved_at: text(&property.created_at),
    }
}
