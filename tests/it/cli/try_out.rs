//! `channels try`: a conversation at the terminal with every preset, without the provider's
//! configuration.

use std::io::Write;
use std::process::{Command, Stdio};

use super::*;

/// Its output for these lines of input.
fn tried(arguments: &[&str], lines: &str) -> Output {
    let mut child = Command::new(binary())
        .env_clear()
        .args(["channels", "try"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// The ids of outcomes, questions and problems, in order.
fn ids(printed: &str) -> Vec<String> {
    printed
        .lines()
        .filter_map(|line| line.trim().strip_prefix('['))
        .map(|line| line.split([',', ']']).next().unwrap().to_owned())
        .collect()
}

#[test]
fn every_preset_can_be_tried_to_the_end_of_a_cancellation() {
    let listed = stdout(&run(&["channels", "list"]));
    let presets: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(presets.len() >= 18, "{presets:?}");
    for preset in presets {
        let output = tried(&[preset], "123|123\ncancelar 123|123\n123*123#\n1\n");
        let printed = stdout(&output);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{preset}: {}",
            stderr(&output)
        );
        assert!(
            ids(&printed).contains(&"cancelled".to_owned()),
            "{preset}: {printed}"
        );
        let problems = ["code_missing", "ignored", "not_filled_in", "contradiction"];
        assert!(
            !ids(&printed)
                .iter()
                .any(|id| problems.contains(&id.as_str())),
            "{preset}: {printed}"
        );
    }
}

#[test]
fn a_chat_is_tried_in_three_languages_and_with_several_customers() {
    let lines = "oi\n123|123\nsim\nobrigado\n/es\nquiero cancelar la reserva 124/124\nsí\n/en\ncancel 125|125\nagent\n/new\nyes\n/help\n";
    let printed = stdout(&tried(&["evolution"], lines));
    assert_eq!(
        ids(&printed),
        [
            "ask_code",
            "confirm_code",
            "cancelled",
            "thanked",
            "confirm_bar",
            "cancelled",
            "installed",
            "hand_over",
            "ask_code"
        ],
        "{printed}"
    );
    assert!(printed.contains("customer  oi") && printed.contains("service   “"));
    assert!(
        printed.contains("commands: /new, /pt, /es, /en and /quit"),
        "{printed}"
    );
}

#[test]
fn a_call_is_tried_with_keys_words_and_silence() {
    let lines = "\n123*123#\n2\num dois três barra um dois três\n1\n";
    let printed = stdout(&tried(&["twilio-voice"], lines));
    assert_eq!(ids(&printed)[0], "ask_code", "{printed}");
    assert!(ids(&printed).contains(&"cancelled".to_owned()), "{printed}");
    assert!(printed.contains("the call has ended"), "{printed}");
}

#[test]
fn an_unknown_preset_or_language_is_named() {
    for (arguments, said) in [
        (&["nothing"][..], "nothing"),
        (&["json", "--locale", "fr"][..], r#""pt-BR", "es", "en""#),
    ] {
        let output = tried(arguments, "");
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}

#[test]
fn the_providers_own_replies_are_used() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("pt-BR.toml"),
        "[ask_code]\ntext = \"Me diga o código, por favor.\"\n",
    )
    .unwrap();
    let mut child = Command::new(binary())
        .env_clear()
        .env("OZMAP_CANCEL__REPLIES__DIRECTORY", folder.path())
        .args(["channels", "try", "evolution"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"oi\n").unwrap();
    let printed = stdout(&child.wait_with_output().unwrap());
    assert!(
        printed.contains("Me diga o código, por favor."),
        "{printed}"
    );
}
