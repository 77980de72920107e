//! An OZmap that is wrong for a moment, in front of the real binary: the reply to the customer is
//! true.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use serde_json::json as value;

use super::binary::{Holding, Setting, send};
use super::rig::{BY_ID, CLIENT_ID, CODE, LOOKUP, one, reservation};
use super::stand_in::{Act, Request, answer, empty, json};
use crate::support::eventually;

/// An OZmap whose DELETE has no effect and whose code leads to nothing afterwards: the reservation
/// is present under another code, and its id is answered with an absence some times.
fn renamed(
    denials: usize,
    witnesses: Witnesses,
    to_delete: Vec<Act>,
) -> impl Fn(&Request) -> Vec<Act> + Send + Sync {
    let (denied, deletions) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    move |request| {
        let was_sent = deletions.load(SeqCst) > 0;
        let mut row = reservation();
        row["client"]["code"] = value!("renamed");
        match (request.method.as_str(), request.target.as_str()) {
            ("DELETE", BY_ID) => {
                deletions.fetch_add(1, SeqCst);
                to_delete.clone()
            }
            ("GET", LOOKUP) if !was_sent => send(json(200, &one())),
            ("GET", LOOKUP) => send(json(200, "[]")),
            ("GET", BY_ID) if denied.fetch_add(1, SeqCst) < denials => {
                send(json(404, "\"Not Found\""))
            }
            ("GET", BY_ID) => send(json(200, &row.to_string())),
            ("GET", "/api/v2/authenticated") => send(json(200, "{\"valid\":true}")),
            ("GET", target) if target.starts_with("/api/v2/ftth-clients?") => {
                send(json(200, r#"{"total":0,"rows":[]}"#))
            }
            ("GET", target) if target == format!("/api/v2/ftth-clients/{CLIENT_ID}") => {
                match witnesses {
                    Witnesses::TheClient => send(json(200, &row["client"].to_string())),
                    Witnesses::None => send(json(403, "")),
                }
            }
            _ => send(answer(404, "", b"Cannot GET /api/v2")),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Witnesses {
    TheClient,
    None,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_absence_by_id_after_a_delete_without_effect_is_never_cancelled() {
    let lost = || vec![Act::Close];
    let confirmed = || send(empty(204));
    for (denials, witnesses, to_delete) in [
        (1, Witnesses::TheClient, lost()),
        (1, Witnesses::None, lost()),
        (2, Witnesses::TheClient, lost()),
        (2, Witnesses::None, lost()),
        (3, Witnesses::None, lost()),
        (1_000, Witnesses::TheClient, lost()),
        (1, Witnesses::TheClient, confirmed()),
        (1, Witnesses::None, confirmed()),
        (2, Witnesses::None, confirmed()),
        (2, Witnesses::TheClient, confirmed()),
        (3, Witnesses::TheClient, confirmed()),
        (1_000, Witnesses::TheClient, confirmed()),
    ] {
        let setting = Setting::with(renamed(denials, witnesses, to_delete), |launch| {
            launch
                .set("JOURNAL__SETTLE_MS", "3000")
                .set("OZMAP__DELETE_MS", "700")
                .set("JOURNAL__LEASE_MS", "5700")
                .set("JOURNAL__GIVE_UP_S", "4")
        })
        .await;
        let asked = value!({"code": CODE, "message_id": "m-1"});
        let reply = setting.ask_until_final(asked).await;
        let outcome = reply.outcome();
        assert_ne!(outcome, "cancelled", "{denials} {witnesses:?}");
        assert!(
            ["review", "unknown"].contains(&outcome.as_str()),
            "{denials} {witnesses:?}: {outcome}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_absence_by_code_is_not_believed_once() {
    for nothing in [
        json(200, "[]"),
        json(404, ""),
        json(422, ""),
        empty(204),
        json(200, "null"),
        json(200, "{}"),
        json(200, ""),
    ] {
        for (body, expected) in [
            (value!({"code": CODE, "message_id": "m-1"}), "cancelled"),
            (value!({"code": CODE, "action": "lookup"}), "found"),
        ] {
            let (holding, looks, nothing) = (Holding::new(), AtomicUsize::new(0), nothing.clone());
            let setting = Setting::new(move |request| match request.target.as_str() {
                LOOKUP if looks.fetch_add(1, SeqCst) == 0 => send(nothing.clone()),
                _ => holding.answer(request),
            })
            .await;
            let shown = format!("{:?}", setting.ozmap.requests());
            let reply = match expected {
                "cancelled" => setting.ask_until_final(body).await,
                _ => setting.ask(body).await,
            };
            assert_eq!(reply.outcome(), expected, "{shown}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_property_needs_review() {
    let setting = Setting::new(|request| match request.target.as_str() {
        LOOKUP => send(json(422, "{\"message\":\"x\"}")),
        target if target.starts_with("/api/v2/ftth-clients?") && target.contains("7C123%22") => {
            let row = value!({"id": CLIENT_ID, "code": CODE, "kind": "ftth"});
            send(json(200, &value!({"total": 1, "rows": [row]}).to_string()))
        }
        target if target.starts_with("/api/v2/properties?") => {
            send(json(200, r#"{"total":0,"rows":[]}"#))
        }
        "/api/v2/authenticated" => send(json(200, "{\"valid\":true}")),
        _ => send(json(404, "")),
    })
    .await;
    let asked = value!({"code": CODE, "message_id": "m-1"});
    let reply = setting.ask_until_final(asked).await;
    assert_eq!(reply.outcome(), "review");
    assert_eq!(
        setting.service.journal()[0]["reason"],
        "client_without_property"
    );
    assert!(setting.deletions().is_empty());
    let lookup = setting
        .ask(value!({"code": CODE, "action": "lookup"}))
        .await;
    assert_eq!(lookup.outcome(), "review");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_delete_needs_review_at_once_and_is_not_sent_again() {
    for refusal in [json(422, "\"não\""), json(400, ""), json(410, "")] {
        let holding = Holding::new();
        let setting = Setting::with(
            move |request| match request.method.as_str() {
                "DELETE" => send(refusal.clone()),
                _ => holding.answer(request),
            },
            |launch| launch.set("CHANNELS__CHATBOT__ANSWER_MS_MAX", "8000"),
        )
        .await;
        let reply = setting.cancel().await;
        assert_eq!(reply.outcome(), "review");
        assert_eq!(setting.service.journal()[0]["reason"], "delete_rejected");
        assert_eq!(setting.deletions().len(), 1);
        let logs = setting.service.logs();
        assert!(
            logs.contains("OZmap refuses to delete this property"),
            "{logs}"
        );
    }
}

/// OZmap refused the DELETE and carried it out.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_delete_that_took_effect_is_cancelled_once_verified() {
    let holding = Holding::new();
    let setting = Setting::new(move |request| match request.method.as_str() {
        "DELETE" => {
            holding.remove();
            send(json(422, ""))
        }
        _ => holding.answer(request),
    })
    .await;
    let asked = value!({"code": CODE, "message_id": "m-1"});
    let reply = setting.ask_until_final(asked).await;
    assert_eq!(reply.outcome(), "cancelled");
}

/// Each read is slow and the client is fetched separately; the DELETE is still sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_ozmap_is_used_and_logged_as_slow() {
    let holding = Holding::new();
    let setting = Setting::with(
        move |request| {
            let honest = holding.answer(request);
            match request.target.as_str() {
                LOOKUP => slowly(honest),
                _ => honest,
            }
        },
        |launch| launch.set("CHANNELS__CHATBOT__ANSWER_MS_MAX", "20000"),
    )
    .await;
    let reply = setting.cancel().await;
    assert_eq!(reply.outcome(), "cancelled");
    let logs = setting.service.logs();
    assert!(logs.contains("OZmap is slow: a lookup took"), "{logs}");
    let health = setting.service.get("/health").await.json();
    let took = health["ozmap"]["lookup_ms"].as_u64().unwrap();
    assert!(took > 3_500, "{health}");
    assert_eq!(health["ozmap"]["too_slow"], value!(false));
}

/// The first byte arrives after 3.6 s, longer than a reading was once valid.
fn slowly(acts: Vec<Act>) -> Vec<Act> {
    let pause = Duration::from_millis(3_600);
    acts.into_iter()
        .flat_map(|act| match act {
            Act::Send(bytes) => {
                let (first, rest) = bytes.split_at(1);
                vec![Act::Drip(first.to_vec(), pause), Act::Send(rest.to_vec())]
            }
            other @ (Act::Drip(..) | Act::Close | Act::Reset | Act::Hold) => vec![other],
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ozmap_that_is_too_slow_for_deletions_shows_in_health_and_log() {
    let holding = Holding::new();
    let setting = Setting::with(
        move |request| {
            let honest = holding.answer(request);
            match request.target.as_str() {
                LOOKUP => slowly(honest),
                _ => honest,
            }
        },
        |launch| launch.set("JOURNAL__GUARD_AGE_MS_MAX", "1000"),
    )
    .await;
    let logs = setting.service.logs();
    assert!(
        logs.contains("journal.guard_age_ms_max = 1000 is short"),
        "{logs}"
    );
    assert_eq!(setting.cancel().await.outcome(), "pending");
    eventually("the word", || async {
        let health = setting.service.get("/health").await.json();
        let is_said = health["status"] == "degraded" && health["ozmap"]["too_slow"] == true;
        let logs = setting.service.logs();
        (is_said && logs.contains("too old to delete on")).then_some(())
    })
    .await;
    assert!(setting.deletions().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_freed_splitter_output_is_recorded_and_never_waited_for() {
    let splitter = |output: serde_json::Value| {
        let outputs = value!([null, null, null, output, null]);
        value!({"id": "5da6220df003e8132800001e", "connectables": {"output": outputs}})
    };
    let ask = "/api/v2/splitters/5da6220df003e8132800001e";
    for (told, expected) in [
        (
            send(json(200, &splitter(value!(null)).to_string())),
            Some("port_free"),
        ),
        (
            send(json(
                200,
                &splitter(value!("5da6220df003e81328000020")).to_string(),
            )),
            Some("port_taken"),
        ),
        (send(json(403, "")), None),
        (send(json(500, "")), None),
        (send(json(200, "[]")), None),
        (vec![Act::Hold], None),
    ] {
        let (holding, shown) = (Holding::new(), format!("{told:?}"));
        let setting = Setting::new(move |request| match request.target.as_str() {
            target if target == ask => told.clone(),
            // Long enough for the other request to finish first.
            BY_ID if request.method == "GET" => {
                let bytes = json(404, "\"Not Found\"");
                let (first, rest) = bytes.split_at(1);
                let pause = Duration::from_millis(400);
                vec![Act::Drip(first.to_vec(), pause), Act::Send(rest.to_vec())]
            }
            _ => holding.answer(request),
        })
        .await;
        let began = Instant::now();
        assert_eq!(setting.cancel().await.outcome(), "cancelled", "{shown}");
        assert!(began.elapsed() < Duration::from_secs(5), "{shown}");
        let history = setting.service.launch().run(&["journal", "show", CODE]);
        let history = String::from_utf8(history.stdout).unwrap();
        let result = ["port_free", "port_taken"]
            .into_iter()
            .find(|kind| history.contains(kind));
        assert_eq!(result, expected, "{shown}: {history}");
        if expected.is_some() {
            let which = "output 4 of splitter 5da6220df003e8132800001e";
            assert!(history.contains(which), "{history}");
        }
    }
}

/// OZmap holds the code with a trailing blank, which only the lookup of near spellings finds.
const HELD: &str = "/api/v2/properties/client/123%7C123%20";

/// An OZmap that holds the code so, whose first DELETE has no effect, and that answers the id with
/// an absence some times afterwards.
fn with_a_blank(
    denials: usize,
    first_delete: Vec<Act>,
) -> impl Fn(&Request) -> Vec<Act> + Send + Sync {
    let (denied, deletions) = (AtomicUsize::new(0), AtomicUsize::new(0));
    move |request| {
        let mut row = reservation();
        row["client"]["code"] = value!("123|123 ");
        let sent = deletions.load(SeqCst);
        match (request.method.as_str(), request.target.as_str()) {
            ("DELETE", BY_ID) => match deletions.fetch_add(1, SeqCst) {
                0 => first_delete.clone(),
                _ => send(empty(204)),
            },
            ("GET", HELD) if sent < 2 => send(json(200, &value!([row]).to_string())),
            ("GET", target) if target.starts_with("/api/v2/properties/client/") => {
                send(json(200, "[]"))
            }
            ("GET", BY_ID) if sent > 0 && denied.fetch_add(1, SeqCst) < denials => {
                send(json(404, ""))
            }
            ("GET", BY_ID) if sent < 2 => send(json(200, &row.to_string())),
            ("GET", "/api/v2/authenticated") => send(json(200, "{\"valid\":true}")),
            ("GET", target) if target.starts_with("/api/v2/ftth-clients?") => {
                send(json(200, r#"{"total":0,"rows":[]}"#))
            }
            _ => send(json(404, "")),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_with_a_trailing_blank_is_looked_up_as_ozmap_holds_it() {
    let (lost, confirmed) = (vec![Act::Close], send(empty(204)));
    for (denials, first_delete) in [
        (0, lost.clone()),
        (2, lost),
        (0, confirmed.clone()),
        (1, confirmed),
    ] {
        let setting = Setting::new(with_a_blank(denials, first_delete)).await;
        let asked = value!({"code": CODE, "message_id": "m-1"});
        let reply = setting.ask_until_final(asked).await;
        assert_eq!(reply.outcome(), "cancelled", "{denials}");
        assert_eq!(setting.deletions().len(), 2, "{denials}");
    }
}
