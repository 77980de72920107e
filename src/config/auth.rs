//! Makes the authentication of a channel: the scheme under `auth` and those under `also`, each with
//! its own secrets.
//!
//! It must reject what would make a channel weaker than it looks: a secret that can be guessed,
//! `none` beside another scheme, one scheme written twice.

use secrecy::{ExposeSecret, SecretString};

use super::secret::{for_a_header, published, secret};
use super::settings;
use crate::channels::{Auth, PresetDefaults, Scheme, SchemeOptions, SecretError};

/// The fewest characters of a shared secret on a listener that other machines can reach.
const SECRET_CHARS_MIN: usize = 16;

/// Which machines can reach the listener.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    ThisMachine,
    Others,
}

/// The channel that the schemes are for.
pub(super) struct AuthContext<'a> {
    pub(super) channel: &'a str,
    pub(super) reach: Reach,
    pub(super) public_url: &'a str,
}

/// A scheme as it is configured: its name, the key that names it, and its secret.
struct SchemeConfig {
    scheme: String,
    named_by: String,
    secret_key: String,
    secret: Option<SecretString>,
    secret_file: Option<String>,
}

impl AuthContext<'_> {
    fn key(&self, setting: &str) -> String {
        format!("channels.{}.{setting}", self.channel)
    }
}

/// The authentication of a channel.
pub(super) fn schemes(
    stage: &AuthContext<'_>,
    settings: settings::Channel,
    usual: PresetDefaults,
    warnings: &mut Vec<String>,
) -> Result<Auth, String> {
    let options = settings.proof.unwrap_or_default().or(usual.proof);
    let first = SchemeConfig {
        scheme: settings
            .auth
            .or_else(|| usual.auth.first().cloned())
            .unwrap_or_default(),
        named_by: stage.key("auth"),
        secret_key: stage.key("secret"),
        secret: settings.secret,
        secret_file: settings.secret_file,
    };
    if settings.also.contains_key("none") {
        return Err(format!(
            "{} would accept every caller; remove it",
            stage.key("also.none")
        ));
    }
    if first.scheme == "none" {
        if settings.also.is_empty() {
            return open(&first.named_by, stage.reach, warnings);
        }
        return Err(format!(
            "{} = \"none\" accepts every caller, whatever {} says; write one of those schemes instead",
            first.named_by,
            stage.key("also")
        ));
    }
    if settings.also.contains_key(&first.scheme) {
        return Err(format!(
            "{0} = \"{1}\" and {2} are the same scheme; keep one of them, with both secrets in it, separated by white space",
            first.named_by,
            first.scheme,
            stage.key(&format!("also.{}", first.scheme))
        ));
    }
    let mut schemes = vec![scheme(stage, first, &options, warnings)?];
    for (name, also) in settings.also {
        let named_by = stage.key(&format!("also.{name}"));
        if also.secret.is_none()
            && also.secret_file.is_none()
            && Scheme::NAMES.contains(&name.as_str())
        {
            return Err(format!(
                "{named_by} has no secret; write [{named_by}] with a secret or a secret_file"
            ));
        }
        let wanted = SchemeConfig {
            secret_key: format!("{named_by}.secret"),
            scheme: name,
            named_by,
            secret: also.secret,
            secret_file: also.secret_file,
        };
        schemes.push(scheme(stage, wanted, &options, warnings)?);
    }
    Ok(Auth::any_of(schemes))
}

fn scheme(
    stage: &AuthContext<'_>,
    wanted: SchemeConfig,
    options: &SchemeOptions,
    warnings: &mut Vec<String>,
) -> Result<Scheme, String> {
    let SchemeConfig {
        scheme: name,
        named_by,
        secret_key,
        ..
    } = &wanted;
    if !Scheme::NAMES.contains(&name.as_str()) {
        let nearest = nearest(name).map_or_else(String::new, |nearest| {
            format!("; did you mean \"{nearest}\"?")
        });
        return Err(format!(
            "{named_by} = \"{name}\"; write {}{nearest}",
            Scheme::names()
        ));
    }
    let secret = secret(
        secret_key,
        wanted.secret.clone(),
        wanted.secret_file.as_deref(),
        warnings,
    )?;
    if matches!(name.as_str(), "bearer" | "header") {
        for_a_header(secret_key, &secret)?;
    }
    published(secret_key, &secret, warnings);
    let scheme = Scheme::parse(name, &secret, options).map_err(|error| match error {
        SecretError::NoOption(option) => format!(
            "{named_by}: the scheme \"{name}\" needs a place to look; write {}",
            stage.key(&format!("proof.{option}"))
        ),
        SecretError::BadOption(..) => format!("{named_by} (\"{name}\"): {error}"),
        SecretError::Empty
        | SecretError::UnknownScheme(_)
        | SecretError::NotWhsec
        | SecretError::Length
        | SecretError::NotBase64
        | SecretError::NotCredentials
        | SecretError::NotPublicKey => format!("{secret_key}: {error}"),
    })?;
    match name.as_str() {
        // Their length was checked already, or it is a public key.
        "standard-webhooks" | "ed25519" => {}
        "basic" => check_strength(secret_key, &passwords(&secret), stage.reach, warnings)?,
        _ => check_strength(secret_key, &secret, stage.reach, warnings)?,
    }
    if scheme.needs_public_url() && stage.public_url.is_empty() {
        return Err(format!(
            "{named_by} = \"{name}\" needs server.public_url, the start of the URL that the platform calls"
        ));
    }
    Ok(scheme)
}

/// The most similar scheme.
fn nearest(name: &str) -> Option<&'static str> {
    let score = |candidate: &&&str| strsim::jaro_winkler(candidate, name);
    Scheme::NAMES
        .iter()
        .max_by(|a, b| score(a).total_cmp(&score(b)))
        .copied()
        .filter(|nearest| strsim::jaro_winkler(nearest, name) > 0.7)
}

/// The passwords of `user:password` pairs.
fn passwords(credentials: &SecretString) -> SecretString {
    let passwords: Vec<&str> = credentials
        .expose_secret()
        .split_whitespace()
        .filter_map(|one| one.split_once(':'))
        .map(|(_, password)| password)
        .collect();
    SecretString::from(passwords.join(" "))
}

/// A channel without authentication.
fn open(key: &str, reach: Reach, warnings: &mut Vec<String>) -> Result<Auth, String> {
    match reach {
        Reach::ThisMachine => {
            warnings.push(format!(
                "{key} = \"none\": every program on this machine can cancel reservations"
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
    let lengths = || {
        let each = secret.expose_secret().split_whitespace();
        each.map(|one| one.chars().count())
    };
    if lengths().min().unwrap_or(0) >= SECRET_CHARS_MIN {
        return Ok(());
    }
    let several = lengths().count();
    if several > 1 {
        // A pass phrase: each of its words alone would be a valid secret.
        return Err(format!(
            "{key} is {several} secrets, because blanks and line breaks separate them; one is shorter than {SECRET_CHARS_MIN} characters and can be guessed. Write one without blanks, or several that are all long enough"
        ));
    }
    let problem = format!(
        "{key} is shorter than {SECRET_CHARS_MIN} characters and can be guessed; write a random one of 32 or more"
    );
    match reach {
        Reach::ThisMachine => {
            warnings.push(problem);
            Ok(())
        }
        Reach::Others => Err(problem),
    }
}
