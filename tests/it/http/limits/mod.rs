//! The limits of a caller, what happens beyond them, and how the service stops.
//!
//! - `framing`     requests that a proxy may read otherwise
//! - `health`      the health pages
//! - `log_privacy` nothing personal in logs
//! - `overload`    more requests and connections than allowed
//! - `requests`    bodies, heads, methods, addresses
//! - `stop`        graceful stop

mod framing;
mod health;
mod log_privacy;
mod overload;
mod requests;
mod stop;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{PATIENCE, SECRET, World};

/// The head of a webhook, up to its own headers.
pub fn head() -> String {
    format!(
        "POST /webhooks/chatbot HTTP/1.1\r\nHost: service\r\nAuthorization: Bearer {SECRET}\r\n"
    )
}

/// A whole webhook with more headers, on a connection that stays open.
fn webhook(code: &str, message: &str, headers: &str) -> String {
    let body = format!("{{\"code\":\"{code}\",\"message_id\":\"{message}\"}}");
    format!(
        "{}{headers}Content-Length: {}\r\n\r\n{body}",
        head(),
        body.len()
    )
}

/// A connection that has sent some bytes and then waits.
pub async fn stalled(world: &World, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(world.service.address()).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    stream
}

/// A probe on a connection that stays open, and the end of its answer.
const PROBE: &str = "GET /health/live HTTP/1.1\r\nHost: service\r\n\r\n";
const ALIVE: &str = r#"{"status":"alive"}"#;

/// Reads from an open connection until the answer has this end.
async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut answer = String::new();
    while !answer.ends_with(end) {
        let mut some = [0; 1024];
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut some)).await;
        let read = read.expect("an answer").unwrap();
        assert!(read > 0, "closed after {answer:?}");
        answer.push_str(&String::from_utf8_lossy(&some[..read]));
    }
    answer
}

/// Everything until the service closes the connection.
pub async fn until_closed(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    // A reset is a close as well.
    drop(closed.expect("the service closes the connection"));
    String::from_utf8_lossy(&answer).into_owned()
}
