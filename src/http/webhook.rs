//! One webhook: its body, its caller, its meaning, its answer.
//!
//! Nothing of the body is read before its declared length is checked, and nothing of it is acted on
//! before the caller is authenticated.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use super::App;
use super::access_log::AccessLine;
use super::dispatch::{Decision, Dispatcher};
use super::problem::{Audience, HttpProblem, anonymous, render_problem};
use super::response::respond;
use crate::channels::{
    Answered, AuthError, Channel, Inbound, Misunderstood, Note, NoteKind, Rendered, ReplyContext,
    RequestKind, Understood,
};
use crate::clock::Moment;
use crate::replies::Refused;

/// Answers a request to `/webhooks/{name}`.
pub(super) async fn webhook(
    State(app): State<Arc<App>>,
    name: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Response<Body> {
    let at = Moment::now();
    let (head, body) = request.into_parts();
    // No channel has a name that is not UTF-8.
    let name = name.map(|Path(name)| name).unwrap_or_default();
    let Some(channel) = app.channels.get(&name) else {
        let problem = no_such_channel();
        AccessLine::without_channel(at).refused(&problem);
        return render_problem(&app, &anonymous(&app, &head.headers), None, problem);
    };
    let mut line = AccessLine::of_channel(&channel.name, at);
    let visit = WebhookContext {
        app: &app,
        channel,
        headers: &head.headers,
    };
    let without_body = Inbound {
        method: &head.method,
        target: head.uri.path_and_query().map_or("", PathAndQuery::as_str),
        public_url: &channel.public_url,
        headers: &head.headers,
        body: &[],
        at,
    };
    let body = match visit.body(&head.method, body).await {
        Ok(body) => body,
        Err(problem) => {
            return visit.refused(
                &channel.anonymous_reply_context(&without_body),
                problem,
                &mut line,
            );
        }
    };
    let inbound = Inbound {
        body: &body,
        ..without_body
    };
    visit.answer(&inbound, &mut line).await
}

/// One request of a channel, whose answer depends on its headers.
struct WebhookContext<'a> {
    app: &'a App,
    channel: &'a Channel,
    headers: &'a HeaderMap,
}

impl WebhookContext<'_> {
    /// The whole body, when the channel takes this method.
    async fn body(&self, method: &Method, body: Body) -> Result<Vec<u8>, HttpProblem> {
        if !self.channel.accepts(method) {
            return Err(wrong_method(self.channel));
        }
        read(self.app, self.channel, body).await
    }

    /// Authenticates the caller, parses the request and answers it.
    async fn answer(&self, inbound: &Inbound<'_>, line: &mut AccessLine) -> Response<Body> {
        let channel = self.channel;
        if let Err(error) = channel.authenticate(inbound) {
            let problem = not_authenticated(channel, &error);
            return self.refused(&channel.anonymous_reply_context(inbound), problem, line);
        }
        match channel.parse(inbound) {
            Ok(Understood { kind, echo, notes }) => {
                line.understood(&kind, &notes);
                self.note(&notes);
                self.fulfil(kind, &echo, line).await
            }
            Err(wrong) => {
                let note = wrong.member.map(Note::not_filled_in);
                self.note(&note.into_iter().collect::<Vec<_>>());
                let problem = misunderstood(channel, wrong);
                self.refused(&channel.reply_context(inbound), problem, line)
            }
        }
    }

    /// Logs which members were unusable, without their values. The span names the channel.
    fn note(&self, notes: &[Note]) {
        for note in notes {
            let member = note.member;
            match note.kind {
                NoteKind::NotFilledIn => {
                    self.app.count_not_filled_in(&self.channel.name);
                    tracing::warn!(member, "the platform did not fill in a member");
                }
                NoteKind::Ignored => {
                    tracing::warn!(member, "ignored an unreadable member");
                }
            }
        }
    }

    /// Does what the request asks for and writes the answer.
    async fn fulfil(
        &self,
        kind: RequestKind,
        echo: &ReplyContext,
        line: &mut AccessLine,
    ) -> Response<Body> {
        let dispatcher = Dispatcher::new(self.app, self.channel, echo);
        let rendered = match dispatcher.dispatch(kind, line).await {
            Decision::Problem(problem) => return self.refused(echo, problem, line),
            Decision::Outcome {
                ask,
                answer,
                next,
                reply,
            } => {
                line.answered(StatusCode::OK, Some(&answer));
                let answered = Answered {
                    action: ask.action,
                    code: &ask.typed_code,
                    answer: &answer,
                    next,
                    reply: &reply,
                };
                let rendered = self.channel.render(self.headers, echo, &answered);
                return respond(StatusCode::OK, rendered);
            }
            Decision::Turn { turn, code, reply } => {
                let (headers, channel) = (self.headers, self.channel);
                channel.render_turn(headers, echo, turn, &code, &reply)
            }
            Decision::Ignored => self.channel.render_ignored(echo),
            Decision::Handshake(text) => Rendered {
                content_type: "text/plain; charset=utf-8".to_owned(),
                body: text,
            },
        };
        line.answered(StatusCode::OK, None);
        respond(StatusCode::OK, rendered)
    }

    fn refused(
        &self,
        echo: &ReplyContext,
        problem: HttpProblem,
        line: &mut AccessLine,
    ) -> Response<Body> {
        line.refused(&problem);
        let audience = Audience {
            headers: self.headers,
            locale: echo.locale,
            medium: self.channel.medium,
        };
        render_problem(self.app, &audience, Some((self.channel, echo)), problem)
    }
}

/// Reads the whole body, within its size limit and its timeout.
async fn read(app: &App, channel: &Channel, body: Body) -> Result<Vec<u8>, HttpProblem> {
    let bytes_max = channel.body_bytes_max(app.limits.body_bytes_max);
    // A declared length that is too large is refused before a byte of the body is read.
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large(bytes_max));
    }
    match timeout(app.limits.body, Limited::new(body, bytes_max).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes().to_vec()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(bytes_max)),
        Ok(Err(_)) => Err(HttpProblem::new(
            StatusCode::BAD_REQUEST,
            "cut_off",
            "The body is incomplete",
            "the connection ended before the whole body had arrived",
        )
        .saying(Refused::Unavailable)),
        Err(_) => Err(HttpProblem::new(
            StatusCode::REQUEST_TIMEOUT,
            "too_slow",
            "Timeout of the body",
            format!(
                "timeout: the body did not arrive within {} seconds",
                app.limits.body.as_secs()
            ),
        )
        .saying(Refused::Unavailable)),
    }
}

fn no_such_channel() -> HttpProblem {
    HttpProblem::new(
        StatusCode::NOT_FOUND,
        "no_such_channel",
        "No such channel",
        "no channel has this name; channels are configured as [channels.NAME]",
    )
}

fn too_large(bytes_max: usize) -> HttpProblem {
    HttpProblem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        "The body is too large",
        format!("the body is larger than {bytes_max} bytes; send only the members that are needed"),
    )
}

fn wrong_method(channel: &Channel) -> HttpProblem {
    let methods = channel.methods().join(", ");
    let detail = format!(
        "this webhook takes only {methods}; a method that a proxy may repeat must not delete"
    );
    HttpProblem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "Wrong method",
        detail,
    )
    .with_header(header::ALLOW, allow(&methods))
}

fn misunderstood(channel: &Channel, wrong: Misunderstood) -> HttpProblem {
    let problem = HttpProblem::from(wrong);
    if problem.status == StatusCode::METHOD_NOT_ALLOWED {
        return problem.with_header(header::ALLOW, allow(&channel.methods().join(", ")));
    }
    problem
}

/// The value of `Allow`. Method names are ASCII: a preset with another one is refused at start.
pub(super) fn allow(methods: &str) -> HeaderValue {
    HeaderValue::from_str(methods).unwrap_or(HeaderValue::from_static("POST"))
}

fn not_authenticated(channel: &Channel, error: &AuthError) -> HttpProblem {
    // Challenges are ASCII.
    let challenge = HeaderValue::from_str(&channel.auth.challenge())
        .unwrap_or(HeaderValue::from_static("Bearer"));
    HttpProblem::new(
        StatusCode::UNAUTHORIZED,
        error.id(),
        "Not authenticated",
        error.to_string(),
    )
    .with_header(header::WWW_AUTHENTICATE, challenge)
}
