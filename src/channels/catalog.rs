//! The presets: the embedded ones and, over them, the operator's own files. Makes a codec of a
//! preset.
//!
//! It must never return a codec whose templates were not rendered once.

use std::collections::BTreeMap;
use std::path::Path;

use axum::http::HeaderValue;

use super::auth::{Scheme, SchemeOptions};
use super::keypad_and_speech::Vocabulary;
use super::message::Reader;
use super::platform::Platform;
use super::preset::{EMBEDDED, RuleSpec, Spec};
use super::template::Templates;
use crate::domain::Medium;

/// The name of the native JSON channel.
const NATIVE: &str = "json";

/// Why `acts_on` is rejected: an operator must not rely on a setting that has no effect.
const ACTS_ON_NOTHING: &str = "it has no one place with the name of a request, so `acts_on` would do nothing; it is for rasa, dialogflow-es, dialogflow-cx and lex";

/// How requests are read and answers written.
pub enum Codec {
    /// The native JSON channel.
    Native,
    /// Described by a preset.
    Platform(Box<Platform>),
}

/// The defaults of a preset, which a channel may override.
#[derive(Clone, Debug)]
pub struct PresetDefaults {
    /// The schemes by which the platform can authenticate.
    pub auth: Vec<String>,
    /// The deadline of an answer, in milliseconds.
    pub answer_ms_max: u64,
    /// How the reply reaches the customer.
    pub medium: Medium,
    /// Whether `server.public_url` must be set.
    pub needs_public_url: bool,
    /// The options of its authentication.
    pub proof: SchemeOptions,
}

/// The options that a channel sets for its preset.
#[derive(Clone, Copy, Debug)]
pub struct PresetOptions<'a> {
    /// The character that the key `*` means.
    pub separator: &'a str,
    /// The answer format of requests that name none; empty means the preset's own.
    pub format: &'a str,
    /// The names of requests that are acted on; empty means the preset's own names.
    pub acts_on: &'a [String],
}

/// Why a preset cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// No preset has this name.
    #[error("there is no preset `{name}`; the presets are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The known names.
        known: String,
    },
    /// Its file cannot be read or is invalid.
    #[error("the preset {file}: {why}")]
    Broken {
        /// The file.
        file: String,
        /// What is wrong, and where.
        why: String,
    },
}

/// All presets, by name, as their files.
#[derive(Clone, Debug)]
pub struct Catalog {
    files: BTreeMap<String, (String, String)>,
}

impl Catalog {
    /// The embedded presets and, over them, the files `PRESET.toml` of a folder, if one is given.
    ///
    /// # Errors
    /// [`CatalogError::Broken`] when the folder or a file cannot be read.
    pub fn load(directory: &str) -> Result<Self, CatalogError> {
        let mut files: BTreeMap<String, (String, String)> = EMBEDDED
            .iter()
            .map(|(name, text)| {
                (
                    (*name).to_owned(),
                    (format!("{name}.toml (embedded)"), (*text).to_owned()),
                )
            })
            .collect();
        if !directory.is_empty() {
            add_folder(&mut files, Path::new(directory))?;
        }
        Ok(Self { files })
    }

    /// The names of all presets and what each is for.
    ///
    /// # Errors
    /// [`CatalogError::Broken`] when a file cannot be understood.
    pub fn list(&self) -> Result<Vec<(String, String)>, CatalogError> {
        let mut listed = vec![(
            NATIVE.to_owned(),
            "any platform that can send JSON: the native channel".to_owned(),
        )];
        for name in self.files.keys() {
            listed.push((name.clone(), self.spec(name)?.about));
        }
        Ok(listed)
    }

    /// The file of a preset; its comments say what to fill in on the platform's side.
    ///
    /// # Errors
    /// [`CatalogError::Unknown`] when no preset has this name.
    pub fn text(&self, name: &str) -> Result<&str, CatalogError> {
        self.files
            .get(name)
            .map(|(_, text)| text.as_str())
            .ok_or_else(|| self.unknown(name))
    }

    /// The defaults of a preset.
    ///
    /// # Errors
    /// [`CatalogError`] when no preset has this name, or its file is invalid.
    pub fn usual(&self, name: &str) -> Result<PresetDefaults, CatalogError> {
        if name == NATIVE {
            return Ok(PresetDefaults {
                auth: vec!["bearer".to_owned()],
                answer_ms_max: 4_000,
                medium: Medium::Text,
                needs_public_url: false,
                proof: SchemeOptions::default(),
            });
        }
        let Spec { request, proof, .. } = self.spec(name)?;
        let is_none = |auth: &&String| !Scheme::NAMES.contains(&auth.as_str());
        if let Some(other) = request.auth.iter().find(is_none) {
            let why = format!("request.auth has \"{other}\"; write {}", Scheme::names());
            return Err(self.broken(name, why));
        }
        if request.auth.is_empty() {
            let why = format!("request.auth is empty; write {}", Scheme::names());
            return Err(self.broken(name, why));
        }
        let medium = match request.medium.as_str() {
            "text" => Medium::Text,
            "voice" => Medium::Voice,
            other => {
                return Err(self.broken(
                    name,
                    format!("request.medium = \"{other}\"; write \"text\" or \"voice\""),
                ));
            }
        };
        Ok(PresetDefaults {
            auth: request.auth,
            answer_ms_max: request.answer_ms_max,
            medium,
            needs_public_url: request.needs_public_url,
            proof,
        })
    }

    /// Compiles a preset and renders every answer once.
    ///
    /// # Errors
    /// [`CatalogError`] says what is wrong in which template.
    pub fn codec(&self, name: &str, choices: PresetOptions<'_>) -> Result<Codec, CatalogError> {
        let PresetOptions {
            separator,
            format,
            acts_on,
        } = choices;
        if name == NATIVE && acts_on.is_empty() {
            return Ok(Codec::Native);
        }
        if name == NATIVE {
            return Err(self.broken(name, ACTS_ON_NOTHING.to_owned()));
        }
        let mut spec = self.spec(name)?;
        self.choose(name, &mut spec, acts_on)?;
        incomplete(&spec).map_or(Ok(()), |why| Err(self.broken(name, why)))?;
        let templates = Templates::compile(&spec.answer, spec.echoed())
            .map_err(|why| self.broken(name, why))?;
        if !format.is_empty() && !spec.answer.format.contains_key(format) {
            let known: Vec<&str> = spec.answer.format.keys().map(String::as_str).collect();
            return Err(self.broken(
                name,
                format!(
                    "it has no format \"{format}\"; it has: {}",
                    known.join(", ")
                ),
            ));
        }
        let messages = spec.text.as_ref().map(|_| Reader::load()).transpose();
        let vocabulary = Vocabulary::load();
        let platform = Platform {
            vocabulary: vocabulary.map_err(|why| self.broken(name, why))?,
            messages: messages.map_err(|why| self.broken(name, why))?,
            spec,
            templates,
            separator: separator.to_owned(),
            format: format.to_owned(),
        };
        if let Some(other) = platform
            .methods()
            .iter()
            .find(|method| !matches!(**method, "GET" | "POST"))
        {
            let why = format!("it has the method \"{other}\"; write \"POST\" or \"GET\"");
            return Err(self.broken(name, why));
        }
        platform
            .validate_templates()
            .map_err(|why| self.broken(name, why))?;
        Ok(Codec::Platform(Box::new(platform)))
    }

    /// Replaces the preset's names of requests by the channel's own.
    fn choose(&self, name: &str, spec: &mut Spec, acts_on: &[String]) -> Result<(), CatalogError> {
        if acts_on.is_empty() {
            return Ok(());
        }
        let mut rules = spec
            .ignore
            .iter_mut()
            .filter(|rule| !rule.unless.is_empty());
        let (Some(rule), None) = (rules.next(), rules.next()) else {
            return Err(self.broken(name, ACTS_ON_NOTHING.to_owned()));
        };
        rule.unless = acts_on.to_vec();
        Ok(())
    }

    fn spec(&self, name: &str) -> Result<Spec, CatalogError> {
        let text = self.text(name)?;
        let spec: Spec =
            toml::from_str(text).map_err(|error| self.broken(name, error.to_string()))?;
        let turns = spec.turns.iter();
        let turns = turns.flat_map(|turns| turns.cut_off.iter().chain(&turns.silent));
        match spec.ignore.iter().chain(turns).find_map(RuleSpec::problem) {
            Some(why) => Err(self.broken(name, why.to_owned())),
            None => Ok(spec),
        }
    }

    fn unknown(&self, name: &str) -> CatalogError {
        let known: Vec<&str> = std::iter::once(NATIVE)
            .chain(self.files.keys().map(String::as_str))
            .collect();
        CatalogError::Unknown {
            name: name.to_owned(),
            known: known.join(", "),
        }
    }

    fn broken(&self, name: &str, why: String) -> CatalogError {
        let file = self.files.get(name).map_or(name, |(file, _)| file.as_str());
        CatalogError::Broken {
            file: file.to_owned(),
            why,
        }
    }
}

/// What is missing in a preset that could not serve a single request.
fn incomplete(spec: &Spec) -> Option<String> {
    let fields = &spec.fields;
    let places = [&fields.code, &fields.digits, &fields.speech, &fields.text];
    let objects = [&fields.members, &fields.parameters];
    if places.iter().all(|places| places.is_empty())
        && objects.iter().all(|objects| objects.is_empty())
    {
        let why = "[fields] names no place of the code; write code = [\"/pointer/into/the/body\"], digits, speech or text, or members = [\"body\"]";
        return Some(why.to_owned());
    }
    if !fields.text.is_empty() && spec.text.is_none() {
        let why = "it has fields.text, but no table [text] that says how a code is found there";
        return Some(why.to_owned());
    }
    let formats = spec.answer.format.values();
    let mut types = std::iter::once(&spec.answer.content_type)
        .chain(formats.map(|format| &format.content_type));
    let is_media_type = |text: &str| {
        text.contains('/') && HeaderValue::from_str(text).is_ok_and(|text| text.to_str().is_ok())
    };
    types.find(|text| !is_media_type(text)).map(|text| {
        format!("content_type = {text:?} is not valid; write for example \"application/json\"")
    })
}

fn add_folder(
    files: &mut BTreeMap<String, (String, String)>,
    directory: &Path,
) -> Result<(), CatalogError> {
    let broken = |path: &Path, why: String| CatalogError::Broken {
        file: path.display().to_string(),
        why,
    };
    let entries =
        std::fs::read_dir(directory).map_err(|error| broken(directory, error.to_string()))?;
    for entry in entries {
        let path = entry
            .map_err(|error| broken(directory, error.to_string()))?
            .path();
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default()
            .to_owned();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        if name == NATIVE {
            return Err(broken(
                &path,
                "the native channel cannot be overridden; give the file another name".to_owned(),
            ));
        }
        let text =
            std::fs::read_to_string(&path).map_err(|error| broken(&path, error.to_string()))?;
        files.insert(name, (path.display().to_string(), text));
    }
    Ok(())
}
