//! The rules for the image that need no container engine: its base images, its user and folder, its
//! settings and its copied files.

use std::fs;

use super::{files, root};

/// The base images of the stages, newest first. A base image that is no longer built gets no
/// security fixes.
const BASES: [&str; 2] = [
    "rust:1.95-slim-trixie",
    "gcr.io/distroless/cc-debian13:nonroot",
];

/// The instructions of a Dockerfile, with continued lines joined and without comments.
fn instructions(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty())
        .collect();
    lines
        .join("\n")
        .replace("\\\n", " ")
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// What is wrong with an image.
fn bad_image(text: &str) -> Vec<String> {
    let all = instructions(text);
    let mut wrong = Vec::new();
    let bases: Vec<&str> = all
        .iter()
        .filter_map(|line| line.strip_prefix("FROM ")?.split(' ').next())
        .collect();
    if bases != BASES {
        wrong.push(format!("its bases are {bases:?}"));
    }
    for needed in [
        "RUN install --directory --owner=65532 --group=65532 --mode=0700 /prepared/data",
        "COPY --from=build --chown=65532:65532 /prepared/ /",
        "VOLUME /data",
        "USER 65532:65532",
        "WORKDIR /",
        "STOPSIGNAL SIGTERM",
        "COPY config config",
        "COPY src src",
    ] {
        if !all.iter().any(|line| line == needed) {
            wrong.push(format!("`{needed}` is missing"));
        }
    }
    for line in &all {
        let is_set =
            line.starts_with("ENV ") && line != "ENV OZMAP_CANCEL__SERVER__LISTEN=0.0.0.0:8080";
        if is_set {
            wrong.push(format!("`{line}` overrides every configuration file"));
        }
        if line.starts_with("COPY . ") {
            wrong.push(format!(
                "`{line}` recompiles everything after a change of any file"
            ));
        }
    }
    wrong
}

#[test]
fn the_image_has_maintained_bases_an_unprivileged_user_and_no_settings() {
    let text = fs::read_to_string(root().join("Dockerfile")).unwrap();
    let wrong = bad_image(&text);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    for (from, to) in [
        ("cc-debian13", "cc-debian12"),
        ("1.95-slim-trixie", "1.95-slim-bookworm"),
        ("--mode=0700", "--mode=0755"),
        ("--chown=65532:65532 ", ""),
        ("USER 65532:65532\n", ""),
        ("WORKDIR /\n", "WORKDIR /data\n"),
        (
            "=0.0.0.0:8080\n",
            "=0.0.0.0:8080 OZMAP_CANCEL__JOURNAL__URL=sqlite:/data/journal.db\n",
        ),
        ("COPY src src", "COPY . ."),
    ] {
        assert!(text.contains(from), "{from}");
        assert!(!bad_image(&text.replace(from, to)).is_empty(), "{to}");
    }
    let rust = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let version = rust
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \""))
        .map(|rest| rest.trim_end_matches('"'));
    assert_eq!(
        version,
        Some("1.95"),
        "the image builds with another version of Rust"
    );
}

/// Whether `.dockerignore` lets a file into the build.
fn lets_in(rule: &str, file: &str) -> bool {
    match rule.split_once('*') {
        None => rule == file,
        Some((before, after)) => {
            let is_deep = after.starts_with("*/");
            let ending = after.trim_start_matches("*/").trim_start_matches('*');
            file.strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(ending))
                .is_some_and(|between| is_deep || !between.contains('/'))
        }
    }
}

#[test]
fn the_build_gets_the_files_that_it_reads_and_none_of_the_operator() {
    let text = fs::read_to_string(root().join(".dockerignore")).unwrap();
    let rules: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(rules[0], "*", "the first rule must exclude everything");
    let rules: Vec<&str> = rules[1..]
        .iter()
        .map(|rule| rule.strip_prefix('!').unwrap_or_else(|| panic!("{rule}")))
        .collect();
    let sees = |file: &str| rules.iter().any(|rule| lets_in(rule, file));
    for file in [
        "config/my.toml",
        "config/channels/secret.key",
        "src/.env",
        ".env",
        "README.md",
        "journal.db",
        "config/replies/old/pt-BR.toml",
        "tests/it/main.rs",
    ] {
        assert!(!sees(file), "{file}");
    }
    for folder in [
        "src",
        "crates/ozmap-simulator/src",
        "config/channels",
        "config/language",
        "config/replies",
    ] {
        for file in files(&root().join(folder), "") {
            let name = file.strip_prefix(root()).unwrap().to_str().unwrap();
            assert!(sees(name), "the build does not see {name}");
        }
    }
    for file in [
        "Cargo.toml",
        "Cargo.lock",
        "crates/ozmap-simulator/Cargo.toml",
        "LICENSE",
        "config/default.toml",
        "config/names.txt",
    ] {
        assert!(sees(file), "{file}");
    }
}
