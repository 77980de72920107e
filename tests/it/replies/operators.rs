//! An operator's own sentences, which the service checks before they reach a customer.

use std::path::Path;

use ozmap_cancel::domain::{Locale, Medium, Outcome, Turn};
use ozmap_cancel::replies::Replies;
use serde_json::json;

use super::{full, load};
use crate::support::{Launch, World};

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
    let spoken = include_str!("../../../config/replies/es.toml")
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

/// A `[spoken]` table from the version before numbers were spoken in words.
fn spoken_of_0_1(pipe: &str) -> String {
    let months = "months = [\"jan\", \"fev\", \"mar\", \"abr\", \"mai\", \"jun\", \"jul\", \"ago\", \"set\", \"out\", \"nov\", \"dez\"]";
    let words = [
        "slash",
        "dash",
        "dot",
        "underscore",
        "star",
        "hash",
        "space",
        "at",
        "plus",
        "other",
    ];
    let words: String = words.map(|word| format!("{word} = \"{word}\"\n")).concat();
    format!(
        "[spoken]\npipe = \"{pipe}\"\n{words}{months}\ndate = \"{{{{ day }}}} {{{{ month }}}}\"\n"
    )
}

#[test]
fn a_file_that_was_written_for_an_older_version_gets_what_was_added_since() {
    let folder = folder("pt-BR.toml", &spoken_of_0_1("tracinho em pé"));
    let replies = loaded(folder.path()).unwrap();
    let asked = replies.turn(Locale::PtBr, Medium::Voice, Turn::ConfirmCode, "1|6");
    assert!(asked.contains("um, tracinho em pé, meia"), "{asked}");
    let said = replies.say(
        Locale::PtBr,
        Medium::Voice,
        &full(Outcome::AlreadyCancelled),
        "1",
    );
    assert!(said.contains("em 30 de nov de 2026"), "{said}");
    assert!(
        said.contains("dois zero dois meia, um um dois três"),
        "{said}"
    );
    let said = replies.say(
        Locale::PtBr,
        Medium::Text,
        &full(Outcome::AlreadyCancelled),
        "1",
    );
    assert!(said.contains("em 30 nov"), "{said}");
}

#[test]
fn what_was_always_there_must_be_there_and_what_was_added_must_be_right() {
    for (text, part) in [
        (spoken_of_0_1("x").replace("dash = \"dash\"\n", ""), "dash"),
        (
            format!("{}digits = [\"zero\"]\n", spoken_of_0_1("x")),
            "[spoken]",
        ),
        (
            format!(
                "{}date_spoken = \"{{{{ day }}}}{{% if day == 7 %}}{{{{ dia }}}}{{% endif %}}\"\n",
                spoken_of_0_1("x")
            ),
            "[spoken] date_spoken",
        ),
        (format!("{}minus = \"x\"\n", spoken_of_0_1("x")), "minus"),
        (
            "spoken = 1".to_owned(),
            "[spoken]: is no table but a value of type integer",
        ),
    ] {
        let folder = folder("pt-BR.toml", &text);
        let error = loaded(folder.path()).err().unwrap();
        assert!(
            error.contains("pt-BR.toml") && error.contains(part),
            "{part}: {error}"
        );
    }
}

#[test]
fn check_says_how_long_each_sentence_takes_and_which_is_too_long() {
    let long = "a reserva foi cancelada e não consta mais no nosso sistema. ".repeat(5);
    let folder = folder("pt-BR.toml", &format!("[cancelled]\nvoice = \"{long}\""));
    let journal = format!("sqlite:{}", folder.path().join("journal.db").display());
    let checked = Launch::new("http://127.0.0.1:1", &journal)
        .set("REPLIES__DIRECTORY", &folder.path().display().to_string())
        .run(&["check"]);
    let said = String::from_utf8(checked.stdout).unwrap();
    for locale in Locale::ALL {
        let line = format!(
            "ok       replies: {}, seconds when spoken: ask_code ",
            locale.id()
        );
        assert!(said.contains(&line), "{said}");
    }
    let warned: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("when spoken, longer"))
        .collect();
    assert_eq!(warned.len(), 1, "{said}");
    assert!(
        warned[0].starts_with("warning  replies: pt-BR, cancelled takes about "),
        "{said}"
    );
    assert!(
        warned[0].ends_with("longer than the 15 a caller can follow; shorten its `voice` text"),
        "{said}"
    );
}
