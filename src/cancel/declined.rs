//! A promise that was written down when its caller had been told no already: it is taken back.
//!
//! The caller heard that nothing was accepted, so nothing of its may come of it, unless somebody else relies on it.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

use super::Cancellations;
use super::flow::JOURNAL_RETRY;
use crate::domain::Outcome;
use crate::journal::{self, DeliveryKey, Ending, Held};

impl Cancellations {
    /// Takes a promise back, as often as it needs while the lease keeps others off.
    pub(super) async fn take_back(
        self: Arc<Self>,
        held: Box<Held>,
        delivery: DeliveryKey,
        permit: OwnedSemaphorePermit,
    ) {
        let op = held.record.id;
        loop {
            let ending = Ending {
                outcome: Outcome::Expired,
                reason: "caller_was_told_no".to_owned(),
                needs_human: false,
                first_name: None,
            };
            let withdrawn = self.journal.withdraw(&held, delivery.clone(), ending).await;
            match withdrawn {
                Ok(Some(_)) => return,
                Ok(None) => return self.drive(*held, permit).await,
                Err(error) => {
                    tracing::error!(%op, "a promise that was declined could not be withdrawn: {error}");
                    let is_lost = matches!(error, journal::Error::Fenced);
                    if is_lost || held.lease.left().is_zero() {
                        return;
                    }
                    sleep(JOURNAL_RETRY).await;
                }
            }
        }
    }
}
