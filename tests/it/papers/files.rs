//! Blocks that are compared with files of the repository: proxies, diagrams, the order of modules, code.

use std::fs;

use super::blocks::{Block, Kind};
use super::root;
use super::shell::Session;

/// A preset or a captured request is there for the session that uses it.
pub fn is_used_by_its_session(block: &Block, all: &[Block]) {
    let of_this_kind = all.iter().filter(|other| other.kind == block.kind).count();
    assert_eq!(
        of_this_kind, 1,
        "{}: the session would use another one",
        block.at
    );
    let session = Kind::Shell(Session::Acme);
    assert!(
        all.iter().any(|block| block.kind == session),
        "{}",
        block.at
    );
}

/// The block is the file that it shows.
pub fn equals(block: &Block, file: &str) {
    let text = fs::read_to_string(root().join(file)).unwrap();
    assert_eq!(block.text, text, "{} is not {file}", block.at);
}

/// A diagram begins with a type that GitHub draws, and closes what it opens.
pub fn diagram_is_well_formed(block: &Block) {
    let first = block.text.lines().next().unwrap_or_default();
    assert!(
        ["flowchart LR", "sequenceDiagram"].contains(&first),
        "{}: {first}",
        block.at
    );
    for line in block.text.lines() {
        for (open, close) in [('[', ']'), ('(', ')'), ('{', '}')] {
            let count = |sign| line.matches(sign).count();
            assert_eq!(count(open), count(close), "{}: {line}", block.at);
        }
        assert!(line.matches('"').count() % 2 == 0, "{}: {line}", block.at);
        let is_edge = line.contains("--") || line.contains("->>");
        let is_other = ["flowchart", "sequenceDiagram", "    participant"]
            .iter()
            .any(|begin| line.starts_with(begin));
        assert!(is_edge || is_other, "{}: {line}", block.at);
    }
}

/// Every module of the library has a place in the order.
pub fn names_every_module(block: &Block) {
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let modules = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    for module in modules {
        assert!(block.text.contains(module), "{}: no {module}", block.at);
    }
}

/// Every call in the example is a function of the simulator.
pub fn calls_exist(block: &Block) {
    let mut sources = String::new();
    for entry in fs::read_dir(root().join("crates/ozmap-simulator/src")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            sources.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    let calls = block.text.split('(').filter_map(|before| {
        let name: String = before
            .chars()
            .rev()
            .take_while(|sign| sign.is_alphanumeric() || *sign == '_')
            .collect();
        let name: String = name.chars().rev().collect();
        (!name.is_empty()).then_some(name)
    });
    let own = ["spawn", "parse", "default", "clone"];
    let mut found = 0;
    for call in calls.filter(|call| !own.contains(&call.as_str())) {
        if call.ends_with('?') || block.text.trim_end().ends_with(&call) {
            continue;
        }
        assert!(
            sources.contains(&format!("fn {call}")),
            "{}: {call}",
            block.at
        );
        found += 1;
    }
    assert!(found >= 3, "{}: only {found} calls", block.at);
}

/// The largest value of a key in the presets and in the reference.
fn largest(key: &str) -> u64 {
    let mut files = vec![root().join("config/default.toml")];
    let presets = fs::read_dir(root().join("config/channels")).unwrap();
    files.extend(presets.map(|entry| entry.unwrap().path()));
    let values = files.iter().flat_map(|file| {
        let text = fs::read_to_string(file).unwrap();
        let values: Vec<u64> = text
            .lines()
            .filter_map(|line| {
                let value = line.trim_start_matches("# ").strip_prefix(key)?;
                let value = value.trim_start().strip_prefix('=')?;
                value.split_whitespace().next()?.parse().ok()
            })
            .collect();
        values
    });
    values.max().unwrap()
}

/// A proxy cuts off nothing that the service accepts, waits for every answer, and publishes the webhooks alone.
#[test]
fn the_proxies_let_through_what_the_service_accepts() {
    let body_mb = largest("body_bytes_max").div_ceil(1_000_000);
    let answer_s = largest("answer_ms_max").div_ceil(1_000);
    assert!(
        (2..=3).contains(&body_mb) && answer_s < 30,
        "{body_mb} MB, {answer_s} s"
    );
    let listen = "127.0.0.1:8080";
    let reference = fs::read_to_string(root().join("config/default.toml")).unwrap();
    assert!(reference.contains(&format!("listen = \"{listen}\"")));
    for (file, lines) in [
        (
            "deploy/Caddyfile",
            &[
                "handle /webhooks/* {",
                "max_size 3MB",
                "reverse_proxy 127.0.0.1:8080 {",
                "versions 1.1",
                "response_header_timeout 30s",
                "respond 404",
            ][..],
        ),
        (
            "deploy/nginx.conf",
            &[
                "listen 443 ssl;",
                "location /webhooks/ {",
                "client_max_body_size 3m;",
                "proxy_pass http://127.0.0.1:8080;",
                "proxy_http_version 1.1;",
                "proxy_read_timeout 30s;",
                "proxy_next_upstream off;",
                "access_log off;",
                "return 404;",
            ],
        ),
    ] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let code: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect();
        for line in lines {
            assert!(code.contains(line), "{file}: {line}");
        }
        let mut depth = 0_i32;
        for line in &code {
            let is_complete = line.ends_with(['{', '}', ';']);
            assert!(file.ends_with("Caddyfile") || is_complete, "{file}: {line}");
            depth += i32::from(line.ends_with('{')) - i32::from(*line == "}");
            assert!(depth >= 0, "{file}: {line}");
        }
        assert_eq!(depth, 0, "{file}");
    }
}
