//! Links of the papers: files, headings and paths that must be there.

use std::collections::BTreeSet;

use super::commands::without_blocks;
use super::{code_spans, paper, papers, root};

/// The anchors of a paper, as GitHub makes them of its headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let text = without_blocks(text);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(anchor).collect()
}

fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter_map(|sign| match sign {
            ' ' => Some('-'),
            '-' | '_' => Some(sign),
            sign => sign.is_alphanumeric().then_some(sign),
        })
        .collect()
}

/// The targets of the links in a text.
fn links(text: &str) -> Vec<String> {
    let text = without_blocks(text);
    let after = text.split("](").skip(1);
    after
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

/// What is wrong with a link of a paper.
fn broken(from: &str, text: &str, target: &str) -> Option<String> {
    if target.starts_with("https://") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = root().join(from).parent().unwrap().to_owned();
    let file = folder.join(path);
    if !path.is_empty() && !file.exists() {
        return Some(format!("{from}: {target} is not there"));
    }
    if anchor.is_empty() {
        return None;
    }
    let there = if path.is_empty() {
        anchors(text)
    } else {
        anchors(&std::fs::read_to_string(&file).unwrap())
    };
    (!there.contains(anchor)).then(|| format!("{from}: {target}: no such heading"))
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for paper in papers() {
        let links = links(&paper.text);
        wrong.extend(
            links
                .iter()
                .filter_map(|link| broken(&paper.name, &paper.text, link)),
        );
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_link_that_leads_nowhere_is_named() {
    let text = "# A heading: `code`, and more\n[x](#a-heading-code-and-more)\n";
    assert_eq!(broken("docs/a.md", text, "#a-heading-code-and-more"), None);
    assert_eq!(
        broken("docs/a.md", text, "../README.md#documentation"),
        None
    );
    for target in ["#a", "b.md", "../README.md#no-such", "README.md"] {
        assert!(broken("docs/a.md", text, target).is_some(), "{target}");
    }
    assert_eq!(
        links("see [a](b.md#c) and\n```text\n[x](y)\n```\n"),
        ["b.md#c"]
    );
}

/// A reader who begins at the README finds every paper.
#[test]
fn every_paper_is_linked_from_the_readme() {
    let readme = paper("README.md");
    let links = links(&readme.text);
    for paper in papers() {
        let is_main = !paper.name.contains('/') || paper.name.starts_with("docs/");
        if is_main && paper.name != "README.md" {
            assert!(links.contains(&paper.name), "{}", paper.name);
        }
    }
}

/// The first steps stay short: a reader decides within them.
#[test]
fn the_readme_is_short() {
    let lines = paper("README.md").text.lines().count();
    assert!(lines <= 150, "{lines} lines");
}

/// A path between backticks is there. Names in capitals stand for others.
#[test]
fn every_path_in_the_text_is_there() {
    let folders = [
        "src", "config", "tests", "deploy", "docs", "crates", "fuzz", ".ci", ".github",
    ];
    let mut wrong = Vec::new();
    for paper in papers() {
        for span in code_spans(&without_blocks(&paper.text)) {
            let first = span.split('/').next().unwrap_or_default();
            let is_path = span.contains('/') && folders.contains(&first);
            let is_example =
                span.contains([' ', '*']) || span.contains("PRESET") || span.contains("LOCALE");
            if is_path && !is_example && !root().join(&span).exists() {
                wrong.push(format!("{}: {span}", paper.name));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
