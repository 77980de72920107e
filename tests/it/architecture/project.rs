//! The rules for the project's other files: dependencies, configuration, lock files.

use std::collections::BTreeSet;
use std::fs;

use super::{files, root};

/// The violations in the dependencies of a `Cargo.toml`.
fn bad_dependencies(text: &str) -> Vec<String> {
    let (mut wrong, mut is_inside, mut last) = (Vec::new(), false, "");
    for line in text.lines() {
        if line.starts_with('[') {
            is_inside = line.contains("dependencies");
        } else if is_inside && !line.is_empty() && !line.starts_with('#') {
            let name = line.split([' ', '=']).next().unwrap_or_default();
            if !last.starts_with("# ") {
                wrong.push(format!("{name}: no line above it gives its reason"));
            }
            if !line.contains("default-features = false") {
                wrong.push(format!("{name}: default-features = false is missing"));
            }
            // A crate of the workspace needs no registry.
            let is_foreign_path = line.contains("path = ") && !line.contains("path = \"crates/");
            if line.contains("git = ") || is_foreign_path {
                wrong.push(format!("{name}: not from the registry"));
            }
        }
        last = line;
    }
    wrong
}

#[test]
fn every_dependency_has_a_reason_and_only_the_features_that_it_needs() {
    for manifest in ["Cargo.toml", "crates/ozmap-simulator/Cargo.toml"] {
        let text = fs::read_to_string(root().join(manifest)).unwrap();
        let wrong = bad_dependencies(&text);
        assert!(wrong.is_empty(), "{manifest}\n{}", wrong.join("\n"));
    }
    let bad =
        "[dependencies]\n# Why.\na = { version = \"1\", default-features = false }\nb = \"1\"\n";
    assert_eq!(bad_dependencies(bad).len(), 2);
    let bad = "[dev-dependencies]\n# Why.\na = { git = \"x\", default-features = false }\n";
    assert_eq!(bad_dependencies(bad).len(), 1);
    let bad = "[dependencies]\n# Why.\na = { path = \"../x\", default-features = false }\n";
    assert_eq!(bad_dependencies(bad).len(), 1);
}

#[test]
fn the_locks_name_only_the_public_registries() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    for line in lock.lines().filter(|line| line.starts_with("source")) {
        assert_eq!(line, public);
    }
    for name in [
        "tests/node/package-lock.json",
        "tests/node-red/package-lock.json",
    ] {
        let lock = fs::read_to_string(root().join(name)).unwrap();
        let address = lock.lines().find(|line| line.contains("\"resolved\""));
        assert_eq!(
            address, None,
            "{name}: write it with --omit-lockfile-registry-resolved"
        );
    }
}

/// The keys of `default.toml`, like `ozmap.base_url`, and the keys that lack a comment.
fn keys(text: &str) -> (BTreeSet<String>, Vec<String>) {
    let (mut keys, mut wrong) = (BTreeSet::new(), Vec::new());
    let (mut table, mut last) = ("", "");
    for line in text.lines() {
        let commented = line.strip_prefix("# ").unwrap_or(line);
        if let Some(name) = commented
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            table = name;
        } else if let Some((name, _)) = commented.split_once(" = ")
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        {
            keys.insert(format!("{table}.{name}"));
            if line == commented && !last.starts_with("# ") {
                wrong.push(format!("{table}.{name} has no comment above it"));
            }
        }
        last = line;
    }
    (keys, wrong)
}

/// The keys that a text sets by environment variables, like `OZMAP__BASE_URL`.
fn variables(text: &str) -> Vec<String> {
    let found = text.split("OZMAP_CANCEL__").skip(1);
    found
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '_')
                .collect()
        })
        .filter(|name: &String| name.contains("__") && !name.starts_with("__"))
        .collect()
}

/// Whether a variable sets an existing key; `_FILE` marks a secret that is read from a file.
fn is_known(variable: &str, keys: &BTreeSet<String>) -> bool {
    let mut parts: Vec<String> = variable.split("__").map(str::to_lowercase).collect();
    if parts[0] == "channels" && parts.len() == 3 {
        parts[1] = "chatbot".to_owned();
    }
    // The names of variables cannot contain hyphens.
    if parts[0] == "channels" && parts.len() == 5 {
        parts[3] = parts[3].replace('_', "-");
    }
    let name = parts.join(".");
    keys.contains(&name)
        || name
            .strip_suffix("_file")
            .is_some_and(|secret| keys.contains(secret))
}

#[test]
fn every_key_of_the_reference_has_a_comment_and_no_document_names_another_key() {
    let text = fs::read_to_string(root().join("config/default.toml")).unwrap();
    let (keys, wrong) = keys(&text);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(
        keys.contains("ozmap.api_key") && keys.contains("channels.chatbot.secret"),
        "{keys:?}"
    );
    let mut papers: Vec<_> = [
        "README.md",
        "README.pt-BR.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "Dockerfile",
        "docker-compose.yml",
        "config/default.toml",
    ]
    .map(|name| root().join(name))
    .to_vec();
    papers.extend(files(&root().join("docs"), ".md"));
    papers.extend(files(&root().join("deploy"), ""));
    papers.extend(files(&root().join("src"), ".rs"));
    for paper in papers {
        let text = fs::read_to_string(&paper).unwrap_or_default();
        for variable in variables(&text) {
            assert!(
                is_known(&variable, &keys),
                "{} names {variable}",
                paper.display()
            );
        }
    }
}

#[test]
fn the_rule_about_keys_can_fail() {
    let (found, wrong) =
        keys("[ozmap]\n# Why.\nbase_url = \"\"\nkey = 1\n# [channels.chatbot]\n# secret = \"\"\n");
    assert_eq!(wrong, ["ozmap.key has no comment above it"]);
    assert!(is_known("OZMAP__BASE_URL", &found) && is_known("CHANNELS__SITE__SECRET_FILE", &found));
    for unknown in [
        "OZMAP__BASE",
        "CHANNELS__SITE__SECRETS",
        "OZMAP__BASE_URL__X",
    ] {
        assert!(!is_known(unknown, &found), "{unknown}");
    }
    assert_eq!(
        variables("set OZMAP_CANCEL__OZMAP__BASE_URL=x, see OZMAP_CANCEL__"),
        ["OZMAP__BASE_URL"]
    );
}
