//! Properties of every input: the checks of `fuzz/checks`, with input from proptest, the captured
//! requests and the seeds of the fuzz targets, on stable Rust.
//!
//! A failure prints its input as a line of hexadecimal digits. To run that input alone:
//! `OZMAP_CANCEL_CHECK=NAME OZMAP_CANCEL_INPUT=HEX cargo test --test it repeats`. Keep a finding as
//! a file under `fuzz/seeds/NAME`, which every run tests again.

#[path = "../../../../fuzz/checks/mod.rs"]
mod checks;
mod inputs;
mod strangers;

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use crate::support::draws;
use checks::channels::HOSTILE;
use inputs::{captures, mutated, seeds, structured};

/// Bytes with a `Debug` that shows them as text, so that a person can read a failure.
#[derive(Clone)]
struct Bytes(Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown: String = String::from_utf8_lossy(&self.0)
            .chars()
            .take(2_000)
            .collect();
        write!(f, "{shown:?}")
    }
}

/// Runs a check on the bytes of a strategy.
fn feed(check: &str, cases: u32, inputs: impl Strategy<Value = Vec<u8>>) {
    let run = run_of(check);
    feed_to(check, cases, inputs, run);
}

fn feed_to(check: &str, cases: u32, inputs: impl Strategy<Value = Vec<u8>>, run: impl Fn(&[u8])) {
    let config = Config {
        cases,
        // The test prints the input itself, and the developer keeps it; the generator's state is
        // not needed.
        failure_persistence: None,
        max_shrink_iters: 200,
        ..draws()
    };
    let fed = TestRunner::new(config).run(&inputs.prop_map(Bytes), |Bytes(bytes)| {
        catch_unwind(AssertUnwindSafe(|| run(&bytes))).map_err(|_| {
            TestCaseError::fail(format!(
                "OZMAP_CANCEL_CHECK={check} OZMAP_CANCEL_INPUT={}",
                hex::encode(&bytes)
            ))
        })
    });
    // The error ends with the smallest input that fails.
    if let Err(error) = fed {
        panic!("{error}");
    }
}

fn run_of(check: &str) -> fn(&[u8]) {
    let known = checks::ALL.iter().find(|(name, _)| *name == check);
    known
        .unwrap_or_else(|| panic!("there is no check {check}"))
        .1
}

#[test]
fn repeats_the_input_of_a_failure() {
    let (Ok(check), Ok(input)) = (
        std::env::var("OZMAP_CANCEL_CHECK"),
        std::env::var("OZMAP_CANCEL_INPUT"),
    ) else {
        return;
    };
    run_of(&check)(&hex::decode(input).unwrap());
}

#[test]
fn every_seed_and_every_captured_request_holds() {
    for (check, run) in checks::ALL {
        for (file, bytes) in seeds(check) {
            let held = catch_unwind(AssertUnwindSafe(|| run(&bytes)));
            assert!(held.is_ok(), "{check}: {}", file.display());
        }
    }
    for (preset, file, bytes) in captures() {
        let held = catch_unwind(AssertUnwindSafe(|| {
            checks::channels::check_one(&preset, &bytes);
        }));
        assert!(held.is_ok(), "{}", file.display());
    }
}

#[test]
fn every_outcome_in_every_language_is_well_formed_on_every_platform() {
    for (preset, _, bytes) in one_of_each() {
        checks::channels::check_outcomes(&preset, &bytes);
        for hostile in checks::channels::HOSTILE {
            checks::channels::check_one(&preset, &inputs::spiked(&bytes, hostile));
        }
        // A text that breaks XML and templates, and bytes that break everything except text.
        for hostile in [HOSTILE[0], HOSTILE[4]] {
            checks::channels::check_outcomes(&preset, &inputs::spiked(&bytes, hostile));
        }
    }
}

/// The first two captured requests of each preset.
fn one_of_each() -> Vec<(String, std::path::PathBuf, Vec<u8>)> {
    let mut seen = std::collections::BTreeMap::new();
    let mut kept = captures();
    kept.retain(|(preset, _, _)| {
        let count = seen.entry(preset.clone()).or_insert(0);
        *count += 1;
        *count <= 2
    });
    kept
}

#[test]
fn a_captured_request_that_was_changed_anywhere_is_answered_and_invents_no_code() {
    let all = captures();
    let inputs = (0..all.len())
        .prop_flat_map(move |at| (Just(all[at].0.clone()), mutated(all[at].2.clone())));
    let inputs = inputs.prop_map(|(preset, bytes)| {
        let mut tagged = preset.into_bytes();
        tagged.push(b'\n');
        tagged.extend(bytes);
        tagged
    });
    feed_to("channels", 1_500, inputs, |tagged| {
        let end = tagged.iter().position(|byte| *byte == b'\n').unwrap();
        let preset = std::str::from_utf8(&tagged[..end]).unwrap();
        checks::channels::check_one(preset, &tagged[end + 1..]);
    });
}

#[test]
fn anything_at_all_is_answered_on_every_channel() {
    feed("channels", 60, structured());
    feed("channels", 20, prop::collection::vec(any::<u8>(), 0..300));
}

#[test]
fn a_typed_text_leads_to_its_own_address_or_nowhere() {
    let typed = prop_oneof![
        any::<String>(),
        "[./\\\\%?#|:@ a0;&=+\\[\\]\"'{}^-]{1,12}",
        "(%2e|\\.|/|\\\\|x|\u{301}|e|\u{200b}){1,70}",
        "[0-9a-f]{23,25}",
        "https?://[a-z0-9.:@/?#\\[\\]-]{0,30}",
    ];
    feed("codes", 2_000, typed.prop_map(String::into_bytes));
    feed("codes", 500, any_seed_mutated("codes"));
}

#[test]
fn one_change_in_the_exact_document_is_deleted_only_when_it_is_harmless() {
    let exact = exact();
    let (mut kept, mut deleted) = (0, Vec::new());
    assert_eq!(
        checks::documents::judged(exact.to_string().as_bytes()),
        "delete"
    );
    for (what, document) in checks::documents::one_change(&exact[0]) {
        let list = json!([document]).to_string();
        checks::documents::check(list.as_bytes());
        match checks::documents::judged(list.as_bytes()) {
            "delete" => deleted.push(what),
            _ => kept += 1,
        }
    }
    // Both verdicts occur, and no member that decides is in the list of harmless changes.
    assert!(
        kept > 150 && deleted.len() > 150,
        "{kept} {}",
        deleted.len()
    );
    for what in &deleted {
        let decides = [
            "/client/code",
            "/client/implanted",
            "/client is gone",
            "/_id",
        ];
        let is_same = what == "/client/code = \"123|123\"" || what == "/client/implanted = false";
        assert!(
            is_same || !decides.iter().any(|path| what.starts_with(path)),
            "{what}"
        );
    }
}

fn exact() -> Value {
    let seeds = seeds("documents");
    let (_, bytes) = seeds
        .iter()
        .find(|(file, _)| file.ends_with("exact.json"))
        .unwrap();
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn the_guard_and_its_rules_agree_on_every_document() {
    feed("documents", 1_000, any_seed_mutated("documents"));
    let changes = prop::collection::vec((any::<prop::sample::Index>(), inputs::any_json()), 1..4);
    let documents = changes.prop_map(|changes| {
        let mut document = exact();
        let pointers = inputs::pointers(&document);
        for (index, value) in changes {
            if let Some(place) = document.pointer_mut(index.get(&pointers).as_str()) {
                *place = value;
            }
        }
        document.to_string().into_bytes()
    });
    feed("documents", 1_000, documents);
}

#[test]
fn a_signature_proves_its_own_request_and_no_bit_more() {
    let inputs = (
        any::<[u8; 6]>(),
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "[A-Za-z]{1,6}=[ -~]{0,20}(&[A-Za-z]{1,6}=[ -~]{0,20}){0,4}"
                .prop_map(String::into_bytes),
        ],
    );
    let inputs = inputs.prop_map(|(head, rest)| [&head[..], &rest].concat());
    feed("signatures", 500, inputs);
}

#[test]
fn no_bit_of_a_signed_request_can_be_flipped() {
    for (file, seed) in seeds("signatures") {
        // Curve arithmetic is slow without optimisation; a prime step reaches every bit position of
        // a byte.
        let step = if file.ends_with("ed25519") { 61 } else { 7 };
        for bit in (0..2_048_u32).step_by(step) {
            let mut bytes = seed.clone();
            bytes[1..5].copy_from_slice(&bit.to_le_bytes());
            checks::signatures::check(&bytes);
        }
    }
}

#[test]
fn any_configuration_is_one_or_says_which_key_is_wrong() {
    feed("configuration", 150, any_seed_mutated("configuration"));
    feed("configuration", 300, inputs::settings());
}

fn any_seed_mutated(check: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let all: Vec<Vec<u8>> = seeds(check).into_iter().map(|(_, bytes)| bytes).collect();
    assert!(!all.is_empty(), "{check} has no seeds");
    prop::sample::select(all).prop_flat_map(mutated)
}
