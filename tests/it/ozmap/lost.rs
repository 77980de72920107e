//! Connections that break, hang or drip: a timely error, and never an absence.

use std::time::{Duration, Instant};

use ozmap_cancel::ozmap::{Acted, FailureKind, Ozmap};
use tokio::net::TcpListener;

use super::rig::{CODE, Rig, looked_up, one, settings};
use super::stand_in::{Act, StandIn, json};

/// Longer than any timeout here, far shorter than a hang.
const SOON: Duration = Duration::from_secs(4);

#[tokio::test]
async fn half_a_response_is_an_error() {
    let list = one();
    let chunked = |body: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}",
            body.len()
        )
    };
    let cases = [
        // Announces more than it sends; the received part would be a valid absence.
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[]".to_owned(),
        "HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n{}".to_owned(),
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{list}",
            list.len() + 1
        ),
        // Chunked and truncated: within a chunk, after one, before the last one.
        chunked("[]"),
        format!("{}\r\n", chunked("[]")),
        format!("{}\r\n0", chunked("[]")),
        chunked(&list[..200]),
        // Truncated in the head.
        "HTTP/1.1 200".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n".to_owned(),
        String::new(),
    ];
    for bytes in cases {
        for end in [Act::Close, Act::Reset] {
            let sent = bytes.clone().into_bytes();
            let last = end.clone();
            let rig = Rig::new(move |_| vec![Act::Send(sent.clone()), last.clone()]).await;
            let error = rig.lookup().await.unwrap_err();
            assert_eq!(error.kind, FailureKind::Lost, "{bytes} {end:?}: {error}");
        }
    }
}

#[tokio::test]
async fn a_body_without_a_length_is_judged_by_its_content() {
    // Without a length only invalid JSON shows that a body was truncated.
    for (body, expected) in [
        (&one()[..200], "ozmap_shape"),
        ("[", "ozmap_shape"),
        ("", "ozmap_shape"),
    ] {
        let bytes = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}").into_bytes();
        let rig = Rig::new(move |_| vec![Act::Send(bytes.clone()), Act::Close]).await;
        assert_eq!(rig.lookup().await.unwrap_err().kind.id(), expected);
    }
}

#[tokio::test]
async fn a_connection_reset_before_the_request_is_lost() {
    let server = StandIn::slamming().await;
    let ozmap = Ozmap::new(settings(&server.url())).unwrap();
    for _ in 0..20 {
        let error = looked_up(&ozmap, CODE).await.unwrap_err();
        assert!(
            matches!(error.kind, FailureKind::Lost | FailureKind::Connect),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_broken_lookup_is_not_retried_by_the_client() {
    for acts in [vec![Act::Reset], vec![Act::Close]] {
        let rig = Rig::new(move |_| acts.clone()).await;
        assert!(rig.lookup().await.is_err());
        assert_eq!(rig.server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_slow_or_missing_response_times_out() {
    let pause = Duration::from_millis(20);
    for acts in [
        vec![Act::Hold],
        vec![Act::Drip(json(200, &one()), pause)],
        vec![
            Act::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n".to_vec()),
            Act::Drip(vec![b' '; 500], pause),
        ],
        vec![
            Act::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[".to_vec()),
            Act::Hold,
        ],
    ] {
        let shown = acts.len();
        let rig = Rig::with(
            move |_| acts.clone(),
            |settings| {
                settings.lookup = Duration::from_millis(300);
            },
        )
        .await;
        let answer = tokio::time::timeout(SOON, rig.lookup()).await.unwrap();
        assert_eq!(answer.unwrap_err().kind, FailureKind::Timeout, "{shown}");
    }
}

#[tokio::test]
async fn a_server_that_never_completes_the_handshake_was_told_nothing() {
    // Accepts the connection and never starts TLS.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings(&format!("https://{}", silent.local_addr().unwrap()));
    settings.connect = Duration::from_millis(300);
    let ozmap = Ozmap::new(settings).unwrap();
    let asked = Instant::now();
    let error = looked_up(&ozmap, CODE).await.unwrap_err();
    assert_eq!(
        (error.kind, error.acted),
        (FailureKind::Connect, Acted::No),
        "{error}"
    );
    assert!(asked.elapsed() < SOON);
}

#[tokio::test]
async fn a_closed_port_is_a_connect_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let ozmap = Ozmap::new(settings(&url)).unwrap();
    let error = looked_up(&ozmap, CODE).await.unwrap_err();
    assert_eq!((error.kind, error.acted), (FailureKind::Connect, Acted::No));
}

#[tokio::test]
async fn an_endless_response_is_cut_off() {
    let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..40 {
        bytes.extend_from_slice(b"10000\r\n");
        bytes.resize(bytes.len() + 0x10000, b' ');
        bytes.extend_from_slice(b"\r\n");
    }
    let rig = Rig::new(move |_| vec![Act::Send(bytes.clone()), Act::Hold]).await;
    assert_eq!(rig.lookup().await.unwrap_err().kind, FailureKind::Size);
}
