//! Rows that several sessions write at once: the second session waits, and then sees the changes of
//! the first one.

use super::replicas::{ask_both, standing};
use super::*;

/// A lease too long to expire, so that only the tested sessions write to the rows.
const LONG: &[(&str, &str)] = &[
    ("OZMAP__LOOKUP_MS", "18000"),
    ("JOURNAL__LEASE_MS", "600000"),
    ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "18000"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_waits_for_a_replica_that_is_about_to_delete() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let (replicas, real) = standing(server, "lookup:hold_before*1", LONG).await;
    // The intent of the real cancellation, before its commit.
    let deleting = Session::open(replicas.services[0].journal_url());
    deleting.run(&format!(
        "BEGIN; UPDATE op SET state = 'intent', property_id = '{PROPERTY}', delete_sent = 1 WHERE dry_run = 0"
    ));
    let pid = deleting.run("SELECT pg_backend_pid()").remove(0);
    let rehearsal = json!({"code": CODE, "message_id": "m-2", "dry_run": true});
    let rehearsal = replicas.asking(1, rehearsal);
    let rehearsed = || {
        let rows = replicas.cancellations();
        rows.into_iter().find(|row| row["dry_run"] == 1)
    };
    let blocked =
        format!("SELECT pid FROM pg_stat_activity WHERE {pid} = ANY(pg_blocking_pids(pid))");
    let row = eventually("the dry run to wait, or to end", || async {
        let row = rehearsed()?;
        let waits = !replicas.journal.run(&blocked).is_empty();
        (waits || row["state"] == "done").then_some(row)
    })
    .await;
    assert_ne!(row["state"], "done", "it did not wait: {row}");
    deleting.run("COMMIT");
    eventually("the dry run to back off", || async {
        let row = rehearsed()?;
        assert_ne!(row["outcome"], "would_cancel", "beside a deletion: {row}");
        (row["reason"] == "being_cancelled").then_some(())
    })
    .await;
    replicas.ozmap.release().await;
    assert_eq!(real.await.unwrap().unwrap().outcome(), "cancelled");
    replicas.ended().await;
    let row = rehearsed().unwrap();
    assert_eq!(row["outcome"], "already_cancelled", "{row}");
    assert_eq!(
        rehearsal.await.unwrap().unwrap().outcome(),
        "already_cancelled"
    );
    assert_deleted_only(&replicas.ozmap, &[PROPERTY], "beside a rehearsal").await;
}

/// With such an isolation level every statement that waited for another commit would fail after it.
#[tokio::test(flavor = "multi_thread")]
async fn the_default_isolation_of_a_database_rejects_no_request() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let isolations = ["serializable", "repeatable read"];
    for (n, isolation) in isolations.into_iter().enumerate() {
        let name = format!("strict_{n}");
        let admin = Session::open(&server.url("postgres"));
        admin.run(&format!("CREATE DATABASE {name}"));
        admin.run(&format!(
            "ALTER DATABASE {name} SET default_transaction_isolation = '{isolation}'"
        ));
        let url = server.url(&name);
        let folder = tempfile::tempdir().unwrap();
        let replicas = Replicas::at(&url, &url, folder, 2, &[]).await;
        replicas.ozmap.fault("delete:delay_ms=300").await;
        let bodies = (0..20).map(|n| asking(CODE, &format!("m-{n}")));
        for answer in ask_both(&replicas, bodies.collect()).await {
            assert_eq!(answer["outcome"], "cancelled", "{isolation}: {answer}");
        }
        assert_eq!(replicas.cancellations().len(), 1, "{isolation}");
        for service in &replicas.services {
            let logs = service.logs();
            assert!(!logs.contains("could not serialize"), "{isolation}: {logs}");
        }
        assert_deleted_only(&replicas.ozmap, &[PROPERTY], isolation).await;
    }
}
