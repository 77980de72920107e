//! The rules for one source file. Each returns its violations.

use super::source::{SIMULATOR, Source};

/// The modules that each module may import. `cli` is the binary and may import everything.
pub const SEES: [(&str, &[&str]); 13] = [
    ("clock", &[]),
    ("trace", &[]),
    ("domain", &["clock"]),
    ("guard", &["clock", "domain"]),
    ("journal", &["clock", "domain", "guard"]),
    ("ozmap", &["clock", "trace", "domain", "guard", "journal"]),
    (
        "cancel",
        &["clock", "trace", "domain", "guard", "journal", "ozmap"],
    ),
    ("channels", &["clock", "domain"]),
    ("replies", &["clock", "domain"]),
    (
        "http",
        &[
            "clock", "trace", "domain", "journal", "ozmap", "cancel", "channels", "replies",
        ],
    ),
    (
        "config",
        &[
            "clock", "domain", "guard", "journal", "ozmap", "cancel", "channels", "replies", "http",
        ],
    ),
    ("lib", &[]),
    ("main", &[]),
];

/// The only file that may send a DELETE.
const MAKES_DELETES: &str = "src/ozmap/session.rs";

/// The only file that may make a `Deletable`.
const MAKES_DELETABLES: &str = "src/guard.rs";

/// The only file that may make an `Intent`.
const MAKES_INTENTS: &str = "src/journal/record.rs";

/// The files that the rules name.
pub const NAMED_FILES: [&str; 3] = [MAKES_DELETES, MAKES_DELETABLES, MAKES_INTENTS];

/// The maximum number of lines of a file.
const LINES_MAX: usize = 400;

pub fn imports_point_one_way(source: &Source) -> Vec<String> {
    let module = source.module();
    if module == "cli" {
        // The binary may import everything.
        return Vec::new();
    }
    if module == SIMULATOR {
        // It is a separate crate, whose imports the compiler checks.
        return Vec::new();
    }
    let Some((_, sees)) = SEES.iter().find(|(known, _)| *known == module) else {
        return vec![format!(
            "{module} has no place in the order of the modules; give it one"
        )];
    };
    let mut wrong = Vec::new();
    for (at, line) in source.code() {
        for after in line.split("crate::").skip(1) {
            let seen: String = after
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if seen != module && !sees.contains(&seen.as_str()) {
                wrong.push(format!("line {at}: {module} sees `{seen}`"));
            }
        }
        // One `super` for each folder level stays within the module.
        let supers = line.split(|c: char| !(c.is_alphanumeric() || c == ':' || c == '_'));
        let most = supers
            .map(|path| path.matches("super::").count())
            .max()
            .unwrap_or(0);
        if most > source.depth() {
            wrong.push(format!("line {at}: `super` leads out of {module}"));
        }
    }
    wrong
}

pub fn reads_no_environment(source: &Source) -> Vec<String> {
    match source.module() {
        "main" | "cli" | "config" => Vec::new(),
        _ => source.with(&[
            "env::var",
            "env::args",
            "env::current_dir",
            "env::home_dir",
            "env::set_var",
        ]),
    }
}

/// The lines that make a DELETE.
pub fn deletes(source: &Source) -> Vec<String> {
    if source.module() == SIMULATOR {
        return Vec::new();
    }
    source.with(&[
        "Method::DELETE",
        "b\"DELETE\"",
        "\"DELETE\".parse",
        ".delete(url",
    ])
}

pub fn makes_no_delete(source: &Source) -> Vec<String> {
    if source.name == MAKES_DELETES {
        Vec::new()
    } else {
        deletes(source)
    }
}

/// The lines that construct a value of a type by its members, by its name or as `Self`.
pub fn made(source: &Source, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_inside = false;
    for (at, line) in source.code() {
        if line.starts_with("impl") {
            is_inside =
                line.ends_with(&format!(" {name} {{")) || line.contains(&format!("impl {name} {{"));
        } else if line.starts_with('}') {
            is_inside = false;
        }
        let by_name = line.match_indices(&format!("{name} {{")).any(|(start, _)| {
            let before = &line[..start];
            let is_definition = ["struct ", "impl ", " for ", "-> "]
                .iter()
                .any(|word| before.ends_with(word));
            !is_definition
                && !before.ends_with(|c: char| c.is_alphanumeric() || c == ':' || c == '_')
        });
        let by_self = is_inside && line.contains("Self {") && !line.contains("-> Self {");
        if by_name || by_self {
            found.push(format!("line {at}: {}", line.trim()));
        }
    }
    found
}

pub fn makes_no_proof(source: &Source) -> Vec<String> {
    let mut wrong = Vec::new();
    if source.name != MAKES_DELETABLES {
        wrong.extend(made(source, "Deletable"));
    }
    if source.name != MAKES_INTENTS {
        wrong.extend(made(source, "Intent"));
    }
    wrong
}

pub fn says_what_it_is_for(source: &Source) -> Vec<String> {
    if source.text.starts_with("//! ") {
        Vec::new()
    } else {
        vec!["it does not open with `//!`".to_owned()]
    }
}

pub fn is_short(source: &Source) -> Vec<String> {
    let lines = source.lines().count();
    if lines <= LINES_MAX {
        return Vec::new();
    }
    vec![format!(
        "{lines} lines without tests; split it by responsibility at {LINES_MAX}"
    )]
}

pub fn does_not_panic(source: &Source) -> Vec<String> {
    source.with(&[
        ".unwrap()",
        ".expect(",
        "todo!(",
        "unimplemented!(",
        "panic!(",
        "unreachable!(",
    ])
}

pub fn gives_reasons(source: &Source) -> Vec<String> {
    let mut wrong = Vec::new();
    for start in ["#[expect(", "#[allow(", "#![expect(", "#![allow("] {
        for (at, _) in source.text.match_indices(start) {
            let attribute = source.text[at..].split(")]").next().unwrap_or_default();
            if !attribute.contains("reason = \"") {
                wrong.push(attribute.split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
    }
    wrong
}

pub fn names_no_machine(source: &Source) -> Vec<String> {
    // Split in halves, so that this file does not contain them either.
    let machine = [
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/Us", "ers/"),
        concat!("/wo", "rk/"),
        concat!("/tm", "p/"),
        concat!("C:", "\\"),
        concat!("registry", ".npmjs"),
        concat!("index", ".crates.io"),
        concat!("pypi", ".org"),
        concat!("proxy", ".golang"),
        concat!("artifact", "ory"),
    ];
    let mut wrong = Vec::new();
    for (at, line) in source.text.lines().enumerate() {
        for text in machine {
            if line.contains(text) {
                wrong.push(format!("{} line {}: {text}", source.name, at + 1));
            }
        }
    }
    wrong
}
