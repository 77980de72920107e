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
        (wrong_key, "check that ozmap.api_key is complete"),
        (nobody, "check ozmap.base_url"),
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

/// A listener that no command may use: it counts the connections that it gets.
struct DeadProxy {
    address: String,
    connections: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl DeadProxy {
    fn start() -> Self {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connections = std::sync::Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        std::thread::spawn(move || {
            while listener.accept().is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self {
            address,
            connections,
        }
    }

    /// A command in an environment that names this proxy in every usual way.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.env_clear().args(arguments);
        for name in ["http_proxy", "https_proxy", "all_proxy"] {
            let url = format!("http://{}", self.address);
            command.env(name, &url).env(name.to_uppercase(), url);
        }
        command
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_in_the_environment_is_not_used() {
    let proxy = DeadProxy::start();
    let world = World::new().await;
    let address = world.service.address().to_string();
    let ready = proxy
        .command(&["healthcheck", "--address", &address])
        .output()
        .unwrap();
    assert_eq!(
        (ready.status.code(), stdout(&ready).trim()),
        (Some(0), r#"{"status":"ready"}"#)
    );
    let temporary = tempfile::tempdir().unwrap();
    let demo = proxy
        .command(&["demo", "--once", "--port", "0"])
        .env("TMPDIR", temporary.path())
        .output()
        .unwrap();
    assert_eq!(demo.status.code(), Some(0), "{}", stderr(&demo));
    let used = proxy.connections.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(used, 0, "the proxy got connections");
}

/// An empty container has no name service: neither command may look for one.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn healthcheck_and_demo_need_no_name_service() {
    if !crate::support::has_strace() {
        return crate::support::skipped("strace");
    }
    let world = World::new().await;
    let address = world.service.address().to_string();
    let temporary = tempfile::tempdir().unwrap();
    for arguments in [
        &["healthcheck", "--address", &address][..],
        &["demo", "--once", "--port", "0"],
    ] {
        let trace = temporary.path().join("trace");
        let output = Command::new("strace")
            .args(["-f", "-e", "trace=open,openat,connect", "-o"])
            .arg(&trace)
            .arg(binary())
            .args(arguments)
            .env_clear()
            .env("TMPDIR", temporary.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let calls = std::fs::read_to_string(&trace).unwrap();
        assert!(
            calls.contains("sin_addr=inet_addr(\"127.0.0.1\")"),
            "{calls}"
        );
        for sign in ["resolv.conf", "nsswitch.conf", "/etc/hosts", "htons(53)"] {
            assert!(
                !calls.contains(sign),
                "{arguments:?} looks for names: {sign}"
            );
        }
    }
}
