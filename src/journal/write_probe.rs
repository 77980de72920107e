//! Proves that a cancellation can be written now: runs every statement of one, from acceptance to
//! end, on rows of its own.
//!
//! The caller rolls it back. It must never leave a row, nor take a protocol number.

use tokio::time::{Duration, Instant};
use uuid::Uuid;

use super::accept::{Fresh, write_down};
use super::acceptance::{Acceptance, Accepted, DeliveryKey, KeyScope};
use super::error::Error;
use super::handle::{Journal, Times};
use super::sql;
use super::store::{Store, Value};
use crate::domain::{Mode, OpId, Outcome, Reason, ReservationCode};

/// Long enough for all statements.
const TIMES: Times = Times {
    lease_ms: 60_000,
    settle_ms: 60_000,
    deadline_ms: 60_000,
};

/// An id in OZmap's format that no property has.
const NO_PROPERTY: &str = "000000000000000000000000";

impl Journal {
    /// Proves that a cancellation can be accepted and ended: writes a heartbeat, and all statements
    /// of a cancellation, which are rolled back.
    ///
    /// # Errors
    /// [`Error::NoRoom`] when its disk is nearly full, [`Error::Unavailable`] when it cannot be
    /// written.
    pub async fn prove_writable(&self) -> Result<(), Error> {
        let owner = self.owner.clone();
        self.writer
            .call(move |store| {
                store.room()?;
                store.execute(sql::HEARTBEAT, &[Value::from(&*owner)])?;
                store.savepoint()?;
                let probed = probe_write(store, &owner);
                store.undo()?;
                probed
            })
            .await
    }
}

/// Runs every statement that a cancellation needs, within a transaction or a savepoint that is
/// undone.
pub(super) fn probe_write(store: &mut dyn Store, owner: &str) -> Result<(), Error> {
    let asked = acceptance()?;
    let fresh = Fresh {
        id: OpId::new(),
        owner: owner.into(),
        times: TIMES,
        until: Instant::now() + Duration::from_secs(60),
    };
    let Accepted::Fresh(held) = write_down(store, &asked, fresh)? else {
        return Err(refused("a new request"));
    };
    let op = Value::from(held.lease.op.to_string());
    let fence = Value::from(held.lease.fence);
    let lease = [op.clone(), fence.clone(), Value::from(owner)];
    let intent = with(
        &[
            NO_PROPERTY.into(),
            "{}".into(),
            Value::Null,
            0.into(),
            TIMES.lease_ms.into(),
        ],
        &lease,
    );
    let event = [op, fence, NO_PROPERTY.into(), held.record.now_ms().into()];
    let done = with(
        &[
            Outcome::Cancelled.id().into(),
            Reason::SeenGone.id().into(),
            0.into(),
            Value::Null,
        ],
        &lease,
    );
    let told = [
        Outcome::Cancelled.id().into(),
        asked.delivery.channel.as_str().into(),
        asked.delivery.key.as_str().into(),
    ];
    let renew = with(&[TIMES.lease_ms.into()], &lease);
    for (sql, parameters) in [
        (sql::RENEW, renew.as_slice()),
        (sql::INTENT, &intent),
        (sql::INTENT_EVENT, &event),
        (sql::ACKED, &lease),
        (sql::DONE, &done),
        (sql::RECORD_REPLY, &told),
    ] {
        if store.execute(sql, parameters)? != 1 {
            return Err(refused("a step of a cancellation"));
        }
    }
    // An hour of its own, so that no other replica waits for it.
    let spend = [
        format!("rehearsal {owner}").into(),
        3_600_000.into(),
        1.into(),
    ];
    if store.query(sql::SPEND, &spend)?.is_empty() {
        return Err(refused("a deletion of an hour"));
    }
    Ok(())
}

fn acceptance() -> Result<Acceptance, Error> {
    let own = Uuid::now_v7().to_string();
    let code = ReservationCode::parse(&own).map_err(|_| refused("a code"))?;
    Ok(Acceptance {
        delivery: DeliveryKey {
            channel: "rehearsal".to_owned(),
            key: own.clone(),
        },
        duplicate_window_ms: Some(0),
        codes_max: 1,
        replay_ms: 0,
        key_scope: KeyScope::Conversation,
        fingerprint: own.clone(),
        fingerprint_before: None,
        instead_of: None,
        code,
        mode: Mode::Real,
        conversation: Some(own),
        locale: "en",
        first_name: None,
        note: None,
        // Without a date, so that no customer has the number, whatever it is.
        protocol_date: "00000000".to_owned(),
    })
}

fn with(first: &[Value], lease: &[Value]) -> Vec<Value> {
    [first, lease].concat()
}

fn refused(what: &str) -> Error {
    Error::Unavailable(format!("its tables do not take {what}"))
}
