//! Makes channels of their tables: preset, proof, language.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use secrecy::{ExposeSecret, SecretString};

use super::settings;
use super::{Problems, parse_locale, secret};
use crate::channels::{Auth, Catalog, Channel, SecretError, Usual};
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
        .codec(&settings.preset, &settings.separator, &settings.format)
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
    let auth = auth(name, settings, &usual, surroundings.reach(), warnings)?;
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

fn auth(
    name: &str,
    settings: settings::Channel,
    usual: &Usual,
    reach: Reach,
    warnings: &mut Vec<String>,
) -> Result<Auth, String> {
    let key = |setting: &str| format!("channels.{name}.{setting}");
    let secret = |setting: Option<SecretString>| {
        secret(&key("secret"), setting, settings.secret_file.as_deref())
    };
    let bad = |error: SecretError| format!("{}: {error}", key("secret"));
    let wanted = settings
        .auth
        .clone()
        .or_else(|| usual.auth.first().cloned())
        .unwrap_or_default();
    match wanted.as_str() {
        "bearer" => {
            let secret = secret(settings.secret)?;
            check_strength(&key("secret"), &secret, reach, warnings)?;
            Auth::bearer(&secret).map_err(bad)
        }
        "standard-webhooks" => Auth::standard_webhooks(&secret(settings.secret)?).map_err(bad),
        "none" if reach == Reach::ThisMachine => {
            warnings.push(format!(
                "{} = \"none\": everybody on this machine may cancel reservations",
                key("auth")
            ));
            Ok(Auth::None)
        }
        "none" => Err(format!(
            "{} = \"none\" is only allowed while server.listen is a loopback address; set a secret and write \"bearer\" or \"standard-webhooks\"",
            key("auth")
        )),
        other => Err(format!(
            "{} = \"{other}\"; write \"bearer\", \"standard-webhooks\" or \"none\"",
            key("auth")
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
