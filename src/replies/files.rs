//! Loads the sentences from the embedded files and from the operator's own files, which override
//! them.
//!
//! An operator's file may be older than this version: it must never remove a sentence that a later
//! version added.

use std::path::Path;

use serde::Deserialize;

use super::spoken::Spoken;
use super::{Error, Replies, bad_sentence, ids, template_name};
use crate::domain::{Locale, Medium};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentence {
    text: Option<String>,
    voice: Option<String>,
}

impl Replies {
    pub(super) fn add_embedded(&mut self) -> Result<(), Error> {
        for locale in Locale::ALL {
            let file = format!("{}.toml (embedded)", locale.id());
            self.add(locale, &file, locale.replies_file())?;
        }
        Ok(())
    }

    pub(super) fn override_from(&mut self, directory: &Path) -> Result<(), Error> {
        let bad = |file: &Path, why: String| Error::File {
            file: file.display().to_string(),
            why,
        };
        let entries =
            std::fs::read_dir(directory).map_err(|error| bad(directory, error.to_string()))?;
        for entry in entries {
            let path = entry
                .map_err(|error| bad(directory, error.to_string()))?
                .path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let locale = stem.and_then(Locale::from_id).ok_or_else(|| {
                let files = Locale::ALL.map(|locale| format!("{}.toml", locale.id()));
                let why = format!("no such language; the files are {}", files.join(", "));
                bad(&path, why)
            })?;
            let text =
                std::fs::read_to_string(&path).map_err(|error| bad(&path, error.to_string()))?;
            self.add(locale, &path.display().to_string(), &text)?;
        }
        Ok(())
    }

    fn add(&mut self, locale: Locale, file: &str, text: &str) -> Result<(), Error> {
        let bad = |why: String| Error::File {
            file: file.to_owned(),
            why,
        };
        let mut tables: toml::Table =
            toml::from_str(text).map_err(|error| bad(error.to_string()))?;
        if let Some(spoken) = tables.remove("spoken") {
            let spoken = table(spoken)
                .and_then(|spoken| Spoken::read(spoken, &embedded_spoken(locale)))
                .map_err(|why| bad(format!("[spoken]: {why}")))?;
            self.spoken.insert(locale.id(), spoken);
        }
        for (id, written) in tables {
            if !ids().contains(&id.as_str()) {
                return Err(bad(format!(
                    "there is no sentence [{id}]; there are: {}",
                    ids().join(", ")
                )));
            }
            let sentence: Sentence = written
                .try_into()
                .map_err(|error| bad(format!("[{id}]: {error}")))?;
            for (medium, template) in [
                (Medium::Text, sentence.text),
                (Medium::Voice, sentence.voice),
            ] {
                let Some(template) = template else { continue };
                self.templates
                    .add_template_owned(template_name(locale, medium, &id), template)
                    .map_err(|error| bad_sentence(locale, medium, &id, error.to_string()))?;
            }
        }
        Ok(())
    }
}

/// The embedded words of a language for spelling and dates.
fn embedded_spoken(locale: Locale) -> toml::Table {
    toml::from_str::<toml::Table>(locale.replies_file())
        .ok()
        .and_then(|mut tables| tables.remove("spoken"))
        .and_then(|spoken| table(spoken).ok())
        .unwrap_or_default()
}

fn table(value: toml::Value) -> Result<toml::Table, String> {
    let is = value.type_str();
    value
        .try_into()
        .map_err(|_| format!("is no table but a value of type {is}"))
}
