//! The same mistakes through the real service: OZmap's state before and after, the caller's answer,
//! and the operator's view.

use serde_json::{Value, json};

use crate::support::http::send;
use crate::support::{Reply, SECRET, World};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

async fn post(world: &World, target: &str, content_type: &str, body: &str) -> Reply {
    let bearer = format!("Bearer {SECRET}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", content_type),
    ];
    let path = format!("/webhooks/{target}");
    let address = world.service.address();
    send(address, "POST", &path, &headers, body.as_bytes())
        .await
        .unwrap()
}

async fn world() -> World {
    World::with(&[
        ("CHANNELS__EVO__PRESET", "evolution"),
        ("CHANNELS__EVO__SECRET", SECRET),
        ("CHANNELS__URA__PRESET", "text"),
        ("CHANNELS__URA__SECRET", SECRET),
        ("CHANNELS__CX__PRESET", "dialogflow-cx"),
        ("CHANNELS__CX__SECRET", SECRET),
    ])
    .await
}

/// The published examples of past mistakes, and others of their kinds: the service deletes only
/// what a caller asked for.
#[tokio::test(flavor = "multi_thread")]
async fn no_misunderstanding_deletes_a_reservation() {
    let world = world().await;
    for code in ["A", "AB", "AB&12", "A1", "555", "0555", "75|75"] {
        world.ozmap.reserve(json!({"code": code})).await;
    }
    let cx = |parameters: Value| {
        json!({"detectIntentResponseId": "x", "fulfillmentInfo": {"tag": "cancel-reservation"},
               "sessionInfo": {"session": "s", "parameters": parameters}})
        .to_string()
    };
    let evolution = json!({"query": "cancelar 75|75", "user": "554899@s.whatsapp.net"}).to_string();
    let cases: Vec<(&str, &str, String)> = vec![
        (
            "chatbot",
            JSON,
            json!({"code": "A", "dryRun": true}).to_string(),
        ),
        (
            "chatbot",
            JSON,
            json!({"codigo": "A", "acao": "consultar"}).to_string(),
        ),
        (
            "chatbot?dry_run=true",
            JSON,
            json!({"code": "A"}).to_string(),
        ),
        (
            "chatbot?action=lookup",
            JSON,
            json!({"code": "A"}).to_string(),
        ),
        (
            "chatbot",
            JSON,
            json!({"code": "A", "dry_run": null}).to_string(),
        ),
        (
            "chatbot",
            JSON,
            json!({"code": "A", "action": ""}).to_string(),
        ),
        (
            "chatbot",
            JSON,
            json!({"code": "A", "options": {"dry_run": true}}).to_string(),
        ),
        ("chatbot", JSON, json!({"code": 555}).to_string()),
        ("chatbot", JSON, "{\"code\":0555}".to_owned()),
        ("evo?dry_run", JSON, evolution.clone()),
        ("evo?dryRun=1", JSON, evolution),
        ("ura", FORM, "code=AB&12&call_id=1".to_owned()),
        ("ura", FORM, "code=AB&C=1&call_id=1".to_owned()),
        ("ura", FORM, "code=A%31&call_id=1".to_owned()),
        ("ura?action=lookup", FORM, "code=A&call_id=1".to_owned()),
        ("ura", FORM, "code=A&call_id=1&simular=sim".to_owned()),
        (
            "cx",
            JSON,
            cx(json!({"reservation_code": "A", "dryRun": true})),
        ),
        (
            "cx",
            JSON,
            cx(json!({"reservation_code": "A", "ação": "consultar"})),
        ),
        ("cx", JSON, cx(json!({"reservation_code": 555}))),
    ];
    for (target, content_type, body) in &cases {
        let reply = post(&world, target, content_type, body).await;
        assert!(
            matches!(reply.status, 200 | 400 | 422),
            "{target} {body}: {reply:?}"
        );
        assert!(
            world.ozmap.deletions().await.is_empty(),
            "{target} {body}: {reply:?}"
        );
    }
    let real: Vec<Value> = world
        .journal()
        .into_iter()
        .filter(|row| row["dry_run"] == false)
        .collect();
    assert!(real.is_empty(), "{real:?}");
}

/// A blank in a form may have been a plus: if both codes are reserved, an agent chooses; if one is,
/// the request means that one.
#[tokio::test(flavor = "multi_thread")]
async fn an_unencoded_plus_deletes_only_what_is_the_only_reading() {
    let world = world().await;
    for code in ["A+B", "A B", "C+D", "E F"] {
        world.ozmap.reserve(json!({"code": code})).await;
    }
    let outcome = |reply: Reply| reply.body.split('|').next().unwrap_or_default().to_owned();
    let ask = |code: &str, call: &str| {
        let body = format!("code={code}&call_id={call}");
        let world = &world;
        async move { outcome(post(world, "ura", FORM, &body).await) }
    };
    assert_eq!(ask("A+B", "1").await, "review");
    assert_eq!(ask("C+D", "2").await, "cancelled");
    assert_eq!(ask("E+F", "3").await, "cancelled");
    assert!(world.ozmap.holds("C+D").await.is_empty());
    assert!(world.ozmap.holds("E F").await.is_empty());
    assert_eq!(world.ozmap.deletions().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_filled_in_is_loud_and_counts_against_no_customer() {
    let world = world().await;
    for n in 0..7 {
        let body = json!({"code": "{{codigo}}", "conversation_id": "c-1", "message_id": n});
        let reply = world.ask(body).await;
        assert_eq!(reply.status, 422, "{reply:?}");
        let json = reply.json();
        assert_eq!(json["type"], "urn:ozmap-cancel:problem:not_filled_in");
        assert_eq!(json["handoff"], true);
        assert!(json["detail"].to_string().contains("`code`"), "{json}");
    }
    // The refused requests do not count as attempts, and the placeholder does not make six
    // customers one.
    for n in 0..6 {
        let body = json!({"code": format!("{n}|9"), "conversation_id": "{{conversation}}", "message_id": "undefined"});
        assert_eq!(world.ask(body).await.outcome(), "not_found", "{n}");
    }
    let last = world
        .ask(json!({"code": "123|123", "conversation_id": "c-1"}))
        .await;
    assert_eq!(last.outcome(), "cancelled");
    let warned = |member: &str| {
        let logs = world.service.logs();
        let member = format!("member=\"{member}\"");
        logs.lines()
            .filter(|line| line.contains("WARN") && line.contains("did not fill in a member"))
            .filter(|line| line.contains("channel=\"chatbot\"") && line.contains(&member))
            .count()
    };
    assert_eq!(
        (
            warned("code"),
            warned("message_id"),
            warned("conversation_id")
        ),
        (7, 6, 6)
    );
    let address = world.service.address();
    let health = send(address, "GET", "/health", &[], b"")
        .await
        .unwrap()
        .json();
    assert_eq!(
        health["channels"]["chatbot"]["not_filled_in"], 19,
        "{health}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_webhook_has_one_line_in_the_log_without_a_word_of_the_customer() {
    let world = world().await;
    let lines = || -> Vec<String> {
        let logs = world.service.logs();
        let ours = logs
            .lines()
            .filter(|line| line.contains("webhook answered"));
        ours.map(str::to_owned).collect()
    };
    world.ask(json!({"code": "123|123", "conversation_id": "c-77", "message_id": "m-77", "customer_name": "Zacarias"})).await;
    world
        .ask(json!({"code": "123|123", "conversation_id": "c-77", "message_id": "m-77"}))
        .await;
    world.ask(json!({"code": "9|9", "action": "lookup"})).await;
    world
        .ask(json!({"code": "9|9", "dry_run": true, "conversation_id": "{{x}}"}))
        .await;
    world.ask(json!({"code": ""})).await;
    let evolution = json!({"query": "oi", "user": "554899@s.whatsapp.net"}).to_string();
    post(&world, "evo", JSON, &evolution).await;
    let found = crate::support::eventually("six lines", async || {
        let lines = lines();
        (lines.len() >= 6).then_some(lines)
    })
    .await;
    assert_eq!(found.len(), 6, "{found:#?}");
    for (line, parts) in found.iter().zip([
        &[
            "action=\"cancel\"",
            "dry_run=false",
            "key=\"used\"",
            "conversation=\"used\"",
            "status=200",
            "outcome=\"cancelled\"",
            "replayed=false",
            "elapsed_ms=",
        ][..],
        &[
            "action=\"cancel\"",
            "outcome=\"cancelled\"",
            "replayed=true",
        ],
        &[
            "action=\"lookup\"",
            "key=\"absent\"",
            "conversation=\"absent\"",
            "outcome=\"not_found\"",
        ],
        &[
            "action=\"cancel\"",
            "dry_run=true",
            "conversation=\"not_filled_in\"",
            "outcome=\"not_found\"",
        ],
        &[
            "action=\"nothing\"",
            "status=422",
            "outcome=\"not_filled_in\"",
        ],
        &["channel=\"evo\"", "action=\"ask_code\"", "status=200"],
    ]) {
        for part in parts {
            assert!(line.contains(part), "{part}: {line}");
        }
        for private in ["123|123", "9|9", "Zacarias", "c-77", "m-77", "554899"] {
            assert!(!line.contains(private), "{line}");
        }
    }
}

/// The service does not repeat the same question endlessly in a chat that it cannot understand,
/// even after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn after_two_failures_in_a_chat_a_person_goes_on() {
    let mut world = world().await;
    let write = |world: &World, user: &str, text: &str| {
        let body = json!({"query": text, "user": format!("{user}@s.whatsapp.net")}).to_string();
        let address = world.service.address();
        async move {
            let bearer = format!("Bearer {SECRET}");
            let headers = [("Authorization", bearer.as_str()), ("Content-Type", JSON)];
            let reply = send(address, "POST", "/webhooks/evo", &headers, body.as_bytes());
            reply.await.unwrap().json()["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        }
    };
    let person = "Para continuar, fale com a nossa equipe";
    for (text, is_person) in [
        ("cancelar 12345678", false),
        ("cancelar 12345678", true),
        ("cancelar 12345678", true),
    ] {
        let said = write(&world, "5548999990001", text).await;
        assert_eq!(said.contains(person), is_person, "{text}: {said}");
    }
    // A greeting and a plain wish are not failures, and the service counts failures for each
    // customer.
    for (text, is_person) in [("oi", false), ("quero cancelar", false), ("não sei", true)] {
        let said = write(&world, "5548999990002", text).await;
        assert_eq!(said.contains(person), is_person, "{text}: {said}");
    }
    world.restart().await;
    let said = write(&world, "5548999990001", "cancelar 12345678").await;
    assert!(said.contains(person), "{said}");
    // A code without a reservation is a failure; a cancelled one ends the count.
    for (text, is_person) in [
        ("cancelar 9|9", true),
        ("cancelar 123|123", false),
        ("cancelar 12345678", false),
    ] {
        let said = write(&world, "5548999990001", text).await;
        assert_eq!(
            said.contains(person) && !said.contains("não encontramos"),
            is_person && !said.contains("não encontramos"),
            "{text}: {said}"
        );
        if text.contains("123|123") {
            assert!(said.contains("foi cancelada"), "{said}");
        }
    }
}

/// A placeholder that platforms send for every withheld number or key never makes two customers
/// one.
#[tokio::test(flavor = "multi_thread")]
async fn a_withheld_number_and_an_empty_signed_key_identify_no_customer() {
    let world = world().await;
    for from in [
        "sip:anonymous@anonymous.invalid",
        "\"Anonymous\" <sip:anonymous@anonymous.invalid>",
        "Número privado",
        "+7378742833",
    ] {
        for n in 0..6 {
            let form = form_urlencoded::Serializer::new(String::new())
                .append_pair("code", &format!("{n}|{from}"))
                .append_pair("from", from)
                .finish();
            let reply = post(&world, "ura", FORM, &form).await;
            assert!(
                reply.body.starts_with("not_found|"),
                "{from} {n}: {reply:?}"
            );
        }
    }
    for key in ["undefined", "{{id}}", "null", "-"] {
        for n in 0..2 {
            let body = json!({"code": format!("{n}|{}", key.len())}).to_string();
            let bearer = format!("Bearer {SECRET}");
            let headers = [("Authorization", bearer.as_str()), ("webhook-id", key)];
            let address = world.service.address();
            let reply = send(
                address,
                "POST",
                "/webhooks/chatbot",
                &headers,
                body.as_bytes(),
            );
            assert_eq!(reply.await.unwrap().outcome(), "not_found", "{key} {n}");
        }
    }
    for (member, value) in [
        (
            "conversation",
            json!({"id": 12, "status": "open", "meta": {}}),
        ),
        ("chat", json!({"id": 42, "type": "private"})),
    ] {
        let reply = world.ask(json!({"code": "8|8", member: value})).await;
        assert_eq!(reply.outcome(), "not_found", "{member}: {reply:?}");
    }
}
