//! The client's state: the transport, the key, the circuit breaker, and what was last heard from
//! OZmap.
//!
//! Calls are made by a [`Session`](super::Session) alone; nothing here sends anything.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;

use super::circuit_breaker::CircuitOpen;
use super::circuit_breaker::limiter::CallLimiter;
use super::error::FailureKind;
use super::http::{HttpTransport, Transport};
use super::settings::{Key, KeyTaken, Settings, SetupError};
use super::url::Base;
use crate::clock::Moment;
use crate::guard::Deletable;

/// How far apart two lookups must be that together prove an absence.
pub const LOOKUPS_APART: Duration = Duration::from_millis(700);

/// A lookup that takes longer than this is logged.
const SLOW_LOOKUP_MS: u64 = 3_000;

/// The last response of OZmap.
#[derive(Clone, Copy, Debug)]
pub struct LastResponse {
    /// When OZmap itself last responded, whatever it said. A call without a response does not
    /// change it.
    pub at: Option<Moment>,
    /// How the last call failed, if it did.
    pub failure: Option<FailureKind>,
}

/// The client. Every call goes through a [`Session`](super::Session); their number is limited.
pub struct Ozmap {
    pub(super) transport: Box<dyn Transport>,
    key: Key,
    pub(super) base: Base,
    pub(super) settings: Settings,
    pub(super) limiter: CallLimiter,
    last_response: Mutex<Option<LastResponse>>,
    /// How long the last lookup took, in milliseconds; 0 before the first.
    lookup_ms: AtomicU64,
}

impl Ozmap {
    /// Sets the client up; nothing is sent.
    ///
    /// # Errors
    /// [`SetupError`] names the setting that cannot be used.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        let key = Key::of(&settings)?;
        let transport = Box::new(HttpTransport::new(&settings, key.clone())?);
        Self::over(transport, settings, key)
    }

    /// The same over another transport.
    pub(crate) fn over(
        transport: Box<dyn Transport>,
        settings: Settings,
        key: Key,
    ) -> Result<Self, SetupError> {
        Ok(Self {
            key,
            base: Base::parse(&settings.base_url, settings.plain_http)?,
            transport,
            limiter: CallLimiter::new(settings.concurrency_max.max(1)),
            settings,
            last_response: Mutex::new(None),
            lookup_ms: AtomicU64::new(0),
        })
    }

    /// Uses a key from the next call on, and probes OZmap with it at once if it differs from the
    /// old one.
    ///
    /// # Errors
    /// [`SetupError::Key`] when no header can carry it; the old key stays in use.
    pub fn take_key(&self, api_key: &SecretString) -> Result<KeyTaken, SetupError> {
        let taken = self.key.replace(self.settings.auth_scheme, api_key)?;
        if taken == KeyTaken::New {
            self.limiter.key_changed();
        }
        Ok(taken)
    }

    /// Waits until a probe is due: after `every`, or as soon as the circuit breaker allows one.
    pub async fn probe_is_due(&self, every: Duration) {
        self.limiter.probe_is_due(every).await;
    }

    /// Whether the circuit breaker is open now, for how long and why.
    #[must_use]
    pub fn circuit_open(&self) -> Option<CircuitOpen> {
        self.limiter.rejection()
    }

    /// Whether the circuit breaker opened again before any call succeeded: no single reservation is
    /// the cause.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.limiter.has_reopened()
    }

    /// Whether the key is known to lack the right to delete.
    #[must_use]
    pub fn are_deletes_refused(&self) -> bool {
        self.limiter.are_deletes_refused()
    }

    /// The last response, to any call.
    #[must_use]
    pub fn last_response(&self) -> Option<LastResponse> {
        *self
            .last_response
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The user of the key, if the key names one.
    #[must_use]
    pub fn key_user(&self) -> Option<String> {
        self.key.user()
    }

    /// Whether a guard's reading is too old for a DELETE, so that no intent needs to be written for
    /// it.
    #[must_use]
    pub fn is_too_old(&self, target: &Deletable) -> bool {
        target.read_at().age_ms() > self.guard_age_ms()
    }

    /// The greatest age of a guard's reading when the DELETE leaves, in milliseconds.
    #[must_use]
    pub fn guard_age_ms(&self) -> u64 {
        u64::try_from(self.settings.guard_age.as_millis()).unwrap_or(u64::MAX)
    }

    /// How long the last lookup took, in milliseconds; `None` before the first.
    #[must_use]
    pub fn lookup_ms(&self) -> Option<u64> {
        Some(self.lookup_ms.load(Ordering::Relaxed)).filter(|ms| *ms > 0)
    }

    /// Whether lookups take so long that their readings are too old for any deletion.
    #[must_use]
    pub fn is_too_slow(&self) -> bool {
        self.lookup_ms().is_some_and(|ms| ms > self.guard_age_ms())
    }

    /// Records how the last call ended.
    pub(super) fn record_response(&self, failure: Option<FailureKind>) {
        let mut last = self
            .last_response
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = last.and_then(|last| last.at);
        let is_response = failure.is_none_or(FailureKind::is_response);
        *last = Some(LastResponse {
            at: if is_response {
                Some(Moment::now())
            } else {
                before
            },
            failure,
        });
    }

    pub(super) fn record_lookup_time(&self, ms: u64) {
        self.lookup_ms.store(ms.max(1), Ordering::Relaxed);
        if ms > SLOW_LOOKUP_MS {
            tracing::warn!(
                lookup_ms = ms,
                guard_age_ms_max = self.guard_age_ms(),
                "OZmap is slow: a lookup took {ms} ms"
            );
        }
    }
}
