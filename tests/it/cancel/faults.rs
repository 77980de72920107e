//! Every fault on every call of a cancellation; every reply is compared with what OZmap holds.

use super::*;

/// A code with upper-case and lower-case letters.
const LETTERS: &str = "reservation_123";

/// The expected end of a cancellation under a fault.
#[derive(Clone, Copy)]
enum End {
    /// The fault ends by itself: the outcome is `cancelled`.
    Cancelled,
    /// The caller gets only `pending` while the fault lasts, and `cancelled` afterwards.
    PendingUntilHealed,
    /// The same, but the circuit stays open for a while, so that only a restart calls OZmap at
    /// once.
    LeftAlone,
    /// The cancellation needs review for this reason, and nothing was deleted.
    Review(&'static str),
    /// The worker gives up after a DELETE was sent.
    Unknown,
}

use End::{Cancelled, LeftAlone, PendingUntilHealed, Review, Unknown};

/// The failures of any call: technical ones, never a refusal.
const TROUBLE: &[(&str, End)] = &[
    ("status=400", PendingUntilHealed),
    ("status=401", LeftAlone),
    ("status=403", LeftAlone),
    ("status=409", PendingUntilHealed),
    ("status=429", PendingUntilHealed),
    ("status=500", PendingUntilHealed),
    ("status=502", PendingUntilHealed),
    ("status=503", PendingUntilHealed),
    ("status=504", PendingUntilHealed),
    ("html_404", PendingUntilHealed),
    ("express_404", PendingUntilHealed),
    ("html_200", PendingUntilHealed),
    ("redirect=302", PendingUntilHealed),
    (
        "redirect=307,/api/v2/properties/62d194b46c9401002392c704",
        PendingUntilHealed,
    ),
    ("error_string_200", PendingUntilHealed),
    ("empty_200", PendingUntilHealed),
    ("reset_before", PendingUntilHealed),
    ("reset_after", PendingUntilHealed),
    ("timeout_before", PendingUntilHealed),
    ("timeout_after", PendingUntilHealed),
    ("delay_ms=1500", PendingUntilHealed),
    ("drip=20", PendingUntilHealed),
    ("truncated", PendingUntilHealed),
    ("truncated_close", PendingUntilHealed),
    ("huge", PendingUntilHealed),
];

/// Malformed documents.
const DOCUMENTS: &[(&str, End)] = &[
    ("duplicate_keys", Review("unreadable_client")),
    ("client_null", Review("no_client")),
    ("client_missing", Review("no_client")),
    ("client_string", Cancelled),
    ("implanted_missing", Review("installed_unknown")),
    ("implanted_string", Review("installed_unknown")),
    ("id_missing", Review("bad_id")),
    ("id_short", Review("bad_id")),
    ("two_rows", Review("several_properties")),
    ("other_case", Review("other_code")),
    ("wrong_code", Review("other_code")),
];

/// Sends one request and compares the reply with what OZmap holds.
async fn watched(world: &World, property: &str, case: &str) -> Reply {
    let reply = world.cancel(LETTERS, "m-1").await;
    assert_eq!(reply.status, 200, "{case}: {reply:?}");
    assert_is_true(&world.ozmap, LETTERS, property, &reply, case).await;
    reply
}

/// Repeats the request until the reply is final and compares every reply.
async fn watched_to_the_end(world: &World, property: &str, case: &str) -> Reply {
    eventually("a final answer", || async {
        let reply = watched(world, property, case).await;
        (reply.json()["final"] == json!(true)).then_some(reply)
    })
    .await
}

/// Repeats the request, compares every reply, and ends the fault when the case requires it.
async fn run(case: String, before: Option<&'static str>, fault: String, end: End) {
    let mut world = World::with(SHORT).await;
    let held = world.ozmap.holds(LETTERS).await;
    let property = held[0]["_id"].as_str().unwrap();
    if let Some(before) = before {
        world.ozmap.fault(before).await;
    }
    world.ozmap.fault(&fault).await;
    let route = fault.split(':').next().unwrap();
    let first = watched(&world, property, &case).await;
    if let PendingUntilHealed | LeftAlone = end {
        assert_eq!(first.outcome(), "pending", "{case}");
        let calls = if matches!(end, LeftAlone) { 1 } else { 2 };
        called(&world.ozmap, route, calls).await;
        assert_eq!(
            watched(&world, property, &case).await.outcome(),
            "pending",
            "{case}"
        );
        world.ozmap.heal().await;
        if matches!(end, LeftAlone) {
            world.restart().await;
        }
    }
    let last = watched_to_the_end(&world, property, &case).await;
    let row = &file::cancellations(world.folder.path())[0];
    let expected = match end {
        Cancelled | PendingUntilHealed | LeftAlone => ("cancelled", "seen_gone"),
        // After our own DELETE an unreadable document may be its effect, so "nothing was changed"
        // must not be said.
        Review(reason) if route == "get" => ("unknown", reason),
        Review(reason) => ("review", reason),
        Unknown => ("unknown", "delete_without_effect"),
    };
    let reason = row["reason"].as_str().unwrap();
    assert_eq!((last.outcome().as_str(), reason), expected, "{case}");
    let wants_a_person = expected.0 != "cancelled" && row["delete_sent"] != json!(0);
    assert_eq!(row["needs_human"] == json!(1), wants_a_person, "{case}");
    assert_deleted_only(&world.ozmap, &[property], &case).await;
}

/// One call, the fault that makes it happen, and the faults to try on it.
type Table<'a> = (&'a str, Option<&'static str>, &'a [(&'a str, End)]);

/// Runs the tables concurrently; most of their time is waiting.
async fn run_all(tables: &[Table<'_>]) {
    let mut cases = Vec::new();
    for (route, before, rows) in tables {
        for (kind, end) in *rows {
            let fault = format!("{route}:{kind}");
            cases.push((fault.clone(), (*before, fault, *end)));
        }
    }
    each(60, cases, |case, (before, fault, end)| {
        run(case, before, fault, end)
    })
    .await;
}

/// Whether a fault needs a response with a body.
fn needs_a_body(kind: &str) -> bool {
    ["drip=20", "truncated", "truncated_close", "huge"].contains(&kind)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_read_is_pending_and_never_not_found_or_gone() {
    // The DELETE takes effect; only the recheck fails.
    let second_look: Vec<(&str, End)> = TROUBLE
        .iter()
        .copied()
        .filter(|(kind, _)| !needs_a_body(kind))
        .collect();
    let mut look_up = [TROUBLE, DOCUMENTS].concat();
    for (kind, end) in &mut look_up {
        // The lookup by code shows nothing, the list of clients fails.
        if *kind == "empty_200" {
            *end = Cancelled;
        }
    }
    run_all(&[("lookup", None, &look_up), ("get", None, &second_look)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_property_that_the_recheck_cannot_read_is_not_deleted_again() {
    let unreadable = [
        ("duplicate_keys", PendingUntilHealed),
        ("id_missing", PendingUntilHealed),
        ("id_short", PendingUntilHealed),
        ("wrong_code", PendingUntilHealed),
        ("drip=20", PendingUntilHealed),
        ("truncated", PendingUntilHealed),
        ("truncated_close", PendingUntilHealed),
        ("huge", PendingUntilHealed),
    ];
    let readable = DOCUMENTS.iter().copied().filter(|(kind, _)| {
        *kind != "two_rows" && unreadable.iter().all(|(other, _)| kind != other)
    });
    let rows: Vec<(&str, End)> = readable.chain(unreadable).collect();
    // The first DELETE is lost before it takes effect, so that the recheck shows the property.
    run_all(&[("get", Some("delete:reset_before*1"), &rows)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_delete_is_pending_and_completes_with_the_truth() {
    let kinds = TROUBLE.iter().map(|(kind, _)| *kind);
    let deletions = [
        "status=404",
        "delayed_delete_ms=900",
        "stale_ms=900",
        "ignored_delete",
    ];
    let once: Vec<String> = kinds
        .filter(|kind| !needs_a_body(kind))
        .chain(deletions)
        .map(|kind| format!("{kind}*1"))
        .collect();
    let end_of = |kind: &str| match kind {
        "status=401*1" | "status=403*1" => LeftAlone,
        // OZmap understood the DELETE and refuses it: it is not sent again.
        "status=400*1" => Review("delete_rejected"),
        _ => Cancelled,
    };
    let once: Vec<(&str, End)> = once
        .iter()
        .map(|kind| (kind.as_str(), end_of(kind)))
        .collect();
    let lasting = [
        ("status=401", LeftAlone),
        ("status=403", LeftAlone),
        ("status=404", PendingUntilHealed),
        ("status=405", Review("delete_rejected")),
        ("status=422", Review("delete_rejected")),
        ("status=429", PendingUntilHealed),
        ("status=500", PendingUntilHealed),
        ("status=502", PendingUntilHealed),
        ("html_404", PendingUntilHealed),
        ("html_200", PendingUntilHealed),
        ("express_404", PendingUntilHealed),
        ("error_string_200", PendingUntilHealed),
        ("redirect=307", PendingUntilHealed),
        ("reset_before", PendingUntilHealed),
        ("timeout_before", PendingUntilHealed),
        // These DELETEs take effect, so that no review is needed.
        ("reset_after", Cancelled),
        ("timeout_after", Cancelled),
        ("delayed_delete_ms=900", Cancelled),
        ("delay_ms=1500", Cancelled),
        // This answer looks like a confirmation and is not one.
        ("empty_200", Unknown),
    ];
    run_all(&[("delete", None, &once), ("delete", None, &lasting)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_failures_on_every_call_end_in_cancelled() {
    let cases = [
        "any:reset_after@0.3",
        "any:reset_before@0.3",
        "any:status=503@0.3",
        "any:timeout_after@0.2",
        "any:html_404@0.3",
    ];
    let cases = cases.map(|fault| (fault.to_owned(), fault)).to_vec();
    each(5, cases, |case, fault| async move {
        let world = World::with(SHORT).await;
        let mut reserved = Vec::new();
        for n in 0..4 {
            let code = format!("random-{n}");
            let made = world.ozmap.reserve(json!({"code": code})).await;
            reserved.push((code, made["id"].as_str().unwrap().to_owned()));
        }
        world.ozmap.fault(fault).await;
        let mut asking_all = JoinSet::new();
        let address = world.service.address();
        for (code, _) in reserved.clone() {
            asking_all.spawn(callers::ask_of(address, asking(&code, &code)));
        }
        while let Some(reply) = asking_all.join_next().await {
            let reply = reply.unwrap();
            let code = reply.json()["code"].as_str().unwrap().to_owned();
            let property = &reserved.iter().find(|(held, _)| *held == code).unwrap().1;
            assert_is_true(&world.ozmap, &code, property, &reply, &case).await;
        }
        // Many failures in a row cause long waits, which are not the subject here.
        world.ozmap.heal().await;
        let mut world = world;
        world.restart().await;
        for (code, property) in &reserved {
            let reply = world.ask_until_final(asking(code, code)).await;
            assert_eq!(reply.outcome(), "cancelled", "{case}");
            assert_is_true(&world.ozmap, code, property, &reply, &case).await;
        }
        let allowed: Vec<&str> = reserved.iter().map(|(_, id)| id.as_str()).collect();
        assert_deleted_only(&world.ozmap, &allowed, &case).await;
    })
    .await;
}
