//! Faults of the answer: damaged, false and foreign answers, and the counting of faults.

use super::*;

#[tokio::test]
async fn an_answer_can_arrive_damaged() {
    let good = World::new().await.get(LOOKUP).await.body;
    let length = good.len().to_string();
    let half = String::from_utf8_lossy(&good.as_bytes()[..good.len() / 2]).into_owned();
    let damaged = async |fault: &str| {
        World::with(&[&format!("lookup:{fault}")])
            .await
            .get(LOOKUP)
            .await
    };

    let truncated = damaged("truncated").await;
    assert_eq!(
        (&truncated.body, truncated.header("content-length")),
        (&half, Some(length.as_str()))
    );
    let closed = damaged("truncated_close").await;
    assert_eq!(
        (
            &closed.body,
            closed.header("content-length"),
            closed.is_reset
        ),
        (&half, None, false)
    );
    assert_eq!(closed.header("transfer-encoding"), None);
    let labelled = damaged("wrong_content_type").await;
    assert_eq!(
        (&labelled.body, labelled.header("content-type")),
        (&good, Some("text/html"))
    );
    let huge = damaged("huge").await;
    assert!(huge.body.len() > 2 * 1024 * 1024 && huge.json().is_array());

    let began = Instant::now();
    let world = World::with(&["probe:drip=5"]).await;
    assert_eq!(world.get("/api/v2/authenticated").await.body, "{}");
    assert!(began.elapsed() >= Duration::from_millis(5));
}

#[tokio::test]
async fn a_false_document_does_not_change_the_world() {
    let world = World::with(&[]).await;
    let truth = world.get(LOOKUP).await.json();
    for (fault, pointer, expected) in [
        ("client_null", "/0/client", Some(Value::Null)),
        (
            "client_string",
            "/0/client",
            Some(json!("62d194b46c9401002392c701")),
        ),
        ("client_missing", "/0/client", None),
        ("implanted_missing", "/0/client/implanted", None),
        (
            "implanted_string",
            "/0/client/implanted",
            Some(json!("false")),
        ),
        ("id_missing", "/0/_id", None),
        ("id_short", "/0/_id", Some(json!("62d194b46c94"))),
        ("two_rows", "/1/client/code", Some(json!("123|123"))),
        (
            "wrong_code",
            "/0/client/code",
            Some(json!("reservation_123")),
        ),
    ] {
        world.fault(&format!("lookup:{fault}*1")).await;
        let lie = world.get(LOOKUP).await.json();
        assert_eq!(lie.pointer(pointer), expected.as_ref(), "{fault}");
        assert_ne!(lie, truth);
        assert_eq!(world.get(LOOKUP).await.json(), truth, "{fault}");
    }
}

#[tokio::test]
async fn every_route_that_shows_documents_can_return_a_false_one() {
    let world = World::new().await;
    world.fault("lookup:duplicate_keys*1").await;
    assert!(
        world
            .get(LOOKUP)
            .await
            .body
            .contains("\"implanted\":true,\"implanted\":false,")
    );
    world.fault("lookup:other_case*1").await;
    let other = world
        .get("/api/v2/properties/client/test-status")
        .await
        .json();
    assert_eq!(other[0]["client"]["code"], "TEST-STATUS");
    world.fault("get:id_missing*1").await;
    assert_eq!(world.get(PROPERTY).await.json().get("id"), None);
    world.fault("filter:client_null*1").await;
    assert_eq!(
        world.get("/api/v2/properties?limit=1").await.json()["rows"][0]["client"],
        Value::Null
    );
    world.fault("lookup:wrong_code*1").await;
    assert_eq!(
        world
            .get("/api/v2/properties/client/nobody")
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_foreign_answer_applies_no_change() {
    for (fault, status, content_type, part) in [
        ("status=401", 401, "text/plain", "Unauthorized"),
        ("status=403", 403, "application/json", "permissão"),
        ("status=429", 429, "text/plain", "Too Many Requests"),
        ("status=500", 500, "text/plain", "Internal Server Error"),
        ("status=502", 502, "text/html", "<hr><center>nginx</center>"),
        ("status=504", 504, "text/plain", "Gateway Timeout"),
        ("html_404", 404, "text/html", "nginx"),
        (
            "express_404",
            404,
            "text/plain",
            "Cannot DELETE /api/v2/properties/",
        ),
        ("html_200", 200, "text/html", "<form"),
        ("redirect=307", 307, "", ""),
        (
            "error_string_200",
            200,
            "application/json",
            "\"Ocorreu um erro",
        ),
        ("empty_200", 200, "", ""),
    ] {
        let world = World::with(&[&format!("delete:{fault}*1")]).await;
        let reply = world.delete(PROPERTY).await;
        let label = reply.header("content-type").unwrap_or_default();
        assert_eq!(reply.status, status, "{fault}");
        assert!(
            label.starts_with(content_type) && reply.body.contains(part),
            "{fault}: {reply:?}"
        );
        assert!(world.seed_exists().await, "{fault}");
        let audit = world.audit().await;
        let noted = (
            &audit[0]["applied"],
            &audit[0]["implanted_at_delete"],
            &audit[0]["fault"],
        );
        assert_eq!(
            noted,
            (
                &json!(false),
                &json!(false),
                &json!(
                    fault
                        .replace("=307", "=307,/login")
                        .replace("=429", "=429,1")
                )
            )
        );
        assert_eq!(world.delete(PROPERTY).await.status, 204);
    }
}

#[tokio::test]
async fn a_redirect_names_its_target_and_a_refusal_its_delay() {
    let world = World::with(&[
        "lookup:status=429,7",
        "get:redirect=302,http://127.0.0.1:1/x",
        "filter:redirect=308",
    ])
    .await;
    assert_eq!(world.get(LOOKUP).await.header("retry-after"), Some("7"));
    assert_eq!(
        world.get(PROPERTY).await.header("location"),
        Some("http://127.0.0.1:1/x")
    );
    assert_eq!(
        world.get("/api/v2/properties").await.header("location"),
        Some("/login")
    );
    assert_eq!(
        world.delete("/login").await.header("content-type"),
        Some("text/html; charset=utf-8")
    );
}

#[tokio::test]
async fn a_fault_counts_its_calls_and_the_first_due_fault_wins() {
    let world = World::with(&[
        "lookup:status=500*2+1",
        "any:status=503*1+3",
        "probe:status=500@0",
    ])
    .await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(world.get(LOOKUP).await.status);
    }
    assert_eq!(statuses, [200, 500, 500, 200, 200, 503]);
    assert_eq!(world.get("/api/v2/authenticated").await.status, 200);
    let faults = world.get("/__sim/faults").await.json();
    assert_eq!(
        (
            &faults[0]["fired"],
            &faults[0]["passed"],
            &faults[1]["passed"]
        ),
        (&json!(2), &json!(1), &json!(3))
    );
    let calls = world.get("/__sim/calls").await.json();
    assert_eq!(
        (&calls["total"], &calls["counts"]),
        (&json!(7), &json!({"lookup": 6, "probe": 1}))
    );
    assert_eq!(
        (&calls["calls"][1]["status"], &calls["calls"][1]["fault"]),
        (&json!(500), &json!("status=500"))
    );
    assert_eq!(world.delete("/__sim/faults").await.json(), json!([]));
}

#[tokio::test]
async fn faults_are_set_together_or_refused_with_a_reason() {
    let world = World::new().await;
    let both = json!(["delete:reset_after*1", {"route": "lookup", "kind": "status", "value": 500, "times": null, "skip": 0, "probability": 1.0}]);
    assert_eq!(
        world
            .send("POST", "/__sim/faults", both)
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    for wrong in [
        json!("delete:resett"),
        json!({"route": "delete", "kind": "reset_after", "time": 1}),
        json!(["lookup:huge", "x"]),
        json!(1),
    ] {
        let reply = world.send("POST", "/__sim/faults", wrong).await;
        assert_eq!(
            (reply.status, reply.json()["error"].is_string()),
            (400, true),
            "{}",
            reply.body
        );
    }
    assert_eq!(
        world
            .get("/__sim/faults")
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
}
