//! The endpoints of everything around a property: drops, splitters, boxes, projects, prospects and
//! viability.
//!
//! Responsible for as much of each as a cancellation or its undoing reads. It must never invent
//! capacity: free ports are counted from the splitters' maps.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::answer::Answer;
use super::documents::{generic, generic_with_place, set, text};
use super::endpoints::{self, Outcome, Scene, refused};
use super::query;
use super::reservation::{self, Refusal};
use super::routes::{Resource, Route};
use super::state::Collection;

/// The radius of a viability question that names none.
const RADIUS_M: f64 = 300.0;
const EARTH_RADIUS_M: f64 = 6_371_000.0;

pub(super) fn perform(scene: &mut Scene<'_>, route: &Route) -> Outcome {
    match route {
        Route::Disconnect(id) => {
            let is_done = sees_cable(scene, id) && scene.world.disconnect(id);
            written_if(is_done, id)
        }
        Route::Cable(Resource::Delete(id)) => {
            let is_done = sees_cable(scene, id) && scene.world.delete_cable(id);
            written_if(is_done, id)
        }
        Route::Prospect(Resource::Create) => create_prospect(scene),
        Route::Cable(resource) => read(scene, &scene.world.cables, "cables", resource),
        Route::Splitter(resource) => read(scene, &scene.world.splitters, "splitters", resource),
        Route::Box(resource) => read(scene, &scene.world.boxes, "boxes", resource),
        Route::Project(resource) => read(scene, &scene.world.projects, "projects", resource),
        Route::Prospect(resource) => read(scene, &scene.world.prospects, "prospects", resource),
        Route::Viability => Outcome::unchanged(viability(scene)),
        Route::Authenticated
        | Route::Login
        | Route::Lookup(_)
        | Route::Property(_)
        | Route::Client(_)
        | Route::User(_)
        | Route::Unknown => Outcome::unchanged(Answer::not_found()),
    }
}

fn written_if(is_done: bool, id: &str) -> Outcome {
    if is_done {
        Outcome::written(id)
    } else {
        Outcome::unchanged(Answer::not_found())
    }
}

fn sees_cable(scene: &Scene<'_>, id: &str) -> bool {
    scene
        .world
        .cables
        .get(id)
        .is_some_and(|cable| scene.caller.sees(cable))
}

/// A project is seen by its own id, a splitter by its box, anything else by its project.
fn sees(scene: &Scene<'_>, raw: &Value) -> bool {
    if text(raw, "/kind") == Some("Project") {
        return text(raw, "/_id").is_some_and(|id| scene.caller.sees_project(id));
    }
    let parent = text(raw, "/parent").and_then(|id| scene.world.boxes.get(id));
    scene.caller.sees(parent.unwrap_or(raw))
}

fn shown(raw: &Value) -> Value {
    match raw.get("coords") {
        Some(_) => generic_with_place(raw),
        None => generic(raw),
    }
}

fn read(scene: &Scene<'_>, collection: &Collection, name: &str, resource: &Resource) -> Outcome {
    let answer = match resource {
        Resource::List => list(scene, collection, name),
        Resource::Read(id) => match collection.get(id).filter(|raw| sees(scene, raw)) {
            Some(raw) => Answer::ok(query::selected(scene.request, shown(raw))),
            None => Answer::not_found(),
        },
        Resource::Create | Resource::Update | Resource::Patch(_) | Resource::Delete(_) => {
            Answer::not_found()
        }
    };
    Outcome::unchanged(answer)
}

fn list(scene: &Scene<'_>, collection: &Collection, name: &str) -> Answer {
    let rows = collection
        .values()
        .filter(|raw| sees(scene, raw))
        .map(shown)
        .collect();
    endpoints::listed(scene.request, rows, name, scene.quirks)
}

fn create_prospect(scene: &mut Scene<'_>) -> Outcome {
    let mut prospect = scene.request.json();
    if !prospect.is_object() {
        return refused(Refusal::NotAnObject, scene.quirks);
    }
    let id = scene.world.ids.next(scene.now.timestamp);
    for (name, value) in [
        ("_id", json!(id)),
        ("kind", json!("Prospect")),
        ("creatorData", scene.caller.creator()),
        ("createdAt", json!(scene.now.iso())),
        ("updatedAt", json!(scene.now.iso())),
    ] {
        set(&mut prospect, name, value);
    }
    // OZmap shows both ids here.
    let mut answer = shown(&prospect);
    set(&mut answer, "_id", json!(id));
    scene.world.prospects.insert(id.clone(), prospect);
    Outcome::changed(&id, Answer::json(StatusCode::CREATED, answer))
}

/// The boxes within the radius, nearest first; the shape of the rows is invented.
fn viability(scene: &Scene<'_>) -> Answer {
    let number = |name| scene.request.parameter(name)?.parse::<f64>().ok();
    let (Some(lat), Some(lng)) = (number("lat"), number("lng")) else {
        return Answer::refusal(
            StatusCode::BAD_REQUEST,
            "Os parâmetros lat e lng são obrigatórios.",
        );
    };
    let radius_m = number("radius").unwrap_or(RADIUS_M);
    let mut found: Vec<(f64, Value)> = scene
        .world
        .boxes
        .values()
        .filter(|raw| sees(scene, raw))
        .filter_map(|raw| {
            let place = (raw["coords"][1].as_f64()?, raw["coords"][0].as_f64()?);
            let distance_m = distance_m((lat, lng), place);
            (distance_m <= radius_m).then(|| (distance_m, box_row(scene, raw, distance_m)))
        })
        .collect();
    found.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    Answer::ok(found.into_iter().map(|(_, row)| row).collect())
}

fn box_row(scene: &Scene<'_>, raw: &Value, distance_m: f64) -> Value {
    let free_ports: usize = scene
        .world
        .splitters
        .values()
        .filter(|splitter| splitter["isDrop"] == true && splitter["parent"] == raw["_id"])
        .map(reservation::free_ports)
        .sum();
    let mut row = generic_with_place(raw);
    set(&mut row, "distance", json!(distance_m.round()));
    set(&mut row, "free_ports", json!(free_ports));
    set(&mut row, "viable", json!(free_ports > 0));
    row
}

/// Great-circle distance between two places, each latitude first.
fn distance_m(from: (f64, f64), to: (f64, f64)) -> f64 {
    let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
    let chord = half(from.0, to.0)
        + from.0.to_radians().cos() * to.0.to_radians().cos() * half(from.1, to.1);
    2.0 * EARTH_RADIUS_M * chord.sqrt().asin()
}
