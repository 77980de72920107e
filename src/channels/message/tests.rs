//! The tables of messages and answers, and what no change of a message may bring about.

use super::*;

const MESSAGES: &str = include_str!("../../../tests/it/channels/messages/messages.tsv");
const ANSWERS: &str = include_str!("../../../tests/it/channels/messages/answers.tsv");

/// The code pattern and the bar that the presets have.
fn spec() -> TextSpec {
    let preset: toml::Table =
        toml::from_str(include_str!("../../../config/channels/evolution.toml")).unwrap();
    preset["text"].clone().try_into().unwrap()
}

fn reader() -> Reader {
    Reader::load().unwrap()
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
        Meaning::RequestKind {
            code,
            clarity: Clarity::Clear,
        } if code == "123|123" => "act",
        Meaning::RequestKind {
            clarity: Clarity::Clear,
            ..
        } => "act on another code",
        Meaning::RequestKind { .. }
        | Meaning::Mention(_)
        | Meaning::Unrelated(_)
        | Meaning::YesTo(_) => "ask",
        Meaning::OtherBar(code) if code == "123|123" => "confirm_bar",
        Meaning::OtherBar(_) => "confirm_bar of another code",
        Meaning::Yes => "yes",
        Meaning::No => "no",
        Meaning::Thanks => "thanks",
        Meaning::Person => "person",
        Meaning::SeveralCodes => "several",
        Meaning::NoCode | Meaning::Negated | Meaning::Other => "no_code",
    }
}

/// What is right for a row: acting only where it says so; where it asks, anything that does not
/// act.
fn fits(expected: &str, found: &str) -> bool {
    match expected {
        "act_or_ask" => matches!(found, "act" | "ask"),
        // The wish without a code is a yes after a question, and leads to the question for the code
        // without one.
        "no_code" => matches!(found, "no_code" | "yes"),
        "ask" => !found.starts_with("act") && found != "yes",
        exact => exact == found,
    }
}

#[test]
fn every_message_of_the_table_means_what_stands_beside_it() {
    let (reader, spec) = (reader(), spec());
    let (mut wrong, mut rows_seen) = (Vec::new(), 0);
    for (locale, text, expected) in rows(MESSAGES) {
        rows_seen += 1;
        let meaning = reader.read(&text, &spec, locale);
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
    let (reader, spec) = (reader(), spec());
    let mut wrong = Vec::new();
    for (locale, text, expected) in rows(ANSWERS) {
        let meaning = reader.read(&text, &spec, locale);
        let found = match &meaning {
            Meaning::Yes => "yes",
            Meaning::YesTo(code) if code == "123|123" => "yes",
            Meaning::RequestKind { code, .. } if code == "123|123" => "yes",
            Meaning::No => "no",
            Meaning::Thanks => "thanks",
            Meaning::Person => "person",
            Meaning::RequestKind { .. }
            | Meaning::Mention(_)
            | Meaning::Unrelated(_)
            | Meaning::OtherBar(_)
            | Meaning::YesTo(_)
            | Meaning::SeveralCodes
            | Meaning::NoCode
            | Meaning::Negated
            | Meaning::Other => "again",
        };
        let fits = match expected {
            // Farewells and thanks are answered with the question that stands.
            "yes_or_again" => matches!(found, "yes" | "again" | "thanks"),
            "again" => matches!(found, "again" | "thanks"),
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

/// The messages of the table, and each with something put in at each of its blanks and at its ends.
fn with_an_addition(text: &str, addition: &str) -> Vec<String> {
    let words: Vec<&str> = text.split(' ').collect();
    (0..=words.len())
        .map(|at| {
            let mut words = words.clone();
            words.insert(at, addition);
            words.join(" ")
        })
        .collect()
}

fn acts(meaning: &Meaning) -> bool {
    matches!(
        meaning,
        Meaning::RequestKind {
            clarity: Clarity::Clear | Clarity::AskedBack,
            ..
        }
    )
}

#[test]
fn a_negation_a_question_mark_a_second_code_or_an_unknown_word_never_makes_a_message_act() {
    let (reader, spec) = (reader(), spec());
    let additions = [
        "não", "nao", "ñ", "no", "not", "don't", "nunca", "jamás", "never", "?", "¿", "124|124",
        "zebra", "se", "if", "👎", "7",
    ];
    let mut tried = 0;
    for (locale, text, _) in rows(MESSAGES) {
        for addition in additions {
            // The first code of a message that lacks one is no second one.
            if addition == "124|124" && !text.contains("123|123") {
                continue;
            }
            for changed in with_an_addition(&text, addition) {
                // "Tudo bem?" is a greeting only with its mark.
                let is_mark = matches!(addition, "?" | "¿");
                // A number beside a bar that lacks its other half makes another code.
                let completes = ["| 7", "7 |", "| 124", "124 |"]
                    .iter()
                    .any(|half| changed.contains(half));
                if completes {
                    continue;
                }
                let is_greeting = is_mark && is_greeting_question(&changed);
                let meaning = reader.read(&changed, &spec, locale);
                assert!(!acts(&meaning) || is_greeting, "{changed:?}");
                tried += 1;
            }
        }
    }
    assert!(tried > 50_000, "{tried}");
}

fn is_greeting_question(text: &str) -> bool {
    let small = written::fold(text)
        .replace([',', '.', '!'], "")
        .replace("? ?", " ?");
    let greetings = [
        "tudo bem",
        "tudo bom",
        "td bem",
        "tudo certo",
        "e ai",
        "como vai",
        "como esta",
        "como estas",
        "que tal",
        "how are you",
        "how are you doing",
    ];
    greetings.iter().any(|greeting| {
        small.contains(&format!("{greeting} ?")) || small.contains(&format!("¿ {greeting}"))
    })
}

#[test]
fn no_answer_with_a_negation_a_question_mark_or_another_code_is_a_yes() {
    let (reader, spec) = (reader(), spec());
    for (locale, text, _) in rows(ANSWERS) {
        for addition in [
            "não", "nao", "no", "not", "nunca", "never", "?", "124|124", "zebra",
        ] {
            for changed in with_an_addition(&text, addition) {
                let meaning = reader.read(&changed, &spec, locale);
                let is_yes =
                    meaning == Meaning::Yes || meaning == Meaning::YesTo("123|123".to_owned());
                assert!(!is_yes, "{changed:?}");
            }
        }
    }
}

#[test]
fn a_message_of_the_table_means_the_same_in_capitals_and_with_blanks_around_it() {
    let (reader, spec) = (reader(), spec());
    for (locale, text, _) in rows(MESSAGES) {
        let meaning = reader.read(&text, &spec, locale);
        let spaced = format!(" \u{200b}{text}\u{feff} \n");
        assert_eq!(reader.read(&spaced, &spec, locale), meaning, "{text:?}");
        // A letter that is glued to a code is taken for a slip only when it is small.
        if text.is_ascii() && !matches!(meaning, Meaning::Mention(_)) && !text.contains('l') {
            let capitals = text.to_uppercase();
            let read = reader.read(&capitals, &spec, locale);
            assert_eq!(acts(&read), acts(&meaning), "{capitals:?}");
        }
    }
}

#[test]
fn a_long_message_is_read_in_time_and_never_acts() {
    let (reader, spec) = (reader(), spec());
    let long = "quero ".repeat(10_000) + "cancelar 123|123";
    let meaning = reader.read(&long, &spec, Locale::PtBr);
    assert_eq!(meaning, Meaning::Mention("123|123".to_owned()));
}

#[test]
fn a_yes_that_names_the_reservation_without_a_verb_may_be_the_opposite() {
    let (reader, spec) = (reader(), spec());
    let verbs = ["cancel", "anul", "baja"];
    for (locale, text, _) in rows(ANSWERS) {
        if verbs.iter().any(|verb| written::fold(&text).contains(verb)) {
            continue;
        }
        for addition in [
            "quero minha reserva",
            "a minha reserva",
            "mi reserva",
            "my reservation",
            "my booking",
        ] {
            for changed in with_an_addition(&text, addition) {
                let meaning = reader.read(&changed, &spec, locale);
                let is_yes = matches!(meaning, Meaning::Yes | Meaning::YesTo(_));
                assert!(!is_yes, "{changed:?}");
            }
        }
    }
}
