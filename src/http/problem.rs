//! Problems: answers without an outcome, with a precise text for the integrator and a sentence for
//! the customer.
//!
//! It must never put anything of a request into a problem.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use tower_http::catch_panic::ResponseForPanic;

use super::App;
use super::response::respond;
use crate::cancel::Declined;
use crate::channels::{self, Channel, Misunderstood, Problem, Rendered, ReplyContext};
use crate::domain::{Locale, Medium};
use crate::replies::Refused;

/// Why a request is not answered with an outcome.
pub(super) struct HttpProblem {
    pub(super) status: StatusCode,
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) detail: String,
    /// Which sentence the customer gets.
    pub(super) refused: Refused,
    pub(super) header: Option<(HeaderName, HeaderValue)>,
}

impl HttpProblem {
    /// A mistake in the setup. That is what the customer is told, unless [`Self::saying`] sets
    /// another sentence.
    pub(super) fn new(
        status: StatusCode,
        id: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            id,
            title,
            detail: detail.into(),
            refused: Refused::SetUp,
            header: None,
        }
    }

    /// The same with another sentence for the customer.
    pub(super) fn saying(mut self, refused: Refused) -> Self {
        self.refused = refused;
        self
    }

    /// The same with a header.
    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }

    /// Nothing was accepted; the caller may retry after some seconds.
    pub(super) fn unavailable(id: &'static str, detail: &str, retry_after: Duration) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            id,
            "Nothing was accepted",
            detail,
        )
        .saying(Refused::Unavailable)
        .with_header(
            header::RETRY_AFTER,
            HeaderValue::from(retry_after.as_secs()),
        )
    }

    /// The channel exceeded its rate limit.
    pub(super) fn rate_limited(retry_after: Duration) -> Self {
        let detail = "the channel exceeds channels.NAME.per_second_max; nothing was accepted, retry after `Retry-After` seconds with the same key";
        // Whole seconds, rounded up, and never 0.
        let seconds = retry_after.as_secs().saturating_add(1);
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_fast",
            "Too many requests",
            detail,
        )
        .saying(Refused::Busy)
        .with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }
}

impl From<Misunderstood> for HttpProblem {
    fn from(wrong: Misunderstood) -> Self {
        let status = StatusCode::from_u16(wrong.status).unwrap_or(StatusCode::BAD_REQUEST);
        Self::new(
            status,
            wrong.id,
            "The request was not understood",
            wrong.detail,
        )
    }
}

impl From<Declined> for HttpProblem {
    fn from(declined: Declined) -> Self {
        let seconds = Duration::from_secs;
        match declined {
            Declined::Busy => Self::unavailable(
                "busy",
                "the service is working on server.in_flight_max requests; nothing was accepted, retry with the same key",
                seconds(2),
            ),
            Declined::Stopping => Self::unavailable(
                "stopping",
                "the service is stopping; nothing was accepted, retry with the same key",
                seconds(5),
            ),
            Declined::Journal => Self::unavailable(
                "journal",
                "the journal cannot be written now; nothing was accepted, retry with the same key",
                seconds(5),
            ),
            Declined::InDoubt => Self {
                title: "Not known yet",
                ..Self::unavailable(
                    "in_doubt",
                    "it is not known yet whether this request was accepted, so it may be carried out; retry with the same key to find out",
                    seconds(5),
                )
            }
            .saying(Refused::InDoubt),
            Declined::Ozmap => Self::unavailable(
                "ozmap",
                "OZmap gave no usable answer to this lookup; retry later",
                seconds(5),
            ),
            Declined::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "key_reused",
                "The idempotency key was used before",
                "this idempotency key was used with another code or another dry_run; send a new key with every new request",
            ),
        }
    }
}

/// The reader of a problem.
pub(super) struct Audience<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) locale: Locale,
    pub(super) medium: Medium,
}

/// A caller that no channel knows.
pub(super) fn anonymous<'a>(app: &App, headers: &'a HeaderMap) -> Audience<'a> {
    Audience {
        headers,
        locale: app.locale,
        medium: Medium::Text,
    }
}

/// Writes a problem in the form that the channel's platform can read.
pub(super) fn render_problem(
    app: &App,
    audience: &Audience<'_>,
    channel: Option<(&Channel, &ReplyContext)>,
    problem: HttpProblem,
) -> Response<Body> {
    let reply = app
        .replies
        .refuse(audience.locale, audience.medium, problem.refused);
    let body = Problem {
        status: problem.status.as_u16(),
        id: problem.id,
        title: problem.title,
        detail: &problem.detail,
        reply: &reply,
        handoff: problem.refused.hands_off(),
    };
    let (status, rendered) = match channel {
        Some((channel, echo)) => channel.render_problem(audience.headers, echo, &body),
        None => (
            body.status,
            channels::render_problem(audience.headers, &body),
        ),
    };
    let mut response = respond(
        StatusCode::from_u16(status).unwrap_or(problem.status),
        rendered,
    );
    if let Some((name, value)) = problem.header {
        response.headers_mut().insert(name, value);
    }
    response
}

/// Answers an address that no route has.
pub(super) async fn no_such_route(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Response<Body> {
    let problem = HttpProblem::new(
        StatusCode::NOT_FOUND,
        "no_such_route",
        "No such route",
        "no route has this address; webhooks are POST /webhooks/NAME, health is GET /health, the rest is in GET /openapi.json",
    );
    render_problem(&app, &anonymous(&app, &headers), None, problem)
}

/// Answers a method other than GET on a page.
pub(super) async fn only_get(State(app): State<Arc<App>>, headers: HeaderMap) -> Response<Body> {
    let problem = HttpProblem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "Wrong method",
        "this address takes only GET",
    )
    .with_header(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    render_problem(&app, &anonymous(&app, &headers), None, problem)
}

/// Turns a panic of a handler into a 500. An accepted cancellation runs in a task of its own and
/// continues.
#[derive(Clone, Copy)]
pub(super) struct HandlerPanicked;

impl ResponseForPanic for HandlerPanicked {
    type ResponseBody = Body;

    fn response_for_panic(&mut self, _: Box<dyn Any + Send + 'static>) -> Response<Body> {
        tracing::error!("a handler panicked; a cancellation that it had accepted continues");
        let body = r#"{"type":"urn:ozmap-cancel:problem:internal","title":"Internal error","status":500,"detail":"a bug in the service; retry with the same key","reply":"","handoff":true}"#;
        let rendered = Rendered {
            content_type: "application/problem+json".to_owned(),
            body: body.to_owned(),
        };
        respond(StatusCode::INTERNAL_SERVER_ERROR, rendered)
    }
}
