//! Refused requests: answered in the platform's own form and the caller's language, and with
//! nothing that an unauthenticated caller sent.

use crate::support::http::send;
use crate::support::{Reply, SECRET, World};

const PUBLIC: &str = "https://hook.example.com";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

async fn ask(
    world: &World,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    let path = format!("/webhooks/{path}");
    send(
        world.service.address(),
        method,
        &path,
        headers,
        body.as_bytes(),
    )
    .await
    .unwrap()
}

/// A world with a channel for each of these presets, under its own name and with the secret as a
/// bearer token.
async fn world(presets: &[&str], more: &[(&str, &str)]) -> World {
    let mut settings = vec![("SERVER__PUBLIC_URL".to_owned(), PUBLIC.to_owned())];
    for preset in presets {
        for (key, value) in [("PRESET", *preset), ("AUTH", "bearer"), ("SECRET", SECRET)] {
            let name = format!("CHANNELS__{}__{key}", preset.to_uppercase());
            settings.push((name, value.to_owned()));
        }
    }
    let settings: Vec<(&str, &str)> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain(more.iter().copied())
        .collect();
    World::with(&settings).await
}

fn bearer() -> String {
    format!("Bearer {SECRET}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_is_answered_with_the_allowed_ones() {
    let presets = ["freeswitch-httapi", "voicexml", "jambonz", "vonage", "text"];
    let world = world(&presets, &[]).await;
    let bearer = bearer();
    for (channel, allowed) in [
        ("freeswitch-httapi", "GET, POST"),
        ("voicexml", "GET, POST"),
        ("jambonz", "POST"),
        ("vonage", "POST"),
        ("text", "POST"),
        ("chatbot", "POST"),
    ] {
        for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
            let headers = [("Authorization", bearer.as_str())];
            let path = format!("{channel}?code=123%7C123&call_id=c&session_id=c&action=lookup");
            let reply = ask(&world, method, &path, &headers, "").await;
            if allowed.split(", ").any(|one| one == method) {
                assert_eq!(reply.status, 200, "{channel} {method}: {reply:?}");
                continue;
            }
            assert_eq!(reply.status, 405, "{channel} {method}: {reply:?}");
            assert_eq!(reply.header("allow"), Some(allowed), "{channel} {method}");
        }
    }
    assert!(
        world
            .journal()
            .iter()
            .all(|row| row["outcome"] != "not_found")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_401_names_the_channels_scheme_in_the_callers_language() {
    let user = format!("user:{SECRET}");
    let world = world(
        &["text"],
        &[
            ("CHANNELS__TEXT__ALSO__BASIC__SECRET", &user),
            ("CHANNELS__TEXT__LOCALE", "en"),
        ],
    )
    .await;
    let code = "code=never%7Cheard&call_id=canary&format=hash";
    for (lang, sentence) in [
        ("", "team"),
        ("&lang=es", "equipo"),
        ("&lang=pt-BR", "equipe"),
    ] {
        let reply = ask(&world, "POST", "text", &[FORM], &format!("{code}{lang}")).await;
        assert_eq!(reply.status, 401, "{reply:?}");
        assert_eq!(
            reply.header("www-authenticate"),
            Some("Basic realm=\"ozmap-cancel\"")
        );
        assert_eq!(
            reply.header("content-type"),
            Some("application/x-www-form-urlencoded")
        );
        assert!(
            reply.body.starts_with("outcome=not_authenticated&reply="),
            "{reply:?}"
        );
        assert!(reply.body.contains(sentence), "{lang}: {reply:?}");
        assert!(
            !reply.body.contains("canary") && !reply.body.contains("never"),
            "{reply:?}"
        );
    }
    let body = r#"{"code":"123|123","locale":"es","name":"canary"}"#;
    let native = ask(&world, "POST", "chatbot", &[], body).await;
    assert_eq!(native.status, 401);
    assert_eq!(
        native.header("www-authenticate"),
        Some("Bearer realm=\"ozmap-cancel\"")
    );
    assert!(native.reply().contains("equipo"), "{native:?}");
    assert!(!native.body.contains("canary"));
    assert!(world.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_authorization_header_is_refused() {
    let user = format!("user:{SECRET}");
    let world = world(&["text"], &[("CHANNELS__TEXT__ALSO__BASIC__SECRET", &user)]).await;
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &user);
    let (bearer, basic) = (bearer(), format!("Basic {encoded}"));
    let body = "code=123%7C123&action=lookup&format=outcome";
    for one in [&bearer, &basic] {
        let reply = ask(
            &world,
            "POST",
            "text",
            &[FORM, ("Authorization", one)],
            body,
        )
        .await;
        assert_eq!((reply.status, reply.body.as_str()), (200, "found"));
        for other in [bearer.as_str(), basic.as_str(), "Bearer x", ""] {
            let headers = [FORM, ("Authorization", one), ("authorization", other)];
            let reply = ask(&world, "POST", "text", &headers, body).await;
            assert_eq!(reply.status, 401, "{one} and {other}: {reply:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_request_is_answered_in_the_callers_form_and_language() {
    let world = world(&["text", "lex", "dialogflow-es"], &[]).await;
    let bearer = bearer();
    let headers = [FORM, ("Authorization", bearer.as_str())];
    // No code; the request names its format and its language.
    let reply = ask(&world, "POST", "text", &headers, "lang=en&format=reply").await;
    assert_eq!(reply.status, 422);
    assert!(reply.body.starts_with("Sorry"), "{reply:?}");
    // The body is unreadable; the query still counts.
    let reply = ask(
        &world,
        "POST",
        "text?format=outcome",
        &headers,
        "{\"code\":",
    )
    .await;
    assert_eq!((reply.status, reply.body.as_str()), (400, "malformed_json"));
    let large = format!("code=1&reason={}", "x".repeat(70_000));
    let reply = ask(&world, "POST", "text?format=outcome", &headers, &large).await;
    assert_eq!((reply.status, reply.body.as_str()), (413, "too_large"));
    let reply = ask(
        &world,
        "POST",
        "text",
        &headers,
        "code=1&action=burn&format=hash&lang=es",
    )
    .await;
    assert_eq!(reply.status, 422);
    assert!(
        reply
            .body
            .starts_with("outcome=unknown_action&reply=Disculpe"),
        "{reply:?}"
    );
    // Lex accepts only the name of an intent that it knows.
    let intent = |slots: &str, locale: &str| {
        format!(
            r#"{{"invocationSource":"FulfillmentCodeHook","sessionId":"s","bot":{{"localeId":"{locale}"}},"sessionState":{{"intent":{{"name":"CancelIt","confirmationState":"Confirmed","slots":{slots},"state":"ReadyForFulfillment"}}}}}}"#
        )
    };
    let reply = ask(&world, "POST", "lex", &headers[1..], &intent("{}", "en_US")).await;
    assert_eq!(reply.status, 200);
    let json = reply.json();
    assert_eq!(json["sessionState"]["intent"]["name"], "CancelIt");
    assert!(
        json["messages"][0]["content"]
            .as_str()
            .unwrap()
            .starts_with("Sorry"),
        "{json}"
    );
    let anonymous = ask(&world, "POST", "lex", &[], &intent("{}", "es_US")).await;
    assert_eq!(anonymous.status, 401);
    assert_eq!(
        anonymous.json()["sessionState"]["intent"]["name"],
        "FallbackIntent"
    );
    assert!(anonymous.body.contains("equipo") && !anonymous.body.contains("CancelIt"));
    // Dialogflow ES keeps its context only under the name of its own session.
    let session = "projects/p/agent/sessions/s1";
    let body = format!(
        r#"{{"session":"{session}","queryResult":{{"action":"cancel.reservation","parameters":{{}},"allRequiredParamsPresent":true,"languageCode":"es"}}}}"#
    );
    let reply = ask(&world, "POST", "dialogflow-es", &headers[1..], &body).await;
    assert!(
        reply.body.contains(&format!("{session}/contexts/ozmap")),
        "{reply:?}"
    );
    assert!(
        reply.json()["fulfillmentText"]
            .as_str()
            .unwrap()
            .starts_with("Disculpe")
    );
    let anonymous = ask(&world, "POST", "dialogflow-es", &[], &body).await;
    assert_eq!(anonymous.status, 401);
    assert!(!anonymous.body.contains(session), "{anonymous:?}");
    assert!(world.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_503_during_an_ozmap_outage_keeps_the_callers_form_and_language() {
    let world = world(
        &["text", "lex"],
        &[("OZMAP__BASE_URL", "http://127.0.0.1:1")],
    )
    .await;
    let bearer = bearer();
    let headers = [FORM, ("Authorization", bearer.as_str())];
    let body = "code=123%7C123&action=lookup&format=hash&lang=en";
    let reply = ask(&world, "POST", "text", &headers, body).await;
    assert_eq!(reply.status, 503, "{reply:?}");
    assert!(reply.header("retry-after").is_some());
    assert!(
        reply.body.starts_with("outcome=ozmap&reply=Sorry"),
        "{reply:?}"
    );
    let body = r#"{"invocationSource":"FulfillmentCodeHook","sessionId":"s","bot":{"localeId":"es_US"},"sessionState":{"intent":{"name":"CancelIt","confirmationState":"Confirmed","slots":{"code":{"value":{"interpretedValue":"123|123"}}}}}}"#;
    let reply = ask(&world, "POST", "lex?action=lookup", &headers[1..], body).await;
    assert_eq!(reply.status, 200, "Lex reads no other: {reply:?}");
    assert!(reply.header("retry-after").is_some());
    assert!(
        reply.body.contains("CancelIt") && reply.body.contains("Disculpe"),
        "{reply:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limited_channel_is_refused_before_anything_is_accepted() {
    let limits = [
        ("CHANNELS__TEXT__PER_SECOND_MAX", "2"),
        ("CHANNELS__LEX__PER_SECOND_MAX", "1"),
    ];
    let world = world(&["text", "lex"], &limits).await;
    let bearer = bearer();
    let headers = [FORM, ("Authorization", bearer.as_str())];
    // Neither an unauthenticated nor a malformed request uses up the allowance.
    for _ in 0..20 {
        let anonymous = ask(&world, "POST", "text", &[FORM], "code=123%7C123").await;
        assert_eq!(anonymous.status, 401);
        let nothing = ask(&world, "POST", "text", &headers, "").await;
        assert_eq!(nothing.status, 422);
    }
    let mut refused = Vec::new();
    let mut accepted = 0;
    for number in 0..200 {
        // An installed customer: one look-up decides, so the requests come fast.
        let body = format!("code=test-status&format=hash&lang=es&call_id={number}");
        let reply = ask(&world, "POST", "text", &headers, &body).await;
        match reply.status {
            200 => accepted += 1,
            _ => refused.push(reply),
        }
        if refused.len() == 3 {
            break;
        }
    }
    assert!(accepted >= 5, "{accepted}");
    for reply in &refused {
        assert_eq!(reply.status, 429, "{reply:?}");
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert!(
            reply.body.starts_with("outcome=too_fast&reply=Disculpe"),
            "{reply:?}"
        );
    }
    assert_eq!(refused.len(), 3, "the rate limit was never reached");
    assert_eq!(world.journal().len(), accepted);
    // Another channel has an allowance of its own.
    let native = world
        .service
        .post("chatbot", &[], br#"{"code":"no-such","action":"lookup"}"#);
    assert_eq!(native.await.unwrap().outcome(), "not_found");
    // A platform that reads only 200 gets the sentence.
    let mut last = None;
    for number in 0..100 {
        let body = format!(
            r#"{{"invocationSource":"FulfillmentCodeHook","sessionId":"{number}","sessionState":{{"intent":{{"name":"CancelIt","confirmationState":"Confirmed","slots":{{"code":{{"value":{{"interpretedValue":"no-{number}"}}}}}}}}}}}}"#
        );
        let reply = ask(&world, "POST", "lex", &headers[1..], &body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        if reply.header("retry-after").is_some() {
            last = Some(reply);
            break;
        }
    }
    let last = last.expect("the rate limit of the second channel was never reached");
    assert_eq!(
        last.json()["sessionState"]["sessionAttributes"]["ozmap_outcome"],
        "too_fast"
    );
}
