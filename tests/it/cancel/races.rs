//! Races: a response of OZmap says nothing about requests and deletions that came after it was
//! made.

use ozmap_cancel::clock::Moment;

use super::*;
use crate::support::Service;

/// Short times, but OZmap may take long for a lookup.
fn patient() -> Vec<(&'static str, &'static str)> {
    let mut settings = SHORT.to_vec();
    settings.retain(|(name, _)| *name != "OZMAP__LOOKUP_MS");
    settings.push(("OZMAP__LOOKUP_MS", "8000"));
    settings
}

/// A request whose caller waits.
fn waiting(service: &Service, body: Value) -> tokio::task::JoinHandle<std::io::Result<Reply>> {
    let address = service.address();
    tokio::spawn(async move { try_ask_of(address, body).await })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_that_began_before_a_cancellation_is_discarded() {
    let mut settings = patient();
    settings.retain(|(name, _)| *name != "CHANNELS__CHATBOT__ANSWER_MS_MAX");
    settings.push(("CHANNELS__CHATBOT__ANSWER_MS_MAX", "8000"));
    let world = World::with(&settings).await;
    world.ozmap.fault("lookup:hold_after*1").await;
    let look = json!({"code": CODE, "action": "lookup"});
    let looking = waiting(&world.service, look.clone());
    world.ozmap.held().await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "cancelled");
    world.ozmap.release().await;
    let looked = looking.await.unwrap().unwrap();
    assert_eq!(looked.status, 503, "{looked:?}");
    assert_eq!(world.ask(look).await.outcome(), "already_cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_that_began_before_a_cancellation_looks_again() {
    let world = World::with(&patient()).await;
    world.ozmap.fault("lookup:hold_after*1").await;
    let rehearsal = json!({"code": CODE, "message_id": "m-2", "dry_run": true});
    assert_eq!(world.ask(rehearsal.clone()).await.outcome(), "pending");
    world.ozmap.held().await;
    let real = world.ask_until_final(asking(CODE, "m-1")).await;
    assert_eq!(real.outcome(), "cancelled");
    world.ozmap.release().await;
    let rehearsed = world.ask_until_final(rehearsal).await;
    assert_eq!(rehearsed.outcome(), "already_cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_beside_a_stuck_deletion_does_not_call_ozmap() {
    let world = World::with(SHORT).await;
    world.ozmap.fault("delete:status=403").await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "pending");
    eventually("the deletion to wait", || async {
        let rows = file::cancellations(world.folder.path());
        (rows[0]["reason"] == "ozmap_forbidden").then_some(())
    })
    .await;
    let before = world.ozmap.calls().await.len();
    let rehearsal = json!({"code": CODE, "message_id": "m-2", "dry_run": true});
    assert_eq!(world.ask(rehearsal).await.outcome(), "pending");
    eventually("the dry run to wait", || async {
        let rows = file::cancellations(world.folder.path());
        let waits = |row: &Value| row["dry_run"] == 1 && row["reason"] == "being_cancelled";
        rows.iter().any(waits).then_some(())
    })
    .await;
    assert_eq!(world.ozmap.calls().await.len(), before);
}

/// A customer makes a reservation and sends a request after the last recheck began: the recheck is
/// repeated.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_joiner_during_the_last_recheck_is_not_answered_by_it() {
    let world = World::with(&patient()).await;
    world.ozmap.fault("lookup:hold_after*1+1").await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "pending");
    world.ozmap.held().await;
    assert!(world.ozmap.holds(CODE).await.is_empty());
    world.ozmap.reserve(json!({"code": CODE})).await;
    assert_eq!(world.cancel(CODE, "m-2").await.outcome(), "pending");
    world.ozmap.release().await;
    let first = world.ask_until_final(asking(CODE, "m-1")).await;
    assert_eq!(first.outcome(), "cancelled");
    let second = world.ask_until_final(asking(CODE, "m-2")).await;
    assert_eq!(second.outcome(), "unknown", "another one is there");
    assert_eq!(world.ozmap.holds(CODE).await.len(), 1);
    assert_deleted_only(&world.ozmap, &[PROPERTY], "joined").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_joiner_during_an_absent_lookup_makes_it_repeat() {
    let world = World::with(&patient()).await;
    world.ozmap.fault("lookup:hold_after*1").await;
    assert_eq!(world.cancel("new-1", "m-1").await.outcome(), "pending");
    world.ozmap.held().await;
    world.ozmap.reserve(json!({"code": "new-1"})).await;
    assert_eq!(world.cancel("new-1", "m-2").await.outcome(), "pending");
    world.ozmap.release().await;
    for message in ["m-2", "m-1"] {
        let reply = world.ask_until_final(asking("new-1", message)).await;
        assert_eq!(reply.outcome(), "cancelled", "{message}");
    }
    assert!(world.ozmap.holds("new-1").await.is_empty());
}

/// The id is gone but the code still shows the property: half of the DELETE may have been carried
/// out.
#[tokio::test(flavor = "multi_thread")]
async fn a_property_shown_by_its_code_alone_is_not_called_unchanged() {
    let world = World::with(SHORT).await;
    world.ozmap.fault("lookup:implant_after*1").await;
    world.ozmap.fault("delete:ignored_delete*1").await;
    world.ozmap.fault("get:status=404").await;
    let reply = world.ask_until_final(asking(CODE, "m-1")).await;
    assert_eq!(reply.outcome(), "unknown");
    let row = file::cancellations(world.folder.path()).remove(0);
    assert_eq!(
        (&row["reason"], &row["needs_human"]),
        (&json!("installed"), &json!(1))
    );
}

/// The guard saw one property; before the intent is written, the code gets another property, and
/// its customer sends a request.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_joiner_between_the_guard_and_the_delete_is_split_off() {
    let world = World::with(&patient()).await;
    world.ozmap.fault("lookup:hold_after*1").await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "pending");
    world.ozmap.held().await;
    world.ozmap.reserve(json!({"code": CODE})).await;
    assert_eq!(world.cancel(CODE, "m-2").await.outcome(), "pending");
    world.ozmap.release().await;
    let first = world.ask_until_final(asking(CODE, "m-1")).await;
    let second = world.ask_until_final(asking(CODE, "m-2")).await;
    let heard = (first.outcome(), second.outcome());
    // On a slow machine the first reading becomes too old, and the second one shows both.
    let is_true = [("cancelled", "unknown"), ("review", "review")]
        .iter()
        .any(|(first, second)| (*first, *second) == (heard.0.as_str(), heard.1.as_str()));
    assert!(is_true, "{heard:?}");
    let left = if heard.0 == "cancelled" { 1 } else { 2 };
    assert_eq!(world.ozmap.holds(CODE).await.len(), left);
}

/// Short times, but long enough for a DELETE that is held.
fn unhurried() -> Vec<(&'static str, &'static str)> {
    let mut settings = patient();
    settings.extend([
        ("OZMAP__DELETE_MS", "8000"),
        ("JOURNAL__LEASE_MS", "13000"),
        ("JOURNAL__SETTLE_MS", "8000"),
    ]);
    settings
}

/// A DELETE is sent without effect, the customer is installed, and OZmap holds its answers to the
/// first `held` rechecks after the settlement.
async fn refused_after_the_delete(world: &World, held: usize) {
    world.ozmap.fault("lookup:implant_after*1").await;
    world.ozmap.fault("delete:ignored_delete*1").await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "pending");
    // The last recheck before the one on which it may complete.
    called(&world.ozmap, "get", 3).await;
    eventually("the settling", || async {
        let settle_at = file::cancellations(world.folder.path())[0]["settle_at"].as_i64();
        (Moment::now().unix_ms() > settle_at.unwrap()).then_some(())
    })
    .await;
    world.ozmap.fault(&format!("get:hold_after*{held}")).await;
    world.ozmap.held().await;
}

/// The service finally splits late joiners off for review. The waiting callers get that outcome,
/// and none before it.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_joiner_that_is_split_off_gets_one_outcome_only() {
    let world = World::with(&patient()).await;
    refused_after_the_delete(&world, 3).await;
    for message in ["m-2", "m-3", "m-4"] {
        world.ozmap.held().await;
        assert_eq!(world.cancel(CODE, message).await.outcome(), "pending");
        world.ozmap.release().await;
    }
    // All late joiners wait during the last recheck.
    let heard = tokio::join!(
        world.ask_until_final(asking(CODE, "m-2")),
        world.ask_until_final(asking(CODE, "m-3")),
        world.ask_until_final(asking(CODE, "m-4")),
    );
    for heard in [heard.0, heard.1, heard.2] {
        assert_eq!(heard.outcome(), "unknown", "{heard:?}");
    }
    let first = world.ask_until_final(asking(CODE, "m-1")).await;
    assert_eq!(first.outcome(), "installed");
    for message in ["m-2", "m-3", "m-4"] {
        let again = world.cancel(CODE, message).await;
        assert_eq!(again.outcome(), "unknown", "{again:?}");
    }
    let rows = file::cancellations(world.folder.path());
    let apart = rows.iter().find(|row| row["outcome"] == "unknown").unwrap();
    assert_eq!(
        (&apart["reason"], &apart["needs_human"]),
        (&json!("joined_late"), &json!(1))
    );
    assert_eq!(world.ozmap.holds(CODE).await.len(), 1);
}

/// The customer was installed after the DELETE was sent. During the recheck the reservation is
/// replaced and its customer sends a request: the result of the earlier lookup does not answer the
/// late joiner.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_joiner_during_a_refusal_after_the_delete_is_not_answered_by_it() {
    let world = World::with(&patient()).await;
    refused_after_the_delete(&world, 1).await;
    world.ozmap.remove(PROPERTY).await;
    world.ozmap.reserve(json!({"code": CODE})).await;
    assert_eq!(world.cancel(CODE, "m-2").await.outcome(), "pending");
    world.ozmap.release().await;
    let second = world.ask_until_final(asking(CODE, "m-2")).await;
    assert_eq!(second.outcome(), "unknown", "another one is there");
    let first = world.ask_until_final(asking(CODE, "m-1")).await;
    assert_eq!(first.outcome(), "cancelled", "another user removed it");
    assert_eq!(world.ozmap.holds(CODE).await.len(), 1);
}

/// Lookups that were repeated before the DELETE do not count for the rechecks after it.
#[tokio::test(flavor = "multi_thread")]
async fn late_joins_before_the_delete_do_not_count_after_it() {
    let world = World::with(&unhurried()).await;
    world.ozmap.fault("lookup:hold_after*3").await;
    world.ozmap.fault("delete:hold_after*1").await;
    assert_eq!(world.cancel("new-1", "m-0").await.outcome(), "pending");
    for message in ["m-1", "m-2", "m-3"] {
        world.ozmap.held().await;
        assert_eq!(world.cancel("new-1", message).await.outcome(), "pending");
        if message == "m-3" {
            world.ozmap.reserve(json!({"code": "new-1"})).await;
        }
        world.ozmap.release().await;
    }
    called(&world.ozmap, "delete", 1).await;
    world.ozmap.held().await;
    assert_eq!(world.cancel("new-1", "m-4").await.outcome(), "pending");
    world.ozmap.release().await;
    for message in ["m-0", "m-1", "m-2", "m-3", "m-4"] {
        let reply = world.ask_until_final(asking("new-1", message)).await;
        assert_eq!(reply.outcome(), "cancelled", "{message}");
    }
}
