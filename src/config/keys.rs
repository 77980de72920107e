//! The keys that exist, taken from the settings structs, and what to write in place of one that
//! does not.
//!
//! It must never hold a list of its own: a field of `settings` is a key, and nothing else is.

use super::Error;
use super::introspect::{ANY_NAME, keys_of};
use super::settings::{Channel, Settings};
use crate::channels::Scheme;

/// The keys that a configuration may set.
pub(super) struct Keys {
    /// `section.key`, sorted; a channel's keys are under `channels.NAME`.
    all: Vec<String>,
    /// The keys of a channel, the longest ones first, so that none is taken for the end of another.
    of_a_channel: Vec<String>,
}

impl Keys {
    /// Every key that the settings structs read.
    ///
    /// # Errors
    /// [`Error`] when a field has a type whose keys cannot be found out: a mistake of this program.
    pub(super) fn known() -> Result<Self, Error> {
        let failed = |error| Error::one(format!("the keys cannot be found out: {error}"));
        let mut all = expanded(keys_of::<Settings>().map_err(failed)?);
        all.sort_unstable();
        let mut of_a_channel = expanded(keys_of::<Channel>().map_err(failed)?);
        of_a_channel.sort_by_key(|key| std::cmp::Reverse(key.len()));
        Ok(Self { all, of_a_channel })
    }

    /// All of them.
    pub(super) fn into_all(self) -> Vec<String> {
        self.all
    }

    /// What is wrong with a key that was set, if anything. The origin says where, like `in
    /// own.toml`.
    pub(super) fn problem(&self, key: &str, origin: &str) -> Option<String> {
        if self.all.iter().any(|known| known == key) {
            return None;
        }
        let general = match key.split('.').collect::<Vec<_>>().as_slice() {
            ["channels", name] => {
                return Some(format!(
                    "channels.{name}, set {origin}, is not a table; write [channels.{name}] and its keys"
                ));
            }
            ["channels", name, "also"] => {
                return Some(format!(
                    "channels.{name}.also, set {origin}, is not a table; write [channels.{name}.also.SCHEME] with a secret"
                ));
            }
            ["channels", name, "proof"] => {
                return Some(format!(
                    "channels.{name}.proof, set {origin}, is not a table; write [channels.{name}.proof] and its keys"
                ));
            }
            ["channels", name, "also", scheme] => {
                return Some(format!(
                    "channels.{name}.also.{scheme}, set {origin}, is not a table; write [channels.{name}.also.{scheme}] with a secret or a secret_file"
                ));
            }
            ["channels", _, rest @ ..] => format!("channels.{ANY_NAME}.{}", rest.join(".")),
            _ => key.to_owned(),
        };
        if self.all.contains(&general) {
            return None;
        }
        let score = |candidate: &&String| strsim::jaro_winkler(candidate, &general);
        let nearest = self.all.iter().max_by(|a, b| score(a).total_cmp(&score(b)));
        let hint = nearest.map_or_else(String::new, |nearest| {
            format!("; did you mean `{nearest}`?")
        });
        Some(format!("there is no key `{key}`, set {origin}{hint}"))
    }

    /// What is wrong with an empty table, if anything. One may be empty because its keys come from
    /// the environment, as a secret does.
    pub(super) fn table_problem(&self, table: &str, origin: &str) -> Option<String> {
        let mut parts: Vec<&str> = table.split('.').collect();
        if let ["channels", name, ..] = parts.as_mut_slice() {
            *name = ANY_NAME;
        }
        let prefix = format!("{}.", parts.join("."));
        let is_known = self.all.iter().any(|key| key.starts_with(&prefix));
        if is_known {
            return None;
        }
        self.problem(table, origin)
    }

    /// The key that a variable's name means when its parts are not separated by two underscores.
    /// The name comes in small letters and without the prefix.
    pub(super) fn meant_by(&self, name: &str) -> Option<String> {
        let name = name.replace("__", "_");
        let name = name.trim_matches('_');
        self.of_a_named_channel(name)
            .or_else(|| self.named(name))
            .or_else(|| self.similar(name))
    }

    /// A channel's key, whatever the channel is called.
    fn of_a_named_channel(&self, name: &str) -> Option<String> {
        let of_channel = name.strip_prefix("channels_")?;
        self.of_a_channel.iter().find_map(|key| {
            let channel = of_channel.strip_suffix(&flat(key))?.strip_suffix('_')?;
            (!channel.is_empty()).then(|| format!("channels.{channel}.{key}"))
        })
    }

    /// The whole name of a key, its name without the section, or a usual word for it.
    fn named(&self, name: &str) -> Option<String> {
        let whole = self.all.iter().find(|key| flat(key) == name);
        let without_section = || {
            self.all.iter().find(|key| {
                key.split_once('.')
                    .is_some_and(|(_, last)| flat(last) == name)
            })
        };
        let alias = || ALIASES.iter().find(|(alias, _)| *alias == name);
        whole
            .or_else(without_section)
            .cloned()
            .or_else(|| alias().map(|(_, key)| (*key).to_owned()))
    }

    /// A key that is spelled almost like this.
    fn similar(&self, name: &str) -> Option<String> {
        let score = |key: &&String| strsim::jaro_winkler(&flat(key), name);
        let nearest = self.all.iter().max_by(|a, b| score(a).total_cmp(&score(b)));
        nearest.filter(|key| score(key) > 0.85).cloned()
    }
}

/// What other programs call a key.
const ALIASES: [(&str, &str); 4] = [
    ("port", "server.listen"),
    ("host", "server.listen"),
    ("address", "server.listen"),
    ("database_url", "journal.url"),
];

/// A key as a variable's name would write it with single underscores.
fn flat(key: &str) -> String {
    key.replace(['.', '-'], "_")
}

/// The keys, with those of a further scheme once for each scheme that there is.
fn expanded(keys: Vec<String>) -> Vec<String> {
    let any = format!("also.{ANY_NAME}.");
    keys.into_iter()
        .flat_map(|key| {
            if key.contains(&any) {
                Scheme::NAMES
                    .map(|scheme| key.replace(&any, &format!("also.{scheme}.")))
                    .to_vec()
            } else {
                vec![key]
            }
        })
        .collect()
}
