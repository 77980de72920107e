//! Reservations that others make, duplicate or remove while a request for their code is in
//! progress.

use super::*;

fn row(world: &World) -> Value {
    file::cancellations(world.folder.path()).remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_made_while_a_request_waited_is_not_its_target() {
    let world = World::with(SHORT).await;
    world.ozmap.fault("lookup:status=503").await;
    assert_eq!(world.cancel("later-1", "m-1").await.outcome(), "pending");
    // The guard allows ten minutes for clocks that differ.
    let hour = std::time::Duration::from_secs(3_600);
    let in_an_hour = jiff::Timestamp::now() + hour;
    let reservation = json!({"code": "later-1", "createdAt": format!("{in_an_hour:.3}")});
    world.ozmap.reserve(reservation).await;
    world.ozmap.heal().await;
    let reply = world.ask_until_final(asking("later-1", "m-1")).await;
    assert_eq!(reply.outcome(), "review");
    assert_eq!(row(&world)["reason"], json!("reserved_later"));
    assert!(calls_of(&world.ozmap, "delete").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_property_of_the_code_ends_the_deletions_of_the_first() {
    let world = World::with(SHORT).await;
    // The first DELETE never reaches OZmap; before the next one, the code has two properties.
    world.ozmap.fault("delete:reset_before*1").await;
    world.ozmap.fault("get:hold_before*1").await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "pending");
    world.ozmap.held().await;
    world.ozmap.reserve(json!({"code": CODE})).await;
    world.ozmap.release().await;
    let reply = world.ask_until_final(asking(CODE, "m-1")).await;
    assert_eq!(reply.outcome(), "review");
    let row = row(&world);
    assert_eq!(
        (&row["reason"], &row["needs_human"], &row["delete_sent"]),
        (&json!("several_properties"), &json!(1), &json!(1))
    );
    assert!(world.ozmap.deletions().await.is_empty());
    assert_eq!(world.ozmap.holds(CODE).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_names_the_properties_that_share_a_code() {
    let world = World::new().await;
    assert_eq!(world.cancel("dup-1", "m-1").await.outcome(), "review");
    let ids: Vec<String> = world
        .ozmap
        .holds("dup-1")
        .await
        .iter()
        .map(|held| held["_id"].as_str().unwrap().to_owned())
        .collect();
    let events = file::table(world.folder.path(), "op_event");
    let several = events
        .iter()
        .find(|event| event["kind"] == "several")
        .unwrap();
    let named = several["detail"].as_str().unwrap();
    assert_eq!(ids.len(), 2);
    assert!(ids.iter().all(|id| named.contains(id)), "{named}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_removed_by_others_after_a_refusal_is_not_called_already_cancelled() {
    let world = World::with(SHORT).await;
    // A DELETE was sent and lost, then the customer was installed: the outcome was a refusal.
    world.ozmap.fault("lookup:implant_after*1").await;
    world.ozmap.fault("delete:reset_before*1").await;
    let reply = world.ask_until_final(asking(CODE, "m-1")).await;
    assert_eq!(reply.outcome(), "installed");
    world.ozmap.remove(PROPERTY).await;
    let reply = world.ask_until_final(asking(CODE, "m-2")).await;
    assert_eq!(reply.outcome(), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_waits_for_the_real_cancellation_of_its_code() {
    let world = World::with(SHORT).await;
    world.ozmap.fault("delete:hold_after*1").await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "pending");
    world.ozmap.held().await;
    let rehearsal = json!({"code": CODE, "message_id": "m-2", "dry_run": true});
    // The dry run does not end before the real cancellation, which completes when its DELETE times
    // out.
    let early = world.ask(rehearsal.clone()).await.outcome();
    assert!(
        ["pending", "already_cancelled"].contains(&early.as_str()),
        "{early}"
    );
    world.ozmap.release().await;
    let real = world.ask_until_final(asking(CODE, "m-1")).await;
    assert_eq!(real.outcome(), "cancelled");
    let rehearsed = world.ask_until_final(rehearsal).await;
    assert_eq!(rehearsed.outcome(), "already_cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_does_not_show_what_a_concurrent_cancellation_changed() {
    let world = World::with(SHORT).await;
    world.ozmap.fault("lookup:hold_after*1").await;
    let look = json!({"code": CODE, "action": "lookup"});
    let address = world.service.address();
    let looked = tokio::spawn(async move { try_ask_of(address, look).await });
    world.ozmap.held().await;
    world.ozmap.fault("delete:status=503").await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "pending");
    called(&world.ozmap, "delete", 1).await;
    world.ozmap.release().await;
    let looked = looked.await.unwrap().unwrap();
    // Either the lookup timed out, or it is told that the code is being cancelled.
    assert!(
        looked.status == 503 || looked.outcome() == "pending",
        "{looked:?}"
    );
    assert!(!looked.body.contains("\"found\""), "{looked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_request_survives_a_change_of_the_code_pattern() {
    let mut world = World::with(SHORT).await;
    world.ozmap.fault("lookup:status=503").await;
    let promised = world.cancel(CODE, "m-1").await;
    assert_eq!(promised.outcome(), "pending");
    let strict = world
        .service
        .launch()
        .clone()
        .set("POLICY__CODE_PATTERN", "^[0-9]{9}$");
    world.kill();
    world.service = strict.start().await;
    let again = world.cancel(CODE, "m-1").await;
    assert_eq!(again.outcome(), "pending", "{again:?}");
    world.ozmap.heal().await;
    let reply = world.ask_until_final(asking(CODE, "m-1")).await;
    assert_eq!(reply.outcome(), "cancelled");
    assert_eq!(reply.json()["protocol"], promised.json()["protocol"]);
    assert_eq!(world.cancel(CODE, "m-2").await.outcome(), "invalid_code");
}

/// A request may join when the first one's reservation may already be gone. Its caller must not be
/// told that a newer reservation is cancelled. The newer one must not be deleted either: the
/// request may be a retry of the first.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_joiner_is_not_told_that_a_new_reservation_is_cancelled() {
    let world = World::with(SHORT).await;
    world.ozmap.fault("delete:reset_after*1").await;
    world.ozmap.fault("get:status=503").await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "pending");
    called(&world.ozmap, "get", 1).await;
    world.ozmap.reserve(json!({"code": CODE})).await;
    assert_eq!(world.cancel(CODE, "m-2").await.outcome(), "pending");
    let waiting = {
        let (address, body) = (world.service.address(), asking(CODE, "m-2"));
        tokio::spawn(async move { try_ask_of(address, body).await })
    };
    let keyless = json!({"code": CODE, "conversation_id": "c-9"});
    assert_eq!(world.ask(keyless.clone()).await.outcome(), "pending");
    world.ozmap.heal().await;
    let first = world.ask_until_final(asking(CODE, "m-1")).await;
    assert_eq!(first.outcome(), "cancelled");
    // Without a key it may be a retry of that webhook, and must not be taken for a new request.
    let repeated = world.ask_until_final(keyless).await;
    assert_eq!(repeated.outcome(), "unknown");
    let late = world.ask_until_final(asking(CODE, "m-2")).await;
    assert_eq!(late.outcome(), "unknown");
    assert_ne!(late.json()["protocol"], first.json()["protocol"]);
    let waited = waiting.await.unwrap().unwrap().outcome();
    assert!(
        ["pending", "unknown"].contains(&waited.as_str()),
        "{waited}"
    );
    assert_eq!(world.ozmap.holds(CODE).await.len(), 1);
    assert_deleted_only(&world.ozmap, &[PROPERTY], "late joiners").await;
    let rows = file::cancellations(world.folder.path());
    let late = rows.iter().find(|row| row["outcome"] == "unknown").unwrap();
    assert_eq!(
        (&late["reason"], &late["needs_human"]),
        (&json!("reserved_again"), &json!(1))
    );
}
