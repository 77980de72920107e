//! The members of a request: their names, their valid values, and the values that the service
//! refuses.

use serde_json::{Value, json};

use crate::support::{Reply, World};

/// A lookup: it changes nothing, so each case can use the same reservation.
async fn look(world: &World, mut body: Value) -> Reply {
    body["action"] = json!("lookup");
    world.ask(body).await
}

/// The id of a problem without the common prefix.
fn problem(reply: &Reply) -> String {
    let id = reply.json()["type"].as_str().unwrap_or_default().to_owned();
    id.trim_start_matches("urn:ozmap-cancel:problem:")
        .to_owned()
}

fn assert_refused(reply: &Reply, status: u16, id: &str) {
    assert_eq!(
        (reply.status, problem(reply).as_str()),
        (status, id),
        "{reply:?}"
    );
    assert!(!reply.reply().is_empty(), "{reply:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_is_found_under_every_alias_in_any_case() {
    let world = World::new().await;
    for name in [
        "code",
        "Code",
        "CODE",
        " code ",
        "codigo",
        "Codigo",
        "código",
        "CÓDIGO",
        "co\u{301}digo",
        "reservation_code",
        "Reservation_Code",
        "reserva",
        "Reserva",
    ] {
        let reply = look(&world, json!({name: "123|123", "anything else": [1, {}]})).await;
        assert_eq!(reply.outcome(), "found", "{name}");
        assert_eq!(reply.json()["code"], "123|123", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_a_code_only_where_the_operator_says_so() {
    let world = World::with(&[
        ("CHANNELS__NUMBERS__SECRET", crate::support::SECRET),
        ("CHANNELS__NUMBERS__NUMERIC_CODES", "true"),
    ])
    .await;
    world.ozmap.reserve(json!({"code": "4711"})).await;
    world.ozmap.reserve(json!({"code": "0"})).await;
    for code in [json!("4711"), json!(" 4711\t\n"), json!(["4711", "4711"])] {
        let reply = look(&world, json!({"code": code})).await;
        assert_eq!(reply.outcome(), "found", "{code}");
    }
    // The platform has dropped a number's leading zeros.
    for number in [
        "4711",
        "0",
        "1.5",
        "1e300",
        "123456789012345678901234567890",
        "4711.0",
        "4711e0",
        "4.711E3",
    ] {
        let body = format!(r#"{{"code": {number}, "action": "lookup"}}"#);
        let reply = world
            .service
            .post("chatbot", &[], body.as_bytes())
            .await
            .unwrap();
        assert_refused(&reply, 422, "code_is_a_number");
        let detail = reply.json()["detail"].to_string();
        assert!(
            detail.contains("in quotes") && detail.contains("channels.chatbot.numeric_codes"),
            "{detail}"
        );
    }
    for (number, is_taken) in [
        ("4711", true),
        ("4711.0", true),
        ("0", true),
        ("-4711", false),
        ("1.5", false),
        ("123456789012345678901234567890", false),
    ] {
        let body = format!(r#"{{"code": {number}, "action": "lookup"}}"#);
        let reply = world
            .service
            .post("numbers", &[], body.as_bytes())
            .await
            .unwrap();
        if is_taken {
            assert_eq!(reply.outcome(), "found", "{number}");
        } else {
            assert_refused(&reply, 422, "code_is_a_number");
        }
    }
    for code in [
        json!([1]),
        json!({"a": 1}),
        json!(true),
        json!(false),
        json!([{}]),
    ] {
        assert_refused(
            &look(&world, json!({"code": code})).await,
            422,
            "not_a_text",
        );
    }
    for member in ["message_id", "conversation_id"] {
        let body = json!({"code": "4711", member: true});
        assert_refused(&look(&world, body).await, 422, "not_a_text");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_members_that_change_nothing_are_ignored() {
    let world = World::new().await;
    for (member, value) in [
        ("customer_name", json!(false)),
        ("customer_name", json!(["Ana", "Bia"])),
        ("locale", json!({})),
        ("reason", json!(true)),
        ("phone", json!({"number": 1})),
        ("phone", json!(5_548_999_990_000.5)),
    ] {
        let reply = look(&world, json!({"code": "123|123", member: value})).await;
        assert_eq!(reply.outcome(), "found", "{member} {value}");
        let line = format!("member=\"{member}\"");
        let logs = world.service.logs();
        let noted = |log: &str| log.contains("ignored an unreadable member") && log.contains(&line);
        assert!(logs.lines().any(noted), "{member}: {logs}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_empty_code_is_an_integration_error() {
    let world = World::new().await;
    for body in [json!({}), json!({"kode": "123|123"})] {
        let reply = world.ask(body).await;
        assert_refused(&reply, 422, "code_missing");
        assert_eq!(reply.json()["handoff"], true);
    }
    for code in [
        json!(null),
        json!(""),
        json!("   "),
        json!("\u{a0}"),
        json!([]),
    ] {
        let reply = world.ask(json!({"code": code})).await;
        assert_refused(&reply, 422, "not_filled_in");
        assert_eq!(reply.json()["handoff"], true);
        assert!(reply.json()["detail"].to_string().contains("`code`"));
    }
    let filled = look(
        &world,
        json!({"code": "", "codigo": null, "reserva": "123|123"}),
    )
    .await;
    assert_eq!(filled.outcome(), "found");
    assert_eq!(world.ozmap.asked().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_different_values_for_one_member_are_refused() {
    let world = World::new().await;
    for body in [
        r#"{"code":"123|123","codigo":"999|999"}"#,
        r#"{"code":"123|123","CODE":"999|999"}"#,
        r#"{"code":"123|123","code":"999|999"}"#,
        r#"{"code":"123|123","action":"cancel","Action":"lookup"}"#,
        r#"{"code":"123|123","dry_run":true,"dry_run":false}"#,
        r#"{"code":"123|123","message_id":"a","message_id":"b"}"#,
    ] {
        let reply = world.service.post("chatbot", &[], body.as_bytes()).await;
        assert_refused(&reply.unwrap(), 422, "contradiction");
    }
    let same = r#"{"code":"123|123","codigo":" 123|123","action":"lookup"}"#;
    let reply = world.service.post("chatbot", &[], same.as_bytes()).await;
    assert_eq!(reply.unwrap().outcome(), "found");
    assert!(world.ozmap.deletions().await.is_empty());
    assert!(world.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_or_a_dry_run_that_cannot_be_read_never_cancels() {
    let world = World::new().await;
    for action in [json!("delete"), json!("excluir"), json!(1)] {
        let reply = world
            .ask(json!({"code": "123|123", "action": action}))
            .await;
        assert_refused(&reply, 422, "unknown_action");
    }
    for flag in [json!("maybe"), json!(2), json!("talvez")] {
        let reply = world.ask(json!({"code": "123|123", "dry_run": flag})).await;
        assert_refused(&reply, 422, "not_a_flag");
    }
    for value in [
        json!(null),
        json!(""),
        json!([]),
        json!("{{x}}"),
        json!("undefined"),
    ] {
        for member in ["action", "dry_run"] {
            let reply = world.ask(json!({"code": "123|123", member: value})).await;
            assert_refused(&reply, 422, "not_filled_in");
        }
    }
    for value in [json!({}), json!([{}])] {
        let action = world.ask(json!({"code": "123|123", "action": value})).await;
        assert_refused(&action, 422, "not_a_text");
        let flag = world
            .ask(json!({"code": "123|123", "dry_run": value}))
            .await;
        assert_refused(&flag, 422, "not_a_text");
    }
    assert!(world.journal().is_empty());
    assert!(world.ozmap.asked().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_and_dry_run_flags_are_read_in_every_usual_spelling() {
    let world = World::new().await;
    for (n, flag) in [
        json!(true),
        json!("TRUE"),
        json!("1"),
        json!(1),
        json!("sim"),
        json!("yes"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"code": "123|123", "action": "Cancel", "dry_run": flag, "message_id": n});
        assert_eq!(world.ask(body).await.outcome(), "would_cancel", "{flag}");
    }
    for word in [" LOOKUP ", "consultar", "Consulta"] {
        let lookup = world.ask(json!({"code": "123|123", "action": word}));
        assert_eq!(lookup.await.outcome(), "found", "{word}");
    }
    assert!(world.ozmap.deletions().await.is_empty());
    let body =
        json!({"code": "123|123", "action": "cancelar", "dry_run": false, "message_id": null});
    assert_eq!(world.ask(body).await.outcome(), "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reply_is_in_the_requested_language_or_the_channels() {
    let world = World::with(&[
        ("REPLIES__DEFAULT_LOCALE", "en"),
        ("CHANNELS__PHONE__SECRET", crate::support::SECRET),
        ("CHANNELS__PHONE__LOCALE", "es_AR"),
    ])
    .await;
    let said = |body: Value| look(&world, body);
    for (tag, locale) in [
        ("pt-BR", "pt-BR"),
        ("pt", "pt-BR"),
        ("PT_br", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("es-419", "es"),
        ("ES", "es"),
        ("en-US", "en"),
        (" en ", "en"),
        ("fr", "en"),
        ("", "en"),
        ("portuguese", "en"),
    ] {
        for name in ["locale", "lang", "Idioma"] {
            let reply = said(json!({"code": "123|123", name: tag})).await;
            assert_eq!(reply.json()["locale"], locale, "{name} {tag}");
        }
    }
    assert!(
        said(json!({"code": "123|123", "lang": "es"}))
            .await
            .reply()
            .starts_with("Gabriel, encontramos la reserva 123|123, hecha el")
    );
    assert!(
        said(json!({"code": "123|123", "lang": null}))
            .await
            .reply()
            .starts_with("Gabriel, we found reservation 123|123, made on")
    );
    let body = br#"{"code":"123|123","action":"lookup"}"#;
    let phone = world.service.post("phone", &[], body).await.unwrap();
    assert_eq!(phone.json()["locale"], "es");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_name_for_the_customer_greets_and_a_hostile_one_does_not() {
    let world = World::new().await;
    let greeting = |name: Value| {
        let world = &world;
        async move {
            let reply = look(world, json!({"code": "999|999", "customer_name": name})).await;
            assert_eq!((reply.status, reply.outcome().as_str()), (200, "not_found"));
            let said = reply.reply();
            let end = said.find(" não encontramos").unwrap();
            said[..end].to_owned()
        }
    };
    for (name, expected) in [
        ("Ana Maria", "Desculpe, Ana,"),
        ("joão", "Desculpe, João,"),
        ("  MARIA-CLARA  Souza", "Desculpe, Maria-Clara,"),
    ] {
        assert_eq!(greeting(json!(name)).await, expected, "{name}");
    }
    for hostile in [
        json!(""),
        json!(null),
        json!(12345),
        json!("<b>Ana</b>"),
        json!("{{7*7}}"),
        json!("{%if%}"),
        json!("https://example.com"),
        json!("Ana.\nSua"),
        json!("Ana\u{202e}anA"),
        json!("Ana😀"),
        json!("5548999990000"),
        json!("A"),
        json!("A".repeat(31)),
        json!("*Ana*"),
        json!("'; DROP TABLE op"),
    ] {
        assert_eq!(greeting(hostile.clone()).await, "Desculpe,", "{hostile}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_are_too_long_are_refused_and_a_long_reason_is_cut() {
    let world = World::new().await;
    let long = "x".repeat(257);
    for name in ["message_id", "conversation_id", "phone"] {
        let reply = world.ask(json!({"code": "9|9", name: long})).await;
        assert_refused(&reply, 422, "too_long");
        let detail = reply.json()["detail"].to_string();
        assert!(detail.contains(name), "{name}: {detail}");
    }
    // A phone number that the request does not need decides nothing.
    let both = json!({"code": "123|123", "conversation_id": "c-1", "phone": long});
    assert_eq!(look(&world, both).await.outcome(), "found");
    let header = world
        .service
        .post(
            "chatbot",
            &[("Idempotency-Key", &long)],
            br#"{"code":"123|123"}"#,
        )
        .await
        .unwrap();
    assert_refused(&header, 422, "too_long");
    let long_code = world.ask(json!({"code": "8".repeat(129)})).await;
    assert_eq!(long_code.outcome(), "invalid_code");
    assert_eq!(long_code.json()["code"].as_str().unwrap().len(), 128);
    assert!(world.journal().is_empty());

    let body = json!({"code": "123|123", "reason": format!("{}END", "mudança ".repeat(100)), "message_id": "x".repeat(256)});
    assert_eq!(world.ask(body).await.outcome(), "cancelled");
    let shown = world
        .service
        .launch()
        .run(&["journal", "show", "123|123", "--json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let reason = shown["customers_reason"].as_str().unwrap();
    assert_eq!(reason.chars().count(), 500);
    assert!(reason.starts_with("mudança mudança"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impossible_code_never_reaches_ozmap() {
    let world = World::new().await;
    for code in [
        ".",
        "..",
        " .. ",
        "a\u{0}b",
        "a\nb",
        "a\rb",
        "123\u{200b}|123",
        "3\u{202e}21",
        "a\u{2028}b",
        "\u{fffd}",
    ] {
        let reply = world
            .ask(json!({"code": code, "message_id": code.len()}))
            .await;
        assert_eq!(
            (reply.status, reply.outcome().as_str()),
            (200, "invalid_code"),
            "{code:?}"
        );
        let json = reply.json();
        assert_eq!(
            (&json["final"], &json["handoff"], &json["protocol"]),
            (&json!(true), &json!(false), &json!(""))
        );
    }
    assert!(world.ozmap.asked().await.is_empty());
    assert!(world.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_looks_like_a_path_is_sent_as_one_segment() {
    let world = World::new().await;
    for code in [
        "../properties",
        "..%2f..",
        "%2e%2e",
        "a?code=123|123",
        "a#b",
        "\\..\\..",
        "...",
        "a' OR 1=1 --",
        "*",
    ] {
        let reply = world
            .ask(json!({"code": code, "conversation_id": code}))
            .await;
        assert_eq!(reply.outcome(), "not_found", "{code}");
        let shown = code.replace("%2f", "/");
        assert!(reply.reply().contains(&shown), "{}", reply.reply());
    }
    for call in world.ozmap.asked().await {
        // The service may send a code with a slash in a query too, because some proxies decode %2F.
        if call == "GET /api/v2/ftth-clients" {
            continue;
        }
        let segment = call.strip_prefix("GET /api/v2/properties/client/");
        let segment = segment.unwrap_or_else(|| panic!("another call: {call}"));
        assert!(!segment.contains(['/', '?', '#', '\\']), "{call}");
    }
    assert!(world.ozmap.deletions().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_pattern_must_match_the_whole_code() {
    let world = World::with(&[("POLICY__CODE_PATTERN", r"[0-9]+\|[0-9]+|abc")]).await;
    for code in [
        "reservation_123",
        "123|123x",
        "x123|123",
        "abcd",
        "123|123 abc",
    ] {
        let reply = world.ask(json!({"code": code, "message_id": code})).await;
        assert_eq!(reply.outcome(), "invalid_code", "{code}");
    }
    assert!(world.ozmap.asked().await.is_empty());
    for code in [" 123|123 ", "abc"] {
        let reply = look(&world, json!({"code": code})).await;
        assert_ne!(reply.outcome(), "invalid_code", "{code}");
    }
}
