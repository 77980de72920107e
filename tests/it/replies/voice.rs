//! The spoken sentences: words that every voice reads alike, and no longer than a caller can
//! follow.

use std::path::Path;
use std::process::Command;

use jiff::tz::TimeZone;
use ozmap_cancel::domain::{Answer, FirstName, Locale, Medium, Outcome, Protocol, Turn};
use ozmap_cancel::replies::{Aloud, Place, REPLY_CHARS_MAX, Replies, spoken_length};
use serde_json::json;

use super::{FOLLOWED, LONGEST_NAME, full, load};
use crate::support::{World, skipped};

/// How far the estimate may differ from the synthesiser.
const TOLERANCE: f64 = 0.2;

const NEEDS: &str = "espeak-ng (apt-get install espeak-ng)";

/// The synthesiser's voice for each language.
const fn voice(locale: Locale) -> &'static str {
    match locale {
        Locale::PtBr => "pt-br",
        Locale::Es => "es-419",
        Locale::En => "en-us",
    }
}

/// Every spoken sentence, in every language.
fn aloud() -> Vec<(Locale, Aloud)> {
    let replies = load("").unwrap();
    let of = |locale| {
        replies
            .aloud(locale)
            .into_iter()
            .map(move |said| (locale, said))
    };
    Locale::ALL.into_iter().flat_map(of).collect()
}

/// The seconds that the synthesiser takes at 155 words a minute, from the length of its recording.
fn seconds(locale: Locale, said: &str, recording: &Path) -> f64 {
    let spoken = Command::new("espeak-ng")
        .args(["-v", voice(locale), "-s", "155", "-w"])
        .arg(recording)
        .arg(said)
        .output()
        .unwrap();
    assert!(spoken.status.success(), "{spoken:?}");
    let wave = std::fs::read(recording).unwrap();
    let number = |at: usize| u32::from_le_bytes(wave[at..at + 4].try_into().unwrap());
    assert_eq!((&wave[..4], &wave[36..40]), (&b"RIFF"[..], &b"data"[..]));
    let bytes_per_second = number(28);
    (wave.len() - 44) as f64 / f64::from(bytes_per_second)
}

fn has_synthesiser() -> bool {
    let found = Command::new("espeak-ng").arg("--version").output();
    found.is_ok_and(|found| found.status.success())
}

#[test]
fn a_synthesiser_says_every_sentence_in_the_time_that_a_caller_follows() {
    if !has_synthesiser() {
        return skipped(NEEDS);
    }
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("said.wav");
    let mut wrong = Vec::new();
    for (locale, sentence) in aloud() {
        let measured = seconds(locale, &sentence.said, &recording);
        let (id, at_most) = (&sentence.id, sentence.place.at_most().as_secs_f64());
        let estimated = sentence.takes.as_secs_f64();
        eprintln!(
            "{} {id}: {measured:.1} s, estimated {estimated:.1} s",
            locale.id()
        );
        if measured > at_most {
            wrong.push(format!(
                "{} {id} takes {measured:.1} s of {at_most}: {}",
                locale.id(),
                sentence.said
            ));
        }
        if (estimated / measured - 1.0).abs() > TOLERANCE {
            wrong.push(format!(
                "{} {id} takes {measured:.1} s, not {estimated:.1}",
                locale.id()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_code_of_ten_digits_is_read_back_in_the_time_of_a_question() {
    if !has_synthesiser() {
        return skipped(NEEDS);
    }
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("said.wav");
    let replies = load("").unwrap();
    let mut wrong = Vec::new();
    for locale in Locale::ALL {
        for code in ["123|1234", "2026112304", "1234567890", "123|123456"] {
            for turn in [Turn::ConfirmCode, Turn::NothingHeard] {
                let said = replies.turn(locale, Medium::Voice, turn, code);
                let measured = seconds(locale, &said, &recording);
                eprintln!("{} {} {code}: {measured:.1} s", locale.id(), turn.id());
                if measured > Place::Prompt.at_most().as_secs_f64() {
                    wrong.push(format!("{measured:.1} s: {said}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_sentence_is_estimated_to_take_no_longer_than_a_caller_follows() {
    let all = aloud();
    for (locale, sentence) in &all {
        assert!(
            sentence.takes <= sentence.place.at_most(),
            "{locale:?} {sentence:?}"
        );
        assert_eq!(sentence.takes, spoken_length(*locale, &sentence.said));
    }
    let count = |place| {
        all.iter()
            .filter(|(_, sentence)| sentence.place == place)
            .count()
    };
    assert_eq!(
        [Place::Prompt, Place::Outcome, Place::Followed].map(count),
        [7 * 3, 16 * 3, 4 * 3]
    );
}

#[test]
fn what_is_spoken_has_no_symbols_and_no_numbers_that_are_read_as_one() {
    let replies = load("").unwrap();
    for locale in Locale::ALL {
        for code in [
            "123|123",
            "francisca.quiñones",
            "a/b_c-d #*@+ 9",
            "a|b/c",
            "<b>&\"'{}",
            "8888888888888888",
        ] {
            for outcome in Outcome::ALL {
                read_alike(&replies.say(locale, Medium::Voice, &full(outcome), code));
            }
            for (outcome, turn) in FOLLOWED {
                read_alike(&replies.say_then(locale, Medium::Voice, &full(outcome), code, turn));
            }
            for turn in Turn::ALL.into_iter().filter(|turn| !turn.is_written_only()) {
                read_alike(&replies.turn(locale, Medium::Voice, turn, code));
            }
        }
    }
}

fn read_alike(said: &str) {
    let odd = said
        .chars()
        .find(|c| !c.is_alphanumeric() && !matches!(c, ' ' | ',' | '.'));
    assert_eq!(odd, None, "{said}");
    let longest = said
        .split(|c: char| !c.is_ascii_digit())
        .map(str::len)
        .max();
    assert!(
        longest <= Some(4),
        "no number but a year is said as one: {said}"
    );
    assert!(
        !said.contains("  ")
            && !said.contains(" ,")
            && !said.contains(" .")
            && !said.contains(".."),
        "{said}"
    );
}

#[test]
fn the_code_is_read_back_in_the_question_and_not_once_more_after_it() {
    let replies = load("").unwrap();
    for (locale, code) in [
        (Locale::PtBr, "um, dois, três, barra, um, dois, meia"),
        (Locale::Es, "uno, dos, tres, barra, uno, dos, seis"),
        (Locale::En, "one, two, three, vertical bar, one, two, six"),
    ] {
        let asked = replies.turn(locale, Medium::Voice, Turn::ConfirmCode, "123|126");
        assert!(asked.contains(code), "{asked}");
        for outcome in Outcome::ALL {
            let said = replies.say(locale, Medium::Voice, &full(outcome), "123|126");
            assert!(!said.contains(code), "{said}");
        }
    }
}

#[test]
fn one_key_has_one_name_in_every_sentence() {
    let replies = load("").unwrap();
    for (locale, bar, code) in [
        (Locale::PtBr, "barra", "1|1"),
        (Locale::Es, "barra", "1|1"),
        (Locale::En, "vertical bar", "1|1"),
    ] {
        for turn in [
            Turn::AskCode,
            Turn::AskCodeAgain,
            Turn::CorrectCode,
            Turn::NothingHeard,
            Turn::ConfirmCode,
        ] {
            let said = replies.turn(locale, Medium::Voice, turn, code);
            assert_eq!(said.matches(bar).count(), 1, "{said}");
        }
    }
    for (locale, star, hash) in [
        (Locale::PtBr, "asterisco", "jogo da velha"),
        (Locale::Es, "asterisco", "numeral"),
        (Locale::En, "star", "pound"),
    ] {
        let read_back = replies.turn(locale, Medium::Voice, Turn::ConfirmCode, "*#");
        assert!(
            read_back.contains(&format!("{star}, {hash}")),
            "{read_back}"
        );
        for turn in [
            Turn::AskCode,
            Turn::AskCodeAgain,
            Turn::CorrectCode,
            Turn::NothingHeard,
        ] {
            let said = replies.turn(locale, Medium::Voice, turn, "");
            assert!(said.contains(star) && said.contains(hash), "{said}");
        }
    }
}

#[test]
fn a_code_that_would_take_too_long_to_spell_is_left_out_of_the_question() {
    let replies = load("").unwrap();
    for code in ["|".repeat(64), "a-".repeat(32)] {
        let asked = replies.turn(Locale::PtBr, Medium::Voice, Turn::ConfirmCode, &code);
        assert!(
            asked.starts_with("Para cancelar a reserva, tecle um."),
            "{asked}"
        );
        let text = replies.say(Locale::PtBr, Medium::Text, &full(Outcome::Cancelled), &code);
        assert!(text.contains(&code));
    }
}

#[test]
fn the_first_of_a_month_is_said_and_written_as_people_do() {
    let replies = Replies::load("", TimeZone::UTC).unwrap();
    // 1, 2, 3, 21 and 30 December 2026.
    for (day, locale, text, voice) in [
        (
            1,
            Locale::PtBr,
            "em 1º de dezembro de 2026",
            "em primeiro de dezembro de 2026",
        ),
        (
            2,
            Locale::PtBr,
            "em 2 de dezembro de 2026",
            "em 2 de dezembro de 2026",
        ),
        (
            1,
            Locale::Es,
            "el 1 de diciembre de 2026",
            "el primero de diciembre de 2026",
        ),
        (
            30,
            Locale::Es,
            "el 30 de diciembre de 2026",
            "el 30 de diciembre de 2026",
        ),
        (
            1,
            Locale::En,
            "on December 1, 2026",
            "on December 1st, 2026",
        ),
        (
            2,
            Locale::En,
            "on December 2, 2026",
            "on December 2nd, 2026",
        ),
        (
            3,
            Locale::En,
            "on December 3, 2026",
            "on December 3rd, 2026",
        ),
        (
            11,
            Locale::En,
            "on December 11, 2026",
            "on December 11th, 2026",
        ),
        (
            21,
            Locale::En,
            "on December 21, 2026",
            "on December 21st, 2026",
        ),
        (
            30,
            Locale::En,
            "on December 30, 2026",
            "on December 30th, 2026",
        ),
    ] {
        let noon = format!("2026-12-{day:02}T12:00:00Z");
        let at: jiff::Timestamp = noon.parse().unwrap();
        let answer = Answer {
            cancelled_at_ms: Some(at.as_millisecond()),
            ..Answer::bare(Outcome::AlreadyCancelled)
        };
        for (medium, date) in [(Medium::Text, text), (Medium::Voice, voice)] {
            let said = replies.say(locale, medium, &answer, "1");
            assert!(said.contains(date), "`{date}` in `{said}`");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_speaks_says_the_spoken_sentence() {
    let world = World::with(&[("CHANNELS__CHATBOT__MEDIUM", "voice")]).await;
    let said = world
        .ask(json!({"code": "123|123", "action": "lookup"}))
        .await
        .reply();
    assert!(said.contains("feita em 15 de julho de 2022"), "{said}");
    assert!(!said.contains("123|123"), "{said}");
    let refused = world.ask(json!({"code": []})).await.reply();
    assert!(refused.contains("fale com a nossa equipe"), "{refused}");
}

#[test]
fn what_is_said_before_the_next_question_fits_on_the_phone() {
    let replies = load("").unwrap();
    for locale in Locale::ALL {
        for (outcome, turn) in FOLLOWED {
            for code in ["8|".repeat(15), "_".repeat(18), "8".repeat(64)] {
                let answer = Answer {
                    protocol: Protocol::parse("20261123004217"),
                    first_name: FirstName::of(LONGEST_NAME),
                    ..Answer::bare(outcome)
                };
                let said = replies.say_then(locale, Medium::Voice, &answer, &code, turn);
                assert!(
                    said.chars().count() <= REPLY_CHARS_MAX,
                    "{locale:?} {outcome:?}: {said}"
                );
                let question = replies.turn(locale, Medium::Voice, turn, "");
                assert!(said.ends_with(&question), "{said}");
            }
        }
    }
}

#[test]
fn before_a_question_the_protocol_and_the_own_next_step_are_left_out() {
    let replies = load("").unwrap();
    let said = |medium, turn| {
        let answer = full(Outcome::NotFound);
        replies.say_then(Locale::PtBr, medium, &answer, "123|123", turn)
    };
    let asked = said(Medium::Voice, Turn::AskCode);
    assert!(
        !asked.contains("protocolo") && !asked.contains("equipe"),
        "{asked}"
    );
    let handed = said(Medium::Voice, Turn::HandOver);
    assert!(
        handed.contains("protocolo é dois zero dois meia, um um"),
        "{handed}"
    );
    for said in [handed, said(Medium::Text, Turn::HandOver)] {
        assert_eq!(said.matches("equipe").count(), 1, "{said}");
    }
}
