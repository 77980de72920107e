//! Silent connections: they stay open, and nothing passes on them any more. A replica on one of
//! them must neither hang for ever nor keep its locks.

use std::time::Instant;

use super::proxy::Cut;
use super::*;

/// A short answer time, so that a test sees the answers during the silence.
const SOON: &[(&str, &str)] = &[("CHANNELS__CHATBOT__ANSWER_MS_MAX", "1500")];

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_frozen_in_a_transaction_blocks_no_row_for_the_others() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let (replicas, proxy) = behind(server, SOON).await;
    let used = replicas.services[0].journal_url();
    let past_the_proxy = used.replace(
        &format!(":{}/", proxy.port()),
        &format!(":{}/", server.port()),
    );
    let launch = replicas.services[0].launch().clone();
    let other = launch.set("JOURNAL__URL", &past_the_proxy).start().await;
    // It has locked the row of the code, and hangs before its commit.
    proxy.cut(Cut::Stuck, 0);
    let first = replicas.asking(0, asking(CODE, "m-1"));
    eventually("the commit to hang", || async {
        (proxy.cuts() == 1).then_some(())
    })
    .await;
    eventually("the row for another replica", || async {
        let reply = other.ask(&asking(CODE, "m-2")).await;
        (reply.status == 200 && reply.outcome() == "cancelled").then_some(())
    })
    .await;
    let told = first.await.unwrap().unwrap();
    assert_eq!(
        (told.status, problem(&told).as_str()),
        (503, "in_doubt"),
        "{told:?}"
    );
    // The hanging transaction was not executed, and the replica continues.
    eventually("the first replica to continue", || async {
        let again = replicas.services[0].ask(&asking(CODE, "m-1")).await;
        (again.status == 200 && again.outcome() == "already_cancelled").then_some(())
    })
    .await;
    let outcomes: Vec<Value> = replicas
        .ended()
        .await
        .iter()
        .map(|row| row["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["cancelled", "already_cancelled"]);
    assert_deleted_only(&replicas.ozmap, &[PROPERTY], "a row that was locked").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_are_replaced() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let (replicas, proxy) = behind(server, SOON).await;
    proxy.fall_silent_on_those_there();
    let declined = replicas.services[0].ask(&asking(CODE, "m-1")).await;
    assert_eq!(
        (declined.status, problem(&declined).as_str()),
        (503, "journal"),
        "{declined:?}"
    );
    // The old connections stay silent: the service has to replace them.
    eventually("an acceptance on a new connection", || async {
        let reply = replicas.services[0].ask(&asking("nobody", "m-2")).await;
        (reply.status == 200).then_some(())
    })
    .await;
    eventually("the service to be ready", || async {
        let ready = replicas.services[0].get("/health/ready").await;
        (ready.status == 200).then_some(())
    })
    .await;
    for row in replicas.ended().await {
        assert_eq!(row["code"], "nobody", "{row}");
    }
    assert_eq!(replicas.ozmap.holds(CODE).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_answered_in_time_although_the_journal_cannot_be_read() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let settings = [("CHANNELS__CHATBOT__ANSWER_MS_MAX", "1500")];
    let (replicas, proxy) = behind(server, &settings).await;
    // The acceptance is written, and cannot be read.
    proxy.fall_silent_for_readers();
    let asked = Instant::now();
    let reply = replicas.services[0].ask(&asking(CODE, "m-1")).await;
    // The timeout of one exchange alone is longer.
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}: {reply:?}");
    assert_eq!(reply.outcome(), "pending", "{reply:?}");
    proxy.open();
    assert_eq!(replicas.ended().await[0]["outcome"], "cancelled");
    assert_deleted_only(&replicas.ozmap, &[PROPERTY], "unread").await;
}
