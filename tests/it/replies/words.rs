//! The claims of a sentence: a customer who acts on it must not find it untrue.

use ozmap_cancel::domain::{Answer, Locale, Medium, Outcome, Turn};
use ozmap_cancel::replies::{Refused, Replies};

use super::{FOLLOWED, full, load};

const MEDIA: [Medium; 2] = [Medium::Text, Medium::Voice];

/// Every sentence of a language, with every fact and with none.
fn sentences(replies: &Replies, locale: Locale) -> Vec<String> {
    let mut all = Vec::new();
    for medium in MEDIA {
        for outcome in Outcome::ALL {
            all.push(replies.say(locale, medium, &full(outcome), "123|123"));
            all.push(replies.say(locale, medium, &Answer::bare(outcome), ""));
        }
        for turn in Turn::ALL {
            all.push(replies.turn(locale, medium, turn, "123|123"));
            all.push(replies.turn(locale, medium, turn, ""));
        }
        all.extend(Refused::ALL.map(|refused| replies.refuse(locale, medium, refused)));
        all.extend(FOLLOWED.map(|(outcome, turn)| {
            replies.say_then(locale, medium, &full(outcome), "123|123", turn)
        }));
    }
    all
}

/// Phrases that no sentence may have: an agent who comes unasked, a yes before bad news, a claim
/// beyond what OZmap shows.
const NEVER: [(Locale, &[&str]); 3] = [
    (
        Locale::PtBr,
        &[
            "atendente",
            "vai continuar",
            "vai ajudar",
            "Certo",
            "não precisa fazer mais nada",
            "processado",
            "já está instalado",
            "continua valendo",
            "consigo",
            "consegui ",
        ],
    ),
    (
        Locale::Es,
        &[
            "ancel",
            "agente",
            "continuará",
            "va a continuar",
            "De acuerdo, Gabriel",
            "No necesita hacer nada",
            "hasta el final",
            "ya está instalado",
            "sigue en pie",
            "comuníquese",
            "No pude ",
        ],
    ),
    (
        Locale::En,
        &[
            "take it from here",
            "will help you",
            "Thank you",
            "nothing more for you to do",
            "see it through",
            "already installed",
            "still stands",
            "I could",
            "hash",
        ],
    ),
];

#[test]
fn no_sentence_promises_a_person_or_says_more_than_is_known() {
    let replies = load("").unwrap();
    for (locale, never) in NEVER {
        for said in sentences(&replies, locale) {
            for words in never {
                assert!(!said.contains(words), "`{words}` in `{said}`");
            }
        }
    }
}

/// The words by which a language names the team to talk to.
const fn team(locale: Locale) -> &'static str {
    match locale {
        Locale::PtBr => "fale com a nossa equipe",
        Locale::Es => "hable con nuestro equipo",
        Locale::En => "talk to our team",
    }
}

#[test]
fn who_cannot_go_on_alone_is_told_whom_to_talk_to() {
    let replies = load("").unwrap();
    for locale in Locale::ALL {
        for medium in MEDIA {
            let outcomes = Outcome::ALL
                .into_iter()
                .filter(|outcome| outcome.hands_off() || *outcome == Outcome::NotFound)
                .map(|outcome| replies.say(locale, medium, &full(outcome), "123|123"));
            let refusals = Refused::ALL
                .into_iter()
                .map(|refused| replies.refuse(locale, medium, refused));
            let turns = [replies.turn(locale, medium, Turn::HandOver, "")];
            for said in outcomes.chain(refusals).chain(turns) {
                assert!(said.to_lowercase().contains(team(locale)), "{said}");
            }
        }
        for turn in [
            Turn::AskCode,
            Turn::AskCodeAgain,
            Turn::SeveralCodes,
            Turn::ConfirmAgain,
        ] {
            let said = replies.turn(locale, Medium::Text, turn, "123|123");
            assert!(said.contains(team(locale)), "{said}");
        }
    }
}

#[test]
fn what_is_to_be_copied_is_the_end_of_the_message_and_nothing_else() {
    let replies = load("").unwrap();
    for (locale, wish) in [
        (Locale::PtBr, ": cancelar 123|123"),
        (Locale::Es, ": anular 123|123"),
        (Locale::En, ": cancel 123|123"),
    ] {
        let said = replies.turn(locale, Medium::Text, Turn::ConfirmInFull, "123|123");
        assert!(said.ends_with(wish), "{said}");
        assert!(!said.contains('?'), "a question invites a yes: {said}");
    }
}

#[test]
fn who_is_asked_for_a_yes_is_told_how_to_say_yes_and_no() {
    let replies = load("").unwrap();
    for (locale, yes, no) in [
        (Locale::PtBr, "sim para cancelar", "ou não"),
        (Locale::Es, "sí para anular", "o no"),
        (Locale::En, "yes to cancel", "or no"),
    ] {
        for turn in [
            Turn::ConfirmCode,
            Turn::ConfirmBar,
            Turn::ConfirmAgain,
            Turn::Thanked,
        ] {
            let said = replies.turn(locale, Medium::Text, turn, "123|123");
            for words in [yes, no, "123|123"] {
                assert!(said.contains(words), "`{words}` in `{said}`");
            }
        }
    }
    for turn in [Turn::ConfirmCode, Turn::ConfirmInFull, Turn::ConfirmBar] {
        let said = replies.turn(Locale::Es, Medium::Text, turn, "123|123");
        assert!(said.contains("no es pagar"), "{said}");
    }
}

#[test]
fn a_question_for_a_code_names_the_bar_and_no_code_that_somebody_may_have() {
    let replies = load("").unwrap();
    for locale in Locale::ALL {
        for turn in [Turn::AskCode, Turn::AskCodeAgain] {
            let said = replies.turn(locale, Medium::Text, turn, "");
            assert!(said.contains('|'), "{said}");
            assert!(!said.contains(|c: char| c.is_ascii_digit()), "{said}");
        }
    }
}

#[test]
fn what_is_not_known_is_said_neither_way() {
    let replies = load("").unwrap();
    for (locale, claims) in [
        (Locale::PtBr, ["foi cancelad", "alterado"]),
        (Locale::Es, ["anulada", "modificó"]),
        (Locale::En, ["been cancelled", "was not cancelled"]),
    ] {
        for medium in MEDIA {
            for said in [
                replies.say(locale, medium, &full(Outcome::Unknown), "123|123"),
                replies.say(locale, medium, &full(Outcome::Pending), "123|123"),
                replies.refuse(locale, medium, Refused::InDoubt),
            ] {
                for claim in claims {
                    assert!(!said.contains(claim), "`{claim}` in `{said}`");
                }
            }
        }
    }
}
