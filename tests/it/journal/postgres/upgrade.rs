//! Replicas on a journal of an older schema: one upgrades it while the others wait, and a kill
//! leaves the old schema or the new one.

use std::process::Stdio;

use super::*;
use crate::journal::migrations::{fixture, newest_ms, run_to_end, to_now};

/// The advisory lock of an upgrade.
const UPGRADE_LOCK: i64 = 0x6f7a_6d61_7063;

/// Puts a journal of the first schema into a separate database, because advisory locks belong to a
/// database.
fn restore(server: &Server, name: &str) -> (String, Session) {
    let admin = Session::open(&server.url("postgres"));
    admin.run(&format!("CREATE DATABASE {name}"));
    let url = server.url(name);
    let session = Session::open(&url);
    session.run(fixture(1)[1]);
    session.run(&to_now(newest_ms(&cancellations_of(&session))));
    (url, session)
}

/// The columns of a journal's tables.
fn columns(session: &Session) -> Vec<Value> {
    session.run(
        "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY 1",
    )
}

fn versions(session: &Session) -> Vec<Value> {
    session.run("SELECT version FROM schema_version")
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_that_start_at_once_one_upgrades_the_journal() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let (url, journal) = restore(server, "upgraded_once");
    let folder = tempfile::tempdir().unwrap();
    let lock = Session::open(&url);
    lock.run(&format!(
        "BEGIN; SELECT pg_advisory_xact_lock({UPGRADE_LOCK})"
    ));
    let starting = tokio::spawn(async move { Replicas::at(&url, &url, folder, 2, SHORT).await });
    let waiting = "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database \
         WHERE locktype = 'advisory' AND datname = current_database() AND NOT granted";
    eventually("both to wait", || async {
        (journal.run(waiting)[0].as_i64()? >= 2).then_some(())
    })
    .await;
    assert_eq!(
        journal.run("SELECT to_regclass('schema_version')"),
        [Value::Null]
    );
    lock.run("COMMIT");
    let replicas = starting.await.unwrap();
    let upgraded = |service: &&Service| {
        service
            .logs()
            .contains("journal upgraded from schema 1 to 5")
    };
    assert_eq!(replicas.services.iter().filter(upgraded).count(), 1);
    assert_eq!(versions(&journal), [json!(5)]);
    let rows = replicas.ended().await;
    let outcome =
        |code: &str| rows.iter().find(|row| row["code"] == code).unwrap()["outcome"].clone();
    assert_eq!(
        (outcome("open-1"), outcome("open-2")),
        (json!("not_found"), json!("cancelled"))
    );
    assert_eq!(
        replicas.services[1].ask(&asking(CODE, "m-9")).await.status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_killed_during_an_upgrade_leaves_the_old_schema() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let (url, journal) = restore(server, "upgrade_killed");
    let before = columns(&journal);
    let ozmap = Ozmap::start().await;
    let launch = Launch::new(&ozmap.url(), &url);
    // The upgrade reaches this table, and waits for its lock.
    let other = Session::open(&url);
    other.run("BEGIN; CREATE TABLE heard (conversation TEXT)");
    let mut replica = launch
        .command()
        .arg("serve")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = other.run("SELECT pg_backend_pid()").remove(0);
    let blocked =
        format!("SELECT pid FROM pg_stat_activity WHERE {pid} = ANY(pg_blocking_pids(pid))");
    let backend = eventually("the upgrade to wait", || async {
        journal.run(&blocked).first().cloned()
    })
    .await;
    replica.kill().unwrap();
    replica.wait().unwrap();
    // The server would notice later.
    journal.run(&format!("SELECT pg_terminate_backend({backend})"));
    eventually("the session to end", || async {
        let sessions = journal.run(&format!(
            "SELECT 1 FROM pg_stat_activity WHERE pid = {backend}"
        ));
        sessions.is_empty().then_some(())
    })
    .await;
    other.run("ROLLBACK");
    assert_eq!(columns(&journal), before);
    let service = launch.start().await;
    assert!(
        service
            .logs()
            .contains("journal upgraded from schema 1 to 5")
    );
    assert_eq!(versions(&journal), [json!(5)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_behind_a_locked_table_does_not_block_the_others() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let (url, journal) = restore(server, "upgrade_locked");
    let before = columns(&journal);
    let reader = Session::open(&url);
    reader.run("BEGIN; SELECT count(*) FROM op");
    let ozmap = Ozmap::start().await;
    let refused = Launch::new(&ozmap.url(), &url).run(&["serve"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("another session locks them"), "{said}");
    reader.run("COMMIT");
    assert_eq!(columns(&journal), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_with_data_rights_only_is_told_what_to_run_and_then_starts() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let (url, journal) = restore(server, "upgrade_without_rights");
    journal.run(
        "CREATE ROLE \"data only\" LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC; \
         GRANT USAGE ON SCHEMA public TO \"data only\"; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO \"data only\"",
    );
    let before = columns(&journal);
    let ozmap = Ozmap::start().await;
    let url = url.replace("postgres@127", "data%20only@127");
    let mut launch = Launch::new(&ozmap.url(), &url);
    for (name, value) in SHORT {
        launch = launch.set(name, value);
    }
    let mut commands = String::new();
    for verb in ["serve", "check"] {
        let (code, said) = run_to_end(&launch, verb);
        assert_eq!(code, Some(1), "{verb}: {said}");
        for part in [
            "must be owner of table op (42501)",
            "start this version once with a role that owns the schema and its tables",
            "ALTER TABLE op ADD COLUMN came_as TEXT",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON conversation, heard, schema_version TO \"data only\"",
        ] {
            assert!(said.contains(part), "{verb}: {said}");
        }
        assert_eq!(columns(&journal), before, "{verb}");
        let start = said.find("BEGIN; ").unwrap();
        let end = said.find("COMMIT;").unwrap() + "COMMIT;".len();
        commands = said[start..end].to_owned();
    }
    journal.run(&commands);
    assert_eq!(versions(&journal), [json!(5)]);
    let checked = launch.run(&["check"]);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert_eq!(checked.status.code(), Some(0), "{said}");
    // An index that it may not create stops no start either.
    journal.run("DROP INDEX op_for_a_person");
    let service = launch.start().await;
    let logs = service.logs();
    assert!(
        logs.contains("journal index op_for_a_person is missing and could not be created"),
        "{logs}"
    );
    let reply = service.ask(&asking(CODE, "m-9")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_an_older_journal_changes_nothing_and_waits_for_no_table() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let (url, journal) = restore(server, "upgrade_rehearsed");
    let before = columns(&journal);
    let ozmap = Ozmap::start().await;
    let launch = Launch::new(&ozmap.url(), &url);
    let reader = Session::open(&url);
    for lock in ["BEGIN", "BEGIN; SELECT count(*) FROM op"] {
        reader.run(lock);
        let checked = launch.run(&["check"]);
        let said = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert_eq!(checked.status.code(), Some(0), "{lock}: {said}");
        assert_eq!(columns(&journal), before, "{lock}");
        reader.run("ROLLBACK");
    }
}
