//! What the papers say is what the service does: every fenced block, command, link and table of every Markdown file is
//! run against the real binary or compared with the code.
//!
//! - `blocks`    the fenced blocks; each has a kind, and each kind a checker
//! - `webhooks`  bodies, dialplans, answers and the health page: sent to a running service
//! - `shell`     shell blocks that are run, with the real binary behind `cargo run` and `ozmap-cancel`
//! - `commands`  commands that cannot be run here (as root, with Docker, for an hour): read word by word
//! - `files`     configuration, presets, proxies, diagrams and code
//! - `links`     links, anchors and paths
//! - `tables`    outcomes, reasons, health, presets and log lines against the code

mod blocks;
mod commands;
mod files;
mod links;
mod shell;
mod tables;
mod webhooks;

use std::fs;
use std::path::PathBuf;

/// A Markdown file of the repository.
pub struct Paper {
    /// Its path from the root, like `docs/INSTALL.md`.
    pub name: String,
    pub text: String,
}

/// The root of the repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// One paper by its path.
fn paper(name: &str) -> Paper {
    let text =
        fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    Paper {
        name: name.to_owned(),
        text,
    }
}

/// Every paper: those at the root, those in `docs`, and the simulator's.
fn papers() -> Vec<Paper> {
    let mut names: Vec<String> = ["", "docs/", "crates/ozmap-simulator/", "tests/container/"]
        .iter()
        .flat_map(|folder| {
            let entries = fs::read_dir(root().join(folder)).unwrap();
            entries.map(move |entry| {
                format!("{folder}{}", entry.unwrap().file_name().to_str().unwrap())
            })
        })
        .filter(|name| name.ends_with(".md"))
        .collect();
    names.sort();
    assert!(names.len() >= 12, "{names:?}");
    names.iter().map(|name| paper(name)).collect()
}

/// The part of a paper under a heading, up to the next heading of the same level or a higher one.
fn section<'a>(paper: &'a Paper, heading: &str) -> &'a str {
    let (_, after) = paper
        .text
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("{}: no heading {heading}", paper.name));
    let level = heading.split(' ').next().unwrap().len();
    let (mut end, mut is_code) = (0, false);
    for line in after.split_inclusive('\n') {
        is_code ^= line.trim_start().starts_with("```");
        let signs = line.chars().take_while(|sign| *sign == '#').count();
        if !is_code && (1..=level).contains(&signs) {
            break;
        }
        end += line.len();
    }
    &after[..end]
}

/// The cells of each row of the tables in a text that begin with this column, without their heads.
fn rows(text: &str, column: &str) -> Vec<Vec<String>> {
    let head = format!("| {column} |");
    let tables = text
        .split("\n\n")
        .filter(|part| part.trim_start().starts_with(&head));
    tables
        .flat_map(|table| table.trim_start().lines().skip(2))
        .map(|line| {
            let inside = line.trim_matches('|').replace("\\|", "\u{1}");
            let cells = inside.split('|');
            cells
                .map(|cell| cell.trim().replace('\u{1}', "|"))
                .collect()
        })
        .collect()
}

/// What stands between backticks in a text.
fn code_spans(text: &str) -> Vec<String> {
    let spans = text.split('`').skip(1).step_by(2);
    spans.map(str::to_owned).collect()
}
