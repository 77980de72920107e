//! What a caller may take of the service, what it hears beyond that, and how the service stops.

mod crowd;
mod framing;
mod health;
mod private;
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

/// A whole webhook on a connection that stays open, with more headers.
fn webhook(code: &str, message: &str, headers: &str) -> String {
    let body = format!("{{\"code\":\"{code}\",\"message_id\":\"{message}\"}}");
    format!(
        "{}{headers}Content-Length: {}\r\n\r\n{body}",
        head(),
        body.len()
    )
}

/// A connection that has sent some bytes and goes on waiting.
pub async fn stalled(world: &World, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(world.service.address()).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    stream
}

/// A probe on a connection that stays open, and how its answer ends.
const PROBE: &str = "GET /health/live HTTP/1.1\r\nHost: service\r\n\r\n";
const ALIVE: &str = r#"{"status":"alive"}"#;

/// Reads from a connection that stays open until something has come.
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

/// Everything that comes until the service closes the connection.
pub async fn until_closed(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    // A reset closes as well.
    drop(closed.expect("the service closes the connection"));
    String::from_utf8_lossy(&answer).into_owned()
}
