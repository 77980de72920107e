//! Answers as bytes: status, content type, and the headers that every answer has.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use crate::channels::Rendered;

/// An answer with this status and this body.
pub(super) fn respond(status: StatusCode, rendered: Rendered) -> Response<Body> {
    // A preset's content type was checked at start.
    let content_type = HeaderValue::from_str(&rendered.content_type)
        .unwrap_or(HeaderValue::from_static("text/plain"));
    let mut response = Response::new(Body::from(rendered.body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response<Body> {
    let rendered = Rendered {
        content_type: "application/json".to_owned(),
        // Only texts, flags and numbers are written, which cannot fail.
        body: serde_json::to_string(body).unwrap_or_else(|_| "{}".to_owned()),
    };
    respond(status, rendered)
}

/// Forbids caches to store an answer, and browsers to guess its type.
pub(super) async fn harden(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
