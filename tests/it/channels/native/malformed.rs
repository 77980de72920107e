//! Bodies that are not JSON: the answer says where the error is and how to fix it, and contains
//! none of the body.

use crate::support::{Reply, World};

async fn post(world: &World, content_type: &str, body: &[u8]) -> Reply {
    let authorization = format!("Bearer {}", crate::support::SECRET);
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", content_type),
    ];
    let address = world.service.address();
    crate::support::http::send(address, "POST", "/webhooks/chatbot", &headers, body)
        .await
        .unwrap()
}

fn id(reply: &Reply) -> String {
    let id = reply.json()["type"].as_str().unwrap_or_default().to_owned();
    id.trim_start_matches("urn:ozmap-cancel:problem:")
        .to_owned()
}

fn detail(reply: &Reply) -> String {
    reply.json()["detail"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_json_is_located_and_explained() {
    const QUOTES: &str = "quotes around a value are missing";
    const INNER: &str = "a value has a quote inside";
    let world = World::new().await;
    for (body, place, hint) in [
        (r#"{"code":{{Codigo}}}"#, "line 1, column 10", QUOTES),
        (r#"{"code":CANARY|123}"#, "line 1, column 9", QUOTES),
        (r#"{"code":123|123}"#, "line 1, column 12", QUOTES),
        (r#"{"code": }"#, "line 1, column 10", QUOTES),
        ("{\n  \"code\": CANARY\n}", "line 2, column 11", QUOTES),
        (
            r#"{"code":"1","name":"Jo "CANARY" Cia"}"#,
            "line 1, column 25",
            INNER,
        ),
        (
            r#"{"code":"CANARY""#,
            "ends too early: line 1, column 16",
            "",
        ),
        (r#"{"code":"CANARY"#, "ends too early", ""),
        ("{", "ends too early: line 1, column 1", ""),
        (r#"{"code":"CANARY",}"#, "line 1, column 18", ""),
        (r#"{"code":"CANARY"} trailing"#, "line 1, column 19", ""),
        ("{'code':'CANARY'}", "line 1, column 2", ""),
    ] {
        let reply = post(&world, "application/json", body.as_bytes()).await;
        assert_eq!(
            (reply.status, id(&reply).as_str()),
            (400, "malformed_json"),
            "{body}"
        );
        let said = detail(&reply);
        assert!(said.contains(place), "{body}: {said}");
        assert!(said.contains(hint), "{body}: {said}");
        assert!(!reply.body.contains("CANARY"), "{said}");
        assert!(!reply.reply().is_empty());
    }
    assert!(world.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn json_that_is_not_an_object_is_refused_as_such() {
    let world = World::new().await;
    let deep = format!("{{\"code\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    for (content_type, body, status, problem) in [
        ("application/json", "", 400, "empty_body"),
        ("application/json", " \n\t", 400, "empty_body"),
        (
            "application/json",
            r#"[{"code":"CANARY"}]"#,
            400,
            "not_an_object",
        ),
        ("application/json", r#""CANARY""#, 400, "malformed_json"),
        ("application/json", "CANARY", 400, "malformed_json"),
        (
            "application/problem+json; charset=utf-8",
            "CANARY",
            400,
            "malformed_json",
        ),
        ("text/plain;charset=UTF-8", "CANARY", 400, "malformed_json"),
        ("application/json", &deep, 400, "malformed_json"),
        (
            "application/x-www-form-urlencoded",
            "code=CANARY",
            415,
            "not_json",
        ),
        (
            "multipart/form-data; boundary=x",
            "--x\r\nCANARY",
            415,
            "not_json",
        ),
        ("application/xml", "<code>CANARY</code>", 415, "not_json"),
    ] {
        let reply = post(&world, content_type, body.as_bytes()).await;
        assert_eq!(
            (reply.status, id(&reply).as_str()),
            (status, problem),
            "{content_type} {body:.40}"
        );
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json")
        );
        assert!(!reply.body.contains("CANARY"), "{}", reply.body);
    }
    assert!(world.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_utf8_or_not_encoded_as_declared_is_refused() {
    let world = World::new().await;
    let latin = b"{\"code\":\"123|123\",\"reason\":\"n\xe3o\"}";
    let reply = post(&world, "application/json", latin).await;
    assert_eq!((reply.status, id(&reply).as_str()), (400, "not_utf8"));
    assert!(detail(&reply).contains("byte 29"), "{}", detail(&reply));
    for (encoding, status) in [
        ("gzip", 400),
        ("deflate", 400),
        ("br", 415),
        ("gzip, br", 415),
    ] {
        let reply = world
            .service
            .post(
                "chatbot",
                &[("Content-Encoding", encoding)],
                br#"{"code":"123|123"}"#,
            )
            .await
            .unwrap();
        assert_eq!(
            (reply.status, id(&reply).as_str()),
            (status, "compressed_body")
        );
    }
    assert!(world.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_read_under_any_content_type() {
    let world = World::new().await;
    let body = "\u{feff} {\"code\":\"123|123\",\"action\":\"lookup\"}\r\n";
    for content_type in [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain",
        "nonsense",
    ] {
        let reply = post(&world, content_type, body.as_bytes()).await;
        assert_eq!(reply.outcome(), "found", "{content_type}");
    }
    let encoded = world
        .service
        .post(
            "chatbot",
            &[("Content-Encoding", "Identity")],
            body.as_bytes(),
        )
        .await;
    assert_eq!(encoded.unwrap().outcome(), "found");
}
