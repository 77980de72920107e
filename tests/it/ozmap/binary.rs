//! The same misbehaviour in front of the real binary: the reply to the customer, and the calls to
//! OZmap.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use serde_json::json as value;
use tempfile::TempDir;

use super::rig::{BY_ID, CODE, KEY, LOOKUP, one, reservation};
use super::stand_in::{Act, Request, StandIn, answer, empty, json};
use crate::support::{Launch, Reply, Service, eventually};

pub fn send(bytes: Vec<u8>) -> Vec<Act> {
    vec![Act::Send(bytes)]
}

/// An honest OZmap with one reservation, unless a test's script answers first.
#[derive(Clone)]
pub struct Holding(Arc<AtomicBool>);

impl Holding {
    pub fn new() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    pub fn remove(&self) {
        self.0.store(false, SeqCst);
    }

    pub fn answer(&self, request: &Request) -> Vec<Act> {
        let is_there = self.0.load(SeqCst);
        match (request.method.as_str(), request.target.as_str()) {
            ("GET", LOOKUP) if is_there => send(json(200, &one())),
            ("GET", LOOKUP) => send(json(200, "[]")),
            ("GET", BY_ID) if is_there => send(json(200, &reservation().to_string())),
            ("DELETE", BY_ID) if is_there => {
                self.remove();
                send(empty(204))
            }
            ("GET", "/api/v2/authenticated") => send(json(200, "{}")),
            ("GET", target) if target.starts_with("/api/v2/properties?") => {
                let rows = is_there.then(reservation).into_iter().collect::<Vec<_>>();
                let list =
                    value!({"total": rows.len(), "start": 0, "count": rows.len(), "rows": rows});
                send(json(200, &list.to_string()))
            }
            _ => send(json(404, "{}")),
        }
    }
}

/// The real binary on a stand-in.
pub struct Setting {
    pub ozmap: StandIn,
    pub service: Service,
    _folder: TempDir,
}

impl Setting {
    pub async fn new(script: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static) -> Self {
        Self::with(script, |launch| launch).await
    }

    pub async fn with(
        script: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static,
        settings: impl FnOnce(Launch) -> Launch,
    ) -> Self {
        let ozmap = StandIn::start(script).await;
        let folder = tempfile::tempdir().unwrap();
        let service = settings(launch(&ozmap, &folder)).start().await;
        Self {
            ozmap,
            service,
            _folder: folder,
        }
    }

    pub async fn cancel(&self) -> Reply {
        self.ask(value!({"code": CODE, "message_id": "m-1"})).await
    }

    pub async fn ask(&self, body: serde_json::Value) -> Reply {
        self.service.ask(&body).await
    }

    /// The properties that it was told to delete, in order.
    pub fn deletions(&self) -> Vec<String> {
        self.ozmap.of("DELETE").iter().map(Request::line).collect()
    }

    pub async fn ask_until_final(&self, body: serde_json::Value) -> Reply {
        eventually("the end", || async {
            let reply = self.ask(body.clone()).await;
            (reply.json()["final"] == value!(true)).then_some(reply)
        })
        .await
    }
}

fn launch(ozmap: &StandIn, folder: &TempDir) -> Launch {
    let journal = format!("sqlite:{}", folder.path().join("journal.db").display());
    Launch::new(&ozmap.url(), &journal)
        .set("OZMAP__API_KEY", KEY)
        .set("CHANNELS__CHATBOT__ANSWER_MS_MAX", "1500")
        .set("LOG__FILTER", "trace")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_line_contains_the_code_or_the_key() {
    let holding = Holding::new();
    let setting = Setting::new(move |request| holding.answer(request)).await;
    assert_eq!(setting.cancel().await.outcome(), "cancelled");
    assert_eq!(setting.ozmap.of("DELETE").len(), 1);
    let logs = setting.service.logs();
    for secret in [CODE, "123%7C123", KEY, "Gabriel", "Flores"] {
        assert!(!logs.contains(secret), "{secret} in {logs}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_whose_response_is_lost_is_cancelled_once_verified() {
    for end in [Act::Reset, Act::Close] {
        let holding = Holding::new();
        let setting = Setting::new(move |request| {
            let honest = holding.answer(request);
            match request.method.as_str() {
                "DELETE" => vec![end.clone()],
                _ => honest,
            }
        })
        .await;
        assert_eq!(setting.cancel().await.outcome(), "cancelled");
        assert_eq!(setting.ozmap.of("DELETE").len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_deletion_that_did_not_happen_is_never_called_cancelled() {
    let holding = Holding::new();
    let setting = Setting::new(move |request| match request.method.as_str() {
        "DELETE" => send(empty(204)),
        _ => holding.answer(request),
    })
    .await;
    assert_eq!(setting.cancel().await.outcome(), "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_redirect_or_truncated_response_becomes_not_found_or_cancelled() {
    let elsewhere = StandIn::start(|_| send(json(200, "[]"))).await;
    let moved = format!("Location: {}/\r\n", elsewhere.url());
    for acts in [
        send(answer(
            404,
            "Content-Type: text/html\r\n",
            b"<html><h1>404</h1></html>",
        )),
        send(answer(404, "", b"Cannot GET /api/v2/properties/client/x")),
        send(answer(200, "", b"<html>Sign in</html>")),
        send(answer(302, &moved, b"")),
        send(answer(200, "", b"")),
        send(json(200, &one()[..300])),
        vec![
            Act::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[]".to_vec()),
            Act::Close,
        ],
        send(json(401, "\"Unauthorized\"")),
    ] {
        let setting = Setting::new(move |_| acts.clone()).await;
        assert_eq!(setting.cancel().await.outcome(), "pending");
        assert!(setting.ozmap.of("DELETE").is_empty());
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_after_the_delete_is_not_cancelled_until_ozmap_responds() {
    let (holding, is_up) = (Holding::new(), Arc::new(AtomicBool::new(false)));
    let up = is_up.clone();
    let setting = Setting::new(move |request| match request.target.as_str() {
        BY_ID if request.method == "GET" && !up.load(SeqCst) => send(answer(
            404,
            "Content-Type: text/html\r\n",
            b"<html>404</html>",
        )),
        _ => holding.answer(request),
    })
    .await;
    assert_eq!(setting.cancel().await.outcome(), "pending");
    is_up.store(true, SeqCst);
    eventually("the cancellation to be seen", || async {
        (setting.cancel().await.outcome() == "cancelled").then_some(())
    })
    .await;
    assert_eq!(setting.ozmap.of("DELETE").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contradictory_document_needs_review() {
    for (from, to) in [
        (
            "\"implanted\":false",
            "\"implanted\":true,\"implanted\":false",
        ),
        ("\"implanted\":false", "\"implanted\":\"false\""),
        ("\"implanted\":false", "\"status2\":0"),
        (
            "\"kind\":\"Property\"",
            "\"kind\":\"Property\",\"id\":\"62d194b46c9401002392c7ff\"",
        ),
    ] {
        let body = one().replacen(from, to, 1);
        let setting = Setting::new(move |_| send(json(200, &body))).await;
        assert_eq!(setting.cancel().await.outcome(), "review", "{to}");
        assert!(setting.ozmap.of("DELETE").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_zero_does_not_cause_a_retry_loop() {
    let setting = Setting::new(|_| send(answer(429, "Retry-After: 0\r\n", b""))).await;
    assert_eq!(setting.cancel().await.outcome(), "pending");
    assert!(
        setting.ozmap.requests().len() <= 3,
        "{} calls",
        setting.ozmap.requests().len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_in_the_environment_is_not_used() {
    let holding = Holding::new();
    let ozmap = StandIn::start(move |request| holding.answer(request)).await;
    let proxy = StandIn::start(|_| send(json(200, "[]"))).await;
    let folder = tempfile::tempdir().unwrap();
    let mut launch = launch(&ozmap, &folder);
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        launch = launch.environment(name, &proxy.url());
    }
    let service = launch.start().await;
    let reply = service
        .ask(&value!({"code": CODE, "message_id": "m-1"}))
        .await;
    assert_eq!(reply.outcome(), "cancelled");
    assert_eq!(proxy.connections(), 0);
}

const BY_ID_OF_THE_NEW: &str = "/api/v2/properties/62d194b46c9401002392c7ff";

/// A new reservation of the same code.
fn new_one() -> serde_json::Value {
    let mut new = reservation();
    new["_id"] = value!("62d194b46c9401002392c7ff");
    new
}

/// A service with a short deadline, on an OZmap that keeps deleted properties readable by id and
/// without a deletion date (undocumented): the kept document, and the response for the code
/// afterwards.
async fn keeping(kept: String, under_the_code: String) -> Reply {
    let holding = Holding::new();
    let is_there = holding.0.clone();
    let setting = Setting::with(
        move |request| match (request.method.as_str(), request.target.as_str()) {
            ("GET", BY_ID) => send(json(200, &kept)),
            ("GET", LOOKUP) if !is_there.load(SeqCst) => send(json(200, &under_the_code)),
            _ => holding.answer(request),
        },
        |launch| {
            launch
                .set("OZMAP__DELETE_MS", "700")
                .set("JOURNAL__LEASE_MS", "5700")
                .set("JOURNAL__SETTLE_MS", "700")
                .set("JOURNAL__GIVE_UP_S", "10")
        },
    )
    .await;
    let asked = value!({"code": CODE, "message_id": "m-1"});
    let reply = setting.ask_until_final(asked).await;
    assert_eq!(setting.ozmap.of("DELETE").len(), 1);
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_never_rests_on_another_property_under_the_code() {
    let mut other = new_one();
    other["client"]["implanted"] = value!(true);
    let reply = keeping(reservation().to_string(), value!([other]).to_string()).await;
    assert_eq!(reply.outcome(), "unknown", "{reply:?}");
}

/// The customer was installed between the guard's reading and the DELETE, which took effect.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_never_rests_on_the_kept_document_of_a_deleted_property() {
    let mut kept = reservation();
    kept["client"]["implanted"] = value!(true);
    let reply = keeping(kept.to_string(), "[]".to_owned()).await;
    assert_eq!(reply.outcome(), "unknown", "{reply:?}");
}

/// A lagging replica shows a property that was seen gone once more; then a new one has the code, or
/// none.
async fn lagging(new: String) -> Setting {
    let holding = Holding::new();
    let is_there = holding.0.clone();
    let (looks, is_new_gone) = (AtomicUsize::new(0), AtomicBool::new(false));
    let setting = Setting::new(move |request| {
        let is_there = is_there.load(SeqCst);
        match (request.method.as_str(), request.target.as_str()) {
            // The first lookup is that of the recheck, which shows the absence.
            ("GET", LOOKUP) if !is_there => match looks.fetch_add(1, SeqCst) {
                0 => send(json(200, "[]")),
                1 | 2 => send(json(200, &one())),
                _ if is_new_gone.load(SeqCst) => send(json(200, "[]")),
                _ => send(json(200, &new)),
            },
            ("DELETE", BY_ID_OF_THE_NEW) => {
                is_new_gone.store(true, SeqCst);
                send(empty(204))
            }
            _ => holding.answer(request),
        }
    })
    .await;
    assert_eq!(setting.cancel().await.outcome(), "cancelled");
    setting
}

#[tokio::test(flavor = "multi_thread")]
async fn a_property_that_was_seen_gone_is_not_deleted_again_in_place_of_a_new_one() {
    let setting = lagging(value!([new_one()]).to_string()).await;
    let again = value!({"code": CODE, "message_id": "m-2"});
    let reply = setting.ask_until_final(again).await;
    assert_eq!(reply.outcome(), "cancelled");
    let each = [BY_ID, BY_ID_OF_THE_NEW].map(|target| format!("DELETE {target}"));
    assert_eq!(setting.deletions(), each);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_that_shows_a_deleted_property_is_discarded() {
    let setting = lagging("[]".to_owned()).await;
    let look = value!({"code": CODE, "action": "lookup"});
    assert_eq!(setting.ask(look).await.status, 503, "nobody knows");
    let rehearsal = value!({"code": CODE, "message_id": "m-2", "dry_run": true});
    let rehearsed = setting.ask_until_final(rehearsal).await;
    assert_eq!(rehearsed.outcome(), "already_cancelled");
    let again = value!({"code": CODE, "message_id": "m-3"});
    let reply = setting.ask_until_final(again).await;
    assert_eq!(reply.outcome(), "already_cancelled");
    assert_eq!(setting.ozmap.of("DELETE").len(), 1);
}

/// The DELETE of the new property had no effect, and the recheck reads a replica from before that
/// property was made.
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_replica_does_not_show_that_a_newer_property_is_gone() {
    let new = new_one();
    let (by_id, by_code) = (new.to_string(), value!([new]).to_string());
    let holding = Holding::new();
    let is_there = holding.0.clone();
    let [looks, looks_by_id, deletions] = [0; 3].map(AtomicUsize::new);
    let setting = Setting::new(move |request| {
        let is_new_gone = deletions.load(SeqCst) > 1;
        match (request.method.as_str(), request.target.as_str()) {
            ("GET", LOOKUP) if !is_there.load(SeqCst) => match looks.fetch_add(1, SeqCst) {
                0 => send(json(200, "[]")),
                2 => send(json(200, &one())),
                _ if is_new_gone => send(json(200, "[]")),
                _ => send(json(200, &by_code)),
            },
            ("GET", BY_ID_OF_THE_NEW) => match looks_by_id.fetch_add(1, SeqCst) {
                0 => send(json(404, "{}")),
                _ if is_new_gone => send(json(404, "{}")),
                _ => send(json(200, &by_id)),
            },
            ("DELETE", BY_ID_OF_THE_NEW) => {
                deletions.fetch_add(1, SeqCst);
                send(empty(204))
            }
            _ => holding.answer(request),
        }
    })
    .await;
    assert_eq!(setting.cancel().await.outcome(), "cancelled");
    let again = value!({"code": CODE, "message_id": "m-2"});
    assert_eq!(setting.ask_until_final(again).await.outcome(), "cancelled");
    let each = [BY_ID, BY_ID_OF_THE_NEW, BY_ID_OF_THE_NEW].map(|id| format!("DELETE {id}"));
    assert_eq!(setting.deletions(), each);
}
