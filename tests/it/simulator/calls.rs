//! The calls of the interface: codes, keys, lists and the undocumented points.

use super::*;

#[tokio::test]
async fn a_code_is_decoded_once_and_compared_exactly() {
    let world = World::new().await;
    let at = |code: &str| format!("/api/v2/properties/client/{code}");
    for code in [
        "123|123",
        "123%7c123",
        "biolange.da%20costa",
        "francisca.qui%C3%B1ones",
        "abc%2Fdef",
    ] {
        assert_eq!(
            world.get(&at(code)).await.json().as_array().unwrap().len(),
            1,
            "{code}"
        );
    }
    for code in [
        "123",
        "123%257C123",
        "TEST-STATUS",
        "reservation_12",
        "nobody",
    ] {
        assert_eq!(world.get(&at(code)).await.body, "[]", "{code}");
    }
    assert_eq!(world.get(&at("abc/def")).await.status, 404);
    assert_eq!(world.get(&at("50%")).await.status, 400);
    for path in [
        "/api/v2/properties/",
        "/api/v2/properties/client/..",
        "/api/v2/properties/client/%2e%2e",
    ] {
        assert_eq!(world.get(path).await.json()["total"], 15, "{path}");
    }
}

#[tokio::test]
async fn a_key_decides_what_its_user_may_read_and_change() {
    let north = Key::new("north", Role::Full).with_projects(["62bc9b89a17d2b0030bddc0d"]);
    let mut options = Options::default();
    options.keys.push(north);
    let mut world = World::start(options).await;
    let order = json!({"box": "5da62201493d9c00066655b8", "client": {"code": "new"}});

    world.key = "wrong";
    let reply = world.get(LOOKUP).await;
    assert_eq!((reply.status, reply.body.as_str()), (401, "Unauthorized"));
    assert_eq!(
        world
            .send("POST", "/api/v2/users/login", json!({"apiKey": "wrong"}))
            .await
            .status,
        401
    );

    world.key = "simulator-read-only";
    assert_eq!(world.get(LOOKUP).await.json().as_array().unwrap().len(), 1);
    assert_eq!(world.delete(PROPERTY).await.status, 403);
    assert_eq!(
        world
            .send("POST", "/api/v2/properties", order.clone())
            .await
            .status,
        403
    );

    world.key = "north";
    assert_eq!(world.get(LOOKUP).await.body, "[]");
    assert_eq!(
        (
            world.get(PROPERTY).await.status,
            world.delete(PROPERTY).await.status
        ),
        (404, 404)
    );
    assert_eq!(
        world
            .get("/api/v2/properties/client/dup-1")
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(world.get("/api/v2/projects").await.json()["total"], 1);
    assert_eq!(
        world.send("POST", "/api/v2/properties", order).await.status,
        403
    );
    assert!(world.exists("123%7C123").await);
}

#[tokio::test]
async fn a_login_returns_a_token_that_a_reset_revokes() {
    let mut world = World::new().await;
    let login = json!({"login": "simulator", "password": "simulator"});
    let token = world
        .send("POST", "/api/v2/users/login?type=API", login)
        .await
        .json();
    world.key = token["authorization"].as_str().unwrap().to_owned().leak();
    assert_eq!(world.get("/api/v2/authenticated").await.body, "{}");
    world.send("POST", "/__sim/reset", Value::Null).await;
    assert_eq!(world.get("/api/v2/authenticated").await.status, 401);
}

#[tokio::test]
async fn a_list_is_filtered_by_the_body_or_the_query_and_paged_to_its_end() {
    let world = World::new().await;
    let filter = |property: &str, value: &str| json!([{"property": property, "operator": "=", "value": value}]);
    let by_body = json!({"filter": filter("code", "123|123")});
    let found = world
        .send("GET", "/api/v2/ftth-clients?&limit=-1", by_body)
        .await
        .json();
    assert_eq!(ids(&found), ["62d194b46c9401002392c701"]);
    let by_query = "/api/v2/properties?&filter=[%7B%22property%22:%22client%22,%22operator%22:%22eq%22,%22value%22:%2262d194b46c9401002392c701%22%7D]&select=box+client";
    let found = world.get(by_query).await.json();
    assert_eq!(ids(&found), ["62d194b46c9401002392c704"]);
    assert_eq!(
        found["rows"][0]
            .as_object()
            .unwrap()
            .keys()
            .collect::<Vec<_>>(),
        ["box", "client", "id"]
    );
    let near = json!({"filter": [{"property": "coords", "operator": "near", "value": []}]});
    assert_eq!(
        world.send("GET", "/api/v2/properties", near).await.status,
        400
    );

    let everything = world.get("/api/v2/properties?limit=-1").await.json();
    assert_eq!(
        (&everything["count"], &everything["hasNextPage"]),
        (&json!(15), &json!(false))
    );
    let (mut walked, mut path) = (Vec::new(), "/api/v2/properties?limit=4".to_owned());
    for _ in 0..4 {
        let page = world.get(&path).await.json();
        walked.extend(ids(&page));
        path = page["nextUrl"].as_str().unwrap_or_default().to_owned();
        assert!(!path.contains("page="), "{path}");
    }
    assert_eq!((walked, path.as_str()), (ids(&everything), ""));
    let second = world.get("/api/v2/properties?limit=4&page=2").await.json();
    assert_eq!(
        (&second["start"], ids(&second)[0].clone()),
        (&json!(4), ids(&everything)[4].clone())
    );
    let sort = json!({"sort": [{"property": "id", "direction": -1}]});
    let backwards = world
        .send("GET", "/api/v2/properties?limit=-1", sort)
        .await
        .json();
    assert!(ids(&backwards).into_iter().rev().eq(ids(&everything)));
}

#[tokio::test]
async fn a_quirk_changes_one_answer_and_can_be_changed_at_runtime() {
    let world = World::new().await;
    let nobody = "/api/v2/properties/client/nobody";
    for (quirk, method, path, expected) in [
        (
            json!({"unknown_code": "not_found"}),
            "GET",
            nobody,
            (404, "\"Registro não encontrado.\""),
        ),
        (
            json!({"unknown_code": "null"}),
            "GET",
            nobody,
            (200, "null"),
        ),
        (json!({"unknown_code": "empty"}), "GET", nobody, (200, "")),
        (
            json!({"unknown_code": "no_content"}),
            "GET",
            nobody,
            (204, ""),
        ),
        (
            json!({"malformed_id": 500}),
            "GET",
            "/api/v2/properties/client",
            (
                500,
                "\"Cast to ObjectId failed for value \\\"client\\\" at path \\\"_id\\\"\"",
            ),
        ),
        (
            json!({"authenticated": "missing"}),
            "GET",
            "/api/v2/authenticated",
            (404, "Cannot GET /api/v2/authenticated"),
        ),
        (
            json!({"delete_answer": "object"}),
            "DELETE",
            PROPERTY,
            (200, "{}"),
        ),
    ] {
        assert_eq!(
            world
                .send("POST", "/__sim/quirks", quirk.clone())
                .await
                .status,
            200
        );
        let reply = world.send(method, path, Value::Null).await;
        assert_eq!((reply.status, reply.body.as_str()), expected, "{quirk}");
    }
}

#[tokio::test]
async fn quirks_are_changed_together_or_refused() {
    let world = World::new().await;
    world
        .send(
            "POST",
            "/__sim/quirks",
            json!({"pagination": "legacy", "client_by_id": "id", "duplicate_code": 422}),
        )
        .await;
    assert_eq!(
        world
            .get("/api/v2/properties?limit=1")
            .await
            .json()
            .get("hasNextPage"),
        None
    );
    let id = world
        .get("/__sim/properties?code=reservation_123")
        .await
        .json()[0]["_id"]
        .clone();
    let read = world
        .get(&format!("/api/v2/properties/{}", id.as_str().unwrap()))
        .await
        .json();
    assert!(read["client"].is_string());
    let order = json!({"box": "5da62201493d9c00066655b8", "client": {"code": "abc/def"}});
    assert_eq!(
        world.send("POST", "/api/v2/properties", order).await.status,
        422
    );
    for wrong in [
        json!({"malformed_id": 418}),
        json!({"unknown_code": "x"}),
        json!({"typo": 1}),
        json!([]),
    ] {
        assert_eq!(world.send("POST", "/__sim/quirks", wrong).await.status, 400);
    }
}
