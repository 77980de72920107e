//! Two replicas that are killed and frozen at random among many requests under faults. The seed is printed;
//! `OZMAP_CANCEL_TEST_SEED` repeats it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::*;

const CODES: usize = 40;
const CALLERS: u64 = 4;
const BLOWS: usize = 8;

/// Longer than the lease of the short times.
const FROZEN: Duration = Duration::from_millis(6_500);

/// What goes wrong meanwhile, besides.
const FAULTS: &[&str] = &[
    "any:delay_ms=30@0.5",
    "delete:reset_after@0.1",
    "delete:reset_before@0.1",
    "delete:status=502@0.05",
    "get:reset_before@0.1",
];

/// What was told first as final, by webhook.
type Told = Arc<Mutex<HashMap<String, Value>>>;

/// Somebody who asks either replica again and again, and remembers every final answer.
struct Caller {
    ozmap: Arc<Ozmap>,
    properties: Arc<Vec<String>>,
    addresses: watch::Receiver<[SocketAddr; 2]>,
    told: Told,
    random: StdRng,
}

impl Caller {
    async fn ask_until(mut self, calm: CancellationToken) {
        while !calm.is_cancelled() {
            let n = self.random.random_range(0..CODES);
            let code = format!("storm-{n}");
            let message = format!("{code}#{}", self.random.random_range(0..2));
            let address = self.addresses.borrow()[self.random.random_range(0..2)];
            let asked = timeout(
                Duration::from_secs(3),
                try_ask_of(address, asking(&code, &message)),
            );
            let Ok(Ok(reply)) = asked.await else {
                sleep(Duration::from_millis(20)).await;
                continue;
            };
            if reply.status != 200 {
                continue;
            }
            match reply.outcome().as_str() {
                // Of another webhook that came later than the cancellation.
                "already_cancelled" => {
                    assert!(!holds(&self.ozmap, &code, &self.properties[n]).await);
                }
                _ => {
                    let property = &self.properties[n];
                    assert_is_true(&self.ozmap, &code, property, &reply, &message).await;
                }
            }
            if reply.json()["final"] == json!(true) {
                let mut told = self.told.lock().unwrap();
                let first = told.entry(message.clone()).or_insert_with(|| reply.json());
                assert_same(first, &reply.json(), &message);
            }
        }
    }
}

fn assert_same(first: &Value, again: &Value, message: &str) {
    for member in ["outcome", "protocol", "final", "code"] {
        assert_eq!(
            first[member], again[member],
            "{message} was told two things"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_kills_and_freezes_of_two_replicas_lose_nothing_and_lie_about_nothing() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let seed = std::env::var("OZMAP_CANCEL_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(rand::random::<u64>);
    eprintln!("OZMAP_CANCEL_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let Replicas {
        ozmap,
        mut services,
        journal,
        folder,
    } = Replicas::on(server, 2, SHORT).await;
    let mut properties = Vec::new();
    for n in 0..CODES {
        let made = ozmap.reserve(json!({"code": format!("storm-{n}")})).await;
        properties.push(made["id"].as_str().unwrap().to_owned());
    }
    for fault in FAULTS {
        ozmap.fault(fault).await;
    }
    let (ozmap, properties) = (Arc::new(ozmap), Arc::new(properties));
    let (at, addresses) = watch::channel([services[0].address(), services[1].address()]);
    let (told, calm) = (Told::default(), CancellationToken::new());
    let mut callers = JoinSet::new();
    for n in 0..CALLERS {
        let caller = Caller {
            ozmap: ozmap.clone(),
            properties: properties.clone(),
            addresses: addresses.clone(),
            told: told.clone(),
            random: StdRng::seed_from_u64(seed.wrapping_add(n + 1)),
        };
        callers.spawn(caller.ask_until(calm.clone()));
    }
    for blow in 0..BLOWS {
        sleep(Duration::from_millis(random.random_range(50..900))).await;
        let struck = &mut services[random.random_range(0..2)];
        if blow % 4 == 3 {
            struck.signal("STOP");
            sleep(FROZEN).await;
            struck.signal("CONT");
            continue;
        }
        struck.kill();
        let launch = struck.launch().clone();
        *struck = launch.start().await;
        at.send_replace([services[0].address(), services[1].address()]);
    }
    calm.cancel();
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    ozmap.heal().await;
    let ozmap = Arc::into_inner(ozmap).unwrap();
    let replicas = Replicas {
        ozmap,
        services,
        journal,
        folder,
    };
    check(&replicas, &properties, &told).await;
}

async fn check(replicas: &Replicas, properties: &[String], told: &Told) {
    let rows = replicas.ended().await;
    let allowed: Vec<&str> = properties.iter().map(String::as_str).collect();
    assert_deleted_only(&replicas.ozmap, &allowed, "storm").await;
    for (n, property) in properties.iter().enumerate() {
        let code = format!("storm-{n}");
        let of_code = rows.iter().filter(|row| row["code"] == code.as_str());
        let outcomes: Vec<&str> = of_code
            .map(|row| row["outcome"].as_str().unwrap())
            .collect();
        assert!(
            outcomes.first().is_none_or(|first| *first == "cancelled"),
            "{outcomes:?}"
        );
        let cancelled = outcomes.iter().filter(|outcome| **outcome == "cancelled");
        assert!(cancelled.count() <= 1, "{code}: {outcomes:?}");
        let is_gone = !holds(&replicas.ozmap, &code, property).await;
        assert_eq!(is_gone, !outcomes.is_empty(), "{code}");
    }
    let told = told.lock().unwrap().clone();
    assert!(
        told.len() > 10,
        "the storm asked too little: {}",
        told.len()
    );
    for (message, first) in told {
        let code = first["code"].as_str().unwrap();
        for service in &replicas.services {
            let again = service.ask(&asking(code, &message)).await;
            assert_same(&first, &again.json(), &message);
        }
    }
}
