//! What each meaning leads to, for every question that a conversation may have been asked.

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
    let kind = |clarity| Meaning::RequestKind {
        code: code(),
        clarity,
    };
    vec![
        kind(Clarity::Clear),
        kind(Clarity::AskedBack),
        kind(Clarity::MayMeanPay),
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
            Meaning::RequestKind {
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
