//! The last lines of `cargo test`: how many checks this machine could not run, and what they need.
//!
//! Cargo runs test binaries in the order of their names, so this one comes after `it`, whose
//! `support::skipped` writes one line for each skipped check. It must never hide a skip, and in CI,
//! which installs everything, a skip is a failure.

#![expect(
    clippy::disallowed_methods,
    reason = "`CI` decides whether a skip is a failure"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let skips = match read_and_remove(&record()) {
        Ok(skips) => skips,
        Err(error) => {
            say(&format!(
                "the record of skipped checks cannot be read: {error}"
            ));
            return ExitCode::FAILURE;
        }
    };
    say(&summary(&skips));
    let is_ci = std::env::var("CI").as_deref() == Ok("true");
    if is_ci && !skips.is_empty() {
        say("CI=true: a skipped check is a failure");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Where `support::skipped` wrote: one file for each `cargo` process, which is the parent of both.
fn record() -> PathBuf {
    let cargo = std::os::unix::process::parent_id();
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("skipped-{cargo}"))
}

/// What each skipped check needs, counted.
fn read_and_remove(record: &Path) -> std::io::Result<BTreeMap<String, usize>> {
    let text = match fs::read_to_string(record) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        read => read?,
    };
    fs::remove_file(record)?;
    let mut skips = BTreeMap::new();
    for needs in text.lines() {
        *skips.entry(needs.to_owned()).or_default() += 1;
    }
    Ok(skips)
}

fn summary(skips: &BTreeMap<String, usize>) -> String {
    let total: usize = skips.values().sum();
    let mut text = match total {
        0 => "no check was skipped".to_owned(),
        1 => "1 check was skipped:".to_owned(),
        more => format!("{more} checks were skipped:"),
    };
    for (needs, count) in skips {
        let verb = if *count == 1 { "needs" } else { "need" };
        text.push_str(&format!("\n  {count} {verb} {needs}"));
    }
    text
}

fn say(text: &str) {
    // A closed pipe is no reason to fail.
    drop(writeln!(std::io::stdout(), "\n{text}\n"));
}
