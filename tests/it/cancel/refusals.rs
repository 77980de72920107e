//! Only a plain reservation is deleted, and the journal records the reason of every refusal.

use super::*;

/// A code, the outcome for the customer, and the reason for the operator.
const SEEDED: &[(&str, &str, &str)] = &[
    ("test-status", "installed", "installed"),
    ("onu-1", "review", "install_evidence"),
    ("power-1", "review", "install_evidence"),
    ("certified-1", "review", "install_evidence"),
    ("apto-101", "review", "building_unit"),
    ("old-1", "review", "preexisting_property"),
    ("old-2", "review", "preexisting_property"),
    ("dup-1", "review", "several_properties"),
    ("nobody-has-this-code", "not_found", "absent"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_record_that_forbids_a_deletion_is_kept_with_its_reason() {
    let world = World::new().await;
    for (code, outcome, reason) in SEEDED {
        let before = world.ozmap.holds(code).await;
        let reply = world.cancel(code, code).await;
        assert_eq!(reply.outcome(), *outcome, "{code}");
        assert_eq!(world.ozmap.holds(code).await, before, "{code}");
        let rows = file::cancellations(world.folder.path());
        let row = rows.iter().find(|row| row["code"] == *code).unwrap();
        assert_eq!(
            (&row["state"], &row["outcome"], &row["reason"]),
            (&json!("done"), &json!(outcome), &json!(reason)),
            "{code}"
        );
        assert_eq!(
            (&row["property_id"], &row["delete_sent"]),
            (&Value::Null, &json!(0)),
            "{code}"
        );
        let again = world.cancel(code, code).await;
        assert_eq!(again.outcome(), *outcome, "{code}");
        assert_eq!(again.json()["replayed"], json!(true), "{code}");
    }
    assert!(calls_of(&world.ozmap, "delete").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_cannot_be_understood_are_kept() {
    let id = |n: u8| format!("62d194b46c9401002392{n:04x}");
    let client = |n: u8, code: &str| json!({"_id": id(n), "kind": "ftth", "code": code, "name": "Ana", "implanted": false});
    let mut kind = client(1, "odd-1");
    kind["kind"] = json!("corporate");
    let mut number = client(3, "odd-2");
    number["implanted"] = json!(0);
    let mut deleted = client(5, "odd-3");
    deleted["deletedAt"] = json!("2026-01-12T12:00:00.000Z");
    let mut coded = client(7, "odd-4");
    coded["certified"] = json!("yes");
    let cases = [
        (id(2), kind, "unknown_kind"),
        (id(4), number, "installed_unknown"),
        (id(6), deleted, "marked_deleted"),
        (id(8), coded, "install_evidence"),
    ];
    let world = World::new().await;
    for (property, client, reason) in cases {
        let code = client["code"].as_str().unwrap().to_owned();
        let document = json!({"_id": property, "kind": "Property", "client": client});
        world.ozmap.reserve(json!({"document": document})).await;
        let reply = world.cancel(&code, &code).await;
        assert_eq!(reply.outcome(), "review", "{code}");
        assert!(holds(&world.ozmap, &code, &property).await, "{code}");
        let rows = file::cancellations(world.folder.path());
        assert_eq!(rows.last().unwrap()["reason"], reason, "{code}");
    }
    assert!(calls_of(&world.ozmap, "delete").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_property_without_a_customer_is_never_deleted() {
    let world = World::new().await;
    let all = world.ozmap.get("/__sim/properties").await;
    let empty: Vec<Value> = all
        .as_array()
        .unwrap()
        .iter()
        .filter(|property| property["client"].is_null())
        .cloned()
        .collect();
    assert_eq!(empty.len(), 1);
    for code in [
        "null",
        "undefined",
        "R. Sem Cliente, 1",
        empty[0]["_id"].as_str().unwrap(),
    ] {
        let reply = world.cancel(code, code).await;
        let is_kept = reply.status == 422 || reply.outcome() == "not_found";
        assert!(is_kept, "{code}: {reply:?}");
    }
    assert_eq!(world.ozmap.get("/__sim/properties").await, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_with_slashes_spaces_and_accents_reach_exactly_their_own_reservation() {
    let world = World::new().await;
    let before = world.ozmap.get("/__sim/properties").await;
    let before = before.as_array().unwrap().len();
    let codes = [
        "abc/def",
        "biolange.da costa",
        "francisca.quiñones",
        "a%2Fb",
        "50% off?x=1#y",
        "back\\slash",
        "[0-9]+",
    ];
    for code in &codes[3..] {
        world.ozmap.reserve(json!({"code": code})).await;
    }
    for code in codes {
        // Typed with white space around it, and with the accent apart from its letter.
        let typed = format!("  {} ", code.replace('ñ', "n\u{303}"));
        let reply = world.cancel(&typed, code).await;
        assert_eq!(reply.outcome(), "cancelled", "{code}");
        assert!(world.ozmap.holds(code).await.is_empty(), "{code}");
    }
    let deleted: Vec<Value> = world
        .ozmap
        .deletions()
        .await
        .iter()
        .map(|deletion| deletion["code"].clone())
        .collect();
    assert_eq!(deleted, codes.map(Value::from));
    let after = world.ozmap.get("/__sim/properties").await;
    assert_eq!(after.as_array().unwrap().len(), before - 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impossible_code_is_not_looked_up() {
    let world = World::new().await;
    let long = "x".repeat(129);
    for code in ["..", ".", " ", "a\u{0}b", "a\u{200b}b", long.as_str()] {
        let reply = world.cancel(code, "m").await;
        assert!(
            matches!(reply.status, 400 | 422) || reply.outcome() == "invalid_code",
            "{code:?}: {reply:?}"
        );
    }
    assert!(calls_of(&world.ozmap, "lookup").await.is_empty());
    assert!(file::cancellations(world.folder.path()).is_empty());
}
