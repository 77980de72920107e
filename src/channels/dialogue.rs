//! Decides the next step after a customer's message in free text, from its meaning and the last
//! question.
//!
//! It must take only a plain yes, or the whole request, as a yes. A message must never answer a
//! question that the same message led to: platforms deliver messages twice.

use super::message::{Clarity, Meaning};
use crate::domain::{Ask, Mode, Question, Standing, Turn};

/// A message in free text and its meaning.
pub struct Message {
    /// The meaning.
    pub meaning: Meaning,
    /// The platform's id of the message, or a hash of its text.
    pub id: String,
    /// The request that it may lead to, without its code.
    pub ask: Ask,
}

/// Whether the service can remember a question until the next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// No conversation id, so no.
    None,
    /// Yes, by the conversation id.
    Conversation,
}

/// The next step after a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Cancel this code: the message asks for it.
    Cancel(String),
    /// Cancel this code, if the question about it is still open: the message is a yes to it.
    Confirm(String),
    /// Repeat the answer to an earlier request about this code; accept nothing new.
    Recall {
        /// The code.
        code: String,
        /// The key of the earlier request.
        key: Option<String>,
        /// The step if there was no such request.
        otherwise: Box<Step>,
    },
    /// Ask about a code, and remember the question.
    Question(Turn, String),
    /// Say a sentence; an open question stays open.
    SayAndKeep(Turn, String),
    /// Say a sentence; an open question is dropped.
    SayAndDrop(Turn, String),
}

impl Message {
    /// Whether the next step depends on the last question.
    #[must_use]
    pub fn needs_the_question(&self) -> bool {
        !matches!(
            self.meaning,
            Meaning::RequestKind {
                clarity: Clarity::Clear,
                ..
            }
        )
    }

    /// Whether it may be an answer, and the platform gave it a unique id.
    #[must_use]
    pub fn is_a_unique_answer(&self) -> bool {
        let may_answer = match &self.meaning {
            Meaning::Yes | Meaning::YesTo(_) => true,
            Meaning::RequestKind { clarity, .. } => *clarity == Clarity::AskedBack,
            Meaning::Mention(_)
            | Meaning::OtherBar(_)
            | Meaning::No
            | Meaning::Thanks
            | Meaning::Person
            | Meaning::SeveralCodes
            | Meaning::NoCode
            | Meaning::Unrelated(_)
            | Meaning::Negated
            | Meaning::Other => false,
        };
        may_answer && self.ask.key.is_some()
    }

    /// Decides the next step.
    #[must_use]
    pub fn next(&self, question: Option<&Question>, memory: Memory) -> Step {
        let asked = Asked::of(question, self.ask.mode);
        match &self.meaning {
            Meaning::RequestKind { code, clarity } => self.wished(code, *clarity, &asked, memory),
            Meaning::Mention(code) => self.asked_about(Turn::ConfirmCode, code, &asked, memory),
            // The customer may have asked for something else, so a plain yes is not enough.
            Meaning::Unrelated(code) => Step::SayAndDrop(Turn::ConfirmInFull, code.clone()),
            Meaning::OtherBar(code) => self.asked_about(Turn::ConfirmBar, code, &asked, memory),
            Meaning::YesTo(code) => match asked.of_code(code) {
                Asked::Open(question) if question.asked_by != self.id => {
                    Step::Confirm(code.clone())
                }
                Asked::Answered(question, key) => self.recalled_or_asked(question, key),
                Asked::Open(_) | Asked::Nothing => {
                    self.asked_about(Turn::ConfirmCode, code, &asked, memory)
                }
            },
            Meaning::Yes => match asked {
                Asked::Open(question) if question.asked_by != self.id => {
                    Step::Confirm(question.code.clone())
                }
                Asked::Open(question) => Step::Question(Turn::ConfirmCode, question.code.clone()),
                Asked::Answered(question, key) => self.recalled_or_asked(question, key),
                Asked::Nothing => Step::SayAndDrop(Turn::AskCode, String::new()),
            },
            Meaning::No => match asked {
                // The cancellation is done or in progress: "not cancelled" would be false.
                Asked::Answered(question, key) => recalled(&question.code, key, declined()),
                Asked::Open(_) | Asked::Nothing => declined(),
            },
            Meaning::Thanks => Step::SayAndKeep(Turn::Thanked, asked.open_code()),
            Meaning::Person => Step::SayAndDrop(Turn::HandOver, String::new()),
            Meaning::SeveralCodes => Step::SayAndDrop(Turn::SeveralCodes, String::new()),
            // Another number is another code, so the question about the first one is dropped.
            Meaning::NoCode => Step::SayAndDrop(Turn::AskCodeAgain, String::new()),
            Meaning::Negated => match asked {
                Asked::Open(question) => {
                    Step::SayAndKeep(Turn::ConfirmAgain, question.code.clone())
                }
                // The customer may want to stop what is in progress.
                Asked::Answered(question, key) => recalled(
                    &question.code,
                    key,
                    Step::SayAndKeep(Turn::AskCode, String::new()),
                ),
                Asked::Nothing => Step::SayAndKeep(Turn::AskCode, String::new()),
            },
            Meaning::Other => match asked {
                Asked::Open(question) => {
                    Step::SayAndKeep(Turn::ConfirmAgain, question.code.clone())
                }
                Asked::Answered(..) | Asked::Nothing => {
                    Step::SayAndKeep(Turn::AskCode, String::new())
                }
            },
        }
    }

    /// A yes after the question was answered. Only a redelivery of the answer itself may still
    /// become the request, in case that was not accepted; any other yes leads to a question.
    fn recalled_or_asked(&self, question: &Question, key: Option<&str>) -> Step {
        let code = question.code.clone();
        let is_the_answer = key.is_some() && question.asked_by == self.id;
        let otherwise = if is_the_answer {
            Step::Cancel(code.clone())
        } else {
            Step::Question(Turn::ConfirmCode, code.clone())
        };
        recalled(&code, key, otherwise)
    }

    fn wished(&self, code: &str, clarity: Clarity, asked: &Asked<'_>, memory: Memory) -> Step {
        let is_answer = match asked.of_code(code) {
            Asked::Open(question) => question.asked_by != self.id,
            Asked::Answered(..) | Asked::Nothing => false,
        };
        match (clarity, memory) {
            (Clarity::Clear, _) | (Clarity::AskedBack, Memory::None) => {
                Step::Cancel(code.to_owned())
            }
            (Clarity::AskedBack, Memory::Conversation) if is_answer => {
                Step::Confirm(code.to_owned())
            }
            (Clarity::AskedBack | Clarity::MayMeanPay, _) => {
                self.asked_about(Turn::ConfirmCode, code, asked, memory)
            }
        }
    }

    /// Asks about a code. A customer who was just asked and did not answer is told how to answer.
    fn asked_about(&self, turn: Turn, code: &str, asked: &Asked<'_>, memory: Memory) -> Step {
        match (memory, asked.of_code(code)) {
            (Memory::None, _) => Step::SayAndKeep(Turn::ConfirmInFull, code.to_owned()),
            (Memory::Conversation, Asked::Open(question)) if question.asked_by != self.id => {
                Step::SayAndKeep(Turn::ConfirmAgain, code.to_owned())
            }
            // It may be done or in progress already: then repeat that answer. A request is also
            // known by its conversation.
            (Memory::Conversation, earlier) => {
                recalled(code, earlier.key(), Step::Question(turn, code.to_owned()))
            }
        }
    }
}

fn declined() -> Step {
    Step::SayAndDrop(Turn::Declined, String::new())
}

fn recalled(code: &str, key: Option<&str>, otherwise: Step) -> Step {
    Step::Recall {
        code: code.to_owned(),
        key: key.map(str::to_owned),
        otherwise: Box::new(otherwise),
    }
}

/// The last question, as far as it matters for this message.
#[derive(Clone, Copy)]
enum Asked<'q> {
    Nothing,
    Open(&'q Question),
    Answered(&'q Question, Option<&'q str>),
}

impl<'q> Asked<'q> {
    /// The question of a dry run does not count for a real request, nor the other way round.
    fn of(question: Option<&'q Question>, mode: Mode) -> Self {
        let Some(question) = question.filter(|question| question.mode == mode) else {
            return Self::Nothing;
        };
        match &question.standing {
            Standing::Open => Self::Open(question),
            Standing::Answered { key } => Self::Answered(question, key.as_deref()),
        }
    }

    /// The question, if it is about this code.
    fn of_code(self, code: &str) -> Self {
        match self {
            Self::Open(question) | Self::Answered(question, _) if question.code == code => self,
            Self::Open(_) | Self::Answered(..) | Self::Nothing => Self::Nothing,
        }
    }

    /// The key of the request that the answer led to.
    fn key(self) -> Option<&'q str> {
        match self {
            Self::Answered(_, key) => key,
            Self::Open(_) | Self::Nothing => None,
        }
    }

    fn open_code(self) -> String {
        match self {
            Self::Open(question) => question.code.clone(),
            Self::Answered(..) | Self::Nothing => String::new(),
        }
    }
}

#[cfg(test)]
mod tests;
