//! The client of OZmap's interface: look up, look again, delete, and prove that the key works.
//!
//! It tells what OZmap showed and never what that means for the customer. It holds the only DELETE of the crate, and
//! that takes an [`Intent`](crate::journal::Intent). It never retries: whoever retries must know what was sent.

mod again;
mod breaker;
mod document;
mod gate;
mod look;
mod path;
mod port;
mod proof;
mod settings;
mod slot;
mod tls;
mod together;
mod trouble;
mod wire;
mod witness;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use again::{DeleteAnswer, Deleted, GoneBefore, RecheckResult};
pub use breaker::CircuitOpen;
pub use document::read_list;
use gate::CallLimiter;
pub use look::{Look, SeenOnce};
pub use path::{Base, BaseError, PlainHttp};
pub use port::{Port, PortState, Traces};
use secrecy::SecretString;
use settings::Key;
pub use settings::{AuthScheme, KeyTaken, NotFoundAnswer, Settings, SetupError, key_user};
pub use slot::Session;
pub use tls::{TlsError, Trust, parse_pin};
pub(crate) use together::beside;
pub use trouble::{Acted, Error, FailureKind};
use wire::{Exchange, Wire};
use witness::Clients;

use crate::clock::Moment;
use crate::domain::ReservationCode;
use crate::guard::Deletable;

/// What the simulation of `crate::testing` builds a client of.
#[cfg(test)]
pub(crate) mod seam {
    pub(crate) use super::settings::Key;
    pub(crate) use super::trouble::{Error, FailureKind};
    pub(crate) use super::wire::{Arriving, Exchange, Exchanging, Reply};
}

/// The longest that a connection for a DELETE may take: what allows it is getting older meanwhile.
const CONNECT_TO_DELETE_MS_MAX: u64 = 2_000;

/// For how long after its intent was written down a DELETE may wait for its connection, with a moment for the journal.
pub const SEND_MS_MAX: u64 = CONNECT_TO_DELETE_MS_MAX + 3_000;

/// How far apart "nothing" is seen twice.
pub const LOOKS_APART: Duration = Duration::from_millis(700);

/// A look for a code that takes longer than this is told to the operator.
const SLOW_LOOK_MS: u64 = 3_000;

/// The last that was heard of OZmap.
#[derive(Clone, Copy, Debug)]
pub struct LastResponse {
    /// When OZmap itself last answered, with whatever; a call that got no answer changes nothing here.
    pub at: Option<Moment>,
    /// What was wrong with the last call, if anything.
    pub kind: Option<FailureKind>,
}

/// The client. Every call goes through a [`Session`], of which there are as many as OZmap may be asked at once.
pub struct Ozmap {
    wire: Box<dyn Exchange>,
    key: Key,
    base: Base,
    settings: Settings,
    limiter: CallLimiter,
    heard: Mutex<Option<LastResponse>>,
    /// How long the last look for a code took, in milliseconds; 0 before the first.
    look_ms: AtomicU64,
}

impl Ozmap {
    /// Sets the client up; nothing is sent.
    ///
    /// # Errors
    /// [`SetupError`] names the setting that cannot be used.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        let key = Key::of(&settings)?;
        let wire = Box::new(Wire::new(&settings, key.clone())?);
        Self::over(wire, settings, key)
    }

    /// The same over another wire; nothing but the bytes' way differs.
    pub(crate) fn over(
        wire: Box<dyn Exchange>,
        settings: Settings,
        key: Key,
    ) -> Result<Self, SetupError> {
        Ok(Self {
            key,
            base: Base::parse(&settings.base_url, settings.plain_http)?,
            wire,
            limiter: CallLimiter::new(settings.concurrency_max.max(1)),
            settings,
            heard: Mutex::new(None),
            look_ms: AtomicU64::new(0),
        })
    }

    /// Shows a key from the next call on, and probes OZmap with it at once unless it is the same as before.
    ///
    /// # Errors
    /// [`SetupError::Key`] when no header can carry it; then the old one stays.
    pub fn take_key(&self, api_key: &SecretString) -> Result<KeyTaken, SetupError> {
        let taken = self.key.replace(self.settings.auth_scheme, api_key)?;
        if taken == KeyTaken::New {
            self.limiter.key_changed();
        }
        Ok(taken)
    }

    /// Waits for the right to call OZmap about a reservation.
    ///
    /// # Errors
    /// [`CircuitOpen`] when OZmap is left alone for now; nothing was sent.
    pub async fn session(&self, code: &ReservationCode) -> Result<Session<'_>, CircuitOpen> {
        // Only to tell reservations apart, in this process.
        let mut mark = DefaultHasher::new();
        code.as_str().hash(&mut mark);
        let permit = self.limiter.enter(mark.finish()).await?;
        Ok(Session {
            ozmap: self,
            permit,
        })
    }

    /// Finds out whether OZmap answers and the key is good, whether it is left alone or not.
    ///
    /// # Errors
    /// [`Error`] says what OZmap answered instead.
    pub async fn probe(&self) -> Result<(), Error> {
        let permit = self.limiter.probe().await;
        Session {
            ozmap: self,
            permit,
        }
        .probe()
        .await
    }

    /// Finds out whether a "nothing there" that OZmap says with success will be believed, where it is listed as one.
    ///
    /// # Errors
    /// [`Error`] says what OZmap answered for the list of projects, which is needed for it.
    pub async fn probe_nothing(&self) -> Result<(), Error> {
        let permit = self.limiter.probe().await;
        Session {
            ozmap: self,
            permit,
        }
        .probe_nothing()
        .await
    }

    /// Waits until a probe is due: after `every`, or as soon as OZmap may be asked again after a trouble.
    pub async fn probe_is_due(&self, every: Duration) {
        self.limiter.probe_is_due(every).await;
    }

    /// Whether OZmap is left alone now, for how long and why.
    #[must_use]
    pub fn circuit_open(&self) -> Option<CircuitOpen> {
        self.limiter.turned_away()
    }

    /// Whether OZmap was left alone again before it did anything well: whoever asks is not the reason.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.limiter.is_lasting()
    }

    /// Whether the key is known to lack the right to delete.
    #[must_use]
    pub fn are_deletes_refused(&self) -> bool {
        self.limiter.are_deletes_refused()
    }

    /// The last that was heard of OZmap, by any call.
    #[must_use]
    pub fn last_response(&self) -> Option<LastResponse> {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whom the key belongs to, if it says so.
    #[must_use]
    pub fn key_user(&self) -> Option<String> {
        self.key.user()
    }

    /// Whether a guard's reading is too old for a DELETE, so that none need be written down for it.
    #[must_use]
    pub fn is_too_old(&self, target: &Deletable) -> bool {
        target.read_at().age_ms() > self.guard_age_ms()
    }

    /// How old the guard's reading may be when the DELETE leaves, in milliseconds.
    #[must_use]
    pub fn guard_age_ms(&self) -> u64 {
        u64::try_from(self.settings.guard_age.as_millis()).unwrap_or(u64::MAX)
    }

    /// How long the last look for a code took, in milliseconds, once there was one.
    #[must_use]
    pub fn look_ms(&self) -> Option<u64> {
        Some(self.look_ms.load(Ordering::Relaxed)).filter(|ms| *ms > 0)
    }

    /// Whether looks take so long that what they show allows no deletion any more.
    #[must_use]
    pub fn is_too_slow(&self) -> bool {
        self.look_ms().is_some_and(|ms| ms > self.guard_age_ms())
    }

    /// Whether the list of clients shows that a code is nobody's, so that every "nothing there" has a witness. Reads only.
    ///
    /// # Errors
    /// [`Error`] when OZmap gives no usable answer.
    pub async fn has_witness(&self) -> Result<bool, Error> {
        let permit = self.limiter.probe().await;
        let clients = Session {
            ozmap: self,
            permit,
        }
        .clients_of(&nobodys()?)
        .await?;
        Ok(matches!(clients, Clients::None))
    }

    /// How long a look takes for a code that nobody has, in milliseconds. Reads only.
    ///
    /// # Errors
    /// [`Error`] when OZmap gives no usable answer.
    pub async fn time_look(&self) -> Result<u64, Error> {
        let code = nobodys()?;
        let permit = self.limiter.probe().await;
        let asked_at = Moment::now();
        Session {
            ozmap: self,
            permit,
        }
        .look(&code, None)
        .await?;
        Ok(asked_at.age_ms())
    }

    fn note_look_time(&self, ms: u64) {
        self.look_ms.store(ms.max(1), Ordering::Relaxed);
        if ms > SLOW_LOOK_MS {
            tracing::warn!(
                lookup_ms = ms,
                guard_age_ms_max = self.guard_age_ms(),
                "OZmap is slow: a look for a code took {ms} ms"
            );
        }
    }
}

/// A code that nobody has.
fn nobodys() -> Result<ReservationCode, Error> {
    let code = format!("ozmap-cancel-check-{}", uuid::Uuid::now_v7());
    ReservationCode::parse(&code)
        .map_err(|_| Error::not_acted(FailureKind::Shape, "the address cannot be built"))
}
