//! The way of one webhook: limits, channel, cancellation, reply, channel.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use super::App;
use super::respond::{Listener, Refusal, nobody, refuse, respond};
use crate::channels::{Answered, AuthError, Channel, Inbound};
use crate::clock::Moment;
use crate::domain::Ask;
use crate::replies::Refused;

pub(super) async fn webhook(
    State(app): State<Arc<App>>,
    name: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Response<Body> {
    let at = Moment::now();
    let (head, body) = request.into_parts();
    // An address that is no text names no channel.
    let name = name.map(|Path(name)| name).unwrap_or_default();
    let Some(channel) = app.channels.get(&name) else {
        let detail = "there is no channel of this name; the names stand under [channels.NAME] in the configuration";
        let refusal = Refusal::new(
            StatusCode::NOT_FOUND,
            "no_such_channel",
            "No such channel",
            detail,
        );
        return refuse(&app, &nobody(&app, &head.headers), None, refusal);
    };
    let listener = Listener {
        headers: &head.headers,
        locale: channel.locale,
        medium: channel.medium,
    };
    let refused = |refusal: Refusal| {
        tracing::info!(
            channel = name,
            status = refusal.status.as_u16(),
            problem = refusal.id,
            "a webhook was refused"
        );
        refuse(&app, &listener, Some(channel), refusal)
    };
    if head.method != Method::POST {
        let detail = "a webhook takes only POST: a GET may be sent again by anything on the way, and this deletes";
        let refusal = Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method",
            "Wrong method",
            detail,
        )
        .with_header(header::ALLOW, HeaderValue::from_static("POST"));
        return refused(refusal);
    }
    let body = match read(&app, body).await {
        Ok(body) => body,
        Err(refusal) => return refused(refusal),
    };
    let inbound = Inbound {
        headers: &head.headers,
        body: &body,
        at,
    };
    if let Err(error) = channel.authenticate(&inbound) {
        return refused(not_authenticated(channel, error));
    }
    let ask = match channel.parse(&inbound) {
        Ok(ask) => ask,
        Err(wrong) => return refused(wrong.into()),
    };
    answer(&app, channel, &inbound, ask, refused).await
}

async fn answer(
    app: &App,
    channel: &Channel,
    inbound: &Inbound<'_>,
    ask: Ask,
    refused: impl Fn(Refusal) -> Response<Body>,
) -> Response<Body> {
    let answer_by = inbound.at.instant() + Duration::from_millis(channel.answer_ms_max);
    let (action, code, locale) = (ask.action, ask.typed_code.clone(), ask.locale);
    let answer = match app.cancellations.submit(ask, answer_by).await {
        Ok(answer) => answer,
        Err(declined) => return refused(declined.into()),
    };
    let reply = app.replies.say(locale, channel.medium, &answer, &code);
    let answered = Answered {
        action,
        code: &code,
        locale,
        answer: &answer,
        reply: &reply,
    };
    respond(StatusCode::OK, channel.render(inbound.headers, &answered))
}

async fn read(app: &App, body: Body) -> Result<Vec<u8>, Refusal> {
    let bytes_max = app.limits.body_bytes_max;
    // A declared length is believed before anything of it is read.
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large(bytes_max));
    }
    match timeout(app.limits.body, Limited::new(body, bytes_max).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes().to_vec()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(bytes_max)),
        Ok(Err(_)) => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "cut_off",
            "The body ended too early",
            "the connection ended before the whole body had come",
        )),
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "too_slow",
            "The body came too slowly",
            format!(
                "the body did not come within {} seconds",
                app.limits.body.as_secs()
            ),
        )),
    }
}

fn too_large(bytes_max: usize) -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        "The body is too large",
        format!("the body is larger than {bytes_max} bytes; send only the members that are needed"),
    )
}

fn not_authenticated(channel: &Channel, error: AuthError) -> Refusal {
    let id = match error {
        AuthError::Stale => "stale",
        AuthError::Missing(_)
        | AuthError::Repeated(_)
        | AuthError::Malformed(..)
        | AuthError::Wrong(_) => "not_authenticated",
    };
    Refusal::new(
        StatusCode::UNAUTHORIZED,
        id,
        "Not authenticated",
        error.to_string(),
    )
    .saying(Refused::NotAuthenticated)
    .with_header(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static(channel.auth.challenge()),
    )
}
