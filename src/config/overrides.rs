//! Warns when an environment variable overrides a configuration file.
//!
//! An operator who sets a key in a file expects it to have an effect; a variable of an image or a
//! unit would override it silently. A warning never repeats a value.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

use super::environment::Variable;

/// The keys that files set to another value than the default, with the last such file and the value
/// as text.
#[derive(Default)]
pub(super) struct InFiles<'a>(BTreeMap<String, (&'a Path, String)>);

impl<'a> InFiles<'a> {
    /// Records the value of a key in a file. A default or empty value cannot be overridden.
    pub(super) fn note(&mut self, key: &str, table: &Table, defaults: &Table, path: &'a Path) {
        let says = value_at(table, key);
        let text = says.map(text).unwrap_or_default();
        if text.is_empty() || says == value_at(defaults, key) {
            self.0.remove(key);
        } else {
            self.0.insert(key.to_owned(), (path, text));
        }
    }

    /// Records a table without keys.
    pub(super) fn note_empty(&mut self, table: &str, path: &'a Path) {
        // Under a name that no key has.
        self.0.insert(format!("{table}."), (path, String::new()));
    }

    /// Errors for variables that mean a channel of a file but cannot name it: each would make
    /// another channel.
    pub(super) fn missed(&self, variables: &BTreeMap<String, Variable>) -> Vec<String> {
        let missed = |(key, variable): (&String, &Variable)| {
            let mut in_files = self.0.iter();
            let (name, path) =
                in_files.find_map(|(known, (path, _))| Some((misses(key, known)?, path)))?;
            Some(format!(
                "the variable {} does not set [channels.{name}] in {}: variables can only name channels in small letters with underscores; rename the channel in the file",
                variable.name,
                path.display()
            ))
        };
        variables.iter().filter_map(missed).collect()
    }

    /// Warnings for variables that override a file.
    pub(super) fn overridden(&self, variables: &BTreeMap<String, Variable>) -> Vec<String> {
        let overridden = |(key, variable): (&String, &Variable)| {
            let (path, _) = self
                .0
                .get(key)
                .filter(|(_, text)| *text != variable.value)?;
            Some(format!(
                "{key}: the variable {} overrides the value in {}",
                variable.name,
                path.display()
            ))
        };
        variables.iter().filter_map(overridden).collect()
    }
}

/// The channel of a file that a variable means but cannot name, because it has capitals or hyphens.
fn misses<'a>(of_variable: &str, of_file: &'a str) -> Option<&'a str> {
    let (meant, _) = of_variable.strip_prefix("channels.")?.split_once('.')?;
    let (known, _) = of_file.strip_prefix("channels.")?.split_once('.')?;
    let is_meant = known.to_ascii_lowercase().replace('-', "_") == meant;
    (is_meant && known != meant).then_some(known)
}

/// A value as a variable would write it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Datetime(time) => time.to_string(),
        // Only to be different from an empty value: variables have another notation for lists.
        Value::Array(_) | Value::Table(_) => "[]".to_owned(),
    }
}

/// The value of `section.key`.
fn value_at<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((name, rest)) => value_at(table.get(name)?.as_table()?, rest),
    }
}
