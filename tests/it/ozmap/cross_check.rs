//! An absence is seen twice, apart in time, and cross-checked; a code is looked up in each of its
//! spellings.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a server of a test stops at every question that it does not expect"
)]

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use ozmap_cancel::ozmap::{Lookup, NotFoundAnswer};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::rig::{BY_ID, CLIENT_ID, CODE, ID, Rig, one, reservation, word};
use super::stand_in::{Act, Request, answer, empty, json as answer_json};

pub const NONE: &str = r#"{"total":0,"count":0,"start":0,"limit":5,"rows":[]}"#;
pub const OTHER_ID: &str = "62d194b46c9401002392c7ff";

/// The kind of a request, as far as these tests distinguish it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The lookup of a spelling by path.
    Path(String),
    /// The list of clients with a code.
    ClientsWith(String),
    /// The list of properties of a client.
    PropertiesOf(String),
    /// The list of properties with an id.
    PropertiesWith(String),
    /// The client by its id.
    Client,
    /// The property by its id.
    Property,
    /// Any other request.
    Else,
}

pub fn about(request: &Request) -> About {
    let target = percent_decode_str(&request.target)
        .decode_utf8()
        .unwrap()
        .replace('+', " ");
    if request.target == BY_ID {
        return About::Property;
    }
    if let Some(spelling) = target.strip_prefix("/api/v2/properties/client/") {
        return About::Path(spelling.to_owned());
    }
    let Some((route, query)) = target.split_once("?filter=") else {
        let is_client = target.starts_with("/api/v2/ftth-clients/");
        return if is_client {
            About::Client
        } else {
            About::Else
        };
    };
    let filter = query.rsplit_once("&limit=").unwrap().0;
    let filter: Value = serde_json::from_str(filter).unwrap();
    let value = filter[0]["value"].as_str().unwrap().to_owned();
    match (route, filter[0]["property"].as_str().unwrap()) {
        ("/api/v2/ftth-clients", "code") => About::ClientsWith(value),
        ("/api/v2/properties", "client") => About::PropertiesOf(value),
        ("/api/v2/properties", "id") => About::PropertiesWith(value),
        other => panic!("asked for {other:?}"),
    }
}

/// A server that responds by the kind of the request.
pub async fn server(answers: impl Fn(About) -> Vec<u8> + Send + Sync + 'static) -> Rig {
    let script = move |request: &Request| vec![Act::Send(answers(about(request)))];
    Rig::with(script, |settings| {
        settings.not_found_answers = vec![
            NotFoundAnswer::Status404,
            NotFoundAnswer::Status422,
            NotFoundAnswer::Status204,
            NotFoundAnswer::Null,
            NotFoundAnswer::EmptyObject,
            NotFoundAnswer::EmptyBody,
        ];
    })
    .await
}

pub fn no_route() -> Vec<u8> {
    answer(404, "", b"Cannot GET /api/v2")
}

fn absent_answers() -> Vec<Vec<u8>> {
    vec![
        answer_json(200, "[]"),
        answer_json(200, NONE),
        answer_json(404, "\"Not Found\""),
        answer(404, "Content-Type: text/html\r\n", b"Not Found"),
        answer_json(422, "{\"message\":\"Unprocessable\"}"),
        empty(204),
        answer_json(200, "null"),
        answer_json(200, "{}"),
        answer_json(200, ""),
    ]
}

/// The rows of a list that counts them.
pub fn listed(rows: &[Value]) -> Vec<u8> {
    let list = json!({"total": rows.len(), "count": rows.len(), "rows": rows});
    answer_json(200, &list.to_string())
}

pub fn client(code: &str) -> Value {
    json!({"id": CLIENT_ID, "kind": "ftth", "code": code, "implanted": false})
}

/// The reservation under another code and another id.
pub fn held_as(code: &str, id: &str) -> Value {
    let mut row = reservation();
    row["_id"] = id.into();
    row["client"]["code"] = code.into();
    row
}

#[tokio::test]
async fn an_empty_list_of_clients_confirms_every_absence_without_a_probe() {
    for nothing in absent_answers() {
        let shown = String::from_utf8_lossy(&nothing).into_owned();
        let rig = server(move |about| match about {
            About::Path(_) => nothing.clone(),
            About::ClientsWith(_) => answer_json(200, NONE),
            other => panic!("asked for {other:?}"),
        })
        .await;
        assert_eq!(word(&rig.judged(CODE).await), "absent", "{shown}");
    }
}

#[tokio::test]
async fn an_ozmap_that_is_wrong_once_is_not_believed() {
    for nothing in absent_answers() {
        let looks = AtomicUsize::new(0);
        let rig = server(move |about| match about {
            About::Path(code) if code == CODE => match looks.fetch_add(1, SeqCst) {
                0 => nothing.clone(),
                _ => answer_json(200, &one()),
            },
            other => panic!("asked for {other:?}"),
        })
        .await;
        assert_eq!(word(&rig.judged(CODE).await), "delete");
        assert_eq!(rig.server.requests().len(), 2);
    }
}

/// A second lookup that comes too early does not count.
#[tokio::test]
async fn a_second_lookup_that_comes_too_early_does_not_count() {
    let rig = Rig::with(
        |_| vec![Act::Send(answer_json(200, "[]"))],
        |settings| settings.lookups_apart = Duration::from_secs(3_600),
    )
    .await;
    let session = super::rig::session(&rig.ozmap).await;
    let asked = super::rig::code(CODE);
    let Ok(Lookup::AbsentOnce(once)) = session.lookup(&asked, None).await else {
        panic!("believed at once");
    };
    let again = session.lookup(&asked, Some(&once)).await;
    assert!(matches!(again, Ok(Lookup::AbsentOnce(_))), "{again:?}");
    assert!(once.wait() > Duration::from_secs(3_500));
}

#[tokio::test]
async fn a_present_reservation_costs_one_call() {
    let rig = server(|_| answer_json(200, &one())).await;
    assert_eq!(word(&rig.judged(CODE).await), "delete");
    assert_eq!(rig.server.requests().len(), 1);
}

#[tokio::test]
async fn a_client_with_the_code_leads_to_its_property_or_to_review() {
    for nothing in absent_answers() {
        let answer = nothing.clone();
        let rig = server(move |about| match about {
            About::Path(_) => answer.clone(),
            About::ClientsWith(code) => listed(&[client(&code)]),
            About::PropertiesOf(id) if id == CLIENT_ID => listed(&[reservation()]),
            other => panic!("asked for {other:?}"),
        })
        .await;
        assert_eq!(word(&rig.judged(CODE).await), "delete");

        let mut strangers = reservation();
        strangers["client"]["_id"] = OTHER_ID.into();
        for properties in [answer_json(200, NONE), no_route(), listed(&[strangers])] {
            let answer = nothing.clone();
            let rig = server(move |about| match about {
                About::Path(_) => answer.clone(),
                About::ClientsWith(code) => listed(&[client(&code)]),
                About::PropertiesOf(_) => properties.clone(),
                other => panic!("asked for {other:?}"),
            })
            .await;
            let result = word(&rig.judged(CODE).await);
            assert_eq!(result, "client_without_property");
        }
    }
}

/// Lists of clients that cannot be used.
fn useless_lists() -> Vec<Vec<u8>> {
    let strangers: Vec<Value> = (0..25)
        .map(|number| json!({"id": format!("62d194b46c9401002392c8{number:02}"), "code": format!("x{number}")}))
        .collect();
    let ignored = json!({"total": 1749, "count": 25, "rows": strangers, "hasNextPage": true, "nextUrl": "/api/v2/ftth-clients?lastSeenId=1"});
    vec![
        no_route(),
        answer_json(403, "\"Forbidden\""),
        answer_json(400, "\"O filtro\""),
        answer_json(404, "\"Not Found\""),
        answer(200, "", b"<html>"),
        answer_json(200, &ignored.to_string()),
        listed(&strangers),
        answer_json(200, "{\"total\":1,\"rows\":[]}"),
        answer_json(200, "{\"total\":1,\"rows\":[{}]}"),
        answer_json(200, "[]"),
        answer_json(200, "null"),
        answer_json(200, "{}"),
        answer_json(200, ""),
    ]
}

#[tokio::test]
async fn without_the_list_the_key_is_probed_and_ambiguous_answers_are_not_believed() {
    for list in useless_lists() {
        for nothing in absent_answers() {
            let shown = String::from_utf8_lossy(&[list.clone(), nothing.clone()].concat())
                .chars()
                .take(300)
                .collect::<String>();
            let needs_witness = [
                answer_json(422, "{\"message\":\"Unprocessable\"}"),
                answer_json(200, ""),
            ];
            let expected = if needs_witness.contains(&nothing) {
                "ozmap_shape"
            } else {
                "absent"
            };
            let list = list.clone();
            let rig = server(move |about| match about {
                About::Path(_) => nothing.clone(),
                About::ClientsWith(_) => list.clone(),
                About::Else => answer_json(200, "{\"valid\":true}"),
                other => panic!("asked for {other:?}"),
            })
            .await;
            assert_eq!(word(&rig.judged(CODE).await), expected, "{shown}");
        }
    }
}

/// A failure of OZmap itself, not of one route, decides nothing.
#[tokio::test]
async fn a_failed_list_differs_from_an_unusable_list() {
    for status in [401, 429, 500, 503] {
        let rig = server(move |about| match about {
            About::Path(_) => answer_json(200, "[]"),
            About::ClientsWith(_) => answer_json(status, ""),
            other => panic!("asked for {other:?}"),
        })
        .await;
        let result = word(&rig.judged(CODE).await);
        assert!(result.starts_with("ozmap_"), "{status}: {result}");
    }
}

/// A server with reservations that compares codes byte for byte, like OZmap.
async fn holding(rows: Vec<Value>) -> Rig {
    let with = move |code: &str| -> Vec<Value> {
        let is = |row: &&Value| row["client"]["code"] == code;
        rows.iter().filter(is).cloned().collect()
    };
    server(move |about| match about {
        About::Path(code) => answer_json(200, &json!(with(&code)).to_string()),
        About::ClientsWith(code) => {
            let found: Vec<Value> = with(&code)
                .iter()
                .map(|row| row["client"].clone())
                .collect();
            listed(&found)
        }
        About::PropertiesOf(id) => {
            let all = [CODE, "a/b"].into_iter().flat_map(&with);
            let own: Vec<Value> = all.filter(|row| row["client"]["_id"] == *id).collect();
            listed(&own)
        }
        other => panic!("asked for {other:?}"),
    })
    .await
}

#[tokio::test]
async fn a_code_is_found_in_each_of_its_spellings_and_in_no_other_letter_case() {
    for (held, asked, expected) in [
        ("jos\u{e9}", "jose\u{301}", "delete"),
        ("jose\u{301}", "jos\u{e9}", "delete"),
        ("jose\u{301}", "jose\u{301}", "delete"),
        ("123|123", "\u{201c}123 | 123\u{201d}\u{200b}", "delete"),
        ("*123*", "*123*", "delete"),
        ("123.", "123.", "delete"),
        ("123|123 ", "123|123", "delete"),
        (" 123|123", "123|123", "delete"),
        ("ana", "Ana", "other_code"),
        ("Ana", "ana", "other_code"),
        ("ANA", "Ana", "absent"),
        ("0123", "123", "absent"),
        ("a/b", "a/b", "delete"),
    ] {
        let rig = holding(vec![held_as(held, ID)]).await;
        let result = word(&rig.judged(asked).await);
        assert_eq!(result, expected, "{held:?} asked for as {asked:?}");
    }
}

#[tokio::test]
async fn reservations_under_two_spellings_are_several_and_one_under_both_is_one() {
    let (composed, apart) = ("jos\u{e9}", "jose\u{301}");
    let both = vec![held_as(composed, ID), held_as(apart, OTHER_ID)];
    for asked in [composed, apart] {
        let rig = holding(both.clone()).await;
        assert_eq!(word(&rig.judged(asked).await), "several_properties");
    }
    // It is wrong once about each of them.
    for denied in [composed, apart] {
        let (rows, denials) = (both.clone(), AtomicUsize::new(0));
        let rig = server(move |about| match about {
            About::Path(code) if code == denied && denials.fetch_add(1, SeqCst) == 0 => {
                answer_json(200, "[]")
            }
            About::Path(code) => {
                let is = |row: &&Value| row["client"]["code"] == *code;
                answer_json(
                    200,
                    &json!(rows.iter().filter(is).collect::<Vec<_>>()).to_string(),
                )
            }
            other => panic!("asked for {other:?}"),
        })
        .await;
        assert_eq!(word(&rig.judged(composed).await), "several_properties");
    }
    // A server that folds spellings shows the same row twice.
    let row = held_as(composed, ID);
    let rig = server(move |about| match about {
        About::Path(_) => answer_json(200, &json!([row]).to_string()),
        other => panic!("asked for {other:?}"),
    })
    .await;
    assert_eq!(word(&rig.judged(apart).await), "delete");
    // With a blank on either side: several, so review.
    let rig = holding(vec![held_as("1|1 ", ID), held_as(" 1|1", OTHER_ID)]).await;
    assert_eq!(word(&rig.judged("1|1").await), "several_properties");
}

/// Two clients have the code, and OZmap lists the property of only one of them: the property of
/// the other may be there too, so one row is not the only one.
#[tokio::test]
async fn a_client_without_a_property_beside_one_that_has_one_needs_review() {
    for code in ["a/b", CODE] {
        for is_first in [true, false] {
            for silent in [NONE, "{\"total\":0,\"rows\":[],\"hasNextPage\":false}"] {
                let rig = server(move |about| match about {
                    About::Path(_) => answer_json(200, NONE),
                    About::ClientsWith(code) => {
                        let own = client(&code);
                        let mut other = own.clone();
                        other["_id"] = OTHER_ID.into();
                        other["id"] = OTHER_ID.into();
                        listed(&if is_first { [own, other] } else { [other, own] })
                    }
                    About::PropertiesOf(id) if id == CLIENT_ID => listed(&[held_as(code, ID)]),
                    About::PropertiesOf(_) => answer_json(200, silent),
                    other => panic!("asked for {other:?}"),
                })
                .await;
                let result = word(&rig.judged(code).await);
                assert_eq!(result, "several_properties", "{code} {is_first} {silent}");
            }
        }
    }
}

/// OZmap ignored the filter: a full list may have a second client with the code on a later page.
#[tokio::test]
async fn a_full_list_of_clients_is_never_the_whole_list() {
    let rig = server(move |about| match about {
        About::ClientsWith(code) => {
            let strangers = (1..5).map(|number| {
                let mut stranger = client("x");
                stranger["_id"] = format!("62d194b46c9401002392c80{number}").into();
                stranger["id"] = stranger["_id"].clone();
                stranger
            });
            let all: Vec<Value> = [client(&code)].into_iter().chain(strangers).collect();
            listed(&all)
        }
        About::PropertiesOf(_) => listed(&[held_as("a/b", ID)]),
        other => panic!("asked for {other:?}"),
    })
    .await;
    assert_eq!(word(&rig.judged("a/b").await), "ozmap_shape");
}
