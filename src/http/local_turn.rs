//! A turn that a developer types at the terminal, for `channels try`.
//!
//! It takes the same path as a webhook, without the authentication. It is not a route, so no caller
//! from outside reaches it.

use std::sync::Arc;

use tracing::Instrument;

use super::App;
use super::access_log::AccessLine;
use super::dispatch::{Decision, Dispatcher};
use super::request_context::request_span;
use crate::channels::{Channel, Draft, Inbound, Next, Understood};
use crate::clock::Moment;
use crate::domain::Turn;
use crate::trace::RequestIds;

/// The reply to the customer, and how the conversation continues.
pub struct TurnReply {
    /// The sentence.
    pub reply: String,
    /// The outcome, the prompt or the problem.
    pub id: String,
    /// Whether an agent should take over.
    pub handoff: bool,
    /// The query of the next turn's address; `None` when the conversation is over.
    pub next_query: Option<String>,
}

impl TurnReply {
    fn last(id: &str, reply: String, handoff: bool) -> Self {
        Self {
            reply,
            id: id.to_owned(),
            handoff,
            next_query: None,
        }
    }
}

impl App {
    /// Answers a turn on a channel; `None` when no channel has this name.
    pub async fn try_turn(self: &Arc<Self>, channel: &str, draft: &Draft) -> Option<TurnReply> {
        let channel = self.channels.get(channel)?;
        let ids = RequestIds::fresh();
        let span = request_span(&ids, None);
        // Boxed: it is too large to be moved over the stack twice.
        let answering = Box::pin(self.turn(channel, draft));
        Some(ids.scope(answering).instrument(span).await)
    }

    async fn turn(&self, channel: &Channel, draft: &Draft) -> TurnReply {
        let at = Moment::now();
        let inbound = Inbound {
            method: &draft.method,
            target: &draft.target,
            public_url: &channel.public_url,
            headers: &draft.headers,
            body: &draft.body,
            at,
        };
        let Understood { kind, echo, notes } = match channel.parse(&inbound) {
            Ok(understood) => understood,
            Err(wrong) => return TurnReply::last(wrong.id, wrong.detail, false),
        };
        let mut line = AccessLine::of_channel(&channel.name, at);
        line.understood(&kind, &notes);
        let dispatcher = Dispatcher::new(self, channel, &echo);
        match dispatcher.dispatch(kind, &mut line).await {
            Decision::Outcome {
                answer,
                next,
                reply,
                ..
            } => {
                line.answered(axum::http::StatusCode::OK, Some(&answer));
                let handoff = answer.outcome.hands_off() || next == Next::HandOver;
                TurnReply {
                    next_query: (next == Next::AskAgain)
                        .then(|| channel.next_query_after_outcome(&echo)),
                    ..TurnReply::last(answer.outcome.id(), reply, handoff)
                }
            }
            Decision::Turn { turn, code, reply } => {
                line.answered(axum::http::StatusCode::OK, None);
                let handoff = turn == Turn::HandOver;
                TurnReply {
                    next_query: (!handoff).then(|| channel.next_query(&echo, turn, &code)),
                    ..TurnReply::last(turn.id(), reply, handoff)
                }
            }
            Decision::Ignored => TurnReply::last("ignored", String::new(), false),
            Decision::Handshake(text) => TurnReply::last("handshake", text, false),
            Decision::Problem(problem) => {
                line.refused(&problem);
                let refused = problem.refused;
                let reply = self.replies.refuse(echo.locale, channel.medium, refused);
                TurnReply::last(problem.id, reply, refused.hands_off())
            }
        }
    }
}
