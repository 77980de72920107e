//! Bytes as an HTTP request, as leniently as a server may meet one.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use ozmap_cancel::channels::Inbound;
use ozmap_cancel::clock::Moment;

/// The configured address of the service under test.
pub const PUBLIC_URL: &str = "https://hook.example.com";

/// A request with everything that a channel looks at.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub target: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Request {
    /// Reads a captured request; bytes without a head are a body alone. Lines that are not headers are dropped.
    pub fn parse(bytes: &[u8]) -> Self {
        let (head, body) = split(bytes).unwrap_or((b"POST /webhooks/x HTTP/1.1", bytes));
        let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let mut words = first.split(' ');
        let method = words
            .next()
            .and_then(|word| Method::from_bytes(word.as_bytes()).ok());
        let target = words.next().unwrap_or("/").to_owned();
        let mut headers = HeaderMap::new();
        for line in lines {
            let colon = line
                .iter()
                .position(|byte| *byte == b':')
                .unwrap_or(line.len());
            let name = HeaderName::from_bytes(line[..colon].trim_ascii());
            let value = line.get(colon + 1..).unwrap_or_default().trim_ascii();
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
                // As many as the server takes.
                if headers.len() < 100 {
                    headers.append(name, value);
                }
            }
        }
        Self {
            method: method.unwrap_or(Method::POST),
            target,
            headers,
            body: body.to_vec(),
        }
    }

    /// As a channel sees it, now.
    pub fn inbound(&self) -> Inbound<'_> {
        Inbound {
            method: &self.method,
            target: &self.target,
            public_url: PUBLIC_URL,
            headers: &self.headers,
            body: &self.body,
            at: Moment::now(),
        }
    }

    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let find = |end: &[u8]| {
        bytes
            .windows(end.len())
            .position(|window| window == end)
            .map(|at| (at, at + end.len()))
    };
    let crlf = find(b"\r\n\r\n");
    let lf = find(b"\n\n");
    let (head, body) = match (crlf, lf) {
        (Some(crlf), Some(lf)) => crlf.min(lf),
        (one, other) => one.or(other)?,
    };
    Some((&bytes[..head], &bytes[body..]))
}
