//! Random kills among many requests under random faults. The seed is printed; `OZMAP_CANCEL_TEST_SEED` repeats it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::support::Ozmap;
use crate::support::store::is_embedded;

const KILLS: usize = 15;
const CALLERS: u64 = 6;
const CODES: usize = 30;

/// What goes wrong meanwhile, besides the kills.
const FAULTS: &[&str] = &[
    "any:delay_ms=30@0.5",
    "delete:reset_after@0.1",
    "delete:reset_before@0.1",
    "delete:timeout_after@0.05",
    "delete:delayed_delete_ms=300@0.05",
    "delete:status=502@0.05",
    "lookup:status=503@0.05",
    "lookup:html_404@0.05",
    "get:reset_before@0.1",
];

/// One reservation of the storm.
#[derive(Clone)]
struct Reserved {
    code: String,
    property: String,
    is_installed: bool,
}

/// What was told first as final, by webhook.
type Told = Arc<Mutex<HashMap<String, Value>>>;

#[tokio::test(flavor = "multi_thread")]
async fn random_kills_among_many_requests_lose_nothing_and_lie_about_nothing() {
    let seed = std::env::var("OZMAP_CANCEL_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(rand::random::<u64>);
    eprintln!("OZMAP_CANCEL_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut world = World::with(crate::cancel::SHORT).await;
    let reserved = reserve(&world.ozmap).await;
    for fault in FAULTS {
        world.ozmap.fault(fault).await;
    }
    let ozmap = Arc::new(world.ozmap);
    let (at, address) = watch::channel(world.service.address());
    let (told, calm) = (Told::default(), CancellationToken::new());
    let mut callers = JoinSet::new();
    for n in 0..CALLERS {
        let caller = Caller {
            ozmap: ozmap.clone(),
            reserved: reserved.clone(),
            told: told.clone(),
            address: address.clone(),
            random: StdRng::seed_from_u64(seed.wrapping_add(n + 1)),
        };
        callers.spawn(caller.ask_until(calm.clone()));
    }
    // On a shared journal whoever is started anew waits for the leases of the dead.
    let longest = if is_embedded() { 700 } else { 3_000 };
    for _ in 0..KILLS {
        sleep(Duration::from_millis(random.random_range(20..longest))).await;
        let launch = world.service.launch().clone();
        world.service.kill();
        world.service = launch.start().await;
        at.send_replace(world.service.address());
    }
    calm.cancel();
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    ozmap.heal().await;
    let launch = world.service.launch().clone();
    world.service.kill();
    let service = launch.start().await;
    check(&ozmap, &service, world.folder.path(), &reserved, &told).await;
}

async fn reserve(ozmap: &Ozmap) -> Vec<Reserved> {
    let mut reserved = Vec::new();
    for n in 0..CODES {
        let (code, is_installed) = (format!("storm/{n}"), n % 5 == 4);
        let made = ozmap
            .reserve(json!({"code": code, "implanted": is_installed}))
            .await;
        reserved.push(Reserved {
            code: code.clone(),
            property: made["id"].as_str().unwrap().to_owned(),
            is_installed,
        });
        // The same on the shorter way.
        let code = format!("storm-{n}");
        let made = ozmap
            .reserve(json!({"code": code, "implanted": is_installed}))
            .await;
        reserved.push(Reserved {
            code,
            property: made["id"].as_str().unwrap().to_owned(),
            is_installed,
        });
    }
    reserved
}

/// Somebody who asks again and again, and remembers every final answer.
struct Caller {
    ozmap: Arc<Ozmap>,
    reserved: Vec<Reserved>,
    told: Told,
    address: watch::Receiver<SocketAddr>,
    random: StdRng,
}

impl Caller {
    async fn ask_until(mut self, calm: CancellationToken) {
        while !calm.is_cancelled() {
            let one = self.reserved[self.random.random_range(0..self.reserved.len())].clone();
            let message = format!("{}#{}", one.code, self.random.random_range(0..2));
            let address = *self.address.borrow();
            let asked = crate::cancel::try_ask_of(address, asking(&one.code, &message)).await;
            let Ok(reply) = asked else {
                sleep(Duration::from_millis(20)).await;
                continue;
            };
            if reply.status != 200 {
                continue;
            }
            let outcome = reply.outcome();
            match outcome.as_str() {
                // Of another webhook that came later than the cancellation.
                "already_cancelled" => assert!(!holds(&self.ozmap, &one.code, &one.property).await),
                _ => assert_is_true(&self.ozmap, &one.code, &one.property, &reply, &message).await,
            }
            assert_eq!(
                outcome == "installed",
                one.is_installed && outcome != "pending",
                "{message}: {outcome}"
            );
            if reply.json()["final"] == json!(true) {
                self.remember(message, reply.json());
            }
        }
    }

    fn remember(&self, message: String, reply: Value) {
        let mut told = self.told.lock().unwrap();
        let first = told.entry(message.clone()).or_insert_with(|| reply.clone());
        for member in ["outcome", "protocol", "final", "code"] {
            assert_eq!(
                first[member], reply[member],
                "{message} was told two things"
            );
        }
    }
}

async fn check(
    ozmap: &Ozmap,
    service: &Service,
    folder: &std::path::Path,
    reserved: &[Reserved],
    told: &Told,
) {
    let rows = eventually("every accepted cancellation to end", || async {
        let rows = file::cancellations(folder);
        rows.iter()
            .all(|row| row["state"] == "done")
            .then_some(rows)
    })
    .await;
    let allowed: Vec<&str> = reserved
        .iter()
        .filter(|one| !one.is_installed)
        .map(|one| one.property.as_str())
        .collect();
    assert_deleted_only(ozmap, &allowed, "storm").await;
    for one in reserved {
        let outcomes: Vec<&str> = rows
            .iter()
            .filter(|row| row["code"] == one.code)
            .map(|row| row["outcome"].as_str().unwrap())
            .collect();
        let expected = if one.is_installed {
            "installed"
        } else {
            "cancelled"
        };
        assert!(
            outcomes.first().is_none_or(|first| *first == expected),
            "{outcomes:?}"
        );
        let is_gone = !holds(ozmap, &one.code, &one.property).await;
        assert_eq!(is_gone, outcomes.contains(&"cancelled"), "{}", one.code);
        let cancelled = outcomes.iter().filter(|outcome| **outcome == "cancelled");
        assert!(cancelled.count() <= 1, "{outcomes:?}");
    }
    let told = told.lock().unwrap().clone();
    assert!(
        told.len() > 20,
        "the storm asked too little: {}",
        told.len()
    );
    for (message, first) in told {
        let code = first["code"].as_str().unwrap();
        let again = service.ask(&asking(code, &message)).await.json();
        for member in ["outcome", "protocol", "reply"] {
            assert_eq!(again[member], first[member], "{message}");
        }
    }
}
