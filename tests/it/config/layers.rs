//! Defaults, files, environment: who wins, and what is said about a key that is none.

use super::{Setup, assert_says};
use crate::support::{Launch, Ozmap, SECRET, World};

#[test]
fn an_unknown_key_is_named_with_its_origin_and_the_nearest_one() {
    let problem = Setup::complete()
        .file("a.toml", "[server]\nlissten = \"127.0.0.1:1\"\n")
        .problem();
    assert_says(
        &problem,
        &[
            "`server.lissten`",
            "a.toml",
            "did you mean `server.listen`?",
        ],
    );
    let problem = Setup::complete().set("OZMAP__APIKEY", "x").problem();
    assert_says(
        &problem,
        &[
            "`ozmap.apikey`",
            "OZMAP_CANCEL__OZMAP__APIKEY",
            "`ozmap.api_key`",
        ],
    );
    let problem = Setup::complete()
        .set("CHANNELS__CHATBOT__SECRT", "x")
        .problem();
    assert_says(
        &problem,
        &["`channels.chatbot.secrt`", "`channels.NAME.secret`"],
    );
    let problem = Setup::complete().set("OZMAP_API_KEY", "x").problem();
    assert_says(&problem, &["`ozmap_api_key`", "`ozmap.api_key`"]);
    for text in [
        "x = 1",
        "[metrics]",
        "[server.listen]\nx = 1",
        "[channels]\nchatbot = \"x\"",
        "[channels.a.b]\nsecret = \"x\"",
    ] {
        assert_says(
            &Setup::complete().file("a.toml", text).problem(),
            &["a.toml"],
        );
    }
}

#[test]
fn every_unknown_key_of_every_layer_is_told_at_once() {
    let problems = Setup::complete()
        .file("a.toml", "[server]\nx1 = 1\nx2 = 2\n")
        .file("b.toml", "[log]\nx3 = 3\n")
        .set("POLICY__X4", "4")
        .variable("OZMAP_CANCEL_LOG_FILTER", "x5")
        .problems();
    assert_eq!(problems.len(), 5, "{problems:?}");
}

#[test]
fn a_variable_with_a_single_underscore_is_told_what_was_meant() {
    for (name, meant) in [
        (
            "OZMAP_CANCEL_OZMAP_API_KEY",
            "OZMAP_CANCEL__OZMAP__API_KEY?",
        ),
        (
            "OZMAP_CANCEL_OZMAP__API_KEY",
            "OZMAP_CANCEL__OZMAP__API_KEY?",
        ),
        ("OZMAP_CANCEL_LOG_FILTER", "OZMAP_CANCEL__LOG__FILTER?"),
        (
            "OZMAP_CANCEL_CHANNELS_CHATBOT_SECRET",
            "OZMAP_CANCEL__CHANNELS__CHATBOT__SECRET?",
        ),
        (
            "OZMAP_CANCEL_CHANNELS_MY_BOT_SECRET_FILE",
            "OZMAP_CANCEL__CHANNELS__MY_BOT__SECRET_FILE?",
        ),
    ] {
        let problem = Setup::complete().variable(name, "canary").problem();
        assert_says(&problem, &[name, "two underscores", meant]);
        assert!(!problem.contains("canary"), "{problem}");
    }
}

#[test]
fn variables_of_other_programs_are_left_alone() {
    Setup::complete()
        .variable("OZMAP_CANCEL_PORT", "tcp://10.0.0.1:8080")
        .variable("OZMAP_CANCEL_SERVICE_HOST", "10.0.0.1")
        .variable("OZMAP_CANCELLED", "x")
        .variable("OZMAP_API_KEY", "x")
        .variable("SERVER__LISTEN", "x")
        .accepted();
}

#[test]
fn what_kubernetes_sets_for_services_of_such_a_name_is_left_alone() {
    let mut setup = Setup::complete();
    for (name, value) in [
        ("SERVICE_PORT", "8080"),
        ("SERVICE_PORT_HTTP", "8080"),
        ("PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("PORT_8080_TCP_PROTO", "tcp"),
        ("PORT_8080_TCP_PORT", "8080"),
        ("PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("JOURNAL_PORT", "tcp://10.0.0.2:5432"),
        ("JOURNAL_SERVICE_HOST", "10.0.0.2"),
        ("JOURNAL_SERVICE_PORT", "5432"),
        ("JOURNAL_PORT_5432_TCP_ADDR", "10.0.0.2"),
        ("OZMAP_SERVICE_PORT_POSTGRES", "5432"),
    ] {
        setup = setup.variable(&format!("OZMAP_CANCEL_{name}"), value);
    }
    let checked = setup.accepted();
    assert!(!checked.contains("warning"), "{checked}");
}

#[test]
fn a_variable_that_was_meant_for_this_service_is_never_ignored() {
    for (name, meant) in [
        (
            "OZMAP_CANCEL_DRY_RUN",
            "did you mean OZMAP_CANCEL__POLICY__DRY_RUN?",
        ),
        ("OZMAP_CANCEL_PAUSED", "OZMAP_CANCEL__POLICY__PAUSED?"),
        ("OZMAP_CANCEL_API_KEY", "OZMAP_CANCEL__OZMAP__API_KEY?"),
        ("OZMAP_CANCEL_PORT", "OZMAP_CANCEL__SERVER__LISTEN?"),
        (
            "OZMAP_CANCEL_POLICY_DRYRUN",
            "OZMAP_CANCEL__POLICY__DRY_RUN?",
        ),
        (
            "ozmap_cancel__ozmap__api_key",
            "OZMAP_CANCEL__OZMAP__API_KEY?",
        ),
        (
            "ozmap_cancel__policy__dry_run",
            "OZMAP_CANCEL__POLICY__DRY_RUN?",
        ),
        (
            "Ozmap_Cancel__Policy__Dry_Run",
            "OZMAP_CANCEL__POLICY__DRY_RUN?",
        ),
        (
            "Ozmap_Cancel_Channels_Chatbot_Secret",
            "OZMAP_CANCEL__CHANNELS__CHATBOT__SECRET?",
        ),
        ("OZMAP_CANCEL_NONSENSE", "OZMAP_CANCEL__SECTION__KEY"),
        ("OZMAP_CANCEL___POLICY__DRY_RUN", "policy.dry_run"),
    ] {
        let problem = Setup::complete().variable(name, "true").problem();
        assert_says(&problem, &[name, meant]);
    }
}

#[test]
fn one_key_that_two_variables_set_is_refused() {
    let problem = Setup::complete()
        .set("POLICY__DRY_RUN", "true")
        .variable("OZMAP_CANCEL__policy__dry_run", "false")
        .problem();
    assert_says(
        &problem,
        &[
            "OZMAP_CANCEL__POLICY__DRY_RUN",
            "OZMAP_CANCEL__policy__dry_run",
            "`policy.dry_run`",
        ],
    );
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_refused_and_not_left_out() {
    use std::os::unix::ffi::OsStrExt;
    let output = std::process::Command::new(crate::support::service::binary())
        .env_clear()
        .env(
            "OZMAP_CANCEL__POLICY__DRY_RUN",
            std::ffi::OsStr::from_bytes(b"tru\xe9"),
        )
        .arg("check")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_says(&said, &["OZMAP_CANCEL__POLICY__DRY_RUN", "not UTF-8"]);
}

#[test]
fn a_variable_that_overrides_a_file_is_told_without_its_value() {
    let file = format!(
        "[journal]\nurl = \"sqlite:canary.db\"\n[channels.chatbot]\nsecret = \"canary-{SECRET}\"\n[policy]\npaused = true\n"
    );
    let checked = Setup::complete().file("own.toml", &file).accepted();
    for (key, name) in [
        ("journal.url", "OZMAP_CANCEL__JOURNAL__URL"),
        (
            "channels.chatbot.secret",
            "OZMAP_CANCEL__CHANNELS__CHATBOT__SECRET",
        ),
    ] {
        let line = checked
            .lines()
            .find(|line| line.starts_with(&format!("warning  {key}")))
            .unwrap_or_else(|| panic!("{key} in {checked}"));
        assert_says(line, &[name, "overrides", "own.toml"]);
    }
    assert_eq!(checked.matches("overrides").count(), 2, "{checked}");
    // What says the same, or no more than the default, overrides nothing.
    let same = format!("[channels.chatbot]\nsecret = \"{SECRET}\"\n[log]\nfilter = \"info\"\n");
    let quiet = Setup::complete()
        .set("LOG__FILTER", "warn")
        .file("own.toml", &same)
        .accepted();
    assert!(!quiet.contains("overrides"), "{quiet}");
    assert!(
        !checked.contains("canary") && !checked.contains(SECRET),
        "{checked}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_says_at_its_start_which_variable_overrides_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.toml");
    std::fs::write(&file, "[log]\nfilter = \"debug\"\n").unwrap();
    let ozmap = Ozmap::start().await;
    let journal = format!("sqlite:{}", folder.path().join("journal.db").display());
    let service = Launch::new(&ozmap.url(), &journal)
        .argument("--config")
        .argument(&file.display().to_string())
        .set("LOG__FILTER", "info")
        .start()
        .await;
    assert_says(
        &service.logs(),
        &["WARN", "OZMAP_CANCEL__LOG__FILTER overrides", "own.toml"],
    );
}

#[test]
fn a_channel_that_no_variable_can_name_is_told_apart_from_the_one_that_it_names() {
    for name in ["ChatBot", "my-bot"] {
        let variable = name.to_uppercase().replace('-', "_");
        for text in [
            format!("[channels.{name}]\n"),
            format!("[channels.{name}]\nlocale = \"es\"\n"),
        ] {
            let problem = Setup::complete()
                .file("a.toml", &text)
                .set(&format!("CHANNELS__{variable}__SECRET"), SECRET)
                .problem();
            assert_says(
                &problem,
                &[
                    &format!("OZMAP_CANCEL__CHANNELS__{variable}__SECRET"),
                    &format!("[channels.{name}]"),
                    "a.toml",
                ],
            );
        }
    }
}

#[test]
fn a_table_may_be_empty_where_the_environment_has_what_belongs_there() {
    let checked = Setup::complete()
        .file(
            "a.toml",
            "[channels.chatbot]\n[ozmap]\n[channels.chatbot.proof]\n",
        )
        .accepted();
    assert_says(&checked, &["POST /webhooks/chatbot"]);
    let further = "[channels.chatbot.also.basic]\n";
    Setup::complete()
        .file("a.toml", further)
        .set(
            "CHANNELS__CHATBOT__ALSO__BASIC__SECRET",
            "user:a-password-of-a-channel",
        )
        .accepted();
    let problem = Setup::complete()
        .file("a.toml", "[channels.empty]\n")
        .problem();
    assert_says(&problem, &["channels.empty.secret is not set"]);
    for unknown in ["[metrics]", "[channels.chatbot.x]", "[ozmap.x]"] {
        assert_says(
            &Setup::complete().file("a.toml", unknown).problem(),
            &["a.toml"],
        );
    }
}

#[test]
fn a_wrong_type_names_the_key_and_where_it_was_set() {
    for (key, value, expected) in [
        ("SERVER__IN_FLIGHT_MAX", "many", "server.in_flight_max"),
        ("SERVER__IN_FLIGHT_MAX", "-1", "server.in_flight_max"),
        ("SERVER__IN_FLIGHT_MAX", "", "server.in_flight_max"),
        ("POLICY__DRY_RUN", "maybe", "policy.dry_run"),
        ("OZMAP__ALLOW_HTTP", "yes please", "ozmap.allow_http"),
        (
            "CHANNELS__CHATBOT__ANSWER_MS_MAX",
            "4s",
            "channels.chatbot.answer_ms_max",
        ),
    ] {
        assert_says(
            &Setup::complete().set(key, value).problem(),
            &[expected, "environment"],
        );
    }
    for (text, expected) in [
        ("[server]\nin_flight_max = \"many\"", "server.in_flight_max"),
        ("[policy]\ndry_run = [1]", "policy.dry_run"),
        (
            "[channels.chatbot]\nsecret = [\"canary\"]",
            "channels.chatbot.secret",
        ),
        ("server = 1", "server"),
    ] {
        let setup = Setup::complete()
            .without("CHANNELS__CHATBOT__SECRET")
            .file("wrong.toml", text);
        let problem = setup.problem();
        assert_says(&problem, &[expected, "wrong.toml"]);
        assert!(!problem.contains("canary"), "{problem}");
    }
}

#[test]
fn a_file_that_is_missing_or_no_toml_is_named_and_no_line_of_it_is_printed() {
    let mut setup = Setup::complete();
    setup.files.push(setup.path("nowhere.toml"));
    assert_says(&setup.problem(), &["nowhere.toml", "cannot be read"]);
    for (text, line) in [
        ("[ozmap]\napi_key = \"canary\n", "line 2"),
        ("[ozmap]\n\napi_key = canary\n", "line 3"),
        (
            "[ozmap]\napi_key = \"canary\"\napi_key = \"canary\"\n",
            "line 3",
        ),
        ("canary", "line 1"),
    ] {
        let problem = Setup::complete().file("broken.toml", text).problem();
        assert_says(&problem, &["broken.toml", "TOML", line]);
        assert!(!problem.contains("canary"), "{problem}");
    }
}

#[test]
fn later_files_win_over_earlier_ones_and_the_environment_over_all() {
    let channel =
        |ms: u32| format!("[channels.phone]\nsecret = \"{SECRET}\"\nanswer_ms_max = {ms}\n");
    let setup = Setup::complete().file("a.toml", &channel(1111));
    assert_says(
        &setup.accepted(),
        &[
            "/webhooks/phone, answers within 1111 ms",
            "/webhooks/chatbot, answers within 4000 ms",
        ],
    );
    let setup = setup.file("b.conf", "[channels.phone]\nanswer_ms_max = 2222\n");
    assert_says(
        &setup.accepted(),
        &["/webhooks/phone, answers within 2222 ms"],
    );
    let setup = setup.set("CHANNELS__PHONE__ANSWER_MS_MAX", "3333");
    assert_says(
        &setup.accepted(),
        &["/webhooks/phone, answers within 3333 ms"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_may_come_from_the_environment_with_commas() {
    for (creators, outcome) in [
        ("somebody, teste_integracao ,x", "found"),
        ("somebody", "review"),
        ("", "found"),
        (" , ", "found"),
    ] {
        let world = World::with(&[("POLICY__ONLY_CREATED_BY", creators)]).await;
        let reply = world
            .ask(serde_json::json!({"code": "123|123", "action": "lookup"}))
            .await;
        assert_eq!(reply.outcome(), outcome, "{creators:?}");
    }
    let text = "[policy]\nonly_created_by = [\"a\", \"b,c\"]\n[ozmap]\nnot_found_answers = []\n";
    Setup::complete().file("a.toml", text).accepted();
    Setup::complete()
        .file("a.toml", "[policy]\nonly_created_by = \"a, b\"\n")
        .accepted();
    let problem = Setup::complete()
        .file("a.toml", "[policy]\nonly_created_by = 7\n")
        .problem();
    assert_says(&problem, &["policy.only_created_by", "list of texts"]);
}
