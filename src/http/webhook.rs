//! The way of one webhook: limits, channel, cancellation, reply, channel.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::{Instant, timeout};

use super::App;
use super::conversation::Conversation;
use super::line::Line;
use super::respond::{Listener, Refusal, nobody, refuse, respond};
use crate::channels::{
    Answered, AuthError, Channel, Echo, Inbound, Message, Misunderstood, Note, NoteKind, Rendered,
    Step, Understood, Wish,
};
use crate::clock::Moment;
use crate::domain::{Answer, Ask, Turn};
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
        Line::new(String::new(), at).refused(&refusal);
        return refuse(&app, &nobody(&app, &head.headers), None, refusal);
    };
    let mut line = Line::new(channel.name.clone(), at);
    let visit = Visit {
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
    if !channel.accepts(&head.method) {
        let refusal = wrong_method(channel);
        return visit.refused(&channel.overhear(&without_body), refusal, &mut line);
    }
    let body = match read(&app, channel, body).await {
        Ok(body) => body,
        Err(refusal) => {
            return visit.refused(&channel.overhear(&without_body), refusal, &mut line);
        }
    };
    let inbound = Inbound {
        body: &body,
        ..without_body
    };
    if let Err(error) = channel.authenticate(&inbound) {
        let refusal = not_authenticated(channel, &error);
        return visit.refused(&channel.overhear(&inbound), refusal, &mut line);
    }
    match channel.parse(&inbound) {
        Ok(Understood { wish, echo, notes }) => {
            line.understood(&wish, &notes);
            visit.note(&notes);
            visit.grant(wish, &echo, &mut line).await
        }
        Err(wrong) => {
            visit.note(
                &wrong
                    .member
                    .map(Note::not_filled_in)
                    .into_iter()
                    .collect::<Vec<_>>(),
            );
            let refusal = misunderstood(channel, wrong);
            visit.refused(&channel.hear(&inbound), refusal, &mut line)
        }
    }
}

/// One request, and whom its answer is for.
struct Visit<'a> {
    app: &'a App,
    channel: &'a Channel,
    headers: &'a HeaderMap,
}

impl Visit<'_> {
    /// Tells the operator what the request's members were like, without a word of what was in them.
    fn note(&self, notes: &[Note]) {
        let channel = self.channel.name.as_str();
        for note in notes {
            let member = note.member;
            match note.kind {
                NoteKind::NotFilledIn => {
                    self.app.count_not_filled_in(channel);
                    tracing::warn!(
                        channel,
                        member,
                        "a member was not filled in by the platform"
                    );
                }
                NoteKind::Ignored => {
                    tracing::warn!(
                        channel,
                        member,
                        "a member could not be read and was ignored"
                    );
                }
            }
        }
    }

    async fn grant(&self, wish: Wish, echo: &Echo, line: &mut Line) -> Response<Body> {
        let rendered = match wish {
            Wish::Ask(ask) => return self.answer(*ask, echo, line).await,
            Wish::Message(message) => return self.converse(*message, echo, line).await,
            Wish::Turn(turn, code) => match self.say(turn, &code, echo).await {
                Ok(rendered) => rendered,
                Err(refusal) => return self.refused(echo, refusal, line),
            },
            Wish::Ignore => self.channel.render_ignored(echo),
            Wish::Handshake(text) => Rendered {
                content_type: "text/plain; charset=utf-8".to_owned(),
                body: text,
            },
        };
        line.answered(StatusCode::OK, None);
        respond(StatusCode::OK, rendered)
    }

    /// A message in free text: what it leads to depends on what the conversation was asked before.
    async fn converse(&self, message: Message, echo: &Echo, line: &mut Line) -> Response<Body> {
        let conversation = Conversation::new(self.app, self.channel, echo);
        let mut step = match conversation.next(&message).await {
            Ok(step) => step,
            Err(refusal) => return self.refused(echo, refusal, line),
        };
        line.stepped(&step);
        if let Step::Recall {
            code,
            key,
            otherwise,
        } = step
        {
            let earlier = Ask {
                typed_code: code,
                key,
                ..message.ask.clone()
            };
            match self.recall(earlier.clone(), line).await {
                Ok(Some(answer)) => return self.tell(&earlier, &answer, echo, line).await,
                Ok(None) => step = *otherwise,
                Err(refusal) => return self.refused(echo, refusal, line),
            }
        }
        let (turn, code) = match step {
            Step::Cancel(code) => {
                let ask = Ask {
                    typed_code: code,
                    ..message.ask
                };
                if let Err(refusal) = conversation.begin(&ask).await {
                    return self.refused(echo, refusal, line);
                }
                return self.answer(ask, echo, line).await;
            }
            Step::Question(turn, code)
            | Step::SayAndKeep(turn, code)
            | Step::SayAndDrop(turn, code) => (turn, code),
            // An earlier request leads to no other one.
            Step::Recall { code, .. } => (Turn::ConfirmAgain, code),
        };
        match self.say(turn, &code, echo).await {
            Ok(rendered) => {
                line.answered(StatusCode::OK, None);
                respond(StatusCode::OK, rendered)
            }
            Err(refusal) => self.refused(echo, refusal, line),
        }
    }

    async fn say(&self, turn: Turn, code: &str, echo: &Echo) -> Result<Rendered, Refusal> {
        let conversation = Conversation::new(self.app, self.channel, echo);
        let turn = conversation.after_turn(turn).await?;
        let replies = &self.app.replies;
        let reply = replies.turn(echo.locale, self.channel.medium, turn, code);
        let rendered = self
            .channel
            .render_turn(self.headers, echo, turn, code, &reply);
        Ok(rendered)
    }

    /// What an earlier request was answered, if there was one. Nothing new is accepted.
    async fn recall(&self, ask: Ask, line: &Line) -> Result<Option<Answer>, Refusal> {
        let cancellations = &self.app.cancellations;
        let answer = cancellations
            .earlier_answer(ask, self.answer_by(line))
            .await;
        answer.map_err(Refusal::from)
    }

    fn answer_by(&self, line: &Line) -> Instant {
        line.at().instant() + Duration::from_millis(self.channel.answer_ms_max)
    }

    async fn answer(&self, ask: Ask, echo: &Echo, line: &mut Line) -> Response<Body> {
        if let Err(wait) = self.app.pace(self.channel, line.at()) {
            return self.refused(echo, Refusal::too_fast(wait), line);
        }
        let submitted = self
            .app
            .cancellations
            .submit(ask.clone(), self.answer_by(line));
        match submitted.await {
            Ok(answer) => self.tell(&ask, &answer, echo, line).await,
            Err(declined) => self.refused(echo, declined.into(), line),
        }
    }

    async fn tell(
        &self,
        ask: &Ask,
        answer: &Answer,
        echo: &Echo,
        line: &mut Line,
    ) -> Response<Body> {
        line.answered(StatusCode::OK, Some(answer));
        let (replies, medium) = (&self.app.replies, self.channel.medium);
        let conversation = Conversation::new(self.app, self.channel, echo);
        let next = conversation.after_outcome(echo, answer.outcome).await;
        let code = ask.typed_code.as_str();
        let reply = match next.turn() {
            None => replies.say(echo.locale, medium, answer, code),
            Some(turn) => replies.say_then(echo.locale, medium, answer, code, turn),
        };
        let answered = Answered {
            action: ask.action,
            code,
            answer,
            next,
            reply: &reply,
        };
        respond(
            StatusCode::OK,
            self.channel.render(self.headers, echo, &answered),
        )
    }

    fn refused(&self, echo: &Echo, refusal: Refusal, line: &mut Line) -> Response<Body> {
        line.refused(&refusal);
        let listener = Listener {
            headers: self.headers,
            locale: echo.locale,
            medium: self.channel.medium,
        };
        refuse(self.app, &listener, Some((self.channel, echo)), refusal)
    }
}

async fn read(app: &App, channel: &Channel, body: Body) -> Result<Vec<u8>, Refusal> {
    let bytes_max = channel.body_bytes_max(app.limits.body_bytes_max);
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
        )
        .saying(Refused::Unavailable)),
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "too_slow",
            "The body came too slowly",
            format!(
                "the body did not come within {} seconds",
                app.limits.body.as_secs()
            ),
        )
        .saying(Refused::Unavailable)),
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

fn wrong_method(channel: &Channel) -> Refusal {
    let methods = channel.methods().join(", ");
    let detail = format!(
        "this webhook takes only {methods}: what may be sent again by anything on the way must not delete"
    );
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "Wrong method",
        detail,
    )
    .with_header(header::ALLOW, allow(&methods))
}

fn misunderstood(channel: &Channel, wrong: Misunderstood) -> Refusal {
    let refusal = Refusal::from(wrong);
    match refusal.status {
        StatusCode::METHOD_NOT_ALLOWED => {
            refusal.with_header(header::ALLOW, allow(&channel.methods().join(", ")))
        }
        _ => refusal,
    }
}

/// The names of methods are plain ASCII; a preset that names another one is told so at start.
fn allow(methods: &str) -> HeaderValue {
    HeaderValue::from_str(methods).unwrap_or(HeaderValue::from_static("POST"))
}

fn not_authenticated(channel: &Channel, error: &AuthError) -> Refusal {
    // Only plain ASCII stands in a challenge.
    let challenge = HeaderValue::from_str(&channel.auth.challenge())
        .unwrap_or(HeaderValue::from_static("Bearer"));
    Refusal::new(
        StatusCode::UNAUTHORIZED,
        error.id(),
        "Not authenticated",
        error.to_string(),
    )
    .with_header(header::WWW_AUTHENTICATE, challenge)
}
