//! The processes of a scenario on one OZmap and one journal, and the customers who call them.
//!
//! It executes the events and records the answers. It must never judge them: `invariants` does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ozmap_simulator::in_process::InProcess;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::task::TaskTracker;

use super::audit::Audit;
use super::journal::{Alone, SimDatabase};
use super::ozmap::{SentLog, SimWire};
use super::points::Points;
use super::process::Process;
use super::rng::Rng;
use super::scenario::{Ending, Event, RulesOf, Scenario, Scheduled, When};
use super::service::{self, code};
use crate::cancel::{Cancellations, Declined};
use crate::domain::Outcome;
use crate::journal::Times;
use crate::ozmap::Ozmap;

/// How long a platform waits for an answer.
const ANSWER: Duration = Duration::from_secs(4);

/// How long a platform waits before it hangs up; a frozen process does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a platform repeats a declined request at the end of a scenario.
const TRIES_AT_THE_END: u64 = 5;

/// The answer to a webhook, and the state of OZmap and of the journal at that moment.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// The times of the request and of its answer.
    pub(crate) asked: Duration,
    pub(crate) at: Duration,
    pub(crate) webhook: usize,
    pub(crate) answer: Answered,
    /// The target of its cancellation, if any, and whether OZmap still held it.
    pub(crate) target: Option<(String, bool)>,
    /// The outcome in the journal at that moment.
    pub(crate) written: Option<String>,
    pub(crate) protocol: Option<String>,
    /// The properties under its code at the first request of this webhook, and now.
    pub(crate) held_first: Vec<String>,
    pub(crate) held: Vec<String>,
}

/// How a request ended.
#[derive(Clone, Debug)]
pub(crate) enum Answered {
    With(Outcome),
    Declined(Declined),
    /// The process died first.
    Killed,
    /// No answer came before the platform hung up.
    TooLate,
}

/// One running process.
#[derive(Clone)]
struct Running {
    process: Process,
    cancellations: Arc<Cancellations>,
    rules: RulesOf,
}

/// One scenario while it runs.
pub(crate) struct Harness {
    pub(crate) simulator: InProcess,
    pub(crate) database: Arc<SimDatabase>,
    pub(crate) sent: SentLog,
    pub(crate) began: Instant,
    /// The same moment on the simulator's clock, in milliseconds since 1970.
    pub(crate) simulator_began_ms: i64,
    pub(crate) replies: Mutex<Vec<Reply>>,
    /// The properties that an event installed, and when.
    pub(crate) installed: Mutex<Vec<(String, Instant)>>,
    /// The times at which each webhook was sent.
    pub(crate) asked: Mutex<Vec<(usize, Duration)>>,
    /// When all faults were over and every cancellation had ended.
    pub(crate) asked_again_at: Mutex<Option<Duration>>,
    scenario: Scenario,
    first_held: Mutex<Vec<Option<Vec<String>>>>,
    running: Mutex<Vec<Running>>,
    points: Points,
    alone: Alone,
    rng: Rng,
    times: Times,
    tasks: TaskTracker,
}

impl Harness {
    /// A scenario before its first event; `None` when it cannot be set up.
    pub(crate) fn new(scenario: &Scenario, rng: &Rng) -> Option<Arc<Self>> {
        let times = Times {
            settle_ms: scenario.settle_ms,
            ..service::TIMES
        };
        Self::with(scenario, rng, times)
    }

    /// Like `new`, with other times of the journal.
    pub(crate) fn with(scenario: &Scenario, rng: &Rng, times: Times) -> Option<Arc<Self>> {
        let (simulator, sent, points) = (InProcess::new()?, SentLog::default(), Points::default());
        let audit = Audit::new(
            simulator.clone(),
            sent.clone(),
            points.clone(),
            times.settle_ms,
        );
        let harness = Arc::new(Self {
            simulator_began_ms: simulator.now_ms(),
            simulator,
            database: SimDatabase::new(audit).ok()?,
            sent,
            points,
            began: Instant::now(),
            replies: Mutex::default(),
            installed: Mutex::default(),
            asked: Mutex::default(),
            asked_again_at: Mutex::default(),
            first_held: Mutex::new(vec![None; scenario.webhooks.len()]),
            running: Mutex::default(),
            alone: match scenario.processes {
                1 => Alone::Yes,
                _ => Alone::No,
            },
            scenario: scenario.clone(),
            rng: rng.clone(),
            times,
            tasks: TaskTracker::new(),
        });
        for (number, copies) in scenario.copies.iter().enumerate() {
            for _ in 0..*copies {
                harness.simulator.reserve(&code(number))?;
            }
        }
        for _ in 0..scenario.processes {
            let running = harness.start(RulesOf::Work)?;
            lock(&harness.running).push(running);
        }
        Some(harness)
    }

    fn start(&self, rules: RulesOf) -> Option<Running> {
        let process = Process::new();
        let journal = self
            .database
            .open(&process, &self.rng.split(), self.times, self.alone)
            .ok()?;
        let wire = SimWire {
            simulator: self.simulator.clone(),
            process: process.clone(),
            rng: self.rng.split(),
            sent: self.sent.clone(),
            points: self.points.clone(),
            key: service::KEY.to_owned(),
            database: self.database.clone(),
            owner: journal.owner().to_owned(),
            is_forbidden: rules != RulesOf::Work,
            seen: Mutex::default(),
        };
        let ozmap = Ozmap::simulated(wire, service::settings()).ok()?;
        let seed = self.rng.number(0..=u64::MAX - 1);
        let of_process = service::rules(rules, self.scenario.deletes_per_hour_max);
        let cancellations =
            Cancellations::simulated(journal, ozmap, service::policy(), of_process, seed);
        cancellations.start();
        Some(Running {
            process,
            cancellations,
            rules,
        })
    }

    /// Executes all events, then removes all faults, then waits until every cancellation has ended.
    pub(crate) async fn run(self: &Arc<Self>) {
        for scheduled in self.scenario.events.clone() {
            self.tasks.spawn(self.clone().scheduled(scheduled));
        }
        sleep_until(self.began + self.scenario.well_at).await;
        if self.scenario.ending == Ending::AllIsWell {
            self.simulator.heal();
        }
        self.database.calm_down();
        let running = lock(&self.running).clone();
        for (number, one) in running.iter().enumerate() {
            one.process.thaw();
            one.process.panic_at(0);
            if one.rules != RulesOf::Work {
                self.clone()
                    .replace(number, Duration::ZERO, RulesOf::Work)
                    .await;
            }
        }
        self.all_ended().await;
        *lock(&self.asked_again_at) = Some(self.began.elapsed());
        // A repeated webhook must get the same answer.
        for webhook in 0..self.scenario.webhooks.len() {
            let was_asked = lock(&self.asked).iter().any(|(asked, _)| *asked == webhook);
            for _ in 0..TRIES_AT_THE_END {
                if !was_asked || self.clone().ask(webhook).await {
                    break;
                }
                // The process may still be starting again.
                sleep(PATIENCE).await;
            }
        }
        self.all_ended().await;
    }

    /// Waits longer than the deadline, the settlement and the longest backoff together.
    async fn all_ended(&self) {
        let patience = Instant::now() + Duration::from_secs(2 * 3_600);
        while self.active() > 0 && Instant::now() < patience {
            sleep(Duration::from_secs(5)).await;
        }
    }

    async fn scheduled(self: Arc<Self>, scheduled: Scheduled) {
        match scheduled.when {
            When::At(at) => sleep_until(self.began + at).await,
            When::After { point, nth, pause } => {
                let passed = self.points.wait(point, nth);
                // Without such a moment the event is skipped.
                if passed.await.is_err() {
                    return;
                }
                if !pause.is_zero() {
                    sleep(pause).await;
                }
            }
        }
        if self.began.elapsed() < self.scenario.well_at {
            self.perform(&scheduled.event);
        }
    }

    pub(crate) fn perform(self: &Arc<Self>, event: &Event) {
        match event {
            Event::Ask { webhook } => {
                let this = self.clone();
                let webhook = *webhook;
                self.tasks.spawn(async move { this.ask(webhook).await });
            }
            Event::Fault(fault) => assert!(self.simulator.fault(fault), "no fault: {fault}"),
            Event::Heal => self.simulator.heal(),
            Event::Install { code: number } => {
                let installed = self.simulator.held(&code(*number));
                let installed = installed.into_iter().map(|id| (id, Instant::now()));
                lock(&self.installed).extend(installed);
                self.simulator.install(&code(*number));
            }
            Event::ReserveAgain { code: number } => {
                self.simulator.reserve_again(&code(*number));
            }
            Event::Reserve { code: number } => {
                self.simulator.reserve(&code(*number));
            }
            Event::Kill {
                process,
                back_after,
                rules,
            } => {
                self.process(*process).process.kill();
                let this = self.clone();
                self.tasks
                    .spawn(this.replace(*process, *back_after, *rules));
            }
            Event::Freeze { process, time } => {
                let frozen = self.process(*process).process;
                frozen.freeze();
                let time = *time;
                self.tasks.spawn(async move {
                    sleep(time).await;
                    frozen.thaw();
                });
            }
            Event::Suspend { time } => self.database.suspend(*time),
            Event::JournalAway { time } => self.database.go_away(*time),
            Event::JournalSlow { time, ms } => self.database.slow_down(*time, *ms),
            Event::Panic { process, times } => self.process(*process).process.panic_at(*times),
        }
    }

    async fn replace(self: Arc<Self>, number: usize, back_after: Duration, rules: RulesOf) {
        self.process(number).process.kill();
        sleep(back_after).await;
        if let (Some(started), Some(place)) =
            (self.start(rules), lock(&self.running).get_mut(number))
        {
            *place = started;
        }
    }

    fn process(&self, number: usize) -> Running {
        let running = lock(&self.running);
        let found = running.get(number).or_else(|| running.first());
        found
            .cloned()
            .unwrap_or_else(|| unreachable!("a scenario has a process"))
    }

    /// Sends a webhook to one of the running processes. Returns whether the process accepted it.
    pub(crate) async fn ask(self: Arc<Self>, webhook: usize) -> bool {
        let running: Vec<Running> = lock(&self.running)
            .iter()
            .filter(|one| one.process.is_running())
            .cloned()
            .collect();
        let (Some(one), Some(asking)) = (
            self.rng.pick(&running).cloned(),
            self.scenario.webhooks.get(webhook),
        ) else {
            return false;
        };
        let asked = self.began.elapsed();
        lock(&self.asked).push((webhook, asked));
        let held = self.simulator.held(&code(asking.code));
        if let Some(first) = lock(&self.first_held).get_mut(webhook) {
            first.get_or_insert(held);
        }
        let answer_by = Instant::now() + ANSWER;
        let ask = service::ask(webhook, *asking);
        let submitted = timeout(PATIENCE, one.cancellations.submit(ask, answer_by));
        let (answer, protocol) = tokio::select! {
            biased;
            () = one.process.dies() => (Answered::Killed, None),
            answer = submitted => match answer {
                Ok(Ok(answer)) => (Answered::With(answer.outcome), answer.protocol),
                Ok(Err(declined)) => (Answered::Declined(declined), None),
                Err(_) => (Answered::TooLate, None),
            },
        };
        let is_accepted = matches!(answer, Answered::With(_));
        let protocol = protocol.map(|protocol| protocol.to_string());
        self.note(webhook, asked, answer, protocol);
        is_accepted
    }

    fn note(&self, webhook: usize, asked: Duration, answer: Answered, protocol: Option<String>) {
        let row = protocol.as_ref().and_then(|protocol| {
            let rows = self
                .database
                .rows("SELECT protocol, property_id, outcome FROM op");
            rows.ok()?
                .into_iter()
                .find(|row| row.first() == Some(protocol))
        });
        let column = |at: usize| {
            let value = row.as_ref().and_then(|row| row.get(at));
            value.filter(|value| !value.is_empty()).cloned()
        };
        let target = column(1).map(|id| {
            let is_there = self.simulator.holds(&id);
            (id, is_there)
        });
        let number = self.scenario.webhooks.get(webhook).map(|asked| asked.code);
        let first = lock(&self.first_held).get(webhook).cloned().flatten();
        let reply = Reply {
            asked,
            at: self.began.elapsed(),
            webhook,
            answer,
            written: column(2),
            protocol,
            target,
            held_first: first.unwrap_or_default(),
            held: number.map_or_else(Vec::new, |number| self.simulator.held(&code(number))),
        };
        lock(&self.replies).push(reply);
    }

    /// The number of cancellations that have not ended.
    pub(crate) fn active(&self) -> usize {
        let rows = self
            .database
            .rows("SELECT id FROM op WHERE state <> 'done'");
        rows.map_or(usize::MAX, |rows| rows.len())
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
