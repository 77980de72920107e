//! An absence is believed only from a server that is known to be OZmap and accepts the key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ozmap_cancel::ozmap::{FailureKind, NotFoundAnswer};

use super::rig::{LOOKUP, Rig, one, word};
use super::stand_in::{Act, answer, empty, json};
use crate::support::Launch;

const AUTHENTICATED: &str = "/api/v2/authenticated";
/// Every lookup by path, also of near spellings.
const LOOKUPS: &str = "/api/v2/properties/client/";
const PROJECTS: &str = "/api/v2/projects?limit=1&select=name";

/// The list of clients.
const CLIENTS: &str = "/api/v2/ftth-clients?";

/// The response of Express for a missing route.
fn no_route() -> Vec<u8> {
    answer(404, "", b"Cannot GET /api/v2/ftth-clients")
}

/// A server with three routes and no list of clients.
async fn server(lookup: Vec<u8>, authenticated: Vec<u8>, projects: Vec<u8>) -> Rig {
    Rig::new(move |request| {
        vec![Act::Send(match request.target.as_str() {
            target if target.starts_with(LOOKUPS) => lookup.clone(),
            AUTHENTICATED => authenticated.clone(),
            PROJECTS => projects.clone(),
            // No cross-check.
            target if target.starts_with(CLIENTS) => no_route(),
            other => panic!("asked for {other}"),
        })]
    })
    .await
}

fn not_founds() -> Vec<Vec<u8>> {
    vec![
        json(404, "{\"message\":\"Not Found\"}"),
        json(404, "\"Imóvel não encontrado\""),
        json(404, "[]"),
        answer(404, "Content-Type: text/plain\r\n", b"Not Found"),
        answer(404, "", b""),
        empty(204),
        json(200, "null"),
        json(200, "{}"),
    ]
}

#[tokio::test]
async fn not_found_is_believed_only_after_a_probe_accepts_the_key() {
    let missing = || json(404, "{}");
    for nothing in not_founds() {
        let by_contrast = if nothing.starts_with(b"HTTP/1.1 404") {
            "absent"
        } else {
            "ozmap_shape"
        };
        for (authenticated, projects, expected) in [
            // A response other than the 404, but an absence again if that was answered with
            // success.
            (json(200, "{}"), missing(), by_contrast),
            (empty(204), missing(), by_contrast),
            (json(200, "{}"), json(200, "[]"), "absent"),
            (json(200, "{\"valid\":true}"), missing(), "absent"),
            (missing(), json(200, "[]"), "absent"),
            (missing(), json(200, "{\"total\":0,\"rows\":[]}"), "absent"),
            (missing(), missing(), "ozmap_shape"),
            (missing(), json(200, "{}"), "ozmap_shape"),
            (missing(), json(200, ""), "ozmap_shape"),
            (missing(), json(404, "[]"), "ozmap_status"),
            (missing(), json(401, "[]"), "ozmap_unauthorized"),
            (missing(), answer(200, "", b"<html>"), "ozmap_shape"),
            (answer(200, "", b"<html>"), json(200, "[]"), "ozmap_html"),
            (
                json(401, "\"Unauthorized\""),
                json(200, "[]"),
                "ozmap_unauthorized",
            ),
            (json(403, ""), json(200, "[]"), "ozmap_forbidden"),
            (json(500, ""), json(200, "[]"), "ozmap_server_error"),
            (
                answer(302, "Location: /\r\n", b""),
                json(200, "[]"),
                "ozmap_redirect",
            ),
        ] {
            let rig = server(nothing.clone(), authenticated, projects).await;
            assert_eq!(word(&rig.judged("123|123").await), expected);
        }
    }
}

/// A stub or a firewall that answers every request with an empty success.
#[tokio::test]
async fn a_server_that_answers_everything_with_nothing_is_not_ozmap() {
    for nothing in [empty(204), json(200, "null"), json(200, "{}")] {
        let stub = nothing.clone();
        let rig = Rig::new(move |_| vec![Act::Send(stub.clone())]).await;
        assert_eq!(word(&rig.judged("123|123").await), "ozmap_shape");
        let seen = rig.recheck_by_id().await;
        assert!(seen.is_err(), "not gone: {seen:?}");
        // A list of projects, or a response about the key, shows that it is OZmap.
        let (key, projects) = (json(200, "{\"valid\":true}"), json(200, "[]"));
        for rig in [
            server(nothing.clone(), nothing.clone(), projects).await,
            server(nothing.clone(), key, json(500, "")).await,
        ] {
            assert_eq!(word(&rig.judged("123|123").await), "absent");
        }
    }
}

/// `check` warns the operator that such an OZmap will never be believed about an absence, before
/// customers wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn check_warns_when_an_absence_will_never_be_believed() {
    let folder = tempfile::tempdir().unwrap();
    let journal = format!("sqlite:{}", folder.path().join("journal.db").display());
    let (silent, key) = (json(200, "{}"), json(200, "{\"valid\":true}"));
    let (list, forbidden) = (json(200, "[]"), json(403, ""));
    for (authenticated, projects, believed, is_warned) in [
        (&silent, &forbidden, "404,null", true),
        (&silent, &silent, "null", true),
        (&silent, &forbidden, "404", false),
        (&silent, &list, "404,null", false),
        (&key, &forbidden, "404,null", false),
    ] {
        let rig = server(json(404, ""), authenticated.clone(), projects.clone()).await;
        let checked = Launch::new(&rig.server.url(), &journal)
            .set("OZMAP__NOT_FOUND_ANSWERS", believed)
            .run(&["check"]);
        let result = String::from_utf8(checked.stdout).unwrap();
        assert_eq!(checked.status.code(), Some(0), "{result}");
        let warned =
            result.contains("warning  OZmap") && result.contains("allow the key to list projects");
        assert_eq!(warned, is_warned, "{believed}: {result}");
    }
}

#[tokio::test]
async fn a_missing_route_is_never_a_missing_reservation() {
    for body in [
        "Cannot GET /api/v2/properties/client/123%7C123",
        "<pre>Cannot GET /api</pre>",
        "{\"message\":\"Cannot GET /api\",\"statusCode\":404}",
    ] {
        let rig = server(json(404, body), json(200, "{}"), json(200, "[]")).await;
        let error = rig.lookup().await.unwrap_err();
        assert!(
            matches!(error.kind, FailureKind::Status | FailureKind::Html),
            "{body}"
        );
    }
}

/// Without the list of clients the same absence has to be answered twice; if it is not an empty
/// list, a probe has to succeed.
#[tokio::test]
async fn an_empty_list_is_repeated_and_any_other_absence_is_probed_and_repeated() {
    let rig = server(json(200, "[]"), json(500, ""), json(500, "")).await;
    assert_eq!(word(&rig.judged("123|123").await), "absent");
    assert_eq!(lookups(&rig), [LOOKUP; 3]);

    let rig = server(json(404, ""), json(200, "{}"), json(500, "")).await;
    for _ in 0..2 {
        assert_eq!(word(&rig.judged("123|123").await), "absent");
    }
    let once = [LOOKUP, LOOKUP, AUTHENTICATED, LOOKUP];
    assert_eq!(lookups(&rig), once.repeat(2));
}

/// The requests without cross-checks and near spellings.
fn lookups(rig: &Rig) -> Vec<String> {
    let asked = rig.server.requests().into_iter();
    let mut targets: Vec<String> = asked.map(|request| request.target).collect();
    targets.retain(|target| !target.starts_with(CLIENTS) && !target.contains("%20"));
    targets
}

/// A gateway that can be switched to answer everything with its own 404.
async fn gateway() -> (Rig, Arc<AtomicBool>) {
    let is_lost = Arc::new(AtomicBool::new(false));
    let lost = is_lost.clone();
    let rig = Rig::new(move |request| {
        vec![Act::Send(match request.target.as_str() {
            _ if lost.load(Ordering::SeqCst) => json(404, "{\"message\":\"no Route matched\"}"),
            AUTHENTICATED => json(200, "{}"),
            _ => json(200, &one()),
        })]
    })
    .await;
    (rig, is_lost)
}

#[tokio::test]
async fn an_earlier_probe_does_not_prove_a_later_absence() {
    let (rig, is_lost) = gateway().await;
    rig.ozmap.probe().await.unwrap();
    assert_eq!(word(&rig.judged("123|123").await), "delete");
    is_lost.store(true, Ordering::SeqCst);
    assert_eq!(word(&rig.judged("123|123").await), "ozmap_shape");
    let seen = rig.recheck_by_id().await;
    assert!(seen.is_err(), "not gone: {seen:?}");
}

#[tokio::test]
async fn a_reservation_that_is_back_after_the_probe_was_never_absent() {
    let looks = AtomicUsize::new(0);
    let rig = Rig::new(move |request| {
        vec![Act::Send(match request.target.as_str() {
            LOOKUP if looks.fetch_add(1, Ordering::SeqCst) == 0 => json(404, "{}"),
            LOOKUP => json(200, &one()),
            _ => json(200, "{}"),
        })]
    })
    .await;
    assert_eq!(word(&rig.judged("123|123").await), "delete");
}

#[tokio::test]
async fn an_answer_that_is_not_configured_is_not_not_found() {
    let answers = [
        (NotFoundAnswer::Status404, json(404, "")),
        (NotFoundAnswer::Status422, json(422, "\"Erro\"")),
        (NotFoundAnswer::Status204, empty(204)),
        (NotFoundAnswer::Null, json(200, "null")),
        (NotFoundAnswer::EmptyObject, json(200, "{}")),
        (NotFoundAnswer::EmptyBody, json(200, "")),
    ];
    for (listed, _) in &answers {
        for (given, bytes) in &answers {
            let (listed, bytes) = (*listed, bytes.clone());
            let rig = Rig::with(
                move |request| match request.target.as_str() {
                    target if target.starts_with(LOOKUPS) => vec![Act::Send(bytes.clone())],
                    target if target.starts_with(CLIENTS) => {
                        vec![Act::Send(json(200, "{\"total\":0,\"rows\":[]}"))]
                    }
                    _ => vec![Act::Send(json(200, "{\"valid\":true}"))],
                },
                |settings| settings.not_found_answers = vec![listed],
            )
            .await;
            let expected = if listed == *given {
                "absent"
            } else {
                "ozmap_shape"
            };
            let result = word(&rig.judged("123|123").await);
            assert_eq!(result, expected, "{given:?} with {listed:?}");
        }
    }
}
