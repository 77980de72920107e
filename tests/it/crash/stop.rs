//! SIGTERM at every call to OZmap: the work completes, or the next run can resume it.

use super::*;

async fn stopped_by_itself(service: &mut Service, case: &str) {
    assert_eq!(service.ended().await, Some(0), "{case}: {}", service.logs());
}

/// Waits until the service has begun to stop.
async fn begun(service: &Service) {
    eventually("the stop to begin", || async {
        service.logs().contains("draining:").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_ozmap_responds_completes_or_parks_the_work() {
    each(12, every_point(), |case, (call, hold)| async move {
        let mut stopped = Stopped::at(call, hold, &[]).await;
        stopped.world.service.signal("TERM");
        begun(&stopped.world.service).await;
        stopped.world.ozmap.release().await;
        stopped_by_itself(&mut stopped.world.service, &case).await;
        let reply = stopped.assert_answer_was_true(&case).await.unwrap();
        assert_eq!(reply.status, 200, "{case}: who was accepted is answered");
        // It completed, or its lease is released.
        let row = file::cancellations(stopped.world.folder.path()).remove(0);
        assert!(row["lease_owner"].is_null(), "{case}: {row}");
        assert_eq!(
            reply.outcome() == "cancelled",
            row["state"] == "done",
            "{case}"
        );
        stopped.world.restart().await;
        stopped.assert_it_ends_cancelled(&case).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_ozmap_hangs_ends_in_time_and_leaves_the_rest_to_the_next_run() {
    each(12, every_point(), |case, (call, hold)| async move {
        let drain = [("SERVER__DRAIN_MS_MAX", "600")];
        let mut stopped = Stopped::at(call, hold, &drain).await;
        let asked = std::time::Instant::now();
        stopped.world.service.signal("TERM");
        stopped_by_itself(&mut stopped.world.service, &case).await;
        assert!(
            asked.elapsed() < std::time::Duration::from_secs(5),
            "{case}"
        );
        stopped.assert_answer_was_true(&case).await;
        stopped.world.ozmap.release().await;
        stopped.world.restart().await;
        stopped.assert_it_ends_cancelled(&case).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_service_accepts_nothing_more() {
    let drain = [("SERVER__DRAIN_MS_MAX", "3000")];
    let mut stopped = Stopped::at(Call::of("delete", 0), "hold_before", &drain).await;
    let address = stopped.world.service.address();
    stopped.world.service.signal("TERM");
    begun(&stopped.world.service).await;
    let late = crate::cancel::try_ask_of(address, asking("reservation_123", "m-2")).await;
    assert!(late.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused));
    stopped.world.ozmap.release().await;
    stopped_by_itself(&mut stopped.world.service, "late").await;
    stopped.assert_answer_was_true("late").await;
    assert_eq!(file::cancellations(stopped.world.folder.path()).len(), 1);
    assert_eq!(stopped.world.ozmap.holds("reservation_123").await.len(), 1);
}

/// The next worker must not wait longer because of the stop.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_not_a_failed_attempt() {
    let mut stopped = Stopped::at(Call::of("lookup", 0), "hold_before", &[]).await;
    stopped.world.service.signal("TERM");
    begun(&stopped.world.service).await;
    stopped.world.ozmap.release().await;
    stopped_by_itself(&mut stopped.world.service, "parked").await;
    let row = file::cancellations(stopped.world.folder.path()).remove(0);
    let left = (&row["state"], &row["reason"], &row["attempt"]);
    assert_eq!(left, (&json!("accepted"), &json!("parked"), &json!(0)));
}
