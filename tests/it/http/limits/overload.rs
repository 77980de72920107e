//! Overload: a caller beyond the limit is refused before anything is accepted, and a caller within
//! it is not forgotten.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{ALIVE, PROBE, head, stalled, until};
use crate::cancel::{asking, try_ask_of};
use crate::support::{Reply, World, eventually};

/// How many requests may be in flight, and how many come.
const IN_FLIGHT_MAX: usize = 8;
const REQUESTS: usize = 120;

async fn all_at_once(world: &World) -> Vec<(String, Reply)> {
    let mut asked = JoinSet::new();
    for n in 0..REQUESTS {
        let (address, code) = (world.service.address(), format!("crowd-{n}"));
        asked.spawn(async move {
            let reply = try_ask_of(address, asking(&code, &code)).await.unwrap();
            (code, reply)
        });
    }
    let mut answers = Vec::new();
    while let Some(answer) = asked.join_next().await {
        answers.push(answer.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_the_limit_are_refused_before_anything_is_accepted_and_the_rest_end() {
    let world = World::with(&[
        ("SERVER__IN_FLIGHT_MAX", &IN_FLIGHT_MAX.to_string()),
        ("POLICY__DELETES_PER_HOUR_MAX", "1000"),
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "1500"),
    ])
    .await;
    for n in 0..REQUESTS {
        world
            .ozmap
            .reserve(json!({"code": format!("crowd-{n}")}))
            .await;
    }
    world.ozmap.fault("lookup:hold_before").await;
    let answers = all_at_once(&world).await;
    let mut taken = HashSet::new();
    for (code, reply) in &answers {
        if reply.status == 200 {
            assert_eq!(reply.outcome(), "pending", "{code}");
            taken.insert(code.as_str());
            continue;
        }
        assert_eq!(reply.status, 503, "{code}: {reply:?}");
        assert_eq!(reply.json()["type"], "urn:ozmap-cancel:problem:busy");
        assert!(reply.header("retry-after").is_some(), "{code}");
    }
    assert_eq!(taken.len(), IN_FLIGHT_MAX);
    // The journal has exactly the accepted ones.
    let rows = world.journal();
    let written: HashSet<&str> = rows.iter().filter_map(|row| row["code"].as_str()).collect();
    assert_eq!(written, taken);
    assert_eq!(world.service.get("/health/ready").await.status, 200);

    world.ozmap.heal().await;
    world.ozmap.release().await;
    let rows = world.settled().await;
    let is_cancelled = |row: &Value| row["outcome"] == "cancelled";
    assert!(
        rows.len() == IN_FLIGHT_MAX && rows.iter().all(is_cancelled),
        "{rows:?}"
    );
    // A refused caller that retries, as it was told to, is accepted in its turn.
    for (code, _) in &answers {
        let reply = world.ask_until_final(asking(code, code)).await;
        assert_eq!(reply.outcome(), "cancelled", "{code}");
    }
    assert_eq!(world.journal().len(), REQUESTS);
    assert_eq!(world.ozmap.deletions().await.len(), REQUESTS);
}

/// The number of stalled connections: a thousand, where the limit of open files allows it.
fn stalled_count() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    files.map_or(1_000, |files: usize| (files / 4).min(1_000))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_stalled_callers_hold_up_neither_the_others_nor_a_stop() {
    let mut world = World::with(&[
        ("SERVER__DRAIN_MS_MAX", "2000"),
        ("SERVER__HEAD_MS_MAX", "60000"),
        ("SERVER__BODY_MS_MAX", "60000"),
        // On a shared journal the next process waits for the lease to expire.
        ("OZMAP__LOOKUP_MS", "4000"),
        ("OZMAP__DELETE_MS", "4000"),
        ("JOURNAL__LEASE_MS", "9000"),
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "500"),
    ])
    .await;
    let half_head = head();
    let half_body = format!("{}Content-Length: 50\r\n\r\n{{\"code\":", head());
    let half_chunk = format!("{}Transfer-Encoding: chunked\r\n\r\n10\r\n{{", head());
    let kept = "GET /health/live HTTP/1.1\r\nHost: service\r\n\r\n";
    let sent = ["", &half_head, &half_body, &half_chunk, kept];
    let mut connections = Vec::new();
    for n in 0..stalled_count() {
        connections.push(stalled(&world, sent[n % sent.len()]).await);
    }
    // There is room for another caller.
    assert_eq!(
        world.cancel("reservation_123", "m-0").await.outcome(),
        "cancelled"
    );
    world.ozmap.fault("delete:hold_before*1").await;
    let body = asking("123|123", "m-1");
    assert_eq!(world.ask(body.clone()).await.outcome(), "pending");
    world.ozmap.held().await;

    let began = Instant::now();
    world.service.signal("TERM");
    eventually("the listener to close", || async {
        let late = tokio::net::TcpStream::connect(world.service.address()).await;
        late.is_err().then_some(())
    })
    .await;
    assert_eq!(world.service.ended().await, Some(0));
    // The limit is 2 s; the rest is tolerance for a loaded machine.
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    drop(connections);
    world.ozmap.release().await;
    world.ozmap.heal().await;
    world.restart().await;
    assert_eq!(world.ask_until_final(body).await.outcome(), "cancelled");
    let rows = world.settled().await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(world.ozmap.deletions().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_beyond_the_limit_waits_until_another_one_closes() {
    let world = World::with(&[
        ("SERVER__CONNECTIONS_MAX", "3"),
        // No connection times out during the test.
        ("SERVER__HEAD_MS_MAX", "60000"),
    ])
    .await;
    let mut accepted = Vec::new();
    for _ in 0..3 {
        let mut stream = stalled(&world, PROBE).await;
        until(&mut stream, ALIVE).await;
        accepted.push(stream);
    }
    let mut waiting = stalled(&world, PROBE).await;
    let answered = timeout(Duration::from_secs(1), waiting.readable()).await;
    assert!(answered.is_err(), "a fourth connection was accepted");
    // The open connections are served as usual.
    accepted[0].write_all(PROBE.as_bytes()).await.unwrap();
    until(&mut accepted[0], ALIVE).await;
    drop(accepted.pop());
    until(&mut waiting, ALIVE).await;
}
