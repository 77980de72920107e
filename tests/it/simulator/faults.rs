//! Faults of the connection and of the deletion, before or after the change of state.

use super::*;

const DELETED: bool = false;
const KEPT: bool = true;

#[tokio::test]
async fn a_reset_before_or_after_the_deletion_sends_no_byte() {
    for (fault, left) in [("reset_before", KEPT), ("reset_after", DELETED)] {
        let world = World::with(&[&format!("delete:{fault}*1")]).await;
        let reply = world.delete(PROPERTY).await;
        assert_eq!((reply.is_reset, reply.status), (true, 0), "{fault}");
        assert_eq!(world.seed_exists().await, left, "{fault}");
        assert_eq!(world.audit().await[0]["applied"], left == DELETED);
        assert_eq!(
            world.get("/__sim/calls").await.json()["calls"][0]["status"],
            Value::Null
        );
    }
}

#[tokio::test]
async fn an_unanswered_call_ends_when_the_client_disconnects() {
    for (fault, left) in [("timeout_before", KEPT), ("timeout_after", DELETED)] {
        let world = World::with(&[&format!("delete:{fault}*1")]).await;
        let stream = world.open("DELETE", PROPERTY, "").await;
        world
            .wait_for("the call", "/__sim/audit", |audit| {
                audit[0]["applied"] == json!(left == DELETED)
            })
            .await;
        assert_eq!(world.audit().await[0]["ended_ms"], Value::Null);
        drop(stream);
        world
            .wait_for("its end", "/__sim/audit", |audit| {
                audit[0]["ended_ms"].is_number()
            })
            .await;
        assert_eq!(world.seed_exists().await, left, "{fault}");
    }
}

#[tokio::test]
async fn a_held_call_waits_before_or_after_the_deletion_until_it_is_released() {
    for (fault, while_held) in [("hold_before", KEPT), ("hold_after", DELETED)] {
        let world = World::with(&[&format!("delete:{fault}")]).await;
        let stream = world.open("DELETE", PROPERTY, "").await;
        let held = world
            .wait_for("the held call", "/__sim/held", |held| held[0].is_object())
            .await;
        assert_eq!(
            (&held[0]["fault"], &held[0]["path"]),
            (&json!(fault), &json!(PROPERTY))
        );
        assert_eq!(world.seed_exists().await, while_held, "{fault}");
        assert_eq!(
            world
                .send("POST", "/__sim/release", Value::Null)
                .await
                .json(),
            json!({"released": 1})
        );
        assert_eq!(read(stream).await.status, 204);
        assert_eq!(world.seed_exists().await, DELETED);
        assert_eq!(world.get("/__sim/held").await.body, "[]");
    }
    let world = World::with(&["delete:hold_before"]).await;
    let stream = world.open("DELETE", PROPERTY, "").await;
    world
        .wait_for("the held call", "/__sim/held", |held| held[0].is_object())
        .await;
    drop(stream);
    world
        .wait_for("its end", "/__sim/held", |held| held == &json!([]))
        .await;
    assert_eq!(world.seed_exists().await, KEPT);
}

#[tokio::test]
async fn a_deletion_is_ignored_late_or_not_visible_yet() {
    let world = World::with(&["delete:ignored_delete*1"]).await;
    assert_eq!(world.delete(PROPERTY).await.status, 204);
    assert_eq!(
        (
            world.seed_exists().await,
            &world.audit().await[0]["applied"]
        ),
        (KEPT, &json!(false))
    );

    let world = World::with(&["delete:delayed_delete_ms=700*1"]).await;
    assert!(world.delete(PROPERTY).await.is_reset);
    assert_eq!(world.seed_exists().await, KEPT);
    let audit = world
        .wait_for("the late deletion", "/__sim/audit", |audit| {
            audit[0]["applied"] == true
        })
        .await;
    assert!(audit[0]["at_ms"].as_i64() >= audit[0]["ended_ms"].as_i64());
    assert_eq!(
        (world.seed_exists().await, audit.as_array().unwrap().len()),
        (DELETED, 1)
    );

    let world = World::with(&["delete:stale_ms=1500*1"]).await;
    assert_eq!(world.delete(PROPERTY).await.status, 204);
    assert_eq!(world.seed_exists().await, DELETED);
    assert_eq!(
        world.get(LOOKUP).await.json()[0]["_id"],
        "62d194b46c9401002392c704"
    );
    assert_eq!(
        (
            world.get(PROPERTY).await.status,
            world.delete(PROPERTY).await.status
        ),
        (200, 404)
    );
    world
        .wait_for("the replica to catch up", LOOKUP, |rows| rows == &json!([]))
        .await;
}

#[tokio::test]
async fn a_slow_deletion_takes_effect_after_the_client_has_disconnected() {
    let world = World::with(&["delete:delay_ms=100"]).await;
    drop(world.open("DELETE", PROPERTY, "").await);
    world
        .wait_for("the deletion", "/__sim/audit", |audit| {
            audit[0]["applied"] == true
        })
        .await;
    assert_eq!(world.seed_exists().await, DELETED);
}

#[tokio::test]
async fn another_user_acts_right_after_the_call() {
    let world = World::with(&["lookup:implant_after*1"]).await;
    assert_eq!(
        world.get(LOOKUP).await.json()[0]["client"]["implanted"],
        false
    );
    assert_eq!(
        world.get(LOOKUP).await.json()[0]["client"]["implanted"],
        true
    );
    world.delete(PROPERTY).await;
    let audit = world.audit().await;
    assert_eq!(
        (&audit[0]["method"], &audit[0]["fault"]),
        (&json!("FAULT"), &json!("implant_after"))
    );
    assert_eq!(
        (&audit[1]["method"], &audit[1]["implanted_at_delete"]),
        (&json!("DELETE"), &json!(true))
    );

    for (route, method, path) in [
        ("lookup", "GET", LOOKUP),
        ("get", "GET", PROPERTY),
        ("delete", "DELETE", PROPERTY),
    ] {
        let world = World::with(&[&format!("{route}:rereserve_after*1")]).await;
        let first = world.send(method, path, Value::Null).await;
        assert!(
            first.status < 300 && !first.body.contains("5eed"),
            "{first:?}"
        );
        let again = world.get(LOOKUP).await.json();
        assert_eq!(
            (
                again.as_array().unwrap().len(),
                &again[0]["client"]["implanted"]
            ),
            (1, &json!(false))
        );
        assert_ne!(again[0]["_id"], "62d194b46c9401002392c704");
        assert_ne!(again[0]["client"]["_id"], "62d194b46c9401002392c701");
        assert_eq!(world.get(PROPERTY).await.status, 404);
    }
}
