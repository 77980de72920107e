//! The ids of a request in the log, in the answer and in the calls to OZmap: its `x-request-id`,
//! its trace, its span.
//!
//! It must never let anything of a request into a span but ids that it checked. It does not use
//! tower-http's layers: `SetRequestId` accepts any text and writes its own into the headers, which
//! a channel reads as a part of the request; and the span of `TraceLayer` has ended when a stop
//! cuts a request off, before the access line is written.

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response};
use axum::middleware::Next;
use axum::{body::Body, http::header::AsHeaderName};
use tracing::field::Empty;
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::trace::{RequestIds, Trace};

/// The header that names a request, on the way in and on the way out.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The header that names the trace of a request, on the way in.
pub(super) const TRACEPARENT: &str = "traceparent";

/// The most characters of an `x-request-id` that is taken from the caller.
pub(super) const REQUEST_ID_CHARS_MAX: usize = 128;

/// The shortest run of digits that may be a customer's phone number.
const PHONE_DIGITS_MIN: usize = 8;

/// Answers a request under its ids and its span, and writes its id into the answer.
pub(super) async fn in_context(request: Request, next: Next) -> Response<Body> {
    let (id, header) = request_id(request.headers());
    let ids = RequestIds {
        request_id: Some(id),
        trace: trace(request.headers()).unwrap_or_else(Trace::fresh),
    };
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = request_span(&ids, route.as_ref().map(MatchedPath::as_str));
    let answering = ids.scope(next.run(request)).instrument(span);
    let mut response = answering.await;
    response.headers_mut().insert(REQUEST_ID, header);
    response
}

/// The span of one request. [`name_channel`] adds the channel as soon as it is known.
///
/// An error span, so that log lines carry its fields whatever `log.filter` suppresses.
pub(super) fn request_span(ids: &RequestIds, route: Option<&str>) -> Span {
    tracing::error_span!(
        "request",
        request_id = ids.request_id,
        route,
        channel = Empty,
        trace_id = ids.trace.id()
    )
}

/// Writes the channel of a request into its span: a name from the configuration, never a text of
/// the request.
pub(super) fn name_channel(channel: &str) {
    Span::current().record("channel", channel);
}

/// The caller's id if it fits into a log line, or a new one.
fn request_id(headers: &HeaderMap) -> (String, HeaderValue) {
    let usable = only(headers, REQUEST_ID).filter(|id| is_usable(id.as_bytes()));
    if let Some((header, id)) = usable.and_then(|id| Some((id, id.to_str().ok()?))) {
        return (id.to_owned(), header.clone());
    }
    let id = Uuid::now_v7().to_string();
    // Hexadecimal digits and hyphens are always a valid header value.
    let header = HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static(""));
    (id, header)
}

/// Whether an id of a caller may be logged. It must look like an id: an integrator may map a
/// message, a code, an e-mail address or a phone number to the header, and the log holds none.
fn is_usable(id: &[u8]) -> bool {
    let is_short = (1..=REQUEST_ID_CHARS_MAX).contains(&id.len());
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_:/+=".contains(byte);
    is_short && id.iter().all(is_plain) && (is_hexadecimal(id) || !may_be_a_phone_number(id))
}

/// A UUID, or another random number in hexadecimal.
fn is_hexadecimal(id: &[u8]) -> bool {
    let digits = id.iter().filter(|byte| **byte != b'-');
    digits.clone().count() >= 16
        && digits.clone().all(u8::is_ascii_hexdigit)
        && digits.clone().any(u8::is_ascii_alphabetic)
}

fn may_be_a_phone_number(id: &[u8]) -> bool {
    let other = |byte: &u8| !byte.is_ascii_digit();
    id.split(other)
        .any(|digits| digits.len() >= PHONE_DIGITS_MIN)
}

/// The trace that the caller belongs to, if it says so in a way that W3C Trace Context allows.
fn trace(headers: &HeaderMap) -> Option<Trace> {
    Trace::parse(only(headers, TRACEPARENT)?.to_str().ok()?)
}

/// A header that the request has exactly once.
fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&HeaderValue> {
    let mut all = headers.get_all(name).iter();
    all.next().filter(|_| all.next().is_none())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;

    fn id_for(ids: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for id in ids {
            headers.append(REQUEST_ID, HeaderValue::from_bytes(id.as_bytes()).unwrap());
        }
        let (id, header) = request_id(&headers);
        assert_eq!(header, id.as_str());
        id
    }

    #[test]
    fn an_id_is_taken_from_the_caller_when_it_fits_a_log_line() {
        let longest = "x".repeat(REQUEST_ID_CHARS_MAX);
        for id in [
            "1",
            "a-b_c:e/f+g=h",
            "req-1234567",
            "018f2c6e-7d1a-7000-8123-123456789012",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            &longest,
        ] {
            assert_eq!(id_for(&[id]), id);
        }
    }

    #[test]
    fn another_id_is_made_when_it_does_not() {
        let too_long = "x".repeat(REQUEST_ID_CHARS_MAX + 1);
        let unusable: [&[&str]; 14] = [
            &[],
            &[""],
            &["a b"],
            &["a\tb"],
            &["é"],
            &[&too_long],
            &["a", "a"],
            &["123|123"],
            &["{\"a\"}"],
            &["ana@example.com"],
            &["francisca.silva"],
            &["5511999998888"],
            &["whatsapp:+5511999998888"],
            &["wamid.HBgNNTUxMTk5OTk5ODg4OBUCABIYFjNFQjA"],
        ];
        for ids in unusable {
            let made = id_for(ids);
            assert!(Uuid::parse_str(&made).is_ok(), "{ids:?}: {made}");
            assert_ne!(id_for(ids), made, "{ids:?}");
        }
    }

    #[test]
    fn a_trace_is_continued_only_when_the_caller_names_one() {
        let one = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let named = |traceparents: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in traceparents {
                headers.append(TRACEPARENT, HeaderValue::from_str(value).unwrap());
            }
            trace(&headers)
        };
        assert_eq!(named(&[one]), Trace::parse(one));
        assert_eq!(named(&[]), None);
        assert_eq!(named(&[one, one]), None);
        assert_eq!(named(&["nonsense"]), None);
    }
}
