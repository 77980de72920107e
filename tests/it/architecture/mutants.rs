//! The list of mutants (`tests/mutants/list.toml`) must match the code.

use std::collections::{HashMap, HashSet};
use std::fs;

use super::root;

/// Every change must find its text exactly once in its file, after the earlier changes of the same
/// mutant.
#[test]
fn every_mutant_can_be_made() {
    let list = fs::read_to_string(root().join("tests/mutants/list.toml")).unwrap();
    let list: toml::Table = toml::from_str(&list).unwrap();
    let mutants = list["mutant"].as_array().unwrap();
    let (mut names, mut wrong) = (HashSet::new(), Vec::new());
    for mutant in mutants {
        let name = mutant["name"].as_str().unwrap();
        assert!(names.insert(name), "{name}: twice");
        let kinds = mutant["tests"].as_array().unwrap();
        let is_known = |tests: &str| {
            ["lib ", "bin ", "it ", "pg "]
                .iter()
                .any(|kind| tests.starts_with(kind))
        };
        assert!(
            kinds.iter().all(|tests| is_known(tests.as_str().unwrap())),
            "{name}: {kinds:?}"
        );
        let mut texts: HashMap<&str, String> = HashMap::new();
        for change in std::iter::once(mutant).chain(mutant.get("also")) {
            let text = |member: &str| change[member].as_str().unwrap();
            let file = text("file");
            let before = texts
                .remove(file)
                .unwrap_or_else(|| fs::read_to_string(root().join(file)).unwrap());
            let places = before.matches(text("from")).count();
            if places != 1 {
                wrong.push(format!("{name}: its text occurs {places} times in {file}"));
            }
            texts.insert(file, before.replace(text("from"), text("to")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(mutants.len() >= 80, "only {} are left", mutants.len());
}
