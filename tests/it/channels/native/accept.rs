//! The `Accept` header: JSON or one line of text.

use crate::support::{Reply, World};

async fn accepting(world: &World, accept: &[&str], body: &str) -> Reply {
    let headers: Vec<(&str, &str)> = accept.iter().map(|value| ("Accept", *value)).collect();
    world
        .service
        .post("chatbot", &headers, body.as_bytes())
        .await
        .unwrap()
}

const LOOKUP: &str = r#"{"code":"123|123","action":"lookup"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_prefers_text_gets_one_line() {
    let world = World::new().await;
    for accept in [
        &["text/plain"][..],
        &["TEXT/PLAIN; charset=utf-8"],
        &["text/plain, application/json;q=0.5"],
        &["application/json;q=0.2", "text/plain;q=0.3"],
        &["text/plain, */*;q=0.1"],
    ] {
        let reply = accepting(&world, accept, LOOKUP).await;
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        assert!(
            reply
                .body
                .starts_with("Gabriel, encontramos a reserva 123|123"),
            "{accept:?} {}",
            reply.body
        );
        assert!(!reply.body.contains(['\n', '\r', '{']));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_accepts_both_gets_json() {
    let world = World::new().await;
    for accept in [
        &[][..],
        &[""],
        &["*/*"],
        &["application/json"],
        &["application/json, text/plain, */*"],
        &[
            "application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, image/*;q=0.8, */*;q=0.7",
        ],
        &["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
        &["text/plain, application/json"],
        &["text/plain;q=0"],
        &["text/plain;q=banana, application/json"],
        &["text/*"],
        &[",;,=;q=,"],
    ] {
        let reply = accepting(&world, accept, LOOKUP).await;
        assert_eq!(
            reply.header("content-type"),
            Some("application/json"),
            "{accept:?}"
        );
        assert_eq!(reply.outcome(), "found", "{accept:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_text_for_a_caller_that_prefers_text() {
    let world = World::new().await;
    let reply = accepting(&world, &["text/plain"], "{").await;
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(
        reply.body,
        "Desculpe, não é possível fazer isso por aqui agora. Este pedido não alterou nada. Para continuar, fale com a nossa equipe."
    );
}
