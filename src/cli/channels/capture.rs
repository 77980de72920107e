//! Reads a captured request from stdin: request line, headers, an empty line, body. A JSON body
//! alone is enough.

use std::io::Read;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::cli::Problem;

/// The most bytes of a captured request.
const CAPTURE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A request as it was captured.
pub(super) struct Capture {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Capture {
    pub(super) fn read() -> Result<Self, Problem> {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(CAPTURE_BYTES_MAX)
            .read_to_end(&mut bytes)?;
        if bytes.trim_ascii_start().starts_with(b"{") {
            return Ok(Self {
                method: Method::POST,
                target: "/webhooks/test".to_owned(),
                headers: HeaderMap::new(),
                body: bytes,
            });
        }
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let (head, body) = split(bytes).ok_or_else(|| {
            Problem::new("the request has no empty line between its headers and its body")
        })?;
        let head = String::from_utf8_lossy(head).into_owned();
        let mut lines = head.lines();
        let mut words = lines.next().unwrap_or_default().split(' ');
        let method = words
            .next()
            .and_then(|word| Method::from_bytes(word.as_bytes()).ok());
        let method = method.ok_or_else(|| {
            Problem::new(
                "the first line is not a request line; write one like POST /webhooks/x HTTP/1.1",
            )
        })?;
        let target = words.next().unwrap_or("/").to_owned();
        Ok(Self {
            method,
            target,
            headers: lines.map(header).collect::<Result<_, _>>()?,
            body: body.to_vec(),
        })
    }
}

fn header(line: &str) -> Result<(HeaderName, HeaderValue), Problem> {
    let parsed = line.split_once(':').and_then(|(name, value)| {
        Some((
            HeaderName::from_bytes(name.trim().as_bytes()).ok()?,
            HeaderValue::from_str(value.trim()).ok()?,
        ))
    });
    parsed.ok_or_else(|| Problem::new("a line before the body is not a header"))
}

/// The head and the body, at the first empty line.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let find = |end: &[u8]| {
        bytes
            .windows(end.len())
            .position(|window| window == end)
            .map(|at| (at, at + end.len()))
    };
    let (head, body) = find(b"\r\n\r\n").or_else(|| find(b"\n\n"))?;
    Some((bytes.get(..head)?, bytes.get(body..)?))
}
