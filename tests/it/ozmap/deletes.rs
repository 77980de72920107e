//! The DELETE: sent once or not at all, on a new connection and a fresh reading.

use std::collections::HashSet;
#[cfg(target_os = "linux")]
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use ozmap_cancel::ozmap::{Acted, FailureKind};
#[cfg(target_os = "linux")]
use tokio::net::{TcpListener, TcpSocket, TcpStream};
#[cfg(target_os = "linux")]
use tokio::time::timeout;

use super::rig::{LOOKUP, Ledger, Rig, one, one_then, session};
use super::stand_in::{Act, StandIn, answer, empty, json};
use crate::support::eventually;

#[tokio::test]
async fn a_delete_is_sent_once_whatever_the_response() {
    let half = || Act::Send(b"HTTP/1.1 204 No Con".to_vec());
    let short = || Act::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}".to_vec());
    let chunk =
        || Act::Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}".to_vec());
    for (acts, kind) in [
        (vec![Act::Reset], FailureKind::Lost),
        (vec![Act::Close], FailureKind::Lost),
        (vec![half(), Act::Reset], FailureKind::Lost),
        (vec![half(), Act::Close], FailureKind::Lost),
        (vec![short(), Act::Close], FailureKind::Lost),
        (vec![short(), Act::Reset], FailureKind::Lost),
        (vec![chunk(), Act::Close], FailureKind::Lost),
        (
            vec![Act::Send(b"nonsense\r\n\r\n".to_vec())],
            FailureKind::Lost,
        ),
        (vec![Act::Hold], FailureKind::Timeout),
        (vec![half(), Act::Hold], FailureKind::Timeout),
        (vec![short(), Act::Hold], FailureKind::Timeout),
        (
            vec![Act::Drip(json(200, "{}"), Duration::from_millis(30))],
            FailureKind::Timeout,
        ),
    ] {
        let rig = Rig::with(one_then(acts.clone()), |settings| {
            settings.delete = Duration::from_millis(400);
        })
        .await;
        let error = rig.delete().await.unwrap_err();
        assert_eq!((error.kind, error.acted), (kind, Acted::Maybe), "{acts:?}");
        assert_eq!(rig.server.of("DELETE").len(), 1, "{acts:?}");
    }
}

#[tokio::test]
async fn a_server_that_closes_after_each_answer_gets_each_deletion_at_most_once() {
    let rig = Rig::new(|request| {
        let bytes = match request.target.as_str() {
            LOOKUP => json(200, &one()),
            _ => empty(204),
        };
        vec![Act::Send(bytes), Act::Close]
    })
    .await;
    // Each on a new connection: none is lost on one that the server was about to close.
    for sent in 1..=20 {
        let ended = rig.delete().await;
        assert!(ended.is_ok(), "{sent}: {ended:?}");
        assert_eq!(rig.server.of("DELETE").len(), sent);
    }
}

#[tokio::test]
async fn a_deletion_never_goes_out_on_a_connection_that_was_silent_for_two_seconds() {
    let rig = Rig::new(one_then(vec![Act::Send(empty(204))])).await;
    let target = rig.target().await;
    let intent = Ledger::new(60_000).await.intend(&target).await;
    let answered = rig.server.requests().pop().unwrap();
    eventually("a connection that was silent for two seconds", || async {
        (answered.at.elapsed() > Duration::from_millis(2_050)).then_some(())
    })
    .await;
    session(&rig.ozmap).await.delete(intent).await.unwrap();
    let deleted = rig.server.of("DELETE").pop().unwrap();
    assert_ne!(deleted.connection, answered.connection);
}

#[tokio::test]
async fn a_deletion_goes_out_on_a_connection_of_its_own() {
    let rig = Rig::new(one_then(vec![Act::Send(empty(204))])).await;
    rig.delete().await.unwrap();
    let looked = rig.server.requests().into_iter().next().unwrap();
    let deleted = rig.server.of("DELETE").pop().unwrap();
    assert_ne!(deleted.connection, looked.connection);
}

#[tokio::test]
async fn two_deletions_never_share_a_connection() {
    // Both responses keep the connection open.
    for bytes in [empty(204), json(200, "{}")] {
        let rig = Rig::new(one_then(vec![Act::Send(bytes)])).await;
        for _ in 0..3 {
            rig.delete().await.unwrap();
        }
        let used = rig.server.of("DELETE");
        let used: HashSet<usize> = used.iter().map(|request| request.connection).collect();
        assert_eq!(used.len(), 3, "{used:?}");
    }
}

#[tokio::test]
async fn a_connection_that_just_answered_is_used_again() {
    let rig = Rig::new(one_then(vec![Act::Send(empty(204))])).await;
    rig.lookup().await.unwrap();
    rig.lookup().await.unwrap();
    assert_eq!(rig.server.connections(), 1);
}

#[tokio::test]
async fn a_deletion_is_not_sent_on_a_reading_that_is_older_than_three_seconds() {
    let rig = Rig::new(one_then(vec![Act::Send(empty(204))])).await;
    let target = rig.target().await;
    let intent = Ledger::new(60_000).await.intend(&target).await;
    eventually("an old reading", || async {
        (intent.guard_age_ms() > 3_000).then_some(())
    })
    .await;
    let error = session(&rig.ozmap).await.delete(intent).await.unwrap_err();
    assert_eq!((error.kind, error.acted), (FailureKind::Stale, Acted::No));
    assert!(rig.server.of("DELETE").is_empty());
}

#[tokio::test]
async fn the_age_of_a_reading_counts_from_its_question() {
    let rig = Rig::with(
        |request| match request.target.as_str() {
            LOOKUP => vec![Act::Drip(json(200, &one()), Duration::from_millis(6))],
            _ => vec![Act::Send(empty(204))],
        },
        |settings| settings.lookup = Duration::from_secs(20),
    )
    .await;
    let asked = Instant::now();
    let error = rig.delete().await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Stale);
    assert!(rig.server.of("DELETE").is_empty());
    assert!(
        asked.elapsed() > Duration::from_secs(3),
        "the look-up was too quick for this test"
    );
}

#[tokio::test]
async fn a_deletion_is_not_sent_under_a_lease_that_may_end_before_it() {
    // The DELETE may take five seconds and the margin is two.
    for (lease_ms, is_sent) in [
        (2_000, false),
        (5_000, false),
        (6_900, false),
        (9_000, true),
    ] {
        let rig = Rig::new(one_then(vec![Act::Send(empty(204))])).await;
        let target = rig.target().await;
        let intent = Ledger::new(lease_ms).await.intend(&target).await;
        let result = session(&rig.ozmap).await.delete(intent).await;
        assert_eq!(result.is_ok(), is_sent, "{lease_ms}");
        assert_eq!(rig.server.of("DELETE").len(), usize::from(is_sent));
        if let Err(error) = result {
            assert_eq!((error.kind, error.acted), (FailureKind::Stale, Acted::No));
        }
    }
}

#[tokio::test]
async fn a_call_that_never_left_was_not_acted_on() {
    let rig = Rig::new(one_then(Vec::new())).await;
    let target = rig.target().await;
    let intent = Ledger::new(60_000).await.intend(&target).await;
    let gone = StandIn::start(|_| Vec::new()).await;
    let settings = super::rig::settings(&gone.url());
    drop(gone);
    let nobody = ozmap_cancel::ozmap::Ozmap::new(settings).unwrap();
    // A closed listener may accept for another moment.
    let error = session(&nobody).await.delete(intent).await.unwrap_err();
    assert!(
        matches!(
            (error.kind, error.acted),
            (FailureKind::Connect, Acted::No) | (FailureKind::Lost, Acted::Maybe)
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_refused_delete_differs_from_one_that_may_have_happened() {
    for (bytes, acted) in [
        (answer(403, "", b""), Acted::No),
        (answer(429, "Retry-After: 3\r\n", b""), Acted::No),
        (answer(404, "", b""), Acted::Maybe),
        (answer(502, "", b"<html>"), Acted::Maybe),
    ] {
        let rig = Rig::new(one_then(vec![Act::Send(bytes)])).await;
        assert_eq!(rig.delete().await.unwrap_err().acted, acted);
    }
}

/// A listener with a full backlog that never accepts: Linux drops further connection attempts
/// silently.
#[cfg(target_os = "linux")]
async fn jammed() -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) = timeout(Duration::from_secs(1), TcpStream::connect(address)).await {
        queue.push(stream.unwrap());
        assert!(queue.len() < 16, "the queue is never full");
    }
    (listener, queue)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_deletion_that_finds_no_connection_in_two_seconds_was_never_sent() {
    let (listener, _queue) = jammed().await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut settings = super::rig::settings(&url);
    // The configured timeouts are far longer.
    (settings.connect, settings.delete) = (Duration::from_secs(60), Duration::from_secs(12));
    let unreachable = ozmap_cancel::ozmap::Ozmap::new(settings).unwrap();
    let rig = Rig::new(one_then(Vec::new())).await;
    let target = rig.target().await;
    let intent = Ledger::new(60_000).await.intend(&target).await;
    // If the timeout of the DELETE had ended it, the client could not know whether it had left.
    let error = session(&unreachable)
        .await
        .delete(intent)
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.acted), (FailureKind::Connect, Acted::No));
}
