//! Cancelling, from the accepted request to the recorded outcome.
//!
//! A request is made durable first. A worker in a task of its own then carries it out; a caller
//! that hangs up cannot interrupt it, it only waits until its deadline. What the customer is told
//! comes from the journal, never from a worker that has not written it down.
//!
//! The files, in the order in which a webhook passes them. Functions are called with their file's
//! name or imported by name; each type is implemented in one file:
//! - `mod`            [`Cancellations`]: `submit` accepts, starts the worker, waits and answers
//! - `context`        what intake, worker and recovery share; [`Rules`]
//! - `intake`         `Intake`: `accept`, the reply gate, and whether an earlier answer still holds
//! - `worker`         `Worker`: runs one cancellation under its lease
//! - `step`           the vocabulary: `Step`, `WorkerState`, `Precondition`
//! - `advance`        one step from any state: look up, judge, delete
//! - `delete`         the dangerous verb: the hour's budget, the intent, the DELETE
//! - `verify`         after a DELETE: `verify_deleted` rechecks the property by its id
//! - `still_present`  the property is still there: delete again, wait or keep
//! - `completion`     writes the outcome, gives up, or hands over to the operator
//! - `retry`          backoff
//! - `jitter`         randomness for the backoff
//! - `span`           the tracing span of a cancellation
//! - `answer`         what the caller is answered; [`Declined`]
//! - `waiters`        the callers that wait for an outcome
//! - `lookup`         the `lookup` action, read only
//! - `recovery`       `Recovery`: resumes what is due after a crash or a wait; probes OZmap
//! - `catch_panic`    keeps a panic within one cancellation

mod advance;
mod answer;
mod catch_panic;
mod completion;
mod context;
mod delete;
mod intake;
mod jitter;
mod lookup;
mod recovery;
mod retry;
mod span;
mod step;
mod still_present;
mod verify;
mod waiters;
mod worker;

use std::sync::Arc;

pub use answer::{Declined, conversation_id};
use answer::{Part, answer_of, completed_or_latest, record_after_split, record_reply};
use context::Context;
pub use context::Rules;
use intake::{AcceptResult, Intake, ReplyGate};
use jitter::Jitter;
use recovery::Recovery;
use secrecy::SecretString;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use waiters::Waiters;
use worker::Worker;

use crate::domain::{Action, Answer, Ask, Outcome, ReservationCode};
use crate::guard::{self, Policy};
use crate::journal::{Acceptance, Journal};
use crate::ozmap::{KeyTaken, Ozmap, SetupError};
use crate::trace::carry;

/// The entry points of this module.
pub struct Cancellations {
    context: Arc<Context>,
    intake: Intake,
    worker: Worker,
    recovery: Recovery,
    admission: Arc<Semaphore>,
}

impl Cancellations {
    /// Puts the parts together. Requests can be submitted at once; recovery begins with
    /// [`Cancellations::start`].
    #[must_use]
    pub fn new(journal: Journal, ozmap: Ozmap, policy: Policy, rules: Rules) -> Arc<Self> {
        Self::with_jitter(journal, ozmap, policy, rules, Jitter::random())
    }

    /// The same with waits that can be repeated from a seed.
    #[cfg(test)]
    pub(crate) fn simulated(
        journal: Journal,
        ozmap: Ozmap,
        policy: Policy,
        rules: Rules,
        seed: u64,
    ) -> Arc<Self> {
        Self::with_jitter(journal, ozmap, policy, rules, Jitter::seeded(seed))
    }

    fn with_jitter(
        journal: Journal,
        ozmap: Ozmap,
        policy: Policy,
        rules: Rules,
        jitter: Jitter,
    ) -> Arc<Self> {
        let admission = Arc::new(Semaphore::new(rules.in_flight_max));
        let context = Arc::new(Context {
            journal,
            ozmap,
            policy,
            rules,
            waiters: Waiters::default(),
            jitter,
            tracker: TaskTracker::new(),
            stopping: CancellationToken::new(),
        });
        let worker = Worker::new(context.clone());
        Arc::new(Self {
            intake: Intake::new(context.clone()),
            recovery: Recovery::new(context.clone(), worker.clone()),
            worker,
            context,
            admission,
        })
    }

    /// Starts the background tasks, which resume what an earlier run left.
    pub fn start(&self) {
        let (tracker, recovery) = (&self.context.tracker, &self.recovery);
        tracker.spawn(recovery.clone().resume_due());
        tracker.spawn(recovery.clone().probe_ozmap());
        tracker.spawn(recovery.clone().watch_replicas());
    }

    /// Uses another API key from now on. Cancellations that wait, maybe because of the old key, are
    /// due at once.
    ///
    /// # Errors
    /// [`SetupError`] when no header can carry it; the old key stays in use.
    pub async fn take_key(&self, api_key: &SecretString) -> Result<KeyTaken, SetupError> {
        let context = &self.context;
        let taken = context.ozmap.take_key(api_key)?;
        if context.policy.is_for_the_key_alone() && context.ozmap.key_user().is_none() {
            tracing::warn!("{}", guard::NAMELESS_KEY);
        }
        if taken == KeyTaken::New
            && let Err(error) = context.journal.wake().await
        {
            tracing::warn!("failed to wake waiting cancellations; each retries when due: {error}");
        }
        Ok(taken)
    }

    /// The journal, for the health page.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.context.journal
    }

    /// The OZmap client, for the health page.
    #[must_use]
    pub fn ozmap(&self) -> &Ozmap {
        &self.context.ozmap
    }

    /// How many requests are in progress.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.context.rules.in_flight_max - self.admission.available_permits()
    }

    /// Whether the operator paused the service.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.context.rules.paused
    }

    /// Whether every cancellation is a dry run.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.context.rules.dry_run
    }

    /// How many deletions are left in an hour that has seen so many.
    #[must_use]
    pub fn deletes_left(&self, this_hour: i64) -> i64 {
        (i64::from(self.context.rules.deletes_per_hour_max) - this_hour).max(0)
    }

    /// Takes no more work, and waits until every worker has finished or released its lease.
    pub async fn stop(&self) {
        self.context.stopping.cancel();
        self.context.tracker.close();
        self.context.tracker.wait().await;
    }

    /// Answers a request, at the latest at `answer_by`; the work goes on after that.
    ///
    /// # Errors
    /// [`Declined`] when nothing was accepted.
    pub async fn submit(&self, ask: Ask, answer_by: Instant) -> Result<Answer, Declined> {
        let first_name = ask.first_name.clone();
        let mut answer = self.dispatch(ask, answer_by).await?;
        // If OZmap's record has no name, the platform's is used.
        answer.first_name = answer.first_name.or(first_name);
        Ok(answer)
    }

    /// What an earlier request with this key was answered, or is being answered; `None` when there
    /// was none. OZmap is not called and nothing is accepted.
    ///
    /// # Errors
    /// [`Declined`] when the journal cannot tell now.
    pub async fn earlier_answer(
        &self,
        ask: Ask,
        answer_by: Instant,
    ) -> Result<Option<Answer>, Declined> {
        let Ok(code) = ReservationCode::parse(&ask.typed_code) else {
            return Ok(None);
        };
        let request = self.intake.acceptance(&ask, code);
        let record = match self.intake.replay_if_known(request, answer_by).await {
            Ok(AcceptResult::Repeated(record)) => record,
            Ok(
                AcceptResult::New(_)
                | AcceptResult::Joined(_)
                | AcceptResult::KeyReused
                | AcceptResult::TooManyCodes,
            )
            | Err(Declined::Busy) => return Ok(None),
            Err(declined) => return Err(declined),
        };
        let record = completed_or_latest(&self.context, record, answer_by).await;
        let mut answer = answer_of(&record);
        answer.replayed = true;
        answer.first_name = answer.first_name.or(ask.first_name);
        Ok(Some(answer))
    }

    async fn dispatch(&self, ask: Ask, answer_by: Instant) -> Result<Answer, Declined> {
        if self.context.stopping.is_cancelled() {
            return Err(Declined::Stopping);
        }
        let Ok(code) = ReservationCode::parse(&ask.typed_code) else {
            return Ok(Answer::bare(Outcome::InvalidCode));
        };
        let code = match &ask.with_plus {
            Some(other) => code.or_as(other),
            None => code,
        };
        if !self.matches_code_pattern(&code) {
            return self.replay_or_invalid(ask, code, answer_by).await;
        }
        let permit = self.admission.clone().try_acquire_owned().ok();
        match (ask.action, permit) {
            (Action::Cancel, permit) => self.cancel(ask, code, permit, answer_by).await,
            (Action::Lookup, None) => Err(Declined::Busy),
            (Action::Lookup, Some(_in_flight)) => {
                let answer = lookup::lookup(&self.context, &ask, &code);
                match timeout_at(answer_by, answer).await {
                    Ok(answer) => answer,
                    Err(_) => Err(Declined::Ozmap),
                }
            }
        }
    }

    fn matches_code_pattern(&self, code: &ReservationCode) -> bool {
        let pattern = self.context.rules.code_pattern.as_ref();
        pattern.is_none_or(|pattern| {
            pattern.is_match(code.as_str()) || pattern.is_match(code.came_as())
        })
    }

    /// A code that does not match the pattern is invalid. A webhook that was accepted before the
    /// operator changed the pattern still gets its answer.
    async fn replay_or_invalid(
        &self,
        ask: Ask,
        code: ReservationCode,
        answer_by: Instant,
    ) -> Result<Answer, Declined> {
        let invalid = Ok(Answer::bare(Outcome::InvalidCode));
        match ask.action {
            Action::Lookup => invalid,
            // Without a permit nothing new is accepted.
            Action::Cancel => match self.cancel(ask, code, None, answer_by).await {
                Err(Declined::Busy) => invalid,
                answer => answer,
            },
        }
    }

    async fn cancel(
        &self,
        ask: Ask,
        code: ReservationCode,
        permit: Option<OwnedSemaphorePermit>,
        answer_by: Instant,
    ) -> Result<Answer, Declined> {
        let mut request = self.intake.acceptance(&ask, code);
        let accepted = self
            .accept_or_replay(&mut request, permit, answer_by)
            .await?;
        let (record, part) = match accepted {
            AcceptResult::New(record) => (record, Part::Started),
            AcceptResult::Joined(record) => (record, Part::Joined),
            AcceptResult::Repeated(record) => (record, Part::Repeated),
            AcceptResult::KeyReused => return Err(Declined::KeyReused),
            AcceptResult::TooManyCodes => return Ok(Answer::bare(Outcome::TooManyAttempts)),
        };
        let was_running = record.outcome.is_none();
        let latest = completed_or_latest(&self.context, record, answer_by).await;
        let record = match latest.outcome {
            Some(_) if was_running && part != Part::Started => {
                record_after_split(&self.context, request.clone(), latest, answer_by).await
            }
            Some(_) | None => latest,
        };
        let mut answer = answer_of(&record);
        answer.replayed = part == Part::Repeated;
        if answer.outcome == Outcome::AlreadyCancelled {
            // The date is optional: the deadline comes first.
            let earlier = self.context.journal.earlier_cancellation(&record.code);
            let earlier = timeout_at(answer_by, earlier)
                .await
                .ok()
                .and_then(Result::ok);
            answer.cancelled_at_ms = earlier.flatten().map(|earlier| earlier.at_ms);
        }
        if answer.outcome.is_final() {
            record_reply(&self.context, request, answer.outcome);
        }
        Ok(answer)
    }

    /// Accepts a request, or finds the cancellation that the same webhook started before, unless
    /// that one's answer no longer holds. Without a permit nothing new is accepted.
    async fn accept_or_replay(
        &self,
        request: &mut Acceptance,
        permit: Option<OwnedSemaphorePermit>,
        answer_by: Instant,
    ) -> Result<AcceptResult, Declined> {
        let accepts_new = permit.is_some();
        let accepted = match permit {
            Some(permit) => self.accept(request.clone(), permit, answer_by).await?,
            None => {
                let request = request.clone();
                self.intake.replay_if_known(request, answer_by).await?
            }
        };
        let AcceptResult::Repeated(record) = accepted else {
            return Ok(accepted);
        };
        if !request.must_be_looked_at(&record) || self.intake.still_holds(&record, answer_by).await
        {
            return Ok(AcceptResult::Repeated(record));
        }
        tracing::info!(
            op = %record.id, channel = request.delivery.channel,
            "the outcome of cancellation {} may no longer hold; it is not replayed", record.protocol
        );
        let permit = self.admission.clone().try_acquire_owned().ok();
        let Some(permit) = permit.filter(|_| accepts_new) else {
            return Err(Declined::Busy);
        };
        request.instead_of = Some(record.id);
        self.accept(request.clone(), permit, answer_by).await
    }

    /// Accepts a request and runs its worker, in a task that goes on when the caller hangs up.
    async fn accept(
        &self,
        request: Acceptance,
        permit: OwnedSemaphorePermit,
        answer_by: Instant,
    ) -> Result<AcceptResult, Declined> {
        let (reply, accepted) = oneshot::channel();
        let gate = Arc::new(ReplyGate::default());
        let (intake, worker, commit) = (self.intake.clone(), self.worker.clone(), gate.clone());
        self.context.tracker.spawn(carry(async move {
            let (result, leased) = intake.accept(request, commit).await;
            drop(reply.send(result));
            if let Some(leased) = leased {
                worker.run(leased, permit).await;
            }
        }));
        gate.wait(accepted, answer_by).await
    }
}
