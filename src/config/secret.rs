//! Reads a secret from its key or from its file, and finds what makes it another one than the operator believes.
//!
//! It must never repeat a secret, nor a part of one.

use std::io;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

/// Secrets that are printed in this project's own papers: everybody knows them.
const PUBLISHED: [&str; 2] = [
    "demo-secret-for-docker-compose-only",
    "demo-secret-that-guards-nothing",
];

/// What Windows' editors write before a text.
const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// A secret from its key or from the file that `key_file` names, never from both.
pub(super) fn secret(
    key: &str,
    inline: Option<SecretString>,
    file: Option<&str>,
    warnings: &mut Vec<String>,
) -> Result<SecretString, String> {
    let inline = inline.filter(|secret| !trimmed(secret.expose_secret()).is_empty());
    let secret = match (inline, file.filter(|file| !file.is_empty())) {
        (Some(_), Some(_)) => {
            return Err(format!(
                "{key} and {key}_file are both set; keep one of them"
            ));
        }
        (Some(secret), None) => SecretString::from(trimmed(secret.expose_secret())),
        (None, Some(file)) => from_file(key, file)?,
        (None, None) => return Err(format!("{key} is not set; set it, or {key}_file")),
    };
    if is_quoted(secret.expose_secret()) {
        warnings.push(format!(
            "{key} stands in quotes, and they are a part of it: a file of variables (env_file, --env-file) keeps them; leave them out"
        ));
    }
    Ok(secret)
}

/// What stands in the file that a key names, or why this process cannot read it.
pub(super) fn read(key: &str, file: &str) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| {
        let whose = whose(Path::new(file), &error);
        format!("{key} = \"{file}\" cannot be read: {error}{whose}")
    })
}

fn from_file(key: &str, file: &str) -> Result<SecretString, String> {
    let bytes = read(&format!("{key}_file"), file)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        format!("{key}_file = \"{file}\" is not UTF-8; save it as UTF-8 (Windows PowerShell writes UTF-16 unless told -Encoding ascii)")
    })?;
    if trimmed(&text).is_empty() {
        return Err(format!("{key}_file = \"{file}\" is empty"));
    }
    let lines: Vec<&str> = trimmed(&text)
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect();
    let kept = lines.join("\n");
    if kept.trim().is_empty() {
        return Err(format!(
            "{key}_file = \"{file}\" holds no secret: every line begins with #, which makes it a comment"
        ));
    }
    Ok(SecretString::from(kept.trim()))
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == BYTE_ORDER_MARK)
}

fn is_quoted(text: &str) -> bool {
    text.len() > 1
        && ['"', '\'']
            .iter()
            .any(|q| text.starts_with(*q) && text.ends_with(*q))
}

/// Who may read a file and who wants to, where that is what is wrong.
#[cfg(unix)]
pub(super) fn whose(path: &Path, error: &io::Error) -> String {
    use std::os::unix::fs::MetadataExt;
    if error.kind() != io::ErrorKind::PermissionDenied {
        return String::new();
    }
    let me = rustix::process::geteuid().as_raw();
    match std::fs::metadata(path) {
        Ok(file) => format!(
            "; this process is user {me}, the file belongs to user {} and group {} with mode {:04o}: give it to {me} (chown {me}) or let that user read it",
            file.uid(),
            file.gid(),
            file.mode() & 0o7777
        ),
        Err(_) => format!("; this process is user {me}, and may not enter a folder on the way"),
    }
}

#[cfg(not(unix))]
pub(super) fn whose(_path: &Path, _error: &io::Error) -> String {
    String::new()
}

/// What everybody can know about a secret.
pub(super) fn published(key: &str, secret: &SecretString, warnings: &mut Vec<String>) {
    let mut each = secret.expose_secret().split_whitespace();
    if each.any(|one| PUBLISHED.contains(&one)) {
        warnings.push(format!(
            "{key} is the one of this project's examples, which everybody knows; write a random one of 32 characters or more"
        ));
    }
}

/// Refuses what a header cannot carry: a caller could never send it.
pub(super) fn for_a_header(key: &str, secret: &SecretString) -> Result<(), String> {
    let stays = |c: char| c.is_ascii_graphic() || c.is_ascii_whitespace();
    if secret.expose_secret().chars().all(stays) {
        return Ok(());
    }
    Err(format!(
        "{key} holds a character that no header can carry (a letter with an accent, a typographic quote, something invisible); write ASCII letters, digits and signs only"
    ))
}
