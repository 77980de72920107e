//! Whether a final answer may be given once more: what was true when it was given may not be so now. And what an earlier
//! request was answered, for a conversation that goes on.
//!
//! It asks OZmap and changes nothing. What cannot be known is never repeated; it is worked on as a new request.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Duration, Instant, timeout_at};

use super::promise::Promise;
use super::{Cancellations, Declined, answer_of};
use crate::domain::{Answer, Ask, Outcome, ReservationCode};
use crate::journal::{Acceptance, Record};

/// How much of the caller's time is left for the promise of a new cancellation.
const PROMISE_WITHIN: Duration = Duration::from_millis(500);

impl Cancellations {
    /// What an earlier request with this key was answered, or is being answered; `None` when there was none. OZmap is not asked
    /// and nothing new is accepted: the customer is told once more what became of the request.
    ///
    /// # Errors
    /// [`Declined`] when that cannot be told now.
    pub async fn earlier_answer(
        self: &Arc<Self>,
        ask: Ask,
        answer_by: Instant,
    ) -> Result<Option<Answer>, Declined> {
        let Ok(code) = ReservationCode::parse(&ask.typed_code) else {
            return Ok(None);
        };
        let called = ask.first_name.clone();
        let record = match self.recall(self.acceptance(&ask, code), answer_by).await {
            Ok(Promise::Repeated(record)) => record,
            Ok(
                Promise::New(_) | Promise::Joined(_) | Promise::KeyReused | Promise::TooManyCodes,
            )
            | Err(Declined::Busy) => return Ok(None),
            Err(declined) => return Err(declined),
        };
        let record = self.ended_or_latest(record, answer_by).await;
        let mut answer = answer_of(&record);
        answer.replayed = true;
        answer.first_name = answer.first_name.or(called);
        Ok(Some(answer))
    }

    /// Promises a cancellation, or finds the one that the same webhook was promised before, unless its answer does not
    /// hold any more.
    pub(super) async fn promised(
        self: &Arc<Self>,
        asked: &mut Acceptance,
        permit: Option<OwnedSemaphorePermit>,
        answer_by: Instant,
    ) -> Result<Promise, Declined> {
        let takes_new = permit.is_some();
        let promise = match permit {
            Some(permit) => self.accept(asked.clone(), permit, answer_by).await?,
            None => self.recall(asked.clone(), answer_by).await?,
        };
        let Promise::Repeated(record) = promise else {
            return Ok(promise);
        };
        if !asked.must_be_looked_at(&record) || self.still_holds(&record, answer_by).await {
            return Ok(Promise::Repeated(record));
        }
        tracing::info!(op = %record.id, channel = asked.delivery.channel, "the answer of cancellation {} is not repeated: it may not hold any more", record.protocol);
        let permit = self.admission.clone().try_acquire_owned().ok();
        let Some(permit) = permit.filter(|_| takes_new) else {
            return Err(Declined::Busy);
        };
        asked.instead_of = Some(record.id);
        self.accept(asked.clone(), permit, answer_by).await
    }

    /// Whether OZmap still shows what a final answer said.
    async fn still_holds(&self, record: &Record, answer_by: Instant) -> bool {
        let said_nothing_is_there = match record.outcome {
            Some(Outcome::Cancelled | Outcome::AlreadyCancelled | Outcome::NotFound) => true,
            // What was there may be another one now, and is judged anew.
            Some(
                Outcome::Installed
                | Outcome::Review
                | Outcome::InvalidCode
                | Outcome::TooManyAttempts
                | Outcome::WouldCancel
                | Outcome::Found
                | Outcome::Expired
                | Outcome::Unknown
                | Outcome::Pending,
            )
            | None => false,
        };
        let look_by = answer_by.checked_sub(PROMISE_WITHIN).unwrap_or(answer_by);
        said_nothing_is_there
            && !self.rules.paused
            && timeout_at(look_by, self.shows_nothing(&record.code))
                .await
                .unwrap_or(false)
    }

    /// Whether OZmap shows nothing under a code.
    async fn shows_nothing(&self, code: &ReservationCode) -> bool {
        let shown = self.shown_under(code).await;
        shown.is_ok_and(|lookup| lookup.rows.is_empty())
    }
}
