//! `/__sim/*`: how a test or a person looks behind the API and changes what happens next.
//!
//! Responsible for faults, quirks, records, held calls and the world as it really is. It needs no
//! key, so the simulator must never listen where strangers can reach it. Nothing here is recorded.
//!
//! | Call | Meaning |
//! |---|---|
//! | `GET`, `POST`, `DELETE faults` | the faults with their counts; add one, or a list; clear them |
//! | `GET audit` | every change that was asked for, applied or not |
//! | `GET calls` | every API call, and how many there were of each group |
//! | `GET held`, `POST release` | the calls that wait; let them go on |
//! | `GET`, `POST quirks` | the undocumented points; change those that are named |
//! | `GET properties?code=` | what really is in the world |
//! | `POST properties` | plant a reservation, see [`Planting`] |
//! | `POST properties/{id}/implant` | the technician was there |
//! | `POST clients` | plant a client without a property, see [`Planting`] |
//! | `POST reset` | the seed set again with new ids, without faults, tokens and records |

use std::sync::Arc;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::endpoints;
use super::faults::Fault;
use super::plant::{self, Planting};
use super::request::Request;
use super::shared::Shared;

pub(super) fn answer(shared: &Arc<Shared>, request: &Request) -> Answer {
    let path: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    match (request.method.as_str(), path.get(1..).unwrap_or_default()) {
        ("GET", ["faults"]) => Answer::ok(shared.state().plan.to_json()),
        ("POST", ["faults"]) => add_faults(shared, request),
        ("DELETE", ["faults"]) => {
            shared.state().plan.clear();
            Answer::ok(json!([]))
        }
        ("GET", ["audit"]) => Answer::ok(shared.state().records.audit_json()),
        ("GET", ["calls"]) => Answer::ok(shared.state().records.calls_json()),
        ("GET", ["held"]) => Answer::ok(shared.state().records.held_json()),
        ("POST", ["release"]) => release(shared),
        ("GET", ["quirks"]) => Answer::ok(json!(shared.state().quirks)),
        ("POST", ["quirks"]) => change_quirks(shared, request),
        ("GET", ["properties"]) => properties(shared, request),
        ("POST", ["properties"]) => plant(shared, request),
        ("POST", ["properties", id, "implant"]) => implant(shared, id),
        ("POST", ["clients"]) => plant_client(shared, request),
        ("POST", ["reset"]) => match shared.reset() {
            Ok(()) => Answer::ok(json!({"reset": true})),
            Err(refusal) => wrong(format!("the seed could not be planted: {refusal:?}")),
        },
        _ => wrong_route(request),
    }
}

fn wrong(sentence: String) -> Answer {
    Answer::json(StatusCode::BAD_REQUEST, json!({"error": sentence}))
}

fn wrong_route(request: &Request) -> Answer {
    let sentence = format!(
        "no control at {} {}; there are faults, audit, calls, held, release, quirks, properties and reset",
        request.method, request.path
    );
    Answer::json(StatusCode::NOT_FOUND, json!({"error": sentence}))
}

/// The body as JSON. Unlike the API, a control does not take rubbish for nothing.
fn body(request: &Request) -> Result<Value, Answer> {
    match request.text().trim() {
        "" => Ok(json!({})),
        text => serde_json::from_str(text)
            .map_err(|error| wrong(format!("the body is not JSON: {error}"))),
    }
}

/// All of them or none.
fn add_faults(shared: &Shared, request: &Request) -> Answer {
    let faults = match body(request).map(|body| Fault::from_json(&body)) {
        Ok(Ok(faults)) => faults,
        Ok(Err(error)) => return wrong(error.to_string()),
        Err(answer) => return answer,
    };
    let mut state = shared.state();
    state.plan.add(faults);
    Answer::ok(state.plan.to_json())
}

fn release(shared: &Shared) -> Answer {
    let mut state = shared.state();
    let released = state.records.release();
    shared.released.notify_waiters();
    Answer::ok(json!({"released": released}))
}

/// Changes the quirks that are named and leaves the others.
fn change_quirks(shared: &Shared, request: &Request) -> Answer {
    let changes: Map<String, Value> = match body(request) {
        Ok(Value::Object(changes)) => changes,
        Ok(other) => return wrong(format!("quirks are an object, not {other}")),
        Err(answer) => return answer,
    };
    let mut state = shared.state();
    match state.quirks.changed(changes) {
        Ok(quirks) => {
            state.quirks = quirks;
            Answer::ok(json!(state.quirks))
        }
        Err(error) => wrong(error.to_string()),
    }
}

/// What really is in the world, raw, stale replicas aside.
fn properties(shared: &Shared, request: &Request) -> Answer {
    let state = shared.state();
    Answer::ok(match request.parameter("code") {
        Some(code) => Value::Array(state.world.by_code(code)),
        None => state
            .world
            .properties
            .values()
            .map(|property| state.world.raw(property))
            .collect(),
    })
}

fn plant(shared: &Shared, request: &Request) -> Answer {
    let planting = match body(request).map(Planting::deserialize) {
        Ok(Ok(planting)) => planting,
        Ok(Err(error)) => return wrong(error.to_string()),
        Err(answer) => return answer,
    };
    let mut state = shared.state();
    match plant::plant(&mut state.world, &planting, shared.now()) {
        Ok(planted) => Answer::json(
            StatusCode::CREATED,
            json!({"id": planted.property, "client": planted.client}),
        ),
        Err(refusal) => endpoints::refused(refusal, &state.quirks).answer,
    }
}

fn plant_client(shared: &Shared, request: &Request) -> Answer {
    let planting = match body(request).map(Planting::deserialize) {
        Ok(Ok(planting)) => planting,
        Ok(Err(error)) => return wrong(error.to_string()),
        Err(answer) => return answer,
    };
    let world = &mut shared.state().world;
    match plant::plant_client(world, &planting, shared.now()) {
        Some(id) => Answer::json(StatusCode::CREATED, json!({"id": id})),
        None => wrong("a client needs a code".to_owned()),
    }
}

fn implant(shared: &Shared, id: &str) -> Answer {
    if shared.state().world.implant(id, shared.now()) {
        Answer::ok(json!({"id": id, "implanted": true}))
    } else {
        Answer::json(
            StatusCode::NOT_FOUND,
            json!({"error": format!("no property {id} with a client")}),
        )
    }
}
