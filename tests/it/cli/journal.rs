//! `journal list` and `journal show`: one cancellation among many, found by whatever is known of it.

use serde_json::{Value, json};

use super::{stderr, stdout};
use crate::journal::file;
use crate::support::World;

/// A world in which four cancellations ended in four ways.
async fn with_history() -> World {
    let world = World::new().await;
    for (code, outcome) in [
        ("123|123", "cancelled"),
        ("999|999", "not_found"),
        ("test-status", "installed"),
        ("dup-1", "review"),
    ] {
        let body = json!({"code": code, "message_id": code, "reason": "moved away", "customer_name": "Ana"});
        assert_eq!(world.ask(body).await.outcome(), outcome);
    }
    world
}

fn journal(world: &World, arguments: &[&str]) -> (Option<i32>, String) {
    let output = world
        .service
        .launch()
        .run(&[&["journal"], arguments].concat());
    (output.status.code(), stdout(&output))
}

fn rows(world: &World, arguments: &[&str]) -> Vec<Value> {
    let (code, said) = journal(world, &[&["list", "--json"], arguments].concat());
    assert_eq!(code, Some(0));
    said.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_newest_first_and_narrowed_by_state_outcome_person_and_limit() {
    let world = with_history().await;
    file::Foreign::of(world.folder.path())
        .run("UPDATE op SET needs_human = 1 WHERE code = 'test-status'");
    let codes = |rows: Vec<Value>| -> Vec<String> {
        rows.iter()
            .map(|row| row["code"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        codes(rows(&world, &[])),
        ["dup-1", "test-status", "999|999", "123|123"]
    );
    assert_eq!(codes(rows(&world, &["--limit", "1"])), ["dup-1"]);
    assert_eq!(
        codes(rows(&world, &["--outcome", "cancelled"])),
        ["123|123"]
    );
    assert_eq!(codes(rows(&world, &["--needs-human"])), ["test-status"]);
    assert_eq!(rows(&world, &["--state", "accepted"]).len(), 0);
    assert_eq!(rows(&world, &["--state", "done"]).len(), 4);
    let (code, table) = journal(&world, &["list"]);
    assert_eq!(code, Some(0));
    assert_eq!(table.lines().count(), 5);
    assert!(table.starts_with("ACCEPTED"));
    let row = &rows(&world, &["--outcome", "cancelled"])[0];
    for member in ["protocol", "code", "outcome", "reason"] {
        assert!(
            table.contains(row[member].as_str().unwrap()),
            "{member} in {table}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_cancellation_is_found_by_whatever_is_known_of_it() {
    let world = with_history().await;
    let row = rows(&world, &["--outcome", "cancelled"]).remove(0);
    assert_eq!(row["property_id"], "62d194b46c9401002392c704");
    for key in ["protocol", "id", "code", "property_id"] {
        let known = row[key].as_str().unwrap();
        let (code, said) = journal(&world, &["show", known, "--json"]);
        assert_eq!(code, Some(0), "{key}");
        let shown: Value = serde_json::from_str(said.trim()).unwrap();
        for (member, value) in row.as_object().unwrap() {
            assert_eq!(&shown[member], value, "{member}");
        }
        assert_eq!(shown["customers_reason"], "moved away");
        assert_eq!(shown["snapshot"]["client"]["code"], "123|123");
        let kinds: Vec<&str> = shown["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["kind"].as_str().unwrap())
            .filter(|kind| *kind != "port_free")
            .collect();
        assert_eq!(kinds, ["accepted", "intent", "acked", "done"]);
        assert_eq!(shown["webhooks"][0]["channel"], "chatbot");
        let (code, text) = journal(&world, &["show", known]);
        assert_eq!(code, Some(0));
        for part in [
            row["protocol"].as_str().unwrap(),
            "cancelled",
            "history",
            "intent",
            "webhooks",
            "moved away",
            "before its deletion",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_journal_does_not_know_exits_with_one() {
    let world = with_history().await;
    for unknown in ["555", "", "123", "' OR 1=1 --", "%"] {
        let output = world.service.launch().run(&["journal", "show", unknown]);
        assert_eq!(
            (output.status.code(), stdout(&output).as_str()),
            (Some(1), ""),
            "{unknown}"
        );
        assert!(
            stderr(&output).contains("has nothing under this"),
            "{unknown}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_not_there_is_named_and_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.db");
    let output = std::process::Command::new(crate::support::service::binary())
        .env_clear()
        .env(
            "OZMAP_CANCEL__JOURNAL__URL",
            format!("sqlite:{}", path.display()),
        )
        .args(["journal", "list"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("there is no journal at"),
        "{}",
        stderr(&output)
    );
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_or_an_outcome_that_is_none_is_not_an_empty_list() {
    let world = with_history().await;
    for filter in [["--state", "finished"], ["--outcome", "canceled"]] {
        let output = world
            .service
            .launch()
            .run(&[&["journal", "list"], &filter[..]].concat());
        assert_eq!(
            output.status.code(),
            Some(2),
            "{filter:?}: {}",
            stdout(&output)
        );
        assert!(stderr(&output).contains("cancelled") || stderr(&output).contains("accepted"));
    }
}
