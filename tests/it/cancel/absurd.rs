//! Impossible dates in OZmap's records and in the journal: nothing panics, and every request
//! completes.

use super::*;

const DATES: [&str; 9] = [
    "9999999-01-01T00:00:00.000Z",
    "+9999999-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "9999-12-30T21:59:59.999Z",
    "-009999-01-02T01:59:59Z",
    "-9999999-01-01T00:00:00Z",
    "0000-00-00T00:00:00Z",
    "2026-02-30T25:61:61Z",
    "99999999999999999999",
];

fn assert_no_panic(world: &World, case: &str) {
    let logs = world.service.logs();
    assert!(!logs.contains("panic"), "{case}: {logs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_with_an_absurd_date_is_kept_without_a_panic() {
    let world = World::new().await;
    let mut records: Vec<Value> = Vec::new();
    for date in DATES {
        records.push(json!({"createdAt": date}));
        records.push(json!({"enterDate": date}));
        records.push(json!({"createdAt": date, "enterDate": date}));
    }
    for number in [
        json!(-1),
        json!(9_999_999_999_999_999_u64),
        json!(1e300),
        json!({}),
    ] {
        records.push(json!({"document": {
            "kind": "Property", "createdAt": number, "deletedAt": null,
            "client": {"kind": "ftth", "code": "", "implanted": false, "createdAt": number},
            "history": {"clients": [{"enter_date": number, "exit_date": null}]},
        }}));
    }
    for (number, mut record) in records.into_iter().enumerate() {
        let code = format!("absurd-{number}");
        if record["document"].is_object() {
            record["document"]["client"]["code"] = json!(code);
        } else {
            record["code"] = json!(code);
        }
        world.ozmap.reserve(record.clone()).await;
        let looked = world.ask(json!({"code": code, "action": "lookup"})).await;
        assert_eq!(looked.status, 200, "{record}: {looked:?}");
        let reply = world.ask_until_final(asking(&code, &code)).await;
        assert!(
            ["review", "cancelled"].contains(&reply.outcome().as_str()),
            "{record}: {reply:?}"
        );
        let is_held = !world.ozmap.holds(&code).await.is_empty();
        assert_eq!(is_held, reply.outcome() == "review", "{record}");
        assert_no_panic(&world, &record.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_with_an_absurd_time_is_shown_and_completes_without_a_panic() {
    if !is_embedded() {
        return;
    }
    for time in [
        i64::MIN,
        i64::MIN / 2,
        -1,
        253_402_300_800_000,
        i64::MAX / 2,
        i64::MAX,
    ] {
        for column in ["created_at", "updated_at", "deadline_at", "settle_at"] {
            let case = format!("{column} = {time}");
            let world = World::with(SHORT).await;
            world.ozmap.fault("lookup:status=503").await;
            assert_eq!(world.cancel(CODE, "m-1").await.outcome(), "pending");
            // Written as a text, because SQLite reads the lowest number as a negated one.
            let row = format!("UPDATE op SET {column} = CAST('{time}' AS INTEGER)");
            file::Foreign::of(world.folder.path()).run(&row);
            for verb in [&["journal", "list"][..], &["journal", "show", CODE]] {
                let ran = world.service.launch().run(verb);
                assert_eq!(ran.status.code(), Some(0), "{case}: {ran:?}");
            }
            assert!(world.service.get("/health").await.status < 504, "{case}");
            world.ozmap.heal().await;
            eventually(&format!("the end of {case}"), || async {
                let rows = file::cancellations(world.folder.path());
                (rows[0]["state"] == "done").then_some(())
            })
            .await;
            assert_no_panic(&world, &case);
        }
    }
}
