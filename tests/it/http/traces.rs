//! W3C traces: a webhook's `traceparent` goes on to OZmap, and whatever began without one gets one.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::{Ozmap, World, eventually};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A way to OZmap that keeps what the service sends.
struct Tap {
    address: SocketAddr,
    sent: Arc<Mutex<String>>,
    _stop: DropGuard,
}

impl Tap {
    async fn start(ozmap: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sent, stop) = (
            Arc::new(Mutex::new(String::new())),
            CancellationToken::new(),
        );
        let (kept, stopped) = (sent.clone(), stop.clone());
        tokio::spawn(stopped.run_until_cancelled_owned(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass_on(stream, ozmap, kept.clone()));
            }
        }));
        Self {
            address,
            sent,
            _stop: stop.drop_guard(),
        }
    }

    /// The requests about reservations so far: what they ask for, and their `traceparent`.
    fn calls(&self) -> Vec<(String, Option<String>)> {
        let sent = self.sent.lock().unwrap().clone();
        let heads = sent.split("\r\n\r\n").filter(|head| !head.is_empty());
        let calls = heads.map(|head| {
            let traceparent = head
                .lines()
                .find_map(|line| line.strip_prefix("traceparent: "));
            let line = head.lines().next().unwrap_or_default().to_owned();
            assert!(!head.contains("tracestate"), "{head}");
            (line, traceparent.map(str::to_owned))
        });
        calls.collect()
    }

    /// The calls that belong to a request. A probe belongs to none.
    fn traced(&self) -> Vec<(String, String)> {
        let calls = self.calls().into_iter();
        calls
            .filter_map(|(line, trace)| Some((line, trace?)))
            .collect()
    }
}

async fn pass_on(mut from: TcpStream, ozmap: SocketAddr, kept: Arc<Mutex<String>>) {
    let Ok(mut to) = TcpStream::connect(ozmap).await else {
        return;
    };
    let (mut from_read, mut from_write) = from.split();
    let (mut to_read, mut to_write) = to.split();
    let there = async {
        let mut chunk = [0; 4096];
        while let Ok(read) = from_read.read(&mut chunk).await {
            kept.lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&chunk[..read]));
            if read == 0 || to_write.write_all(&chunk[..read]).await.is_err() {
                break;
            }
        }
        drop(to_write.shutdown().await);
    };
    let back = async {
        drop(tokio::io::copy(&mut to_read, &mut from_write).await);
        drop(from_write.shutdown().await);
    };
    tokio::join!(there, back);
}

async fn tapped(settings: &[(&str, &str)]) -> (World, Tap) {
    let ozmap = Ozmap::start().await;
    let tap = Tap::start(ozmap.address()).await;
    let url = format!("http://{}", tap.address);
    let mut all = vec![("OZMAP__BASE_URL", url.as_str())];
    all.extend_from_slice(settings);
    (World::on(ozmap, &all).await, tap)
}

/// Asks with a `traceparent`.
async fn ask(world: &World, body: &serde_json::Value, traceparent: &str) -> String {
    let headers = [("traceparent", traceparent), ("tracestate", "canary=1")];
    let body = body.to_string();
    let reply = world.service.post("chatbot", &headers, body.as_bytes());
    reply.await.unwrap().outcome()
}

/// The trace ids of these calls; each call has an id of its own.
fn trace_ids(calls: &[(String, String)]) -> BTreeSet<String> {
    let mut own = BTreeSet::new();
    let ids = calls.iter().map(|(line, traceparent)| {
        let fields: Vec<&str> = traceparent.split('-').collect();
        let [version, trace, call, flags] = fields[..] else {
            panic!("{line}: {traceparent}")
        };
        assert_eq!(
            (version, trace.len(), call.len(), flags.len()),
            ("00", 32, 16, 2),
            "{line}"
        );
        assert!(
            call != PARENT && own.insert(call.to_owned()),
            "{line}: {traceparent}"
        );
        trace.to_owned()
    });
    ids.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_to_ozmap_continues_the_trace_of_the_webhook() {
    let (world, tap) = tapped(&[]).await;
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    let lookup = json!({"code": "123|123", "action": "lookup"});
    assert_eq!(ask(&world, &lookup, &traceparent).await, "found");
    let looked_up = tap.traced().len();
    assert!(looked_up > 0, "{:?}", tap.calls());
    let cancel = json!({"code": "123|123", "message_id": "m-1"});
    assert_eq!(ask(&world, &cancel, &traceparent).await, "cancelled");
    let calls = tap.traced();
    assert!(calls.len() > looked_up, "{calls:?}");
    assert!(
        calls.iter().any(|(line, _)| line.starts_with("DELETE ")),
        "{calls:?}"
    );
    assert_eq!(trace_ids(&calls), BTreeSet::from([TRACE.to_owned()]));
    assert!(
        calls
            .iter()
            .all(|(_, traceparent)| traceparent.ends_with("-01")),
        "{calls:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_without_a_valid_trace_begins_one() {
    let (world, tap) = tapped(&[]).await;
    let mut seen = BTreeSet::new();
    for (n, traceparent) in [
        "nonsense".to_owned(),
        format!("00-{TRACE}-{PARENT}"),
        format!("ff-{TRACE}-{PARENT}-01"),
        format!("00-{}-{PARENT}-01", "0".repeat(32)),
        format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
    ]
    .iter()
    .enumerate()
    {
        let before = tap.traced().len();
        let body = json!({"code": format!("none-{n}"), "message_id": format!("m-{n}")});
        assert_eq!(ask(&world, &body, traceparent).await, "not_found");
        let ids = trace_ids(&tap.traced()[before..]);
        assert_eq!(ids.len(), 1, "{traceparent}: {ids:?}");
        assert!(!ids.contains(TRACE), "{traceparent}");
        seen.extend(ids);
    }
    assert_eq!(seen.len(), 5, "one each");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_is_resumed_after_a_crash_begins_a_trace() {
    let (mut world, tap) = tapped(&[("CHANNELS__CHATBOT__ANSWER_MS_MAX", "500")]).await;
    world.ozmap.fault("delete:hold_before*1").await;
    let body = json!({"code": "123|123", "message_id": "m-1"});
    let traceparent = format!("00-{TRACE}-{PARENT}-00");
    assert_eq!(ask(&world, &body, &traceparent).await, "pending");
    world.ozmap.held().await;
    world.kill();
    let before = tap.traced();
    assert_eq!(trace_ids(&before), BTreeSet::from([TRACE.to_owned()]));
    world.ozmap.release().await;
    world.ozmap.heal().await;
    world.restart().await;
    assert_eq!(world.settled().await[0]["outcome"], "cancelled");
    let resumed = eventually("calls after the restart", || async {
        let calls = tap.traced();
        (calls.len() > before.len()).then(|| calls[before.len()..].to_vec())
    })
    .await;
    let ids = trace_ids(&resumed);
    assert!(ids.len() == 1 && !ids.contains(TRACE), "{resumed:?}");
}
