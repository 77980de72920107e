//! What comes after a customer's message in free text, from what it means and what the conversation was asked last.
//!
//! It must never take anything but a plain yes, or the whole wish, as a yes, nor a message for the answer to a question that
//! the same message led to: platforms deliver messages twice.

use super::message::{Clarity, Meaning};
use crate::domain::{Ask, Mode, Question, Standing, Turn};

/// A message in free text, read.
pub struct Message {
    /// What it means.
    pub meaning: Meaning,
    /// What tells it from other messages: the platform's id of it, or without one a hash of its text.
    pub id: String,
    /// The request that it may become, without its code.
    pub ask: Ask,
}

/// Whether the next message can be told to be the answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// There is no conversation to remember anything of.
    None,
    /// There is one.
    Conversation,
}

/// What is done about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// This code is cancelled: the message asks for it.
    Cancel(String),
    /// This code is cancelled: the message is a yes to the question about it, if that question stands.
    Confirm(String),
    /// What was answered to an earlier request about this code is answered again; nothing new is accepted.
    Recall {
        /// The code.
        code: String,
        /// The key of the earlier request.
        key: Option<String>,
        /// What is done when there was no such request.
        otherwise: Box<Step>,
    },
    /// A question about a code; the conversation remembers it.
    Question(Turn, String),
    /// A sentence; the question that was asked before, if any, stands.
    SayAndKeep(Turn, String),
    /// A sentence; the question that was asked before, if any, is forgotten.
    SayAndDrop(Turn, String),
}

impl Message {
    /// Whether what comes next depends on what the conversation was asked before.
    #[must_use]
    pub fn needs_the_question(&self) -> bool {
        !matches!(
            self.meaning,
            Meaning::Wish {
                clarity: Clarity::Clear,
                ..
            }
        )
    }

    /// Whether it may be an answer to a question, and its platform gave it an id that no other message has.
    #[must_use]
    pub fn is_a_unique_answer(&self) -> bool {
        let may_answer = match &self.meaning {
            Meaning::Yes | Meaning::YesTo(_) => true,
            Meaning::Wish { clarity, .. } => *clarity == Clarity::AskedBack,
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

    /// What comes next.
    #[must_use]
    pub fn next(&self, question: Option<&Question>, memory: Memory) -> Step {
        let asked = Asked::of(question, self.ask.mode);
        match &self.meaning {
            Meaning::Wish { code, clarity } => self.wished(code, *clarity, &asked, memory),
            Meaning::Mention(code) => self.asked_about(Turn::ConfirmCode, code, &asked, memory),
            // A plain yes must not be enough where the customer may have asked for something else.
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
                // It is done, or under way: "not done" would be false.
                Asked::Answered(question, key) => recalled(&question.code, key, declined()),
                Asked::Open(_) | Asked::Nothing => declined(),
            },
            Meaning::Thanks => Step::SayAndKeep(Turn::Thanked, asked.open_code()),
            Meaning::Person => Step::SayAndDrop(Turn::HandOver, String::new()),
            Meaning::SeveralCodes => Step::SayAndDrop(Turn::SeveralCodes, String::new()),
            // Another number is another code: the question about the first one must not stand.
            Meaning::NoCode => Step::SayAndDrop(Turn::AskCodeAgain, String::new()),
            Meaning::Negated => match asked {
                Asked::Open(question) => {
                    Step::SayAndKeep(Turn::ConfirmAgain, question.code.clone())
                }
                // It may be meant to stop what is under way.
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

    /// A yes after the answer. Only the very message that was the answer may still become the request that was not
    /// accepted; any other yes is asked what it is for.
    fn recalled_or_asked(&self, question: &Question, key: Option<&str>) -> Step {
        let code = question.code.clone();
        let is_the_answer = key.is_some() && question.asked_by == self.id;
        let otherwise = match is_the_answer {
            true => Step::Cancel(code.clone()),
            false => Step::Question(Turn::ConfirmCode, code.clone()),
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

    /// Asks about a code. Who was just asked about it and did not answer is told how to.
    fn asked_about(&self, turn: Turn, code: &str, asked: &Asked<'_>, memory: Memory) -> Step {
        match (memory, asked.of_code(code)) {
            (Memory::None, _) => Step::SayAndKeep(Turn::ConfirmInFull, code.to_owned()),
            (Memory::Conversation, Asked::Open(question)) if question.asked_by != self.id => {
                Step::SayAndKeep(Turn::ConfirmAgain, code.to_owned())
            }
            // It may be done or under way already: then that is the answer. A request is known by its conversation, too.
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

/// What a conversation was asked, as far as it counts for this message.
#[derive(Clone, Copy)]
enum Asked<'q> {
    Nothing,
    Open(&'q Question),
    Answered(&'q Question, Option<&'q str>),
}

impl<'q> Asked<'q> {
    /// A question that was asked in a rehearsal is none for a real request, nor the other way round.
    fn of(question: Option<&'q Question>, mode: Mode) -> Self {
        let Some(question) = question.filter(|question| question.mode == mode) else {
            return Self::Nothing;
        };
        match &question.standing {
            Standing::Open => Self::Open(question),
            Standing::Answered { key } => Self::Answered(question, key.as_deref()),
        }
    }

    /// The same, if it is about this code.
    fn of_code(self, code: &str) -> Self {
        match self {
            Self::Open(question) | Self::Answered(question, _) if question.code == code => self,
            Self::Open(_) | Self::Answered(..) | Self::Nothing => Self::Nothing,
        }
    }

    /// The key of the request that was acted on.
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
