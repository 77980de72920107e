//! The edge of the listener: requests that a proxy may read differently, addresses that are nearly
//! right, preflights.
//!
//! A refusal here means a mistake in the setup, never of the customer: nothing is accepted, and no
//! channel parses the request.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Version, header};
use axum::middleware::Next;

use super::access_log::AccessLine;
use super::problem::{Audience, HttpProblem, anonymous, no_such_route, render_problem};
use super::{App, webhook};
use crate::channels::{Channel, Inbound};
use crate::clock::Moment;

/// Refuses a request that a proxy on the way may read differently from this service (request
/// smuggling).
pub(super) async fn unambiguous(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let Some(problem) = ambiguity(request.version(), request.headers()) else {
        return next.run(request).await;
    };
    // The next bytes of this connection may belong to this request.
    let problem = problem.with_header(header::CONNECTION, HeaderValue::from_static("close"));
    render_problem(&app, &anonymous(&app, request.headers()), None, problem)
}

fn ambiguity(version: Version, headers: &HeaderMap) -> Option<HttpProblem> {
    let hosts = headers.get_all(header::HOST).iter().count();
    let is_missing = hosts == 0 && version == Version::HTTP_11;
    if is_missing || hosts > 1 {
        return Some(HttpProblem::new(
            StatusCode::BAD_REQUEST,
            "host",
            "Not exactly one host",
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
        HttpProblem::new(
            StatusCode::NOT_IMPLEMENTED,
            "transfer_encoding",
            "Unsupported transfer encoding",
            "only `Transfer-Encoding: chunked` is supported; compress with Content-Encoding",
        )
    })
}

/// Answers an address that no route has. A webhook's address with a slash too many is told the
/// right one.
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
    let problem = HttpProblem::new(
        StatusCode::NOT_FOUND,
        "wrong_address",
        "The address is not exact",
        format!(
            "the address of this webhook is /webhooks/{name}, without another slash; configure exactly that on the platform"
        ),
    );
    refused(&app, channel, &request, problem)
}

/// Answers the CORS preflight of a browser: a page in a browser must not call a webhook.
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
    let problem = HttpProblem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "Wrong method",
        format!(
            "this webhook takes only {methods}; there is no CORS, because a page in a browser would show the secret to everyone: call it from your server"
        ),
    )
    .with_header(header::ALLOW, webhook::allow(&methods));
    refused(&app, channel, &request, problem)
}

/// Writes a problem in the channel's form, for a caller that is not authenticated.
fn refused(
    app: &App,
    channel: &Channel,
    request: &Request,
    problem: HttpProblem,
) -> Response<Body> {
    let at = Moment::now();
    AccessLine::of_channel(&channel.name, at).refused(&problem);
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
    let echo = channel.anonymous_reply_context(&inbound);
    let audience = Audience {
        headers: request.headers(),
        locale: echo.locale,
        medium: channel.medium,
    };
    render_problem(app, &audience, Some((channel, &echo)), problem)
}
