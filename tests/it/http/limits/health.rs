//! The health pages: their members, what makes the service unready, and a journal that cannot be
//! written.

use std::collections::HashSet;
use std::time::Instant;

use crate::journal::file::{self, Foreign};
use serde_json::{Value, json};

use crate::support::{World, eventually};

fn members(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_three_pages_have_the_form_of_the_contract() {
    let world = World::new().await;
    assert_eq!(world.cancel("dup-1", "m-1").await.outcome(), "review");
    let live = world.service.get("/health/live").await;
    assert_eq!(
        (live.status, live.json()),
        (200, json!({"status": "alive"}))
    );
    let ready = world.service.get("/health/ready").await;
    assert_eq!(
        (ready.status, ready.json()),
        (200, json!({"status": "ready"}))
    );
    let detail = eventually("OZmap to be heard", || async {
        let detail = world.service.get("/health").await;
        assert_eq!(
            (detail.status, detail.header("content-type")),
            (200, Some("application/json"))
        );
        (detail.json()["ozmap"]["status"] == "ok").then(|| detail.json())
    })
    .await;
    assert_eq!(
        members(&detail),
        [
            "channels",
            "deletes_left_this_hour",
            "draining",
            "dry_run",
            "in_flight",
            "journal",
            "ozmap",
            "paused",
            "reasons",
            "status",
            "uptime_s",
            "version"
        ]
    );
    assert_eq!(
        members(&detail["journal"]),
        [
            "active",
            "incomplete",
            "needs_human",
            "oldest_active_ms",
            "status",
            "store"
        ]
    );
    assert_eq!(
        members(&detail["ozmap"]),
        [
            "circuit_open_s",
            "deletes_refused",
            "last_response_s_ago",
            "lookup_ms",
            "status",
            "too_slow"
        ]
    );
    assert_eq!(
        (&detail["status"], &detail["journal"]["status"]),
        (&json!("ok"), &json!("ok"))
    );
    assert_eq!(detail["version"], env!("CARGO_PKG_VERSION"));
    let head =
        crate::support::http::send(world.service.address(), "HEAD", "/health/ready", &[], b"");
    assert_eq!(head.await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ozmap_outage_degrades_the_service_and_leaves_it_ready() {
    let world = World::with(&[("CHANNELS__CHATBOT__ANSWER_MS_MAX", "300")]).await;
    world.ozmap.fault("any:status=503").await;
    assert_eq!(world.cancel("123|123", "m-1").await.outcome(), "pending");
    eventually("the trouble to be seen", || async {
        let detail = world.service.get("/health").await.json();
        (detail["status"] == "degraded"
            && detail["ozmap"]["status"] == "ozmap_server_error"
            && detail["journal"]["active"] == 1)
            .then_some(())
    })
    .await;
    let ready = world.service.get("/health/ready").await;
    assert_eq!(
        (ready.status, ready.json()),
        (200, json!({"status": "ready"}))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_service_shows_it_and_holds_every_cancellation() {
    let world = World::with(&[
        ("POLICY__PAUSED", "true"),
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "200"),
    ])
    .await;
    assert_eq!(world.cancel("123|123", "m-1").await.outcome(), "pending");
    let detail = world.service.get("/health").await.json();
    assert_eq!(
        (&detail["status"], &detail["paused"], &detail["reasons"]),
        (&json!("degraded"), &json!(true), &json!(["paused"]))
    );
    assert_eq!(world.service.get("/health/ready").await.status, 200);
    assert!(world.ozmap.asked().await.is_empty());
    assert_warned_of(&world, "policy.paused");
}

/// Both the log at start and `check` warn of a setting that holds deletions back.
fn assert_warned_of(world: &World, key: &str) {
    let logs = world.service.logs();
    let is_logged = logs
        .lines()
        .any(|line| line.contains("WARN") && line.contains(key));
    assert!(is_logged, "{key} in {logs}");
    let checked = world.service.launch().run(&["check"]);
    let checked = String::from_utf8(checked.stdout).unwrap();
    assert!(
        checked.contains(&format!("warning  {key}")),
        "{key} in {checked}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_for_all_is_warned_of() {
    let world = World::with(&[("POLICY__DRY_RUN", "true")]).await;
    assert_eq!(
        world.cancel("123|123", "m-1").await.outcome(),
        "would_cancel"
    );
    let detail = world.service.get("/health").await.json();
    assert_eq!(
        (&detail["status"], &detail["dry_run"], &detail["reasons"]),
        (&json!("degraded"), &json!(true), &json!(["dry_run"]))
    );
    assert_warned_of(&world, "policy.dry_run");
}

/// The status, the deletions that the hour has left, and the reasons.
async fn left(world: &World) -> (Value, Value, Value) {
    let detail = world.service.get("/health").await.json();
    let member = |name: &str| detail[name].clone();
    (
        member("status"),
        member("deletes_left_this_hour"),
        member("reasons"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_without_deletions_left_is_warned_of_also_after_a_restart() {
    let mut world = World::with(&[
        ("POLICY__DELETES_PER_HOUR_MAX", "1"),
        ("CHANNELS__CHATBOT__ANSWER_MS_MAX", "1500"),
    ])
    .await;
    let (_, number, _) = left(&world).await;
    assert_eq!(number, 1);
    assert_eq!(world.cancel("123|123", "m-1").await.outcome(), "cancelled");
    eventually("the spent hour to be seen", || async {
        let expected = (
            json!("degraded"),
            json!(0),
            json!(["deletes_of_the_hour_spent"]),
        );
        (left(&world).await == expected).then_some(())
    })
    .await;
    world.kill();
    world.restart().await;
    assert_warned_of(&world, "policy.deletes_per_hour_max");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_written_accepts_nothing_and_is_not_ready() {
    let world = World::new().await;
    let foreign = Foreign::lock(world.folder.path());
    let reply = world.cancel("123|123", "m-1").await;
    assert_eq!(
        (reply.status, &reply.json()["type"]),
        (503, &json!("urn:ozmap-cancel:problem:journal"))
    );
    assert!(reply.header("retry-after").is_some());
    assert!(reply.reply().contains("Tente de novo"), "{reply:?}");
    let ready = eventually("the service to be unready", || async {
        let ready = world.service.get("/health/ready").await;
        (ready.status == 503).then(|| ready.json())
    })
    .await;
    assert_eq!(ready, json!({"status": "journal_not_writable"}));
    let detail = world.service.get("/health").await;
    assert_eq!(
        (detail.status, &detail.json()["status"]),
        (503, &json!("unready"))
    );
    assert_eq!(detail.json()["journal"]["status"], "not_writable");
    assert_eq!(world.service.get("/health/live").await.status, 200);

    foreign.unlock();
    eventually("the service to be ready again", || async {
        (world.service.get("/health/ready").await.status == 200).then_some(())
    })
    .await;
    assert!(world.journal().is_empty());
    assert_eq!(world.ozmap.holds("123|123").await.len(), 1);
    assert_eq!(world.cancel("123|123", "m-1").await.outcome(), "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_write_to_the_journal_at_most_once_a_second() {
    let world = World::new().await;
    let (began, mut proofs) = (Instant::now(), HashSet::new());
    for path in ["/health", "/health/ready"].repeat(30) {
        assert_eq!(world.service.get(path).await.status, 200);
        let rows = file::table(world.folder.path(), "heartbeat");
        proofs.extend(rows.iter().map(|row| row["at_ms"].as_i64().unwrap()));
    }
    // One at first, and one in each whole second after it.
    let most = began.elapsed().as_secs() + 1;
    assert!(!proofs.is_empty());
    assert!(proofs.len() as u64 <= most, "{} of {most}", proofs.len());
}
