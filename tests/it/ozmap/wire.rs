//! What is sent: the URL, the key, and nothing else.

use std::time::Duration;

use ozmap_cancel::domain::{CodeError, ReservationCode};
use ozmap_cancel::ozmap::AuthScheme;
use reqwest::Url;
use serde_json::json as value;

use super::rig::{
    BY_ID, CLIENT_ID, CODE, KEY, LOOKUP, Page, Rig, code, one, one_then, reservation, word,
};
use super::stand_in::{Act, Request, answer, empty, json};

fn query(request: &Request, name: &str) -> String {
    let url = Url::parse(&format!("http://h{}", request.target)).unwrap();
    let found = url.query_pairs().find(|(found, _)| found == name);
    found.unwrap().1.into_owned()
}

#[tokio::test]
async fn a_request_carries_the_key_and_nothing_superfluous() {
    let cookie = answer(200, "Set-Cookie: session=1; Path=/\r\n", one().as_bytes());
    let rig = Rig::new(move |request| match request.method.as_str() {
        "GET" => vec![Act::Send(cookie.clone())],
        _ => vec![Act::Send(empty(204))],
    })
    .await;
    rig.delete().await.unwrap();
    rig.lookup().await.unwrap();
    let requests = rig.server.requests();
    let lines: Vec<String> = requests.iter().map(Request::line).collect();
    assert_eq!(
        lines[..2],
        [format!("GET {LOOKUP}"), format!("DELETE {BY_ID}")]
    );
    for request in requests {
        assert_eq!(request.header("authorization"), [KEY]);
        assert_eq!(request.header("accept"), ["application/json"]);
        assert_eq!(request.header("host").len(), 1);
        let mut names: Vec<&str> = request
            .headers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "authorization", "host", "user-agent"]);
    }
}

#[tokio::test]
async fn the_key_may_be_sent_as_a_bearer_token() {
    let rig = Rig::with(one_then(vec![Act::Send(empty(204))]), |settings| {
        settings.auth_scheme = AuthScheme::Bearer;
    })
    .await;
    rig.delete().await.unwrap();
    for request in rig.server.requests() {
        assert_eq!(request.header("authorization"), [format!("Bearer {KEY}")]);
    }
}

#[tokio::test]
async fn a_code_is_one_segment_of_the_path_and_only_that() {
    let page = Page::new().await;
    for (asked, segment) in [
        ("123|123", "123%7C123"),
        ("biolange.da costa", "biolange.da%20costa"),
        ("João Ávila", "Jo%C3%A3o%20%C3%81vila"),
        ("a?x=1", "a%3Fx%3D1"),
        ("a#b", "a%23b"),
        ("a&b=c;d", "a%26b%3Dc%3Bd"),
        ("...", "..."),
        ("a..b", "a..b"),
        ("x@h:1", "x%40h%3A1"),
        ("[1]{2}^`\"<>", "%5B1%5D%7B2%7D%5E%60%22%3C%3E"),
        ("~a-b_c", "~a-b_c"),
        ("+1", "%2B1"),
    ] {
        let before = page.rig.server.requests().len();
        assert_eq!(page.says_to(asked, "[]").await, "absent");
        let sent = page.rig.server.requests()[before].line();
        assert_eq!(sent, format!("GET /api/v2/properties/client/{segment}"));
    }
}

#[test]
fn a_folder_is_no_code() {
    for folder in [".", "..", " .. ", "\t.\n"] {
        assert_eq!(ReservationCode::parse(folder), Err(CodeError::Dots));
    }
}

/// A server with one client and its reservation that matches filters loosely.
fn filtering(asked: &'static str) -> impl Fn(&Request) -> Vec<Act> + Send + Sync {
    move |request| {
        let body = match request.target.split('?').next().unwrap() {
            "/api/v2/ftth-clients" => {
                let client =
                    |id: &str, code: &str| value!({"id": id, "kind": "ftth", "code": code});
                value!({"total": 2, "count": 2, "start": 0, "limit": 5, "rows": [
                    client("62d194b46c9401002392c7aa", &format!("{asked}0")), client(CLIENT_ID, asked),
                ]})
            }
            "/api/v2/properties" => {
                let mut row = reservation();
                row["client"]["code"] = asked.into();
                value!({"total": 1, "count": 1, "start": 0, "limit": 5, "rows": [row]})
            }
            other => panic!("asked for {other}"),
        };
        vec![Act::Send(json(200, &body.to_string()))]
    }
}

#[tokio::test]
async fn a_code_that_a_proxy_may_decode_is_asked_for_in_two_filters() {
    for asked in ["abc/def", "a\\b", "100%", "%2e%2e", "../.."] {
        let rig = Rig::new(filtering(asked)).await;
        assert_eq!(word(&rig.judged(asked).await), "delete");
        let mut requests = rig.server.requests();
        // Each spelling is looked up and leads to the same reservation.
        assert_eq!(requests.len(), 2 * code(asked).spellings().len(), "{asked}");
        let is_asked = |request: &Request| query(request, "filter").contains(CLIENT_ID);
        requests.sort_by_key(is_asked);
        requests.retain(|request| {
            let filter: serde_json::Value =
                serde_json::from_str(&query(request, "filter")).unwrap();
            filter[0]["value"] == asked || filter[0]["value"] == CLIENT_ID
        });
        for (request, property, value) in [
            (&requests[0], "code", asked),
            (&requests[1], "client", CLIENT_ID),
        ] {
            let filter: serde_json::Value =
                serde_json::from_str(&query(request, "filter")).unwrap();
            let expected = value!([{"property": property, "operator": "=", "value": value}]);
            assert_eq!(filter, expected);
            assert!(request.target.is_ascii() && !request.target.contains(['|', ' ', '"']));
        }
    }
}

#[tokio::test]
async fn an_ignored_filter_is_not_an_absence() {
    let others: Vec<_> = (0..5)
        .map(
            |n| value!({"id": format!("62d194b46c9401002392c7a{n}"), "code": format!("other-{n}")}),
        )
        .collect();
    for body in [
        value!(others),
        value!({"rows": others}),
        value!({"total": 5000, "rows": others}),
        value!({"rows": others, "hasNextPage": true}),
    ] {
        let rig = Rig::new(move |_| vec![Act::Send(json(200, &body.to_string()))]).await;
        assert_eq!(word(&rig.judged("abc/def").await), "ozmap_shape");
    }
    let few = value!(others[..2]);
    let rig = Rig::new(move |_| vec![Act::Send(json(200, &few.to_string()))]).await;
    assert_eq!(word(&rig.judged("abc/def").await), "absent");
    let unreadable = value!([{"id": CLIENT_ID, "code": 5}]);
    let rig = Rig::new(move |_| vec![Act::Send(json(200, &unreadable.to_string()))]).await;
    assert_eq!(word(&rig.judged("abc/def").await), "ozmap_shape");
}

#[tokio::test]
async fn an_unsolicited_response_is_never_taken_for_the_next_one() {
    let twice = [json(200, &one()), empty(204)].concat();
    let rig = Rig::new(move |request| match request.method.as_str() {
        "GET" => vec![Act::Send(twice.clone())],
        _ => vec![Act::Send(json(500, ""))],
    })
    .await;
    for _ in 0..10 {
        let error = rig.delete().await.unwrap_err();
        assert_eq!(error.kind.id(), "ozmap_server_error");
    }
}

#[tokio::test]
async fn concurrent_calls_stay_within_the_limit() {
    for allowed in [1, 3] {
        // Slow enough for every allowed call to be running.
        let script = |_: &Request| vec![Act::Drip(json(200, "[]"), Duration::from_millis(2))];
        let rig = Rig::with(script, |settings| settings.concurrency_max = allowed).await;
        let asked = code(CODE);
        let ask = || async {
            rig.ozmap
                .session(&asked)
                .await
                .unwrap()
                .lookup(&asked, None)
                .await
                .map(drop)
        };
        let answers = tokio::join!(ask(), ask(), ask(), ask(), ask(), ask(), ask(), ask());
        answers.0.and(answers.1).and(answers.7).unwrap();
        assert_eq!(rig.server.requests().len(), 8);
        assert_eq!(rig.server.in_work_most(), allowed);
    }
}
