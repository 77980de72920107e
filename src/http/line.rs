//! The one log line of every webhook: what was understood and what was answered.
//!
//! It must never hold a code, a name, a number or a text of the request, nor the path that was called.

use axum::http::StatusCode;

use super::respond::Refusal;
use crate::channels::{Note, NoteKind, Step, Wish};
use crate::clock::Moment;
use crate::domain::{Action, Answer, Ask, Mode, Turn};

/// What is known of a webhook so far; it is logged when it is dropped, also when the caller hung up before the answer.
pub(super) struct Line {
    channel: String,
    at: Moment,
    understood: &'static str,
    dry_run: bool,
    key: &'static str,
    conversation: &'static str,
    status: Option<u16>,
    outcome: &'static str,
    protocol: String,
    replayed: bool,
}

/// The word for a member that is not there, in the line.
const ABSENT: &str = "absent";

impl Line {
    /// The line of a webhook of this channel that arrived at this time.
    pub(super) fn new(channel: String, at: Moment) -> Self {
        Self {
            channel,
            at,
            understood: "nothing",
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

    /// What the request means.
    pub(super) fn understood(&mut self, wish: &Wish, notes: &[Note]) {
        self.understood = match wish {
            Wish::Ask(ask) => {
                self.members_of(ask, notes);
                match ask.action {
                    Action::Cancel => "cancel",
                    Action::Lookup => "lookup",
                }
            }
            Wish::Message(message) => {
                self.members_of(&message.ask, notes);
                "message"
            }
            Wish::Turn(turn, _) => turn.id(),
            Wish::Ignore => "ignored",
            Wish::Handshake(_) => "handshake",
        };
    }

    /// What a message in free text leads to.
    pub(super) fn stepped(&mut self, step: &Step) {
        self.understood = match step {
            Step::Cancel(_) | Step::Confirm(_) => "cancel",
            Step::Recall { .. } => "recall",
            Step::Question(turn, _) | Step::SayAndKeep(turn, _) | Step::SayAndDrop(turn, _) => {
                turn.id()
            }
        };
    }

    /// What is said: after too many failures it is another sentence than the step's.
    pub(super) fn turned(&mut self, turn: Turn) {
        self.understood = turn.id();
    }

    fn members_of(&mut self, ask: &Ask, notes: &[Note]) {
        self.dry_run = ask.mode == Mode::DryRun;
        let is_unfilled = |members: &[&str]| {
            let mut unfilled = notes
                .iter()
                .filter(|note| note.kind == NoteKind::NotFilledIn);
            unfilled.any(|note| members.contains(&note.member))
        };
        let word = |is_there: bool, members: &[&str]| {
            if is_there {
                "used"
            } else if is_unfilled(members) {
                "not_filled_in"
            } else {
                ABSENT
            }
        };
        self.key = word(ask.key.is_some(), &["message_id"]);
        self.conversation = word(ask.conversation.is_some(), &["conversation_id", "phone"]);
    }

    /// What was answered.
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

    /// Why nothing was accepted.
    pub(super) fn refused(&mut self, refusal: &Refusal) {
        self.status = Some(refusal.status.as_u16());
        self.outcome = refusal.id;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let Self {
            channel,
            understood,
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
                channel,
                action = understood,
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
                channel,
                action = understood,
                dry_run,
                key,
                conversation,
                elapsed_ms,
                "webhook not answered: the caller hung up"
            ),
        }
    }
}
