//! Makes the channels from their tables: preset, language, limits. `auth` makes their
//! authentication.
//!
//! It must never return a channel with a part of its settings left out.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::auth::{AuthContext, Reach, schemes};
use super::{Problems, parse_locale, settings};
use crate::channels::{Catalog, Channel, PresetOptions, StateSigner};
use crate::domain::{Locale, Medium};

/// What a channel takes from the rest of the configuration.
pub(super) struct ServerContext {
    pub(super) listen: Option<SocketAddr>,
    pub(super) locale: Option<Locale>,
    pub(super) public_url: String,
    pub(super) code_pattern: Option<regex::Regex>,
}

impl ServerContext {
    fn reach(&self) -> Reach {
        match self.listen {
            Some(address) if !address.ip().is_loopback() => Reach::Others,
            // A public URL means a proxy in front, which makes a loopback listener reachable.
            _ if !self.public_url.is_empty() => Reach::Others,
            _ => Reach::ThisMachine,
        }
    }
}

/// All channels; the problems of each are collected.
pub(super) fn assemble(
    settings: settings::Channels,
    surroundings: &ServerContext,
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
    surroundings: &ServerContext,
    warnings: &mut Vec<String>,
) -> Result<Channel, String> {
    let key = |setting: &str| format!("channels.{name}.{setting}");
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if name.is_empty() || !name.bytes().all(fits) {
        return Err(format!(
            "channels.{name}: the name is part of a URL; write letters, digits, - and _ only"
        ));
    }
    let bad_preset = |error| format!("{} = \"{}\": {error}", key("preset"), settings.preset);
    let usual = catalog.usual(&settings.preset).map_err(bad_preset)?;
    let codec = catalog
        .codec(
            &settings.preset,
            PresetOptions {
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
            "{} = 0; write a little less than the milliseconds that the platform waits",
            key("answer_ms_max")
        ));
    }
    let (duplicate_window_s, replay_s, numeric_codes, per_second_max) = (
        settings.duplicate_window_s,
        settings.replay_s,
        settings.numeric_codes,
        settings.per_second_max,
    );
    let stage = AuthContext {
        channel: name,
        reach: surroundings.reach(),
        public_url: &surroundings.public_url,
    };
    let auth = schemes(&stage, settings, usual, warnings)?;
    Ok(Channel {
        name: name.to_owned(),
        seal: StateSigner::of(&auth),
        auth,
        codec,
        locale,
        medium,
        answer_ms_max,
        duplicate_window_s,
        replay_s,
        numeric_codes,
        code_pattern: surroundings.code_pattern.clone(),
        per_second_max,
        public_url: surroundings.public_url.clone(),
    })
}
