//! The operator's restrictions: pause, dry run, limits.

use std::time::{Duration, Instant};

use super::*;
use crate::support::Service;

async fn held_back(world: &World, why: &str) -> Value {
    eventually(&format!("{why} in the journal"), || async {
        let row = file::cancellations(world.folder.path()).pop()?;
        (row["reason"] == why).then_some(row)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hourly_limit_holds_the_next_deletion() {
    let mut world = World::with(&short_and(&[("POLICY__DELETES_PER_HOUR_MAX", "1")])).await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "cancelled");
    // A restart purges past hours, not this one.
    world.kill();
    world.restart().await;
    let second = world.cancel("reservation_123", "m-2").await;
    let spent = file::table(world.folder.path(), "budget");
    if spent.len() > 1 {
        // The test ran into the next hour, which has its own limit.
        return;
    }
    assert_eq!(second.outcome(), "pending");
    let row = held_back(&world, "deletes_per_hour").await;
    assert_eq!(
        (&row["state"], &row["delete_sent"]),
        (&json!("accepted"), &json!(0))
    );
    assert_eq!(world.ozmap.holds("reservation_123").await.len(), 1);
    assert_eq!(calls_of(&world.ozmap, "delete").await.len(), 1);
    // A request that needs no deletion is answered as usual.
    assert_eq!(
        world.cancel("test-status", "m-3").await.outcome(),
        "installed"
    );
}

/// Retries of the same intent must not consume more of the hourly limit.
#[tokio::test(flavor = "multi_thread")]
async fn one_deletion_is_counted_once_however_often_its_intent_is_retried() {
    if is_embedded() {
        return;
    }
    let world = World::new().await;
    world.ozmap.fault("lookup:hold_after*1").await;
    let asked = tokio::spawn(callers::try_ask_of(
        world.service.address(),
        asking(CODE, "m-1"),
    ));
    world.ozmap.held().await;
    // Another connection locks the row, like a replica that was frozen in a transaction.
    let foreign = file::Foreign::of(world.folder.path());
    foreign.run("BEGIN; SELECT id FROM op FOR UPDATE");
    world.ozmap.release().await;
    eventually("two intents that could not be written", || async {
        let tries = world
            .service
            .logs()
            .matches("failed to write a step to the journal")
            .count();
        (tries >= 2).then_some(())
    })
    .await;
    foreign.unlock();
    drop(asked.await);
    let reply = world.ask_until_final(asking(CODE, "m-1")).await;
    assert_eq!(reply.outcome(), "cancelled");
    let spent = file::table(world.folder.path(), "budget");
    let used: i64 = spent.iter().filter_map(|hour| hour["used"].as_i64()).sum();
    assert_eq!(used, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_cancellations_do_not_exceed_the_hourly_limit() {
    let world = World::with(&short_and(&[("POLICY__DELETES_PER_HOUR_MAX", "3")])).await;
    let mut asked = JoinSet::new();
    for n in 0..8 {
        let code = format!("many-{n}");
        world.ozmap.reserve(json!({"code": code})).await;
        asked.spawn(callers::ask_of(
            world.service.address(),
            asking(&code, &code),
        ));
    }
    let mut outcomes = Vec::new();
    while let Some(reply) = asked.join_next().await {
        outcomes.push(reply.unwrap().outcome());
    }
    let hours = file::table(world.folder.path(), "budget").len();
    assert!(world.ozmap.deletions().await.len() <= 3 * hours);
    if hours == 1 {
        assert_eq!(outcomes.iter().filter(|one| *one == "cancelled").count(), 3);
        assert_eq!(outcomes.iter().filter(|one| *one == "pending").count(), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_service_accepts_and_holds_cancellations_and_resumes_after_the_pause() {
    let paused = World::with(&short_and(&[("POLICY__PAUSED", "true")])).await;
    assert_eq!(paused.cancel(CODE, "m-1").await.outcome(), "pending");
    held_back(&paused, "paused").await;
    assert!(calls_of(&paused.ozmap, "lookup").await.is_empty());
    let World {
        ozmap,
        mut service,
        folder,
        ..
    } = paused;
    service.kill();
    let resumed = service
        .launch()
        .clone()
        .set("POLICY__PAUSED", "false")
        .start()
        .await;
    let reply = eventually("the end", || async {
        let reply = resumed.ask(&asking(CODE, "m-1")).await;
        (reply.outcome() == "cancelled").then_some(reply)
    })
    .await;
    assert_is_true(&ozmap, CODE, PROPERTY, &reply, "resumed").await;
    drop(folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_paused_the_caller_is_answered_at_once_and_the_log_names_the_hold() {
    let world = World::with(&[
        ("POLICY__PAUSED", "true"),
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "20000"),
    ])
    .await;
    let began = Instant::now();
    for message in ["m-1", "m-1", "m-2"] {
        let reply = world.cancel(CODE, message).await;
        assert_eq!(reply.outcome(), "pending", "{message}");
    }
    assert!(began.elapsed() < Duration::from_secs(10));
    held_back(&world, "paused").await;
    let said = eventually("the log line", || async {
        let logs = world.service.logs();
        let mut lines = logs.lines();
        let said = lines.find(|line| line.contains("on hold: paused"));
        said.map(str::to_owned)
    })
    .await;
    assert!(said.contains("WARN"), "{said}");
}

/// The settings that hold everything, and the reason in the journal.
const HOLDS: &[(&str, &str)] = &[("POLICY__PAUSED", "paused"), ("POLICY__DRY_RUN", "dry_run")];

/// Restarts the service with a setting that holds everything, and waits for the hold.
async fn held_by(world: &World, key: &str, why: &str) -> Service {
    let launch = world.service.launch().clone().set(key, "true");
    let held = launch.start().await;
    held_back(world, why).await;
    held
}

/// After the hold is lifted, one DELETE cancels the reservation.
async fn assert_goes_on(world: &mut World, why: &str) {
    world.restart().await;
    let reply = world.ask_until_final(asking(CODE, "m-1")).await;
    assert_eq!(reply.outcome(), "cancelled", "{why}");
    assert_deleted_only(&world.ozmap, &[PROPERTY], why).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_or_a_dry_run_holds_the_second_delete() {
    for (key, why) in HOLDS {
        let mut world = World::with(SHORT).await;
        world.ozmap.fault("delete:hold_before*1").await;
        drop(world.cancel(CODE, "m-1").await);
        world.ozmap.held().await;
        world.kill();
        world.ozmap.release().await;
        let held = held_by(&world, key, why).await;
        assert_eq!(held.ask(&asking(CODE, "m-1")).await.outcome(), "pending");
        assert_eq!(calls_of(&world.ozmap, "delete").await.len(), 1, "{why}");
        drop(held);
        assert_goes_on(&mut world, why).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_or_a_dry_run_holds_cancellations_accepted_before_it() {
    for (key, why) in HOLDS {
        let mut world = World::with(SHORT).await;
        world.ozmap.fault("lookup:status=503").await;
        assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "pending");
        world.kill();
        world.ozmap.heal().await;
        let held = held_by(&world, key, why).await;
        assert!(calls_of(&world.ozmap, "delete").await.is_empty(), "{why}");
        drop(held);
        assert_goes_on(&mut world, why).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_is_sent_a_limited_number_of_times() {
    let mut world = World::with(SHORT).await;
    world.ozmap.fault("delete:status=503").await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "pending");
    called(&world.ozmap, "delete", 1).await;
    world.kill();
    let foreign = file::Foreign::of(world.folder.path());
    foreign.run("UPDATE op SET delete_sent = 20");
    drop(foreign);
    let before = calls_of(&world.ozmap, "delete").await.len();
    world.restart().await;
    let reply = world.ask_until_final(asking(CODE, "m-1")).await;
    assert_eq!(reply.outcome(), "unknown");
    assert_eq!(calls_of(&world.ozmap, "delete").await.len(), before);
    assert!(holds(&world.ozmap, CODE, PROPERTY).await);
}

/// A real cancellation usually takes a moment: the dry run gets its result in time.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_during_a_deletion_is_answered_soon_after_it() {
    let world = World::with(&[("CHANNELS__CHATBOT__ANSWER_MS_MAX", "5000")]).await;
    world.ozmap.fault("delete:hold_before*1").await;
    let address = world.service.address();
    let real = tokio::spawn(callers::try_ask_of(address, asking(CODE, "m-1")));
    world.ozmap.held().await;
    let rehearsal = json!({"code": CODE, "message_id": "m-2", "dry_run": true});
    let rehearsed = tokio::spawn(callers::try_ask_of(address, rehearsal));
    eventually("the dry run to be accepted", || async {
        let rows = file::cancellations(world.folder.path());
        (rows.len() == 2).then_some(())
    })
    .await;
    world.ozmap.release().await;
    assert_eq!(real.await.unwrap().unwrap().outcome(), "cancelled");
    let heard = rehearsed.await.unwrap().unwrap();
    assert_eq!(heard.outcome(), "already_cancelled", "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_reports_the_outcome_and_deletes_nothing() {
    let world = World::with(&[("POLICY__DRY_RUN", "true")]).await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "would_cancel");
    assert_eq!(
        world.cancel("test-status", "m-2").await.outcome(),
        "installed"
    );
    assert_eq!(world.cancel("nobody", "m-3").await.outcome(), "not_found");
    assert!(calls_of(&world.ozmap, "delete").await.is_empty());
    assert_eq!(world.ozmap.holds(CODE).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_neither_delays_nor_answers_the_real_request() {
    let world = World::with(SHORT).await;
    world.ozmap.fault("lookup:hold_before*1").await;
    let rehearsal = json!({"code": CODE, "message_id": "m-1", "dry_run": true});
    assert_eq!(world.ask(rehearsal.clone()).await.outcome(), "pending");
    assert_eq!(world.cancel(CODE, "m-2").await.outcome(), "cancelled");
    // The key belongs to the dry run; reusing it for the real request is a mistake of the caller.
    assert_eq!(world.cancel(CODE, "m-1").await.status, 422);
    world.ozmap.release().await;
    let reply = world.ask_until_final(rehearsal).await;
    assert!(
        ["not_found", "already_cancelled"].contains(&reply.outcome().as_str()),
        "{reply:?}"
    );
}
