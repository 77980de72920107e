//! Accepts a webhook: one transaction that ties it to a cancellation, new or running.
//!
//! It must never execute a request that the caller was refused: the caller decides last, just
//! before the commit.

use std::sync::Arc;

use tokio::time::{Duration, Instant, timeout};

use super::acceptance::{Acceptance, Accepted, Existing};
use super::duplicates::{NewDelivery, Seen, seen_before};
use super::error::Error;
use super::events::Note;
use super::handle::{Journal, Times};
use super::limits::may_try;
use super::protocol::free_protocol;
use super::record::{Lease, LeasedRecord, Record};
use super::store::{Store, Value};
use super::{queries, sql};
use crate::domain::{EventKind, FirstName, Mode, OpId, ReservationCode};

/// How often an acceptance is retried when another replica accepted the same webhook at the same
/// moment.
const RACES_MAX: usize = 3;

/// How long the search for an earlier acceptance may take before the webhook is accepted without
/// it.
const RECALL: Duration = Duration::from_millis(500);

impl Journal {
    /// Accepts a cancellation. Once this returns, the cancellation ends in a recorded outcome,
    /// whatever process is killed.
    ///
    /// Nothing is accepted for a caller that was refused before the commit.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot be written now, [`Error::NoRoom`] when the disk is
    /// nearly full. Then nothing is accepted and nothing will be done.
    pub async fn accept(
        &self,
        asked: Acceptance,
        caller: impl CommitDecision + 'static,
    ) -> Result<Accepted, Error> {
        // A webhook that a platform sends again and again must not delay the writes.
        if self.look_every.is_some()
            && let Ok(Ok(Some(recalled))) = timeout(RECALL, self.find_existing(asked.clone())).await
        {
            return Ok(recalled.into());
        }
        let caller: Arc<dyn CommitDecision> = Arc::new(caller);
        let mut races = 0;
        loop {
            match self.accept_once(asked.clone(), caller.clone()).await {
                // The other replica's row is committed now, and the retry finds it.
                Err(Error::Raced) if races < RACES_MAX => races += 1,
                accepted => return accepted,
            }
        }
    }

    /// Finds what the journal accepted for the same webhook before. Nothing is written.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be read now.
    pub async fn find_existing(&self, asked: Acceptance) -> Result<Option<Existing>, Error> {
        self.reader
            .call(move |store| match seen_before(store, &asked)? {
                Seen::Before(recalled) => Ok(Some(recalled)),
                Seen::New(_) => Ok(None),
            })
            .await
    }

    async fn accept_once(
        &self,
        asked: Acceptance,
        caller: Arc<dyn CommitDecision>,
    ) -> Result<Accepted, Error> {
        let fresh = Fresh {
            id: OpId::new(),
            owner: self.owner.clone(),
            times: self.times,
            until: self.lease_end(),
        };
        let too_late =
            || Error::Unavailable("the request timed out before it was accepted".to_owned());
        self.writer
            .call_exclusive(move |store| {
                // The caller may have been refused while this waited for its turn.
                if !caller.is_waiting() {
                    return Err(too_late());
                }
                let accepted = write_down(store, &asked, fresh)?;
                // Or while other operations ran. From here on the caller is not refused.
                if caller.try_commit() {
                    Ok(accepted)
                } else {
                    Err(too_late())
                }
            })
            .await
    }
}

/// The caller of an acceptance, which may be refused while it is being written.
pub trait CommitDecision: Send + Sync {
    /// Whether the caller still waits.
    fn is_waiting(&self) -> bool;

    /// Called when everything is written and only the commit remains. False when the caller was
    /// refused: then the transaction is rolled back. After `true`, the caller is never refused.
    fn try_commit(&self) -> bool;
}

/// A caller that gives both questions the same answer.
impl<F: Fn() -> bool + Send + Sync> CommitDecision for F {
    fn is_waiting(&self) -> bool {
        self()
    }

    fn try_commit(&self) -> bool {
        self()
    }
}

/// The id, the lease and the times of a new cancellation.
pub(super) struct Fresh {
    pub(super) id: OpId,
    pub(super) owner: Arc<str>,
    pub(super) times: Times,
    pub(super) until: Instant,
}

pub(super) fn write_down(
    store: &mut dyn Store,
    asked: &Acceptance,
    new: Fresh,
) -> Result<Accepted, Error> {
    let place = match seen_before(store, asked)? {
        Seen::Before(recalled) => return Ok(recalled.into()),
        Seen::New(place) => place,
    };
    store.room()?;
    if let Some(conversation) = &asked.conversation
        && !may_try(store, conversation, &asked.code, asked.codes_max)?
    {
        return Ok(Accepted::TooManyCodes);
    }
    let protocol = free_protocol(store, &asked.protocol_date)?;
    let parameters = [
        new.id.to_string().into(),
        protocol.into(),
        asked.code.as_str().into(),
        i64::from(asked.mode == Mode::DryRun).into(),
        asked.delivery.channel.as_str().into(),
        asked.note.clone().into(),
        asked.first_name.as_ref().map(FirstName::as_str).into(),
        Value::from(&*new.owner),
        new.times.lease_ms.into(),
        new.times.deadline_ms.into(),
        came_as(&asked.code).into(),
    ];
    let rows = store.query(sql::ACCEPT_OP, &parameters)?;
    let accepted = rows
        .first()
        .and_then(|row| row.text("id").ok())
        .and_then(OpId::parse);
    let accepted =
        accepted.ok_or_else(|| Error::Corrupt("an accepted record has no id".to_owned()))?;
    attach(store, asked, place, accepted)?;
    let record = queries::get(store, accepted)?
        .ok_or_else(|| Error::Corrupt("an accepted record is not there".to_owned()))?;
    if accepted != new.id {
        return Ok(Accepted::Joined(Box::new(record)));
    }
    fresh(store, record, new.until)
}

/// The code as it was received, where the stored spelling differs. The worker looks it up in OZmap
/// too, also after a restart.
fn came_as(code: &ReservationCode) -> Option<&str> {
    Some(code.came_as()).filter(|came_as| *came_as != code.as_str())
}

fn attach(
    store: &mut dyn Store,
    asked: &Acceptance,
    place: NewDelivery,
    op: OpId,
) -> Result<(), Error> {
    let channel = asked.delivery.channel.as_str();
    if let Some(earlier) = place.instead_of {
        let key = place.key.as_str();
        let earlier = [channel.into(), key.into(), earlier.to_string().into()];
        store.execute(sql::SET_ASIDE, &earlier)?;
    }
    let parameters = [
        channel.into(),
        place.key.into(),
        asked.fingerprint.as_str().into(),
        op.to_string().into(),
        asked.conversation.clone().into(),
        asked.locale.into(),
    ];
    if store.query(sql::ACCEPT_DELIVERY, &parameters)?.is_empty() {
        // Another replica accepted the same webhook first: roll back, and find its row.
        return Err(Error::Raced);
    }
    Ok(())
}

fn fresh(store: &mut dyn Store, record: Record, until: Instant) -> Result<Accepted, Error> {
    let lease = Lease::granted(record.id, 1, until);
    Note::of(&lease, EventKind::Accepted, "").write(store)?;
    Ok(Accepted::Fresh(Box::new(LeasedRecord { record, lease })))
}
