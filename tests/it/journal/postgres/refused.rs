//! Refusals at the start, and secrets that no output may show.

use std::process::{Command, Output};

use super::*;

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn place(server: &Server) -> (String, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    (server.place(name), folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_may_lose_commits_or_is_read_only_is_refused() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let (url, _folder) = place(server);
    let ozmap = Ozmap::start().await;
    for (option, word) in [
        ("synchronous_commit%3Doff", "synchronous_commit = off"),
        ("synchronous_commit%3Dlocal", "synchronous_commit = local"),
        ("default_transaction_read_only%3Don", "only allows reading"),
    ] {
        let launch = Launch::new(&ozmap.url(), &format!("{url}%20-c{option}"));
        let serve = launch.run(&["serve"]);
        assert_eq!(serve.status.code(), Some(1), "{option}");
        assert!(said(&serve).contains(word), "{option}: {}", said(&serve));
        let check = launch.run(&["check"]);
        assert_eq!(check.status.code(), Some(1), "{option}");
        let found = said(&check);
        assert!(
            found.contains("problem  journal") && found.contains(word),
            "{option}: {found}"
        );
    }
    // The tables exist, and a role that may only read them.
    drop(Launch::new(&ozmap.url(), &url).start().await);
    let name = url.rsplit("%3D").next().unwrap();
    Session::open(&url).run(&format!(
        "DO $$ BEGIN CREATE ROLE onlooker LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$; \
         GRANT USAGE ON SCHEMA {name} TO onlooker; GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO onlooker"
    ));
    let onlooker = Launch::new(&ozmap.url(), &url.replace("postgres@127", "onlooker@127"));
    let serve = onlooker.run(&["serve"]);
    assert_eq!(serve.status.code(), Some(1), "{}", said(&serve));
    assert!(
        said(&serve).contains("permission denied"),
        "{}",
        said(&serve)
    );

    let nowhere = Launch::new(&ozmap.url(), "postgres://postgres@127.0.0.1:1/postgres");
    let serve = nowhere.run(&["serve"]);
    assert_eq!(serve.status.code(), Some(1));
    assert!(said(&serve).contains("refused"), "{}", said(&serve));
}

#[tokio::test(flavor = "multi_thread")]
async fn check_creates_nothing_and_the_journal_is_readable_beside_the_service() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let (url, folder) = place(server);
    let ozmap = Ozmap::start().await;
    let check = Launch::new(&ozmap.url(), &url).run(&["check"]);
    let found = said(&check);
    assert!(
        found.contains("will be created at the first start"),
        "{found}"
    );
    let none = Launch::new(&ozmap.url(), &url).run(&["journal", "list"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(said(&none).contains("there is no journal in this database"));
    drop(ozmap);

    let replicas = Replicas::at(&url, &url, folder, 1, &[]).await;
    replicas.services[0].ask(&asking(CODE, "m-1")).await;
    let launch = replicas.services[0].launch();
    let shown = said(&launch.run(&["journal", "show", CODE]));
    assert!(shown.contains("outcome     cancelled"), "{shown}");
    let found = said(&launch.run(&["check"]));
    assert!(found.contains("0 cancellations in progress"), "{found}");
}

/// A role that must authenticate, and the address with its password.
fn secretive(server: &Server, password: &str) -> (String, TempDir) {
    let (url, folder) = place(server);
    let admin = Session::open(&url);
    admin.run(
        "DO $$ BEGIN CREATE ROLE secretive LOGIN SUPERUSER PASSWORD 'canary-password'; \
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
    );
    let url = url.replace("postgres@127", &format!("secretive:{password}@127"));
    (url, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_appears_in_no_log_no_page_and_no_error() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let (wrong, _folder) = secretive(server, "canary-wrong");
    let ozmap = Ozmap::start().await;
    for verb in [&["serve"][..], &["check"], &["journal", "list"]] {
        let output = Launch::new(&ozmap.url(), &wrong).run(verb);
        assert_eq!(output.status.code(), Some(1), "{verb:?}");
        let said = said(&output);
        assert!(said.contains("password authentication failed"), "{said}");
        assert!(!said.contains("canary"), "{said}");
    }
    // From a file, with the most verbose log.
    let (right, folder) = secretive(server, "canary-password");
    let file = folder.path().join("url");
    std::fs::write(&file, format!("{right}\n")).unwrap();
    let launch = Launch::new(&ozmap.url(), "sqlite:data/journal.db")
        .set("JOURNAL__URL_FILE", &file.display().to_string())
        .set("LOG__FILTER", "trace");
    let both = launch.clone().set("JOURNAL__URL", &right).run(&["check"]);
    assert!(said(&both).contains("both set"), "{}", said(&both));
    assert!(!said(&both).contains("canary"), "{}", said(&both));
    let service = launch.start().await;
    assert_eq!(
        service.ask(&asking(CODE, "m-1")).await.outcome(),
        "cancelled"
    );
    let seen = [
        service.logs(),
        service.get("/health").await.body,
        said(&launch.run(&["check"])),
        said(&launch.run(&["journal", "list"])),
    ];
    for text in seen {
        assert!(!text.contains("canary"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_of_the_journal_appears_in_an_error() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let replicas = Replicas::on(server, 1, &[("LOG__FILTER", "trace")]).await;
    // Every write violates a constraint, and the details of the server's error show the row.
    replicas
        .journal
        .run("ALTER TABLE op ADD CONSTRAINT none CHECK (code = '') NOT VALID");
    let body =
        json!({"code": "canary-code", "customer_name": "Canaria", "message_id": "canary-key"});
    let declined = replicas.services[0].ask(&body).await;
    assert_eq!(declined.status, 503, "{declined:?}");
    // The answer may arrive before the log line.
    let logs = eventually("the refusal in the log", || async {
        let logs = replicas.services[0].logs();
        logs.contains("violates check constraint").then_some(logs)
    })
    .await;
    assert!(!logs.contains("anar"), "{logs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_with_a_nul_is_accepted() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let replicas = Replicas::on(server, 1, &[]).await;
    let body = json!({"code": CODE, "message_id": "m-1", "reason": "a\u{0}b"});
    let reply = replicas.services[0].ask(&body).await;
    assert_eq!(reply.outcome(), "cancelled", "{reply:?}");
    let again = replicas.services[0].ask(&body).await;
    assert_eq!(again.json()["replayed"], json!(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_sslmode_require_only_an_authenticated_server_is_trusted() {
    let Some(server) = Server::start(Sync::Off, &[]) else {
        return skipped(NEEDS);
    };
    let (authority, certificate, key) = certificates();
    let folder = server.folder();
    for (name, text) in [("server.pem", &certificate), ("server.key", &key)] {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        // The server requires a private key file.
        let owned = Command::new("chown")
            .arg("--reference")
            .args([folder, &path])
            .status();
        assert!(owned.unwrap().success());
        let closed = Command::new("chmod").arg("600").arg(&path).status();
        assert!(closed.unwrap().success());
    }
    let (url, place) = place(&server);
    let required = format!("{}&sslmode=require", url.replace("127.0.0.1", "localhost"));
    let admin = Session::open(&url);
    let ozmap = Ozmap::start().await;
    let without = Launch::new(&ozmap.url(), &required).run(&["check"]);
    assert!(
        said(&without).contains("problem  journal"),
        "{}",
        said(&without)
    );

    for name in ["cert_file", "key_file"] {
        let file = folder.join(
            name.replace("cert_file", "server.pem")
                .replace("key_file", "server.key"),
        );
        admin.run(&format!(
            "ALTER SYSTEM SET ssl_{name} = '{}'",
            file.display()
        ));
    }
    admin.run("ALTER SYSTEM SET ssl = on");
    admin.run("SELECT pg_reload_conf()");
    let ca = place.path().join("ca.pem");
    std::fs::write(&ca, authority).unwrap();
    let launch = Launch::new(&ozmap.url(), &required);
    let trusting = launch
        .clone()
        .set("JOURNAL__TLS_CA_FILE", &ca.display().to_string());
    eventually("the server to speak TLS", || async {
        let found = said(&trusting.run(&["check"]));
        found.contains("ok       journal").then_some(())
    })
    .await;
    let stranger = said(&launch.run(&["check"]));
    assert!(
        stranger.contains("problem  journal") && stranger.contains("certificate"),
        "{stranger}"
    );
    let service = trusting.start().await;
    assert_eq!(
        service.ask(&asking(CODE, "m-1")).await.outcome(),
        "cancelled"
    );
    let encrypted = admin.run(
        "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'ozmap-cancel'",
    );
    assert!(encrypted[0].as_i64().unwrap() >= 1, "{encrypted:?}");
}

/// An authority, and the certificate and key of a server that it vouches for.
fn certificates() -> (String, String, String) {
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let server = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = server.signed_by(&key, &issuer).unwrap().pem();
    (authority_pem, certificate, key.serialize_pem())
}
