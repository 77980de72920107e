//! Snapshots of every sentence that a customer may get, and the checks of an operator's own
//! sentences before a customer gets them.

mod operators;
mod voice;
mod words;

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use ozmap_cancel::domain::{Answer, FirstName, Found, Locale, Medium, Outcome, Protocol, Turn};
use ozmap_cancel::replies::{Refused, Replies};

fn load(directory: &str) -> Result<Replies, String> {
    let time_zone = TimeZone::get("America/Sao_Paulo").unwrap();
    Replies::load(directory, time_zone).map_err(|error| error.to_string())
}

/// A name with the most characters that a greeting takes.
const LONGEST_NAME: &str = "Maria-Aparecida-Maria-Carolina";

/// An answer with every fact that such an outcome can have.
fn full(outcome: Outcome) -> Answer {
    Answer {
        protocol: Protocol::parse("20261123004217"),
        first_name: FirstName::of("Gabriel Marioto"),
        // 1 December 2026, 01:30 UTC: still November in the provider's time zone.
        cancelled_at_ms: (outcome == Outcome::AlreadyCancelled).then_some(1_796_088_600_000),
        found: (outcome == Outcome::Found).then(|| Found {
            address: "R. Delminda Silveira, 900".to_owned(),
            reserved_at: "2022-07-15T16:24:20.980Z".to_owned(),
        }),
        ..Answer::bare(outcome)
    }
}

/// The prompts that may follow an outcome in the same message.
const FOLLOWED: [(Outcome, Turn); 4] = [
    (Outcome::NotFound, Turn::AskCode),
    (Outcome::NotFound, Turn::HandOver),
    (Outcome::InvalidCode, Turn::AskCode),
    (Outcome::InvalidCode, Turn::HandOver),
];

/// All sentences of one language, with every fact and with none.
fn everything(locale: Locale) -> String {
    let replies = load("").unwrap();
    let mut said = String::new();
    for medium in [Medium::Text, Medium::Voice] {
        for outcome in Outcome::ALL {
            let full = replies.say(locale, medium, &full(outcome), "123|123");
            let bare = replies.say(locale, medium, &Answer::bare(outcome), "");
            writeln!(said, "{medium:?} {outcome}\n  {full}\n  {bare}").unwrap();
        }
        for refused in Refused::ALL {
            writeln!(
                said,
                "{medium:?} {refused:?}\n  {}",
                replies.refuse(locale, medium, refused)
            )
            .unwrap();
        }
        for turn in Turn::ALL
            .into_iter()
            .filter(|turn| medium == Medium::Text || !turn.is_written_only())
        {
            let (full, bare) = (
                replies.turn(locale, medium, turn, "123|123"),
                replies.turn(locale, medium, turn, ""),
            );
            writeln!(said, "{medium:?} {turn:?}\n  {full}\n  {bare}").unwrap();
        }
        for (outcome, turn) in FOLLOWED {
            let then = replies.say_then(locale, medium, &full(outcome), "123|123", turn);
            writeln!(said, "{medium:?} {outcome} and {turn:?}\n  {then}").unwrap();
        }
    }
    said
}

#[test]
fn every_sentence_in_brazilian_portuguese() {
    insta::assert_snapshot!("pt-BR", everything(Locale::PtBr));
}

#[test]
fn every_sentence_in_spanish() {
    insta::assert_snapshot!("es", everything(Locale::Es));
}

#[test]
fn every_sentence_in_english() {
    insta::assert_snapshot!("en", everything(Locale::En));
}

#[test]
fn what_cannot_be_a_code_is_never_repeated_and_a_code_is_never_a_template() {
    let replies = load("").unwrap();
    for typed in ["a\nb", "..", "x\u{202e}y", &"8".repeat(129)] {
        for outcome in Outcome::ALL {
            let said = replies.say(Locale::En, Medium::Text, &full(outcome), typed);
            assert!(!said.contains(typed), "{said}");
        }
    }
    let said = replies.say(
        Locale::En,
        Medium::Text,
        &full(Outcome::NotFound),
        "{{ 7 * 7 }}",
    );
    assert!(said.contains("the code {{ 7 * 7 }}"), "{said}");
}

#[test]
fn every_reply_is_one_short_line() {
    let longest = FirstName::of(LONGEST_NAME).unwrap();
    assert_eq!(longest.as_str().chars().count(), 30);
    let replies = load("").unwrap();
    let mut answer = Answer {
        first_name: Some(longest),
        ..full(Outcome::Found)
    };
    for outcome in Outcome::ALL {
        answer.outcome = outcome;
        for (locale, medium) in Locale::ALL
            .into_iter()
            .flat_map(|l| [(l, Medium::Text), (l, Medium::Voice)])
        {
            let said = replies.say(locale, medium, &answer, &"é".repeat(64));
            assert!(
                said.chars().count() <= ozmap_cancel::replies::REPLY_CHARS_MAX,
                "{said}"
            );
            assert!(!said.contains(['\n', '\r', '\t', '{', '}']), "{said}");
        }
    }
}
