//! The edge of the listener: requests whose meaning depends on who reads them, and addresses that are nearly right.
//!
//! What is refused here is a fault of the set-up, never of the customer: nothing is accepted, and no channel parses it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Version, header};
use axum::middleware::Next;

use super::line::Line;
use super::respond::{Listener, Refusal, no_such_route, nobody, refuse};
use super::{App, webhook};
use crate::channels::{Channel, Inbound};
use crate::clock::Moment;

/// Refuses what a proxy on the way might read in another way than this service.
pub(super) async fn unambiguous(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let Some(refusal) = ambiguity(request.version(), request.headers()) else {
        return next.run(request).await;
    };
    // What follows on this connection may be a part of this request.
    let refusal = refusal.with_header(header::CONNECTION, HeaderValue::from_static("close"));
    refuse(&app, &nobody(&app, request.headers()), None, refusal)
}

fn ambiguity(version: Version, headers: &HeaderMap) -> Option<Refusal> {
    let hosts = headers.get_all(header::HOST).iter().count();
    let is_missing = hosts == 0 && version == Version::HTTP_11;
    if is_missing || hosts > 1 {
        return Some(Refusal::new(
            StatusCode::BAD_REQUEST,
            "host",
            "Not one host",
            "name the host in exactly one header `Host`",
        ));
    }
    let mut encodings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let is_known = match (encodings.next(), encodings.next()) {
        (None, _) => true,
        (Some(one), None) => one.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    };
    (!is_known).then(|| {
        Refusal::new(
            StatusCode::NOT_IMPLEMENTED,
            "transfer_encoding",
            "Unknown transfer encoding",
            "only `Transfer-Encoding: chunked` is read; compress with Content-Encoding",
        )
    })
}

/// Where nothing is; a webhook whose address has a slash too many is told the right one.
pub(super) async fn nearly_right(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let parts: Vec<&str> = request
        .uri()
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    let ["webhooks", name] = parts.as_slice() else {
        return no_such_route(State(app), request.headers().clone()).await;
    };
    let Some(channel) = app.channels.get(*name) else {
        return no_such_route(State(app), request.headers().clone()).await;
    };
    let refusal = Refusal::new(
        StatusCode::NOT_FOUND,
        "wrong_address",
        "The address is not exactly right",
        format!(
            "the address of this webhook is /webhooks/{name}, without another slash; write exactly that on the platform's side"
        ),
    );
    refused(&app, channel, &request, refusal)
}

/// A browser asks like this before it sends a request from a page.
pub(super) async fn preflight(
    State(app): State<Arc<App>>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    let known = name
        .as_ref()
        .ok()
        .and_then(|Path(name)| app.channels.get(name));
    let Some(channel) = known else {
        return webhook::webhook(State(app.clone()), name, request).await;
    };
    let methods = channel.methods().join(", ");
    let refusal = Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "Wrong method",
        format!(
            "this webhook takes only {methods}; there is no CORS, because a page in a browser would show its secret to everybody: call it from your server"
        ),
    );
    // The names of methods are plain ASCII.
    let allow = HeaderValue::from_str(&methods).unwrap_or(HeaderValue::from_static("POST"));
    refused(
        &app,
        channel,
        &request,
        refusal.with_header(header::ALLOW, allow),
    )
}

/// In the form that the channel's platform can read, for somebody who proved nothing.
fn refused(app: &App, channel: &Channel, request: &Request, refusal: Refusal) -> Response<Body> {
    let at = Moment::now();
    Line::new(channel.name.clone(), at).refused(&refusal);
    let inbound = Inbound {
        method: request.method(),
        target: request
            .uri()
            .path_and_query()
            .map_or("", PathAndQuery::as_str),
        public_url: &channel.public_url,
        headers: request.headers(),
        body: &[],
        at,
    };
    let echo = channel.overhear(&inbound);
    let listener = Listener {
        headers: request.headers(),
        locale: echo.locale,
        medium: channel.medium,
    };
    refuse(app, &listener, Some((channel, &echo)), refusal)
}
