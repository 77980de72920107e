//! Answers that are not an outcome: problems with a precise text for the integrator and a sentence for the customer.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use tower_http::catch_panic::ResponseForPanic;

use super::App;
use crate::cancel::Declined;
use crate::channels::{self, Channel, Echo, Misunderstood, Problem, Rendered};
use crate::domain::{Locale, Medium};
use crate::replies::Refused;

/// A request that is not answered with an outcome.
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) detail: String,
    pub(super) refused: Refused,
    pub(super) header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
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

    pub(super) fn saying(mut self, refused: Refused) -> Self {
        self.refused = refused;
        self
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }

    /// Nothing was accepted; try again after some seconds.
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
}

impl Refusal {
    /// Its channel has asked for more than it may in this second.
    pub(super) fn too_fast(retry_after: Duration) -> Self {
        let detail = "more requests came than channels.NAME.per_second_max allows; nothing was accepted, ask again a little later with the same key";
        // Whole seconds, and never none.
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

impl From<Misunderstood> for Refusal {
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

impl From<Declined> for Refusal {
    fn from(declined: Declined) -> Self {
        let seconds = Duration::from_secs;
        match declined {
            Declined::Busy => Self::unavailable(
                "busy",
                "as many requests as allowed are being worked on; nothing was accepted",
                seconds(2),
            ),
            Declined::Stopping => Self::unavailable(
                "stopping",
                "the service is stopping; nothing was accepted",
                seconds(5),
            ),
            Declined::Journal => Self::unavailable(
                "journal",
                "the journal cannot be written now; this request was not accepted, ask again with the same key",
                seconds(5),
            ),
            Declined::InDoubt => Self {
                title: "Not known yet",
                ..Self::unavailable(
                    "in_doubt",
                    "it is not known yet whether this request was accepted, and it may be carried out; ask again with the same key",
                    seconds(5),
                )
            }
            .saying(Refused::InDoubt),
            Declined::Ozmap => Self::unavailable(
                "ozmap",
                "OZmap gave no answer that can be believed; a look-up promises nothing, ask again",
                seconds(5),
            ),
            Declined::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "key_reused",
                "The idempotency key was used before",
                "the same key came before with another code or another dry_run; send a new key with every new request",
            ),
        }
    }
}

/// Whom an answer is for, when no channel has spoken yet.
pub(super) struct Listener<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) locale: Locale,
    pub(super) medium: Medium,
}

/// Refuses a request in the form that its channel can read.
pub(super) fn refuse(
    app: &App,
    listener: &Listener<'_>,
    channel: Option<(&Channel, &Echo)>,
    refusal: Refusal,
) -> Response<Body> {
    let reply = app
        .replies
        .refuse(listener.locale, listener.medium, refusal.refused);
    let problem = Problem {
        status: refusal.status.as_u16(),
        id: refusal.id,
        title: refusal.title,
        detail: &refusal.detail,
        reply: &reply,
        handoff: refusal.refused.hands_off(),
    };
    let (status, rendered) = match channel {
        Some((channel, echo)) => channel.render_problem(listener.headers, echo, &problem),
        None => (
            problem.status,
            channels::render_problem(listener.headers, &problem),
        ),
    };
    let mut response = respond(
        StatusCode::from_u16(status).unwrap_or(refusal.status),
        rendered,
    );
    if let Some((name, value)) = refusal.header {
        response.headers_mut().insert(name, value);
    }
    response
}

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

pub(super) async fn no_such_route(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Response<Body> {
    let detail =
        "there is nothing at this address; webhooks are POST /webhooks/NAME, health is GET /health";
    let refusal = Refusal::new(
        StatusCode::NOT_FOUND,
        "no_such_route",
        "Nothing is here",
        detail,
    );
    refuse(&app, &nobody(&app, &headers), None, refusal)
}

pub(super) async fn only_get(State(app): State<Arc<App>>, headers: HeaderMap) -> Response<Body> {
    let refusal = Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "Wrong method",
        "this address takes only GET",
    )
    .with_header(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    refuse(&app, &nobody(&app, &headers), None, refusal)
}

pub(super) fn nobody<'a>(app: &App, headers: &'a HeaderMap) -> Listener<'a> {
    Listener {
        headers,
        locale: app.locale,
        medium: Medium::Text,
    }
}

/// Headers that every answer has: nothing here is to be stored or sniffed.
pub(super) async fn harden(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// A defect of ours. The flow of a cancellation is not in this task, so it goes on.
#[derive(Clone, Copy)]
pub(super) struct Panicked;

impl ResponseForPanic for Panicked {
    type ResponseBody = Body;

    fn response_for_panic(&mut self, _: Box<dyn Any + Send + 'static>) -> Response<Body> {
        tracing::error!("a handler panicked; what it had accepted is worked on all the same");
        let body = r#"{"type":"urn:ozmap-cancel:problem:internal","title":"Internal error","status":500,"detail":"a defect of the service; ask again with the same key","reply":""}"#;
        let rendered = Rendered {
            content_type: "application/problem+json".to_owned(),
            body: body.to_owned(),
        };
        respond(StatusCode::INTERNAL_SERVER_ERROR, rendered)
    }
}
