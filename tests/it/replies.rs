//! Every sentence that a customer may hear, pinned; and an operator's own, checked before anybody hears them.

use std::fmt::Write as _;
use std::path::Path;

use jiff::tz::TimeZone;
use ozmap_cancel::domain::{Answer, FirstName, Found, Locale, Medium, Outcome, Protocol, Turn};
use ozmap_cancel::replies::{Refused, Replies};
use serde_json::json;

use crate::support::{Launch, World};

fn load(directory: &str) -> Result<Replies, String> {
    let time_zone = TimeZone::get("America/Sao_Paulo").unwrap();
    Replies::load(directory, time_zone).map_err(|error| error.to_string())
}

/// An answer with everything that is known of such an outcome.
fn full(outcome: Outcome) -> Answer {
    Answer {
        protocol: Protocol::parse("20261123004217"),
        first_name: FirstName::of("Gabriel Marioto"),
        // 1 December 2026, 01:30 UTC: still November where the provider is.
        cancelled_at_ms: (outcome == Outcome::AlreadyCancelled).then_some(1_796_088_600_000),
        found: (outcome == Outcome::Found).then(|| Found {
            address: "R. Delminda Silveira, 900".to_owned(),
            reserved_at: "2022-07-15T16:24:20.980Z".to_owned(),
        }),
        ..Answer::bare(outcome)
    }
}

/// All that is said in one language, with everything known and with nothing known.
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
fn what_is_spoken_has_no_symbols_and_no_numbers_that_are_read_as_one() {
    let replies = load("").unwrap();
    for locale in Locale::ALL {
        for outcome in Outcome::ALL {
            for code in [
                "123|123",
                "francisca.quiñones",
                "a/b_c-d #*@+ 9",
                "<b>&\"'{}",
                "8888888888888888",
            ] {
                let said = replies.say(locale, Medium::Voice, &full(outcome), code);
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
                    !said.contains("  ") && !said.contains(" ,") && !said.contains(" ."),
                    "{said}"
                );
            }
        }
    }
}

#[test]
fn a_code_that_would_take_too_long_to_spell_is_left_out_of_what_is_spoken() {
    let replies = load("").unwrap();
    for code in ["|".repeat(64), "a-".repeat(32)] {
        let spoken = replies.say(
            Locale::PtBr,
            Medium::Voice,
            &full(Outcome::Cancelled),
            &code,
        );
        assert!(
            spoken.starts_with("Pronto, Gabriel, a reserva foi cancelada"),
            "{spoken}"
        );
        let text = replies.say(Locale::PtBr, Medium::Text, &full(Outcome::Cancelled), &code);
        assert!(text.contains(&code));
    }
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
    let replies = load("").unwrap();
    let mut answer = Answer {
        first_name: FirstName::of(&"M".repeat(30)),
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

/// A folder with one file of overrides.
fn folder(file: &str, text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(file), text).unwrap();
    folder
}

fn loaded(folder: &Path) -> Result<Replies, String> {
    load(&folder.display().to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_sentence_is_said_and_all_others_stay() {
    let text = "[cancelled]\ntext = \"\"\"Feito{% if first_name %}, {{ first_name }}{% endif %}!\n  Código {{ code }}.\"\"\"\n";
    let folder = folder("pt-BR.toml", text);
    let directory = folder.path().display().to_string();
    let world = World::with(&[("REPLIES__DIRECTORY", &directory)]).await;
    assert_eq!(
        world.cancel("123|123", "m-1").await.reply(),
        "Feito, Gabriel! Código 123|123."
    );
    assert!(
        world
            .cancel("999|999", "m-2")
            .await
            .reply()
            .starts_with("Desculpe, não encontramos")
    );
    let english = world.ask(json!({"code": "123|123", "message_id": "m-1", "lang": "en"}));
    assert!(english.await.reply().starts_with("All done, Gabriel!"));
    let replies = loaded(folder.path()).unwrap();
    let spoken = replies.say(Locale::PtBr, Medium::Voice, &full(Outcome::Cancelled), "1");
    assert!(spoken.starts_with("Pronto, Gabriel"), "{spoken}");
}

#[test]
fn a_broken_sentence_names_its_file_its_table_and_its_medium() {
    let long = format!("[review]\ntext = \"{}\"", "x".repeat(601));
    let long_with_all = format!(
        "[found]\nvoice = \"{}{{{{ code_spoken }}}}\"",
        "x".repeat(500)
    );
    for (file, text, parts) in [
        (
            "pt-BR.toml",
            "[cancelled]\ntext = \"{{ nome }}\"",
            &["pt-BR.toml", "[cancelled]", "text"][..],
        ),
        (
            "es.toml",
            "[found]\nvoice = \"{% if code %}\"",
            &["es.toml", "[found]", "voice"],
        ),
        (
            "en.toml",
            "[pending]\ntext = \"{{ code | shout }}\"",
            &["en.toml", "[pending]", "text"],
        ),
        (
            "en.toml",
            "[pending]\ntext = \"  \"",
            &["en.toml", "[pending]", "text", "says nothing"],
        ),
        (
            "en.toml",
            "[pending]\nvoice = \"{{ code_spoken }}\"",
            &["en.toml", "[pending]", "voice", "says nothing"],
        ),
        (
            "es.toml",
            &long,
            &["es.toml", "[review]", "text", "601", "600"],
        ),
        (
            "es.toml",
            &long_with_all,
            &["es.toml", "[found]", "voice", "600"],
        ),
        (
            "en.toml",
            "[canceled]\ntext = \"x\"",
            &["en.toml", "no sentence [canceled]", "already_cancelled"],
        ),
        (
            "en.toml",
            "[cancelled]\nsms = \"x\"",
            &["en.toml", "[cancelled]", "sms"],
        ),
        (
            "en.toml",
            "[cancelled]\ntext = 1",
            &["en.toml", "[cancelled]"],
        ),
        ("en.toml", "cancelled = \"x\"", &["en.toml", "[cancelled]"]),
        ("en.toml", "[cancelled", &["en.toml"]),
        (
            "en.toml",
            "[spoken]\npipe = \"x\"",
            &["en.toml", "[spoken]"],
        ),
        ("pt.toml", "", &["pt.toml", "pt-BR.toml, es.toml, en.toml"]),
    ] {
        let folder = folder(file, text);
        let error = loaded(folder.path())
            .err()
            .unwrap_or_else(|| panic!("{file} {text} was accepted"));
        for part in parts {
            assert!(error.contains(part), "`{part}` in `{error}`");
        }
    }
}

#[test]
fn a_broken_date_is_found_before_a_customer_misses_it() {
    let spoken = include_str!("../../config/replies/es.toml")
        .split("[spoken]")
        .nth(1)
        .unwrap();
    let of = |date: &str| {
        let kept: String = spoken
            .lines()
            .filter(|line| !line.starts_with("date"))
            .map(|line| format!("{line}\n"))
            .collect();
        folder("es.toml", &format!("[spoken]\n{kept}date = \"{date}\"\n"))
    };
    let replies = loaded(of("{{ day }}/{{ month }}").path()).unwrap();
    let said = replies.say(Locale::Es, Medium::Text, &full(Outcome::Found), "1");
    assert!(said.contains("hecha el 15/julio"), "{said}");
    for broken in ["{{ dia }}", "{{ day", "{{ day | shout }}"] {
        let error = loaded(of(broken).path())
            .err()
            .unwrap_or_else(|| panic!("{broken} was accepted"));
        assert!(
            error.contains("es.toml") && error.contains("[spoken] date"),
            "{error}"
        );
    }
}

#[test]
fn other_files_in_the_folder_do_not_matter_and_a_missing_folder_does() {
    let folder = folder("README.md", "{{");
    std::fs::create_dir(folder.path().join("old")).unwrap();
    assert!(loaded(folder.path()).is_ok());
    let error = load("/nowhere/replies").err().unwrap();
    assert!(error.contains("/nowhere/replies"), "{error}");
}

#[test]
fn check_and_serve_refuse_a_broken_sentence() {
    let folder = folder("es.toml", "[found]\ntext = \"{{ nome }}\"");
    let journal = format!("sqlite:{}", folder.path().join("journal.db").display());
    let launch = Launch::new("http://127.0.0.1:1", &journal)
        .set("REPLIES__DIRECTORY", &folder.path().display().to_string());
    let checked = launch.run(&["check"]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(
        String::from_utf8(checked.stdout)
            .unwrap()
            .contains("problem  replies: es.toml, [found] text")
    );
    let served = launch.run(&["serve"]);
    assert_eq!(served.status.code(), Some(1));
    assert!(
        String::from_utf8(served.stderr)
            .unwrap()
            .contains("replies: es.toml, [found] text")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_speaks_says_the_spoken_sentence() {
    let world = World::with(&[("CHANNELS__CHATBOT__MEDIUM", "voice")]).await;
    let said = world
        .ask(json!({"code": "123|123", "action": "lookup"}))
        .await
        .reply();
    assert!(said.contains("1, 2, 3, barra vertical, 1, 2, 3"), "{said}");
    let refused = world.ask(json!({"code": []})).await.reply();
    assert!(refused.contains("fale com a nossa equipe"), "{refused}");
}

#[test]
fn what_is_said_before_the_next_question_fits_on_the_phone() {
    let replies = load("").unwrap();
    for locale in Locale::ALL {
        for outcome in [Outcome::InvalidCode, Outcome::NotFound] {
            for (turn, code) in [
                (Turn::AskCode, "8|".repeat(15)),
                (Turn::AskCode, "_".repeat(18)),
                (Turn::HandOver, "8".repeat(64)),
            ] {
                let answer = Answer {
                    protocol: Protocol::parse("20261123004217"),
                    first_name: FirstName::of(&"M".repeat(30)),
                    ..Answer::bare(outcome)
                };
                let said = replies.say_then(locale, Medium::Voice, &answer, &code, turn);
                assert!(
                    said.chars().count() <= 600,
                    "{locale:?} {outcome:?}: {said}"
                );
                let question = replies.turn(locale, Medium::Voice, turn, "");
                assert!(said.ends_with(&question), "{said}");
            }
        }
    }
    let short = replies.say_then(
        Locale::En,
        Medium::Voice,
        &Answer::bare(Outcome::NotFound),
        "123|123",
        Turn::AskCode,
    );
    assert!(short.contains("1, 2, 3, vertical bar, 1, 2, 3"), "{short}");
}
