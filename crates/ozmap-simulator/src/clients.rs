//! The endpoints of the customers (`/ftth-clients`).
//!
//! Responsible for reading and changing customers on their own, and for what that means for the
//! property: deleting a customer leaves a property that keeps its port. It must never delete
//! a property.

use hyper::StatusCode;
use serde_json::Value;

use super::answer::Answer;
use super::documents::{generic, text};
use super::endpoints::{self, Outcome, Scene, refused, update_each};
use super::query;
use super::reservation::{self, Customer, Refusal};
use super::routes::Resource;
use super::state::World;

pub(super) fn perform(scene: &mut Scene<'_>, resource: &Resource) -> Outcome {
    match resource {
        Resource::List => Outcome::unchanged(list(scene)),
        Resource::Create => create(scene),
        Resource::Update => update(scene),
        Resource::Read(id) if sees(scene, id) => Outcome::unchanged(
            scene
                .world
                .clients
                .get(id)
                .map_or_else(Answer::not_found, |client| {
                    Answer::ok(query::selected(scene.request, generic(client)))
                }),
        ),
        Resource::Patch(id) if sees(scene, id) => match patch(scene, id) {
            Ok(()) => Outcome::written(id),
            Err(refusal) => refused(refusal, scene.quirks),
        },
        Resource::Delete(id) if sees(scene, id) => {
            scene.world.delete_client(id, scene.now);
            Outcome::written(id)
        }
        Resource::Read(_) | Resource::Patch(_) | Resource::Delete(_) => {
            Outcome::unchanged(Answer::not_found())
        }
    }
}

/// A user sees a customer through one of the properties; every user sees a customer without one.
fn sees(scene: &Scene<'_>, id: &str) -> bool {
    let mut homes = scene.world.homes_with(id).peekable();
    scene.world.clients.contains_key(id)
        && (homes.peek().is_none() || homes.any(|property| scene.caller.sees(property)))
}

/// Every customer that the caller sees, or only those that may have a code.
fn visible(scene: &Scene<'_>, code: Option<&str>) -> Vec<Value> {
    let clients = &scene.world.clients;
    let found: Vec<(&String, &Value)> = match code {
        Some(code) => clients.found_by(code).collect(),
        None => clients.iter().collect(),
    };
    let seen = found.into_iter().filter(|(id, _)| sees(scene, id));
    seen.map(|(_, client)| generic(client)).collect()
}

fn list(scene: &Scene<'_>) -> Answer {
    let code = query::narrowed(scene.request, "code", scene.quirks);
    let rows = visible(scene, code.as_deref());
    endpoints::listed(scene.request, rows, "ftth-clients", scene.quirks)
}

/// A customer without a property; the code is checked when a property gets it.
fn create(scene: &mut Scene<'_>) -> Outcome {
    let Value::Object(wish) = scene.request.json() else {
        return refused(Refusal::NotAnObject, scene.quirks);
    };
    let creator = scene.caller.creator();
    let admitted = reservation::admit(scene.world, Customer::New(wish), &creator, scene.now);
    let made = admitted.and_then(|id| Some((scene.world.clients.get(&id)?, id)));
    match made {
        Some((client, id)) => {
            Outcome::changed(&id, Answer::json(StatusCode::CREATED, generic(client)))
        }
        None => refused(Refusal::NoSuchClient, scene.quirks),
    }
}

fn patch(scene: &mut Scene<'_>, id: &str) -> Result<(), Refusal> {
    let body = scene.request.json();
    let changes = body.as_object().ok_or(Refusal::NotAnObject)?;
    if let Some(code) = changes.get("code").and_then(Value::as_str) {
        for home in scene.world.homes_with(id) {
            let project = text(home, "/project").unwrap_or_default();
            reservation::unused(scene.world, code, project, Some(id))?;
        }
    }
    scene.world.patch_client(id, changes, scene.now);
    Ok(())
}

fn update(scene: &mut Scene<'_>) -> Outcome {
    let rows = visible(scene, None);
    update_each(scene, rows, World::patch_client)
}
