//! The configuration as it is written: one struct per table of `config/default.toml`.
//!
//! Every field is a key (`keys` finds them); nothing is interpreted here.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::introspect::ANY_NAME;
use crate::channels::SchemeOptions;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) server: Server,
    pub(super) ozmap: Ozmap,
    pub(super) journal: Journal,
    pub(super) policy: Policy,
    pub(super) replies: Replies,
    pub(super) log: Log,
    pub(super) channels: Channels,
}

/// The channels by name, and the directory of the operator's own presets.
///
/// Deserialized by hand: with serde's `flatten` the text of a variable is not converted to a
/// number, and an error does not name its key.
#[derive(Default)]
pub(super) struct Channels {
    pub(super) directory: String,
    pub(super) by_name: BTreeMap<String, Channel>,
}

impl<'de> Deserialize<'de> for Channels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Channels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table with one table per channel")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Channels, A::Error> {
                let mut channels = Channels::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "directory" => channels.directory = map.next_value()?,
                        _ => drop(channels.by_name.insert(key, map.next_value()?)),
                    }
                }
                Ok(channels)
            }
        }
        deserializer.deserialize_struct("Channels", &["directory", ANY_NAME], Reader)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Server {
    pub(super) listen: String,
    pub(super) body_bytes_max: usize,
    pub(super) head_bytes_max: usize,
    pub(super) head_ms_max: u64,
    pub(super) body_ms_max: u64,
    pub(super) connections_max: usize,
    pub(super) in_flight_max: usize,
    pub(super) stop_notice_ms: u64,
    pub(super) drain_ms_max: u64,
    pub(super) public_url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ozmap {
    pub(super) base_url: String,
    pub(super) api_key: SecretString,
    pub(super) api_key_file: Option<String>,
    pub(super) auth_scheme: String,
    pub(super) concurrency_max: usize,
    pub(super) connect_ms: u64,
    pub(super) lookup_ms: u64,
    pub(super) delete_ms: u64,
    pub(super) tls_ca_file: String,
    pub(super) tls_pin_sha256: String,
    pub(super) allow_http: bool,
    #[serde(deserialize_with = "list")]
    pub(super) not_found_answers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    pub(super) url: SecretString,
    pub(super) url_file: Option<String>,
    pub(super) tls_ca_file: String,
    pub(super) allow_plain: bool,
    pub(super) allow_network_disk: bool,
    pub(super) disk_free_bytes_min: u64,
    pub(super) lease_ms: u64,
    pub(super) settle_ms: u64,
    pub(super) guard_age_ms_max: u64,
    pub(super) give_up_s: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) installed: String,
    pub(super) install_evidence: String,
    pub(super) building_unit: String,
    pub(super) preexisting_property: String,
    #[serde(deserialize_with = "list")]
    pub(super) only_created_by: Vec<String>,
    pub(super) code_pattern: String,
    pub(super) deletes_per_hour_max: u32,
    pub(super) codes_per_conversation_max: u32,
    pub(super) dry_run: bool,
    pub(super) paused: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Replies {
    pub(super) default_locale: String,
    pub(super) directory: String,
    pub(super) time_zone: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub(super) filter: String,
    pub(super) format: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Channel {
    #[serde(default = "preset_json")]
    pub(super) preset: String,
    pub(super) auth: Option<String>,
    pub(super) secret: Option<SecretString>,
    pub(super) secret_file: Option<String>,
    /// Further schemes by name; passing any one is enough.
    #[serde(default)]
    pub(super) also: BTreeMap<String, Also>,
    pub(super) proof: Option<SchemeOptions>,
    pub(super) locale: Option<String>,
    pub(super) medium: Option<String>,
    pub(super) answer_ms_max: Option<u64>,
    #[serde(default = "duplicate_window_s")]
    pub(super) duplicate_window_s: u32,
    #[serde(default = "replay_s")]
    pub(super) replay_s: u32,
    #[serde(default)]
    pub(super) numeric_codes: bool,
    #[serde(default)]
    pub(super) per_second_max: u32,
    #[serde(default = "separator")]
    pub(super) separator: String,
    #[serde(default)]
    pub(super) format: String,
    #[serde(default, deserialize_with = "list")]
    pub(super) acts_on: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Also {
    pub(super) secret: Option<SecretString>,
    pub(super) secret_file: Option<String>,
}

fn preset_json() -> String {
    "json".to_owned()
}

fn separator() -> String {
    "|".to_owned()
}

const fn duplicate_window_s() -> u32 {
    600
}

const fn replay_s() -> u32 {
    3_600
}

/// A list, or one text with commas, because environment variables have no lists.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Reader;
    impl<'de> Visitor<'de> for Reader {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of texts, or one text with commas")
        }

        fn visit_str<E>(self, text: &str) -> Result<Vec<String>, E> {
            Ok(text
                .split(',')
                .map(|part| part.trim().to_owned())
                .filter(|part| !part.is_empty())
                .collect())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
            let mut list = Vec::new();
            while let Some(text) = seq.next_element()? {
                list.push(text);
            }
            Ok(list)
        }
    }
    deserializer.deserialize_any(Reader)
}
