//! The database server itself fails, and recovers.

use tokio::task::JoinSet;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_during_a_cancellation_loses_nothing_that_was_accepted() {
    let Some(mut server) = Server::start(Sync::On, &[]) else {
        return skipped(NEEDS);
    };
    let holds = named(&[
        "lookup:hold_before*1",
        "lookup:hold_after*1",
        "delete:hold_before*1",
        "delete:hold_after*1",
        "get:hold_after*1",
    ]);
    for (case, hold) in holds {
        let replicas = Replicas::on(&server, 1, SHORT).await;
        let url = replicas.services[0].journal_url().to_owned();
        replicas.ozmap.fault(hold).await;
        let answer = replicas.asking(0, asking(CODE, "m-1"));
        replicas.ozmap.held().await;
        server.kill();
        let reply = answer.await.unwrap().unwrap();
        assert_eq!(reply.outcome(), "pending", "{case}: {reply:?}");
        let declined = replicas.services[0].ask(&asking("abc", "m-2")).await;
        assert_eq!(declined.status, 503, "{case}: {declined:?}");
        assert_eq!(replicas.services[0].get("/health/ready").await.status, 503);
        replicas.ozmap.release().await;
        // The result cannot be written now, so no step follows it.
        eventually("a step that cannot be written", || async {
            let logs = replicas.services[0].logs();
            logs.contains("failed to write a step to the journal")
                .then_some(())
        })
        .await;
        let sent = usize::from(!case.starts_with("lookup"));
        assert_eq!(
            calls_of(&replicas.ozmap, "delete").await.len(),
            sent,
            "{case}"
        );
        server.run();
        let replicas = Replicas {
            journal: Session::open(&url),
            ..replicas
        };
        let rows = replicas.ended().await;
        assert_eq!(rows.len(), 1, "{case}: {rows:?}");
        assert_eq!(rows[0]["outcome"], "cancelled", "{case}");
        let again = replicas.services[0].ask(&asking(CODE, "m-1")).await;
        assert_eq!(again.json()["protocol"], reply.json()["protocol"], "{case}");
        assert_deleted_only(&replicas.ozmap, &[PROPERTY], &case).await;
    }
}

const CODES: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn kills_of_the_server_among_many_requests_make_no_answer_untrue() {
    let Some(mut server) = Server::start(Sync::On, &[]) else {
        return skipped(NEEDS);
    };
    let replicas = Replicas::on(&server, 2, SHORT).await;
    let url = replicas.services[0].journal_url().to_owned();
    for n in 0..CODES {
        let code = format!("kill-{n}");
        replicas.ozmap.reserve(json!({"code": code})).await;
    }
    replicas.ozmap.fault("any:delay_ms=40").await;
    let mut asking_all = JoinSet::new();
    for n in 0..CODES {
        let address = replicas.services[n % 2].address();
        asking_all.spawn(async move {
            // Spread over the time of the kills.
            tokio::time::sleep(Duration::from_millis(n as u64 * 50)).await;
            let code = format!("kill-{n}");
            let reply = try_ask_of(address, asking(&code, &code)).await.unwrap();
            (code, reply)
        });
    }
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(600)).await;
        server.kill();
        server.run();
    }
    let mut told = Vec::new();
    while let Some(one) = asking_all.join_next().await {
        told.push(one.unwrap());
    }
    let replicas = Replicas {
        journal: Session::open(&url),
        ..replicas
    };
    let rows = replicas.ended().await;
    let (mut accepted, mut declined, mut in_doubt) = (0, 0, 0);
    for (code, reply) in told {
        let row = rows.iter().rfind(|row| row["code"] == code.as_str());
        let is_there = replicas.ozmap.holds(&code).await.len() == 1;
        match reply.status {
            200 => {
                accepted += 1;
                let row = row.unwrap_or_else(|| panic!("{code} was lost: {reply:?}"));
                assert_eq!(row["outcome"], "cancelled", "{code}: {row}");
                assert_eq!(row["protocol"], reply.json()["protocol"]);
                assert!(!is_there, "{code}");
            }
            503 if reply.json()["type"] == "urn:ozmap-cancel:problem:in_doubt" => {
                in_doubt += 1;
                assert_eq!(is_there, row.is_none(), "{code}: {row:?}");
            }
            503 => {
                declined += 1;
                assert!(row.is_none(), "{row:?}");
                assert!(is_there, "{code} was declined and is gone");
            }
            _ => panic!("{code}: {reply:?}"),
        }
    }
    eprintln!("{accepted} accepted, {declined} declined, {in_doubt} in doubt");
    assert!(accepted > 0, "{declined} were declined");
    let deletions = replicas.ozmap.deletions().await.len();
    assert_eq!(deletions, rows.len());
    assert!((accepted..=accepted + in_doubt).contains(&deletions));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_may_lose_commits_is_left_at_once() {
    let Some(server) = Server::start(Sync::Off, &[]) else {
        return skipped(NEEDS);
    };
    let replicas = Replicas::on(&server, 1, SHORT).await;
    let admin = Session::open(&server.url("postgres"));
    let renewed = |setting: &str| {
        admin.run(&format!("ALTER SYSTEM SET synchronous_commit = {setting}"));
        admin.run("SELECT pg_reload_conf()");
        admin.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ozmap-cancel'",
        );
    };
    renewed("off");
    eventually("the service to be unready", || async {
        let ready = replicas.services[0].get("/health/ready").await;
        (ready.status == 503).then_some(())
    })
    .await;
    let declined = replicas.services[0].ask(&asking(CODE, "m-1")).await;
    assert_eq!(declined.status, 503, "{declined:?}");
    let logs = replicas.services[0].logs();
    assert!(logs.contains("synchronous_commit = off"), "{logs}");
    renewed("on");
    eventually("the service to be ready", || async {
        let ready = replicas.services[0].get("/health/ready").await;
        (ready.status == 200).then_some(())
    })
    .await;
    let reply = replicas.services[0].ask(&asking(CODE, "m-1")).await;
    assert_eq!(reply.outcome(), "cancelled");
}
