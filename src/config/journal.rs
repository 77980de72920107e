//! Makes the location of the journal from its settings.
//!
//! Its URL is a secret when it contains a password, so it must never be printed.

use secrecy::{ExposeSecret, SecretString};

use super::secret::{read, secret};
use super::{Problems, settings};
use crate::journal::{ConnectOptions, DiskRules, Error, JournalUrl, NetworkDisk, PlaintextPolicy};

pub(super) fn place(
    settings: settings::Journal,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<JournalUrl> {
    let file = settings.url_file.as_deref().filter(|file| !file.is_empty());
    let inline = match file {
        // The defaults name a SQLite file; an operator who sets url_file does not mean that one.
        Some(_) if settings.url.expose_secret().starts_with("sqlite:") => None,
        _ => Some(settings.url),
    };
    let url: SecretString = problems.check(secret("journal.url", inline, file, warnings))?;
    let ca_pem = match settings.tls_ca_file.as_str() {
        "" => None,
        file => Some(problems.check(read("journal.tls_ca_file", file))?),
    };
    let link = ConnectOptions {
        ca_pem,
        plain: if settings.allow_plain {
            PlaintextPolicy::Allowed
        } else {
            PlaintextPolicy::LoopbackOnly
        },
        disk: DiskRules {
            network: if settings.allow_network_disk {
                NetworkDisk::Allowed
            } else {
                NetworkDisk::Refused
            },
            free_bytes_min: settings.disk_free_bytes_min,
        },
    };
    let place = JournalUrl::parse(url.expose_secret(), &link);
    problems.check(place.map_err(|error| match error {
        Error::Open(why) => why,
        other @ (Error::InUse(_)
        | Error::Unavailable(_)
        | Error::NoRoom(_)
        | Error::Fenced
        | Error::Raced
        | Error::Joined
        | Error::Corrupt(_)) => other.to_string(),
    }))
}
