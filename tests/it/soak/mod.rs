//! Many webhooks, each sent several times, while the service is killed and frozen at random and
//! OZmap misbehaves.
//!
//! The invariants: every accepted request gets a recorded outcome; every reply is true when it is
//! given and at the end; the same webhook gets the same reply; nothing is deleted twice, and
//! nothing that must be kept. The suite contains a short run. `OZMAP_CANCEL_STORM=10000 cargo test
//! --test it soak -- --nocapture` is the long one: so many webhooks on each store, with the figures
//! at the end. The seed is printed; `OZMAP_CANCEL_TEST_SEED` repeats it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::cancel::SHORT;
use crate::journal::file;
use crate::journal::postgres::{NEEDS, Replicas, cancellations_of};
use crate::support::postgres::shared;
use crate::support::{Ozmap, Service, World, eventually_within, skipped};

mod caller;
mod checks;
mod plan;
mod replies;

use caller::Caller;
use plan::Plan;
use replies::Heard;

/// How many webhooks are sent by default.
const WEBHOOKS: usize = 150;

/// How many of them are concurrent: more in a long run.
fn callers_for(webhooks: usize) -> usize {
    (webhooks / 100).clamp(16, 64)
}

/// Longer than the lease of the short times.
const FROZEN: Duration = Duration::from_millis(6_500);

/// How long one more outcome may take after all faults have ended: some cancellations wait for
/// their next attempt.
const CALM: Duration = Duration::from_secs(180);

/// The faults of OZmap.
const FAULTS: &[&str] = &[
    "any:delay_ms=20@0.3",
    // Carried out with a lost response; lost before it is carried out; carried out later.
    "delete:reset_after@0.08",
    "delete:reset_before@0.08",
    "delete:timeout_after@0.03",
    "delete:timeout_before@0.03",
    "delete:delayed_delete_ms=300@0.04",
    "delete:ignored_delete@0.03",
    "delete:status=502@0.04",
    "delete:html_200@0.03",
    "lookup:status=503@0.03",
    "lookup:html_404@0.03",
    "lookup:html_200@0.02",
    "lookup:timeout_before@0.02",
    "lookup:truncated@0.02",
    "filter:empty_200@0.03",
    "get:reset_before@0.05",
    "get:html_404@0.03",
    "get:status=500@0.03",
];

/// The services of the soak test: one process, or several replicas.
struct Struck {
    services: Vec<Service>,
    addresses: watch::Sender<Vec<SocketAddr>>,
    random: StdRng,
    kills: usize,
    /// How long the last restart took.
    starts_in: Duration,
    freezes: usize,
}

impl Struck {
    fn new(services: Vec<Service>, random: StdRng) -> Self {
        let addresses = watch::channel(services.iter().map(Service::address).collect()).0;
        Self {
            services,
            addresses,
            random,
            kills: 0,
            starts_in: Duration::ZERO,
            freezes: 0,
        }
    }

    /// Kills one with SIGKILL and restarts it on the same journal.
    async fn kill(&mut self, which: usize) {
        let launch = self.services[which].launch().clone();
        self.services[which].kill();
        let began = Instant::now();
        self.services[which] = launch.start().await;
        self.starts_in = began.elapsed();
        self.kills += 1;
        let addresses = self.services.iter().map(Service::address).collect();
        self.addresses.send_replace(addresses);
    }

    /// Freezes one for longer than its lease, and sometimes kills another during that time.
    async fn freeze(&mut self, which: usize) {
        self.services[which].signal("STOP");
        self.freezes += 1;
        sleep(FROZEN / 2).await;
        if self.random.random_bool(0.5) {
            self.kill((which + 1) % self.services.len()).await;
        }
        sleep(FROZEN / 2).await;
        self.services[which].signal("CONT");
    }

    /// Strikes until the callers are done.
    async fn strike_until(mut self, calm: CancellationToken) -> Self {
        // On a shared journal a restarted service waits for the leases of the killed one.
        let longest = if self.services.len() > 1 { 900 } else { 700 };
        while !calm.is_cancelled() {
            // A busy machine starts a service slowly, and its service needs as much longer to work.
            let longest = Duration::from_millis(longest).max(self.starts_in * 5);
            let pause = self.random.random_range(Duration::from_millis(20)..longest);
            sleep(pause).await;
            let which = self.random.random_range(0..self.services.len());
            if self.services.len() > 1 && self.random.random_bool(0.1) {
                self.freeze(which).await;
            } else {
                self.kill(which).await;
            }
        }
        self
    }
}

/// A number from the environment.
fn asked<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// The short times, and no limit that the soak test would reach.
fn settings() -> Vec<(&'static str, &'static str)> {
    let wide = [
        ("POLICY__DELETES_PER_HOUR_MAX", "1000000"),
        ("OZMAP__CONCURRENCY_MAX", "16"),
    ];
    [SHORT, &wide].concat()
}

/// Kills and freezes the services until every webhook was sent, then waits until every cancellation
/// has completed. Returns what the checks need.
async fn soak(ozmap: Ozmap, services: Vec<Service>) -> (Ozmap, Struck, Plan, Heard) {
    let seed = asked("OZMAP_CANCEL_TEST_SEED").unwrap_or_else(rand::random::<u64>);
    eprintln!("OZMAP_CANCEL_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let webhooks = asked("OZMAP_CANCEL_STORM").unwrap_or(WEBHOOKS);
    let plan = Arc::new(Plan::of(webhooks, &mut random));
    for fault in FAULTS {
        ozmap.fault(fault).await;
    }
    let (ozmap, heard) = (Arc::new(ozmap), Arc::new(Heard::default()));
    let struck = Struck::new(services, StdRng::seed_from_u64(random.random()));
    let mut callers = JoinSet::new();
    for _ in 0..callers_for(webhooks) {
        let caller = Caller {
            ozmap: ozmap.clone(),
            plan: plan.clone(),
            heard: heard.clone(),
            addresses: struck.addresses.subscribe(),
            random: StdRng::seed_from_u64(random.random()),
        };
        callers.spawn(caller.send_all());
    }
    let calm = CancellationToken::new();
    let striking = tokio::spawn(struck.strike_until(calm.clone()));
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    calm.cancel();
    let mut struck = striking.await.unwrap();
    ozmap.heal().await;
    // The last kill, so that a process which knows only the journal resumes what was parked or
    // paused.
    for which in 0..struck.services.len() {
        struck.kill(which).await;
    }
    let mut left = i64::MAX;
    while left > 0 {
        let what = format!("fewer than {left} accepted cancellations to be left");
        left = eventually_within(CALM, &what, || async {
            let journal = struck.services[0].get("/health").await.json()["journal"].take();
            let active = journal["active"]
                .as_i64()
                .filter(|_| journal["status"] == "ok");
            active.filter(|active| *active < left)
        })
        .await;
    }
    let ozmap = Arc::into_inner(ozmap).unwrap();
    let plan = Arc::into_inner(plan).unwrap();
    (ozmap, struck, plan, Arc::into_inner(heard).unwrap())
}

/// Compares every reply with the truth, and prints the figures.
async fn check(
    store: &str,
    began: Instant,
    ended: (Ozmap, Struck, Plan, Heard),
    rows: impl FnOnce() -> Vec<Value>,
) {
    let (ozmap, struck, plan, heard) = ended;
    let rows = rows();
    let end = checks::End::of(&ozmap, &plan, &heard, &rows).await;
    let changed = checks::told_otherwise(&struck.services, &plan, &heard).await;
    eprintln!(
        "soak on {store}: {} webhooks, {} requests, {} answered, {} declined, {} without an answer; {} kills, {} \
         freezes; {} promised, {} cancellations recorded, {} left to a person, {} properties deleted, {} deletions sent; {} lost, {} false \
         words, {} second or wrong deletions, {} told otherwise later; {} s",
        plan.webhooks.len(),
        heard.requests(),
        heard.answered(),
        heard.declined(),
        heard.unanswered(),
        struck.kills,
        struck.freezes,
        heard.promised().len(),
        rows.len(),
        end.handed_over,
        end.deleted,
        end.sent,
        end.lost.len(),
        heard.lies().len() + end.lies.len(),
        end.wrong.len(),
        changed.len(),
        began.elapsed().as_secs()
    );
    for wrong in [&heard.lies(), &end.lost, &end.lies, &end.wrong, &changed] {
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
    let promised = heard.promised().len();
    assert!(
        promised * 5 > plan.webhooks.len() && struck.kills > 3 && end.handed_over * 20 < rows.len(),
        "too little happened: {promised} accepted, {} kills, {} need review",
        struck.kills,
        end.handed_over
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn random_kills_of_one_process_lose_nothing_and_report_nothing_false() {
    let began = Instant::now();
    let World {
        ozmap,
        service,
        folder,
        ..
    } = World::with(&settings()).await;
    let ended = soak(ozmap, vec![service]).await;
    let store = if crate::support::store::is_embedded() {
        "SQLite"
    } else {
        "PostgreSQL"
    };
    check(store, began, ended, || file::cancellations(folder.path())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_kills_and_freezes_of_two_replicas_lose_nothing_and_report_nothing_false() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let began = Instant::now();
    let Replicas {
        ozmap,
        services,
        journal,
        folder,
    } = Replicas::on(server, 2, &settings()).await;
    let ended = soak(ozmap, services).await;
    check("PostgreSQL, two replicas", began, ended, || {
        cancellations_of(&journal)
    })
    .await;
    drop(folder);
}
