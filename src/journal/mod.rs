//! The durable record of cancellations: the promise, the intent, the outcome.
//!
//! `accepted -> intent -> acked -> done(outcome)`, one row per cancellation, one active row per
//! code, and a lease with a fence so that several processes may share one database. It alone makes
//! an [`Intent`], after the target is on the disk. It must never decide what may be deleted, nor
//! talk to OZmap.
//!
//! | file | holds |
//! | --- | --- |
//! | `handle` | [`Journal`]: opens it, closes it, and queues its operations |
//! | `acceptance`, `accept` | a webhook's request, and the transaction that promises it |
//! | `duplicates` | whether a webhook came before |
//! | `transitions`, `ending` | the steps of a cancellation under its lease, and how it ends |
//! | `events`, `protocol` | its history, and its protocol number |
//! | `record` | a cancellation as it is read, its lease, and the [`Intent`] |
//! | `history`, `queries` | what is read about cancellations while the service runs |
//! | `conversation` | the last question of a conversation in free text |
//! | `limits` | deletions of an hour, codes of a conversation |
//! | `write_probe` | proves that a promise could be written now |
//! | `reader` | the operator's reading beside the service, `check` and `backup` |
//! | `sql`, `words` | every statement, once for both databases, and the ids of the enums in them |
//! | `migrations/` | the tables, as numbered changes, and the upgrade of an older journal |
//! | `store` | what a database must be able to do: statements, batches, rows by column name |
//! | `sqlite`, `sqlite/` | the embedded database: files, write-ahead log, schema, backup |
//! | `postgres`, `postgres/` | the shared database: its connection and its schema |
//! | `group_commit` | the thread that owns a connection and commits in batches |
//! | `url`, `disk` | where a journal is, and whether the disk there is fit for it |
//! | `error` | why the journal could not do something |

mod accept;
mod acceptance;
mod conversation;
mod disk;
mod duplicates;
mod ending;
mod error;
mod events;
mod group_commit;
mod handle;
mod history;
mod limits;
mod migrations;
mod postgres;
mod protocol;
mod queries;
mod reader;
mod record;
mod sql;
mod sqlite;
mod store;
mod transitions;
mod url;
mod words;
mod write_probe;

pub use accept::CommitDecision;
pub use acceptance::{Acceptance, Accepted, DeliveryKey, Existing, KeyScope};
pub use conversation::ReceivedMessage;
pub use ending::{Ending, LateJoiners, SplitReason};
pub use error::Error;
pub use handle::{Journal, Times};
pub use history::{Earlier, LiveCancellations};
pub use queries::Stats;
pub use reader::{DeliveryNote, Event, Filter, Found, Inspection, Reader, backup, inspect};
pub use record::{Intent, Lease, LeaseRenewer, LeasedRecord, Record};
pub use sqlite::backup::Copied;
pub use transitions::UNREADABLE;
pub use url::{ConnectOptions, DiskRules, JournalUrl, NetworkDisk, PlaintextPolicy};

pub use crate::domain::State;

/// What the simulation of `crate::testing` builds a journal of.
#[cfg(test)]
pub(crate) mod seam {
    pub(crate) use super::group_commit::{Operation, OperationQueue, Writer, finish, run};
    pub(crate) use super::handle::LOOK_EVERY;
    pub(crate) use super::sql::FREE_LEASES;
    pub(crate) use super::sqlite::Sqlite;
    pub(crate) use super::store::{Row, Store, Value};
}
