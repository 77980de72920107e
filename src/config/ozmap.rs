//! Makes the settings of the OZmap client.
//!
//! It must never print the key.

use std::time::Duration;

use super::{Problems, secret, settings};
use crate::ozmap::{self, AuthScheme, NotFoundAnswer, PlainHttp, Trust, parse_pin};

/// The settings of the client.
pub(super) fn client(
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
            "ozmap.not_found_answers has \"{other}\"; write \"404\", \"422\", \"204\", \"null\", \"{{}}\" or \"empty\""
        )),
    }
}
