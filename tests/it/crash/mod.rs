//! SIGKILL at every call to OZmap, before and after it took effect, and the recovery by the next
//! run.
//!
//! The invariants: no installed customer is deleted; `cancelled` is told only once it is true;
//! every accepted request completes; no property is deleted twice; the same webhook gets the
//! recorded outcome.

use crate::cancel::{
    CODE, PROPERTY, asking, assert_deleted_only, assert_is_true, called, calls_of, each, holds,
};
use crate::journal::file;
use crate::support::{Reply, Service, World, eventually};
use serde_json::{Value, json};

mod points;
mod stop;
mod writes;

/// A held call must not time out before the kill.
const PATIENT: &[(&str, &str)] = &[
    ("OZMAP__LOOKUP_MS", "15000"),
    ("OZMAP__DELETE_MS", "4000"),
    ("JOURNAL__LEASE_MS", "9000"),
    ("JOURNAL__SETTLE_MS", "4000"),
    ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "15000"),
];

/// One call of a cancellation, and the fault that makes it happen.
#[derive(Clone, Copy)]
struct Call {
    code: &'static str,
    property: Option<&'static str>,
    before: &'static str,
    route: &'static str,
    skip: usize,
}

impl Call {
    const fn of(route: &'static str, skip: usize) -> Self {
        Self {
            code: CODE,
            property: Some(PROPERTY),
            before: "",
            route,
            skip,
        }
    }

    /// The code with a slash is looked up by two filters.
    const fn filtered(route: &'static str, skip: usize) -> Self {
        Self {
            code: "abc/def",
            property: None,
            ..Self::of(route, skip)
        }
    }

    /// The first DELETE is lost, so that the property is rechecked and deleted again.
    const fn repeated(route: &'static str, skip: usize) -> Self {
        Self {
            before: "delete:reset_before*1",
            ..Self::of(route, skip)
        }
    }

    fn holding(&self, hold: &str) -> String {
        format!("{}:{hold}*1+{}", self.route, self.skip)
    }

    fn name(&self, hold: &str) -> String {
        format!("{} {} {}", self.code, self.before, self.holding(hold))
    }
}

/// Every call of a cancellation, on each path.
const CALLS: &[Call] = &[
    Call::of("lookup", 0),
    Call::of("delete", 0),
    Call::of("get", 0),
    Call::of("lookup", 1),
    Call::filtered("filter", 0),
    Call::filtered("filter", 1),
    Call::filtered("delete", 0),
    Call::filtered("get", 0),
    Call::filtered("filter", 2),
    Call::repeated("get", 0),
    Call::repeated("get", 1),
    Call::repeated("delete", 0),
    Call::repeated("get", 2),
    Call::repeated("lookup", 1),
];

/// Every call, held before and after it took effect.
fn every_point() -> Vec<(String, (Call, &'static str))> {
    CALLS
        .iter()
        .flat_map(|call| ["hold_before", "hold_after"].map(|hold| (call.name(hold), (*call, hold))))
        .collect()
}

/// A world in which one cancellation is held at one call; the reply to its webhook may still
/// arrive.
struct Stopped {
    world: World,
    call: Call,
    property: String,
    answer: tokio::task::JoinHandle<std::io::Result<Reply>>,
}

impl Stopped {
    async fn at(call: Call, hold: &str, settings: &[(&str, &str)]) -> Self {
        let world = World::with(&[PATIENT, settings].concat()).await;
        let held = world.ozmap.holds(call.code).await;
        let property = held[0]["_id"].as_str().unwrap().to_owned();
        assert!(call.property.is_none_or(|known| known == property));
        if !call.before.is_empty() {
            world.ozmap.fault(call.before).await;
        }
        world.ozmap.fault(&call.holding(hold)).await;
        let answer = tokio::spawn(crate::cancel::try_ask_of(
            world.service.address(),
            asking(call.code, "m-1"),
        ));
        world.ozmap.held().await;
        Self {
            world,
            call,
            property,
            answer,
        }
    }

    /// The reply to the webhook, if there was one, was true.
    async fn assert_answer_was_true(&mut self, case: &str) -> Option<Reply> {
        let reply = (&mut self.answer).await.unwrap().ok()?;
        if reply.status == 200 {
            let ozmap = &self.world.ozmap;
            assert_is_true(ozmap, self.call.code, &self.property, &reply, case).await;
        }
        Some(reply)
    }

    /// The cancellation completes by itself, and with the truth.
    async fn assert_it_ends_cancelled(&self, case: &str) {
        let row = ended(&self.world).await.remove(0);
        assert_eq!(row["outcome"], "cancelled", "{case}: {row}");
        let (ozmap, code) = (&self.world.ozmap, self.call.code);
        assert!(!holds(ozmap, code, &self.property).await, "{case}");
        assert_deleted_only(ozmap, &[&self.property], case).await;
        let again = self.world.cancel(code, "m-1").await;
        assert_eq!(again.outcome(), "cancelled", "{case}");
        assert_eq!(again.json()["replayed"], json!(true), "{case}");
        assert_eq!(again.json()["protocol"], row["protocol"], "{case}");
        assert_eq!(file::cancellations(self.world.folder.path()).len(), 1);
    }
}

/// Waits until every accepted cancellation has an outcome.
async fn ended(world: &World) -> Vec<Value> {
    eventually("every accepted cancellation to end", || async {
        let rows = file::cancellations(world.folder.path());
        rows.iter()
            .all(|row| row["state"] == "done")
            .then_some(rows)
    })
    .await
}
