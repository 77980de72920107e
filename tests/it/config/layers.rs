//! Defaults, files, environment: who wins, and what is said about a key that is none.

use super::{Setup, assert_says};
use crate::support::{SECRET, World};

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
