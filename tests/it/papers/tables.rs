//! Tables of the papers against what the code has: outcomes, reasons, health, presets, languages, log lines.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use ozmap_cancel::domain::{Outcome, Reason};

use super::blocks::{Kind, blocks};
use super::commands::without_blocks;
use super::{code_spans, paper, root, rows, section};
use crate::support::service::binary;

/// The names in the first column of a table.
fn names(table: &[Vec<String>]) -> Vec<String> {
    table.iter().flat_map(|row| code_spans(&row[0])).collect()
}

/// An operator finds every reason that the journal shows explained.
#[test]
fn every_reason_is_explained() {
    let operations = paper("docs/OPERATIONS.md");
    let explained = names(&rows(
        section(&operations, "## States and reasons"),
        "reason",
    ));
    for reason in Reason::ALL {
        let is_there = explained.iter().any(|name| name == reason.id());
        assert!(
            is_there,
            "docs/OPERATIONS.md, \"States and reasons\": no row for `{reason}`"
        );
    }
    for name in explained {
        assert!(
            Reason::from_id(&name).is_some(),
            "there is no reason `{name}`"
        );
    }
}

/// The table of outcomes has each one once, with what the answer says of it.
#[test]
fn every_outcome_is_explained() {
    let channels = paper("docs/CHANNELS.md");
    let table = rows(section(&channels, "## What comes back"), "`outcome`");
    let yes = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
    for outcome in Outcome::ALL {
        let told = [
            format!("`{}`", outcome.id()),
            yes(outcome.is_final()),
            yes(outcome.hands_off()),
        ];
        assert!(
            table.iter().any(|row| row[..3] == told),
            "docs/CHANNELS.md, \"What comes back\": no row {told:?}"
        );
    }
    assert_eq!(table.len(), Outcome::ALL.len());
    let portuguese = paper("README.pt-BR.md");
    let there: BTreeSet<String> = names(&rows(section(&portuguese, "## O que volta"), "`outcome`"))
        .into_iter()
        .collect();
    let all = Outcome::ALL.iter().map(|outcome| outcome.id().to_owned());
    assert_eq!(there, all.collect(), "README.pt-BR.md, \"O que volta\"");
}

/// Every member of the health page has a row.
#[test]
fn every_field_of_health_is_explained() {
    let operations = paper("docs/OPERATIONS.md");
    let explained = section(&operations, "## Health");
    let block = blocks(&operations).unwrap();
    let block = block
        .iter()
        .find(|block| block.kind == Kind::Health)
        .unwrap();
    let page: serde_json::Value = serde_json::from_str(&block.text).unwrap();
    for (name, value) in page.as_object().unwrap() {
        let inside = value.as_object().into_iter().flatten();
        let names: Vec<String> = match name.as_str() {
            "channels" => vec!["channels.NAME.not_filled_in".to_owned()],
            _ if value.is_object() => inside.map(|(inner, _)| format!("{name}.{inner}")).collect(),
            _ => vec![name.clone()],
        };
        for name in names {
            assert!(explained.contains(&format!("\n| `{name}` |")), "{name}");
        }
    }
}

/// Every word that the health page may say is explained: each is a literal of its file.
#[test]
fn every_word_of_health_is_explained() {
    let operations = paper("docs/OPERATIONS.md");
    let explained = code_spans(&without_blocks(section(&operations, "## Health")));
    let source = fs::read_to_string(root().join("src/http/health.rs")).unwrap();
    let words: BTreeSet<&str> = source
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|text| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .collect();
    assert!(words.len() > 10, "{words:?}");
    for word in words {
        let is_there = explained.iter().any(|name| name == word);
        assert!(
            is_there,
            "docs/OPERATIONS.md, \"Health\": `{word}` is not explained"
        );
    }
}

/// The papers name every preset and every command.
#[test]
fn every_preset_and_every_command_is_named() {
    let channels = paper("docs/CHANNELS.md");
    let known = section(&channels, "## Platforms with their own format");
    for entry in fs::read_dir(root().join("config/channels")).unwrap() {
        let file = entry.unwrap().file_name();
        let preset = file.to_str().unwrap().trim_end_matches(".toml").to_owned();
        assert!(known.contains(&format!("`{preset}`")), "{preset}");
    }
    let operations = paper("docs/OPERATIONS.md");
    let commands = section(&operations, "## Commands");
    let help = Command::new(binary()).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, listed) = help.split_once("Commands:\n").unwrap();
    for line in listed.lines().take_while(|line| !line.is_empty()) {
        let command = line.split_whitespace().next().unwrap();
        assert!(commands.contains(command) || command == "help", "{command}");
    }
}

/// A log line that an operator searches for is one that the service writes.
#[test]
fn every_log_line_is_one_of_the_service() {
    let mut sources = String::new();
    let mut places = vec![root().join("src")];
    while let Some(place) = places.pop() {
        if place.is_dir() {
            places.extend(
                fs::read_dir(&place)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            sources.push_str(&fs::read_to_string(&place).unwrap_or_default());
        }
    }
    let operations = paper("docs/OPERATIONS.md");
    let lines = names(&rows(section(&operations, "## Log lines"), "line"));
    assert!(lines.len() >= 4, "{lines:?}");
    for line in lines {
        let is_written = sources
            .lines()
            .any(|source| contains_in_order(source, &line));
        assert!(
            is_written,
            "docs/OPERATIONS.md, \"Log lines\": the service does not write `{line}`"
        );
    }
}

/// Whether a text has these parts, with anything in place of each "…".
fn contains_in_order(text: &str, parts: &str) -> bool {
    let found = parts.split('…').try_fold(text, |rest, part| {
        rest.split_once(part).map(|(_, after)| after)
    });
    found.is_some()
}

/// Both languages show the same first steps.
#[test]
fn both_readmes_have_the_same_commands_and_requests() {
    let kinds = |name: &str| -> Vec<Kind> {
        let blocks = blocks(&paper(name)).unwrap();
        blocks.into_iter().map(|block| block.kind).collect()
    };
    assert_eq!(kinds("README.md"), kinds("README.pt-BR.md"));
}

/// A key must be unique for ever and of one customer: each platform's own id of the message, or a time with a random part.
/// Counters begin again after a reinstall, and an id of a flow's message is shared by its parts.
#[test]
fn the_keys_that_are_recommended_are_unique_for_ever() {
    let channels = paper("docs/CHANNELS.md");
    for (platform, ingredients) in [
        (
            "### Typebot",
            &["\"Random ID\"", "once for every question"][..],
        ),
        (
            "### n8n",
            &["$now.toMillis()", "$execution.id", "$itemIndex"],
        ),
        ("### Node-RED", &["Date.now()", "RED.util.generateId()"]),
        ("### Botpress", &["message_id: event.id"]),
    ] {
        let section = section(&channels, platform);
        for ingredient in ingredients {
            assert!(section.contains(ingredient), "{platform}: {ingredient}");
        }
    }
    for constant in [
        "\"Idempotency-Key\": msg._msgid",
        "`={{$execution.id}}-{{$itemIndex}}`",
    ] {
        assert!(!channels.text.contains(constant), "{constant}");
    }
}
