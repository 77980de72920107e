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
mod tests {
    use super::*;
    use crate::domain::{Action, Locale, SameKey};

    fn message(meaning: Meaning, id: &str) -> Message {
        Message {
            meaning,
            id: id.to_owned(),
            ask: Ask {
                channel: "chat".to_owned(),
                action: Action::Cancel,
                mode: Mode::Real,
                typed_code: String::new(),
                with_plus: None,
                key: None,
                conversation: Some("c".to_owned()),
                locale: Locale::PtBr,
                first_name: None,
                reason: None,
                duplicate_window_s: 600,
                replay_s: 3_600,
                same_key: SameKey::MayBeAnother,
            },
        }
    }

    fn question(code: &str, standing: Standing) -> Question {
        Question {
            code: code.to_owned(),
            mode: Mode::Real,
            asked_by: "m-1".to_owned(),
            standing,
        }
    }

    fn every_meaning() -> Vec<Meaning> {
        let code = || "1|1".to_owned();
        let wish = |clarity| Meaning::Wish {
            code: code(),
            clarity,
        };
        vec![
            wish(Clarity::Clear),
            wish(Clarity::AskedBack),
            wish(Clarity::MayMeanPay),
            Meaning::Mention(code()),
            Meaning::OtherBar(code()),
            Meaning::YesTo(code()),
            Meaning::Yes,
            Meaning::No,
            Meaning::Thanks,
            Meaning::Person,
            Meaning::SeveralCodes,
            Meaning::NoCode,
            Meaning::Unrelated(code()),
            Meaning::Negated,
            Meaning::Other,
        ]
    }

    /// How a step reads in the tables below.
    fn told(step: &Step) -> String {
        match step {
            Step::Cancel(code) => format!("cancel {code}"),
            Step::Confirm(code) => format!("confirm {code}"),
            Step::Recall { otherwise, .. } => format!("recall, else {}", told(otherwise)),
            Step::Question(turn, code) => format!("ask {} {code}", turn.id()),
            Step::SayAndKeep(turn, code) => format!("keep {} {code}", turn.id()),
            Step::SayAndDrop(turn, code) => format!("drop {} {code}", turn.id()),
        }
    }

    fn table(question: Option<&Question>, memory: Memory) -> Vec<String> {
        let steps = every_meaning().into_iter().map(|meaning| {
            let step = message(meaning, "m-2").next(question, memory);
            told(&step).trim_end().to_owned()
        });
        steps.collect()
    }

    #[test]
    fn without_a_question_only_a_clear_wish_cancels() {
        assert_eq!(
            table(None, Memory::Conversation),
            [
                "cancel 1|1",
                "recall, else ask confirm_code 1|1",
                "recall, else ask confirm_code 1|1",
                "recall, else ask confirm_code 1|1",
                "recall, else ask confirm_bar 1|1",
                "recall, else ask confirm_code 1|1",
                "drop ask_code",
                "drop declined",
                "keep thanked",
                "drop hand_over",
                "drop several_codes",
                "drop ask_code_again",
                "drop confirm_in_full 1|1",
                "keep ask_code",
                "keep ask_code",
            ]
        );
        assert_eq!(
            table(None, Memory::None)[..6],
            [
                "cancel 1|1",
                "cancel 1|1",
                "keep confirm_in_full 1|1",
                "keep confirm_in_full 1|1",
                "keep confirm_in_full 1|1",
                "keep confirm_in_full 1|1",
            ]
        );
    }

    #[test]
    fn a_plain_yes_confirms_the_code_of_the_question_and_no_other() {
        let open = question("1|1", Standing::Open);
        assert_eq!(
            table(Some(&open), Memory::Conversation),
            [
                "cancel 1|1",
                "confirm 1|1",
                "keep confirm_again 1|1",
                "keep confirm_again 1|1",
                "keep confirm_again 1|1",
                "confirm 1|1",
                "confirm 1|1",
                "drop declined",
                "keep thanked 1|1",
                "drop hand_over",
                "drop several_codes",
                "drop ask_code_again",
                "drop confirm_in_full 1|1",
                "keep confirm_again 1|1",
                "keep confirm_again 1|1",
            ]
        );
        let other = question("2|2", Standing::Open);
        let told = table(Some(&other), Memory::Conversation);
        assert_eq!(
            told[1..6].join(", "),
            [
                "recall, else ask confirm_code 1|1",
                "recall, else ask confirm_code 1|1",
                "recall, else ask confirm_code 1|1",
                "recall, else ask confirm_bar 1|1",
                "recall, else ask confirm_code 1|1",
            ]
            .join(", ")
        );
        assert_eq!(told[6], "confirm 2|2");
    }

    #[test]
    fn the_message_that_led_to_the_question_is_no_answer_to_it() {
        let open = question("1|1", Standing::Open);
        for meaning in every_meaning() {
            let is_clear = matches!(
                meaning,
                Meaning::Wish {
                    clarity: Clarity::Clear,
                    ..
                }
            );
            let step = message(meaning, "m-1").next(Some(&open), Memory::Conversation);
            let acts = matches!(step, Step::Cancel(_) | Step::Confirm(_));
            assert_eq!(acts, is_clear, "{step:?}");
        }
    }

    #[test]
    fn a_rehearsals_question_is_not_answered_by_a_real_request() {
        let rehearsed = Question {
            mode: Mode::DryRun,
            ..question("1|1", Standing::Open)
        };
        assert_eq!(
            table(Some(&rehearsed), Memory::Conversation),
            table(None, Memory::Conversation)
        );
    }

    #[test]
    fn after_the_answer_a_yes_and_a_no_hear_what_became_of_it() {
        let key = Some("k-1".to_owned());
        let answered = question("1|1", Standing::Answered { key: key.clone() });
        let next = |meaning| message(meaning, "m-9").next(Some(&answered), Memory::Conversation);
        let recall = |otherwise| Step::Recall {
            code: "1|1".to_owned(),
            key: key.clone(),
            otherwise: Box::new(otherwise),
        };
        let asked = Step::Question(Turn::ConfirmCode, "1|1".to_owned());
        assert_eq!(next(Meaning::Yes), recall(asked));
        assert_eq!(next(Meaning::No), recall(declined()));
        // The answer itself, delivered again, may be the request that could not be accepted.
        let again = message(Meaning::Yes, "m-1").next(Some(&answered), Memory::Conversation);
        assert_eq!(again, recall(Step::Cancel("1|1".to_owned())));
        let keyless = question("1|1", Standing::Answered { key: None });
        let again = message(Meaning::Yes, "m-1").next(Some(&keyless), Memory::Conversation);
        assert_eq!(told(&again), "recall, else ask confirm_code 1|1");
        assert_eq!(told(&next(Meaning::Thanks)), "keep thanked ");
    }
}
