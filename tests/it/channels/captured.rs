//! Every captured request `tests/it/channels/cases/PRESET/CASE.http` has the meaning and the answer
//! in `CASE.txt`.
//!
//! A new case is a new file. `OZMAP_CANCEL_UPDATE=1` writes missing answers; review them before you
//! commit them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::service::binary;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/channels/cases")
}

fn sorted(path: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    entries
}

/// The output of `channels test PRESET` for a captured request.
fn printed(preset: &str, request: &Path) -> String {
    let output = Command::new(binary())
        .env_clear()
        .args(["channels", "test", preset])
        .stdin(Stdio::from(std::fs::File::open(request).unwrap()))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        !text.is_empty(),
        "{preset} {}: {}",
        request.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// Compares one case, or writes its missing answer.
fn compare(preset: &str, request: &Path) {
    let found = printed(preset, request);
    let expected = request.with_extension("txt");
    if !expected.exists() && std::env::var_os("OZMAP_CANCEL_UPDATE").is_some() {
        std::fs::write(&expected, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&expected).unwrap_or_default();
    assert_eq!(found, expected, "{}", request.display());
}

#[test]
fn every_captured_request_means_and_is_answered_what_stands_beside_it() {
    let presets = sorted(&folder()).into_iter().filter(|path| path.is_dir());
    let cases: Vec<(String, PathBuf)> = presets
        .flat_map(|preset| {
            let name = preset.file_name().unwrap().to_str().unwrap().to_owned();
            sorted(&preset)
                .into_iter()
                .filter(|path| path.extension().is_some_and(|ext| ext == "http"))
                .map(move |request| (name.clone(), request))
        })
        .collect();
    assert!(cases.len() >= 330, "only {} cases were found", cases.len());
    let at_once = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for share in cases.chunks(cases.len().div_ceil(at_once)) {
            scope.spawn(move || {
                for (preset, request) in share {
                    compare(preset, request);
                }
            });
        }
    });
}

#[test]
fn every_preset_has_captured_requests() {
    let listed = Command::new(binary())
        .env_clear()
        .args(["channels", "list"])
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for name in listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "json")
    {
        assert!(
            folder().join(name).is_dir(),
            "there is no captured request for the preset {name}"
        );
    }
}
