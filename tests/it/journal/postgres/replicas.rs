//! Two replicas on one journal act as one service, also when one of them dies, freezes or stops.

use super::*;

/// Sends bodies to both replicas in turn, all at once.
pub async fn ask_both(replicas: &Replicas, bodies: Vec<Value>) -> Vec<Value> {
    let asking: Vec<_> = bodies
        .into_iter()
        .enumerate()
        .map(|(n, body)| replicas.asking(n % 2, body))
        .collect();
    let mut answers = Vec::new();
    for one in asking {
        answers.push(one.await.unwrap().unwrap().json());
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_webhook_at_once_on_both_is_one_deletion_and_one_answer() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let replicas = Replicas::on(server, 2, &[]).await;
    replicas.ozmap.fault("delete:delay_ms=300").await;
    let answers = ask_both(&replicas, vec![asking(CODE, "m-1"); 20]).await;
    for answer in &answers {
        assert_eq!(answer["outcome"], "cancelled", "{answer}");
        assert_eq!(answer["protocol"], answers[0]["protocol"]);
        assert_eq!(answer["reply"], answers[0]["reply"]);
    }
    let first = answers.iter().filter(|one| one["replayed"] == json!(false));
    assert_eq!(first.count(), 1);
    assert_eq!(calls_of(&replicas.ozmap, "delete").await.len(), 1);
    assert_eq!(replicas.cancellations().len(), 1);
    assert_eq!(replicas.rows("delivery", "received_at").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn different_webhooks_for_one_code_on_both_share_one_deletion_and_its_outcome() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let replicas = Replicas::on(server, 2, &[]).await;
    replicas.ozmap.fault("delete:delay_ms=300").await;
    let bodies: Vec<Value> = (0..20).map(|n| asking(CODE, &format!("m-{n}"))).collect();
    let answers = ask_both(&replicas, bodies.clone()).await;
    for answer in &answers {
        assert_eq!(answer["outcome"], "cancelled", "{answer}");
        assert_eq!(answer["protocol"], answers[0]["protocol"]);
    }
    assert_eq!(calls_of(&replicas.ozmap, "delete").await.len(), 1);
    assert_eq!(replicas.cancellations().len(), 1);
    // Now each webhook goes to the other replica.
    let mut turned = bodies;
    turned.rotate_left(1);
    for answer in ask_both(&replicas, turned).await {
        assert_eq!(
            (&answer["outcome"], &answer["replayed"]),
            (&json!("cancelled"), &json!(true))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_replicas_share_the_hourly_limit_and_the_limit_of_codes() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let settings = [
        ("POLICY__DELETES_PER_HOUR_MAX", "3"),
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "1500"),
    ];
    let replicas = Replicas::on(server, 2, &settings).await;
    let mut bodies = Vec::new();
    for n in 0..8 {
        let code = format!("hour-{n}");
        replicas.ozmap.reserve(json!({"code": code})).await;
        bodies.push(asking(&code, &format!("m-{n}")));
    }
    let answers = ask_both(&replicas, bodies).await;
    let cancelled = answers.iter().filter(|one| one["outcome"] == "cancelled");
    let hours = replicas.rows("budget", "bucket_at").len();
    assert!(cancelled.count() <= 3 * hours, "{answers:?}");
    assert!(replicas.ozmap.deletions().await.len() <= 3 * hours);

    let tries = (0..8).map(|n| json!({"code": format!("none-{n}"), "conversation_id": "c-1"}));
    let tried = ask_both(&replicas, tries.collect()).await;
    let refused = tried
        .iter()
        .filter(|one| one["outcome"] == "too_many_attempts");
    assert!(refused.count() >= 3, "{tried:?}");
}

/// Two replicas, and a cancellation of the first one that waits in a call to OZmap.
pub async fn standing(
    server: &Server,
    hold: &str,
    settings: &[(&str, &str)],
) -> (Replicas, tokio::task::JoinHandle<std::io::Result<Reply>>) {
    let replicas = Replicas::on(server, 2, settings).await;
    replicas.ozmap.fault(hold).await;
    let answer = replicas.asking(0, asking(CODE, "m-1"));
    replicas.ozmap.held().await;
    (replicas, answer)
}

/// Short times, and a long answer time.
const PATIENT: &[(&str, &str)] = &[
    ("OZMAP__LOOKUP_MS", "5000"),
    ("OZMAP__DELETE_MS", "1500"),
    ("JOURNAL__LEASE_MS", "6500"),
    ("JOURNAL__SETTLE_MS", "2000"),
    ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "18000"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_other_replica_finishes_a_killed_one_and_waiting_callers_get_the_outcome() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let holds = named(&[
        "lookup:hold_before*1",
        "lookup:hold_after*1",
        "delete:hold_before*1",
        "delete:hold_after*1",
        "get:hold_before*1",
        "get:hold_after*1",
    ]);
    each(6, holds, move |case, hold| async move {
        let (mut replicas, answer) = standing(server, hold, PATIENT).await;
        // Two callers wait at the other replica: one with the same webhook, one with the same code.
        let same = replicas.asking(1, asking(CODE, "m-1"));
        let other = replicas.asking(1, asking(CODE, "m-2"));
        eventually("the other webhook", || async {
            (replicas.rows("delivery", "received_at").len() == 2).then_some(())
        })
        .await;
        replicas.services[0].kill();
        assert!(answer.await.unwrap().is_err(), "{case}");
        replicas.ozmap.release().await;
        for waiting in [same, other] {
            let reply = waiting.await.unwrap().unwrap();
            assert_eq!(reply.outcome(), "cancelled", "{case}: {reply:?}");
        }
        let row = replicas.ended().await.remove(0);
        assert_eq!(
            (&row["outcome"], &row["fence"]),
            (&json!("cancelled"), &json!(2)),
            "{case}"
        );
        // The lease, a tick, and the calls to OZmap.
        let took = row["done_at"].as_i64().unwrap() - row["created_at"].as_i64().unwrap();
        assert!(took < 6_500 * 2, "{case}: {took} ms");
        assert_deleted_only(&replicas.ozmap, &[PROPERTY], &case).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_frozen_longer_than_its_lease_changes_nothing_and_answers_truthfully() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let holds = named(&[
        "lookup:hold_after*1",
        "delete:hold_before*1",
        "delete:hold_after*1",
        "get:hold_after*1",
    ]);
    each(4, holds, move |case, hold| async move {
        let (replicas, answer) = standing(server, hold, PATIENT).await;
        replicas.services[0].signal("STOP");
        replicas.ozmap.release().await;
        let row = replicas.ended().await.remove(0);
        assert_eq!(
            (&row["outcome"], &row["fence"]),
            (&json!("cancelled"), &json!(2)),
            "{case}"
        );
        replicas.services[0].signal("CONT");
        let reply = answer.await.unwrap().unwrap();
        assert_is_true(&replicas.ozmap, CODE, PROPERTY, &reply, &case).await;
        assert_eq!(reply.json()["protocol"], row["protocol"], "{case}");
        eventually("the frozen one to notice", || async {
            let logs = replicas.services[0].logs();
            (logs.contains("lease expired")).then_some(())
        })
        .await;
        let after = replicas.cancellations().remove(0);
        assert_eq!(after, row, "{case}");
        let ends = replicas.events().into_iter().filter(|kind| kind == "done");
        assert_eq!(ends.count(), 1, "{case}");
        assert_deleted_only(&replicas.ozmap, &[PROPERTY], &case).await;
        assert_eq!(calls_of(&replicas.ozmap, "delete").await.len(), 1, "{case}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_waits_for_ozmap_longer_than_a_lease_keeps_it() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let mut settings = PATIENT.to_vec();
    settings.retain(|(name, _)| *name != "OZMAP__LOOKUP_MS");
    settings.push(("OZMAP__LOOKUP_MS", "18000"));
    let (replicas, answer) = standing(server, "get:hold_before*1", &settings).await;
    let lease_ends = |row: &Value| row["lease_until"].as_i64().unwrap();
    let first = lease_ends(&replicas.cancellations()[0]);
    // A lease that ends this late was renewed after the first one would have expired.
    let row = eventually("a lease after the first one", || async {
        let row = replicas.cancellations().remove(0);
        (lease_ends(&row) > first + 6_500).then_some(row)
    })
    .await;
    assert_eq!(row["fence"], 1, "another worker took it: {row}");
    replicas.ozmap.release().await;
    assert_eq!(answer.await.unwrap().unwrap().outcome(), "cancelled");
    assert_eq!(replicas.ended().await[0]["fence"], 1);
    assert_deleted_only(&replicas.ozmap, &[PROPERTY], "a long look").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_stops_hands_over_at_once() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    // Too long to wait for this lease.
    let long = [
        ("JOURNAL__LEASE_MS", "600000"),
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "18000"),
    ];
    let (mut replicas, answer) = standing(server, "lookup:hold_before*1", &long).await;
    replicas.services[0].signal("TERM");
    eventually("the stop to begin", || async {
        replicas.services[0]
            .logs()
            .contains("draining:")
            .then_some(())
    })
    .await;
    let elsewhere = replicas.asking(1, asking(CODE, "m-1"));
    replicas.ozmap.fault("lookup:status=503*1").await;
    replicas.ozmap.release().await;
    let reply = answer.await.unwrap().unwrap();
    assert_is_true(&replicas.ozmap, CODE, PROPERTY, &reply, "stopped").await;
    assert_eq!(replicas.services[0].ended().await, Some(0));
    assert_eq!(elsewhere.await.unwrap().unwrap().outcome(), "cancelled");
    assert_deleted_only(&replicas.ozmap, &[PROPERTY], "handed over").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_start_at_once_create_the_tables_once_and_release_no_lease() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let mut replicas = Replicas::on(server, 4, &[]).await;
    replicas.ozmap.fault("lookup:hold_before*1").await;
    let answer = replicas.asking(0, asking(CODE, "m-1"));
    replicas.ozmap.held().await;
    let newcomer = replicas.services[0].launch().clone().start().await;
    assert_eq!(newcomer.get("/health/ready").await.status, 200);
    let owner = &replicas.cancellations()[0]["lease_owner"];
    assert!(owner.is_string(), "{owner}");
    replicas.services.push(newcomer);
    replicas.ozmap.release().await;
    assert_eq!(answer.await.unwrap().unwrap().outcome(), "cancelled");
    assert_eq!(replicas.cancellations()[0]["attempt"], json!(1));
    let detail = replicas.services[1].get("/health").await.json();
    assert_eq!(detail["journal"]["store"], "postgres");
    assert_eq!(replicas.services[3].journal()[0]["outcome"], "cancelled");
}

/// Two writers that lock the same rows in different orders would deadlock, and lose their batches.
#[tokio::test(flavor = "multi_thread")]
async fn busy_replicas_do_not_wait_for_each_other() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let plenty = [
        ("POLICY__DELETES_PER_HOUR_MAX", "100000"),
        ("POLICY__CODES_PER_CONVERSATION_MAX", "1000"),
        ("OZMAP__CONCURRENCY_MAX", "16"),
    ];
    let replicas = Replicas::on(server, 2, &plenty).await;
    let codes: Vec<String> = (0..150).map(|n| format!("much-{n}")).collect();
    for code in &codes {
        replicas.ozmap.reserve(json!({"code": code})).await;
    }
    // Few conversations with many codes each, and every webhook on both replicas, in different
    // orders.
    let asks = |n: usize| json!({"code": codes[n], "message_id": codes[n], "conversation_id": format!("c-{}", n % 7)});
    let mut bodies: Vec<Value> = (0..codes.len())
        .flat_map(|n| [asks(n), asks(codes.len() - 1 - n)])
        .collect();
    bodies.push(asks(0));
    ask_both(&replicas, bodies).await;
    let rows = replicas.ended().await;
    assert_eq!(rows.len(), codes.len());
    assert!(rows.iter().all(|row| row["outcome"] == "cancelled"));
    for service in &replicas.services {
        let logs = service.logs();
        assert!(!logs.contains("for too long"), "{logs}");
        assert!(!logs.contains("lock timeout"), "{logs}");
        assert!(!logs.contains("deadlock"), "{logs}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_hands_over_waiting_cancellations_also_while_the_circuit_is_open() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    // The lease alone would not expire within this test.
    let long = [
        SHORT,
        &[
            ("JOURNAL__LEASE_MS", "60000"),
            ("SERVER__DRAIN_MS_MAX", "1500"),
        ],
    ]
    .concat();
    let mut replicas = Replicas::on(server, 2, &long).await;
    replicas.ozmap.fault("delete:timeout_before").await;
    replicas.ozmap.fault("get:status=503").await;
    replicas.ozmap.fault("lookup:status=503+1").await;
    assert_eq!(
        replicas.services[0]
            .ask(&asking(CODE, "m-1"))
            .await
            .outcome(),
        "pending"
    );
    eventually("the second look to fail", || async {
        (!calls_of(&replicas.ozmap, "get").await.is_empty()).then_some(())
    })
    .await;
    let holder = replicas.cancellations()[0]["lease_owner"].clone();
    replicas.services[0].signal("TERM");
    assert_eq!(replicas.services[0].ended().await, Some(0));
    let row = &replicas.cancellations()[0];
    assert!(
        row["lease_owner"].is_null() || row["lease_owner"] != holder,
        "{row}"
    );
    replicas.ozmap.heal().await;
    let rows = replicas.ended().await;
    assert_eq!(rows[0]["outcome"], "cancelled");
    assert_deleted_only(&replicas.ozmap, &[PROPERTY], "handed over").await;
}
