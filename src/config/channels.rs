//! Makes channels of their tables: preset, proof, language.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use secrecy::{ExposeSecret, SecretString};

use super::settings;
use super::{Problems, parse_locale, secret};
use crate::channels::{Auth, Catalog, Channel, Choices, Scheme, SecretError, Usual};
use crate::domain::{Locale, Medium};

/// The fewest characters of a shared secret on a listener that others can reach.
const SECRET_CHARS_MIN: usize = 16;

/// What a channel takes over from the rest of the configuration.
pub(super) struct Surroundings {
    pub(super) listen: Option<SocketAddr>,
    pub(super) locale: Option<Locale>,
    pub(super) public_url: String,
}

/// Who can reach the listener.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    ThisMachine,
    Others,
}

impl Surroundings {
    fn reach(&self) -> Reach {
        match self.listen {
            Some(address) if !address.ip().is_loopback() => Reach::Others,
            // A public address means a proxy in front: then a loopback listener is no protection.
            _ if !self.public_url.is_empty() => Reach::Others,
            _ => Reach::ThisMachine,
        }
    }
}

/// All channels; what is wrong with one is told beside what is wrong with the others.
pub(super) fn assemble(
    settings: settings::Channels,
    surroundings: &Surroundings,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> BTreeMap<String, Channel> {
    let mut channels = BTreeMap::new();
    if settings.by_name.is_empty() {
        let none = "there is no channel; set OZMAP_CANCEL__CHANNELS__CHATBOT__SECRET, or write [channels.chatbot] with a secret";
        problems.require(Err(none.to_owned()));
    }
    let catalog =
        Catalog::load(&settings.directory).map_err(|error| format!("channels.directory: {error}"));
    let Some(catalog) = problems.check(catalog) else {
        return channels;
    };
    for (name, settings) in settings.by_name {
        let channel = channel(&name, settings, &catalog, surroundings, warnings);
        if let Some(channel) = problems.check(channel) {
            channels.insert(name, channel);
        }
    }
    channels
}

fn channel(
    name: &str,
    settings: settings::Channel,
    catalog: &Catalog,
    surroundings: &Surroundings,
    warnings: &mut Vec<String>,
) -> Result<Channel, String> {
    let key = |setting: &str| format!("channels.{name}.{setting}");
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if name.is_empty() || !name.bytes().all(fits) {
        return Err(format!(
            "channels.{name}: the name stands in an address; write letters, digits, - and _ only"
        ));
    }
    let bad_preset = |error| format!("{} = \"{}\": {error}", key("preset"), settings.preset);
    let usual = catalog.usual(&settings.preset).map_err(bad_preset)?;
    let codec = catalog
        .codec(
            &settings.preset,
            Choices {
                separator: &settings.separator,
                format: &settings.format,
                acts_on: &settings.acts_on,
            },
        )
        .map_err(bad_preset)?;
    if usual.needs_public_url && surroundings.public_url.is_empty() {
        return Err(format!(
            "{} = \"{}\" needs server.public_url, the address under which the platform reaches this service",
            key("preset"),
            settings.preset
        ));
    }
    let medium = match settings.medium.as_deref() {
        None => usual.medium,
        Some("text") => Medium::Text,
        Some("voice") => Medium::Voice,
        Some(other) => {
            return Err(format!(
                "{} = \"{other}\"; write \"text\" or \"voice\"",
                key("medium")
            ));
        }
    };
    let locale = match &settings.locale {
        Some(tag) => parse_locale(&key("locale"), tag)?,
        None => surroundings.locale.unwrap_or(Locale::PtBr),
    };
    let answer_ms_max = settings.answer_ms_max.unwrap_or(usual.answer_ms_max);
    if answer_ms_max == 0 {
        return Err(format!(
            "{} = 0; write the milliseconds that the platform waits, less some",
            key("answer_ms_max")
        ));
    }
    let duplicate_window_s = settings.duplicate_window_s;
    let auth = auth(name, settings, &usual, surroundings, warnings)?;
    Ok(Channel {
        name: name.to_owned(),
        auth,
        codec,
        locale,
        medium,
        answer_ms_max,
        duplicate_window_s,
        public_url: surroundings.public_url.clone(),
    })
}

/// How the callers of a channel prove who they are.
fn auth(
    name: &str,
    settings: settings::Channel,
    usual: &Usual,
    surroundings: &Surroundings,
    warnings: &mut Vec<String>,
) -> Result<Auth, String> {
    let key = |setting: &str| format!("channels.{name}.{setting}");
    let reach = surroundings.reach();
    let wanted = settings
        .auth
        .or_else(|| usual.auth.first().cloned())
        .unwrap_or_default();
    if wanted == "none" {
        return open(&key("auth"), reach, warnings);
    }
    if !Scheme::NAMES.contains(&wanted.as_str()) {
        return Err(format!(
            "{} = \"{wanted}\"; write {}",
            key("auth"),
            Scheme::names()
        ));
    }
    let secret = secret(
        &key("secret"),
        settings.secret,
        settings.secret_file.as_deref(),
    )?;
    let scheme = Scheme::parse(&wanted, &secret, &usual.proof).map_err(|error| match error {
        SecretError::NoOption(_) | SecretError::BadOption(..) => {
            format!("{} = \"{wanted}\": {error}", key("auth"))
        }
        SecretError::Empty
        | SecretError::UnknownScheme(_)
        | SecretError::NotWhsec
        | SecretError::Length
        | SecretError::NotBase64
        | SecretError::NotCredentials
        | SecretError::NotPublicKey => format!("{}: {error}", key("secret")),
    })?;
    match wanted.as_str() {
        // Its length was checked already, and a public key is no secret.
        "standard-webhooks" | "ed25519" => {}
        "basic" => check_strength(&key("secret"), &passwords(&secret), reach, warnings)?,
        _ => check_strength(&key("secret"), &secret, reach, warnings)?,
    }
    if scheme.needs_public_url() && surroundings.public_url.is_empty() {
        return Err(format!(
            "{} = \"{wanted}\" needs server.public_url, the beginning of the address that the platform calls",
            key("auth")
        ));
    }
    Ok(Auth::any_of(vec![scheme]))
}

/// What of `user:password` must not be guessed.
fn passwords(credentials: &SecretString) -> SecretString {
    let passwords: Vec<&str> = credentials
        .expose_secret()
        .split_whitespace()
        .filter_map(|one| one.split_once(':'))
        .map(|(_, password)| password)
        .collect();
    SecretString::from(passwords.join(" "))
}

/// A channel that believes everybody.
fn open(key: &str, reach: Reach, warnings: &mut Vec<String>) -> Result<Auth, String> {
    match reach {
        Reach::ThisMachine => {
            warnings.push(format!(
                "{key} = \"none\": everybody on this machine may cancel reservations"
            ));
            Ok(Auth::any_of(vec![Scheme::None]))
        }
        Reach::Others => Err(format!(
            "{key} = \"none\" is only allowed while server.listen is a loopback address; set a secret and write \"bearer\" or \"standard-webhooks\""
        )),
    }
}

fn check_strength(
    key: &str,
    secret: &SecretString,
    reach: Reach,
    warnings: &mut Vec<String>,
) -> Result<(), String> {
    let shortest = secret
        .expose_secret()
        .split_whitespace()
        .map(|one| one.chars().count())
        .min()
        .unwrap_or(0);
    let problem = format!(
        "{key} is shorter than {SECRET_CHARS_MIN} characters and can be guessed; write a random one of 32 or more"
    );
    match reach {
        _ if shortest >= SECRET_CHARS_MIN => Ok(()),
        Reach::ThisMachine => {
            warnings.push(problem);
            Ok(())
        }
        Reach::Others => Err(problem),
    }
}
