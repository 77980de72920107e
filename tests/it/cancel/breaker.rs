//! The circuit breaker opens when OZmap fails, and every waiting cancellation completes after its
//! recovery.

use super::*;

/// Reserves `number` codes, and returns them.
async fn reserved(world: &World, number: usize) -> Vec<String> {
    let mut codes = Vec::new();
    for at in 0..number {
        let code = format!("waiting-{at}");
        world.ozmap.reserve(json!({"code": code})).await;
        codes.push(code);
    }
    codes
}

/// Sends one request for every code; the service accepts all of them.
async fn promised(world: &World, codes: &[String]) {
    for code in codes {
        assert_eq!(
            world.cancel(code, code).await.outcome(),
            "pending",
            "{code}"
        );
    }
}

/// Waits until every code is cancelled, each by a single deletion.
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
async fn repeated_failures_open_the_circuit_and_one_probe_closes_it() {
    let world = World::with(SHORT).await;
    let codes = reserved(&world, 12).await;
    world.ozmap.fault("lookup:status=500").await;
    world.ozmap.fault("probe:status=500").await;
    promised(&world, &codes).await;
    eventually("OZmap to be left alone", || async {
        let ozmap = ozmap_health(&world).await;
        ozmap["circuit_open_s"].is_u64().then_some(())
    })
    .await;
    let looked = calls_of(&world.ozmap, "lookup").await.len();
    // After two more probes there was no other call.
    let probed = calls_of(&world.ozmap, "probe").await.len();
    called(&world.ozmap, "probe", probed + 2).await;
    let more = calls_of(&world.ozmap, "lookup").await.len() - looked;
    assert!(more <= 4, "only calls in progress may still arrive: {more}");
    world.ozmap.heal().await;
    all_cancelled(&world, &codes).await;
    assert!(ozmap_health(&world).await["circuit_open_s"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_key_is_sent_once() {
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
async fn a_key_that_may_not_delete_is_tried_by_one_call_for_all() {
    let world = World::with(SHORT).await;
    let codes = reserved(&world, 6).await;
    world.ozmap.fault("delete:status=403").await;
    promised(&world, &codes).await;
    assert_eq!(calls_of(&world.ozmap, "delete").await.len(), 1);
    let health = world.service.get("/health").await.json();
    assert_eq!(health["status"], "degraded");
    assert_eq!(health["ozmap"]["deletes_refused"], true);
    // Reads go on: an unknown code is still not found.
    let nobody = world.ask_until_final(asking("nobody", "m-1")).await;
    assert_eq!(nobody.outcome(), "not_found");
    let mut world = world;
    world.ozmap.heal().await;
    world.restart().await;
    all_cancelled(&world, &codes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_circuit_closes_again_for_an_ozmap_without_the_probe_route() {
    let world = World::with(SHORT).await;
    let codes = reserved(&world, 8).await;
    world.ozmap.fault("probe:html_404").await;
    world.ozmap.fault("lookup:status=500*10").await;
    for code in &codes {
        world.cancel(code, code).await;
    }
    all_cancelled(&world, &codes).await;
    assert_eq!(
        ozmap_health(&world).await["circuit_open_s"],
        serde_json::Value::Null
    );
}

/// Some reservations cause odd responses for ever; they must not delay the others.
async fn delay_only_themselves(kinds: &[(&str, Option<&str>)]) {
    let world = World::with(SHORT).await;
    let mut odd = Vec::new();
    for number in 0..25 {
        let code = format!("odd-{number}");
        world.ozmap.reserve(json!({"code": code})).await;
        let (kind, value) = kinds[number % kinds.len()];
        world
            .ozmap
            .post(
                "/__sim/faults",
                &json!({"route": "lookup", "kind": kind, "value": value, "code": code}),
            )
            .await;
        odd.push(code);
    }
    let healthy = reserved(&world, 33).await;
    // Requests for all codes are mixed, and those for the odd ones are repeated.
    let began = std::time::Instant::now();
    let mut waiting = Vec::new();
    for (at, code) in healthy.iter().enumerate() {
        for code in odd.get(at).into_iter().chain([code]) {
            let asked = try_ask_of(world.service.address(), asking(code, code));
            waiting.push(tokio::spawn(asked));
        }
    }
    for asked in waiting {
        assert_eq!(asked.await.unwrap().unwrap().status, 200);
    }
    all_cancelled(&world, &healthy).await;
    assert!(
        began.elapsed() < std::time::Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    for code in odd.iter().take(5) {
        assert_eq!(
            world.cancel(code, code).await.outcome(),
            "pending",
            "{code}"
        );
    }
    // When only the odd codes are left, a request for a new code still completes at once.
    world.ozmap.reserve(json!({"code": "new"})).await;
    let reply = world.ask_until_final(asking("new", "new")).await;
    assert_eq!(reply.outcome(), "cancelled");
    assert!(ozmap_health(&world).await["circuit_open_s"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn reservations_with_odd_responses_delay_only_themselves() {
    let kinds = [
        ("html_200", None),
        ("error_string_200", None),
        ("status", Some("403")),
        ("redirect", Some("302")),
        ("html_404", None),
    ];
    delay_only_themselves(&kinds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reservations_on_which_ozmap_always_fails_delay_only_themselves() {
    delay_only_themselves(&[("status", Some("500")), ("reset_before", None)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maintenance_page_on_every_route_opens_the_circuit() {
    let world = World::with(SHORT).await;
    let codes = reserved(&world, 8).await;
    world.ozmap.fault("any:html_200").await;
    promised(&world, &codes).await;
    eventually("OZmap to be left alone", || async {
        let ozmap = ozmap_health(&world).await;
        ozmap["circuit_open_s"].is_u64().then_some(())
    })
    .await;
    let logs = world.service.logs();
    let opened = "circuit breaker opened: a page answered instead of OZmap's interface (ozmap_html); check ozmap.base_url";
    assert!(logs.contains(opened), "{logs}");
    world.ozmap.heal().await;
    all_cancelled(&world, &codes).await;
    assert!(world.service.logs().contains("circuit breaker closed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_call_is_not_a_response() {
    let world = World::with(SHORT).await;
    let heard = || async { ozmap_health(&world).await["last_response_s_ago"].as_u64() };
    eventually("OZmap to be heard", || async { heard().await }).await;
    world.ozmap.reserve(json!({"code": "silent"})).await;
    world.ozmap.fault("any:reset_before").await;
    let began = std::time::Instant::now();
    // Repeated failures must not renew the time of the last response.
    eventually("three failed calls", || async {
        world.cancel("silent", "silent").await;
        let silent = began.elapsed().as_secs();
        let heard = heard().await.unwrap();
        assert!(heard >= silent, "{heard} after {silent} s");
        let failed = calls_of(&world.ozmap, "lookup").await.len() >= 3;
        (failed && silent >= 2).then_some(())
    })
    .await;
    assert_eq!(ozmap_health(&world).await["status"], "ozmap_lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_why_a_probe_failed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let world = World::with(&[("OZMAP__BASE_URL", url.as_str())]).await;
    let logs = eventually("a log line about the probe", || async {
        let logs = world.service.logs();
        logs.contains("probe of OZmap failed").then_some(logs)
    })
    .await;
    assert!(
        logs.contains("probe of OZmap failed: OZmap cannot be reached (ozmap_connect: "),
        "{logs}"
    );
    assert!(logs.contains("onnection refused"), "{logs}");
    assert!(!logs.contains("refuses the key"), "{logs}");
}
