//! The command line: help, exit codes, and what each verb prints.

mod demo;
mod journal;
mod try_out;

use std::process::{Command, Output};

use crate::support::service::binary;
use crate::support::{Ozmap, World};

fn run(arguments: &[&str]) -> Output {
    Command::new(binary())
        .env_clear()
        .args(arguments)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn every_verb_explains_itself() {
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let verbs = [
        "serve",
        "demo",
        "simulate",
        "check",
        "healthcheck",
        "journal",
    ];
    for word in verbs
        .iter()
        .chain(&["Exit status:", "--config", "OZMAP_CANCEL__OZMAP__API_KEY"])
    {
        assert!(stdout(&help).contains(word), "{word}");
    }
    for verb in verbs {
        let help = run(&[verb, "--help"]);
        assert_eq!(
            (help.status.code(), stderr(&help).as_str()),
            (Some(0), ""),
            "{verb}"
        );
        assert!(stdout(&help).lines().count() >= 3, "{verb}");
        assert!(
            !stdout(&help).contains("secret"),
            "no secret is an argument: {verb}"
        );
    }
    for verb in ["list", "show"] {
        assert!(stdout(&run(&["journal", verb, "--help"])).contains("--json"));
    }
    assert_eq!(
        stdout(&run(&["--version"])).trim(),
        concat!("ozmap-cancel ", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_command_line_that_is_not_understood_exits_with_two() {
    for arguments in [
        &[][..],
        &["cancel"],
        &["serve", "--port", "1"],
        &["journal"],
        &["journal", "show"],
        &["journal", "list", "--limit", "many"],
        &["demo", "--port", "65536"],
        &["demo", "--fault", "lookup:nonsense"],
        &["simulate", "--listen", "nowhere"],
        &["healthcheck", "--address", "nowhere"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
        assert!(!stderr(&output).is_empty(), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_finds_nothing_wrong_with_a_service_that_works() {
    let world = World::new().await;
    for when in ["beside the running service", "with work in the journal"] {
        let checked = world.service.launch().run(&["check"]);
        let said = stdout(&checked);
        assert_eq!(
            (checked.status.code(), stderr(&checked).as_str()),
            (Some(0), ""),
            "{when}: {said}"
        );
        for line in [
            "ok       configuration",
            "ok       channel chatbot: POST /webhooks/chatbot",
            "ok       replies: every sentence",
            "ok       journal: ",
            "ok       OZmap answers and accepts the key",
        ] {
            assert!(said.contains(line), "{line} in {said}");
        }
        world.cancel("123|123", "m-1").await;
    }
    let calls = world.ozmap.calls().await;
    let reads = calls
        .iter()
        .filter(|call| call["method"] != "DELETE")
        .count();
    assert_eq!(reads + 1, calls.len(), "check only reads");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_what_is_wrong_with_ozmap_and_what_to_do() {
    let ozmap = Ozmap::start().await;
    let folder = tempfile::tempdir().unwrap();
    let journal = format!("sqlite:{}", folder.path().join("journal.db").display());
    let launch = crate::support::Launch::new(&ozmap.url(), &journal);
    let wrong_key = launch
        .clone()
        .set("OZMAP__API_KEY", "canary-key")
        .run(&["check"]);
    let nobody = launch
        .clone()
        .set("OZMAP__BASE_URL", "http://127.0.0.1:1")
        .run(&["check"]);
    let bad_journal = launch
        .clone()
        .set("JOURNAL__URL", "mysql://localhost/x")
        .run(&["check"]);
    let bad_filter = launch.clone().set("LOG__FILTER", "info=[").run(&["check"]);
    ozmap.fault("probe:html_200").await;
    let portal = launch.run(&["check"]);
    for (output, word) in [
        (wrong_key, "is ozmap.api_key complete"),
        (nobody, "is ozmap.base_url right"),
        (bad_journal, "journal.url must look like sqlite:"),
        (bad_filter, "log.filter = \"info=[\""),
        (portal, "usually 9994"),
    ] {
        let said = stdout(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("problem  ") && said.contains(word),
            "{word} in {said}"
        );
        assert!(!said.contains("canary"), "{said}");
    }
    assert!(
        !folder.path().join("journal.db").exists(),
        "check creates nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn healthcheck_exits_with_zero_only_for_a_ready_service() {
    let mut world = World::new().await;
    let address = world.service.address().to_string();
    let ready = run(&["healthcheck", "--address", &address]);
    assert_eq!(
        (ready.status.code(), stdout(&ready).trim()),
        (Some(0), r#"{"status":"ready"}"#)
    );
    let configured = Command::new(binary())
        .env_clear()
        .env(
            "OZMAP_CANCEL__SERVER__LISTEN",
            format!("0.0.0.0:{}", world.service.address().port()),
        )
        .arg("healthcheck")
        .output()
        .unwrap();
    assert_eq!(configured.status.code(), Some(0));

    let _foreign = crate::journal::file::Foreign::lock(world.folder.path());
    crate::support::eventually("the service to be unready", || async {
        let unready = run(&["healthcheck", "--address", &address]);
        (unready.status.code() == Some(1)).then_some(())
    })
    .await;
    world.kill();
    let gone = run(&["healthcheck", "--address", &address]);
    assert_eq!((gone.status.code(), stdout(&gone).as_str()), (Some(1), ""));
    assert!(!stderr(&gone).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_service_on_the_same_journal_is_refused() {
    if !crate::support::store::is_embedded() {
        return;
    }
    let world = World::new().await;
    let second = world.service.launch().run(&["serve"]);
    assert_eq!(second.status.code(), Some(1));
    let said = stderr(&second);
    assert!(
        said.contains("journal.db is in use by another running instance"),
        "{said}"
    );
    assert_eq!(world.cancel("123|123", "m-1").await.outcome(), "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_named() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let address = world.service.address().to_string();
    let second = world
        .service
        .launch()
        .clone()
        .set(
            "JOURNAL__URL",
            &format!("sqlite:{}", folder.path().join("other.db").display()),
        )
        .set("SERVER__LISTEN", &address)
        .run(&["serve"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(
        stderr(&second).contains(&format!("cannot listen on {address}")),
        "{}",
        stderr(&second)
    );
}
