//! Commands of the papers, read word by word: the program, the verb and its flags, the files and the tests that they name.
//! Whether a command that can be run here also works is tested by `shell`.

use std::path::Path;
use std::process::Command;

use super::blocks::{Block, all};
use super::{code_spans, papers, root};
use crate::support::service::binary;

/// What an operator has on a machine besides this repository.
const PROGRAMS: [&str; 14] = [
    ".",
    "apt-get",
    "bash",
    "cat",
    "curl",
    "docker",
    "echo",
    "export",
    "install",
    "journalctl",
    "openssl",
    "pg_dump",
    "systemctl",
    "sh",
];

/// Every command of a shell block is one that there is.
pub fn every_command_is_known(block: &Block) {
    let joined = block.text.replace("\\\n", " ");
    for line in joined.lines() {
        for command in split_at_pipes(&words(line)) {
            if let Err(wrong) = read(&command) {
                panic!("{}: {line}: {wrong}", block.at);
            }
        }
    }
}

/// The words of a line, without quotes and without a comment.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut is_word = false;
    for sign in line.chars() {
        match quote {
            Some(open) if open == sign => quote = None,
            Some(_) => word.push(sign),
            None if sign == '\'' || sign == '"' => (quote, is_word) = (Some(sign), true),
            None if sign == '#' && word.is_empty() => break,
            None if sign.is_whitespace() => {
                if is_word {
                    words.push(std::mem::take(&mut word));
                }
                is_word = false;
            }
            None => {
                word.push(sign);
                is_word = true;
            }
        }
    }
    if is_word {
        words.push(word);
    }
    words
}

fn split_at_pipes(words: &[String]) -> Vec<Vec<&str>> {
    let commands = words.split(|word| word == "|");
    commands
        .map(|command| command.iter().map(String::as_str).collect())
        .filter(|command: &Vec<&str>| !command.is_empty())
        .collect()
}

/// What is wrong with a command.
fn read(command: &[&str]) -> Result<(), String> {
    let is_setting = |word: &&&str| {
        let name = word.split('=').next().unwrap_or_default();
        word.contains('=')
            && name
                .chars()
                .all(|sign| sign.is_ascii_uppercase() || sign == '_')
    };
    let settings = command.iter().take_while(is_setting).count();
    for setting in &command[..settings] {
        is_read_by_tests(setting.split('=').next().unwrap_or_default())?;
    }
    // What it reads or writes by redirection is the operator's.
    let end = command
        .iter()
        .position(|word| ["<", ">", ">>"].contains(word));
    let command = &command[settings..end.unwrap_or(command.len())];
    let Some((program, arguments)) = command.split_first() else {
        return Ok(());
    };
    for word in command {
        names_a_file_that_is_there(word)?;
    }
    match *program {
        "cargo" => cargo(arguments),
        "ozmap-cancel" | "target/release/ozmap-cancel" => explains_itself(arguments),
        program if program.contains('/') && root().join(program).is_file() => Ok(()),
        program if PROGRAMS.contains(&program) => Ok(()),
        program => Err(format!("{program} is not known here")),
    }
}

/// A variable that changes how the tests run is read by one of them.
fn is_read_by_tests(name: &str) -> Result<(), String> {
    let mut places = vec![root().join("tests/it"), root().join("src/testing")];
    while let Some(place) = places.pop() {
        if place.is_dir() {
            places.extend(
                std::fs::read_dir(&place)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if std::fs::read_to_string(&place)
            .is_ok_and(|text| text.contains(&format!("\"{name}\"")))
        {
            return Ok(());
        }
    }
    Err(format!("no test reads {name}"))
}

/// A path into the repository leads to a file; a path into `target` is built first.
fn names_a_file_that_is_there(word: &str) -> Result<(), String> {
    let first = word.split('/').next().unwrap_or_default();
    let folders = [
        "deploy", "tests", "docs", "config", "fuzz", "src", "crates", ".ci",
    ];
    if word.contains('/') && folders.contains(&first) && !root().join(word).exists() {
        return Err(format!("there is no {word}"));
    }
    Ok(())
}

/// The binary takes the verb and its flags. Nothing is run: `--help` wins.
fn explains_itself(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(binary())
        .env_clear()
        .args(arguments)
        .arg("--help")
        .output()
        .unwrap();
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

fn cargo(arguments: &[&str]) -> Result<(), String> {
    let before = arguments
        .split(|word| *word == "--")
        .next()
        .unwrap_or_default();
    let after = arguments.get(before.len() + 1..).unwrap_or_default();
    match before.split_first() {
        Some((&"run", more)) => match more {
            [] | ["--release"] => explains_itself(after),
            ["-p", "ozmap-simulator"] => explains_itself(&[&["simulate"], after].concat()),
            other => Err(format!("cargo run {other:?}")),
        },
        Some((&"test", more)) => cargo_test(more),
        Some((&("build" | "fmt" | "clippy" | "check" | "doc" | "deny" | "install"), _)) => Ok(()),
        other => Err(format!("cargo {other:?}")),
    }
}

fn cargo_test(arguments: &[&str]) -> Result<(), String> {
    let arguments: Vec<&str> = arguments
        .iter()
        .copied()
        .filter(|word| *word != "--release" && *word != "--workspace")
        .collect();
    match arguments.as_slice() {
        [] | ["--lib"] => Ok(()),
        ["--test", "it", filters @ ..] => {
            filters.iter().try_for_each(|filter| finds_a_test(filter))
        }
        ["--lib", filter] => is_a_module(filter),
        other => Err(format!("cargo test {other:?}")),
    }
}

/// The names of the tests of this binary.
#[expect(
    clippy::disallowed_types,
    reason = "the binary lists its tests once, not once for each command"
)]
fn tests() -> &'static str {
    static TESTS: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    TESTS.get_or_init(|| {
        let itself = std::env::current_exe().unwrap();
        let output = Command::new(itself).arg("--list").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    })
}

fn finds_a_test(filter: &str) -> Result<(), String> {
    let is_found = tests()
        .lines()
        .any(|line| line.ends_with(": test") && line.contains(filter));
    is_found
        .then_some(())
        .ok_or_else(|| format!("no test has {filter} in its name"))
}

/// A filter of unit tests is the path of a module.
fn is_a_module(filter: &str) -> Result<(), String> {
    let path = filter.trim_end_matches("::").replace("::", "/");
    let places = [format!("src/{path}.rs"), format!("src/{path}/mod.rs")];
    let is_there = places
        .iter()
        .any(|place| Path::new(&root().join(place)).is_file());
    is_there
        .then_some(())
        .ok_or_else(|| format!("no unit test has {filter} in its name"))
}

/// Also in the text: whatever looks like a command of this binary, or of cargo.
#[test]
fn every_command_in_the_text_is_one_that_there_is() {
    let mut wrong = Vec::new();
    let mut found = 0;
    for paper in papers() {
        for span in code_spans(&without_blocks(&paper.text)) {
            let command = match span.split(' ').next() {
                Some("cargo" | "ozmap-cancel") => span.clone(),
                Some("channels" | "journal") if span.contains(' ') && !span.contains('…') => {
                    format!("ozmap-cancel {span}")
                }
                _ => continue,
            };
            // The name of the binary alone is no command.
            if !command.contains(' ') {
                continue;
            }
            found += 1;
            for command in split_at_pipes(&words(&command)) {
                if let Err(why) = read(&command) {
                    wrong.push(format!("{}: `{span}`: {why}", paper.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(found > 20, "only {found} were found");
}

/// The text of a paper without its fenced blocks.
pub fn without_blocks(text: &str) -> String {
    let mut is_inside = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_inside ^= is_fence;
        !is_inside && !is_fence
    });
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_command_that_there_is_not_is_named() {
    for (line, wrong) in [
        ("cargo run --release -- sevre", "unrecognized subcommand"),
        (
            "ozmap-cancel journal list --need-human",
            "unexpected argument",
        ),
        ("cargo test --test it no::such::test", "no test has"),
        ("cargo test --lib no::such", "no unit test has"),
        ("OZMAP_CANCEL_NO_SUCH=1 cargo test", "no test reads"),
        (
            "install -m 0644 deploy/no-such /etc",
            "there is no deploy/no-such",
        ),
        ("make install", "make is not known here"),
    ] {
        let words = words(line);
        let error = read(&split_at_pipes(&words)[0]).unwrap_err();
        assert!(error.contains(wrong), "{line}: {error}");
    }
    assert_eq!(words("a 'b c' \"d\"#e  # f"), ["a", "b c", "d#e"]);
    assert!(all().len() > 1);
}
