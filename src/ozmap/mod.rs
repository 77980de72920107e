//! The client of OZmap's API: look up, recheck by id, delete, and probe the key.
//!
//! It reports what OZmap showed and never what that means for the customer. It holds the only
//! DELETE of the crate, which takes an [`Intent`](crate::journal::Intent). It never retries: only
//! the worker knows what was sent.
//!
//! The files. [`Ozmap`] and [`Session`] have methods in several of them; the list says which:
//! - `client`           [`Ozmap`]: the key, the circuit breaker's state, what was last heard
//! - `session`          [`Session`]: `Ozmap::session`, the calls, the only DELETE
//! - `lookup`           `Session::lookup`: a code in all its spellings
//! - `absence`          when an answer that means nothing is believed without the list of clients
//! - `recheck`          `Session::recheck_by_id`: is a deleted property gone?
//! - `cross_check`      other routes that confirm or contradict an absence
//! - `related`          ids that outlive a property: its client, its code, its splitter output
//! - `probe`            `Ozmap::probe` and the other read-only checks of the address and the key
//! - `document`         JSON to typed values
//! - `url`              addresses that cannot become another call
//! - `http`             one HTTP exchange
//! - `tls`              which certificates are trusted
//! - `error`            `FailureKind`: what failed, and whether OZmap may have acted
//! - `settings`         the configuration of the client
//! - `concurrent`       several requests at the same time
//! - `circuit_breaker`  when OZmap may be called: the breaker, the limit of concurrent calls

mod absence;
mod circuit_breaker;
mod client;
mod concurrent;
mod cross_check;
mod document;
mod error;
mod http;
mod lookup;
mod probe;
mod recheck;
mod related;
mod session;
mod settings;
mod tls;
mod url;

pub use circuit_breaker::CircuitOpen;
pub use client::{LOOKUPS_APART, LastResponse, Ozmap};
pub(crate) use concurrent::alongside;
pub use document::read_list;
pub use error::{Acted, Error, FailureKind};
pub use http::SEND_MS_MAX;
pub use lookup::{AbsentOnce, Lookup};
pub use recheck::{DeleteAnswer, Deleted, GoneChecks, RecheckResult};
pub use related::{Port, PortState, RelatedIds};
pub use session::Session;
pub use settings::{AuthScheme, KeyTaken, NotFoundAnswer, Settings, SetupError, key_user};
pub use tls::{TlsError, Trust, parse_pin};
pub use url::{Base, BaseError, PlainHttp};

/// What the simulation of `crate::testing` builds a client of.
#[cfg(test)]
pub(crate) mod seam {
    pub(crate) use super::error::{Error, FailureKind};
    pub(crate) use super::http::{ExchangeFuture, PartialReply, Reply, Transport};
    pub(crate) use super::settings::Key;
}
