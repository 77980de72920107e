//! The four promises, from the outside.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::journal::file;
use crate::support::store::is_embedded;
use crate::support::{Launch, Ozmap, Reply, World, eventually};
pub use callers::try_ask_of;

mod absurd;
mod answers;
mod breaker;
pub mod callers;
mod faults;
mod keys;
mod late;
mod limits;
mod overdue;
mod races;
mod refusals;
mod replay;
mod rereserved;

/// The reservation of OZmap's own documentation, and its property.
pub const CODE: &str = "123|123";
pub const PROPERTY: &str = "62d194b46c9401002392c704";

/// Times that are as short as the configuration allows without contradicting itself.
pub const SHORT: &[(&str, &str)] = &[
    ("OZMAP__LOOKUP_MS", "700"),
    ("OZMAP__DELETE_MS", "700"),
    ("JOURNAL__LEASE_MS", "5700"),
    ("JOURNAL__SETTLE_MS", "2000"),
    ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "600"),
];

/// The short times, and the other settings of one test.
pub fn short_and(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [SHORT, more].concat()
}

/// Compares one reply with what OZmap holds now of the property that had the code when the first
/// request came. Call it as soon as the reply arrives.
pub async fn assert_is_true(ozmap: &Ozmap, code: &str, property: &str, reply: &Reply, case: &str) {
    let outcome = reply.outcome();
    let is_there = holds(ozmap, code, property).await;
    let is_true = match outcome.as_str() {
        "pending" => reply.json()["final"] == json!(false),
        "cancelled" => !is_there,
        "installed" | "review" | "expired" | "would_cancel" => is_there,
        // `unknown` only means that the operator must review the cancellation.
        "unknown" => reply.json()["handoff"] == json!(true),
        _ => false,
    };
    assert!(is_true, "{case}: told {outcome}, there: {is_there}");
}

/// Whether OZmap really holds a property under a code.
pub async fn holds(ozmap: &Ozmap, code: &str, property: &str) -> bool {
    let held = ozmap.holds(code).await;
    held.iter().any(|found| found["_id"] == property)
}

/// Asserts that no property was deleted twice, none outside `allowed`, and none of an installed
/// customer.
pub async fn assert_deleted_only(ozmap: &Ozmap, allowed: &[&str], case: &str) {
    let mut times: HashMap<String, usize> = HashMap::new();
    for deletion in ozmap.deletions().await {
        let target = deletion["target"].as_str().unwrap().to_owned();
        assert!(
            allowed.contains(&target.as_str()),
            "{case}: deleted {deletion}"
        );
        assert_ne!(
            deletion["implanted_at_delete"],
            json!(true),
            "{case}: deleted an installed customer"
        );
        *times.entry(target).or_default() += 1;
    }
    assert!(times.values().all(|times| *times == 1), "{case}: {times:?}");
}

/// The calls of one group that the simulator saw, as it recorded them.
pub async fn calls_of(ozmap: &Ozmap, route: &str) -> Vec<Value> {
    let calls = ozmap.calls().await;
    calls
        .into_iter()
        .filter(|call| call["route"] == route)
        .collect()
}

/// Waits until the simulator saw at least so many calls of a group.
pub async fn called(ozmap: &Ozmap, route: &str, times: usize) {
    eventually(&format!("{times} calls of {route}"), || async {
        (calls_of(ozmap, route).await.len() >= times).then_some(())
    })
    .await;
}

/// The request of one cancellation.
pub fn asking(code: &str, message: &str) -> Value {
    json!({"code": code, "message_id": message})
}

/// Gives each case its own text as a name.
pub fn named(cases: &[&'static str]) -> Vec<(String, &'static str)> {
    cases
        .iter()
        .map(|case| ((*case).to_owned(), *case))
        .collect()
}

/// Runs many cases, some at a time. After all have run, it names every case that failed.
pub async fn each<C, F>(at_once: usize, cases: Vec<(String, C)>, run: impl Fn(String, C) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    // The server of a shared journal starts a process for every connection.
    let most = if is_embedded() {
        at_once
    } else {
        at_once.min(6)
    };
    let room = Arc::new(Semaphore::new(most));
    let mut running = JoinSet::new();
    let mut names = HashMap::new();
    for (name, case) in cases {
        let room = room.clone();
        let work = run(name.clone(), case);
        let task = running.spawn(async move {
            let _permit = room.acquire_owned().await.unwrap();
            work.await;
        });
        names.insert(task.id(), name);
    }
    let (count, mut failed) = (names.len(), Vec::new());
    while let Some(ended) = running.join_next_with_id().await {
        if let Err(error) = ended {
            failed.push(names[&error.id()].clone());
        }
    }
    assert!(failed.is_empty(), "these cases failed: {failed:#?}");
    eprintln!("{count} cases");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorials_reservation_is_cancelled() {
    let world = World::new().await;
    let reply = world.cancel(CODE, "m-1").await;
    assert_eq!((reply.status, reply.outcome().as_str()), (200, "cancelled"));
    assert!(world.ozmap.holds(CODE).await.is_empty());
    assert_eq!(world.ozmap.deletions().await.len(), 1);
    assert_eq!(world.journal()[0]["outcome"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_is_a_lookup_a_delete_and_a_recheck() {
    let world = World::new().await;
    world.cancel(CODE, "m-1").await;
    let calls = world.ozmap.calls().await;
    let routes: Vec<&str> = calls
        .iter()
        .filter_map(|call| call["route"].as_str())
        .filter(|route| *route != "probe")
        .collect();
    // The splitter, the client and the list of properties are read alongside the recheck.
    let is_aside = |route: &&&str| ["other", "filter"].contains(*route);
    let (mut aside, routes): (Vec<&str>, Vec<&str>) = routes.iter().partition(is_aside);
    aside.sort_unstable();
    assert_eq!(routes, ["lookup", "delete", "get", "lookup"]);
    assert_eq!(aside, ["filter", "other", "other"]);
    let mut events = file::events(world.folder.path());
    events.retain(|kind| kind != "port_free");
    assert_eq!(events, ["accepted", "intent", "acked", "done"]);
    let row = &file::cancellations(world.folder.path())[0];
    assert_eq!(row["property_id"], PROPERTY);
    let tombstone: Value = serde_json::from_str(row["snapshot"].as_str().unwrap()).unwrap();
    assert_eq!(tombstone["client"]["code"], CODE);
    assert_eq!(
        (&row["needs_human"], &row["delete_sent"]),
        (&json!(0), &json!(1))
    );
}
