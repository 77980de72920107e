//! The endpoints: what each call answers and what it does to the world.
//!
//! Responsible for dispatch and for the properties; clients and the rest of the inventory have
//! their own files. It must never know of faults: it answers as a healthy OZmap would.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::access::Caller;
use super::answer::Answer;
use super::clients;
use super::documents::{Moment, generic_with_place, is_id, set, text};
use super::inventory;
use super::query::{self, Listing};
use super::quirks::{ClientById, DeleteAnswer, Deletes, Quirks, UnknownCode, Users};
use super::request::Request;
use super::reservation::{self, Customer, Refusal};
use super::routes::{PREFIX, Resource, Route};
use super::state::World;

/// What one call works with; the caller has been let in.
pub(super) struct Scene<'a> {
    pub(super) world: &'a mut World,
    pub(super) request: &'a Request,
    pub(super) caller: &'a Caller,
    pub(super) quirks: &'a Quirks,
    pub(super) now: Moment,
}

/// The answer of a call, and the element that it changed, if it changed one.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) answer: Answer,
    pub(super) changed: Changed,
}

#[derive(Debug)]
pub(super) enum Changed {
    Nothing,
    Element(String),
    Several,
}

impl Outcome {
    pub(super) fn unchanged(answer: Answer) -> Outcome {
        Outcome {
            answer,
            changed: Changed::Nothing,
        }
    }

    pub(super) fn changed(id: &str, answer: Answer) -> Outcome {
        Outcome {
            answer,
            changed: Changed::Element(id.to_owned()),
        }
    }

    pub(super) fn written(id: &str) -> Outcome {
        Outcome::changed(id, Answer::no_content())
    }
}

pub(super) fn perform(route: &Route, scene: &mut Scene<'_>) -> Outcome {
    if let Some(id) = route.id()
        && !is_id(id)
    {
        return Outcome::unchanged(malformed(id, scene.quirks));
    }
    match route {
        Route::Authenticated => Outcome::unchanged(Answer::ok(json!({}))),
        Route::Lookup(code) => Outcome::unchanged(lookup(scene, code)),
        Route::Property(resource) => property(scene, resource),
        Route::Client(resource) => clients::perform(scene, resource),
        Route::User(id) => Outcome::unchanged(user(scene, id)),
        Route::Cable(_)
        | Route::Disconnect(_)
        | Route::Splitter(_)
        | Route::Box(_)
        | Route::Project(_)
        | Route::Prospect(_)
        | Route::Viability => inventory::perform(scene, route),
        // Both are answered before anybody is let in.
        Route::Login | Route::Unknown => {
            Outcome::unchanged(Answer::cannot(&scene.request.method, &scene.request.path))
        }
    }
}

/// The cast error of MongoDB's driver, unless the server says that there is no such element.
fn malformed(id: &str, quirks: &Quirks) -> Answer {
    match StatusCode::from(quirks.malformed_id) {
        StatusCode::NOT_FOUND => Answer::not_found(),
        status => Answer::refusal(
            status,
            format!("Cast to ObjectId failed for value \"{id}\" at path \"_id\""),
        ),
    }
}

fn lookup(scene: &Scene<'_>, code: &str) -> Answer {
    let mut rows = scene.world.lookup(code, scene.now.instant);
    rows.retain(|row| scene.caller.sees(row));
    if !rows.is_empty() {
        return Answer::ok(Value::Array(rows));
    }
    let words = match scene.world.clients.found_by(code).next() {
        Some(_) => scene.quirks.code_without_property,
        None => None,
    };
    in_words(words.unwrap_or(scene.quirks.unknown_code))
}

/// "Nothing there", in these words.
fn in_words(words: UnknownCode) -> Answer {
    match words {
        UnknownCode::EmptyArray => Answer::ok(json!([])),
        UnknownCode::NotFound => Answer::not_found(),
        UnknownCode::Null => Answer::ok(Value::Null),
        UnknownCode::Empty => Answer::empty(StatusCode::OK),
        UnknownCode::NoContent => Answer::no_content(),
        UnknownCode::Unprocessable => Answer::refusal(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Não foi possível processar a requisição.",
        ),
        UnknownCode::EmptyObject => Answer::ok(json!({})),
    }
}

/// "Nothing there", whether or not that is true, in these words or in those of the route.
pub(super) fn nothing(
    route: &Route,
    request: &Request,
    words: Option<UnknownCode>,
    quirks: &Quirks,
) -> Answer {
    match (route.list(), words) {
        (Some(name), None | Some(UnknownCode::EmptyArray)) => {
            listed(request, Vec::new(), name, quirks)
        }
        (None, None) => match route {
            Route::Lookup(_) => in_words(quirks.unknown_code),
            Route::Authenticated | Route::Login | Route::Unknown => {
                Answer::cannot(&request.method, &request.path)
            }
            Route::Viability => Answer::ok(json!([])),
            Route::Property(_)
            | Route::Client(_)
            | Route::Cable(_)
            | Route::Disconnect(_)
            | Route::Splitter(_)
            | Route::Box(_)
            | Route::Project(_)
            | Route::Prospect(_)
            | Route::User(_) => Answer::not_found(),
        },
        (_, Some(words)) => in_words(words),
    }
}

/// The page of a list that a request asks for, of these rows.
pub(super) fn listed(request: &Request, rows: Vec<Value>, name: &str, quirks: &Quirks) -> Answer {
    match Listing::parse(request) {
        Ok(listing) => {
            let listing = listing.understood(quirks);
            Answer::ok(listing.envelope(rows, &format!("{PREFIX}/{name}"), quirks))
        }
        Err(sentence) => Answer::refusal(StatusCode::BAD_REQUEST, sentence),
    }
}

/// The key's own user; the shape is that of the creators, and the rest is invented.
fn user(scene: &Scene<'_>, id: &str) -> Answer {
    let mut shown = scene.caller.creator();
    match scene.quirks.users {
        Users::Shown if shown["id"] == id => {
            set(&mut shown, "module", json!("api"));
            Answer::ok(shown)
        }
        Users::Shown => Answer::not_found(),
        Users::Forbidden => Answer::forbidden(),
        Users::Missing => Answer::cannot(&scene.request.method, &scene.request.path),
    }
}

fn property(scene: &mut Scene<'_>, resource: &Resource) -> Outcome {
    match resource {
        Resource::List => Outcome::unchanged(list(scene)),
        Resource::Create => create(scene).unwrap_or_else(|refusal| refused(refusal, scene.quirks)),
        Resource::Update => update(scene),
        Resource::Read(id) => Outcome::unchanged(read(scene, id)),
        Resource::Patch(id) if !owns(scene, id) => Outcome::unchanged(Answer::not_found()),
        Resource::Patch(id) => match patch(scene, id) {
            Ok(()) => Outcome::written(id),
            Err(refusal) => refused(refusal, scene.quirks),
        },
        Resource::Delete(id) => delete(scene, id),
    }
}

/// Every property that the caller sees, in the generic style; with a client's id all that may hold that one.
fn visible(scene: &Scene<'_>, client: Option<&str>) -> Vec<Value> {
    scene
        .world
        .list(client, scene.now.instant)
        .iter()
        .filter(|raw| scene.caller.sees(raw))
        .map(generic_with_place)
        .collect()
}

fn list(scene: &Scene<'_>) -> Answer {
    let client = query::narrowed(scene.request, "client", scene.quirks);
    let rows = visible(scene, client.as_deref());
    listed(scene.request, rows, "properties", scene.quirks)
}

fn read(scene: &Scene<'_>, id: &str) -> Answer {
    let found = scene.world.read(id, scene.now.instant);
    let Some(raw) = found.filter(|raw| scene.caller.sees(raw)) else {
        return Answer::not_found();
    };
    let mut shown = generic_with_place(&raw);
    match scene.quirks.client_by_id {
        ClientById::Populated => {}
        ClientById::Id => {
            if let Some(id) = text(&raw, "/client/_id") {
                set(&mut shown, "client", json!(id));
            }
        }
    }
    Answer::ok(query::selected(scene.request, shown))
}

/// Whether the property exists for the caller, stale replicas aside.
fn owns(scene: &Scene<'_>, id: &str) -> bool {
    scene
        .world
        .properties
        .get(id)
        .is_some_and(|property| scene.caller.sees(property))
}

fn create(scene: &mut Scene<'_>) -> Result<Outcome, Refusal> {
    let order = scene.request.json();
    let project =
        reservation::project_of(scene.world, order.as_object().ok_or(Refusal::NotAnObject)?)?;
    if !scene.caller.sees_project(&project) {
        return Ok(Outcome::unchanged(Answer::forbidden()));
    }
    let id = reservation::create(scene.world, &order, &scene.caller.creator(), scene.now)?;
    let mut shown = scene
        .world
        .properties
        .get(&id)
        .map_or(Value::Null, generic_with_place);
    if let Some(shown) = shown.as_object_mut() {
        shown.remove("connections");
    }
    Ok(Outcome::changed(
        &id,
        Answer::json(StatusCode::CREATED, shown),
    ))
}

/// Checks everything that can be refused before it changes anything.
fn patch(scene: &mut Scene<'_>, id: &str) -> Result<(), Refusal> {
    let body = scene.request.json();
    let changes = body.as_object().ok_or(Refusal::NotAnObject)?;
    let (project, present) = match scene.world.properties.get(id) {
        None => (String::new(), None),
        Some(property) => (
            text(property, "/project").unwrap_or_default().to_owned(),
            text(property, "/client").map(str::to_owned),
        ),
    };
    let customer = reservation::customer(
        scene.world,
        changes.get("client"),
        &project,
        present.as_deref(),
    )?;
    reservation::reconnect(scene.world, id, changes, scene.now)?;
    scene.world.patch_property(id, changes, scene.now);
    match (customer, present) {
        (Customer::None, _) => {
            if changes.get("client") == Some(&Value::Null) {
                scene.world.unlink_client(id, scene.now);
            }
        }
        (Customer::New(wish), Some(present)) => {
            scene.world.patch_client(&present, &wish, scene.now);
        }
        (customer @ (Customer::New(_) | Customer::Existing(_)), _) => {
            let creator = scene.caller.creator();
            if let Some(client) = reservation::admit(scene.world, customer, &creator, scene.now) {
                scene.world.link_client(id, &client, scene.now);
            }
        }
    }
    Ok(())
}

fn update(scene: &mut Scene<'_>) -> Outcome {
    let rows = visible(scene, None);
    update_each(scene, rows, World::patch_property)
}

/// Carries out a batch update of one kind of elements.
pub(super) fn update_each(
    scene: &mut Scene<'_>,
    rows: Vec<Value>,
    patch: fn(&mut World, &str, &Map<String, Value>, Moment),
) -> Outcome {
    match batch(scene.request, rows) {
        Err(answer) => Outcome::unchanged(answer),
        Ok((ids, changes)) => {
            for id in &ids {
                patch(scene.world, id, &changes, scene.now);
            }
            Outcome {
                answer: Answer::no_content(),
                changed: Changed::Several,
            }
        }
    }
}

/// The ids that a batch update means, and its changes.
fn batch(request: &Request, rows: Vec<Value>) -> Result<(Vec<String>, Map<String, Value>), Answer> {
    let refuse = |sentence: &str| Answer::refusal(StatusCode::BAD_REQUEST, sentence);
    let body = request.json();
    let changes = body["update"]
        .as_object()
        .ok_or_else(|| refuse("O campo update é obrigatório."))?;
    let listing = Listing::parse(request).map_err(|sentence| refuse(&sentence))?;
    let ids = listing
        .matching(rows)
        .iter()
        .filter_map(|row| text(row, "/id").map(str::to_owned))
        .collect();
    Ok((ids, changes.clone()))
}

fn delete(scene: &mut Scene<'_>, id: &str) -> Outcome {
    let before = scene.world.properties.get(id);
    let before = before.map(|property| generic_with_place(&scene.world.raw(property)));
    match scene.quirks.deletes {
        Deletes::Unprocessable if owns(scene, id) => {
            let sentence = "O imóvel não pode ser excluído.";
            let answer = Answer::refusal(StatusCode::UNPROCESSABLE_ENTITY, sentence);
            return Outcome::unchanged(answer);
        }
        Deletes::Unprocessable | Deletes::CarriedOut => {}
    }
    if !owns(scene, id) || !scene.world.delete_property(id) {
        return Outcome::unchanged(Answer::not_found());
    }
    let answer = match scene.quirks.delete_answer {
        DeleteAnswer::NoContent => Answer::no_content(),
        DeleteAnswer::Empty => Answer::empty(StatusCode::OK),
        DeleteAnswer::Object => Answer::ok(json!({})),
        DeleteAnswer::Document => Answer::ok(before.unwrap_or(Value::Null)),
    };
    Outcome::changed(id, answer)
}

/// The answer to an order that was refused. Only the sentence about the code has been seen on a
/// real server; the other wordings and statuses are invented.
pub(super) fn refused(refusal: Refusal, quirks: &Quirks) -> Outcome {
    let (status, sentence) = match refusal {
        Refusal::DuplicateCode { code, project } => (
            StatusCode::from(quirks.duplicate_code),
            format!("Código {code} já está sendo utilizado no projeto {project}."),
        ),
        Refusal::NotAnObject => (StatusCode::BAD_REQUEST, "Dados inválidos.".to_owned()),
        Refusal::NoSuchBox => (StatusCode::BAD_REQUEST, "Caixa não encontrada.".to_owned()),
        Refusal::NoSuchProject => (
            StatusCode::BAD_REQUEST,
            "Projeto não encontrado.".to_owned(),
        ),
        Refusal::NoSuchClient => (
            StatusCode::BAD_REQUEST,
            "Cliente não encontrado.".to_owned(),
        ),
        Refusal::NoSuchPort => (StatusCode::BAD_REQUEST, "Porta não encontrada.".to_owned()),
        Refusal::PortTaken => (
            StatusCode::BAD_REQUEST,
            "A porta já está ocupada.".to_owned(),
        ),
        Refusal::NoFreePort => (
            StatusCode::BAD_REQUEST,
            "Nenhuma porta livre na caixa.".to_owned(),
        ),
    };
    Outcome::unchanged(Answer::refusal(status, sentence))
}
