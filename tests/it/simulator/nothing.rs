//! The fault `nothing`: OZmap once reports an absence that is not true.

use super::*;

#[tokio::test]
async fn one_lookup_reports_an_absence_and_the_next_one_the_truth() {
    let world = World::new().await;
    let list = "/api/v2/ftth-clients?filter=%5B%7B%22property%22%3A%22code%22%2C%22operator%22%3A%22%3D%22%2C%22value%22%3A%22123%7C123%22%7D%5D";
    for (fault, path, expected) in [
        ("lookup:nothing*1", LOOKUP, (200, "[]")),
        (
            "lookup:nothing=not_found*1",
            LOOKUP,
            (404, "\"Registro não encontrado.\""),
        ),
        ("lookup:nothing=no_content*1", LOOKUP, (204, "")),
        ("lookup:nothing=null*1", LOOKUP, (200, "null")),
        ("lookup:nothing=empty_object*1", LOOKUP, (200, "{}")),
        ("lookup:nothing=empty*1", LOOKUP, (200, "")),
        (
            "get:nothing*1",
            PROPERTY,
            (404, "\"Registro não encontrado.\""),
        ),
        ("get:nothing=no_content*1", PROPERTY, (204, "")),
        (
            "any:nothing*1",
            PROPERTY,
            (404, "\"Registro não encontrado.\""),
        ),
        ("filter:nothing=null*1", list, (200, "null")),
        (
            "other:nothing*1",
            SPLITTER,
            (404, "\"Registro não encontrado.\""),
        ),
        (
            "probe:nothing*1",
            "/api/v2/authenticated",
            (404, "Cannot GET /api/v2/authenticated"),
        ),
    ] {
        let truth = world.get(path).await;
        world.fault(fault).await;
        let lie = world.get(path).await;
        assert_eq!((lie.status, lie.body.as_str()), expected, "{fault}");
        assert_eq!(world.get(path).await.body, truth.body, "{fault}");
    }
    world.fault("lookup:nothing=unprocessable*1").await;
    assert_eq!(world.get(LOOKUP).await.status, 422);
    world.fault("filter:nothing*1").await;
    let lie = world.get(list).await.json();
    assert_eq!(
        (&lie["total"], &lie["rows"], &lie["hasNextPage"]),
        (&json!(0), &json!([]), &json!(false))
    );
    assert_eq!(world.get(list).await.json()["total"], 1);
}

#[tokio::test]
async fn the_absence_has_the_form_of_its_route_and_such_a_deletion_has_no_effect() {
    let world = World::with(&["delete:nothing*1", "lookup:nothing*1"]).await;
    world
        .send("POST", "/__sim/quirks", json!({"unknown_code": "null"}))
        .await;
    assert_eq!(world.get(LOOKUP).await.body, "null");
    assert_eq!(world.delete(PROPERTY).await.status, 404);
    assert!(world.seed_exists().await);
    assert_eq!(world.audit().await[0]["fault"], "nothing");
    assert_eq!(world.delete(PROPERTY).await.status, 204);
}

#[test]
fn the_fault_is_written_with_or_without_its_form() {
    for written in ["lookup:nothing*1", "get:nothing=no_content*1+2"] {
        assert_eq!(written.parse::<Fault>().unwrap().to_string(), written);
    }
    let wrong = "lookup:nothing=x".parse::<Fault>().unwrap_err().to_string();
    assert!(
        wrong.contains("write `nothing` alone, or one of empty_array, not_found"),
        "{wrong}"
    );
    assert!("create:nothing".parse::<Fault>().is_err());
}

#[tokio::test]
async fn another_user_gives_the_customer_another_code_after_a_lookup() {
    let world = World::with(&["lookup:rename_after*1"]).await;
    assert_eq!(
        world.get(LOOKUP).await.json()[0]["client"]["code"],
        "123|123"
    );
    assert_eq!(world.get(LOOKUP).await.body, "[]");
    assert_eq!(
        world.get(PROPERTY).await.json()["client"]["code"],
        "123|123-renamed"
    );
}

#[tokio::test]
async fn a_fault_may_be_about_one_reservation_only() {
    let world = World::new().await;
    let fault = json!({"route": "any", "kind": "status", "value": 500, "code": "123|123"});
    world.send("POST", "/__sim/faults", fault).await;
    assert_eq!(world.get(LOOKUP).await.status, 500);
    assert_eq!(world.get(PROPERTY).await.status, 500);
    assert_eq!(world.delete(PROPERTY).await.status, 500);
    for path in [
        "/api/v2/properties/client/abc%2Fdef",
        "/api/v2/properties",
        "/api/v2/authenticated",
    ] {
        assert_eq!(world.get(path).await.status, 200, "{path}");
    }
    assert_eq!(world.get("/__sim/faults").await.json()[0]["fired"], 3);
}
