//! Unusable responses: pages, redirects, refusals, failures. None of them may become "not found".

use std::time::Duration;

use ozmap_cancel::ozmap::{Acted, Error, FailureKind, RecheckResult};

use super::cross_check::NONE;
use super::rig::{BY_ID, LOOKUP, Rig, one, one_then, reservation, word};
use super::stand_in::{Act, StandIn, answer, empty, json};

const PAGE: &[u8] = b"\r\n <!DOCTYPE html><html><title>Sign in</title></html>";

fn send(bytes: Vec<u8>) -> Vec<Act> {
    vec![Act::Send(bytes)]
}

async fn looked_up(bytes: Vec<u8>) -> Result<usize, Error> {
    let rig = Rig::new(move |_| send(bytes.clone())).await;
    rig.lookup().await.map(|lookup| lookup.rows.len())
}

async fn deleted(bytes: Vec<u8>) -> Result<(), Error> {
    let rig = Rig::new(one_then(send(bytes))).await;
    let result = rig.delete().await;
    assert_eq!(rig.server.of("DELETE").len(), 1);
    result
}

#[tokio::test]
async fn a_page_is_an_error_whatever_its_status_and_type() {
    for status in [200, 201, 203, 404] {
        for kind in [
            "Content-Type: text/html; charset=utf-8\r\n",
            "Content-Type: application/xhtml+xml\r\n",
            "Content-Type: application/json\r\n",
            "Content-Type: text/plain\r\n",
            "",
        ] {
            let error = looked_up(answer(status, kind, PAGE)).await.unwrap_err();
            assert_eq!(error.kind, FailureKind::Html, "{status} {kind}");
            let error = deleted(answer(status, kind, PAGE)).await.unwrap_err();
            assert_eq!(error.acted, Acted::Maybe, "{status} {kind}");
        }
    }
    // Also with a byte order mark.
    let marked = [b"\xef\xbb\xbf".as_slice(), PAGE].concat();
    let error = looked_up(answer(200, "", &marked)).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Html);
}

/// OZmap labels every plain text `text/html`.
#[tokio::test]
async fn the_content_type_alone_makes_no_page() {
    let labelled = |status, body: &str| {
        answer(
            status,
            "Content-Type: text/html; charset=utf-8\r\n",
            body.as_bytes(),
        )
    };
    assert_eq!(looked_up(labelled(200, &one())).await.unwrap(), 1);
    let missing = labelled(404, "Not Found");
    let rig = Rig::new(move |request| match request.target.as_str() {
        "/api/v2/authenticated" => send(json(200, "{\"valid\":true}")),
        _ => send(missing.clone()),
    })
    .await;
    assert_eq!(word(&rig.judged("123|123").await), "absent");
    assert_eq!(looked_up(labelled(200, "[]")).await.unwrap(), 0);
    deleted(labelled(200, "")).await.unwrap();
    deleted(labelled(204, "")).await.unwrap();
}

#[tokio::test]
async fn a_redirect_is_never_followed_and_the_key_never_leaves() {
    for status in [300, 301, 302, 303, 304, 307, 308] {
        let elsewhere = StandIn::start(|_| send(json(200, "[]"))).await;
        let moved = format!("Location: {}/login\r\n", elsewhere.url());
        let relative = "Location: /api/v2/properties\r\n".to_owned();
        for location in [moved, relative] {
            let bytes = answer(status, &location, b"");
            let script = one_then(send(bytes.clone()));
            let rig = Rig::new(move |request| match request.method.as_str() {
                "GET" if request.target != LOOKUP => send(bytes.clone()),
                _ => script(request),
            })
            .await;
            let error = rig.delete().await.unwrap_err();
            assert_eq!(
                (error.kind, error.acted),
                (FailureKind::Redirect, Acted::Maybe)
            );
            let error = rig.recheck_by_id().await.unwrap_err();
            assert_eq!(error.kind, FailureKind::Redirect);
            // The lookup, the DELETE, the recheck by id; the client and the list of properties are
            // cross-checks.
            assert_eq!(rig.server.requests().len(), 5, "{status} {location}");
        }
        assert_eq!(elsewhere.connections(), 0, "{status}");
    }
}

#[tokio::test]
async fn every_failure_has_its_id_and_tells_whether_ozmap_may_have_acted() {
    for (status, kind, acted) in [
        (206, FailureKind::Status, Acted::Maybe),
        (400, FailureKind::Status, Acted::No),
        (401, FailureKind::Unauthorized, Acted::No),
        (403, FailureKind::Forbidden, Acted::No),
        (405, FailureKind::Status, Acted::No),
        (409, FailureKind::Status, Acted::No),
        (410, FailureKind::Status, Acted::No),
        (429, FailureKind::RateLimited, Acted::No),
        (500, FailureKind::Server, Acted::Maybe),
        (502, FailureKind::Server, Acted::Maybe),
        (503, FailureKind::Server, Acted::Maybe),
        (504, FailureKind::Server, Acted::Maybe),
        (599, FailureKind::Server, Acted::Maybe),
        (600, FailureKind::Status, Acted::Maybe),
    ] {
        for body in ["[]", "{}", "null", "\"Unauthorized\"", "", "<html>"] {
            let bytes = json(status, body);
            let error = looked_up(bytes.clone()).await.unwrap_err();
            assert_eq!(
                (error.kind, error.acted),
                (kind, acted),
                "GET {status} {body}"
            );
            let error = deleted(bytes).await.unwrap_err();
            assert_eq!(
                (error.kind, error.acted),
                (kind, acted),
                "DELETE {status} {body}"
            );
        }
    }
}

#[tokio::test]
async fn a_definite_refusal_of_a_delete_differs_from_one_that_may_pass() {
    for status in [400, 402, 405, 406, 410, 412, 413, 414, 415, 422, 451] {
        for body in ["", "{}", "\"não pode ser removido\""] {
            let error = deleted(json(status, body)).await.unwrap_err();
            assert!(error.is_refusal(), "{status} {body}: {error}");
            assert_eq!((error.kind, error.acted), (FailureKind::Status, Acted::No));
        }
    }
    for status in [300, 302, 401, 403, 404, 408, 409, 425, 429, 500, 503, 600] {
        let error = deleted(json(status, "")).await.unwrap_err();
        assert!(!error.is_refusal(), "{status}: {error}");
    }
    // A page is not a response of OZmap.
    let error = deleted(answer(422, "", PAGE)).await.unwrap_err();
    assert!(
        !error.is_refusal() && error.acted == Acted::Maybe,
        "{error}"
    );
}

#[tokio::test]
async fn a_deletion_is_confirmed_only_by_what_ozmap_documents() {
    for confirmed in [
        empty(204),
        answer(200, "", b""),
        answer(202, "", b" \n"),
        json(200, "{}"),
        json(200, "null"),
        json(200, &reservation().to_string()),
    ] {
        deleted(confirmed).await.unwrap();
    }
    for unclear in [
        json(200, "\"Erro ao remover\""),
        json(200, "false"),
        json(200, "[]"),
        json(200, &one()),
        json(200, "{\"_id\":"),
        answer(200, "", b"OK"),
        json(404, "{}"),
        json(404, ""),
        answer(404, "", b"Cannot DELETE /"),
        answer(200, "", &vec![b' '; 2_000_000]),
    ] {
        let error = deleted(unclear).await.unwrap_err();
        assert_eq!(error.acted, Acted::Maybe, "{error}");
    }
}

#[tokio::test]
async fn retry_after_is_honoured_within_bounds() {
    for (value, seconds) in [
        ("5", 5),
        (" 7 ", 7),
        ("60", 60),
        ("61", 60),
        ("86400", 60),
        ("99999999999999999999999", 60),
        ("Wed, 21 Oct 2065 07:28:00 GMT", 60),
        ("-1", 60),
        ("1.5", 60),
        ("soon", 60),
        ("", 60),
        ("0", 1),
    ] {
        for status in [429, 503] {
            let header = format!("Retry-After: {value}\r\n");
            let error = looked_up(answer(status, &header, b"")).await.unwrap_err();
            let expected = Some(Duration::from_secs(seconds));
            assert_eq!(error.retry_after, expected, "{status} {value:?}");
        }
    }
    let without = looked_up(answer(429, "", b"")).await.unwrap_err();
    assert_eq!(without.retry_after, None);
}

/// The result of a recheck, given the responses of the two routes.
async fn second_look(by_id: Vec<u8>, by_code: Vec<u8>) -> &'static str {
    let rig = Rig::new(move |request| {
        send(match request.target.as_str() {
            BY_ID => by_id.clone(),
            LOOKUP => by_code.clone(),
            target if target.starts_with("/api/v2/properties?") => json(200, NONE),
            _ => json(200, "{}"),
        })
    })
    .await;
    match rig.recheck_by_id().await {
        Ok(RecheckResult::Gone { others }) if others.is_empty() => "gone",
        Ok(RecheckResult::Gone { .. }) => "reserved again",
        Ok(RecheckResult::Present(_)) => "present",
        Ok(RecheckResult::OnlyByCode(_)) => "only by its code",
        Ok(RecheckResult::GoneUnconfirmed(_)) => "not sure",
        Ok(RecheckResult::Contradicted) => "contradicted",
        Err(error) => error.kind.id(),
    }
}

#[tokio::test]
async fn gone_takes_both_the_id_and_the_code() {
    let missing = || json(404, "\"not found\"");
    let there = || json(200, &reservation().to_string());
    let mut other = reservation();
    other["_id"] = "62d194b46c9401002392c7ff".into();
    let rows = |row: &serde_json::Value| json(200, &format!("[{row}]"));
    assert_eq!(second_look(missing(), json(200, "[]")).await, "gone");
    assert_eq!(second_look(missing(), rows(&other)).await, "reserved again");
    assert_eq!(
        second_look(missing(), rows(&reservation())).await,
        "only by its code"
    );
    assert_eq!(second_look(there(), json(200, "[]")).await, "present");
    assert_eq!(
        second_look(rows(&reservation()), json(200, "[]")).await,
        "present"
    );
    for nothing in ["null", "{}", "[]"] {
        let gone = second_look(json(200, nothing), json(200, "[]")).await;
        assert_eq!(gone, "gone", "{nothing}");
    }
    for (by_id, by_code, expected) in [
        (missing(), json(500, ""), "ozmap_server_error"),
        (missing(), json(401, ""), "ozmap_unauthorized"),
        (missing(), json(200, "[{}]"), "ozmap_shape"),
        (missing(), json(200, "[null]"), "ozmap_shape"),
        (missing(), json(200, ""), "ozmap_shape"),
        (answer(404, "", b"<html>"), json(200, "[]"), "ozmap_html"),
        (
            answer(404, "", b"Cannot GET /api"),
            json(200, "[]"),
            "ozmap_status",
        ),
        (
            json(404, "{\"message\":\"Cannot GET /api\"}"),
            json(200, "[]"),
            "ozmap_status",
        ),
        (json(200, ""), json(200, "[]"), "ozmap_shape"),
        (
            json(200, &other.to_string()),
            json(200, "[]"),
            "ozmap_shape",
        ),
        (json(200, "[{},{}]"), json(200, "[]"), "ozmap_shape"),
        (
            json(200, "{\"error\":\"x\"}"),
            json(200, "[]"),
            "ozmap_shape",
        ),
        (json(200, "\"x\""), json(200, "[]"), "ozmap_shape"),
        (json(403, ""), json(200, "[]"), "ozmap_forbidden"),
        (json(410, ""), json(200, "[]"), "ozmap_status"),
        (json(503, ""), json(200, "[]"), "ozmap_server_error"),
    ] {
        assert_eq!(second_look(by_id, by_code).await, expected);
    }
}

#[tokio::test]
async fn the_last_response_is_kept() {
    let rig = Rig::new(|request| match request.target.as_str() {
        LOOKUP => send(json(500, "")),
        _ => send(json(200, "{}")),
    })
    .await;
    assert!(rig.ozmap.last_response().is_none());
    assert!(rig.lookup().await.is_err());
    assert_eq!(
        rig.ozmap.last_response().unwrap().failure,
        Some(FailureKind::Server)
    );
    rig.ozmap.probe().await.unwrap();
    assert_eq!(rig.ozmap.last_response().unwrap().failure, None);
    assert_eq!(word(&rig.judged("123|123").await), "ozmap_server_error");
}
