//! OZmap is left alone when it is not well, and everything that waited is done when it is back.

use super::*;

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
    let nobody = world.ask_until_final(asking("nobody", "m-1")).await;
    assert_eq!(nobody.outcome(), "not_found");
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
