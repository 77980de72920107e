//! Reads a secret from its key or from its file, and warns when it is probably not the one that was
//! meant.
//!
//! It must never print a secret or a part of one.

use std::io;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

/// The secrets in this project's documentation, which are public.
const PUBLISHED: [&str; 2] = [
    "demo-secret-for-docker-compose-only",
    "demo-secret-that-guards-nothing",
];

/// Windows editors write it before a text.
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
            "{key} has quotes around it, which are part of the secret: environment files (env_file, --env-file) keep them. Remove them"
        ));
    }
    Ok(secret)
}

/// The content of the file that a key names, or why this process cannot read it.
pub(super) fn read(key: &str, file: &str) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| {
        let hint = permission_hint(Path::new(file), &error);
        format!("{key} = \"{file}\" cannot be read: {error}{hint}")
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

/// Who owns a file and who wants to read it, if permissions are the problem.
#[cfg(unix)]
pub(super) fn permission_hint(path: &Path, error: &io::Error) -> String {
    use std::os::unix::fs::MetadataExt;
    if error.kind() != io::ErrorKind::PermissionDenied {
        return String::new();
    }
    let me = rustix::process::geteuid().as_raw();
    match std::fs::metadata(path) {
        Ok(file) => format!(
            "; this process runs as user {me}, the file belongs to user {} and group {} with mode {:04o}: chown it to {me}, or let that user read it",
            file.uid(),
            file.gid(),
            file.mode() & 0o7777
        ),
        Err(_) => {
            format!("; this process runs as user {me}, which may not enter a directory on the path")
        }
    }
}

#[cfg(not(unix))]
pub(super) fn permission_hint(_path: &Path, _error: &io::Error) -> String {
    String::new()
}

/// Warns about a secret that is public.
pub(super) fn published(key: &str, secret: &SecretString, warnings: &mut Vec<String>) {
    let mut each = secret.expose_secret().split_whitespace();
    if each.any(|one| PUBLISHED.contains(&one)) {
        warnings.push(format!(
            "{key} is the secret of this project's examples, which is public; write a random one of 32 characters or more"
        ));
    }
}

/// Rejects a secret that a header cannot carry: a caller could never send it.
pub(super) fn for_a_header(key: &str, secret: &SecretString) -> Result<(), String> {
    let stays = |c: char| c.is_ascii_graphic() || c.is_ascii_whitespace();
    if secret.expose_secret().chars().all(stays) {
        return Ok(());
    }
    Err(format!(
        "{key} has a character that a header cannot carry (a letter with an accent, a typographic quote, an invisible character); write only ASCII letters, digits and signs"
    ))
}
