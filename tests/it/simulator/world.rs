//! The world: its elements, and the effects of a change to one element on the others.

use super::*;

const SPLITTER_ID: &str = "5da6220df003e8132800001e";

impl World {
    /// Sends an order for the documented box.
    async fn reserve(&self, extra: Value) -> Reply {
        let mut order =
            json!({"box": "5da62201493d9c00066655b8", "lat": -27.5, "lng": -48.5, "force": true});
        let order_members = order.as_object_mut().unwrap();
        order_members.extend(extra.as_object().unwrap().clone());
        self.send("POST", "/api/v2/properties", order).await
    }
}

#[tokio::test]
async fn the_documented_reservation_exists_exactly_as_documented() {
    let world = World::new().await;
    let reply = world.get(LOOKUP).await;
    assert_eq!(reply.status, 200);
    insta::assert_snapshot!(reply.body, @r#"[{"__v":0,"_id":"62d194b46c9401002392c704","address":"R. Delminda Silveira, 900 - Agronômica, Florianópolis - SC, 88025-500","box":"5da62201493d9c00066655b8","cables":[],"client":{"__v":0,"_id":"62d194b46c9401002392c701","certified":false,"code":"123|123","createdAt":"2022-07-15T16:24:20.966Z","creatorData":{"id":"628f8c3269a79101db8b407b","name":"teste_integracao","username":"teste_integracao"},"implanted":false,"kind":"ftth","name":"Gabriel Marioto","observation":"Reserva do Novo Cliente","onu":{"mac_address":"","serial_number":"","user_PPPoE":""},"status":0,"tags":[],"updatedAt":"2022-07-15T16:24:20.966Z"},"connections":[{"fiber":"62d194b56c9401002392c707","id":"5da6220df003e8132800001e","implanted":true,"kind":"Splitter","name":"Splitter 1","port":4}],"coords":[-48.527442812919624,-27.5782336721312],"createdAt":"2022-07-15T16:24:20.980Z","creatorData":{"id":"628f8c3269a79101db8b407b","name":"teste_integracao","username":"teste_integracao"},"drop":"62d194b56c9401002392c706","history":{"clients":[{"code":"123|123","enter_date":"2022-07-15T16:24:20.976Z","exit_date":null,"id":"62d194b46c9401002392c701"}]},"kind":"Property","observation":"Reserva de Porta","pole":"5da62201493d9c00066655b1","project":"62bc9b89a17d2b0030bddc0c","tags":[],"updatedAt":"2022-07-15T16:24:21.104Z"}]"#);
    let by_id = world.get(PROPERTY).await.json();
    assert_eq!(
        (&by_id["id"], &by_id["lat"]),
        (
            &json!("62d194b46c9401002392c704"),
            &json!(-27.5782336721312)
        )
    );
    assert_eq!((by_id.get("_id"), by_id["client"].get("_id")), (None, None));
}

#[tokio::test]
async fn every_reason_to_keep_a_property_has_a_seed() {
    let world = World::new().await;
    let rows = world.get("/__sim/properties").await.json();
    let all = |code: &str| -> Vec<&Value> {
        rows.as_array()
            .unwrap()
            .iter()
            .filter(|row| row["client"]["code"] == code)
            .collect()
    };
    let one = |code: &str| all(code)[0].clone();
    for code in [
        "123|123",
        "reservation_123",
        "biolange.da costa",
        "francisca.quiñones",
        "abc/def",
    ] {
        assert_eq!(
            (all(code).len(), &one(code)["client"]["implanted"]),
            (1, &json!(false)),
            "{code}"
        );
        assert_eq!(one(code)["connections"].as_array().unwrap().len(), 1);
    }
    assert_eq!(one("test-status")["client"]["implanted"], true);
    assert_eq!(
        one("test-status")["history"]["clients"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_ne!(all("dup-1")[0]["project"], all("dup-1")[1]["project"]);
    assert_eq!(one("apto-101")["parent"], one("apto-101")["box"]);
    assert!(
        rows.as_array()
            .unwrap()
            .iter()
            .any(|row| row["client"].is_null())
    );
    assert_eq!(
        one("onu-1")["client"]["onu"]["serial_number"],
        "FHTT0A1B2C3D"
    );
    assert_eq!(one("power-1")["potencyRead"], -19.5);
    assert_eq!(one("certified-1")["client"]["certified"], true);
    assert_eq!(
        one("old-1")["history"]["clients"].as_array().unwrap().len(),
        2
    );
    let old = one("old-2");
    assert!(old["createdAt"].as_str() < old["history"]["clients"][0]["enter_date"].as_str());
}

#[tokio::test]
async fn deleting_a_property_takes_its_client_and_drop_and_frees_its_port() {
    let world = World::new().await;
    let taken = world.get(SPLITTER).await.json();
    assert_eq!(
        taken["connectables"]["output"][3],
        "62d194b56c9401002392c707"
    );
    let reply = world.delete(PROPERTY).await;
    assert_eq!((reply.status, reply.body.as_str()), (204, ""));
    assert_eq!(world.delete(PROPERTY).await.status, 404);
    assert_eq!(world.get(PROPERTY).await.status, 404);
    assert_eq!(world.get(LOOKUP).await.body, "[]");
    assert_eq!(
        world
            .get("/api/v2/ftth-clients/62d194b46c9401002392c701")
            .await
            .status,
        404
    );
    assert_eq!(
        world
            .get("/api/v2/cables/62d194b56c9401002392c706")
            .await
            .status,
        404
    );
    assert_eq!(
        world.get(SPLITTER).await.json()["connectables"]["output"][3],
        Value::Null
    );
    let audit = world.audit().await;
    let noted: Vec<_> = audit
        .iter()
        .map(|row| {
            (
                &row["method"],
                &row["code"],
                &row["applied"],
                &row["implanted_at_delete"],
            )
        })
        .collect();
    assert_eq!(
        json!(noted),
        json!([
            ["DELETE", "123|123", true, false],
            ["DELETE", null, false, null]
        ])
    );
    assert_eq!(
        (&audit[0]["user"], &audit[0]["target"]),
        (&json!("simulator-key"), &json!("62d194b46c9401002392c704"))
    );
}

#[tokio::test]
async fn a_customer_can_be_deleted_without_the_property() {
    let world = World::new().await;
    let client = "/api/v2/ftth-clients/62d194b46c9401002392c701";
    assert_eq!(
        world
            .send("PATCH", client, json!({"implanted": true}))
            .await
            .status,
        204
    );
    assert_eq!(
        world.get(LOOKUP).await.json()[0]["client"]["implanted"],
        true
    );
    let taken = world
        .send("PATCH", client, json!({"code": "reservation_123"}))
        .await;
    assert_eq!(taken.status, 400);
    assert_eq!(
        world
            .send("PATCH", PROPERTY, json!({"client": null}))
            .await
            .status,
        204
    );
    let left = world.get(PROPERTY).await.json();
    assert_eq!(
        (&left["client"], &left["connections"][0]["port"]),
        (&Value::Null, &json!(4))
    );
    assert!(left["history"]["clients"][0]["exit_date"].is_string());
    assert_eq!(world.get(client).await.status, 200);

    let link = json!({"client": "62d194b46c9401002392c701", "address": "R. Nova, 1"});
    assert_eq!(world.send("PATCH", PROPERTY, link).await.status, 204);
    assert_eq!(world.get(LOOKUP).await.json()[0]["address"], "R. Nova, 1");
    assert_eq!(world.delete(client).await.status, 204);
    assert_eq!(world.get(PROPERTY).await.json()["client"], Value::Null);
    assert_eq!(
        world.get(SPLITTER).await.json()["connectables"]["output"][3],
        "62d194b56c9401002392c707"
    );
}

#[tokio::test]
async fn a_drop_can_be_deleted_without_the_property() {
    let world = World::new().await;
    let drop = "/api/v2/cables/62d194b56c9401002392c706";
    assert_eq!(
        world.get(drop).await.json()["poles"][0]["id"],
        "5da62201493d9c00066655b1"
    );
    assert_eq!(
        world
            .send("POST", &format!("{drop}/fibers/disconnect"), Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(
        world.get(SPLITTER).await.json()["connectables"]["output"][3],
        Value::Null
    );
    assert_eq!(
        world.get(PROPERTY).await.json()["box"],
        "5da62201493d9c00066655b8"
    );
    assert_eq!(world.delete(drop).await.status, 204);
    let unplugged = world.get(PROPERTY).await.json();
    assert_eq!(
        (&unplugged["box"], &unplugged["drop"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn a_batch_update_changes_the_documents_that_its_filter_finds() {
    let world = World::new().await;
    let update = json!({"filter": [{"property": "id", "operator": "in", "value": ["62d194b46c9401002392c704"]}], "update": {"potencyRead": -20}});
    assert_eq!(
        world
            .send("POST", "/api/v2/properties/batch-update", update)
            .await
            .status,
        204
    );
    assert_eq!(world.get(PROPERTY).await.json()["potencyRead"], -20);
    let prospect = world
        .send("POST", "/api/v2/prospects", json!({"name": "P"}))
        .await;
    assert_eq!(
        (
            prospect.status,
            world.get("/api/v2/prospects").await.json()["count"].clone()
        ),
        (201, json!(1))
    );
}

#[tokio::test]
async fn a_reservation_takes_a_free_port_and_an_unused_code_or_nothing() {
    let world = World::new().await;
    let reply = world
        .reserve(json!({"auto_connect": true, "client": {"code": "new-1"}}))
        .await;
    let made = reply.json();
    assert_eq!(reply.status, 201);
    assert_eq!(
        (made.get("connections"), &made["project"], &made["lat"]),
        (None, &json!("62bc9b89a17d2b0030bddc0c"), &json!(-27.5))
    );
    assert!(made["client"].is_string() && made["drop"].is_string());
    let row = world.get("/api/v2/properties/client/new-1").await.json()[0].clone();
    assert_eq!(
        (&row["connections"][0]["port"], &row["client"]["implanted"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(row["history"]["clients"][0]["exit_date"], Value::Null);

    for (order, sentence) in [
        (
            json!({"client": {"code": "123|123"}}),
            "Código 123|123 já está sendo utilizado no projeto Teste Integração.",
        ),
        (
            json!({"connector": SPLITTER_ID, "port": 4, "client": {"code": "n"}}),
            "A porta já está ocupada.",
        ),
        (
            json!({"connector": SPLITTER_ID, "port": 9, "client": {"code": "n"}}),
            "Porta não encontrada.",
        ),
        (
            json!({"box": "5da62201493d9c00066655ff", "client": {"code": "n"}}),
            "Caixa não encontrada.",
        ),
    ] {
        let reply = world.reserve(order).await;
        assert_eq!((reply.status, reply.json()), (400, json!(sentence)));
    }
    assert!(!world.exists("n").await);
}

#[tokio::test]
async fn a_box_without_a_free_port_accepts_no_customer() {
    let world = World::new().await;
    for port in [1, 2, 3, 5, 6, 7, 8] {
        let order = json!({"connector": SPLITTER_ID, "port": port, "client": {"code": format!("n-{port}")}});
        assert_eq!(world.reserve(order).await.status, 201);
    }
    let full = world
        .reserve(json!({"auto_connect": true, "client": {"code": "n"}}))
        .await;
    assert_eq!(full.json(), "Nenhuma porta livre na caixa.");
    let nearby = world
        .get("/api/v2/ftth-viability/radius?lat=-27.5782&lng=-48.5275")
        .await
        .json();
    assert_eq!(
        (
            &nearby[0]["name"],
            &nearby[0]["viable"],
            &nearby[1]["viable"]
        ),
        (&json!("Caixa 1"), &json!(false), &json!(true))
    );
}
