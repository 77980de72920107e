//! Secrets, signatures and seals are compared in constant time, so that the duration tells an
//! attacker nothing.

use super::source::Source;
use super::sources;

/// Comparisons that end at the first difference, so that their duration tells an attacker how much
/// of a guess was right.
const HASTY: [&str; 11] = [
    "==",
    "!=",
    ".eq(",
    ".ne(",
    ".eq_ignore_ascii_case(",
    ".cmp(",
    ".partial_cmp(",
    ".contains(",
    ".starts_with(",
    ".ends_with(",
    ".strip_prefix(",
];

/// Exempt comparisons in files that read secrets: of names, forms and lengths, which are neither
/// secret nor derived from a secret.
const NO_SECRET: [(&str, &str); 11] = [
    (
        "src/channels/auth/hmac.rs",
        "template.has_timestamp() != timestamp.is_some()",
    ),
    (
        "src/channels/auth/hmac.rs",
        "template.has_id() != id_header.is_some()",
    ),
    (
        "src/channels/auth/hmac.rs",
        "spec.separator.as_deref() == Some(\"\")",
    ),
    (
        "src/channels/auth/hmac.rs",
        "value.strip_prefix(&self.prefix)",
    ),
    (
        "src/channels/auth/hmac.rs",
        "item.strip_prefix(name)?.strip_prefix('=')",
    ),
    ("src/channels/auth/jwt.rs", "header.alg != \"HS256\""),
    (
        "src/channels/auth/secrets.rs",
        "one.strip_prefix(\"whsec_\")",
    ),
    (
        "src/channels/auth/secrets.rs",
        "(24..=64).contains(&key.len())",
    ),
    ("src/channels/auth/standard_webhooks.rs", "id.contains('.')"),
    (
        "src/channels/auth/standard_webhooks.rs",
        "signature.strip_prefix(\"v1,\")",
    ),
    (
        "src/channels/auth/tokens.rs",
        "given.eq_ignore_ascii_case(scheme)",
    ),
];

/// Whether a file of the channels reads a secret, or a value that was signed with one.
fn sees_secrets(source: &Source) -> bool {
    let names = ["Secrets", "Expected", "secrets::"];
    source.name.starts_with("src/channels/")
        && (source.name.ends_with("/secrets.rs") || !source.with(&names).is_empty())
}

/// The lines that compare in constant time.
fn takes_its_time(source: &Source) -> Vec<String> {
    source.with(&[".ct_eq("])
}

pub fn compares_in_constant_time(source: &Source) -> Vec<String> {
    if !sees_secrets(source) {
        return Vec::new();
    }
    let known = NO_SECRET.iter().filter(|(file, _)| *file == source.name);
    let known: Vec<&str> = known.map(|(_, what)| *what).collect();
    let mut wrong = Vec::new();
    for (at, line) in source.code() {
        let rest = known
            .iter()
            .fold(line.to_owned(), |rest, what| rest.replace(what, ""));
        if HASTY.iter().any(|hasty| rest.contains(hasty)) {
            wrong.push(format!("line {at}: {}", line.trim()));
        }
    }
    wrong
}

#[test]
fn every_file_that_reads_a_secret_is_checked_and_only_one_compares() {
    let sources = sources();
    let seeing = sources.iter().filter(|source| sees_secrets(source));
    let seeing: Vec<&str> = seeing.map(|source| source.name.as_str()).collect();
    for scheme in [
        "ed25519",
        "hmac",
        "jwt",
        "plivo",
        "secrets",
        "standard_webhooks",
        "state_signer",
        "tokens",
        "twilio",
    ] {
        let name = format!("src/channels/auth/{scheme}.rs");
        assert!(seeing.contains(&name.as_str()), "{name}: {seeing:?}");
    }
    // Tokens, signatures and seals, the hash of a body.
    let compared = sources
        .iter()
        .map(|source| (source.name.as_str(), takes_its_time(source).len()))
        .filter(|(_, lines)| *lines > 0);
    let compared: Vec<(&str, usize)> = compared.collect();
    assert_eq!(compared, [("src/channels/auth/secrets.rs", 3)]);
    // Every exemption must still match a line.
    for (name, what) in NO_SECRET {
        let stands = sources
            .iter()
            .filter(|source| source.name == name)
            .map(|source| source.with(&[what]).len())
            .sum::<usize>();
        assert_eq!(stands, 1, "{name}: {what}");
    }
}
