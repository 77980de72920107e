//! The prompts of a conversation: the sentences between two requests, before the service decides
//! anything. A prompt must never claim an outcome.

use super::id_enum::id_enum;

id_enum! {
    /// A prompt between two requests of one conversation. The id is also the name of its sentence.
    pub enum Turn {
        /// Which code?
        AskCode = "ask_code",
        /// That was no code; which one?
        AskCodeAgain = "ask_code_again",
        /// The code was not the right one, and the caller wants to key it once more.
        CorrectCode = "correct_code",
        /// The caller neither keyed nor said anything: the question again, with the code if there
        /// is one to confirm.
        NothingHeard = "nothing_heard",
        /// The customer wrote several codes; the service takes only one at a time.
        SeveralCodes = "several_codes",
        /// Is this the code to cancel? A plain yes confirms it.
        ConfirmCode = "confirm_code",
        /// The same, where the next message cannot be matched to the question: only the whole
        /// request confirms it.
        ConfirmInFull = "confirm_in_full",
        /// The customer wrote another character for the bar: is the code with the bar the one to
        /// cancel?
        ConfirmBar = "confirm_bar",
        /// The answer was neither yes nor no: the question again.
        ConfirmAgain = "confirm_again",
        /// The customer declined: nothing was done.
        Declined = "declined",
        /// The customer said thank you: nothing was done.
        Thanked = "thanked",
        /// An agent takes over.
        HandOver = "hand_over",
    }
}

impl Turn {
    /// Whether the prompt asks for a yes to one code, if there is one.
    #[must_use]
    pub const fn asks_for_a_yes(self) -> bool {
        match self {
            Self::ConfirmCode
            | Self::ConfirmInFull
            | Self::ConfirmBar
            | Self::ConfirmAgain
            | Self::NothingHeard => true,
            Self::AskCode
            | Self::AskCodeAgain
            | Self::CorrectCode
            | Self::SeveralCodes
            | Self::Declined
            | Self::Thanked
            | Self::HandOver => false,
        }
    }

    /// Whether the prompt waits for an answer of the customer.
    #[must_use]
    pub const fn is_question(self) -> bool {
        match self {
            Self::HandOver | Self::Declined | Self::Thanked => false,
            Self::AskCode
            | Self::AskCodeAgain
            | Self::CorrectCode
            | Self::NothingHeard
            | Self::SeveralCodes
            | Self::ConfirmCode
            | Self::ConfirmInFull
            | Self::ConfirmBar
            | Self::ConfirmAgain => true,
        }
    }

    /// Whether only chats use the prompt: on the phone, keys answer every question.
    #[must_use]
    pub const fn is_written_only(self) -> bool {
        match self {
            Self::SeveralCodes
            | Self::ConfirmInFull
            | Self::ConfirmBar
            | Self::ConfirmAgain
            | Self::Declined
            | Self::Thanked => true,
            Self::AskCode
            | Self::AskCodeAgain
            | Self::CorrectCode
            | Self::NothingHeard
            | Self::ConfirmCode
            | Self::HandOver => false,
        }
    }
}
