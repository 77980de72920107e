//! Reads the configuration, and makes the settings of every part of the service from it.
//!
//! Only the binary uses it; every other module is handed values. It must never print a secret.
//!
//! - `layers`         merges the embedded defaults, the files and the environment
//! - `settings`       the configuration as it is written: one struct per table
//! - `keys`, `introspect`   which keys exist, taken from those structs; suggestions for unknown
//!   ones
//! - `environment`    which variables are settings; `overrides` warns when one beats a file
//! - `secret`         reads secrets from a key or a file
//! - `addresses`, `limits`, `journal`, `ozmap`, `policy`, `code_pattern`   validate single sections
//! - `channels`       assembles the channels; `auth` their authentication

mod addresses;
mod auth;
mod channels;
mod code_pattern;
mod environment;
mod introspect;
mod journal;
mod keys;
mod layers;
mod limits;
mod overrides;
mod ozmap;
mod policy;
mod secret;
mod settings;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use jiff::tz::TimeZone;
pub use layers::Sources;
use secrecy::ExposeSecret;
use settings::Settings;

use crate::cancel::Rules;
use crate::channels::Channel;
use crate::domain::Locale;
use crate::guard::{self, Policy};
use crate::http::Limits;
use crate::journal::{JournalUrl, Times};
use crate::ozmap as client;

/// All problems of a configuration; each line names the key and what to write instead.
#[derive(Debug)]
pub struct Error(Vec<String>);

impl Error {
    fn one(problem: String) -> Self {
        Self(vec![problem])
    }

    /// The problems, one sentence each.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Error {}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// A valid configuration.
pub struct Config {
    /// The listen address.
    pub listen: SocketAddr,
    /// The limits of the HTTP server.
    pub limits: Limits,
    /// How OZmap is reached.
    pub ozmap: client::Settings,
    /// The location of the journal.
    pub journal: JournalUrl,
    /// Its leases and deadlines.
    pub times: Times,
    /// What the guard refuses.
    pub policy: Policy,
    /// Rate limits, dry run, pause and other rules.
    pub rules: Rules,
    /// The default language.
    pub locale: Locale,
    /// The directory with the operator's own replies, or an empty text.
    pub replies_directory: String,
    /// The provider's time zone.
    pub time_zone: TimeZone,
    /// The log filter.
    pub log_filter: String,
    /// The log format.
    pub log_format: LogFormat,
    /// The channels by name.
    pub channels: BTreeMap<String, Channel>,
    /// Warnings: valid, but probably not what the operator wants.
    pub warnings: Vec<String>,
}

/// Every key that a configuration may set, as `section.key`; those of a channel are under
/// `channels.NAME`.
///
/// # Errors
/// [`Error`] when the keys cannot be found out: a mistake of this program.
pub fn keys() -> Result<Vec<String>, Error> {
    Ok(keys::Keys::known()?.into_all())
}

/// Only the location of the journal, for commands that need nothing else.
///
/// # Errors
/// [`Error`] when a file cannot be read, a key is unknown, or the location is invalid.
pub fn journal_place(sources: &Sources) -> Result<JournalUrl, Error> {
    let (settings, _) = layers::merge(sources)?;
    let mut problems = Problems::default();
    journal::place(settings.journal, &mut problems, &mut Vec::new()).ok_or(Error(problems.0))
}

/// Only the directory of the operator's own presets, or an empty text.
///
/// # Errors
/// [`Error`] when a file cannot be read or a key is unknown.
pub fn presets_directory(sources: &Sources) -> Result<String, Error> {
    Ok(layers::merge(sources)?.0.channels.directory)
}

/// Only the directory of the operator's own replies, or an empty text.
///
/// # Errors
/// [`Error`] when a file cannot be read or a key is unknown.
pub fn replies_directory(sources: &Sources) -> Result<String, Error> {
    Ok(layers::merge(sources)?.0.replies.directory)
}

/// Only the listen address.
///
/// # Errors
/// [`Error`] when a file cannot be read, a key is unknown, or it is not an address.
pub fn listen(sources: &Sources) -> Result<SocketAddr, Error> {
    let (settings, _) = layers::merge(sources)?;
    addresses::listen(&settings.server.listen).map_err(Error::one)
}

impl Config {
    /// Merges and validates all layers.
    ///
    /// # Errors
    /// [`Error`] lists all problems, not only the first.
    pub fn load(sources: &Sources) -> Result<Self, Error> {
        let (settings, warnings) = layers::merge(sources)?;
        let mut problems = Problems::default();
        let config = assemble(settings, warnings, &mut problems);
        match config {
            Some(config) if problems.0.is_empty() => Ok(config),
            _ => Err(Error(problems.0)),
        }
    }
}

/// Collects problems, so that all of them are reported at once.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn check<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|problem| self.0.push(problem)).ok()
    }

    fn require(&mut self, holds: Result<(), String>) {
        let _ = self.check(holds);
    }
}

fn assemble(
    mut settings: Settings,
    mut warnings: Vec<String>,
    problems: &mut Problems,
) -> Option<Config> {
    let listen = problems.check(addresses::listen(&settings.server.listen));
    let locale = problems.check(parse_locale(
        "replies.default_locale",
        &settings.replies.default_locale,
    ));
    let time_zone = problems.check(TimeZone::get(&settings.replies.time_zone).map_err(|_| {
        format!(
            "replies.time_zone = \"{}\" is not a time zone; write one like America/Sao_Paulo",
            settings.replies.time_zone
        )
    }));
    let public_url = problems.check(addresses::public_url(&settings.server.public_url));
    limits::check_times(&settings, problems);
    warnings.extend(limits::tight_times(&settings));
    let rules = policy::rules(&settings, time_zone.clone(), problems);
    let surroundings = channels::ServerContext {
        listen,
        locale,
        // An invalid address is reported already; a channel that needs one must not report it as
        // missing.
        public_url: public_url.unwrap_or_else(|| settings.server.public_url.clone()),
        code_pattern: rules.as_ref().and_then(|rules| rules.code_pattern.clone()),
    };
    let channels = channels::assemble(
        std::mem::take(&mut settings.channels),
        &surroundings,
        problems,
        &mut warnings,
    );
    if let Some(Rules {
        code_pattern: Some(whole),
        ..
    }) = &rules
    {
        let pattern = settings.policy.code_pattern.as_str();
        warnings.extend(code_pattern::warnings(pattern, whole));
        let lost = |channel| code_pattern::not_found_in_text(channel, pattern, whole);
        warnings.extend(channels.values().filter_map(lost));
    }
    let policy = policy::policy(&settings, problems);
    let log_format = problems.check(match settings.log.format.as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        other => Err(format!(
            "log.format = \"{other}\"; write \"text\" or \"json\""
        )),
    });
    let limits = limits::limits(&settings);
    let times = Times {
        lease_ms: signed(settings.journal.lease_ms),
        settle_ms: signed(settings.journal.settle_ms),
        deadline_ms: signed(settings.journal.give_up_s.saturating_mul(1_000)),
    };
    let guard_age = Duration::from_millis(settings.journal.guard_age_ms_max);
    let ozmap = ozmap::client(settings.ozmap, guard_age, problems, &mut warnings);
    let is_nameless =
        |ozmap: &client::Settings| client::key_user(ozmap.api_key.expose_secret()).is_none();
    if policy.as_ref().is_some_and(Policy::is_for_the_key_alone)
        && ozmap.as_ref().is_some_and(is_nameless)
    {
        warnings.push(guard::NAMELESS_KEY.to_owned());
    }
    let journal = journal::place(settings.journal, problems, &mut warnings);
    Some(Config {
        listen: listen?,
        limits,
        ozmap: ozmap?,
        journal: journal?,
        times,
        policy: policy?,
        rules: rules?,
        locale: locale?,
        replies_directory: settings.replies.directory,
        time_zone: time_zone?,
        log_filter: settings.log.filter,
        log_format: log_format?,
        channels,
        warnings,
    })
}

fn parse_locale(key: &str, tag: &str) -> Result<Locale, String> {
    Locale::parse(tag).ok_or_else(|| format!("{key} = \"{tag}\"; write one of {}", Locale::list()))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX / 4)
}
