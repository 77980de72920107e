//! The history of a cancellation: one line for each thing that happened to it.
//!
//! It only appends. It must never hold personal data: an event says what happened, not to which
//! customer.

use super::error::Error;
use super::record::Lease;
use super::sql;
use super::store::Store;
use crate::domain::{EventKind, OpId};

/// An event in the history of a cancellation.
pub(super) struct Note {
    pub(super) op: OpId,
    pub(super) fence: i64,
    pub(super) kind: EventKind,
    pub(super) detail: String,
}

impl Note {
    pub(super) fn of(lease: &Lease, kind: EventKind, detail: &str) -> Self {
        Self {
            op: lease.op,
            fence: lease.fence,
            kind,
            detail: detail.trim().to_owned(),
        }
    }

    pub(super) fn write(&self, store: &mut dyn Store) -> Result<(), Error> {
        let parameters = [
            self.op.to_string().into(),
            self.fence.into(),
            self.kind.id().into(),
            self.detail.as_str().into(),
        ];
        store.execute(sql::EVENT, &parameters).map(drop)
    }
}
