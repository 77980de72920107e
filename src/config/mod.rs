//! Makes the parts' settings of what the operator wrote, and refuses what contradicts itself.
//!
//! Only the binary uses it: every other module is handed values. It must never print a secret.

mod addresses;
mod channels;
mod environment;
mod introspect;
mod journal;
mod keys;
mod layers;
mod limits;
mod overrides;
mod proof;
mod samples;
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
use crate::guard::{self, Check, OnInstalled, Policy};
use crate::http::Limits;
use crate::journal::{Place, Times};
use crate::ozmap::{self, AuthScheme, NotFoundAnswer, PlainHttp, Trust, parse_pin};

/// Everything that is wrong with a configuration; each line names the key and what to write instead.
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

/// A configuration that fits together.
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What a caller may take.
    pub limits: Limits,
    /// How OZmap is reached.
    pub ozmap: ozmap::Settings,
    /// Where the journal is.
    pub journal: Place,
    /// The times it keeps to.
    pub times: Times,
    /// What the guard refuses.
    pub policy: Policy,
    /// What the operator set beside that.
    pub rules: Rules,
    /// The language when nobody names one.
    pub locale: Locale,
    /// The folder with the operator's own sentences, or an empty text.
    pub replies_directory: String,
    /// Where the provider is.
    pub time_zone: TimeZone,
    /// What is logged.
    pub log_filter: String,
    /// How it is logged.
    pub log_format: LogFormat,
    /// The ways in.
    pub channels: BTreeMap<String, Channel>,
    /// What works but should be looked at.
    pub warnings: Vec<String>,
}

/// Every key that a configuration may set, as `section.key`; those of a channel are under `channels.NAME`.
///
/// # Errors
/// [`Error`] when the keys cannot be found out: a mistake of this program.
pub fn keys() -> Result<Vec<String>, Error> {
    Ok(keys::Keys::known()?.into_all())
}

/// Only where the journal is, for verbs that need nothing else.
///
/// # Errors
/// [`Error`] when a file cannot be read, a key is none, or it is no place for a journal.
pub fn journal_place(sources: &Sources) -> Result<Place, Error> {
    let (settings, _) = layers::merge(sources)?;
    let mut problems = Problems::default();
    journal::place(settings.journal, &mut problems, &mut Vec::new()).ok_or(Error(problems.0))
}

/// Only where the operator's own presets are, or an empty text.
///
/// # Errors
/// [`Error`] when a file cannot be read or a key is none.
pub fn presets_directory(sources: &Sources) -> Result<String, Error> {
    Ok(layers::merge(sources)?.0.channels.directory)
}

/// Only where a provider's own sentences are.
///
/// # Errors
/// [`Error`] when a file cannot be read or a key is none.
pub fn replies_directory(sources: &Sources) -> Result<String, Error> {
    Ok(layers::merge(sources)?.0.replies.directory)
}

/// Only where the service listens.
///
/// # Errors
/// [`Error`] when a file cannot be read, a key is none, or it is not an address.
pub fn listen(sources: &Sources) -> Result<SocketAddr, Error> {
    let (settings, _) = layers::merge(sources)?;
    addresses::listen(&settings.server.listen).map_err(Error::one)
}

impl Config {
    /// Loads all layers and makes a configuration of them.
    ///
    /// # Errors
    /// [`Error`] lists everything that is wrong, not only the first.
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

/// Collects what is wrong, so that all of it is told at once.
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
    let rules = rules(&settings, time_zone.clone(), problems);
    let surroundings = channels::Surroundings {
        listen,
        locale,
        // Where it is no address a problem says so already; what needs one shall not complain as well.
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
        warnings.extend(samples::warnings(pattern, whole));
        let lost = |channel| samples::not_found_in_text(channel, pattern, whole);
        warnings.extend(channels.values().filter_map(lost));
    }
    let policy = policy(&settings, problems);
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
    let ozmap = ozmap_settings(settings.ozmap, guard_age, problems, &mut warnings);
    let is_nameless =
        |ozmap: &ozmap::Settings| ozmap::key_user(ozmap.api_key.expose_secret()).is_none();
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

fn policy(settings: &Settings, problems: &mut Problems) -> Option<Policy> {
    let policy = &settings.policy;
    let mut check = |key: &str, value: &str| {
        problems.check(match value {
            "review" => Ok(Check::Review),
            "ignore" => Ok(Check::Ignore),
            other => Err(format!(
                "policy.{key} = \"{other}\"; write \"review\" or \"ignore\""
            )),
        })
    };
    let install_evidence = check("install_evidence", &policy.install_evidence);
    let building_unit = check("building_unit", &policy.building_unit);
    let preexisting_property = check("preexisting_property", &policy.preexisting_property);
    let installed = problems.check(match policy.installed.as_str() {
        "refuse" => Ok(OnInstalled::Refuse),
        "review" => Ok(OnInstalled::Review),
        other => Err(format!("policy.installed = \"{other}\"; write \"refuse\" or \"review\"; an installed customer is never deleted")),
    });
    Some(Policy {
        installed: installed?,
        install_evidence: install_evidence?,
        building_unit: building_unit?,
        preexisting_property: preexisting_property?,
        only_created_by: policy.only_created_by.clone(),
    })
}

fn rules(
    settings: &Settings,
    time_zone: Option<TimeZone>,
    problems: &mut Problems,
) -> Option<Rules> {
    let policy = &settings.policy;
    let code_pattern = match policy.code_pattern.as_str() {
        "" => None,
        pattern => {
            // The whole code, whatever alternatives the pattern has.
            let whole = regex::Regex::new(&format!("^(?:{pattern})$"));
            Some(problems.check(whole.map_err(|error| {
                format!("policy.code_pattern is not a regular expression: {error}")
            }))?)
        }
    };
    Some(Rules {
        paused: policy.paused,
        dry_run: policy.dry_run,
        deletes_per_hour_max: policy.deletes_per_hour_max,
        codes_per_conversation_max: policy.codes_per_conversation_max,
        code_pattern,
        in_flight_max: settings.server.in_flight_max,
        time_zone: time_zone?,
    })
}

fn ozmap_settings(
    settings: settings::Ozmap,
    guard_age: Duration,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<ozmap::Settings> {
    if settings.base_url.is_empty() {
        let missing = "ozmap.base_url is not set; write the address of your OZmap, like https://provider.ozmap.com.br:9994";
        problems.require(Err(missing.to_owned()));
    }
    let api_key = secret::secret(
        "ozmap.api_key",
        Some(settings.api_key),
        settings.api_key_file.as_deref(),
        warnings,
    );
    let api_key = problems.check(api_key.and_then(|key| {
        secret::for_a_header("ozmap.api_key", &key)?;
        Ok(key)
    }));
    let auth_scheme = problems.check(match settings.auth_scheme.as_str() {
        "raw" => Ok(AuthScheme::Raw),
        "bearer" => Ok(AuthScheme::Bearer),
        other => Err(format!(
            "ozmap.auth_scheme = \"{other}\"; write \"raw\" or \"bearer\""
        )),
    });
    let answers: Result<Vec<NotFoundAnswer>, String> = settings
        .not_found_answers
        .iter()
        .map(|text| not_found_answer(text))
        .collect();
    let not_found_answers = problems.check(answers);
    let ca_pem = match settings.tls_ca_file.as_str() {
        "" => None,
        file => problems.check(secret::read("ozmap.tls_ca_file", file)),
    };
    let pin_sha256 = match settings.tls_pin_sha256.as_str() {
        "" => None,
        pin => problems.check(parse_pin(pin).ok_or_else(|| {
            "ozmap.tls_pin_sha256 is not a SHA-256 fingerprint; write 64 hexadecimal digits, colons allowed".to_owned()
        })),
    };
    Some(ozmap::Settings {
        base_url: settings.base_url,
        plain_http: if settings.allow_http {
            PlainHttp::Allowed
        } else {
            PlainHttp::LoopbackOnly
        },
        api_key: api_key?,
        auth_scheme: auth_scheme?,
        trust: Trust { ca_pem, pin_sha256 },
        concurrency_max: settings.concurrency_max,
        connect: Duration::from_millis(settings.connect_ms),
        lookup: Duration::from_millis(settings.lookup_ms),
        delete: Duration::from_millis(settings.delete_ms),
        not_found_answers: not_found_answers?,
        guard_age,
        lookups_apart: ozmap::LOOKUPS_APART,
    })
}

fn not_found_answer(text: &str) -> Result<NotFoundAnswer, String> {
    match text {
        "404" => Ok(NotFoundAnswer::Status404),
        "422" => Ok(NotFoundAnswer::Status422),
        "204" => Ok(NotFoundAnswer::Status204),
        "null" => Ok(NotFoundAnswer::Null),
        "{}" => Ok(NotFoundAnswer::EmptyObject),
        "empty" => Ok(NotFoundAnswer::EmptyBody),
        other => Err(format!(
            "ozmap.not_found_answers has \"{other}\"; there are \"404\", \"422\", \"204\", \"null\", \"{{}}\" and \"empty\""
        )),
    }
}

fn parse_locale(key: &str, tag: &str) -> Result<Locale, String> {
    Locale::parse(tag)
        .ok_or_else(|| format!("{key} = \"{tag}\"; write \"pt-BR\", \"es\" or \"en\""))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX / 4)
}
