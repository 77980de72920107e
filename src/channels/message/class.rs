//! What a word, a phrase or a sign does in a message, and in which languages.

use crate::domain::Locale;

/// The role of a word, a phrase or a sign in a message. If a phrase may have two, the first counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// A no.
    No,
    /// A request for a person, anywhere in the message.
    Person,
    /// A request for a person, only as the whole message.
    PersonAlone,
    /// A verb that may also follow the code.
    Cancel,
    /// A verb that only comes before the code.
    CancelNow,
    /// The noun with the verb that it needs.
    Cancellation,
    /// A wish, before a verb.
    Want,
    /// A wish before a verb, and a yes as the whole answer.
    WantOrYes,
    /// A yes that may come before a request.
    Yes,
    /// A yes as the whole answer.
    YesAlone,
    /// A yes, or the end of a conversation.
    Acknowledgement,
    /// A thank-you.
    Thanks,
    /// The end of a conversation, which asks for nothing.
    Farewell,
    /// A please.
    Please,
    /// A greeting.
    Greeting,
    /// A greeting that is a question.
    GreetingQuestion,
    /// A word around a code that names what is cancelled.
    Object,
    /// A phrase that changes nothing in any place.
    Aside,
    /// A sign that is a yes as the whole answer.
    YesSign,
    /// A sign that changes nothing.
    NeutralSign,
    /// Punctuation or the end of a line.
    Pause,
    /// A question mark.
    Question,
    /// The mark before a question.
    QuestionBegins,
    /// A number that is no code.
    Number,
    /// Anything else.
    Unknown,
}

impl Class {
    /// Its letter in the patterns of the grammar.
    pub(super) const fn letter(self) -> char {
        match self {
            Self::No => 'n',
            Self::Person => 'h',
            Self::PersonAlone => 'H',
            Self::Cancel => 'i',
            Self::CancelNow => 'v',
            Self::Cancellation => 'N',
            Self::Want => 'w',
            Self::WantOrYes => 'W',
            Self::Yes => 'y',
            Self::YesAlone => 'Y',
            Self::Acknowledgement => 'k',
            Self::Thanks => 't',
            Self::Farewell => 'f',
            Self::Please => 'p',
            Self::Greeting => 'g',
            Self::GreetingQuestion => 'G',
            Self::Object => 'o',
            Self::Aside => 'a',
            Self::YesSign => 'E',
            Self::NeutralSign => 'e',
            Self::Pause => ',',
            Self::Question => 'q',
            Self::QuestionBegins => 'Q',
            Self::Number => '#',
            Self::Unknown => 'x',
        }
    }
}

/// The languages that have a phrase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Languages(u8);

impl Languages {
    pub(super) const fn of(locale: Locale) -> Self {
        Self(1 << (locale as u8))
    }

    /// Whether only this language has it.
    pub(super) fn is_only(self, locale: Locale) -> bool {
        self == Self::of(locale)
    }

    /// Whether this language has it.
    pub(super) fn has(self, locale: Locale) -> bool {
        self.0 & Self::of(locale).0 != 0
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The topic of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// A cancellation.
    Cancelling,
    /// A confirmation, which may be of the reservation itself.
    Confirming,
}
