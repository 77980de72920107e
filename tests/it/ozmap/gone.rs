//! After a DELETE without a clear response a property is gone only if every source agrees.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a server of a test stops at every question that it does not expect"
)]

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use ozmap_cancel::ozmap::{DeleteAnswer, RecheckResult};

use super::cross_check::{About, NONE, OTHER_ID, client, held_as, listed, no_route, server};
use super::rig::{BY_ID, ID, LOOKUP, Rig, reservation};
use super::stand_in::json as answer_json;

/// The result of the rechecks after a DELETE with this response, and their number.
async fn after(rig: &Rig, answer: DeleteAnswer) -> (&'static str, usize) {
    match rig.look_until_sure(answer).await {
        Ok((RecheckResult::Gone { others }, looks)) if others.is_empty() => ("gone", looks),
        Ok((RecheckResult::Gone { .. }, looks)) => ("reserved again", looks),
        Ok((RecheckResult::Present(_), looks)) => ("present", looks),
        Ok((RecheckResult::OnlyByCode(_), looks)) => ("only by its code", looks),
        Ok((RecheckResult::Contradicted, looks)) => ("contradicted", looks),
        Ok((RecheckResult::GoneUnconfirmed(_), looks)) => ("not sure", looks),
        Err(error) => (error.kind.id(), 0),
    }
}

#[tokio::test]
async fn a_wrong_absence_by_id_is_contradicted_by_its_client_or_a_list() {
    let missing = || answer_json(404, "\"Not Found\"");
    let there = || answer_json(200, &client("renamed").to_string());
    let with_it = || listed(&[held_as("renamed", ID)]);
    let none = || answer_json(200, NONE);
    let deleted = || {
        let mut document = client("renamed");
        document["deletedAt"] = "2026-01-01T00:00:00Z".into();
        answer_json(200, &document.to_string())
    };
    for (client, list, expected) in [
        (missing(), none(), ("gone", 2)),
        (missing(), no_route(), ("gone", 3)),
        (no_route(), none(), ("gone", 2)),
        (deleted(), no_route(), ("gone", 2)),
        (there(), none(), ("contradicted", 2)),
        (there(), no_route(), ("contradicted", 2)),
        (missing(), with_it(), ("contradicted", 2)),
        (answer_json(403, ""), with_it(), ("contradicted", 2)),
        // No cross-check is possible: it takes more rechecks.
        (answer_json(403, ""), no_route(), ("gone", 4)),
        (no_route(), listed(&[reservation()]), ("contradicted", 2)),
        (no_route(), listed(&[held_as("x", OTHER_ID)]), ("gone", 4)),
        (answer_json(500, ""), none(), ("ozmap_server_error", 0)),
    ] {
        let rig = server(move |about| match about {
            About::Property => missing(),
            About::Path(_) => answer_json(200, "[]"),
            About::ClientsWith(_) => answer_json(200, NONE),
            About::Client => client.clone(),
            About::PropertiesWith(id) if id == ID => list.clone(),
            other => panic!("asked for {other:?}"),
        })
        .await;
        assert_eq!(after(&rig, DeleteAnswer::Unclear).await, expected);
    }
}

#[tokio::test]
async fn an_absence_by_id_that_does_not_repeat_is_present() {
    let looks = AtomicUsize::new(0);
    let rig = server(move |about| match about {
        About::Property if looks.fetch_add(1, SeqCst) == 0 => answer_json(404, ""),
        About::Property => answer_json(200, &held_as("renamed", ID).to_string()),
        About::Path(_) => answer_json(200, "[]"),
        other => panic!("asked for {other:?}"),
    })
    .await;
    assert_eq!(after(&rig, DeleteAnswer::Unclear).await, ("present", 2));
}

/// The list of clients still leads to the property, although its id and its code do not.
#[tokio::test]
async fn a_property_in_the_list_of_clients_is_not_gone() {
    for (properties, expected) in [
        (listed(&[reservation()]), ("only by its code", 2)),
        (answer_json(200, NONE), ("contradicted", 2)),
    ] {
        let rig = server(move |about| match about {
            About::Property => answer_json(404, ""),
            About::Path(_) => answer_json(200, "[]"),
            About::ClientsWith(code) => listed(&[client(&code)]),
            About::PropertiesOf(_) => properties.clone(),
            other => panic!("asked for {other:?}"),
        })
        .await;
        assert_eq!(after(&rig, DeleteAnswer::Unclear).await, expected);
    }
}

#[tokio::test]
async fn a_confirmed_delete_is_verified_by_one_recheck_or_more_if_a_list_disagrees() {
    let missing = || answer_json(404, "\"Not Found\"");
    let there = || answer_json(200, &client("renamed").to_string());
    let with_it = || listed(&[held_as("renamed", ID)]);
    let none = || answer_json(200, NONE);
    for (client, list, expected) in [
        (missing(), none(), ("gone", 1)),
        (no_route(), none(), ("gone", 1)),
        // No cross-check is possible.
        (missing(), no_route(), ("gone", 2)),
        (no_route(), answer_json(500, ""), ("ozmap_server_error", 0)),
        // OZmap keeps its client for longer.
        (there(), none(), ("gone", 2)),
        (there(), no_route(), ("contradicted", 2)),
        (missing(), with_it(), ("contradicted", 2)),
    ] {
        let rig = server(move |about| match about {
            About::Property => missing(),
            About::Path(_) => answer_json(200, "[]"),
            About::Client => client.clone(),
            About::PropertiesWith(id) if id == ID => list.clone(),
            other => panic!("asked for {other:?}"),
        })
        .await;
        assert_eq!(after(&rig, DeleteAnswer::Confirmed).await, expected);
    }
}

#[tokio::test]
async fn the_cross_check_of_a_confirmed_delete_runs_alongside_the_recheck() {
    let rig = server(|about| match about {
        About::Property | About::Client => answer_json(404, ""),
        About::Path(_) => answer_json(200, "[]"),
        About::PropertiesWith(_) => answer_json(200, NONE),
        other => panic!("asked for {other:?}"),
    })
    .await;
    assert_eq!(after(&rig, DeleteAnswer::Confirmed).await, ("gone", 1));
    let asked = rig.server.requests();
    let targets = asked.iter().map(|request| request.target.as_str());
    let looks: Vec<&str> = targets
        .filter(|target| [BY_ID, LOOKUP].contains(target))
        .collect();
    assert_eq!((looks, asked.len()), (vec![BY_ID, LOOKUP], 4));
}
