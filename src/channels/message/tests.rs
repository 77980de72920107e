//! The tables of messages and answers, and what no change of a message may bring about.

use proptest::prelude::*;

use super::*;

const MESSAGES: &str = include_str!("../../../tests/it/messages/messages.tsv");
const ANSWERS: &str = include_str!("../../../tests/it/messages/answers.tsv");

/// The code pattern and the bar that the presets have.
fn spec() -> TextSpec {
    let preset: toml::Table =
        toml::from_str(include_str!("../../../config/channels/evolution.toml")).unwrap();
    preset["text"].clone().try_into().unwrap()
}

fn reader() -> Reader {
    Reader::load().unwrap()
}

fn read(text: &str, locale: Locale) -> Meaning {
    reader().read(text, &spec(), locale)
}

/// The rows of a table: locale, text, what is expected.
fn rows(table: &'static str) -> impl Iterator<Item = (Locale, String, &'static str)> {
    table.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let text = cells[1].replace("\\n", "\n");
        (Locale::parse(cells[0]).unwrap(), text, cells[2])
    })
}

/// What a message without a question before it leads to.
fn word(meaning: &Meaning) -> &'static str {
    match meaning {
        Meaning::Wish {
            code,
            clarity: Clarity::Clear,
        } => {
            assert_eq!(code, "123|123");
            "act"
        }
        Meaning::Wish { .. } | Meaning::Mention(_) | Meaning::YesTo(_) => "ask",
        Meaning::OtherBar(code) => {
            assert_eq!(code, "123|123");
            "confirm_bar"
        }
        Meaning::Yes => "yes",
        Meaning::No => "no",
        Meaning::Thanks => "thanks",
        Meaning::Person => "person",
        Meaning::SeveralCodes => "several",
        Meaning::NoCode | Meaning::Other => "no_code",
    }
}

/// What is right for a row: acting only where it says so; where it asks, anything that does not act.
fn fits(expected: &str, found: &str) -> bool {
    match expected {
        "act_or_ask" => matches!(found, "act" | "ask"),
        "ask" => found != "act",
        exact => exact == found,
    }
}

#[test]
fn every_message_of_the_table_means_what_stands_beside_it() {
    let reader = reader();
    let (mut wrong, mut rows_seen) = (Vec::new(), 0);
    for (locale, text, expected) in rows(MESSAGES) {
        rows_seen += 1;
        let meaning = reader.read(&text, &spec(), locale);
        if !fits(expected, word(&meaning)) {
            wrong.push(format!(
                "{} {text:?}: {expected}, not {}",
                locale.id(),
                word(&meaning)
            ));
        }
    }
    assert!(rows_seen > 800, "{rows_seen}");
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_answer_of_the_table_means_what_stands_beside_it() {
    let reader = reader();
    let mut wrong = Vec::new();
    for (locale, text, expected) in rows(ANSWERS) {
        let meaning = reader.read(&text, &spec(), locale);
        let found = match &meaning {
            Meaning::Yes => "yes",
            Meaning::YesTo(code) if code == "123|123" => "yes",
            Meaning::Wish { code, .. } if code == "123|123" => "yes",
            Meaning::No => "no",
            Meaning::Thanks => "thanks",
            Meaning::Person => "person",
            _ => "again",
        };
        let fits = match expected {
            "yes_or_again" => matches!(found, "yes" | "again"),
            "no" => matches!(found, "no"),
            exact => exact == found,
        };
        if !fits {
            wrong.push(format!("{} {text:?}: {expected}, not {found}", locale.id()));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
