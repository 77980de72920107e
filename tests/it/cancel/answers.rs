//! The responses that OZmap does not document: the outcome is true whichever one OZmap gives.

use super::*;

async fn quirk(world: &World, name: &str, value: &str) {
    world
        .ozmap
        .post("/__sim/quirks", &json!({name: value}))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_code_is_not_found_in_every_form_of_an_absence() {
    let world = World::new().await;
    for answer in ["empty_array", "not_found", "null", "no_content", "empty"] {
        quirk(&world, "unknown_code", answer).await;
        let reply = world.cancel("nobody", answer).await;
        assert_eq!(reply.outcome(), "not_found", "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_verified_in_every_form_of_an_absence() {
    let world = World::new().await;
    for answer in ["empty_array", "not_found", "null", "no_content", "empty"] {
        quirk(&world, "unknown_code", answer).await;
        let code = format!("gone-{answer}");
        world.ozmap.reserve(json!({"code": code})).await;
        let reply = world.cancel(&code, &code).await;
        assert_eq!(reply.outcome(), "cancelled", "{answer}");
        assert!(world.ozmap.holds(&code).await.is_empty(), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_configured_never_means_not_found_or_gone() {
    let listed = short_and(&[("OZMAP__NOT_FOUND_ANSWERS", "404")]);
    let world = World::with(&listed).await;
    quirk(&world, "unknown_code", "empty").await;
    let (unknown, known) = (asking("nobody", "m-1"), asking(CODE, "m-2"));
    for ask in [&unknown, &known] {
        assert_eq!(world.ask(ask.clone()).await.outcome(), "pending");
        assert_eq!(world.ask(ask.clone()).await.outcome(), "pending");
    }
    assert!(world.ozmap.holds(CODE).await.is_empty());
    quirk(&world, "unknown_code", "empty_array").await;
    assert_eq!(world.ask_until_final(unknown).await.outcome(), "not_found");
    assert_eq!(world.ask_until_final(known).await.outcome(), "cancelled");
    assert_eq!(world.ozmap.deletions().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_may_configure_an_empty_answer_as_an_absence() {
    let world = World::with(&[("OZMAP__NOT_FOUND_ANSWERS", "empty")]).await;
    quirk(&world, "unknown_code", "empty").await;
    assert_eq!(world.cancel("nobody", "m-1").await.outcome(), "not_found");
    assert_eq!(world.cancel(CODE, "m-2").await.outcome(), "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_404_is_not_believed_before_a_probe_accepts_the_key() {
    each(
        5,
        named(&[
            "status=401",
            "status=500",
            "html_200",
            "redirect=302",
            "timeout_before",
        ]),
        |_, probe| async move {
            let ozmap = Ozmap::start().await;
            ozmap.fault(&format!("probe:{probe}")).await;
            let world = World::on(ozmap, SHORT).await;
            quirk(&world, "unknown_code", "not_found").await;
            let reply = world.cancel("nobody", "m-1").await;
            assert_eq!(reply.outcome(), "pending", "{probe}");
            let mut world = world;
            world.ozmap.heal().await;
            world.restart().await;
            let reply = world.ask_until_final(asking("nobody", "m-1")).await;
            assert_eq!(reply.outcome(), "not_found", "{probe}");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_confirmed_deletion_is_verified() {
    let world = World::new().await;
    for answer in ["no_content", "empty", "object"] {
        quirk(&world, "delete_answer", answer).await;
        let code = format!("deleted-{answer}");
        world.ozmap.reserve(json!({"code": code})).await;
        let before = calls_of(&world.ozmap, "get").await.len();
        assert_eq!(
            world.cancel(&code, &code).await.outcome(),
            "cancelled",
            "{answer}"
        );
        assert_eq!(calls_of(&world.ozmap, "get").await.len(), before + 1);
    }
    let events = file::events(world.folder.path());
    assert_eq!(events.iter().filter(|kind| *kind == "acked").count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_shown_as_an_id_is_fetched_before_anything_is_deleted_again() {
    let world = World::with(SHORT).await;
    quirk(&world, "client_by_id", "id").await;
    world.ozmap.fault("delete:reset_before*1").await;
    let reply = world.ask_until_final(asking(CODE, "m-1")).await;
    assert_eq!(reply.outcome(), "cancelled");
    assert_deleted_only(&world.ozmap, &[PROPERTY], "client by id").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installed_client_behind_an_id_is_not_deleted_again() {
    let world = World::with(SHORT).await;
    quirk(&world, "client_by_id", "id").await;
    world.ozmap.fault("delete:reset_before*1").await;
    world.ozmap.fault("lookup:implant_after*1").await;
    let reply = world.ask_until_final(asking(CODE, "m-1")).await;
    assert_eq!(reply.outcome(), "installed");
    assert!(world.ozmap.deletions().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_the_probe_route_is_probed_by_its_projects() {
    let ozmap = Ozmap::start().await;
    let quirks = json!({"authenticated": "missing", "unknown_code": "not_found"});
    ozmap.post("/__sim/quirks", &quirks).await;
    let world = World::on(ozmap, &[]).await;
    assert_eq!(world.cancel("nobody", "m-1").await.outcome(), "not_found");
    assert_eq!(world.cancel(CODE, "m-2").await.outcome(), "cancelled");
}
