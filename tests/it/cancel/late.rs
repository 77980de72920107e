//! DELETEs that take effect late, not at all, or on a reservation that changed in the meantime.

use ozmap_cancel::clock::Moment;

use super::*;

fn row(world: &World) -> Value {
    file::cancellations(world.folder.path()).remove(0)
}

/// Only `cancelled` may be final before a DELETE that was sent can no longer take effect.
fn assert_settled(row: &Value) {
    assert!(
        row["done_at"].as_i64().unwrap() >= row["settle_at"].as_i64().unwrap(),
        "{row}"
    );
}

/// Repeats the request until the reply is final and compares every reply with what OZmap holds.
async fn watch_to_the_end(world: &World, case: &str) -> String {
    eventually("a final answer", || async {
        let reply = world.cancel(CODE, "m-1").await;
        assert_is_true(&world.ozmap, CODE, PROPERTY, &reply, case).await;
        (reply.json()["final"] == json!(true)).then(|| reply.outcome())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_takes_effect_late_is_never_preceded_by_a_refusal() {
    // Installed right after the lookup, so that no second DELETE is sent and only the late one can
    // take effect.
    let world = World::with(&short_and(&[("JOURNAL__SETTLE_MS", "3000")])).await;
    world.ozmap.fault("lookup:implant_after*1").await;
    world.ozmap.fault("delete:delayed_delete_ms=2000*1").await;
    assert_eq!(watch_to_the_end(&world, "half-open").await, "cancelled");
    assert_eq!(calls_of(&world.ozmap, "delete").await.len(), 1);
    let events = file::events(world.folder.path());
    assert!(
        events.iter().any(|kind| kind == "not_deleted_again"),
        "{events:?}"
    );
    // The guard would have kept the customer who was deleted: the outcome is true, and the operator
    // must know.
    assert_eq!(row(&world)["needs_human"], json!(1));
    // The worker waited for the settlement; the journal did not have to fence it off.
    let logs = world.service.logs();
    assert!(!logs.contains("lease expired"), "{logs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_rests_on_a_recheck_that_began_after_the_delete_had_settled() {
    let world = World::with(&short_and(&[
        ("OZMAP__LOOKUP_MS", "9000"),
        ("JOURNAL__SETTLE_MS", "2600"),
    ]))
    .await;
    world.ozmap.fault("lookup:implant_after*1").await;
    world.ozmap.fault("delete:delayed_delete_ms=2000*1").await;
    // The second recheck sees it present, by id and by code, and its response arrives only when
    // that is no longer true.
    world.ozmap.fault("lookup:hold_after*1").await;
    drop(world.cancel(CODE, "m-1").await);
    world.ozmap.held().await;
    assert!(
        holds(&world.ozmap, CODE, PROPERTY).await,
        "the recheck was held too late"
    );
    let settle_at = row(&world)["settle_at"].as_i64().unwrap();
    eventually("the late deletion, and the settling", || async {
        let is_gone = !holds(&world.ozmap, CODE, PROPERTY).await;
        (is_gone && Moment::now().unix_ms() > settle_at).then_some(())
    })
    .await;
    world.ozmap.release().await;
    assert_eq!(watch_to_the_end(&world, "stale no").await, "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_was_installed_between_two_deletions_is_kept() {
    each(
        4,
        named(&["reset_before", "timeout_before", "status=500", "status=403"]),
        |_, lost| async move {
            let mut world = World::with(SHORT).await;
            world.ozmap.fault("lookup:implant_after*1").await;
            world.ozmap.fault(&format!("delete:{lost}*1")).await;
            if lost == "status=403" {
                // A missing right is not retried for a while; only a restart rechecks at once.
                assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "pending");
                called(&world.ozmap, "delete", 1).await;
                world.restart().await;
            }
            assert_eq!(watch_to_the_end(&world, lost).await, "installed");
            let row = row(&world);
            assert_eq!(
                (&row["reason"], &row["needs_human"]),
                (&json!("installed"), &json!(1))
            );
            assert_settled(&row);
            assert!(world.ozmap.deletions().await.is_empty(), "{lost}");
            assert_eq!(calls_of(&world.ozmap, "delete").await.len(), 1, "{lost}");
        },
    )
    .await;
}

/// OZmap has no conditional DELETE. A customer who is installed between the guard's reading and the
/// DELETE is deleted: the outcome is true, the gap is one round trip, and the tombstone allows an
/// undo.
#[tokio::test(flavor = "multi_thread")]
async fn the_gap_between_the_guards_reading_and_the_deletion_is_one_round_trip() {
    let world = World::new().await;
    world.ozmap.fault("lookup:implant_after*1").await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "cancelled");
    let calls = world.ozmap.calls().await;
    let at = calls
        .iter()
        .position(|call| call["route"] == "delete")
        .unwrap();
    assert_eq!(
        calls[at - 1]["route"],
        "lookup",
        "the lookup and the DELETE are consecutive calls"
    );
    let gap_ms =
        calls[at]["began_ms"].as_i64().unwrap() - calls[at - 1]["began_ms"].as_i64().unwrap();
    assert!(gap_ms < 3_000, "{gap_ms}");
    assert_eq!(
        world.ozmap.deletions().await[0]["implanted_at_delete"],
        json!(true)
    );
    let tombstone: Value = serde_json::from_str(row(&world)["snapshot"].as_str().unwrap()).unwrap();
    assert_eq!(tombstone["client"]["implanted"], json!(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_is_too_old_allows_no_deletion() {
    let world = World::with(&[
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "500"),
        ("JOURNAL__GUARD_AGE_MS_MAX", "3000"),
    ])
    .await;
    world.ozmap.fault("lookup:hold_after*1").await;
    drop(world.cancel(CODE, "m-1").await);
    world.ozmap.held().await;
    let held = Instant::now();
    // The technician installs the customer while the response is held.
    world
        .ozmap
        .post(&format!("/__sim/properties/{PROPERTY}/implant"), &json!({}))
        .await;
    eventually("more than three seconds", || async {
        (held.elapsed() > Duration::from_millis(3_200)).then_some(())
    })
    .await;
    world.ozmap.release().await;
    let reply = world.ask_until_final(asking(CODE, "m-1")).await;
    assert_eq!(reply.outcome(), "installed");
    assert!(calls_of(&world.ozmap, "delete").await.is_empty());
    // Nothing was sent: there is no intent, and the hourly limit is untouched.
    assert_eq!(row(&world)["delete_sent"], json!(0));
    assert!(file::table(world.folder.path(), "budget").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_made_again_is_never_touched() {
    each(
        3,
        named(&["lookup", "delete", "get"]),
        |_, when| async move {
            let world = World::with(SHORT).await;
            if when == "get" {
                // So that the first recheck shows the old reservation, which is gone afterwards.
                world.ozmap.fault("delete:reset_before*1").await;
            }
            world
                .ozmap
                .fault(&format!("{when}:rereserve_after*1"))
                .await;
            assert_eq!(watch_to_the_end(&world, when).await, "cancelled");
            let held = world.ozmap.holds(CODE).await;
            assert_eq!(held.len(), 1, "{when}");
            assert_ne!(held[0]["_id"], PROPERTY, "{when}");
            assert_deleted_only(&world.ozmap, &[PROPERTY], when).await;
            let events = file::events(world.folder.path());
            assert!(
                events.iter().any(|kind| kind == "reserved_again"),
                "{when}: {events:?}"
            );
            assert_eq!(row(&world)["property_id"], PROPERTY, "{when}");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_deletion_is_pending_while_ozmap_still_shows_the_property() {
    let world = World::with(SHORT).await;
    world.ozmap.fault("delete:stale_ms=2500*1").await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "pending");
    assert_eq!(row(&world)["state"], "acked");
    assert_eq!(watch_to_the_end(&world, "stale").await, "cancelled");
    assert_eq!(calls_of(&world.ozmap, "delete").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_is_confirmed_twice_without_effect_needs_review() {
    let world = World::with(SHORT).await;
    world.ozmap.fault("delete:ignored_delete").await;
    assert_eq!(watch_to_the_end(&world, "ignored").await, "unknown");
    let row = row(&world);
    assert_eq!(calls_of(&world.ozmap, "delete").await.len(), 2);
    assert_eq!(
        (&row["needs_human"], &row["delete_sent"]),
        (&json!(1), &json!(2))
    );
    assert_settled(&row);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outcome_of_giving_up_tells_whether_a_delete_was_sent() {
    let give_up = short_and(&[("JOURNAL__GIVE_UP_S", "1")]);
    let nothing_sent = World::with(&give_up).await;
    nothing_sent.ozmap.fault("lookup:status=503").await;
    assert_eq!(
        watch_to_the_end(&nothing_sent, "nothing sent").await,
        "expired"
    );
    assert_eq!(row(&nothing_sent)["needs_human"], json!(1));
    nothing_sent.ozmap.heal().await;
    assert_eq!(nothing_sent.cancel(CODE, "m-1").await.outcome(), "expired");
    assert!(holds(&nothing_sent.ozmap, CODE, PROPERTY).await);
    // A new request is a new cancellation.
    assert_eq!(
        nothing_sent.cancel(CODE, "m-2").await.outcome(),
        "cancelled"
    );

    let cases = [
        ("timeout_before", "status=503"),
        ("timeout_after", "html_200"),
    ];
    let cases = cases.map(|case| (case.0.to_owned(), case)).to_vec();
    each(2, cases, |_, (delete, get)| async move {
        let sent = World::with(&short_and(&[("JOURNAL__GIVE_UP_S", "1")])).await;
        sent.ozmap.fault(&format!("delete:{delete}")).await;
        sent.ozmap.fault(&format!("get:{get}")).await;
        assert_eq!(watch_to_the_end(&sent, delete).await, "unknown");
        let row = row(&sent);
        assert_eq!(row["needs_human"], json!(1));
        assert_settled(&row);
        // A new request is not told that there never was a reservation.
        sent.ozmap.heal().await;
        let anew = match delete {
            "timeout_after" => "already_cancelled",
            _ => "cancelled",
        };
        let reply = sent.ask_until_final(asking(CODE, "m-2")).await;
        assert_eq!(reply.outcome(), anew);
    })
    .await;
}

/// DELETEs that OZmap never confirmed do not prevent another one.
#[tokio::test(flavor = "multi_thread")]
async fn one_confirmed_deletion_without_effect_is_not_the_last() {
    let world = World::with(SHORT).await;
    world.ozmap.fault("delete:reset_before*1").await;
    world.ozmap.fault("delete:ignored_delete*1").await;
    assert_eq!(watch_to_the_end(&world, "ignored").await, "cancelled");
    assert_eq!(calls_of(&world.ozmap, "delete").await.len(), 3);
}
