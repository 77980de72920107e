//! Start and reset of the simulator: ids, health, and the quirks of its behaviour.

use super::*;

#[tokio::test]
async fn an_id_is_never_assigned_twice() {
    let world = World::new().await;
    let seen = async || -> Vec<String> {
        let rows = world.get("/__sim/properties").await.json();
        let mut found = Vec::new();
        for row in rows.as_array().unwrap() {
            for pointer in ["/_id", "/drop", "/client/_id", "/connections/0/fiber"] {
                found.extend(
                    row.pointer(pointer)
                        .and_then(Value::as_str)
                        .map(str::to_owned),
                );
            }
        }
        found
    };
    let mut all = std::collections::HashSet::new();
    for round in 0..3 {
        world.plant(json!({"code": "again"})).await;
        for id in seen().await {
            assert!(
                all.insert(id.clone()),
                "round {round}: {id} was assigned before"
            );
        }
        let held = world.get(LOOKUP).await.json()[0].clone();
        assert_eq!(held["history"]["clients"][0]["id"], held["client"]["_id"]);
        // Its port is the same, and is free again as soon as the property is deleted.
        let port = async || world.get(SPLITTER).await.json()["connectables"]["output"][3].clone();
        assert_eq!(port().await, held["connections"][0]["fiber"]);
        let path = format!("/api/v2/properties/{}", held["_id"].as_str().unwrap());
        assert_eq!(world.delete(&path).await.status, 204);
        assert_eq!(port().await, Value::Null);
        world.send("POST", "/__sim/reset", Value::Null).await;
    }
    let first = world.plant(json!({"code": "one"})).await;
    world.delete(&format!("/api/v2/properties/{first}")).await;
    assert_ne!(world.plant(json!({"code": "one"})).await, first);
}

#[tokio::test]
async fn the_health_page_reports_that_the_simulator_is_live() {
    let mut world = World::new().await;
    world.key = "none";
    assert_eq!(
        world.get("/health/ready").await.json(),
        json!({"status": "ready"})
    );
    assert_eq!(world.get("/health/live").await.status, 200);
    assert_eq!(world.get("/health/else").await.status, 404);
    assert_eq!(
        world.get("/__sim/calls").await.json()["total"],
        0,
        "a health probe is not counted as a call"
    );
}

#[test]
fn a_quirk_is_written_as_its_name_and_its_value() {
    use ozmap_simulator::{MalformedId, Quirk, Quirks, UnknownCode};
    let quirks: Vec<Quirk> = ["unknown_code=unprocessable", "malformed_id=500"]
        .iter()
        .map(|written| written.parse().unwrap())
        .collect();
    let quirks = Quirks::default().with(&quirks).unwrap();
    assert_eq!(quirks.unknown_code, UnknownCode::Unprocessable);
    assert_eq!(quirks.malformed_id, MalformedId::ServerError);
    for wrong in ["unknown_code", "unknown_code=x", "typo=1"] {
        assert!(wrong.parse::<Quirk>().is_err(), "{wrong}");
    }
}
