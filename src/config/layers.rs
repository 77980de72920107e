//! The layers of the configuration: embedded defaults, files, environment; and a clear word about a key that is none.

use std::path::{Path, PathBuf};

use config::{Config as Merged, Environment, File, FileFormat};
use toml::{Table, Value};

use super::Error;
use super::settings::{ALSO_KEYS, CHANNEL_KEYS, FILE_KEYS, PROOF_KEYS, Settings};
use crate::channels::Scheme;

/// The reference: every key with its default and one comment.
pub(super) const DEFAULT: &str = include_str!("../../config/default.toml");

/// What the variables begin with.
const PREFIX: &str = "OZMAP_CANCEL";

/// Where settings come from, beside the embedded defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Files, in order; later ones win.
    pub files: Vec<PathBuf>,
    /// The variables of the environment; they win over files.
    pub environment: Vec<(String, String)>,
}

pub(super) fn merge(sources: &Sources) -> Result<Settings, Error> {
    let known = known_keys()?;
    let mut wrong = Vec::new();
    let mut merged = Merged::builder().add_source(File::from_str(DEFAULT, FileFormat::Toml));
    for path in &sources.files {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::one(format!(
                "the configuration file {} cannot be read: {error}",
                path.display()
            ))
        })?;
        let table: Table = toml::from_str(&text).map_err(|error| {
            Error::one(format!(
                "the configuration file {} is not TOML: {}",
                path.display(),
                located(&text, &error)
            ))
        })?;
        for key in flatten(&table) {
            check_key(&key, &in_file(path), &known, &mut wrong);
        }
        // By its path, so that a wrong type names it.
        merged = merged.add_source(File::from(path.as_path()).format(FileFormat::Toml));
    }
    let variables = variables(sources, &known, &mut wrong);
    if !wrong.is_empty() {
        return Err(Error(wrong));
    }
    let environment = Environment::with_prefix(PREFIX)
        .prefix_separator("__")
        .separator("__")
        .source(Some(variables));
    merged
        .add_source(environment)
        .build()
        .and_then(Merged::try_deserialize)
        .map_err(|error| Error::one(error.to_string()))
}

/// What is wrong and in which line, without the line: a secret may stand in it.
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

/// The variables that are ours; those that look so but are not used are mistakes.
fn variables(
    sources: &Sources,
    known: &[String],
    wrong: &mut Vec<String>,
) -> std::collections::HashMap<String, String> {
    let sections: Vec<&str> = known
        .iter()
        .filter_map(|key| key.split('.').next())
        .collect();
    let mut ours = std::collections::HashMap::new();
    for (name, value) in &sources.environment {
        let Some(rest) = name.strip_prefix(PREFIX) else {
            continue;
        };
        if let Some(path) = rest.strip_prefix("__") {
            let path = with_hyphens(path);
            let key = path.to_ascii_lowercase().replace("__", ".");
            check_key(&key, &format!("by the variable {name}"), known, wrong);
            ours.insert(format!("{PREFIX}__{path}"), value.clone());
            continue;
        }
        // Container platforms set OZMAP_CANCEL_PORT and the like for a service of this name: only what names a
        // section of ours was meant for us.
        let Some(single) = rest.strip_prefix('_').map(str::to_ascii_lowercase) else {
            continue;
        };
        if !sections
            .iter()
            .any(|section| single.starts_with(&format!("{section}_")))
        {
            continue;
        }
        let meant = meant(&single, known).map_or_else(String::new, |key| {
            let variable = key.to_ascii_uppercase().replace('.', "__");
            format!(": did you mean {PREFIX}__{variable}?")
        });
        wrong.push(format!(
            "the variable {name} is not used; two underscores separate the parts{meant}"
        ));
    }
    ours
}

/// A variable's name has no hyphens, but some schemes have: `ALSO__PLIVO_V3` means `also.plivo-v3`.
fn with_hyphens(path: &str) -> String {
    let mut parts: Vec<String> = path.split("__").map(str::to_owned).collect();
    if let [section, _, also, scheme, _] = parts.as_mut_slice()
        && section.eq_ignore_ascii_case("channels")
        && also.eq_ignore_ascii_case("also")
    {
        *scheme = scheme.replace('_', "-");
    }
    parts.join("__")
}

/// The key that was meant by a name whose parts are not separated well.
fn meant(name: &str, known: &[String]) -> Option<String> {
    let name = name.replace("__", "_");
    if let Some(of_channel) = name.strip_prefix("channels_") {
        return of_any_channel().find_map(|setting| {
            let written = setting.replace(['.', '-'], "_");
            let channel = of_channel.strip_suffix(&written)?.strip_suffix('_')?;
            let setting = setting.replace('-', "_");
            (!channel.is_empty()).then(|| format!("channels.{channel}.{setting}"))
        });
    }
    known
        .iter()
        .find(|key| key.replace('.', "_") == name)
        .cloned()
}

fn known_keys() -> Result<Vec<String>, Error> {
    let defaults: Table =
        toml::from_str(DEFAULT).map_err(|error| Error::one(format!("default.toml: {error}")))?;
    let mut known = flatten(&defaults);
    known.extend(FILE_KEYS.map(str::to_owned));
    known.extend(of_any_channel().map(|key| format!("channels.NAME.{key}")));
    Ok(known)
}

/// The keys of a channel, the longest ones first.
fn of_any_channel() -> impl Iterator<Item = String> {
    let also = Scheme::NAMES
        .into_iter()
        .flat_map(|scheme| ALSO_KEYS.map(|key| format!("also.{scheme}.{key}")));
    let proof = PROOF_KEYS.map(|key| format!("proof.{key}"));
    also.chain(proof).chain(CHANNEL_KEYS.map(str::to_owned))
}

/// `section.key` for every value; lists are values.
fn flatten(table: &Table) -> Vec<String> {
    table
        .iter()
        .flat_map(|(name, value)| match value {
            Value::Table(inner) if !inner.is_empty() => flatten(inner)
                .into_iter()
                .map(|key| format!("{name}.{key}"))
                .collect(),
            Value::Table(_)
            | Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_) => vec![name.clone()],
        })
        .collect()
}

fn check_key(key: &str, origin: &str, known: &[String], wrong: &mut Vec<String>) {
    let general = match key.split('.').collect::<Vec<_>>().as_slice() {
        ["channels", name, table @ ("also" | "proof")] => {
            wrong.push(format!(
                "channels.{name}.{table}, set {origin}, is not a table; write {}",
                match *table {
                    "also" => format!("[channels.{name}.also.SCHEME] with a secret"),
                    _ => format!("[channels.{name}.proof] and its keys"),
                }
            ));
            return;
        }
        ["channels", name, "also", scheme] => {
            wrong.push(format!("channels.{name}.also.{scheme}, set {origin}, has no secret; write [channels.{name}.also.{scheme}] with a secret or a secret_file"));
            return;
        }
        ["channels", _, rest @ ..] if !rest.is_empty() => {
            format!("channels.NAME.{}", rest.join("."))
        }
        ["channels", "directory"] => key.to_owned(),
        ["channels", name] => {
            wrong.push(format!("channels.{name}, set {origin}, is not a table; write [channels.{name}] and its keys"));
            return;
        }
        _ => key.to_owned(),
    };
    if known.contains(&general) {
        return;
    }
    let score = |candidate: &&String| strsim::jaro_winkler(candidate, &general);
    let nearest = known.iter().max_by(|a, b| score(a).total_cmp(&score(b)));
    let hint = nearest
        .map(|nearest| format!("; did you mean `{nearest}`?"))
        .unwrap_or_default();
    wrong.push(format!("there is no key `{key}`, set {origin}{hint}"));
}
