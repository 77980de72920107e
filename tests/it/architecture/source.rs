//! A source file as the rules read it: its lines of code, without comments and without its tests.

/// The module name that represents the crate of the simulator.
pub const SIMULATOR: &str = "simulator";

pub struct Source {
    /// The path from the root, like `src/guard.rs`.
    pub name: String,
    pub text: String,
}

impl Source {
    pub fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
        }
    }

    /// The lines of the program, numbered from 1, without the items that are compiled for tests
    /// only.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        // A separate file for unit tests has no other lines.
        let is_test = ["/tests.rs", "/testing.rs"]
            .iter()
            .any(|end| self.name.ends_with(end));
        let mut skips = Skips::Nothing;
        let lines = self.text.lines().enumerate();
        lines
            .filter(move |(_, line)| !is_test && !skips.takes(line))
            .map(|(at, line)| (at + 1, line))
    }

    /// The same without comments.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines()
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The lines of code that contain one of these texts, as sentences.
    pub fn with(&self, texts: &[&str]) -> Vec<String> {
        let found = self
            .code()
            .filter(|(_, line)| texts.iter().any(|text| line.contains(text)));
        found
            .map(|(at, line)| format!("line {at}: {}", line.trim()))
            .collect()
    }

    /// The module of the crate that it belongs to: `journal` for `src/journal/read.rs`.
    pub fn module(&self) -> &str {
        if self.name.starts_with("crates/ozmap-simulator/") {
            return SIMULATOR;
        }
        let inside = self.name.strip_prefix("src/").unwrap_or(&self.name);
        let first = inside.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The depth of its folder: 0 for `src/guard.rs` and `src/journal/mod.rs`, 1 for
    /// `src/journal/read.rs`.
    pub fn depth(&self) -> usize {
        let inside = self.name.strip_prefix("src/").unwrap_or(&self.name);
        inside
            .strip_suffix("/mod.rs")
            .unwrap_or(inside)
            .matches('/')
            .count()
    }
}

/// The position of a reader within an item that is compiled for tests only. The formatter ends
/// every item with `;` on its last line or with `}` in the first column.
#[derive(Clone, Copy)]
enum Skips {
    Nothing,
    Attributes,
    Body,
}

impl Skips {
    /// Whether this line belongs to such an item.
    fn takes(&mut self, line: &str) -> bool {
        let (takes, next) = match self {
            Self::Nothing if line.starts_with("#[cfg(test)]") => (true, Self::Attributes),
            Self::Nothing => (false, Self::Nothing),
            Self::Attributes if line.starts_with("#[") => (true, Self::Attributes),
            Self::Attributes | Self::Body if line.starts_with('}') => (true, Self::Nothing),
            Self::Attributes if line.ends_with(';') => (true, Self::Nothing),
            Self::Attributes | Self::Body => (true, Self::Body),
        };
        *self = next;
        takes
    }
}
