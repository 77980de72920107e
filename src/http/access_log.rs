//! The access line: one log line for every webhook, with how it was understood and answered.
//!
//! It must never hold a code, a name, a number or a text of the request, nor the path that was
//! called.

use axum::http::StatusCode;

use super::problem::HttpProblem;
use super::request_context::name_channel;
use crate::channels::{Note, NoteKind, RequestKind, Step};
use crate::clock::Moment;
use crate::domain::{Action, Answer, Ask, Mode, Turn};

/// The facts about a webhook so far. Dropping this logs them, so a webhook that a stop cuts off is
/// logged too.
pub(super) struct AccessLine {
    at: Moment,
    action: &'static str,
    dry_run: bool,
    key: &'static str,
    conversation: &'static str,
    status: Option<u16>,
    outcome: &'static str,
    protocol: String,
    replayed: bool,
}

/// Logged for a member that the request does not have.
const ABSENT: &str = "absent";

impl AccessLine {
    /// The line of a webhook of this channel that arrived at this time. The channel itself is named
    /// by the span.
    pub(super) fn of_channel(channel: &str, at: Moment) -> Self {
        name_channel(channel);
        Self::without_channel(at)
    }

    /// The line of a webhook whose address names no channel.
    pub(super) fn without_channel(at: Moment) -> Self {
        Self {
            at,
            action: "nothing",
            dry_run: false,
            key: ABSENT,
            conversation: ABSENT,
            status: None,
            outcome: "",
            protocol: String::new(),
            replayed: false,
        }
    }

    /// When the webhook arrived.
    pub(super) fn at(&self) -> Moment {
        self.at
    }

    /// Notes what the request means.
    pub(super) fn understood(&mut self, kind: &RequestKind, notes: &[Note]) {
        self.action = match kind {
            RequestKind::Ask(ask) => {
                self.members_of(ask, notes);
                match ask.action {
                    Action::Cancel => "cancel",
                    Action::Lookup => "lookup",
                }
            }
            RequestKind::Message(message) => {
                self.members_of(&message.ask, notes);
                "message"
            }
            RequestKind::Turn(turn, _) => turn.id(),
            RequestKind::Ignore => "ignored",
            RequestKind::Handshake(_) => "handshake",
        };
    }

    /// Notes what a message in free text leads to.
    pub(super) fn stepped(&mut self, step: &Step) {
        self.action = match step {
            Step::Cancel(_) | Step::Confirm(_) => "cancel",
            Step::Recall { .. } => "recall",
            Step::Question(turn, _) | Step::SayAndKeep(turn, _) | Step::SayAndDrop(turn, _) => {
                turn.id()
            }
        };
    }

    /// Notes the sentence that is sent. After too many failures it is not the step's own sentence.
    pub(super) fn turned(&mut self, turn: Turn) {
        self.action = turn.id();
    }

    fn members_of(&mut self, ask: &Ask, notes: &[Note]) {
        self.dry_run = ask.mode == Mode::DryRun;
        let is_unfilled = |members: &[&str]| {
            let mut unfilled = notes
                .iter()
                .filter(|note| note.kind == NoteKind::NotFilledIn);
            unfilled.any(|note| members.contains(&note.member))
        };
        let presence = |is_there: bool, members: &[&str]| {
            if is_there {
                "used"
            } else if is_unfilled(members) {
                "not_filled_in"
            } else {
                ABSENT
            }
        };
        self.key = presence(ask.key.is_some(), &["message_id"]);
        self.conversation = presence(ask.conversation.is_some(), &["conversation_id", "phone"]);
    }

    /// Notes what was answered.
    pub(super) fn answered(&mut self, status: StatusCode, answer: Option<&Answer>) {
        self.status = Some(status.as_u16());
        if let Some(answer) = answer {
            self.outcome = answer.outcome.id();
            self.protocol = answer
                .protocol
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            self.replayed = answer.replayed;
        }
    }

    /// Notes why nothing was accepted.
    pub(super) fn refused(&mut self, problem: &HttpProblem) {
        self.status = Some(problem.status.as_u16());
        self.outcome = problem.id;
    }
}

impl Drop for AccessLine {
    fn drop(&mut self) {
        let Self {
            action,
            dry_run,
            key,
            conversation,
            outcome,
            protocol,
            replayed,
            ..
        } = self;
        let elapsed_ms = self.at.age_ms();
        match self.status {
            Some(status) => tracing::info!(
                action,
                dry_run,
                key,
                conversation,
                status,
                outcome,
                protocol,
                replayed,
                elapsed_ms,
                "webhook answered"
            ),
            None => tracing::info!(
                action,
                dry_run,
                key,
                conversation,
                elapsed_ms,
                "webhook aborted: the connection was closed before the answer"
            ),
        }
    }
}
