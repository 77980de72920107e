//! A commit whose answer is lost: accepted requests are kept, refused ones are never executed, and
//! no answer is untrue or taken back.

use super::proxy::Cut;
use super::*;

/// Every commit of a cancellation: acceptance, spent deletion, intent, confirmation, end, answered
/// outcome.
const COMMITS: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_an_answer_is_looked_up_before_any_caller_is_answered() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let cases = (0..COMMITS)
        .flat_map(|skip| [Cut::AnswerLost, Cut::CommitLost].map(|cut| (cut, skip)))
        .map(|(cut, skip)| (format!("{cut:?} {skip}"), (cut, skip)))
        .collect();
    each(6, cases, move |case, (cut, skip)| async move {
        let (replicas, proxy) = behind(server, &[]).await;
        proxy.cut(cut, skip);
        let reply = replicas.services[0].ask(&asking(CODE, "m-1")).await;
        if (cut, skip) == (Cut::CommitLost, 0) {
            // Rolled back, and reported so.
            assert_eq!(reply.status, 503, "{case}: {reply:?}");
            assert!(replicas.cancellations().is_empty(), "{case}");
            assert_eq!(replicas.ozmap.holds(CODE).await.len(), 1, "{case}");
            let again = replicas.services[0].ask(&asking(CODE, "m-1")).await;
            assert_eq!(again.outcome(), "cancelled", "{case}");
        } else {
            assert_eq!(reply.outcome(), "cancelled", "{case}: {reply:?}");
            assert!(!holds(&replicas.ozmap, CODE, PROPERTY).await, "{case}");
        }
        eventually("the cut", || async { (proxy.cuts() == 1).then_some(()) }).await;
        let rows = replicas.ended().await;
        assert_eq!(rows.len(), 1, "{case}: {rows:?}");
        assert_eq!(
            (&rows[0]["outcome"], &rows[0]["attempt"]),
            (&json!("cancelled"), &json!(1)),
            "{case}: the lease was kept"
        );
        assert_deleted_only(&replicas.ozmap, &[PROPERTY], &case).await;
        let ends = replicas.events().into_iter().filter(|kind| kind == "done");
        assert_eq!(ends.count(), 1, "{case}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_times_out_before_the_outcome_is_known_learns_that() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let cases = [Cut::AnswerLost, Cut::CommitLost].map(|cut| (format!("{cut:?}"), cut));
    each(2, cases.to_vec(), move |case, cut| async move {
        let settings = [("CHANNELS__CHATBOT__ANSWER_MS_MAX", "700")];
        let (replicas, proxy) = behind(server, &settings).await;
        proxy.cut_and_close(cut, 0);
        let told = replicas.services[0].ask(&asking(CODE, "m-1")).await;
        assert_eq!(
            (told.status, problem(&told).as_str()),
            (503, "in_doubt"),
            "{case}: {told:?}"
        );
        assert!(told.header("retry-after").is_some(), "{case}");
        assert_eq!(proxy.cuts(), 1, "{case}");
        let ready = replicas.services[0].get("/health/ready").await;
        assert_eq!(ready.status, 503, "{case}");
        // Nothing new begins, and the refusal is certain.
        let other = replicas.services[0].ask(&asking("nobody", "m-2")).await;
        assert_eq!(
            (other.status, problem(&other).as_str()),
            (503, "journal"),
            "{case}"
        );
        let promised = usize::from(cut == Cut::AnswerLost);
        assert_eq!(replicas.cancellations().len(), promised, "{case}");
        proxy.open();
        eventually("the journal to be reached again", || async {
            let ready = replicas.services[0].get("/health/ready").await;
            (ready.status == 200).then_some(())
        })
        .await;
        // The platform retries, as the answer says.
        let again = eventually("the outcome", || async {
            let again = replicas.services[0].ask(&asking(CODE, "m-1")).await;
            (again.outcome() == "cancelled").then_some(again)
        })
        .await;
        let row = replicas.ended().await.remove(0);
        assert_eq!(again.json()["protocol"], row["protocol"], "{case}");
        assert_eq!(row["attempt"], json!(1), "{case}: the lease was kept");
        assert_eq!(replicas.cancellations().len(), 1, "{case}");
        assert_deleted_only(&replicas.ozmap, &[PROPERTY], &case).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_refused_during_a_lock_wait_is_never_executed() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let settings = [("CHANNELS__CHATBOT__ANSWER_MS_MAX", "400")];
    let replicas = Replicas::on(server, 1, &settings).await;
    for table in ["op", "delivery"] {
        let foreign = Session::open(replicas.services[0].journal_url());
        foreign.run(&format!("BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE"));
        let declined = replicas.services[0].ask(&asking(CODE, table)).await;
        assert_eq!(
            (declined.status, problem(&declined).as_str()),
            (503, "journal"),
            "{table}"
        );
        foreign.run("ROLLBACK");
        // Everything in flight has arrived.
        let body = asking("nobody", &format!("{table} 2"));
        let other = eventually("a final answer", async || {
            let reply = replicas.services[0].ask(&body).await;
            (reply.json()["final"] == serde_json::json!(true)).then_some(reply)
        })
        .await;
        assert_eq!(other.outcome(), "not_found", "{other:?}");
        assert!(
            replicas
                .cancellations()
                .iter()
                .all(|row| row["code"] == "nobody")
        );
        assert_eq!(replicas.ozmap.holds(CODE).await.len(), 1, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_blocks_no_caller_and_refused_requests_are_never_executed() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let settings = [("CHANNELS__CHATBOT__ANSWER_MS_MAX", "800")];
    let (replicas, proxy) = behind(server, &settings).await;
    proxy.fall_silent();
    for n in 0..3 {
        let asked = std::time::Instant::now();
        let declined = replicas.services[0]
            .ask(&asking(CODE, &format!("m-{n}")))
            .await;
        assert_eq!(
            (declined.status, problem(&declined).as_str()),
            (503, "journal"),
            "{declined:?}"
        );
        assert!(asked.elapsed() < Duration::from_secs(3));
    }
    assert_eq!(replicas.services[0].get("/health/live").await.status, 200);
    proxy.open();
    eventually("the journal to be reached again", || async {
        let ready = replicas.services[0].get("/health/ready").await;
        (ready.status == 200).then_some(())
    })
    .await;
    // The answer may need longer than the caller waits: absence is seen twice.
    eventually("the outcome", || async {
        let reply = replicas.services[0].ask(&asking("nobody", "m-9")).await;
        (reply.outcome() != "pending").then(|| assert_eq!(reply.outcome(), "not_found"))
    })
    .await;
    for row in replicas.ended().await {
        assert_eq!(row["code"], "nobody", "{row}");
    }
    assert_eq!(replicas.ozmap.holds(CODE).await.len(), 1);
}
