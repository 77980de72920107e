//! Configuration: where settings come from, and a clear word about each that is wrong. All through `check`, which
//! prints one line per finding and stops before OZmap when the configuration is no good.

mod age;
mod layers;
mod proofs;
mod secrets;
mod warned;

use std::collections::BTreeSet;
use std::process::Command;

use tempfile::TempDir;

use crate::support::SECRET;
use crate::support::service::binary;

/// A configuration under test: variables and files.
struct Setup {
    folder: TempDir,
    variables: Vec<(String, String)>,
    files: Vec<String>,
}

impl Setup {
    /// Nothing but the embedded defaults.
    fn bare() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
            files: Vec::new(),
        }
    }

    /// What a service needs at least; OZmap is at a port where nobody listens.
    fn complete() -> Self {
        let setup = Self::bare();
        let journal = format!("sqlite:{}", setup.path("journal.db"));
        setup
            .set("OZMAP__BASE_URL", "http://127.0.0.1:1")
            .set("OZMAP__API_KEY", "a-key")
            .set("JOURNAL__URL", &journal)
            .set("CHANNELS__CHATBOT__SECRET", SECRET)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Sets a key by its variable; a later one wins.
    fn set(self, key: &str, value: &str) -> Self {
        self.variable(&format!("OZMAP_CANCEL__{key}"), value)
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, key: &str) -> Self {
        self.variables
            .retain(|(known, _)| known != &format!("OZMAP_CANCEL__{key}"));
        self
    }

    /// A configuration file, given with `--config` in this order.
    fn file(mut self, name: &str, text: &str) -> Self {
        let path = self.write(name, text);
        self.files.push(path);
        self
    }

    /// A file that is only there.
    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The exit code and everything that a verb wrote.
    fn run(&self, verb: &str) -> (Option<i32>, String) {
        let mut command = Command::new(binary());
        command
            .env_clear()
            .envs(self.variables.iter().cloned())
            .current_dir(self.folder.path());
        for file in &self.files {
            command.args(["--config", file]);
        }
        let output = command.arg(verb).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    }

    /// The problems that `check` finds, and that `serve` refuses to start for the very same ones.
    fn problems(&self) -> Vec<String> {
        let (code, checked) = self.run("check");
        assert_eq!(code, Some(1), "{checked}");
        assert!(
            !checked.contains("ok       configuration"),
            "the configuration was accepted: {checked}"
        );
        let (code, served) = self.run("serve");
        assert_eq!(code, Some(1), "{served}");
        let problems: Vec<String> = checked
            .lines()
            .filter_map(|line| line.strip_prefix("problem  "))
            .map(str::to_owned)
            .collect();
        for problem in &problems {
            assert!(served.contains(problem.as_str()), "{problem} in {served}");
        }
        assert!(!problems.is_empty(), "{checked}");
        problems
    }

    /// The only problem.
    fn problem(&self) -> String {
        let problems = self.problems();
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems.into_iter().next().unwrap()
    }

    /// What `check` prints for a configuration that it accepts.
    fn accepted(&self) -> String {
        let (_, checked) = self.run("check");
        assert!(checked.contains("ok       configuration"), "{checked}");
        checked
    }
}

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` in `{text}`");
    }
}

#[test]
fn a_service_without_a_channel_an_address_or_a_key_does_not_start_and_says_all_of_it() {
    let problems = Setup::bare().problems();
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert_says(
        &problems[0],
        &[
            "no channel",
            "OZMAP_CANCEL__CHANNELS__CHATBOT__SECRET",
            "[channels.chatbot]",
        ],
    );
    assert_says(
        &problems[1],
        &["ozmap.base_url", "https://provider.ozmap.com.br:9994"],
    );
    assert_says(&problems[2], &["ozmap.api_key"]);
    Setup::complete().accepted();
}

#[test]
fn several_problems_are_told_at_once() {
    let problems = Setup::complete()
        .set("SERVER__LISTEN", "localhost")
        .set("REPLIES__DEFAULT_LOCALE", "fr")
        .set("REPLIES__TIME_ZONE", "America/Florianopolis")
        .set("LOG__FORMAT", "xml")
        .set("POLICY__INSTALLED", "delete")
        .set("POLICY__INSTALL_EVIDENCE", "refuse")
        .set("POLICY__CODE_PATTERN", "[0-9")
        .set("OZMAP__AUTH_SCHEME", "basic")
        .set("OZMAP__NOT_FOUND_ANSWERS", "404, nothing")
        .set("OZMAP__TLS_PIN_SHA256", "abc")
        .set("OZMAP__TLS_CA_FILE", "/nowhere/ca.pem")
        .set("SERVER__IN_FLIGHT_MAX", "0")
        .set("CHANNELS__CHATBOT__MEDIUM", "fax")
        .set("CHANNELS__PHONE__PRESET", "twilio")
        .set("CHANNELS__PHONE__SECRET", SECRET)
        .set("CHANNELS__CHATBOT2__ANSWER_MS_MAX", "0")
        .set("CHANNELS__CHATBOT3__AUTH", "digest")
        .set("CHANNELS__CHATBOT4__LOCALE", "de")
        .problems()
        .join("\n");
    for parts in [
        &["server.listen = \"localhost\"", "127.0.0.1:8080"][..],
        &["replies.default_locale = \"fr\"", "\"es\""],
        &[
            "replies.time_zone = \"America/Florianopolis\"",
            "America/Sao_Paulo",
        ],
        &["log.format = \"xml\"", "\"json\""],
        &["policy.installed = \"delete\"", "\"refuse\" or \"review\""],
        &[
            "policy.install_evidence = \"refuse\"",
            "\"review\" or \"ignore\"",
        ],
        &["policy.code_pattern"],
        &["ozmap.auth_scheme = \"basic\"", "\"raw\" or \"bearer\""],
        &["ozmap.not_found_answers has \"nothing\"", "\"204\""],
        &["ozmap.tls_pin_sha256", "64 hexadecimal digits"],
        &["ozmap.tls_ca_file = \"/nowhere/ca.pem\""],
        &["server.in_flight_max = 0"],
        &["channels.chatbot.medium = \"fax\"", "\"voice\""],
        &["channels.phone.preset = \"twilio\"", "twilio-voice"],
        &["channels.chatbot2.answer_ms_max = 0"],
        &[
            "channels.chatbot3.auth = \"digest\"",
            "\"standard-webhooks\"",
        ],
        &["channels.chatbot4.locale = \"de\""],
    ] {
        let line = problems.lines().find(|line| line.contains(parts[0]));
        assert_says(
            line.unwrap_or_else(|| panic!("{} in {problems}", parts[0])),
            parts,
        );
    }
}

#[test]
fn times_that_contradict_each_other_are_refused() {
    for (key, value, parts) in [
        (
            "JOURNAL__LEASE_MS",
            "24999",
            &[
                "journal.lease_ms = 24999",
                "ozmap.delete_ms = 20000",
                "at least 25000",
            ][..],
        ),
        (
            "OZMAP__DELETE_MS",
            "25001",
            &["journal.lease_ms = 30000", "at least 30001"],
        ),
        (
            "JOURNAL__SETTLE_MS",
            "19999",
            &["journal.settle_ms = 19999", "ozmap.delete_ms = 20000"],
        ),
        ("OZMAP__CONNECT_MS", "0", &["ozmap.connect_ms = 0"]),
        ("OZMAP__LOOKUP_MS", "0", &["ozmap.lookup_ms = 0"]),
        ("JOURNAL__GIVE_UP_S", "0", &["journal.give_up_s = 0"]),
    ] {
        assert_says(&Setup::complete().set(key, value).problem(), parts);
    }
    Setup::complete()
        .set("JOURNAL__LEASE_MS", "25000")
        .accepted();
    for (settle_ms, is_short) in [("20000", true), ("44999", true), ("45000", false)] {
        let said = Setup::complete()
            .set("JOURNAL__SETTLE_MS", settle_ms)
            .accepted();
        let warned = said.contains("warning  journal.settle_ms") && said.contains("at least 45000");
        assert_eq!(warned, is_short, "{said}");
    }
}

#[test]
fn a_name_that_cannot_stand_in_an_address_is_refused() {
    for name in ["my bot", "a/b", "ção"] {
        let text = format!("[channels.\"{name}\"]\nsecret = \"{SECRET}\"\n");
        let problem = Setup::complete().file("a.toml", &text).problem();
        assert_says(&problem, &["channels.", name, "letters, digits"]);
    }
}

/// `section.key` of the reference, those of a channel from its comments.
fn documented() -> BTreeSet<String> {
    let reference = include_str!("../../../config/default.toml");
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    let mut in_channel = false;
    for line in reference.lines() {
        let line = match line.strip_prefix("# ") {
            Some(line) if in_channel || line == "[channels.chatbot]" => {
                in_channel = true;
                line
            }
            Some(_) => continue,
            None => line,
        };
        if let Some(name) = line.strip_prefix('[') {
            let parts: Vec<&str> = name.trim_end_matches(']').split('.').collect();
            // Under `channels.NAME` are tables of their own.
            section = parts.get(2).unwrap_or(&parts[0]).to_string();
        } else if let Some((key, _)) = line
            .split_once('=')
            .filter(|(key, _)| !key.starts_with('#') && section != "proof")
        {
            keys.insert(format!("{section}.{}", key.trim()));
        }
    }
    keys
}

/// `section.key` of what the code reads; `x_file` stands for its `x`.
fn read_by_the_code() -> BTreeSet<String> {
    let code = include_str!("../../../src/config/settings.rs");
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in code.lines() {
        if let Some(name) = line.strip_prefix("pub(super) struct ") {
            section = name.trim_end_matches(" {").to_lowercase();
        } else if let Some(field) = line.strip_prefix("    pub(super) ") {
            let name = field.split(':').next().unwrap();
            if section != "settings"
                && ![
                    "api_key_file",
                    "secret_file",
                    "url_file",
                    "by_name",
                    "also",
                    "proof",
                ]
                .contains(&name)
            {
                let section = if section == "channel" {
                    "channels"
                } else {
                    &section
                };
                keys.insert(format!("{section}.{name}"));
            }
        }
    }
    keys
}

/// The keys that a configuration may set, in the form of the two functions above.
fn accepted_keys() -> BTreeSet<String> {
    let not_in_the_reference = ["api_key_file", "secret_file", "url_file"];
    let keys = ozmap_cancel::config::keys().unwrap();
    keys.iter()
        .filter(|key| !key.starts_with("channels.NAME.proof."))
        .filter(|key| !not_in_the_reference.iter().any(|end| key.ends_with(end)))
        .map(|key| match key.strip_prefix("channels.NAME.") {
            Some(key) => match key.strip_prefix("also.") {
                Some(further) => format!("also.{}", further.split_once('.').unwrap().1),
                None => format!("channels.{key}"),
            },
            None => key.clone(),
        })
        .collect()
}

#[test]
fn the_reference_has_every_key_that_the_code_reads_and_no_other() {
    let documented = documented();
    assert!(documented.len() > 40, "{documented:?}");
    assert_eq!(documented, read_by_the_code());
    assert_eq!(documented, accepted_keys());
}

#[test]
fn every_field_of_the_settings_is_a_key_that_may_be_set_and_nothing_near_it_is() {
    let keys = ozmap_cancel::config::keys().unwrap();
    for expected in [
        "ozmap.api_key_file",
        "channels.directory",
        "channels.NAME.secret_file",
        "channels.NAME.also.plivo-v3.secret_file",
        "channels.NAME.proof.hmac.timestamp_in_signature",
        "channels.NAME.proof.ed25519.tolerance_s",
    ] {
        assert!(keys.iter().any(|key| key == expected), "{expected}");
    }
    // A file can write every key by its dotted path; the values are nonsense, so that the keys alone are judged.
    let write = |ending: &str| -> String {
        let lines = keys.iter().map(|key| {
            let key = key.replace("NAME", "chatbot");
            format!("{key}{ending} = \"nonsense\"\n")
        });
        lines.collect()
    };
    let problems = Setup::bare().file("all.toml", &write("")).problems();
    assert!(
        !problems
            .iter()
            .any(|problem| problem.contains("there is no key")),
        "{problems:?}"
    );
    let problems = Setup::bare().file("none.toml", &write("x")).problems();
    let refused = problems
        .iter()
        .filter(|problem| problem.contains("there is no key"))
        .count();
    // `channels.directoryx` is refused as a channel that is no table.
    assert_eq!(refused + 1, keys.len(), "{problems:?}");
}

#[test]
fn the_reference_with_its_comments_as_settings_is_accepted_and_states_the_defaults() {
    let reference = include_str!("../../../config/default.toml");
    let at = reference.find("# [channels.chatbot]").unwrap();
    let channel: String = reference[at..]
        .lines()
        .map(|line| format!("{}\n", line.trim_start_matches("# ")))
        .collect();
    let whole = format!("{}{channel}", &reference[..at]);
    let signing = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let checked = Setup::complete()
        .file("whole.toml", &whole)
        .set(
            "CHANNELS__CHATBOT__ALSO__STANDARD_WEBHOOKS__SECRET",
            signing,
        )
        .accepted();
    assert_says(
        &checked,
        &["channel chatbot: POST /webhooks/chatbot, answers within 4000 ms"],
    );
    assert!(!checked.contains("warning"), "{checked}");
}
