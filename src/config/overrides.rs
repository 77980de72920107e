//! What configuration files say that a variable of the environment does not let count.
//!
//! An operator who sets a key in a file believes that it holds; a variable that an image or a unit brings along would
//! beat it in silence. It never repeats a value.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

use super::environment::Variable;

/// The keys that files set to something of their own, each with the last file that does and its value as a text.
#[derive(Default)]
pub(super) struct InFiles<'a>(BTreeMap<String, (&'a Path, String)>);

impl<'a> InFiles<'a> {
    /// Notes what a file says about a key. One that repeats the default, or says nothing, does not mind.
    pub(super) fn note(&mut self, key: &str, table: &Table, defaults: &Table, path: &'a Path) {
        let says = value_at(table, key);
        let text = says.map(text).unwrap_or_default();
        if text.is_empty() || says == value_at(defaults, key) {
            self.0.remove(key);
        } else {
            self.0.insert(key.to_owned(), (path, text));
        }
    }

    /// Notes a table that has no keys.
    pub(super) fn note_empty(&mut self, table: &str, path: &'a Path) {
        // With a key that is none.
        self.0.insert(format!("{table}."), (path, String::new()));
    }

    /// The variables that mean a channel of a file and cannot name it: each would make another channel.
    pub(super) fn missed(&self, variables: &BTreeMap<String, Variable>) -> Vec<String> {
        let missed = |(key, variable): (&String, &Variable)| {
            let mut in_files = self.0.iter();
            let (name, path) =
                in_files.find_map(|(known, (path, _))| Some((misses(key, known)?, path)))?;
            Some(format!(
                "the variable {} sets another channel than [channels.{name}] in {}: a variable's name has small letters and underscores only; call it so in the file, too",
                variable.name,
                path.display()
            ))
        };
        variables.iter().filter_map(missed).collect()
    }

    /// The variables that override what a file says.
    pub(super) fn overridden(&self, variables: &BTreeMap<String, Variable>) -> Vec<String> {
        let overridden = |(key, variable): (&String, &Variable)| {
            let (path, _) = self
                .0
                .get(key)
                .filter(|(_, text)| *text != variable.value)?;
            Some(format!(
                "{key}: the variable {} overrides what {} says",
                variable.name,
                path.display()
            ))
        };
        variables.iter().filter_map(overridden).collect()
    }
}

/// The channel of a file that a variable means and cannot name: in capitals, or with a hyphen.
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
        // Only to be told from nothing: a variable writes a list in another way.
        Value::Array(_) | Value::Table(_) => "[]".to_owned(),
    }
}

/// What stands under `section.key`.
fn value_at<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((name, rest)) => value_at(table.get(name)?.as_table()?, rest),
    }
}
