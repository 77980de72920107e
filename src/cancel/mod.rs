//! Cancelling, from the promise to the recorded outcome.
//!
//! A request is made durable first; then a flow of its own works on it, which no caller can cut off by hanging up.
//! Whoever asked only waits until it is time to answer. What a customer is told comes from the journal, never from
//! a flow that has not written it down.

mod advance;
mod backoff;
mod flow;
mod promise;
mod recovery;
mod watchers;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use promise::Promise;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use watchers::Watchers;

use crate::clock::Moment;
use crate::domain::{Action, Answer, Ask, Field, Found, Mode, Outcome, Property, ReservationCode};
use crate::guard::{self, Policy, Verdict};
use crate::journal::{Acceptance, DeliveryKey, Journal, Record};
use crate::ozmap::Ozmap;

/// The most recovered cancellations that are worked on at the same time.
const RECOVERIES_MAX: usize = 64;

/// What the operator set.
pub struct Rules {
    /// Nothing is deleted and nothing is asked; everything accepted is held.
    pub paused: bool,
    /// Every cancellation is a rehearsal.
    pub dry_run: bool,
    /// The most deletions in an hour.
    pub deletes_per_hour_max: u32,
    /// The most codes that a conversation may try in a day.
    pub codes_per_conversation_max: u32,
    /// What a reservation code looks like at this provider, if that is known.
    pub code_pattern: Option<regex::Regex>,
    /// The most requests that are worked on at the same time.
    pub in_flight_max: usize,
    /// Where the provider is, for the date in a protocol number.
    pub time_zone: TimeZone,
}

/// Why a request was not taken. Nothing was done and nothing will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declined {
    /// As many requests as allowed are being worked on.
    Busy,
    /// The service is stopping.
    Stopping,
    /// The journal cannot be written.
    Journal,
    /// A look-up got no answer from OZmap that can be believed.
    Ozmap,
    /// The same idempotency key came before with another content.
    KeyReused,
}

/// Everything that works on cancellations.
pub struct Cancellations {
    journal: Journal,
    ozmap: Ozmap,
    policy: Policy,
    rules: Rules,
    admission: Arc<Semaphore>,
    recoveries: Arc<Semaphore>,
    watchers: Watchers,
    tracker: TaskTracker,
    stopping: CancellationToken,
}

impl Cancellations {
    /// Puts the parts together; nothing is worked on before [`Cancellations::start`], but for what is asked.
    #[must_use]
    pub fn new(journal: Journal, ozmap: Ozmap, policy: Policy, rules: Rules) -> Arc<Self> {
        Arc::new(Self {
            admission: Arc::new(Semaphore::new(rules.in_flight_max)),
            recoveries: Arc::new(Semaphore::new(RECOVERIES_MAX)),
            watchers: Watchers::default(),
            tracker: TaskTracker::new(),
            stopping: CancellationToken::new(),
            journal,
            ozmap,
            policy,
            rules,
        })
    }

    /// Starts working: takes up whatever an earlier run left.
    pub fn start(self: &Arc<Self>) {
        self.tracker.spawn(self.clone().recover());
        self.tracker.spawn(self.clone().probe_ozmap());
    }

    /// The journal, for the health page.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The client, for the health page and its probe.
    #[must_use]
    pub fn ozmap(&self) -> &Ozmap {
        &self.ozmap
    }

    /// How many requests are being worked on.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.rules.in_flight_max - self.admission.available_permits()
    }

    /// Whether the operator holds everything.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.rules.paused
    }

    /// Takes no more work, and lets what runs come to an end or to a safe place to be taken up from.
    pub async fn stop(&self) {
        self.stopping.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Answers a request, at the latest at `answer_by`; the work goes on after that.
    ///
    /// # Errors
    /// [`Declined`] when nothing was accepted.
    pub async fn submit(
        self: &Arc<Self>,
        ask: Ask,
        answer_by: Instant,
    ) -> Result<Answer, Declined> {
        let called = ask.first_name.clone();
        let mut answer = self.decide(ask, answer_by).await?;
        // Where no record says what the customer is called, the platform does.
        answer.first_name = answer.first_name.or(called);
        Ok(answer)
    }

    async fn decide(self: &Arc<Self>, ask: Ask, answer_by: Instant) -> Result<Answer, Declined> {
        if self.stopping.is_cancelled() {
            return Err(Declined::Stopping);
        }
        let Some(code) = self.readable(&ask.typed_code) else {
            return Ok(Answer::bare(Outcome::InvalidCode));
        };
        let permit = self
            .admission
            .clone()
            .try_acquire_owned()
            .map_err(|_| Declined::Busy)?;
        match ask.action {
            Action::Cancel => self.cancel(ask, code, permit, answer_by).await,
            Action::Lookup => match timeout_at(answer_by, self.look(&ask, &code)).await {
                Ok(answer) => answer,
                Err(_) => Err(Declined::Ozmap),
            },
        }
    }

    fn readable(&self, typed: &str) -> Option<ReservationCode> {
        let code = ReservationCode::parse(typed).ok()?;
        let fits = self
            .rules
            .code_pattern
            .as_ref()
            .is_none_or(|pattern| pattern.is_match(code.as_str()));
        fits.then_some(code)
    }

    /// Says what is there; deletes nothing and promises nothing.
    async fn look(&self, ask: &Ask, code: &ReservationCode) -> Result<Answer, Declined> {
        if let Some(conversation) = conversation_of(ask) {
            let codes_max = self.rules.codes_per_conversation_max;
            let may = self
                .journal
                .try_code(conversation, code, codes_max)
                .await
                .map_err(|_| Declined::Journal)?;
            if !may {
                return Ok(Answer::bare(Outcome::TooManyAttempts));
            }
        }
        if let Some(record) = self
            .journal
            .active(code)
            .await
            .map_err(|_| Declined::Journal)?
        {
            return Ok(answer_of(&record));
        }
        let slot = self.ozmap.slot(code).await.map_err(|shut| {
            tracing::warn!(channel = %ask.channel, "a look-up was turned away: {}", shut.why.id());
            Declined::Ozmap
        })?;
        let looked = slot.lookup(code).await;
        let sighting = looked.map_err(|error| {
            tracing::warn!(channel = %ask.channel, "a look-up got no usable answer from OZmap: {error}");
            Declined::Ozmap
        })?;
        let property = match sighting.rows.as_slice() {
            [Ok(property)] => Some(property),
            _ => None,
        };
        let mut answer = match guard::judge(&sighting, code, &self.policy) {
            Verdict::Absent => return self.absent_answer(code).await,
            Verdict::Keep(refusal) => Answer::bare(refusal.outcome(&self.policy)),
            Verdict::Delete(_) => Answer {
                found: property.map(found),
                ..Answer::bare(Outcome::Found)
            },
        };
        answer.first_name = property.and_then(|property| guard::first_name(property, code));
        Ok(answer)
    }

    async fn absent_answer(&self, code: &ReservationCode) -> Result<Answer, Declined> {
        let earlier = self
            .journal
            .earlier_cancellation(code)
            .await
            .map_err(|_| Declined::Journal)?;
        Ok(match earlier {
            None => Answer::bare(Outcome::NotFound),
            Some((protocol, at_ms)) => Answer {
                protocol: Some(protocol),
                cancelled_at_ms: Some(at_ms),
                ..Answer::bare(Outcome::AlreadyCancelled)
            },
        })
    }

    async fn cancel(
        self: &Arc<Self>,
        ask: Ask,
        code: ReservationCode,
        permit: OwnedSemaphorePermit,
        answer_by: Instant,
    ) -> Result<Answer, Declined> {
        let acceptance = self.acceptance(&ask, code);
        let delivery = acceptance.delivery.clone();
        let accepted = self.accept(acceptance, permit, answer_by).await?;
        let (record, replayed) = match accepted {
            Promise::New(record) | Promise::Joined(record) => (record, false),
            Promise::Repeated(record) => (record, true),
            Promise::KeyReused => return Err(Declined::KeyReused),
            Promise::TooManyCodes => return Ok(Answer::bare(Outcome::TooManyAttempts)),
        };
        let record = self.ended_or_latest(record, answer_by).await;
        let mut answer = answer_of(&record);
        answer.replayed = replayed;
        if answer.outcome == Outcome::AlreadyCancelled {
            // Only a date: an answer in time is worth more.
            let earlier = self.journal.earlier_cancellation(&record.code);
            let earlier = timeout_at(answer_by, earlier)
                .await
                .ok()
                .and_then(Result::ok);
            answer.cancelled_at_ms = earlier.flatten().map(|(_, at_ms)| at_ms);
        }
        if answer.outcome.is_final() {
            self.note_told(delivery, answer.outcome);
        }
        Ok(answer)
    }

    fn acceptance(&self, ask: &Ask, code: ReservationCode) -> Acceptance {
        let mode = if self.rules.dry_run {
            Mode::DryRun
        } else {
            ask.mode
        };
        let date = Timestamp::from_millisecond(Moment::now().unix_ms()).unwrap_or_default();
        Acceptance {
            delivery: DeliveryKey {
                channel: ask.channel.clone(),
                // A platform that gives no key gets one that nobody else has; duplicates are told by the conversation.
                key: ask.key.clone().map_or_else(
                    || format!("none:{}", uuid::Uuid::now_v7()),
                    |key| format!("key:{key}"),
                ),
            },
            call_key: format!("call:{}", uuid::Uuid::now_v7()),
            duplicate_window_ms: ask
                .key
                .is_none()
                .then(|| i64::from(ask.duplicate_window_s) * 1000),
            codes_max: self.rules.codes_per_conversation_max,
            // What was asked, not what the operator's rehearsal made of it.
            fingerprint: fingerprint(&code, ask.mode),
            code,
            mode,
            conversation: conversation_of(ask),
            locale: ask.locale.id(),
            first_name: ask.first_name.clone(),
            note: ask.reason.clone(),
            protocol_date: self
                .rules
                .time_zone
                .to_datetime(date)
                .strftime("%Y%m%d")
                .to_string(),
        }
    }

    /// The record when it has ended, or as it was when it is time to answer.
    async fn ended_or_latest(&self, record: Box<Record>, answer_by: Instant) -> Record {
        if record.outcome.is_some() {
            return *record;
        }
        let mut watch = self.watchers.watch(record.id);
        // It may have ended between the reading and the watching.
        if let Ok(Ok(Some(latest))) = timeout_at(answer_by, self.journal.get(record.id)).await
            && latest.outcome.is_some()
        {
            return latest;
        }
        tokio::select! {
            // First, because the last ending and the end of the stop are there at the same moment.
            biased;
            ended = timeout_at(answer_by, watch.ended()) => ended.ok().flatten().unwrap_or(*record),
            // A stop does not wait for answers that cannot come: the work is taken up by the next run.
            () = self.stopped_and_drained() => *record,
        }
    }

    async fn stopped_and_drained(&self) {
        self.stopping.cancelled().await;
        self.tracker.wait().await;
    }

    fn note_told(self: &Arc<Self>, delivery: DeliveryKey, outcome: Outcome) {
        let this = self.clone();
        self.tracker.spawn(async move {
            if let Err(error) = this.journal.told(delivery, outcome).await {
                tracing::warn!("what a caller was told could not be noted: {error}");
            }
        });
    }
}

fn answer_of(record: &Record) -> Answer {
    Answer {
        protocol: Some(record.protocol.clone()),
        first_name: record.first_name.clone(),
        ..Answer::bare(record.outcome.unwrap_or(Outcome::Pending))
    }
}

fn found(property: &Property) -> Found {
    let text = |field: &Field<String>| field.value().cloned().unwrap_or_default();
    Found {
        address: text(&property.address),
        reserved_at: text(&property.created_at),
    }
}

/// A conversation of one channel is not a conversation of another.
fn conversation_of(ask: &Ask) -> Option<String> {
    ask.conversation
        .as_ref()
        .map(|conversation| format!("{}\u{1f}{conversation}", ask.channel))
}

/// What tells two requests with the same key apart.
fn fingerprint(code: &ReservationCode, mode: Mode) -> String {
    let mode = match mode {
        Mode::Real => "real",
        Mode::DryRun => "dry_run",
    };
    let digest = Sha256::digest(format!("cancel\u{1f}{mode}\u{1f}{}", code.as_str()));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
