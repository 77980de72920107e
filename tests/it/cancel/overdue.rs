//! Giving up: while the circuit is open, when a record is unreadable, when OZmap never started.

use super::*;

fn give_up_after(seconds: &'static str) -> Vec<(&'static str, &'static str)> {
    short_and(&[("JOURNAL__GIVE_UP_S", seconds)])
}

#[tokio::test(flavor = "multi_thread")]
async fn overdue_cancellations_complete_while_the_circuit_is_open() {
    let faults = named(&["any:status=500", "any:status=401"]);
    each(2, faults, |case, fault| async move {
        let world = World::with(&give_up_after("3")).await;
        world.ozmap.fault(fault).await;
        let codes: Vec<String> = (0..6).map(|n| format!("over-{n}")).collect();
        for code in &codes {
            world.ozmap.reserve(json!({"code": code})).await;
            assert_eq!(
                world.cancel(code, code).await.outcome(),
                "pending",
                "{case}"
            );
        }
        eventually("OZmap to be left alone", || async {
            let health = world.service.get("/health").await.json();
            health["ozmap"]["circuit_open_s"].is_u64().then_some(())
        })
        .await;
        for code in &codes {
            let reply = world.ask_until_final(asking(code, code)).await;
            assert_eq!(reply.outcome(), "expired", "{case}: {code}");
        }
        assert!(calls_of(&world.ozmap, "delete").await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_record_blocks_no_other_and_completes() {
    let mut world = World::with(&give_up_after("4")).await;
    world.ozmap.fault("lookup:status=503").await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "pending");
    world.kill();
    let foreign = file::Foreign::of(world.folder.path());
    foreign.run("UPDATE op SET protocol = 'x'");
    if is_embedded() {
        // Bytes that are no text, like after a flipped bit on the disk.
        foreign.run("UPDATE op SET channel = CAST(x'ff' AS TEXT), first_name = x'00'");
    }
    drop(foreign);
    world.ozmap.heal().await;
    world.restart().await;
    assert_eq!(
        world.ask_until_final(asking("abc", "m-2")).await.outcome(),
        "not_found"
    );
    let row = eventually("the outcome of the unreadable one", || async {
        // The record is unreadable for this test, too.
        let row = file::Foreign::of(world.folder.path()).the_unreadable("x");
        (row["state"] == "done").then_some(row)
    })
    .await;
    assert_eq!(
        (&row["outcome"], &row["reason"], &row["needs_human"]),
        (&json!("expired"), &json!("unreadable_record"), &json!(1))
    );
    assert!(holds(&world.ozmap, CODE, PROPERTY).await);
    assert!(!world.service.logs().contains(CODE));
    // The list shows the others, and names the one that cannot be shown.
    let list = world.service.launch().run(&["journal", "list"]);
    let (shown, problem) = (text(&list.stdout), text(&list.stderr));
    assert!(shown.contains("not_found"), "{shown}");
    assert!(
        problem.contains("a record has an unreadable protocol"),
        "{problem}"
    );
    assert!(!list.status.success());
    let show = world.service.launch().run(&["journal", "show", CODE]);
    assert!(text(&show.stderr).contains("unreadable protocol"));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// An unreadable record still tells whether a DELETE was recorded, and until when that may take
/// effect.
#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_record_whose_delete_was_sent_completes_as_unknown() {
    let cases = named(&[
        "UPDATE op SET protocol = 'x', delete_sent = 1",
        "UPDATE op SET protocol = 'x', delete_sent = 1, settle_at = deadline_at + 3600000",
    ]);
    each(2, cases, |case, spoilt| async move {
        let mut world = World::with(&give_up_after("4")).await;
        world.ozmap.fault("lookup:status=503").await;
        assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "pending");
        world.kill();
        file::Foreign::of(world.folder.path()).run(spoilt);
        world.restart().await;
        let row = eventually("a recheck after its deadline", || async {
            let row = file::table(world.folder.path(), "op").remove(0);
            let is_over = row["next_at"].as_i64() > row["deadline_at"].as_i64();
            (is_over || row["state"] == "done").then_some(row)
        })
        .await;
        let (state, outcome) = if spoilt.contains("settle_at") {
            (json!("accepted"), json!(null))
        } else {
            (json!("done"), json!("unknown"))
        };
        assert_eq!(
            (&row["state"], &row["outcome"]),
            (&state, &outcome),
            "{case}"
        );
        assert_eq!(row["needs_human"], json!(1), "{case}");
    })
    .await;
}

/// A caller is told that nothing was changed only if nothing was deleted under the code.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_expires_after_an_earlier_cancellation_needs_review() {
    let mut world = World::with(&give_up_after("4")).await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "cancelled");
    assert_eq!(
        world.cancel("reservation_123", "m-0").await.outcome(),
        "cancelled"
    );
    world.kill();
    // The unreadable record does not keep another one from its outcome.
    file::Foreign::of(world.folder.path())
        .run("UPDATE op SET protocol = 'x' WHERE code = 'reservation_123'");
    world.restart().await;
    world.ozmap.fault("any:status=500").await;
    let rehearsal = json!({"code": CODE, "message_id": "m-3", "dry_run": true});
    let asked = [
        (asking(CODE, "m-2"), "unknown"),
        (rehearsal, "unknown"),
        (asking("reservation_123", "m-4"), "unknown"),
        (asking("abc", "m-5"), "expired"),
    ];
    for (body, outcome) in asked {
        let reply = world.ask_until_final(body.clone()).await;
        assert_eq!(reply.outcome(), outcome, "{body}");
    }
    let rows = file::cancellations(world.folder.path());
    for row in &rows[2..5] {
        assert_eq!(row["reason"], json!("deadline_after_a_deletion"), "{row}");
        assert_eq!(
            (&row["needs_human"], &row["delete_sent"]),
            (&json!(1), &json!(0)),
            "{row}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_waits_for_an_ozmap_that_starts_later() {
    let ozmap = Ozmap::start().await;
    let address = ozmap.address();
    drop(ozmap);
    eventually("the port to be closed", || async {
        tokio::net::TcpStream::connect(address).await.err()
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let journal = crate::support::store::journal_url(folder.path());
    let mut launch = Launch::new(&format!("http://{address}"), &journal);
    for (name, value) in SHORT {
        launch = launch.set(name, value);
    }
    let service = launch.start().await;
    let pending = service.ask(&asking(CODE, "m-1")).await;
    assert_eq!(
        (pending.status, pending.outcome().as_str()),
        (200, "pending")
    );
    let health = service.get("/health").await.json();
    assert_eq!(
        health["ozmap"]["status"],
        json!("ozmap_connect"),
        "{health}"
    );
    assert_eq!(service.get("/health/ready").await.status, 200);
    let ozmap = Ozmap::start_at(address).await;
    let reply = eventually("the end", || async {
        let reply = service.ask(&asking(CODE, "m-1")).await;
        (reply.outcome() != "pending").then_some(reply)
    })
    .await;
    assert_eq!(reply.outcome(), "cancelled");
    assert_deleted_only(&ozmap, &[PROPERTY], "late start").await;
}

/// No request joined during the recheck, so its result holds for every caller, also after the
/// deadline.
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_verified_after_the_deadline_is_cancelled_for_every_caller() {
    let world = World::with(&give_up_after("8")).await;
    world.ozmap.fault("delete:status=403*1").await;
    assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "pending");
    called(&world.ozmap, "delete", 1).await;
    eventually("the deletion to wait", || async {
        let rows = file::cancellations(world.folder.path());
        (rows[0]["reason"] == "ozmap_forbidden").then_some(())
    })
    .await;
    assert_eq!(world.cancel(CODE, "m-2").await.outcome(), "pending");
    world.ozmap.remove(PROPERTY).await;
    for message in ["m-1", "m-2"] {
        let reply = world.ask_until_final(asking(CODE, message)).await;
        assert_eq!(reply.outcome(), "cancelled", "{message}");
    }
    let rows = file::cancellations(world.folder.path());
    assert!(rows[0]["done_at"].as_i64() >= rows[0]["deadline_at"].as_i64());
}
