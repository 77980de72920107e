//! The processes of a schedule on one OZmap and one journal, and the customers who ask them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::task::TaskTracker;

use super::dice::Dice;
use super::process::Process;
use super::story::{Story, TROUBLE_MS, What};
use crate::cancel::{Cancellations, Declined, Rules};
use crate::domain::{Action, Ask, Locale, Mode, Outcome, SameKey};
use crate::guard::{Check, OnInstalled, Policy};
use crate::journal::Times;
use crate::ozmap::{AuthScheme, LOOKUPS_APART, NotFoundAnswer, Ozmap, PlainHttp, Settings, Trust};
use crate::testing::journal::{Alone, Book};
use crate::testing::ozmap::{Pipes, SentLog};
use ozmap_simulator::in_process::InProcess;

/// The times of the default configuration, with a deadline that a schedule can see the end of.
pub(crate) const TIMES: Times = Times {
    lease_ms: 30_000,
    settle_ms: 300_000,
    deadline_ms: 1_800_000,
};

/// How old a reading may be when its DELETE leaves, as by default.
pub(crate) const GUARD_AGE: Duration = Duration::from_secs(20);

/// How long a platform waits before it hangs up; a frozen process does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What somebody was told, and what was true in that moment.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// When it was asked, and when it was told.
    pub(crate) asked: Duration,
    pub(crate) at: Duration,
    pub(crate) code: usize,
    pub(crate) webhook: u64,
    pub(crate) answer: Result<(Outcome, Option<String>), Declined>,
    /// The target of that cancellation, if it had one, and whether OZmap still held it.
    pub(crate) target: Option<(String, bool)>,
    /// The outcome that was written down by then.
    pub(crate) written: Option<String>,
    pub(crate) protocol: Option<String>,
    /// Whether OZmap held anything under the code.
    pub(crate) is_held: bool,
}

/// Everything of one schedule.
pub(crate) struct World {
    pub(crate) memory: InProcess,
    pub(crate) book: Arc<Book>,
    pub(crate) sent: SentLog,
    pub(crate) began: Instant,
    pub(crate) told: Mutex<Vec<Told>>,
    /// When a customer was installed, by code.
    pub(crate) installed: Mutex<Vec<(usize, Instant)>>,
    processes: Mutex<Vec<(Process, Arc<Cancellations>)>>,
    alone: Alone,
    dice: Dice,
    times: Times,
    tasks: TaskTracker,
}

pub(crate) fn code(number: usize) -> String {
    format!("schedule-{number}")
}

impl World {
    /// A world before anything happened; `None` when it cannot be set up.
    pub(crate) fn new(story: &Story, dice: &Dice) -> Option<Arc<Self>> {
        Self::with(story, dice, TIMES)
    }

    /// The same with other times.
    pub(crate) fn with(story: &Story, dice: &Dice, times: Times) -> Option<Arc<Self>> {
        let world = Arc::new(Self {
            memory: InProcess::new()?,
            book: Book::new().ok()?,
            sent: SentLog::default(),
            began: Instant::now(),
            told: Mutex::default(),
            installed: Mutex::default(),
            processes: Mutex::default(),
            alone: if story.processes == 1 {
                Alone::Yes
            } else {
                Alone::No
            },
            dice: dice.clone(),
            times,
            tasks: TaskTracker::new(),
        });
        for number in 0..story.codes {
            world.memory.reserve(&code(number))?;
        }
        for _ in 0..story.processes {
            let process = world.start()?;
            lock(&world.processes).push(process);
        }
        Some(world)
    }

    fn start(&self) -> Option<(Process, Arc<Cancellations>)> {
        let process = Process::new();
        let journal = self
            .book
            .open(&process, &self.dice.split(), self.times, self.alone)
            .ok()?;
        let pipes = Pipes {
            memory: self.memory.clone(),
            process: process.clone(),
            dice: self.dice.split(),
            sent: self.sent.clone(),
            key: "simulator-key".to_owned(),
            book: self.book.clone(),
            owner: journal.owner().to_owned(),
            asked: Mutex::default(),
        };
        let ozmap = Ozmap::simulated(pipes, settings()).ok()?;
        let seed = self.dice.number(0..=u64::MAX - 1);
        let cancellations = Cancellations::simulated(journal, ozmap, policy(), rules(), seed);
        cancellations.start();
        Some((process, cancellations))
    }

    /// Lets everything happen, then lets everything be well, then waits until all has ended.
    pub(crate) async fn run(self: &Arc<Self>, story: &Story) {
        for happening in &story.happenings {
            sleep_until(self.began + happening.at).await;
            self.happen(&happening.what);
        }
        sleep_until(self.began + Duration::from_millis(TROUBLE_MS)).await;
        self.memory.heal();
        for (process, _) in lock(&self.processes).iter() {
            process.thaw();
            process.panic_at(0);
        }
        self.all_ended().await;
        // What was told stays told.
        let mut asked = Vec::new();
        for happening in &story.happenings {
            if let What::Ask { code, webhook } = happening.what
                && !asked.contains(&webhook)
            {
                asked.push(webhook);
                self.clone().ask(code, webhook).await;
            }
        }
        self.all_ended().await;
    }

    /// Waits longer than the deadline, the settling and the longest backoff together.
    async fn all_ended(&self) {
        let patience = Instant::now() + Duration::from_secs(3 * 3_600);
        while self.active() > 0 && Instant::now() < patience {
            sleep(Duration::from_secs(5)).await;
        }
    }

    pub(crate) fn happen(self: &Arc<Self>, what: &What) {
        match what {
            What::Ask { code, webhook } => {
                self.tasks.spawn(self.clone().ask(*code, *webhook));
            }
            What::Fault(fault) => assert!(self.memory.fault(fault), "no fault: {fault}"),
            What::Install { code: number } => {
                lock(&self.installed).push((*number, Instant::now()));
                self.memory.install(&code(*number));
            }
            What::ReserveAgain { code: number } => {
                self.memory.reserve_again(&code(*number));
            }
            What::Kill {
                process,
                back_after,
            } => {
                self.tasks
                    .spawn(self.clone().replace(*process, *back_after));
            }
            What::Freeze { process, time } => {
                let frozen = self.process(*process).0;
                frozen.freeze();
                let time = *time;
                self.tasks.spawn(async move {
                    sleep(time).await;
                    frozen.thaw();
                });
            }
            What::BookAway { time } => self.book.go_away(*time),
            What::Panic { process, times } => self.process(*process).0.panic_at(*times),
        }
    }

    async fn replace(self: Arc<Self>, number: usize, back_after: Duration) {
        self.process(number).0.kill();
        sleep(back_after).await;
        if let (Some(started), Some(place)) = (self.start(), lock(&self.processes).get_mut(number))
        {
            *place = started;
        }
    }

    fn process(&self, number: usize) -> (Process, Arc<Cancellations>) {
        let processes = lock(&self.processes);
        let found = processes.get(number).or_else(|| processes.first());
        found
            .cloned()
            .unwrap_or_else(|| unreachable!("a schedule has a process"))
    }

    /// A webhook comes to whoever runs; a platform finds no other.
    pub(crate) async fn ask(self: Arc<Self>, number: usize, webhook: u64) {
        let running: Vec<_> = lock(&self.processes)
            .iter()
            .filter(|(process, _)| process.is_running())
            .cloned()
            .collect();
        let Some((process, cancellations)) = self.dice.one_of(&running).cloned() else {
            return;
        };
        let (asked, answer_by) = (
            self.began.elapsed(),
            Instant::now() + Duration::from_secs(4),
        );
        let submitted = timeout(
            PATIENCE,
            cancellations.submit(asking(number, webhook), answer_by),
        );
        let answer = tokio::select! {
            biased;
            () = process.dies() => return,
            answer = submitted => answer,
        };
        // A frozen process has not said it yet when it is asked.
        let Ok(answer) = answer else { return };
        self.note(
            number,
            webhook,
            asked,
            answer.map(|answer| {
                (
                    answer.outcome,
                    answer.protocol.map(|protocol| protocol.to_string()),
                )
            }),
        );
    }

    fn note(
        &self,
        number: usize,
        webhook: u64,
        asked: Duration,
        answer: Result<(Outcome, Option<String>), Declined>,
    ) {
        let protocol = answer
            .as_ref()
            .ok()
            .and_then(|(_, protocol)| protocol.clone());
        let row = protocol.as_ref().and_then(|protocol| {
            let rows = self
                .book
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
            let is_there = self.memory.holds(&id);
            (id, is_there)
        });
        let written = column(2);
        lock(&self.told).push(Told {
            asked,
            at: self.began.elapsed(),
            code: number,
            webhook,
            answer,
            written,
            protocol,
            target,
            is_held: !self.memory.held(&code(number)).is_empty(),
        });
    }

    /// How many cancellations have not ended.
    pub(crate) fn active(&self) -> usize {
        let rows = self.book.rows("SELECT id FROM op WHERE state <> 'done'");
        rows.map_or(usize::MAX, |rows| rows.len())
    }
}

fn asking(number: usize, webhook: u64) -> Ask {
    Ask {
        channel: "chatbot".to_owned(),
        action: Action::Cancel,
        mode: Mode::Real,
        typed_code: code(number),
        with_plus: None,
        key: Some(format!("webhook-{webhook}")),
        conversation: None,
        locale: Locale::PtBr,
        first_name: None,
        reason: None,
        duplicate_window_s: 600,
        replay_s: 3_600,
        same_key: SameKey::IsTheSameRequest,
    }
}

fn settings() -> Settings {
    Settings {
        base_url: "http://127.0.0.1:9".to_owned(),
        plain_http: PlainHttp::LoopbackOnly,
        api_key: "simulator-key".to_owned().into(),
        auth_scheme: AuthScheme::Raw,
        trust: Trust::default(),
        concurrency_max: 4,
        connect: Duration::from_secs(3),
        lookup: Duration::from_secs(8),
        delete: Duration::from_secs(20),
        not_found_answers: vec![
            NotFoundAnswer::Status404,
            NotFoundAnswer::Status204,
            NotFoundAnswer::Null,
        ],
        guard_age: GUARD_AGE,
        lookups_apart: LOOKUPS_APART,
    }
}

fn policy() -> Policy {
    Policy {
        installed: OnInstalled::Refuse,
        install_evidence: Check::Review,
        building_unit: Check::Review,
        preexisting_property: Check::Review,
        only_created_by: Vec::new(),
    }
}

fn rules() -> Rules {
    Rules {
        paused: false,
        dry_run: false,
        deletes_per_hour_max: 1_000,
        codes_per_conversation_max: 5,
        code_pattern: None,
        in_flight_max: 64,
        time_zone: jiff::tz::TimeZone::UTC,
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
