//! Creating a property with its client, drop and port: what `POST /properties` does.
//!
//! Responsible for checking an order completely before anything changes, so that a refused order
//! leaves the world as it was. It must never overwrite a port that is taken, whatever `force` says:
//! `force` was never seen to override anything.

use serde_json::{Map, Value, json};

use super::documents::{Moment, set, text};
use super::state::World;

/// Why a property was not created or changed; each has its own sentence and status.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NotAnObject,
    NoSuchBox,
    NoSuchProject,
    NoSuchClient,
    NoSuchPort,
    PortTaken,
    NoFreePort,
    DuplicateCode { code: String, project: String },
}

/// A free place on a splitter, counted from one.
#[derive(Debug)]
struct Port {
    splitter: String,
    number: usize,
}

/// The customer that an order names, checked but not yet made.
#[derive(Debug)]
pub(super) enum Customer {
    None,
    Existing(String),
    New(Map<String, Value>),
}

/// Creates the elements of the order and returns the id of the property.
pub(super) fn create(
    world: &mut World,
    order: &Value,
    creator: &Value,
    now: Moment,
) -> Result<String, Refusal> {
    let order = order.as_object().ok_or(Refusal::NotAnObject)?;
    let project = project_of(world, order)?;
    let customer = customer(world, order.get("client"), &project, None)?;
    let port = port(world, order)?;

    let id = world.ids.next(now.timestamp);
    let drop = lay_drop(world, order, &project, now);
    let mut property = property(order, &id, &project, &drop, creator, now);
    set(&mut property, "coords", place_of(world, order));
    world.properties.insert(id.clone(), property);
    if let Some(port) = port {
        connect(world, &id, &port, now);
    }
    if let Some(client) = admit(world, customer, creator, now) {
        world.link_client(&id, &client, now);
    }
    Ok(id)
}

/// Moves a property to the port that a PATCH names.
pub(super) fn reconnect(
    world: &mut World,
    property: &str,
    changes: &Map<String, Value>,
    now: Moment,
) -> Result<(), Refusal> {
    if let Some(port) = port(world, changes)? {
        world.release(property);
        connect(world, property, &port, now);
    }
    Ok(())
}

/// The project that an order names, else the one of its box.
pub(super) fn project_of(world: &World, order: &Map<String, Value>) -> Result<String, Refusal> {
    let of_box = match order.get("box").and_then(Value::as_str) {
        None => None,
        Some(id) => {
            let found = world.boxes.get(id).ok_or(Refusal::NoSuchBox)?;
            text(found, "/project").map(str::to_owned)
        }
    };
    let named = order.get("project").and_then(Value::as_str);
    named
        .map(str::to_owned)
        .or(of_box)
        .filter(|id| world.projects.contains_key(id))
        .ok_or(Refusal::NoSuchProject)
}

/// Checks the customer of an order for this project; `except` is a client that may keep its code.
pub(super) fn customer(
    world: &World,
    client: Option<&Value>,
    project: &str,
    except: Option<&str>,
) -> Result<Customer, Refusal> {
    match client {
        // A client that exists may get a second property; its code is not checked then, as on the
        // real server.
        Some(Value::String(id)) => {
            if world.clients.contains_key(id) {
                Ok(Customer::Existing(id.clone()))
            } else {
                Err(Refusal::NoSuchClient)
            }
        }
        Some(Value::Object(client)) => {
            if let Some(code) = client.get("code").and_then(Value::as_str) {
                unused(world, code, project, except)?;
            }
            Ok(Customer::New(client.clone()))
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) | None => {
            Ok(Customer::None)
        }
    }
}

/// A code belongs to one customer per project.
pub(super) fn unused(
    world: &World,
    code: &str,
    project: &str,
    except: Option<&str>,
) -> Result<(), Refusal> {
    let is_used = world.homes_of(code).any(|property| {
        text(property, "/project") == Some(project)
            && world
                .client_of(property)
                .is_some_and(|client| except.is_none() || text(client, "/_id") != except)
    });
    if !is_used {
        Ok(())
    } else {
        Err(Refusal::DuplicateCode {
            code: code.to_owned(),
            project: world
                .projects
                .get(project)
                .and_then(|project| text(project, "/name"))
                .unwrap_or(project)
                .to_owned(),
        })
    }
}

/// Makes the customer of a checked order, if it is a new one.
pub(super) fn admit(
    world: &mut World,
    customer: Customer,
    creator: &Value,
    now: Moment,
) -> Option<String> {
    match customer {
        Customer::None => None,
        Customer::Existing(id) => Some(id),
        Customer::New(wish) => {
            let id = world.ids.next(now.timestamp);
            world
                .clients
                .insert(id.clone(), client(&id, &wish, creator, now));
            Some(id)
        }
    }
}

fn client(id: &str, wish: &Map<String, Value>, creator: &Value, now: Moment) -> Value {
    let mut client = json!({
        "_id": id,
        "certified": false,
        "status": 0,
        "observation": "",
        "tags": [],
        "implanted": false,
        "onu": {"user_PPPoE": "", "serial_number": "", "mac_address": ""},
        "kind": "ftth",
        "creatorData": creator,
        "createdAt": now.iso(),
        "updatedAt": now.iso(),
        "__v": 0,
    });
    for (name, value) in wish
        .iter()
        .filter(|(name, _)| !["_id", "id", "kind"].contains(&name.as_str()))
    {
        set(&mut client, name, value.clone());
    }
    client
}

/// `connector` and `port`, else the first free port if `auto_connect`, else none.
fn port(world: &World, order: &Map<String, Value>) -> Result<Option<Port>, Refusal> {
    let connector = order.get("connector").and_then(Value::as_str);
    let number = order.get("port").and_then(Value::as_u64);
    match (connector, number) {
        (Some(splitter), Some(number)) => {
            let number = usize::try_from(number).map_err(|_| Refusal::NoSuchPort)?;
            let found = world.splitters.get(splitter).ok_or(Refusal::NoSuchPort)?;
            match place(found, number) {
                Place::Free => Ok(Some(Port {
                    splitter: splitter.to_owned(),
                    number,
                })),
                Place::Taken => Err(Refusal::PortTaken),
                Place::Missing => Err(Refusal::NoSuchPort),
            }
        }
        (Some(_), None) | (None, Some(_)) | (None, None) => {
            let wants_any = order.get("auto_connect") == Some(&Value::Bool(true));
            match (wants_any, order.get("box").and_then(Value::as_str)) {
                (true, Some(id)) => first_free(world, id).map(Some).ok_or(Refusal::NoFreePort),
                (true, None) => Err(Refusal::NoSuchBox),
                (false, _) => Ok(None),
            }
        }
    }
}

enum Place {
    Free,
    Taken,
    Missing,
}

fn place(splitter: &Value, number: usize) -> Place {
    let Some(index) = number.checked_sub(1) else {
        return Place::Missing;
    };
    match splitter["connectables"]["output"].get(index) {
        None => Place::Missing,
        Some(Value::Null) if splitter["ports"][index]["blocked"] != true => Place::Free,
        Some(_) => Place::Taken,
    }
}

/// How many ports of this splitter a sale could take.
pub(super) fn free_ports(splitter: &Value) -> usize {
    let ports = splitter["connectables"]["output"]
        .as_array()
        .map_or(0, Vec::len);
    (1..=ports)
        .filter(|number| matches!(place(splitter, *number), Place::Free))
        .count()
}

fn first_free(world: &World, parent: &str) -> Option<Port> {
    world
        .splitters
        .iter()
        .filter(|(_, splitter)| {
            splitter["isDrop"] == true && text(splitter, "/parent") == Some(parent)
        })
        .find_map(|(id, splitter)| {
            let ports = splitter["connectables"]["output"].as_array()?.len();
            let number =
                (1..=ports).find(|number| matches!(place(splitter, *number), Place::Free))?;
            Some(Port {
                splitter: id.clone(),
                number,
            })
        })
}

fn connect(world: &mut World, property: &str, port: &Port, now: Moment) {
    let fiber = world.ids.next(now.timestamp);
    let name = world
        .splitters
        .get(&port.splitter)
        .map_or(Value::Null, |splitter| splitter["name"].clone());
    let connection = json!({
        "id": port.splitter,
        "kind": "Splitter",
        "port": port.number,
        "name": name,
        "implanted": true,
        "fiber": fiber,
    });
    if let Some(output) = world.output(&connection) {
        *output = json!(fiber);
    }
    world.properties.change(property, |property| {
        set(property, "connections", json!([connection]));
    });
}

/// A drop is laid even without a connection, as on the real server.
fn lay_drop(world: &mut World, order: &Map<String, Value>, project: &str, now: Moment) -> String {
    let id = world.ids.next(now.timestamp);
    let poles: Vec<Value> = order
        .get("drop_poles")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|pole| json!({"id": pole}))
        .collect();
    let cable = json!({
        "_id": id, "kind": "Cable", "isDrop": true, "project": project, "poles": poles,
        "createdAt": now.iso(), "updatedAt": now.iso(), "__v": 0,
    });
    world.cables.insert(id.clone(), cable);
    id
}

/// Where the order says, else where its box is.
fn place_of(world: &World, order: &Map<String, Value>) -> Value {
    match (order.get("lng"), order.get("lat"), order.get("coords")) {
        (Some(lng), Some(lat), _) => json!([lng, lat]),
        (_, _, Some(coords)) => coords.clone(),
        (_, _, None) => order
            .get("box")
            .and_then(Value::as_str)
            .and_then(|id| world.boxes.get(id))
            .map_or(Value::Null, |found| found["coords"].clone()),
    }
}

fn property(
    order: &Map<String, Value>,
    id: &str,
    project: &str,
    drop: &str,
    creator: &Value,
    now: Moment,
) -> Value {
    let member = |name: &str| order.get(name).cloned().unwrap_or(Value::Null);
    let mut property = json!({
        "_id": id, "kind": "Property", "project": project, "drop": drop,
        "address": member("address"), "box": member("box"), "observation": member("observation"),
        "tags": order.get("tags").cloned().unwrap_or(json!([])),
        "cables": [], "client": null, "creatorData": creator, "connections": [],
        "history": {"clients": []},
        "createdAt": now.iso(), "updatedAt": now.iso(), "__v": 0,
    });
    for name in ["pole", "potencyRead", "external_id", "parent"] {
        if let Some(value) = order.get(name).filter(|value| !value.is_null()) {
            set(&mut property, name, value.clone());
        }
    }
    property
}
