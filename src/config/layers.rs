//! Merges the layers of the configuration: the embedded defaults, the files, the environment.
//!
//! It must never ignore an unknown key, and never print a line of a file: it may contain a secret.

use std::path::{Path, PathBuf};

use config::{Config as Merged, Environment, File, FileFormat};
use toml::{Table, Value};

use super::Error;
use super::environment::{PREFIX, variables};
use super::keys::Keys;
use super::overrides::InFiles;
use super::secret::permission_hint;
use super::settings::Settings;

/// The reference: every key with its default and one comment.
pub(super) const DEFAULT: &str = include_str!("../../config/default.toml");

/// The sources of settings beside the embedded defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Files, in order; later ones win.
    pub files: Vec<PathBuf>,
    /// The variables of the environment; they win over files.
    pub environment: Vec<(String, String)>,
}

/// The settings of all layers, and warnings about where they come from.
pub(super) fn merge(sources: &Sources) -> Result<(Settings, Vec<String>), Error> {
    let defaults = defaults()?;
    let known = Keys::known()?;
    let mut wrong = Vec::new();
    let mut in_files = InFiles::default();
    let mut merged = Merged::builder().add_source(File::from_str(DEFAULT, FileFormat::Toml));
    for path in &sources.files {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::one(format!(
                "the configuration file {} cannot be read: {error}{}",
                path.display(),
                permission_hint(path, &error)
            ))
        })?;
        let table: Table = toml::from_str(&text).map_err(|error| {
            Error::one(format!(
                "the configuration file {} is not TOML: {}",
                path.display(),
                located(&text, &error)
            ))
        })?;
        for key in empty_tables(&table) {
            wrong.extend(known.table_problem(&key, &in_file(path)));
            in_files.note_empty(&key, path);
        }
        for key in flatten(&table) {
            wrong.extend(known.problem(&key, &in_file(path)));
            in_files.note(&key, &table, &defaults, path);
        }
        // By its path, so that an error about a wrong type names the file.
        merged = merged.add_source(File::from(path.as_path()).format(FileFormat::Toml));
    }
    let variables = variables(&sources.environment, &known, &mut wrong);
    wrong.extend(in_files.missed(&variables));
    if !wrong.is_empty() {
        return Err(Error(wrong));
    }
    let warnings = in_files.overridden(&variables);
    let read = variables
        .into_values()
        .map(|variable| (variable.read_as, variable.value));
    let environment = Environment::with_prefix(PREFIX)
        .prefix_separator("__")
        .separator("__")
        .source(Some(read.collect()));
    let settings = merged
        .add_source(environment)
        .build()
        .and_then(Merged::try_deserialize)
        .map_err(|error| Error::one(error.to_string()))?;
    Ok((settings, warnings))
}

/// The error with its line number, without the line itself: it may contain a secret.
fn located(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(String::new(), |before| {
        format!("line {}: ", before.matches('\n').count() + 1)
    });
    format!("{line}{}", error.message().replace('\n', ", "))
}

fn in_file(path: &Path) -> String {
    format!("in {}", path.display())
}

fn defaults() -> Result<Table, Error> {
    toml::from_str(DEFAULT).map_err(|error| Error::one(format!("default.toml: {error}")))
}

/// `section.key` for every value; a list is a value.
fn flatten(table: &Table) -> Vec<String> {
    table
        .iter()
        .flat_map(|(name, value)| match value {
            Value::Table(inner) => flatten(inner)
                .into_iter()
                .map(|key| format!("{name}.{key}"))
                .collect(),
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_) => vec![name.clone()],
        })
        .collect()
}

/// `section.table` for every empty table.
fn empty_tables(table: &Table) -> Vec<String> {
    let mut empty = Vec::new();
    for (name, value) in table {
        let Value::Table(inner) = value else {
            continue;
        };
        if inner.is_empty() {
            empty.push(name.clone());
        }
        empty.extend(
            empty_tables(inner)
                .iter()
                .map(|key| format!("{name}.{key}")),
        );
    }
    empty
}
