//! OZmap is left alone when it is not well, and everything that waited is done when it is back.

use super::*;
use crate::support::store::journal_url;

/// Reserves so many codes, and returns them.
async fn reserved(world: &World, number: usize) -> Vec<String> {
    let mut codes = Vec::new();
    for at in 0..number {
        let code = format!("waiting-{at}");
        world.ozmap.reserve(json!({"code": code})).await;
        codes.push(code);
    }
    codes
}

/// Asks once for every code; all are promised.
async fn promised(world: &World, codes: &[String]) {
    for code in codes {
        assert_eq!(
            world.cancel(code, code).await.outcome(),
            "pending",
            "{code}"
        );
    }
}

/// Waits until every code is cancelled, each by one deletion.
async fn all_cancelled(world: &World, codes: &[String]) {
    for code in codes {
        let reply = world.ask_until_final(asking(code, code)).await;
        assert_eq!(reply.outcome(), "cancelled", "{code}");
    }
    assert_eq!(world.ozmap.deletions().await.len(), codes.len());
}

async fn ozmap_health(world: &World) -> Value {
    let health = world.service.get("/health").await.json();
    health["ozmap"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_troubles_in_a_row_stop_the_calls_and_one_probe_brings_them_back() {
    let world = World::with(SHORT).await;
    let codes = reserved(&world, 12).await;
    world.ozmap.fault("lookup:status=500").await;
    world.ozmap.fault("probe:status=500").await;
    promised(&world, &codes).await;
    eventually("OZmap to be left alone", || async {
        let ozmap = ozmap_health(&world).await;
        ozmap["left_alone_s"].is_u64().then_some(())
    })
    .await;
    let looked = calls_of(&world.ozmap, "lookup").await.len();
    // Two probes later nobody else has called.
    let probed = calls_of(&world.ozmap, "probe").await.len();
    called(&world.ozmap, "probe", probed + 2).await;
    let more = calls_of(&world.ozmap, "lookup").await.len() - looked;
    assert!(more <= 4, "only what was under way may still come: {more}");
    world.ozmap.heal().await;
    all_cancelled(&world, &codes).await;
    assert!(ozmap_health(&world).await["left_alone_s"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_accepted_is_shown_once() {
    let world = World::with(SHORT).await;
    let codes = reserved(&world, 6).await;
    world.ozmap.fault("any:status=401").await;
    promised(&world, &codes).await;
    assert_eq!(calls_of(&world.ozmap, "lookup").await.len(), 1);
    let ozmap = ozmap_health(&world).await;
    assert_eq!(ozmap["status"], "ozmap_unauthorized");
    let mut world = world;
    world.ozmap.heal().await;
    world.restart().await;
    all_cancelled(&world, &codes).await;
}

/// Whoever made a new key in OZmap writes it into its file and sends SIGHUP: nothing is restarted and nothing waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_taken_at_a_hangup_and_tried_at_once() {
    let ozmap = Ozmap::start().await;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "revoked").unwrap();
    let mut launch = Launch::new(&ozmap.url(), &journal_url(folder.path()))
        .set("OZMAP__API_KEY", "")
        .set("OZMAP__API_KEY_FILE", key.to_str().unwrap());
    for (name, value) in SHORT {
        launch = launch.set(name, value);
    }
    let service = launch.start().await;
    assert_eq!(service.ask(&asking(CODE, "m-1")).await.outcome(), "pending");
    let health = service.get("/health").await.json();
    assert_eq!(health["ozmap"]["status"], "ozmap_unauthorized");
    // A key that cannot be read, and one that no header can carry, change nothing.
    std::fs::remove_file(&key).unwrap();
    service.signal("HUP");
    eventually("the hangup to be heard", || async {
        let logs = service.logs();
        logs.contains("the old key of OZmap stays: ozmap.api_key_file")
            .then_some(())
    })
    .await;
    std::fs::write(&key, crate::support::KEY).unwrap();
    service.signal("HUP");
    // Sooner than a key that was refused is shown again by itself.
    let reply = eventually("another one to be cancelled", || async {
        let reply = service.ask(&asking("reservation_123", "m-2")).await;
        (reply.outcome() == "cancelled").then_some(reply)
    })
    .await;
    assert!(reply.json()["final"] == json!(true));
    assert_eq!(ozmap.holds("reservation_123").await.len(), 0);
    assert!(!service.logs().contains(crate::support::KEY));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_not_delete_is_tried_by_one_for_all() {
    let world = World::with(SHORT).await;
    let codes = reserved(&world, 6).await;
    world.ozmap.fault("delete:status=403").await;
    promised(&world, &codes).await;
    assert_eq!(calls_of(&world.ozmap, "delete").await.len(), 1);
    let health = world.service.get("/health").await.json();
    assert_eq!(health["status"], "degraded");
    assert_eq!(health["ozmap"]["deletes_refused"], true);
    // Reads go on: what is not there is said not to be there.
    assert_eq!(world.cancel("nobody", "m-1").await.outcome(), "not_found");
    let mut world = world;
    world.ozmap.heal().await;
    world.restart().await;
    all_cancelled(&world, &codes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ozmap_that_has_no_route_for_a_probe_is_not_left_alone_for_ever() {
    let world = World::with(SHORT).await;
    let codes = reserved(&world, 8).await;
    world.ozmap.fault("probe:html_404").await;
    world.ozmap.fault("lookup:status=500*10").await;
    for code in &codes {
        world.cancel(code, code).await;
    }
    all_cancelled(&world, &codes).await;
    assert_eq!(
        ozmap_health(&world).await["left_alone_s"],
        serde_json::Value::Null
    );
}
