//! One kill, or two, at a chosen point.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_call_loses_nothing_and_deletes_once() {
    each(12, every_point(), |case, (call, hold)| async move {
        let mut stopped = Stopped::at(call, hold, &[]).await;
        stopped.world.kill();
        stopped.assert_answer_was_true(&case).await;
        stopped.world.ozmap.release().await;
        stopped.world.restart().await;
        stopped.assert_it_ends_cancelled(&case).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_kill_during_the_recovery_changes_nothing() {
    // LeasedRecord again at the first call of the recovery and killed there.
    let points = every_point()
        .into_iter()
        .filter(|(_, (call, _))| call.before.is_empty())
        .collect();
    each(12, points, |case, (call, hold)| async move {
        let mut stopped = Stopped::at(call, hold, &[]).await;
        stopped.world.kill();
        stopped.assert_answer_was_true(&case).await;
        stopped.world.ozmap.release().await;
        stopped.world.ozmap.heal().await;
        let row = file::cancellations(stopped.world.folder.path()).remove(0);
        let (first, second) = match row["state"].as_str().unwrap() {
            "accepted" if call.route == "filter" => ("filter", "filter"),
            "accepted" => ("lookup", "delete"),
            _ => ("get", "get"),
        };
        for (route, again) in [(first, "hold_before"), (second, "hold_after")] {
            stopped
                .world
                .ozmap
                .fault(&format!("{route}:{again}*1"))
                .await;
            stopped.world.restart().await;
            stopped.world.ozmap.held().await;
            stopped.world.kill();
            stopped.world.ozmap.release().await;
        }
        stopped.world.restart().await;
        stopped.assert_it_ends_cancelled(&case).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_that_outlives_its_sender_is_not_applied_twice() {
    let mut world = World::with(PATIENT).await;
    // OZmap carries it out although its sender is dead.
    world.ozmap.fault("delete:delay_ms=1500*1").await;
    let asked = tokio::spawn(crate::cancel::try_ask_of(
        world.service.address(),
        asking(CODE, "m-1"),
    ));
    called(&world.ozmap, "delete", 1).await;
    world.kill();
    assert!(asked.await.unwrap().is_err());
    world.restart().await;
    let row = ended(&world).await.remove(0);
    assert_eq!(row["outcome"], "cancelled");
    eventually("the end of the first deletion", || async {
        let calls = calls_of(&world.ozmap, "delete").await;
        calls
            .iter()
            .all(|call| call["ended_ms"].is_number())
            .then_some(())
    })
    .await;
    assert_deleted_only(&world.ozmap, &[PROPERTY], "outlived").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_installed_while_the_service_was_down_is_kept() {
    let cases = ["lookup", "delete"]
        .map(|route| (format!("installed after {route}"), route))
        .to_vec();
    each(2, cases, |case, route| async move {
        let mut stopped = Stopped::at(Call::of(route, 0), "hold_before", &[]).await;
        stopped.world.kill();
        stopped.assert_answer_was_true(&case).await;
        stopped.world.ozmap.release().await;
        let implant = format!("/__sim/properties/{PROPERTY}/implant");
        stopped.world.ozmap.post(&implant, &json!({})).await;
        stopped.world.restart().await;
        let row = ended(&stopped.world).await.remove(0);
        assert_eq!(row["outcome"], "installed", "{case}");
        let was_sent = route == "delete";
        assert_eq!(row["needs_human"], json!(i64::from(was_sent)), "{case}");
        assert!(
            row["done_at"].as_i64() >= row["settle_at"].as_i64(),
            "{case}"
        );
        assert!(stopped.world.ozmap.deletions().await.is_empty(), "{case}");
        assert_eq!(
            stopped.world.cancel(CODE, "m-1").await.outcome(),
            "installed"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_made_while_the_service_was_down_is_not_the_target() {
    let mut stopped = Stopped::at(Call::of("delete", 0), "hold_after", &[]).await;
    stopped.world.kill();
    stopped.world.ozmap.release().await;
    stopped.world.ozmap.reserve(json!({"code": CODE})).await;
    stopped.world.restart().await;
    let row = ended(&stopped.world).await.remove(0);
    assert_eq!(row["outcome"], "cancelled");
    assert_eq!(stopped.world.ozmap.holds(CODE).await.len(), 1);
    assert_deleted_only(&stopped.world.ozmap, &[PROPERTY], "made anew").await;
    let events = file::events(stopped.world.folder.path());
    assert!(
        events.iter().any(|kind| kind == "reserved_again"),
        "{events:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_frozen_verifies_before_it_acts() {
    let mut stopped = Stopped::at(Call::of("delete", 0), "hold_before", &[]).await;
    stopped.world.service.signal("STOP");
    // OZmap carries the DELETE out while the service is frozen.
    stopped.world.ozmap.release().await;
    eventually("the deletion", || async {
        (!holds(&stopped.world.ozmap, CODE, PROPERTY).await).then_some(())
    })
    .await;
    stopped.world.service.signal("CONT");
    let reply = stopped.assert_answer_was_true("frozen").await.unwrap();
    assert_eq!(reply.outcome(), "cancelled");
    stopped.assert_it_ends_cancelled("frozen").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_worker_does_not_restart_the_pause_between_two_deletes() {
    let mut stopped = Stopped::at(Call::of("delete", 0), "hold_before", &[]).await;
    stopped.world.kill();
    stopped.world.ozmap.release().await;
    // As if it were the twelfth DELETE: the pause after it is up to five minutes, longer than a
    // worker waits under its lease.
    let foreign = file::Foreign::of(stopped.world.folder.path());
    foreign.run("UPDATE op SET delete_sent = 12");
    drop(foreign);
    stopped.world.restart().await;
    stopped.assert_it_ends_cancelled("twelfth").await;
}

/// How OZmap misbehaves during the next run.
const TROUBLES: [&str; 17] = [
    "any:reset_before",
    "any:reset_after",
    "any:timeout_before",
    "any:status=503",
    "any:html_404",
    "any:html_200",
    "any:empty_200",
    "any:truncated",
    "any:status=429,1",
    "delete:status=404",
    "delete:stale_ms=900",
    "delete:delayed_delete_ms=900",
    // It answers an absence once although the property is present.
    "lookup:nothing",
    "lookup:nothing=not_found",
    "lookup:nothing=null",
    "get:nothing",
    "filter:nothing",
];

#[tokio::test(flavor = "multi_thread")]
async fn an_ozmap_that_misbehaves_after_the_kill_does_not_change_the_outcome() {
    // One point for each state: accepted, decided, sent, carried out, confirmed.
    let points = [
        ("lookup", "hold_after"),
        ("delete", "hold_before"),
        ("delete", "hold_after"),
        ("get", "hold_before"),
        ("get", "hold_after"),
    ];
    let cases = points.iter().flat_map(|(route, hold)| {
        TROUBLES.iter().map(move |trouble| {
            let case = format!("{route}:{hold}, then {trouble}");
            (case, (*route, *hold, *trouble))
        })
    });
    each(
        8,
        cases.collect(),
        |case, (route, hold, trouble)| async move {
            let limits = [("OZMAP__LOOKUP_MS", "2500")];
            let mut stopped = Stopped::at(Call::of(route, 0), hold, &limits).await;
            stopped.world.kill();
            stopped.assert_answer_was_true(&case).await;
            stopped.world.ozmap.release().await;
            let times = if trouble.starts_with("any") { 3 } else { 1 };
            let fault = format!("{trouble}*{times}");
            stopped.world.ozmap.fault(&fault).await;
            stopped.world.restart().await;
            stopped.assert_it_ends_cancelled(&case).await;
        },
    )
    .await;
}
