//! Decides which environment variables are settings, and rejects those that were meant as one.
//!
//! It must never ignore a variable that was meant as a setting: `OZMAP_CANCEL_DRY_RUN=true` without
//! effect would delete for real. It never repeats a value.

use std::collections::BTreeMap;

use super::keys::Keys;

/// The prefix of all variables.
pub(super) const PREFIX: &str = "OZMAP_CANCEL";

/// A variable that sets a key.
pub(super) struct Variable {
    /// Its name in the environment.
    pub(super) name: String,
    /// Its name as the configuration library reads it, with the hyphens of the key.
    pub(super) read_as: String,
    pub(super) value: String,
}

/// The variables that are settings, by their keys. Others with the prefix are mistakes.
pub(super) fn variables(
    environment: &[(String, String)],
    known: &Keys,
    wrong: &mut Vec<String>,
) -> BTreeMap<String, Variable> {
    let mut set: BTreeMap<String, Variable> = BTreeMap::new();
    for (name, value) in environment {
        let upper = name.to_ascii_uppercase();
        let Some(rest) = upper
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
        else {
            continue;
        };
        if is_service_link(name, value) {
            continue;
        }
        let Some(path) = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.strip_prefix("__"))
        else {
            wrong.push(not_used(name, &rest.to_ascii_lowercase(), known));
            continue;
        };
        let path = with_hyphens(path);
        let key = path.to_ascii_lowercase().replace("__", ".");
        wrong.extend(known.problem(&key, &format!("by the variable {name}")));
        if value.contains(char::REPLACEMENT_CHARACTER) {
            wrong.push(format!("the value of the variable {name} is not UTF-8"));
        }
        let variable = Variable {
            name: name.clone(),
            read_as: format!("{PREFIX}__{path}"),
            value: value.clone(),
        };
        if let Some(other) = set.insert(key.clone(), variable) {
            wrong.push(format!(
                "the variables {} and {name} both set `{key}`; keep one of them",
                other.name
            ));
        }
    }
    set
}

/// Whether Kubernetes made this variable for a service whose name begins like this one's. It sets
/// `NAME_SERVICE_HOST`, `NAME_SERVICE_PORT`, `NAME_SERVICE_PORT_HTTP`, `NAME_PORT=tcp://…` and
/// `NAME_PORT_8080_TCP…` for every service. The value must fit, too, so that a mistake is not
/// ignored.
fn is_service_link(name: &str, value: &str) -> bool {
    let is_address = |value: &str| {
        let rest = ["tcp://", "udp://", "sctp://"]
            .iter()
            .find_map(|scheme| value.strip_prefix(scheme));
        rest.and_then(|rest| rest.rsplit_once(':'))
            .is_some_and(|(_, port)| is_port(port))
    };
    let is_host = |value: &str| value == "None" || value.parse::<std::net::IpAddr>().is_ok();
    if name.bytes().any(|b| b.is_ascii_lowercase()) || value.is_empty() {
        return false;
    }
    if name.ends_with("_SERVICE_HOST") {
        return is_host(value);
    }
    if name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
        return is_port(value);
    }
    if name.ends_with("_PORT") && is_address(value) {
        return true;
    }
    let Some((_, of_port)) = name.rsplit_once("_PORT_") else {
        return false;
    };
    let parts: Vec<&str> = of_port.split('_').collect();
    match parts.as_slice() {
        [port, "TCP" | "UDP" | "SCTP"] if is_port(port) => is_address(value),
        [port, "TCP" | "UDP" | "SCTP", "PORT"] if is_port(port) => is_port(value),
        [port, "TCP" | "UDP" | "SCTP", "PROTO"] if is_port(port) => {
            matches!(value, "tcp" | "udp" | "sctp")
        }
        [port, "TCP" | "UDP" | "SCTP", "ADDR"] if is_port(port) => is_host(value),
        _ => false,
    }
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

/// The error for a variable that sets nothing, with the name that was probably meant.
fn not_used(name: &str, rest: &str, known: &Keys) -> String {
    let hint = known.meant_by(rest).map_or_else(
        || format!("; settings are {PREFIX}__SECTION__KEY"),
        |key| {
            let variable = key
                .to_ascii_uppercase()
                .replace('.', "__")
                .replace('-', "_");
            format!(": did you mean {PREFIX}__{variable}?")
        },
    );
    format!(
        "the variable {name} is not a setting; write the name in capitals, with two underscores between its parts{hint}"
    )
}

/// A variable's name has no hyphens, but some schemes have: `ALSO__PLIVO_V3` means `also.plivo-v3`.
fn with_hyphens(path: &str) -> String {
    let mut parts: Vec<String> = path.split("__").map(str::to_owned).collect();
    if let [section, _, also, scheme, _] = parts.as_mut_slice()
        && section.eq_ignore_ascii_case("channels")
        && also.eq_ignore_ascii_case("also")
    {
        *scheme = scheme.replace('_', "-");
    }
    parts.join("__")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_kubernetes_are_distinguished_from_mistakes() {
        for (name, value) in [
            ("OZMAP_CANCEL_SERVICE_HOST", "10.0.0.1"),
            ("OZMAP_CANCEL_SERVICE_HOST", "fd00::1"),
            ("OZMAP_CANCEL_SERVICE_PORT", "8080"),
            ("OZMAP_CANCEL_SERVICE_PORT_HTTP", "8080"),
            ("OZMAP_CANCEL_SERVICE_PORT_HTTP_METRICS", "8080"),
            ("OZMAP_CANCEL_PORT", "tcp://10.0.0.1:8080"),
            ("OZMAP_CANCEL_PORT_8080_TCP", "tcp://[fd00::1]:8080"),
            ("OZMAP_CANCEL_PORT_8080_TCP_PROTO", "tcp"),
            ("OZMAP_CANCEL_PORT_8080_TCP_PORT", "8080"),
            ("OZMAP_CANCEL_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("OZMAP_CANCEL_JOURNAL_PORT", "tcp://10.0.0.2:5432"),
            ("OZMAP_CANCEL_JOURNAL_SERVICE_HOST", "10.0.0.2"),
            ("OZMAP_CANCEL_JOURNAL_PORT_5432_TCP_PORT", "5432"),
            ("OZMAP_CANCEL_LOG_PORT_514_UDP_PROTO", "udp"),
        ] {
            assert!(is_service_link(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("OZMAP_CANCEL_PORT", "8080"),
            ("OZMAP_CANCEL_PORT", ""),
            ("OZMAP_CANCEL_SERVICE_HOST", "ozmap.example.com"),
            ("OZMAP_CANCEL_SERVER_PORT", "8080"),
            ("ozmap_cancel_port", "tcp://10.0.0.1:8080"),
            ("OZMAP_CANCEL_DRY_RUN", "true"),
            ("OZMAP_CANCEL_JOURNAL_URL", "tcp://10.0.0.2:5432"),
        ] {
            assert!(!is_service_link(name, value), "{name}={value}");
        }
    }
}
