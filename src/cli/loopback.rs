//! One HTTP exchange with a listener of this machine, for `healthcheck` and for the demo's conversation.
//!
//! HTTP/1.0 and no TLS, on purpose: it speaks only to our own listeners and needs no connection to be kept.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Problem;

/// The most bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// A request to send.
pub(super) struct Ask<'a> {
    method: &'a str,
    path: &'a str,
    authorization: Option<String>,
    body: Option<&'a str>,
}

impl<'a> Ask<'a> {
    pub(super) fn get(path: &'a str) -> Self {
        Self {
            method: "GET",
            path,
            authorization: None,
            body: None,
        }
    }

    pub(super) fn post(path: &'a str, body: &'a str) -> Self {
        Self {
            method: "POST",
            path,
            authorization: None,
            body: Some(body),
        }
    }

    /// The same request with OZmap's raw key instead of a bearer token.
    pub(super) fn authorized(self, key: &'a str) -> Self {
        Self {
            authorization: Some(key.to_owned()),
            ..self
        }
    }

    /// The same request with a bearer token.
    pub(super) fn bearer(self, secret: &str) -> Self {
        Self {
            authorization: Some(format!("Bearer {secret}")),
            ..self
        }
    }

    fn head(&self, address: SocketAddr) -> String {
        let authorization = self
            .authorization
            .as_ref()
            .map(|value| format!("Authorization: {value}\r\n"))
            .unwrap_or_default();
        let length = self.body.map(|body| {
            format!(
                "Content-Type: application/json\r\nContent-Length: {}\r\n",
                body.len()
            )
        });
        let length = length.unwrap_or_default();
        format!(
            "{} {} HTTP/1.0\r\nHost: {address}\r\n{authorization}{length}\r\n",
            self.method, self.path
        )
    }
}

/// Sends a request and reads its whole answer: the status and the body.
pub(super) async fn exchange(
    address: SocketAddr,
    ask: &Ask<'_>,
    within: Duration,
) -> Result<(u16, String), Problem> {
    let answered = timeout(within, async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(ask.head(address).as_bytes()).await?;
        stream
            .write_all(ask.body.unwrap_or_default().as_bytes())
            .await?;
        let mut answer = Vec::new();
        stream
            .take(ANSWER_BYTES_MAX)
            .read_to_end(&mut answer)
            .await?;
        Ok::<_, std::io::Error>(answer)
    });
    let answer = answered
        .await
        .map_err(|_| Problem::new(format!("{address} does not answer in time")))??;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| Problem::new("the answer is not HTTP"))?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| Problem::new("the answer has no status"))?;
    Ok((status, body.to_owned()))
}
