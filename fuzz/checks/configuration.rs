//! Any text as a configuration file: it is a configuration, or every problem says which key or which file, and no secret.

use std::cell::RefCell;

use ozmap_cancel::config::{Config, Sources};
use tempfile::NamedTempFile;

/// Secrets that stand in the environment and must not stand in an error.
const KEY: &str = "canary-of-the-key-0123456789";
const SECRET: &str = "canary-of-the-secret-0123456789";

thread_local! {
    static FILE: RefCell<NamedTempFile> =
        RefCell::new(NamedTempFile::with_suffix(".toml").unwrap());
}

/// The bytes as the operator's configuration file.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    // Files that never end are the machine's matter, not the configuration's.
    if text.contains("dev") || text.contains("proc") {
        return;
    }
    FILE.with_borrow(|file| {
        std::fs::write(file.path(), text.as_bytes()).unwrap();
        let variables = [
            (
                "OZMAP_CANCEL__OZMAP__BASE_URL",
                "https://ozmap.example:9994",
            ),
            ("OZMAP_CANCEL__OZMAP__API_KEY", KEY),
            ("OZMAP_CANCEL__CHANNELS__CHATBOT__SECRET", SECRET),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let sources = Sources {
            files: vec![file.path().to_owned()],
            environment: variables.to_vec(),
        };
        let path = file.path().display().to_string();
        match Config::load(&sources) {
            Ok(config) => check_config(&config),
            Err(error) => {
                assert!(!error.problems().is_empty());
                for problem in error.problems() {
                    check_problem(problem, &path, &text);
                }
            }
        }
    });
}

/// Properties that no accepted configuration may have.
fn check_config(config: &Config) {
    let is_loopback = config.listen.ip().is_loopback();
    for (name, channel) in &config.channels {
        assert!(!name.is_empty() && channel.answer_ms_max > 0);
        // A channel without authentication never listens beyond loopback.
        assert!(!channel.auth.is_open() || is_loopback && channel.public_url.is_empty());
    }
    assert!(!config.channels.is_empty());
    assert!(config.times.settle_ms >= i64::try_from(config.ozmap.delete.as_millis()).unwrap());
    for warning in &config.warnings {
        assert!(
            !warning.contains(KEY) && !warning.contains(SECRET),
            "{warning}"
        );
    }
}

fn check_problem(problem: &str, path: &str, text: &str) {
    assert!(
        !problem.contains(KEY) && !problem.contains(SECRET),
        "{problem}"
    );
    let sections = [
        "server.",
        "ozmap.",
        "journal.",
        "policy.",
        "replies.",
        "log.",
        "channels.",
    ];
    let names_a_key = sections.iter().any(|section| problem.contains(section));
    assert!(
        names_a_key || problem.contains(path),
        "neither a key nor a file: {problem}\n{text}"
    );
}
