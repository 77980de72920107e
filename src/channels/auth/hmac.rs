//! Verifies an HMAC signature that a preset describes as data: Chatwoot, jambonz, Meta, GitHub,
//! Slack.
//!
//! It must never accept a description with a part that is not signed.

use secrecy::SecretString;

use super::error::{AuthError, SecretError};
use super::options::{Algorithm, Encoding, HmacSpec, header_name};
use super::secrets::{Secrets, decode};
use super::template::Template;
use super::{Inbound, check_clock, the_only};

/// A validated description and its secrets.
#[derive(Debug)]
pub struct Verifier {
    header: String,
    algorithm: Algorithm,
    encoding: Encoding,
    prefix: String,
    template: Template,
    timestamp: Option<Timestamp>,
    member: Option<String>,
    separator: Option<String>,
    id_header: Option<String>,
    tolerance_s: u64,
    secrets: Secrets,
}

/// Where the signed timestamp is.
#[derive(Debug)]
enum Timestamp {
    Header(String),
    /// In the signature's header, as a member beside the signature.
    Member(String),
}

impl Verifier {
    /// The header that holds the signature.
    pub(super) fn header(&self) -> &str {
        &self.header
    }

    pub(super) fn new(spec: &HmacSpec, secret: &SecretString) -> Result<Self, SecretError> {
        let template = Template::parse("hmac.signed", &spec.signed)?;
        let timestamp = timestamp(spec)?;
        let id_header = spec
            .id_header
            .as_deref()
            .map(|name| header_name("hmac.id_header", Some(name)))
            .transpose()?;
        // A part that is named but not signed proves nothing; one that is signed but not named
        // cannot be verified.
        if template.has_timestamp() != timestamp.is_some() {
            let problem = "has {timestamp} exactly when hmac.timestamp_header or hmac.timestamp_in_signature says where it is";
            return Err(SecretError::BadOption("hmac.signed", problem.to_owned()));
        }
        if template.has_id() != id_header.is_some() {
            let problem = "has {id} exactly when hmac.id_header says where it is";
            return Err(SecretError::BadOption("hmac.signed", problem.to_owned()));
        }
        let has_members =
            spec.signature_in_header.is_some() || matches!(timestamp, Some(Timestamp::Member(_)));
        if has_members && spec.signature_in_header.is_none() {
            return Err(SecretError::NoOption("hmac.signature_in_header"));
        }
        if spec.separator.as_deref() == Some("") {
            let problem = "is empty; leave it out when there is only one signature".to_owned();
            return Err(SecretError::BadOption("hmac.separator", problem));
        }
        let by_default = has_members.then(|| ",".to_owned());
        Ok(Self {
            header: header_name("hmac.header", Some(&spec.header))?,
            algorithm: spec.algorithm,
            encoding: spec.encoding,
            prefix: spec.prefix.clone(),
            template,
            timestamp,
            member: spec.signature_in_header.clone(),
            separator: spec.separator.clone().or(by_default),
            id_header,
            tolerance_s: spec.tolerance_s,
            secrets: Secrets::encoded(secret, spec.secret_encoding)?,
        })
    }

    pub(super) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    pub(super) fn check(&self, inbound: &Inbound<'_>) -> Result<(), AuthError> {
        let header = the_only(inbound, &self.header)?;
        let items: Vec<&str> = match &self.separator {
            Some(separator) => header.split(separator.as_str()).map(str::trim).collect(),
            None => vec![header],
        };
        let given: Vec<Vec<u8>> = items
            .iter()
            .filter_map(|item| self.signature(item))
            .collect();
        if given.is_empty() {
            return Err(AuthError::malformed(&self.header, self.form()));
        }
        let timestamp = self.timestamp(inbound, &items)?;
        let id = self.id(inbound)?;
        let parts = self.template.fill(id, timestamp, inbound.body);
        let expected = self.secrets.sign(self.algorithm, &parts);
        if !expected.hold(&given) {
            return Err(AuthError::Wrong(format!("`{}`", self.header)));
        }
        match &self.timestamp {
            None => Ok(()),
            Some(source) => {
                let (header, form) = self.place(source);
                let signed_at = timestamp
                    .parse()
                    .map_err(|_| AuthError::malformed(header, form))?;
                check_clock(inbound, &format!("`{header}`"), signed_at, self.tolerance_s)
            }
        }
    }

    fn signature(&self, item: &str) -> Option<Vec<u8>> {
        let value = match &self.member {
            Some(name) => member(item, name)?,
            None => item,
        };
        decode(self.encoding, value.strip_prefix(&self.prefix)?)
    }

    fn timestamp<'a>(
        &self,
        inbound: &Inbound<'a>,
        items: &[&'a str],
    ) -> Result<&'a str, AuthError> {
        let text = match &self.timestamp {
            None => return Ok(""),
            Some(Timestamp::Header(name)) => the_only(inbound, name)?,
            Some(Timestamp::Member(name)) => {
                let mut values = items.iter().filter_map(|item| member(item, name));
                match (values.next(), values.next()) {
                    (Some(value), None) => value,
                    (None | Some(_), _) => {
                        return Err(AuthError::malformed(&self.header, self.form()));
                    }
                }
            }
        };
        let is_number = text.parse::<i64>().is_ok();
        match &self.timestamp {
            Some(source) if !is_number => {
                let (header, form) = self.place(source);
                Err(AuthError::malformed(header, form))
            }
            Some(_) | None => Ok(text),
        }
    }

    fn id<'a>(&self, inbound: &Inbound<'a>) -> Result<&'a str, AuthError> {
        let Some(name) = &self.id_header else {
            return Ok("");
        };
        let id = the_only(inbound, name)?;
        if id.is_empty() || self.template.cuts(id) {
            let form = "an id without the characters between the signed parts";
            return Err(AuthError::malformed(name, form));
        }
        Ok(id)
    }

    /// The header that holds the signed time, and its form.
    fn place<'a>(&'a self, source: &'a Timestamp) -> (&'a str, String) {
        match source {
            Timestamp::Header(name) => (name, "seconds since 1970".to_owned()),
            Timestamp::Member(_) => (&self.header, self.form()),
        }
    }

    /// The expected form of the signature's header.
    fn form(&self) -> String {
        let encoding = match self.encoding {
            Encoding::Hex => "hexadecimal",
            Encoding::Base64 => "base64",
        };
        let time = match &self.timestamp {
            Some(Timestamp::Member(name)) => {
                let separator = self.separator.as_deref().unwrap_or_default();
                format!("{name}=SECONDS{separator}")
            }
            Some(Timestamp::Header(_)) | None => String::new(),
        };
        let member = self.member.as_ref().map(|name| format!("{name}="));
        format!(
            "`{time}{}{}SIGNATURE` in {encoding}",
            member.unwrap_or_default(),
            self.prefix
        )
    }
}

fn timestamp(spec: &HmacSpec) -> Result<Option<Timestamp>, SecretError> {
    match (&spec.timestamp_header, &spec.timestamp_in_signature) {
        (None, None) => Ok(None),
        (Some(name), None) => header_name("hmac.timestamp_header", Some(name))
            .map(|name| Some(Timestamp::Header(name))),
        (None, Some(name)) => Ok(Some(Timestamp::Member(name.clone()))),
        (Some(_), Some(_)) => Err(SecretError::BadOption(
            "hmac.timestamp_header",
            "and hmac.timestamp_in_signature exclude each other; keep one".to_owned(),
        )),
    }
}

/// The value of `name=value`.
fn member<'a>(item: &'a str, name: &str) -> Option<&'a str> {
    item.strip_prefix(name)?.strip_prefix('=')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests;
