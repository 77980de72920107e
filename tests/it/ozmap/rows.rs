//! Malformed lists of reservations: an incomplete list, or one that is not JSON, is an error.

use serde_json::json;

use super::documents::{replaced, set};
use super::rig::{CLIENT_ID, CODE, ID, LOOKUP, Page, Rig, one, reservation};
use super::stand_in::{Act, Request, json as answer_json};

#[tokio::test]
async fn an_array_is_never_read_as_a_document_member_by_member() {
    let page = Page::new().await;
    // The members of a client in the order of their declaration, with values that would allow a
    // deletion.
    let client = json!([CLIENT_ID, CLIENT_ID, CODE, false]);
    let result = page.says(set("/client", client)).await;
    assert_eq!(result, "unreadable_client");
    let client = &reservation()["client"];
    let result = page
        .says(json!([[ID, ID, "Property", client]]).to_string())
        .await;
    assert_eq!(result, "unreadable_document");
    for onu in [json!([]), json!(["", "", ""])] {
        let result = page.says(set("/client/onu", onu)).await;
        assert_eq!(result, "install_evidence");
    }
    for history in [json!([]), json!([[]]), json!({"clients": [[]]})] {
        let result = page.says(set("/history", history)).await;
        assert_eq!(result, "preexisting_property");
    }
}

#[tokio::test]
async fn several_rows_need_review() {
    let page = Page::new().await;
    let row = reservation();
    let mut other = row.clone();
    other["_id"] = json!(CLIENT_ID);
    for rows in [
        json!([row, other]),
        json!([row, row]),
        json!([row, {}]),
        json!([row, null]),
        json!([{}, row]),
        json!({"total": 2, "count": 2, "start": 0, "limit": 25, "rows": [row, other]}),
    ] {
        assert_eq!(page.says(rows.to_string()).await, "several_properties");
    }
    for (row, expected) in [
        (json!([null]), "unreadable_document"),
        (json!(["x"]), "unreadable_document"),
        (json!([[]]), "unreadable_document"),
        (json!([[reservation()]]), "unreadable_document"),
        (json!([{}]), "bad_id"),
    ] {
        assert_eq!(page.says(row.to_string()).await, expected, "{row}");
    }
}

#[tokio::test]
async fn the_clients_of_several_rows_are_not_fetched() {
    let mut row = reservation();
    row["client"] = json!(CLIENT_ID);
    let rows = json!(vec![row; 500]).to_string();
    let rig = Rig::new(list_of(rows)).await;
    let result = super::rig::word(&rig.judged(CODE).await);
    assert_eq!(result, "several_properties");
    assert_eq!(rig.server.requests().len(), 1);
}

fn list_of(rows: String) -> impl Fn(&Request) -> Vec<Act> + Send + Sync {
    move |request| match request.target.as_str() {
        LOOKUP => vec![Act::Send(answer_json(200, &rows))],
        _ => vec![Act::Hold],
    }
}

#[tokio::test]
async fn an_incomplete_envelope_is_an_error() {
    let page = Page::new().await;
    let row = reservation();
    for whole in [
        json!({"total": 1, "count": 1, "start": 0, "limit": 25, "rows": [row]}),
        json!({"rows": [row], "hasNextPage": false}),
        json!({"rows": [row], "total": null, "hasNextPage": null}),
    ] {
        assert_eq!(page.says(whole.to_string()).await, "delete", "{whole}");
    }
    assert_eq!(
        page.says(r#"{"total":0,"count":0,"rows":[]}"#).await,
        "absent"
    );
    for partial in [
        json!({"total": 2, "rows": [row]}),
        json!({"total": 1, "rows": []}),
        json!({"total": -1, "rows": []}),
        json!({"total": "1", "rows": []}),
        json!({"total": 0.5, "rows": []}),
        json!({"rows": [row], "hasNextPage": true}),
        json!({"rows": [], "hasNextPage": true}),
        json!({"rows": [], "hasNextPage": "yes"}),
        json!({"rows": null}),
        json!({"rows": row}),
        json!({"rows": "[]"}),
        json!({"rows": {"rows": [row]}}),
        json!({"data": [row]}),
        row.clone(),
        json!({"error": "x"}),
        json!("[]"),
        json!(0),
        json!(true),
    ] {
        assert_eq!(
            page.says(partial.to_string()).await,
            "ozmap_shape",
            "{partial}"
        );
    }
    for twice in [
        r#"{"total":5,"total":0,"rows":[]}"#.to_owned(),
        format!(r#"{{"rows":[{row}],"rows":[]}}"#),
        format!(r#"{{"rows":[],"rows":[{row}]}}"#),
    ] {
        assert_eq!(page.says(twice).await, "ozmap_shape");
    }
}

#[tokio::test]
async fn bytes_that_are_not_one_json_text_are_an_error() {
    let page = Page::new().await;
    let mut latin = one().into_bytes();
    let at = latin.iter().position(|byte| *byte == b'R').unwrap();
    latin[at] = 0xe9;
    let mut cases: Vec<Vec<u8>> = vec![
        latin,
        [b"\xef\xbb\xbf".as_slice(), one().as_bytes()].concat(),
        b"\xef\xbb\xbf[]".to_vec(),
        "[]".encode_utf16().flat_map(u16::to_le_bytes).collect(),
        b"[] []".to_vec(),
        b"[],".to_vec(),
        b"[]\0".to_vec(),
        b"[".to_vec(),
        b"]".to_vec(),
        b"[NaN]".to_vec(),
        b"NaN".to_vec(),
        b"undefined".to_vec(),
        b"nul".to_vec(),
        b"'[]'".to_vec(),
        b"OK".to_vec(),
        b"".to_vec(),
        b"   \r\n".to_vec(),
    ];
    cases.push(replaced("\"__v\":0", "\"__v\":NaN").into_bytes());
    cases.push(replaced("\"__v\":0", "\"__v\":0,").into_bytes());
    cases.push(replaced("\"__v\":0", "\"__v\":0/*x*/").into_bytes());
    for body in cases {
        let shown = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(page.says(body).await, "ozmap_shape", "{shown}");
    }
    assert_eq!(page.says(format!(" \r\n\t{}\n", one())).await, "delete");
    assert_eq!(page.says(" [ ] ").await, "absent");
}

#[tokio::test]
async fn a_text_that_cannot_be_a_text_is_unreadable() {
    let page = Page::new().await;
    let lone = replaced(
        "\"code\":\"123|123\",\"createdAt\"",
        "\"code\":\"\\ud800\",\"createdAt\"",
    );
    assert_eq!(page.says(lone).await, "other_code");
    let escaped = replaced(
        "\"code\":\"123|123\",\"createdAt\"",
        "\"code\":\"123\\u007c123\",\"createdAt\"",
    );
    assert_eq!(page.says(escaped).await, "delete");
    let zero = replaced(
        "\"code\":\"123|123\",\"createdAt\"",
        "\"code\":\"123|123\\u0000\",\"createdAt\"",
    );
    assert_eq!(page.says(zero).await, "other_code");
}

#[tokio::test]
async fn depth_and_size_end_in_an_error_and_nothing_else() {
    let page = Page::new().await;
    let depth = 100_000;
    let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(page.says(deep.clone()).await, "unreadable_document");
    let beside = one().replacen("\"__v\":0", &format!("\"new\":{deep}"), 1);
    assert_eq!(page.says(beside).await, "delete");
    let within = one().replacen("\"implanted\":false", &format!("\"implanted\":{deep}"), 1);
    assert_eq!(page.says(within).await, "installed_unknown");

    let limit = 1024 * 1024;
    let padded = |bytes: usize| {
        let mut body = one().into_bytes();
        body.resize(bytes, b' ');
        body
    };
    assert_eq!(page.says(padded(limit)).await, "delete");
    assert_eq!(page.says(padded(limit + 1)).await, "ozmap_size");
}
