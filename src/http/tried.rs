//! A request that does not come over the network: `channels try` plays a customer with it.
//!
//! It goes the same way as a webhook but for the proof of the caller, and is no route: nothing from outside reaches it.

use std::sync::Arc;

use super::App;
use super::decision::{Decision, Told};
use super::line::Line;
use crate::channels::{Draft, Inbound, Next, Understood};
use crate::clock::Moment;
use crate::domain::Turn;

/// What a customer is told, and how the conversation goes on.
pub struct Tried {
    /// The sentence.
    pub reply: String,
    /// The outcome, the question or the problem.
    pub id: String,
    /// Whether a person should go on.
    pub handoff: bool,
    /// The query of the next turn's address; `None` when the conversation is over.
    pub next_query: Option<String>,
}

impl Tried {
    fn over(id: &str, reply: String, handoff: bool) -> Self {
        Self {
            reply,
            id: id.to_owned(),
            handoff,
            next_query: None,
        }
    }
}

impl App {
    /// Answers a customer's turn on a channel of this service; `None` when there is no such channel.
    pub async fn try_turn(self: &Arc<Self>, channel: &str, draft: &Draft) -> Option<Tried> {
        let channel = self.channels.get(channel)?;
        let at = Moment::now();
        let inbound = Inbound {
            method: &draft.method,
            target: &draft.target,
            public_url: &channel.public_url,
            headers: &draft.headers,
            body: &draft.body,
            at,
        };
        let Understood { wish, echo, notes } = match channel.parse(&inbound) {
            Ok(understood) => understood,
            Err(wrong) => return Some(Tried::over(wrong.id, wrong.detail, false)),
        };
        let mut line = Line::new(channel.name.clone(), at);
        line.understood(&wish, &notes);
        let decision = Decision::of(self, channel, &echo);
        Some(match decision.decide(wish, &mut line).await {
            Told::Outcome {
                answer,
                next,
                reply,
                ..
            } => {
                line.answered(axum::http::StatusCode::OK, Some(&answer));
                let handoff = answer.outcome.hands_off() || next == Next::HandOver;
                Tried {
                    next_query: (next == Next::AskAgain)
                        .then(|| channel.next_query_after_outcome(&echo)),
                    ..Tried::over(answer.outcome.id(), reply, handoff)
                }
            }
            Told::Turn { turn, code, reply } => {
                let handoff = turn == Turn::HandOver;
                Tried {
                    next_query: (!handoff).then(|| channel.next_query(&echo, turn, &code)),
                    ..Tried::over(turn.id(), reply, handoff)
                }
            }
            Told::Ignored => Tried::over("ignored", String::new(), false),
            Told::Handshake(text) => Tried::over("handshake", text, false),
            Told::Refused(refusal) => {
                let refused = refusal.refused;
                let reply = self.replies.refuse(echo.locale, channel.medium, refused);
                Tried::over(refusal.id, reply, refused.hands_off())
            }
        })
    }
}
