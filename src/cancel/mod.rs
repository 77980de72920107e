//! Cancelling, from the promise to the recorded outcome.
//!
//! A request is made durable first; then a flow of its own works on it, which no caller can cut off by hanging up.
//! Whoever asked only waits until it is time to answer. What a customer is told comes from the journal, never from
//! a flow that has not written it down.

mod advance;
mod after_delete;
mod backoff;
mod chance;
mod contained;
mod ending;
mod flow;
mod look;
mod promise;
mod recovery;
mod replay;
mod span;
mod still_there;
mod watchers;
mod word;

use std::sync::Arc;

use chance::Chance;
use jiff::tz::TimeZone;
use promise::Promise;
use secrecy::SecretString;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use watchers::Watchers;

use crate::domain::{Action, Answer, Ask, Outcome, ReservationCode};
use crate::guard::{self, Policy};
use crate::journal::{Acceptance, Journal, Recalled, Record, State};
use crate::ozmap::{KeyTaken, Ozmap, SetupError};

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

/// Why a request was not taken. Nothing was done and nothing will be, unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declined {
    /// As many requests as allowed are being worked on.
    Busy,
    /// The service is stopping.
    Stopping,
    /// The journal cannot be written.
    Journal,
    /// It is being written down, and it is not known in time whether it lasts: it may be carried out.
    InDoubt,
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
    chance: Chance,
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
            chance: Chance::real(),
            tracker: TaskTracker::new(),
            stopping: CancellationToken::new(),
            journal,
            ozmap,
            policy,
            rules,
        })
    }

    /// The same, with waits that can be repeated from a seed.
    #[cfg(test)]
    pub(crate) fn simulated(
        journal: Journal,
        ozmap: Ozmap,
        policy: Policy,
        rules: Rules,
        seed: u64,
    ) -> Arc<Self> {
        let mut cancellations = Self::new(journal, ozmap, policy, rules);
        if let Some(this) = Arc::get_mut(&mut cancellations) {
            this.chance = Chance::seeded(seed);
        }
        cancellations
    }

    /// Starts working: takes up whatever an earlier run left.
    pub fn start(self: &Arc<Self>) {
        self.tracker.spawn(self.clone().recover());
        self.tracker.spawn(self.clone().probe_ozmap());
        self.tracker.spawn(self.clone().hear_of_endings());
    }

    /// Shows OZmap another key. What waits, maybe because of the old one, is due at once, as after a start.
    ///
    /// # Errors
    /// [`SetupError`] when no header can carry it; then the old one stays.
    pub async fn take_key(&self, api_key: &SecretString) -> Result<KeyTaken, SetupError> {
        let taken = self.ozmap.take_key(api_key)?;
        if self.policy.is_for_the_key_alone() && self.ozmap.key_user().is_none() {
            tracing::warn!("{}", guard::NAMELESS_KEY);
        }
        if taken == KeyTaken::New
            && let Err(error) = self.journal.wake().await
        {
            tracing::warn!("what waits is not due before its time: {error}");
        }
        Ok(taken)
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

    /// Whether every cancellation is a rehearsal.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.rules.dry_run
    }

    /// How many deletions an hour has left that has seen so many.
    #[must_use]
    pub fn deletes_left(&self, this_hour: i64) -> i64 {
        (i64::from(self.rules.deletes_per_hour_max) - this_hour).max(0)
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
        let Ok(code) = ReservationCode::parse(&ask.typed_code) else {
            return Ok(Answer::bare(Outcome::InvalidCode));
        };
        let code = match &ask.with_plus {
            Some(other) => code.or_as(other),
            None => code,
        };
        if !self.looks_like_ours(&code) {
            return self.promised_before(ask, code, answer_by).await;
        }
        let permit = self.admission.clone().try_acquire_owned().ok();
        match (ask.action, permit) {
            (Action::Cancel, permit) => self.cancel(ask, code, permit, answer_by).await,
            (Action::Lookup, None) => Err(Declined::Busy),
            (Action::Lookup, Some(_held_meanwhile)) => {
                match timeout_at(answer_by, self.look(&ask, &code)).await {
                    Ok(answer) => answer,
                    Err(_) => Err(Declined::Ozmap),
                }
            }
        }
    }

    fn looks_like_ours(&self, code: &ReservationCode) -> bool {
        let pattern = self.rules.code_pattern.as_ref();
        pattern.is_none_or(|pattern| {
            pattern.is_match(code.as_str()) || pattern.is_match(code.came_as())
        })
    }

    /// A code that does not look like one of ours is refused, but not to a webhook that was promised something before
    /// the operator changed the pattern.
    async fn promised_before(
        self: &Arc<Self>,
        ask: Ask,
        code: ReservationCode,
        answer_by: Instant,
    ) -> Result<Answer, Declined> {
        let invalid = Ok(Answer::bare(Outcome::InvalidCode));
        match ask.action {
            Action::Lookup => invalid,
            // Without a permit nothing new is taken.
            Action::Cancel => match self.cancel(ask, code, None, answer_by).await {
                Err(Declined::Busy) => invalid,
                answer => answer,
            },
        }
    }

    async fn cancel(
        self: &Arc<Self>,
        ask: Ask,
        code: ReservationCode,
        permit: Option<OwnedSemaphorePermit>,
        answer_by: Instant,
    ) -> Result<Answer, Declined> {
        let mut asked = self.acceptance(&ask, code);
        let accepted = self.promised(&mut asked, permit, answer_by).await?;
        let (record, part) = match accepted {
            Promise::New(record) => (record, Part::Began),
            Promise::Joined(record) => (record, Part::Joined),
            Promise::Repeated(record) => (record, Part::Repeated),
            Promise::KeyReused => return Err(Declined::KeyReused),
            Promise::TooManyCodes => return Ok(Answer::bare(Outcome::TooManyAttempts)),
        };
        let was_running = record.outcome.is_none();
        let ended = self.ended_or_latest(record, answer_by).await;
        let record = match ended.outcome {
            Some(_) if was_running && part != Part::Began => {
                self.own_record(asked.clone(), ended, answer_by).await
            }
            Some(_) | None => ended,
        };
        let mut answer = answer_of(&record);
        answer.replayed = part == Part::Repeated;
        if answer.outcome == Outcome::AlreadyCancelled {
            // Only a date: an answer in time is worth more.
            let earlier = self.journal.earlier_cancellation(&record.code);
            let earlier = timeout_at(answer_by, earlier)
                .await
                .ok()
                .and_then(Result::ok);
            answer.cancelled_at_ms = earlier.flatten().map(|earlier| earlier.at_ms);
        }
        if answer.outcome.is_final() {
            self.note_told(asked, answer.outcome);
        }
        Ok(answer)
    }

    /// Who joined a cancellation may have been set apart from it at its end: then its own record is what it is told.
    async fn own_record(
        &self,
        asked: Acceptance,
        mut joined: Record,
        answer_by: Instant,
    ) -> Record {
        match timeout_at(answer_by, self.journal.recall(asked)).await {
            Ok(Ok(Some(Recalled::Promised(own)))) => *own,
            // Without a key, and nobody was set apart who asked the same: a "no" is not found again, it is looked for.
            Ok(Ok(None)) if joined.outcome != Some(Outcome::Cancelled) => joined,
            // It is not known in time; asking again tells.
            Ok(Ok(Some(Recalled::KeyReused) | None) | Err(_)) | Err(_) => {
                joined.outcome = None;
                joined
            }
        }
    }

    /// The record when it has ended, or as it was when it is time to answer.
    async fn ended_or_latest(&self, record: Box<Record>, answer_by: Instant) -> Record {
        // While everything is paused nothing new can end before the caller is answered.
        let waits_for_the_operator = self.rules.paused && record.state == State::Accepted;
        if record.outcome.is_some() || waits_for_the_operator {
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

    fn note_told(self: &Arc<Self>, asked: Acceptance, outcome: Outcome) {
        let this = self.clone();
        let noting = async move {
            if let Err(error) = this.journal.told(asked, outcome).await {
                tracing::warn!("what a caller was told could not be noted: {error}");
            }
        };
        self.tracker.spawn(noting.in_current_span());
    }
}

/// What a webhook has to do with a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// It began with it.
    Began,
    /// It came while another's was under way.
    Joined,
    /// It came before.
    Repeated,
}

fn answer_of(record: &Record) -> Answer {
    Answer {
        protocol: Some(record.protocol.clone()),
        first_name: record.first_name.clone(),
        ..Answer::bare(record.outcome.unwrap_or(Outcome::Pending))
    }
}

/// A conversation of one channel is not a conversation of another.
#[must_use]
pub fn conversation_id(channel: &str, conversation: &str) -> String {
    format!("{channel}\u{1f}{conversation}")
}

fn conversation_of(ask: &Ask) -> Option<String> {
    let conversation = ask.conversation.as_ref()?;
    Some(conversation_id(&ask.channel, conversation))
}
