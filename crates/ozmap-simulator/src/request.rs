//! A request as the API understands it: path segments decoded exactly once, query pairs, a body.
//!
//! Responsible for reading a request from the wire under a cap, and for the collapsing of dot
//! segments that proxies and URL parsers do. It must never decode a segment twice: a reservation
//! code may contain a percent sign.

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// The largest request body that is read.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// One request, read completely.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// The path as it was sent, still encoded.
    pub(super) path: String,
    /// The path without dot segments and empty segments, each decoded once.
    pub(super) segments: Vec<String>,
    pub(super) authorization: Option<String>,
    query: Vec<(String, String)>,
    body: Bytes,
}

/// Why a request could not be read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// The sender left, or sent more than the cap.
    Gone,
    /// A segment holds a percent sign that encodes nothing, which Express refuses.
    Encoding,
}

impl Request {
    pub(super) async fn read(request: hyper::Request<Incoming>) -> Result<Request, Unreadable> {
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        let segments = segments(&path).ok_or(Unreadable::Encoding)?;
        let query = pairs(head.uri.query().unwrap_or_default());
        let authorization = head
            .headers
            .get(hyper::header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let body = Limited::new(body, BODY_BYTES_MAX)
            .collect()
            .await
            .map_err(|_| Unreadable::Gone)?
            .to_bytes();
        Ok(Request {
            method: head.method.as_str().to_owned(),
            path,
            segments,
            authorization,
            query,
            body,
        })
    }

    /// The first query parameter of that name, decoded.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; an absent or unreadable body is `null`, as a GET need not have one.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as text, for errors that quote it.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// `None` if a segment is not decodable.
fn segments(path: &str) -> Option<Vec<String>> {
    let mut segments: Vec<String> = Vec::new();
    for raw in path.split('/') {
        let dots = raw.to_ascii_lowercase().replace("%2e", ".");
        match dots.as_str() {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(decode(raw)?),
        }
    }
    Some(segments)
}

fn decode(raw: &str) -> Option<String> {
    let bytes = raw.as_bytes();
    let is_valid = bytes.iter().enumerate().all(|(at, byte)| {
        *byte != b'%'
            || bytes
                .get(at + 1..at + 3)
                .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    });
    if !is_valid {
        return None;
    }
    percent_decode_str(raw)
        .decode_utf8()
        .ok()
        .map(std::borrow::Cow::into_owned)
}

/// Empty pairs are skipped, so that `?&limit=-1` reads as `?limit=-1`.
fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (form_decode(key), form_decode(value))
        })
        .collect()
}

fn form_decode(raw: &str) -> String {
    let spaced = raw.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::{pairs, segments};

    fn split(path: &str) -> Option<Vec<String>> {
        segments(path)
    }

    #[test]
    fn a_segment_is_decoded_exactly_once() {
        let code = |path| split(path).and_then(|mut found: Vec<String>| found.pop());
        assert_eq!(code("/c/123%7C123").as_deref(), Some("123|123"));
        assert_eq!(code("/c/abc%2Fdef").as_deref(), Some("abc/def"));
        assert_eq!(code("/c/50%2525").as_deref(), Some("50%25"));
        assert_eq!(split("/c/50%"), None);
        assert_eq!(split("/c/50%+f"), None);
    }

    #[test]
    fn dot_segments_collapse_as_they_do_in_a_proxy() {
        let expected = Some(vec![
            "api".to_owned(),
            "v2".to_owned(),
            "properties".to_owned(),
        ]);
        assert_eq!(split("/api/v2/properties/client/.."), expected);
        assert_eq!(split("/api/v2/properties/client/%2e%2E"), expected);
        assert_eq!(split("/api/v2/properties/"), expected);
    }

    #[test]
    fn a_query_may_begin_with_an_ampersand() {
        assert_eq!(
            pairs("&limit=-1&select=a+b"),
            [
                ("limit".to_owned(), "-1".to_owned()),
                ("select".to_owned(), "a b".to_owned())
            ]
        );
    }
}
