//! No two files of `src` import each other, directly or through others: a circle hides the file
//! that decides a rule.
//!
//! A name is followed through the re-exports of `mod.rs` to the file that defines it. An import
//! from the `mod.rs` above a file does not count: that is where a folder keeps what its files
//! share.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;
use super::sources;

/// A module by its path: `journal/read` for `src/journal/read.rs`, `journal` for
/// `src/journal/mod.rs`.
type Module = String;

/// The imports of one file.
struct Imports {
    /// Every path that an item is imported from or named by.
    paths: Vec<String>,
    /// The name and the path of every imported item, which other files may import from here.
    named: Vec<(String, String)>,
}

struct Graph {
    imports: BTreeMap<Module, Imports>,
}

impl Graph {
    fn new(sources: &[Source]) -> Self {
        let files = sources
            .iter()
            .filter(|source| source.name.starts_with("src/") && source.code().next().is_some());
        let imports = files.map(|source| (module(&source.name), Imports::of(source)));
        Self {
            imports: imports.collect(),
        }
    }

    /// The files that a file imports from, without those above it.
    fn edges(&self, from: &str) -> BTreeSet<Module> {
        let imports = &self.imports[from];
        let found = imports
            .paths
            .iter()
            .filter_map(|path| self.resolve(from, path, 0));
        found
            .filter(|to| to != from && !is_above(to, from))
            .collect()
    }

    /// The module that a path of an import leads to.
    fn resolve(&self, from: &str, path: &str, hops: usize) -> Option<Module> {
        let mut parts: Vec<&str> = path.split("::").collect();
        let mut at: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
        match parts[0] {
            "crate" => {
                at.clear();
                parts.remove(0);
            }
            "self" => drop(parts.remove(0)),
            "super" => {
                while parts.first() == Some(&"super") {
                    at.pop();
                    parts.remove(0);
                }
            }
            child if self.imports.contains_key(&joined(&at, child)) => {}
            _ => return None,
        }
        while let Some(next) = parts.first() {
            if !self.imports.contains_key(&joined(&at, next)) {
                break;
            }
            at.push(next);
            parts.remove(0);
        }
        let here = at.join("/");
        let named = parts.first().and_then(|name| {
            let imports = self.imports.get(&here)?;
            let (_, path) = imports.named.iter().find(|(known, _)| known == name)?;
            Some(path)
        });
        // `Self` and a few words are re-exported under their own name by their own file.
        match named {
            Some(path) if hops < 5 => self.resolve(&here, path, hops + 1).or(Some(here)),
            _ => Some(here),
        }
    }

    /// Every group of files that can reach each other, sorted.
    fn circles(&self) -> Vec<Vec<Module>> {
        let edges: BTreeMap<&str, BTreeSet<Module>> = self
            .imports
            .keys()
            .map(|module| (module.as_str(), self.edges(module)))
            .collect();
        let reached = |start: &str| {
            let mut reached = BTreeSet::new();
            let mut next = vec![start.to_owned()];
            while let Some(module) = next.pop() {
                for to in edges.get(module.as_str()).into_iter().flatten() {
                    if reached.insert(to.clone()) {
                        next.push(to.clone());
                    }
                }
            }
            reached
        };
        let reached: BTreeMap<&str, BTreeSet<Module>> = edges
            .keys()
            .map(|module| (*module, reached(module)))
            .collect();
        let mut circles = BTreeSet::new();
        for (module, all) in &reached {
            if all.contains(*module) {
                let back = |other: &&Module| reached[other.as_str()].contains(*module);
                circles.insert(all.iter().filter(back).cloned().collect::<Vec<_>>());
            }
        }
        circles.into_iter().collect()
    }
}

impl Imports {
    fn of(source: &Source) -> Self {
        let code: Vec<&str> = source.code().map(|(_, line)| line).collect();
        let mut imports = Self {
            paths: Vec::new(),
            named: Vec::new(),
        };
        let mut statement: Option<String> = None;
        for line in code {
            let begins = line
                .trim_start()
                .trim_start_matches("pub ")
                .trim_start_matches("pub(crate) ")
                .trim_start_matches("pub(super) ");
            let begins = match begins.strip_prefix("pub(in ") {
                Some(rest) => rest.split_once(") ").map_or("", |(_, rest)| rest),
                None => begins,
            };
            if statement.is_none() && begins.starts_with("use ") {
                statement = Some(String::new());
            }
            match &mut statement {
                None => imports.paths.extend(paths_in(line)),
                Some(text) => {
                    let part = if text.is_empty() { begins } else { line };
                    text.push_str(part.trim());
                    if text.ends_with(';') {
                        let tree = text.trim_start_matches("use").trim_end_matches(';');
                        imports.add_tree("", tree.trim());
                        statement = None;
                    }
                }
            }
        }
        imports
    }

    /// Adds the paths of a `use` tree.
    fn add_tree(&mut self, prefix: &str, tree: &str) {
        for part in top_level(tree) {
            let part = part.trim();
            if let Some((before, inner)) = part.split_once('{') {
                let inner = inner.strip_suffix('}').unwrap_or(inner);
                self.add_tree(&format!("{prefix}{before}"), inner);
                continue;
            }
            let (path, name) = match part.split_once(" as ") {
                Some((path, name)) => (format!("{prefix}{path}"), name.to_owned()),
                None => {
                    let path = format!("{prefix}{part}");
                    let name = path.rsplit("::").next().unwrap_or_default().to_owned();
                    (path, name)
                }
            };
            self.named.push((name, path.clone()));
            self.paths.push(path);
        }
    }
}

/// The parts of a list, without the commas within braces.
fn top_level(tree: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&tree[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tree[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// The paths within a line of code that begin at the crate or at a module: `super::wire::Reply`,
/// `wire::Reply`.
fn paths_in(line: &str) -> Vec<String> {
    let words = line.split(|c: char| !(c.is_alphanumeric() || c == ':' || c == '_'));
    words
        .map(|word| word.trim_matches(':'))
        .filter(|word| word.contains("::"))
        .filter(|word| word.starts_with(|c: char| c.is_lowercase()))
        .map(str::to_owned)
        .collect()
}

fn joined(at: &[&str], next: &str) -> Module {
    match at {
        [] => next.to_owned(),
        at => format!("{}/{next}", at.join("/")),
    }
}

fn module(name: &str) -> Module {
    let inside = name.strip_prefix("src/").unwrap_or(name);
    let inside = inside.strip_suffix(".rs").unwrap_or(inside);
    inside
        .strip_suffix("/mod")
        .unwrap_or(if inside == "lib" { "" } else { inside })
        .to_owned()
}

/// Whether a file is the `mod.rs` of a folder that another one is in.
fn is_above(upper: &str, lower: &str) -> bool {
    upper.is_empty() || lower.starts_with(&format!("{upper}/"))
}

#[test]
fn no_two_files_import_each_other() {
    let found = Graph::new(&sources()).circles();
    assert!(found.is_empty(), "circles of files: {found:#?}");
}

#[test]
fn a_circle_of_files_is_seen_however_it_is_imported() {
    let circles = |files: &[(&str, &str)]| {
        let sources: Vec<Source> = files
            .iter()
            .map(|(name, text)| Source::new(name, &format!("//! What for.\n{text}\n")))
            .collect();
        Graph::new(&sources).circles()
    };
    let module = (
        "src/a/mod.rs",
        "mod b;\nmod c;\npub use c::C;\nfn f() { b::f() }",
    );
    for (b, c) in [
        ("use super::c::C;", "use crate::a::b::B;"),
        ("use super::C;", "use super::b::{B, self};"),
        (
            "use crate::{\n    a::{\n        C,\n    },\n};",
            "fn f() -> super::b::B {}",
        ),
        (
            "pub(super) use super::C as D;",
            "pub(in crate::a) use crate::a::b;",
        ),
    ] {
        let found = circles(&[module, ("src/a/b.rs", b), ("src/a/c.rs", c)]);
        assert_eq!(found, [["a/b", "a/c"]], "{b} {c}");
    }
    let through_a_third = [
        ("src/a/mod.rs", "mod b;"),
        ("src/a/b.rs", "use crate::d::D;"),
        ("src/d.rs", "use crate::e::E;"),
        ("src/e.rs", "use crate::a::b::B;"),
    ];
    assert_eq!(circles(&through_a_third), [["a/b", "d", "e"]]);
    let one_way = [
        (
            "src/a/mod.rs",
            "mod b;\nmod c;\npub use b::B;\npub struct A;",
        ),
        (
            "src/a/b.rs",
            "use super::A;\nuse super::c::C;\n// use crate::d;",
        ),
        (
            "src/a/c.rs",
            "use super::A;\n#[cfg(test)]\nmod tests {\n    use super::super::b::B;\n}",
        ),
        ("src/d.rs", "use crate::a::A;"),
    ];
    assert_eq!(circles(&one_way), Vec::<Vec<Module>>::new());
}
