//! The promise to a caller: durable before it is told, and taken back when the caller was told "no" meanwhile.
//!
//! It must never leave anything to be done of which every caller was told that nothing was accepted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Duration, Instant, sleep, timeout_at};

use super::{Cancellations, Declined};
use crate::domain::OpId;
use crate::journal::{Acceptance, Accepted, DeliveryKey, Record, Withdrawn};

/// How long to wait before a promise is taken back again that could not be.
const WITHDRAW_RETRY: Duration = Duration::from_millis(500);

impl Cancellations {
    /// Makes the promise in a task of its own: a caller that hangs up meanwhile changes nothing about it.
    pub(super) async fn accept(
        self: &Arc<Self>,
        acceptance: Acceptance,
        permit: OwnedSemaphorePermit,
        answer_by: Instant,
    ) -> Result<Promise, Declined> {
        let (answer, mut promised) = oneshot::channel();
        let word = Arc::new(Word::default());
        self.tracker.spawn(
            self.clone()
                .promise(acceptance, permit, word.clone(), answer),
        );
        if let Ok(promise) = timeout_at(answer_by, &mut promised).await {
            return promise.unwrap_or(Err(Declined::Journal));
        }
        if word.decline() {
            return Err(Declined::Journal);
        }
        // It was promised in the same moment; the word is on its way.
        promised.await.unwrap_or(Err(Declined::Journal))
    }

    async fn promise(
        self: Arc<Self>,
        acceptance: Acceptance,
        permit: OwnedSemaphorePermit,
        word: Arc<Word>,
        answer: oneshot::Sender<Result<Promise, Declined>>,
    ) {
        let (delivery, call) = (acceptance.delivery.clone(), acceptance.call());
        let channel = delivery.channel.clone();
        let asked = word.clone();
        let accepted = self
            .journal
            .accept(acceptance, move || !asked.is_declined())
            .await;
        let kept = word.keep();
        // A caller that hung up hears nothing; what it was promised is kept all the same.
        let tell = |promise| drop(answer.send(promise));
        let held = match accepted {
            Ok(Accepted::Fresh(held)) => held,
            Ok(Accepted::Joined(record)) => {
                let op = record.id;
                tell(Ok(Promise::Joined(record)));
                if !kept {
                    self.take_back(op, delivery).await;
                }
                return;
            }
            Ok(Accepted::Repeated(record)) => {
                let op = record.id;
                tell(Ok(Promise::Repeated(record)));
                if !kept {
                    self.take_back(op, call).await;
                }
                return;
            }
            Ok(Accepted::KeyReused) => return tell(Ok(Promise::KeyReused)),
            Ok(Accepted::TooManyCodes) => return tell(Ok(Promise::TooManyCodes)),
            Err(error) => {
                tracing::error!(channel, "a cancellation could not be accepted: {error}");
                return tell(Err(Declined::Journal));
            }
        };
        if kept {
            let record = &held.record;
            tracing::info!(op = %record.id, channel, "cancellation {} is accepted", record.protocol);
            tell(Ok(Promise::New(Box::new(record.clone()))));
            return self.drive(*held, permit).await;
        }
        if self.take_back(held.record.id, delivery).await == Withdrawn::OthersRelyOnIt {
            self.drive(*held, permit).await;
        }
    }

    /// The caller was told that nothing was accepted, so nothing of its may come of it.
    async fn take_back(&self, op: OpId, call: DeliveryKey) -> Withdrawn {
        let lease = u64::try_from(self.journal.times().lease_ms).unwrap_or(0);
        // By then somebody else has taken it up.
        let until = Instant::now() + Duration::from_millis(lease);
        loop {
            match self.journal.withdraw(op, call.clone()).await {
                Ok(Withdrawn::TooLate) => break,
                Ok(withdrawn) => return withdrawn,
                Err(error) if Instant::now() < until => {
                    tracing::warn!(%op, "a promise that was declined is not withdrawn yet: {error}");
                    sleep(WITHDRAW_RETRY).await;
                }
                Err(_) => break,
            }
        }
        tracing::error!(%op, "a caller was told that nothing was accepted, and it goes on; a person should look");
        Withdrawn::TooLate
    }
}

/// What a caller was told while its promise was being written down: exactly one side decides.
#[derive(Default)]
struct Word(AtomicU8);

impl Word {
    const KEPT: u8 = 1;
    const DECLINED: u8 = 2;

    /// The promise is durable; false when the caller was told no already.
    fn keep(&self) -> bool {
        self.decide(Self::KEPT)
    }

    /// The caller is told no; false when the promise was made already.
    fn decline(&self) -> bool {
        self.decide(Self::DECLINED)
    }

    fn is_declined(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::DECLINED
    }

    fn decide(&self, word: u8) -> bool {
        self.0
            .compare_exchange(0, word, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// What the journal promised a caller.
pub(super) enum Promise {
    New(Box<Record>),
    Joined(Box<Record>),
    Repeated(Box<Record>),
    KeyReused,
    TooManyCodes,
}
