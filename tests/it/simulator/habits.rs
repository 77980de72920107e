//! OZmap's known variations, each as a quirk with all its values.

use super::*;

const UNKNOWN: &str = "/api/v2/properties/client/nobody";

impl World {
    async fn quirks(&self, quirks: Value) {
        let reply = self.send("POST", "/__sim/quirks", quirks).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
}

/// The path of a list with one filter.
fn filtered(collection: &str, property: &str, value: &str) -> String {
    let filter = json!([{"property": property, "operator": "=", "value": value}]).to_string();
    let filter: String = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("/api/v2/{collection}?filter={filter}")
}

#[tokio::test]
async fn an_unknown_code_is_answered_in_seven_forms() {
    let world = World::new().await;
    for (quirk, expected) in [
        ("empty_array", (200, "[]")),
        ("not_found", (404, "\"Registro não encontrado.\"")),
        (
            "unprocessable",
            (422, "\"Não foi possível processar a requisição.\""),
        ),
        ("no_content", (204, "")),
        ("null", (200, "null")),
        ("empty_object", (200, "{}")),
        ("empty", (200, "")),
    ] {
        world.quirks(json!({"unknown_code": quirk})).await;
        let reply = world.get(UNKNOWN).await;
        assert_eq!((reply.status, reply.body.as_str()), expected, "{quirk}");
        // The list reports an absence in one form only.
        let list = world.get(&filtered("ftth-clients", "code", "nobody")).await;
        assert_eq!(
            (&list.json()["total"], &list.json()["rows"]),
            (&json!(0), &json!([]))
        );
        assert_eq!(
            world.get(LOOKUP).await.json()[0]["client"]["code"],
            "123|123"
        );
    }
}

#[tokio::test]
async fn a_client_without_a_property_is_in_the_list_and_absent_from_the_lookup_by_code() {
    let world = World::new().await;
    let made = world
        .send("POST", "/__sim/clients", json!({"code": "homeless"}))
        .await
        .json();
    let path = "/api/v2/properties/client/homeless";
    assert_eq!(world.get(path).await.body, "[]");
    world
        .quirks(json!({"code_without_property": "unprocessable"}))
        .await;
    assert_eq!(world.get(path).await.status, 422);
    assert_eq!(world.get(UNKNOWN).await.body, "[]");
    let list = world
        .get(&filtered("ftth-clients", "code", "homeless"))
        .await;
    assert_eq!(
        (ids(&list.json()), &list.json()["total"]),
        (vec![made["id"].as_str().unwrap().to_owned()], &json!(1))
    );
    let homes = world
        .get(&filtered(
            "properties",
            "client",
            made["id"].as_str().unwrap(),
        ))
        .await;
    assert_eq!(homes.json()["total"], 0);
    let wrong = world.send("POST", "/__sim/clients", json!({})).await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn an_error_is_a_json_string_a_text_labelled_as_html_or_a_message() {
    let world = World::with(&["get:html_404*1"]).await;
    let page = world.get(PROPERTY).await;
    world.quirks(json!({"unknown_code": "not_found"})).await;
    let said = async |errors: &str| {
        world.quirks(json!({"errors": errors})).await;
        let reply = world.get(UNKNOWN).await;
        let label = reply.header("content-type").unwrap_or_default().to_owned();
        (reply.status, label, reply.body)
    };
    let json_label = "application/json; charset=utf-8".to_owned();
    assert_eq!(
        said("json_string").await,
        (
            404,
            json_label.clone(),
            "\"Registro não encontrado.\"".to_owned()
        )
    );
    assert_eq!(
        said("message").await,
        (
            404,
            json_label,
            "{\"message\":\"Registro não encontrado.\"}".to_owned()
        )
    );
    let text = (
        404,
        "text/html; charset=utf-8".to_owned(),
        "Registro não encontrado.".to_owned(),
    );
    assert_eq!(said("text_as_html").await, text);
    // A plain text gets that label too; a success and a page are unchanged.
    let missing = world.get("/api/v2/nowhere").await;
    assert_eq!(
        missing.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(missing.body, "Cannot GET /api/v2/nowhere");
    assert!(world.get(LOOKUP).await.json().is_array());
    world.fault("get:html_404*1").await;
    assert_eq!(world.get(PROPERTY).await.body, page.body);
}

#[tokio::test]
async fn a_filter_is_obeyed_completely_at_its_root_only_or_not_at_all() {
    let world = World::new().await;
    let (root, nested) = (
        filtered("ftth-clients", "code", "123|123"),
        filtered("properties", "client.code", "123|123"),
    );
    let totals = async || {
        let of = async |path: &str| world.get(path).await.json()["total"].clone();
        (of(&root).await, of(&nested).await)
    };
    assert_eq!(totals().await, (json!(1), json!(1)));
    world.quirks(json!({"filters": "root_only"})).await;
    assert_eq!(totals().await, (json!(1), json!(15)));
    // An unknown parameter is ignored in any case.
    let named = world.get("/api/v2/ftth-clients?code=123%7C123").await;
    assert_eq!(named.json()["total"], 14);

    world.quirks(json!({"filters": "ignored"})).await;
    assert_eq!(totals().await, (json!(1_749), json!(1_749)));
    let list = world.get(&format!("{root}&limit=25")).await.json();
    let rows = list["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &list["hasNextPage"]), (25, &json!(true)));
    assert!(rows.iter().all(|row| row["code"] != "123|123"));
    let all: std::collections::HashSet<String> = ids(&list).into_iter().collect();
    assert_eq!(all.len(), 25, "each has an id of its own");
    let page = world.get("/api/v2/properties?limit=3").await.json();
    assert_eq!(
        page["total"], 15,
        "without a filter there is nothing to ignore"
    );
}

#[tokio::test]
async fn pages_may_follow_the_last_id_which_the_last_page_names_too() {
    let world = World::new().await;
    let everything = ids(&world.get("/api/v2/properties?limit=-1").await.json());
    world.quirks(json!({"pagination": "last_seen_id"})).await;
    let (mut walked, mut path) = (Vec::new(), "/api/v2/properties?limit=4".to_owned());
    let mut has_next = true;
    while has_next {
        let page = world.get(&path).await.json();
        walked.extend(ids(&page));
        has_next = page["hasNextPage"].as_bool().unwrap();
        path = page["nextUrl"].as_str().unwrap().to_owned();
        assert!(
            path.contains(&format!("lastSeenId={}", walked.last().unwrap())),
            "{path}"
        );
    }
    assert_eq!(walked, everything);
    let after = world.get(&path).await.json();
    assert_eq!(
        (&after["rows"], &after["hasNextPage"]),
        (&json!([]), &json!(false))
    );
}

#[tokio::test]
async fn documents_inside_a_document_may_have_other_ids_at_every_read() {
    let world = World::new().await;
    let onu = async || {
        let raw = world.get(LOOKUP).await.json()[0]["client"]["onu"]["_id"].clone();
        let generic = world.get(PROPERTY).await.json()["client"]["onu"]["id"].clone();
        (raw, generic)
    };
    assert_eq!(onu().await, (Value::Null, Value::Null));
    world.quirks(json!({"sub_documents": "new_ids"})).await;
    let (first, second) = (onu().await, onu().await);
    assert!(first.0.is_string() && first.1.is_string());
    assert!(first.0 != second.0 && first.1 != second.1);
    // The other members are unchanged.
    assert_eq!(
        world.get(LOOKUP).await.json()[0]["_id"],
        "62d194b46c9401002392c704"
    );
}

#[tokio::test]
async fn a_client_may_lack_a_name_and_an_observation() {
    let world = World::new().await;
    world.quirks(json!({"client_members": "sparse"})).await;
    let client = world
        .get("/api/v2/ftth-clients/62d194b46c9401002392c701")
        .await
        .json();
    let inside = world.get(LOOKUP).await.json()[0]["client"].clone();
    for client in [client, inside] {
        assert_eq!(
            (client.get("name"), &client["observation"]),
            (None, &Value::Null)
        );
        assert_eq!(client["code"], "123|123");
    }
    world.quirks(json!({"client_members": "all"})).await;
    assert_eq!(
        world.get(LOOKUP).await.json()[0]["client"]["name"],
        "Gabriel Marioto"
    );
}

#[tokio::test]
async fn a_deletion_is_refused_with_422_or_answered_with_the_document() {
    let world = World::new().await;
    world
        .quirks(json!({"deletes": "unprocessable", "delete_answer": "document"}))
        .await;
    let refused = world.delete(PROPERTY).await;
    assert_eq!(refused.status, 422);
    assert!(world.seed_exists().await);
    assert_eq!(world.audit().await[0]["applied"], false);
    let nobody = world
        .delete("/api/v2/properties/62d194b46c9401002392c7ff")
        .await;
    assert_eq!(nobody.status, 404);
    world.quirks(json!({"deletes": "carried_out"})).await;
    let deleted = world.delete(PROPERTY).await;
    assert_eq!(
        (deleted.status, &deleted.json()["id"]),
        (200, &json!("62d194b46c9401002392c704"))
    );
    assert_eq!(deleted.json()["client"]["code"], "123|123");
    assert!(!world.seed_exists().await);
}

#[tokio::test]
async fn the_root_is_a_page_or_missing() {
    let world = World::new().await;
    let page = world.get("/").await;
    assert_eq!(page.status, 200);
    assert!(
        page.body.starts_with('<')
            && page
                .header("content-type")
                .unwrap()
                .starts_with("text/html")
    );
    world.quirks(json!({"root": "missing"})).await;
    assert_eq!(world.get("/").await.status, 404);
}

#[tokio::test]
async fn a_key_names_its_user_and_a_drop_is_read_by_its_own_route() {
    // {"module":"api","user":"628f8c3269a79101db8b4aaa"}, unsigned.
    let token = "e30.eyJtb2R1bGUiOiJhcGkiLCJ1c2VyIjoiNjI4ZjhjMzI2OWE3OTEwMWRiOGI0YWFhIn0.x";
    let mut options = Options::default();
    options.keys.push(Key::new(token, Role::Full));
    let mut world = World::start(options).await;
    world.key = token;
    let path = "/api/v2/users/628f8c3269a79101db8b4aaa";
    assert_eq!(
        world.get(path).await.json()["id"],
        "628f8c3269a79101db8b4aaa"
    );
    assert_eq!(
        world
            .get("/api/v2/users/628f8c3269a79101db8b407b")
            .await
            .status,
        404
    );
    let order = json!({"box": "5da62201493d9c00066655b8", "client": {"code": "mine"}});
    let made = world.send("POST", "/api/v2/properties", order).await.json();
    assert_eq!(made["creatorData"]["id"], "628f8c3269a79101db8b4aaa");
    for (quirk, status) in [("forbidden", 403), ("missing", 404), ("shown", 200)] {
        world.quirks(json!({"users": quirk})).await;
        assert_eq!(world.get(path).await.status, status, "{quirk}");
    }
    let drop = "62d194b56c9401002392c706";
    let by_drop = world.get(&format!("/api/v2/drops/{drop}")).await;
    let by_cable = world.get(&format!("/api/v2/cables/{drop}")).await;
    assert_eq!((by_drop.status, by_drop.json()), (200, by_cable.json()));
    assert_eq!(
        world.delete(&format!("/api/v2/drops/{drop}")).await.status,
        404
    );
}

#[tokio::test]
async fn lists_find_a_client_by_its_code_or_id_and_a_property_by_its_id_or_client() {
    let world = World::new().await;
    let (property, client) = ("62d194b46c9401002392c704", "62d194b46c9401002392c701");
    for (collection, member, value, found) in [
        ("ftth-clients", "code", "123|123", client),
        ("ftth-clients", "id", client, client),
        ("properties", "id", property, property),
        ("properties", "client", client, property),
    ] {
        let list = world.get(&filtered(collection, member, value)).await.json();
        assert_eq!(ids(&list), [found], "{collection} by {member}");
    }
}

#[tokio::test]
async fn a_code_is_kept_byte_for_byte_however_long_or_odd_it_is() {
    let world = World::new().await;
    let long = "ç".repeat(200);
    let codes = [
        long.as_str(),
        "joa\u{303}o",
        "jo\u{e3}o",
        "blank ",
        " blank",
        "blank",
        "\u{a0}x",
    ];
    for code in codes {
        world.plant(json!({"code": code})).await;
    }
    for code in codes {
        let encoded: String = code.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let rows = world
            .get(&format!("/api/v2/properties/client/{encoded}"))
            .await
            .json();
        assert_eq!(rows.as_array().map(Vec::len), Some(1), "{code:?}");
        assert_eq!(rows[0]["client"]["code"], code);
    }
}
