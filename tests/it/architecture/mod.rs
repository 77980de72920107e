//! The rules of the design that the compiler cannot check, as tests over the source text. Another
//! test shows that each rule can fail.
//!
//! - `rules`, `secrets`: the rules for one file; `source` is the form in which they read a file
//! - `circles`: no circular imports between files
//! - `mutants`: the list of mutants matches the sources
//! - `project`, `container`: the rules for the other files of the project

use std::fs;
use std::path::{Path, PathBuf};

mod circles;
mod container;
mod mutants;
mod project;
mod rules;
mod secrets;
mod source;

use source::Source;

/// A rule for one file; it returns the violations as sentences.
type Rule = fn(&Source) -> Vec<String>;

const RULES: [(&str, Rule); 10] = [
    ("imports point one way", rules::imports_point_one_way),
    (
        "only the binary and the configuration read the environment",
        rules::reads_no_environment,
    ),
    ("a DELETE is made in one place", rules::makes_no_delete),
    ("a file says what it is for", rules::says_what_it_is_for),
    ("a file is short", rules::is_short),
    ("nothing stops the process", rules::does_not_panic),
    ("an exception has a reason", rules::gives_reasons),
    (
        "a Deletable is made by the guard, an Intent by the journal",
        rules::makes_no_proof,
    ),
    (
        "secrets and signatures are compared in constant time",
        secrets::compares_in_constant_time,
    ),
    (
        "no text names the machine that it was written on",
        rules::names_no_machine,
    ),
];

/// The root of the project.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder with this extension.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A file by its path from the root.
fn read(path: &Path) -> Source {
    let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
    Source::new(name, &fs::read_to_string(path).unwrap())
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for folder in ["src", "crates/ozmap-simulator/src"] {
        found.extend(
            files(&root().join(folder), ".rs")
                .iter()
                .map(|path| read(path)),
        );
    }
    assert!(found.len() > 20, "only {} files were found", found.len());
    found
        .into_iter()
        .filter(|source| !TEST_ONLY.iter().any(|name| source.name.contains(name)))
        .collect()
}

/// The rules do not apply to these folders, which are compiled for tests only.
const TEST_ONLY: [&str; 1] = ["src/testing/"];

#[test]
fn test_code_is_compiled_for_tests_only() {
    for (within, module) in [
        ("src/lib.rs", "mod testing;"),
        ("src/journal/mod.rs", "pub(crate) mod seam {"),
        ("src/ozmap/mod.rs", "pub(crate) mod seam {"),
    ] {
        let text = fs::read_to_string(root().join(within)).unwrap();
        let declared = format!("#[cfg(test)]\n{module}");
        assert!(text.contains(&declared), "{within}: {declared}");
    }
}

#[test]
fn the_source_keeps_to_the_rules_that_the_compiler_cannot_see() {
    let mut broken = Vec::new();
    for source in sources() {
        for (rule, check) in RULES {
            for what in check(&source) {
                broken.push(format!("{}: {rule}: {what}", source.name));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// A rule about a module that no longer exists would check nothing.
#[test]
fn every_module_that_a_rule_names_exists() {
    let exists = |module: &str| {
        let file = root().join(format!("src/{module}.rs"));
        file.is_file() || root().join(format!("src/{module}/mod.rs")).is_file()
    };
    for (module, sees) in rules::SEES {
        for named in std::iter::once(module).chain(sees.iter().copied()) {
            assert!(exists(named), "src has no module `{named}`");
        }
    }
    for name in rules::NAMED_FILES {
        assert!(root().join(name).is_file(), "there is no file {name}");
    }
    assert!(!exists("operations") && !exists("nonsense"));
}

#[test]
fn one_place_sends_a_delete_one_makes_a_deletable_and_one_makes_an_intent() {
    let sources = sources();
    let count = |count: fn(&Source) -> usize| -> usize { sources.iter().map(count).sum() };
    assert_eq!(count(|source| rules::deletes(source).len()), 1);
    assert_eq!(count(|source| rules::made(source, "Deletable").len()), 1);
    assert_eq!(count(|source| rules::made(source, "Intent").len()), 1);
}

#[test]
fn the_tests_and_the_documents_name_no_machine() {
    let mut broken = Vec::new();
    for (folder, ending) in [
        ("tests/it", ".rs"),
        ("tests/node", ".mjs"),
        ("tests/node-red", ".js"),
        ("tests/node-red", ".json"),
        ("tests/python", ".py"),
        ("tests/python", ".txt"),
        ("tests/python", ".toml"),
        ("fuzz/checks", ".rs"),
        ("fuzz/fuzz_targets", ".rs"),
        ("config", ".toml"),
        ("deploy", ""),
        ("docs", ".md"),
        (".ci", ""),
    ] {
        for path in files(&root().join(folder), ending) {
            broken.extend(rules::names_no_machine(&read(&path)));
        }
    }
    for name in [
        "Cargo.toml",
        "clippy.toml",
        "Dockerfile",
        "docker-compose.yml",
        "README.md",
        "README.pt-BR.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "crates/ozmap-simulator/Cargo.toml",
        "crates/ozmap-simulator/README.md",
        "tests/third-parties",
    ] {
        if let Ok(text) = fs::read_to_string(root().join(name)) {
            broken.extend(rules::names_no_machine(&Source::new(name, &text)));
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_rule_can_fail() {
    let long = "fn f() {}\n".repeat(401);
    let header = "//! What for.\n";
    let bad: [(&str, &str, &str, String); 31] = [
        (
            "imports point one way",
            "src/domain/code.rs",
            "one way up",
            "use crate::guard::judge;".into(),
        ),
        (
            "imports point one way",
            "src/guard.rs",
            "in a path",
            "fn f() { crate::ozmap::f() }".into(),
        ),
        (
            "imports point one way",
            "src/guard.rs",
            "by a group",
            "use crate::{domain, ozmap};".into(),
        ),
        (
            "imports point one way",
            "src/guard.rs",
            "by its parent",
            "use crate::ozmap::Ozmap;".into(),
        ),
        (
            "imports point one way",
            "src/journal/read.rs",
            "by its parents",
            "use super::super::ozmap;".into(),
        ),
        (
            "imports point one way",
            "src/journal/mod.rs",
            "to the client",
            "use crate::ozmap::Error;".into(),
        ),
        (
            "imports point one way",
            "src/channels/native.rs",
            "to the journal",
            "use crate::journal::Journal;".into(),
        ),
        (
            "imports point one way",
            "src/replies/mod.rs",
            "to the channels",
            "use crate::channels::Channel;".into(),
        ),
        (
            "nothing stops the process",
            "crates/ozmap-simulator/src/act.rs",
            "in the simulator",
            "x.unwrap()".into(),
        ),
        (
            "nothing stops the process",
            "src/journal/mod.rs",
            "after an item for tests alone",
            format!("{header}#[cfg(test)]\nmod seam {{\n}}\nfn f() {{ x.unwrap() }}"),
        ),
        (
            "imports point one way",
            "src/cancel/mod.rs",
            "to the configuration",
            "use crate::config::Config;".into(),
        ),
        (
            "imports point one way",
            "src/unheard_of.rs",
            "from nowhere",
            String::new(),
        ),
        (
            "only the binary and the configuration read the environment",
            "src/http/mod.rs",
            "a variable",
            "std::env::var(\"X\")".into(),
        ),
        (
            "a DELETE is made in one place",
            "src/cancel/mod.rs",
            "elsewhere",
            "Method::DELETE".into(),
        ),
        (
            "a DELETE is made in one place",
            "src/ozmap/http.rs",
            "beside it",
            "http.delete(url)".into(),
        ),
        (
            "a DELETE is made in one place",
            "src/ozmap/url.rs",
            "as text",
            "Method::from_bytes(b\"DELETE\")".into(),
        ),
        (
            "a file says what it is for",
            "src/guard.rs",
            "no opening",
            "use std::fmt;".into(),
        ),
        ("a file is short", "src/guard.rs", "too long", long),
        (
            "nothing stops the process",
            "src/guard.rs",
            "unwrap",
            "x.unwrap();".into(),
        ),
        (
            "nothing stops the process",
            "src/guard.rs",
            "expect",
            "x.expect(\"y\");".into(),
        ),
        (
            "nothing stops the process",
            "src/guard.rs",
            "todo",
            "todo!()".into(),
        ),
        (
            "an exception has a reason",
            "src/guard.rs",
            "none",
            "#[expect(clippy::x)]\nfn f() {}".into(),
        ),
        (
            "an exception has a reason",
            "src/guard.rs",
            "of a file",
            "#![allow(\n    clippy::x,\n)]".into(),
        ),
        (
            "a Deletable is made by the guard, an Intent by the journal",
            "src/cancel/mod.rs",
            "forged",
            "let x = Deletable { property };".into(),
        ),
        (
            "a Deletable is made by the guard, an Intent by the journal",
            "src/ozmap/mod.rs",
            "forged too",
            "Intent { property, read_at }".into(),
        ),
        (
            "a Deletable is made by the guard, an Intent by the journal",
            "src/journal/read.rs",
            "by itself",
            "impl Intent {\n    fn f() { Self { property } }\n}".into(),
        ),
        (
            "secrets and signatures are compared in constant time",
            "src/channels/auth/secrets.rs",
            "an equality",
            "fits |= Choice::from(u8::from(expected == given));".into(),
        ),
        (
            "secrets and signatures are compared in constant time",
            "src/channels/auth/state_signer.rs",
            "a seal by itself",
            "use super::secrets::Secrets;\nfn f() { keys.first().eq(given) }".into(),
        ),
        (
            "secrets and signatures are compared in constant time",
            "src/channels/auth/jwt.rs",
            "one beside an exception",
            "use super::secrets::Secrets;\nif header.alg != \"HS256\" || one != other {".into(),
        ),
        (
            "secrets and signatures are compared in constant time",
            "src/channels/unheard_of.rs",
            "another scheme",
            "fn f(secrets: &Secrets) { token.starts_with(secret) }".into(),
        ),
        (
            "no text names the machine that it was written on",
            "src/guard.rs",
            "a folder",
            concat!("// see /ho", "me/somebody/notes").into(),
        ),
    ];
    for (rule, name, what, text) in bad {
        let opening = if rule == "a file says what it is for" {
            ""
        } else {
            header
        };
        let source = Source::new(name, &format!("{opening}{text}\n"));
        let (_, check) = RULES.iter().find(|(known, _)| *known == rule).unwrap();
        assert!(!check(&source).is_empty(), "{rule} does not see {what}");
    }
    let innocent = Source::new(
        "src/guard.rs",
        "//! Makes a [`Deletable`].\n// x.unwrap() and crate::ozmap\nuse crate::domain::Property;\n#[expect(x, reason = \"y\")]\n\
         pub struct Deletable {\n}\n#[cfg(test)]\nmod tests {\n    use super::super::ozmap;\n    fn f() { x.unwrap() }\n}\n",
    );
    for (rule, check) in RULES {
        assert_eq!(check(&innocent), Vec::<String>::new(), "{rule}");
    }
}
