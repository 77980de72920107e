//! The client of OZmap's interface: look up, look again, delete, and prove that the key works.
//!
//! It tells what OZmap showed and never what that means for the customer. It holds the only DELETE of the crate, and
//! that takes an [`Intent`](crate::journal::Intent). It never retries: whoever retries must know what was sent.

mod breaker;
mod document;
mod gate;
mod path;
mod proof;
mod settings;
#[cfg(test)]
pub(crate) mod simulated;
mod slot;
mod tls;
mod trouble;
mod wire;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use breaker::Shut;
pub use document::read_list;
use gate::Gate;
pub use path::{Base, BaseError, PlainHttp};
use secrecy::SecretString;
use settings::Key;
pub use settings::{AuthScheme, KeyTaken, NotFoundAnswer, Settings, SetupError};
pub use slot::Slot;
pub use tls::{TlsError, Trust, parse_pin};
pub use trouble::{Acted, Error, Trouble};
use wire::{Exchange, Wire};

use crate::clock::Moment;
use crate::domain::{PropertyId, ReservationCode, Sighting};
use crate::guard::Deletable;

/// How old the guard's reading may be when the DELETE leaves.
const GUARD_AGE_MS_MAX: u64 = 3_000;

/// The longest that a connection for a DELETE may take: what allows it is getting older meanwhile.
const CONNECT_TO_DELETE_MS_MAX: u64 = 2_000;

/// For how long after its intent a DELETE may wait before it leaves, in milliseconds.
pub const SEND_MS_MAX: u64 = GUARD_AGE_MS_MAX + CONNECT_TO_DELETE_MS_MAX;

/// What a second look at one property showed.
#[derive(Debug)]
pub enum Presence {
    /// Gone: its id is not found any more, and its code does not lead to it.
    Gone {
        /// The properties that the code leads to now, which are not ours to touch.
        others: Vec<PropertyId>,
    },
    /// Still there.
    Present(Sighting),
    /// Its code still leads to it; by its id it is not there, or says that it was deleted.
    OnlyByCode(Sighting),
}

/// Whether a guard's reading is too old for a DELETE, so that none need be written down for it.
#[must_use]
pub fn is_too_old(target: &Deletable) -> bool {
    target.read_at().age_ms() > GUARD_AGE_MS_MAX
}

/// The last that was heard of OZmap.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// When OZmap itself last answered, with whatever; a call that got no answer changes nothing here.
    pub at: Option<Moment>,
    /// What was wrong with the last call, if anything.
    pub trouble: Option<Trouble>,
}

/// The client. Every call goes through a [`Slot`], of which there are as many as OZmap may be asked at once.
pub struct Ozmap {
    wire: Box<dyn Exchange>,
    key: Key,
    base: Base,
    settings: Settings,
    gate: Gate,
    heard: Mutex<Option<Heard>>,
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
    fn over(wire: Box<dyn Exchange>, settings: Settings, key: Key) -> Result<Self, SetupError> {
        Ok(Self {
            key,
            base: Base::parse(&settings.base_url, settings.plain_http)?,
            wire,
            gate: Gate::new(settings.concurrency_max.max(1)),
            settings,
            heard: Mutex::new(None),
        })
    }

    /// Shows a key from the next call on, and probes OZmap with it at once unless it is the same as before.
    ///
    /// # Errors
    /// [`SetupError::Key`] when no header can carry it; then the old one stays.
    pub fn take_key(&self, api_key: &SecretString) -> Result<KeyTaken, SetupError> {
        let taken = self.key.replace(self.settings.auth_scheme, api_key)?;
        if taken == KeyTaken::New {
            self.gate.key_changed();
        }
        Ok(taken)
    }

    /// Waits for the right to call OZmap about a reservation.
    ///
    /// # Errors
    /// [`Shut`] when OZmap is left alone for now; nothing was sent.
    pub async fn slot(&self, code: &ReservationCode) -> Result<Slot<'_>, Shut> {
        // Only to tell reservations apart, in this process.
        let mut mark = DefaultHasher::new();
        code.as_str().hash(&mut mark);
        let pass = self.gate.enter(mark.finish()).await?;
        Ok(Slot { ozmap: self, pass })
    }

    /// Finds out whether OZmap answers and the key is good, whether it is left alone or not.
    ///
    /// # Errors
    /// [`Error`] says what OZmap answered instead.
    pub async fn probe(&self) -> Result<(), Error> {
        let pass = self.gate.probe().await;
        Slot { ozmap: self, pass }.probe().await
    }

    /// Finds out whether a "nothing there" that OZmap says with success will be believed, where it is listed as one.
    ///
    /// # Errors
    /// [`Error`] says what OZmap answered for the list of projects, which is needed for it.
    pub async fn probe_nothing(&self) -> Result<(), Error> {
        let pass = self.gate.probe().await;
        Slot { ozmap: self, pass }.probe_nothing().await
    }

    /// Waits until a probe is due: after `every`, or as soon as OZmap may be asked again after a trouble.
    pub async fn probe_is_due(&self, every: Duration) {
        self.gate.probe_is_due(every).await;
    }

    /// Whether OZmap is left alone now, for how long and why.
    #[must_use]
    pub fn shut(&self) -> Option<Shut> {
        self.gate.turned_away()
    }

    /// Whether OZmap was left alone again before it did anything well: whoever asks is not the reason.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.gate.is_lasting()
    }

    /// Whether the key is known to lack the right to delete.
    #[must_use]
    pub fn are_deletes_refused(&self) -> bool {
        self.gate.are_deletes_refused()
    }

    /// The last that was heard of OZmap, by any call.
    #[must_use]
    pub fn heard(&self) -> Option<Heard> {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
