//! Malformed reservations: none of them may be deleted, none of them is an absence.

use serde_json::{Value, json};

use super::rig::{CLIENT_ID, ID, Page, one, reservation};

/// A list with the changed reservation as its only row.
pub fn list(change: impl FnOnce(&mut Value)) -> String {
    let mut document = reservation();
    change(&mut document);
    json!([document]).to_string()
}

/// The list with one text replaced, for JSON that a library would not write.
pub fn replaced(from: &str, to: &str) -> String {
    let text = one();
    assert_eq!(text.matches(from).count(), 1, "{from} in {text}");
    text.replacen(from, to, 1)
}

pub fn without(member: &str) -> String {
    list(|document| {
        let (parent, name) = member.rsplit_once('/').unwrap();
        let parent = document.pointer_mut(parent).unwrap();
        parent.as_object_mut().unwrap().remove(name).unwrap();
    })
}

pub fn set(pointer: &str, value: Value) -> String {
    list(|document| {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[name] = value;
    })
}

#[tokio::test]
async fn only_one_usable_id_leads_to_a_deletion() {
    let page = Page::new().await;
    assert_eq!(page.says(one()).await, "delete");
    assert_eq!(page.says(set("/id", json!(ID))).await, "delete");
    let renamed = list(|document| {
        let id = document.as_object_mut().unwrap().remove("_id").unwrap();
        document["id"] = id;
    });
    assert_eq!(page.says(renamed).await, "delete");
    assert_eq!(page.says(set("/id", json!(CLIENT_ID))).await, "bad_id");
    assert_eq!(page.says(set("/id", Value::Null)).await, "bad_id");
    assert_eq!(page.says(without("/_id")).await, "bad_id");
    for bad in [
        json!(""),
        json!("62d194b46c9401002392c70"),
        json!("62d194b46c9401002392c7044"),
        json!("62D194B46C9401002392C704"),
        json!("62d194b46c9401002392c70g"),
        json!("62d194b46c9401002392c70/"),
        json!("../../ftth-clients/62d194"),
        json!(" 62d194b46c9401002392c704"),
        json!({"$oid": ID}),
        json!([ID]),
        json!(62),
        Value::Null,
    ] {
        assert_eq!(page.says(set("/_id", bad.clone())).await, "bad_id", "{bad}");
    }
}

#[tokio::test]
async fn only_a_literal_false_means_not_installed() {
    let page = Page::new().await;
    let at = "/client/implanted";
    assert_eq!(page.says(set(at, json!(true))).await, "installed");
    assert_eq!(page.says(without(at)).await, "installed_unknown");
    for doubtful in [
        json!("false"),
        json!(""),
        json!(0),
        json!(0.0),
        json!(1),
        Value::Null,
        json!([]),
        json!([false]),
        json!({}),
    ] {
        let result = page.says(set(at, doubtful.clone())).await;
        assert_eq!(result, "installed_unknown", "{doubtful}");
    }
}

#[tokio::test]
async fn the_splitters_own_implanted_never_matters() {
    let page = Page::new().await;
    for splitter in [json!(true), json!(false), Value::Null] {
        let document = set("/connections/0/implanted", splitter);
        assert_eq!(page.says(document).await, "delete");
    }
    let installed = list(|document| {
        document["client"]["implanted"] = json!(true);
        document["connections"][0]["implanted"] = json!(false);
        document["implanted"] = json!(false);
    });
    assert_eq!(page.says(installed).await, "installed");
}

#[tokio::test]
async fn a_property_whose_client_is_no_document_is_never_deleted() {
    let page = Page::new().await;
    assert_eq!(page.says(set("/client", Value::Null)).await, "no_client");
    assert_eq!(page.says(without("/client")).await, "no_client");
    for odd in [
        json!([]),
        json!([reservation()["client"]]),
        json!("123|123"),
        json!(""),
        json!(1),
        json!(true),
    ] {
        let result = page.says(set("/client", odd.clone())).await;
        assert_eq!(result, "unreadable_client", "{odd}");
    }
    assert_eq!(page.says(set("/client", json!({}))).await, "other_code");
}

#[tokio::test]
async fn a_client_given_by_its_id_is_fetched_and_must_match() {
    let page = Page::new().await;
    let by_id = set("/client", json!(CLIENT_ID));
    let client = reservation()["client"].clone();
    page.set_client(&client.to_string());
    assert_eq!(page.says(by_id.clone()).await, "delete");
    let asked = page.rig.server.requests().pop().unwrap().line();
    assert_eq!(asked, format!("GET /api/v2/ftth-clients/{CLIENT_ID}"));

    let mut installed = client.clone();
    installed["implanted"] = json!(true);
    page.set_client(&installed.to_string());
    assert_eq!(page.says(by_id.clone()).await, "installed");

    let mut other = client.clone();
    other["_id"] = json!(ID);
    for (document, expected) in [
        (other.to_string(), "unreadable_client"),
        ("{}".to_owned(), "unreadable_client"),
        ("null".to_owned(), "unreadable_client"),
        (json!([client]).to_string(), "ozmap_shape"),
        (String::new(), "ozmap_shape"),
        ("\"no\"".to_owned(), "ozmap_shape"),
        (
            client.to_string().replacen(
                "\"implanted\":false",
                "\"implanted\":true,\"implanted\":false",
                1,
            ),
            "unreadable_client",
        ),
    ] {
        page.set_client(&document);
        assert_eq!(page.says(by_id.clone()).await, expected, "{document}");
    }
}

#[tokio::test]
async fn a_duplicate_member_is_never_decided_by_either() {
    let page = Page::new().await;
    let implanted = "\"implanted\":false";
    let code = "\"code\":\"123|123\",\"createdAt\"";
    let client_id = format!("\"_id\":\"{CLIENT_ID}\"");
    let id = format!("\"_id\":\"{ID}\"");
    let client = "\"client\":{";
    let document = reservation()["client"].to_string();
    for (from, to, expected) in [
        (
            implanted,
            "\"implanted\":true,\"implanted\":false".to_owned(),
            "unreadable_client",
        ),
        (
            implanted,
            "\"implanted\":false,\"implanted\":true".to_owned(),
            "unreadable_client",
        ),
        (
            implanted,
            "\"implanted\":false,\"implanted\":false".to_owned(),
            "unreadable_client",
        ),
        (
            implanted,
            "\"impl\\u0061nted\":true,\"implanted\":false".to_owned(),
            "unreadable_client",
        ),
        (
            code,
            "\"code\":\"1\",\"code\":\"123|123\",\"createdAt\"".to_owned(),
            "unreadable_client",
        ),
        (
            client_id.as_str(),
            format!("{client_id},{client_id}"),
            "unreadable_client",
        ),
        (id.as_str(), format!("{id},{id}"), "unreadable_document"),
        (
            client,
            format!("\"client\":{document},\"client\":{{"),
            "unreadable_document",
        ),
        (
            client,
            "\"client\":null,\"client\":{".to_owned(),
            "unreadable_document",
        ),
        (
            "\"kind\":\"Property\"",
            "\"kind\":\"Box\",\"kind\":\"Property\"".to_owned(),
            "unreadable_document",
        ),
        (
            "\"serial_number\":\"\"",
            "\"serial_number\":\"X\",\"serial_number\":\"\"".to_owned(),
            "install_evidence",
        ),
        (
            "\"exit_date\":null",
            "\"exit_date\":\"2023\",\"exit_date\":null".to_owned(),
            "preexisting_property",
        ),
        (
            "\"history\":",
            "\"parent\":\"x\",\"parent\":null,\"history\":".to_owned(),
            "unreadable_document",
        ),
    ] {
        assert_eq!(page.says(replaced(from, &to)).await, expected, "{to}");
    }
}

#[tokio::test]
async fn another_code_is_another_customer() {
    let page = Page::new().await;
    for other in [
        json!("123"),
        json!("123|1234"),
        json!("123|1 23"),
        json!("0123|123"),
        json!(123),
        json!(["123|123"]),
        Value::Null,
    ] {
        let result = page.says(set("/client/code", other.clone())).await;
        assert_eq!(result, "other_code", "{other}");
    }
    assert_eq!(page.says(without("/client/code")).await, "other_code");
    let lower = set("/client/code", json!("abc"));
    assert_eq!(page.says_to("ABC", lower.clone()).await, "other_code");
    assert_eq!(page.says_to("abc", lower).await, "delete");
    // A trailing blank is invisible, and both spellings of an accent are one code.
    for same in [" 123|123", "123|123 ", "123%7C123"] {
        let result = page.says(set("/client/code", json!(same))).await;
        assert_eq!(result, "delete", "{same}");
    }
    let composed = set("/client/code", json!("qui\u{f1}ones"));
    assert_eq!(page.says_to("quin\u{303}ones", composed).await, "delete");
    let number = set("/client/code", json!(123));
    assert_eq!(page.says_to("123", number).await, "other_code");
}

#[tokio::test]
async fn an_unknown_kind_is_kept() {
    let page = Page::new().await;
    for known in [json!("property"), json!("PROPERTY"), Value::Null] {
        assert_eq!(page.says(set("/kind", known)).await, "delete");
    }
    for known in [json!("FTTHClient"), json!("FTTH"), Value::Null] {
        assert_eq!(page.says(set("/client/kind", known)).await, "delete");
    }
    for unknown in [
        json!("Box"),
        json!(""),
        json!(1),
        json!({}),
        json!(["Property"]),
    ] {
        let result = page.says(set("/kind", unknown.clone())).await;
        assert_eq!(result, "unknown_kind", "{unknown}");
        let result = page.says(set("/client/kind", unknown.clone())).await;
        assert_eq!(result, "unknown_kind", "{unknown}");
    }
}

#[tokio::test]
async fn unknown_members_change_nothing() {
    let page = Page::new().await;
    let extra = list(|document| {
        document["somethingNew"] = json!({"implanted": true, "code": "x", "deep": [[[{}]]]});
        document["client"]["somethingNew"] = json!([1, 2.5, "x", null]);
        document["Client"] = json!({"implanted": true});
    });
    assert_eq!(page.says(extra).await, "delete");
}

#[tokio::test]
async fn signs_of_an_installer_a_building_or_an_earlier_life_are_kept() {
    let page = Page::new().await;
    for (pointer, value, expected) in [
        ("/client/certified", json!(true), "install_evidence"),
        ("/client/certified", json!("no"), "install_evidence"),
        (
            "/client/onu/serial_number",
            json!("HWTC1"),
            "install_evidence",
        ),
        ("/client/onu/mac_address", json!(0), "install_evidence"),
        ("/client/onu/user_PPPoE", json!("g"), "install_evidence"),
        ("/client/onu", json!("x"), "install_evidence"),
        ("/potencyRead", json!(0), "install_evidence"),
        ("/potencyRead", json!(-21.5), "install_evidence"),
        (
            "/parent",
            json!("62d194b46c9401002392c7aa"),
            "building_unit",
        ),
        ("/parent", json!(false), "building_unit"),
        (
            "/deletedAt",
            json!("2026-01-01T00:00:00.000Z"),
            "marked_deleted",
        ),
        ("/deletedAt", json!(false), "marked_deleted"),
        ("/client/deletedAt", json!("x"), "marked_deleted"),
        (
            "/createdAt",
            json!("2021-07-15T16:24:20.980Z"),
            "preexisting_property",
        ),
        ("/createdAt", json!(1), "preexisting_property"),
        ("/history", json!("x"), "preexisting_property"),
        ("/history/clients", json!({}), "preexisting_property"),
        ("/history/clients", json!([{}, {}]), "preexisting_property"),
        ("/history/clients", json!([null]), "preexisting_property"),
        (
            "/history/clients/0/exit_date",
            json!(""),
            "preexisting_property",
        ),
        (
            "/history/clients/0/enter_date",
            json!(0),
            "preexisting_property",
        ),
    ] {
        let result = page.says(set(pointer, value.clone())).await;
        assert_eq!(result, expected, "{pointer} {value}");
    }
}
