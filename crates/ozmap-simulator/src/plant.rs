//! Putting reservations into the world from outside the API: the seed set, a test, a demo.
//!
//! Responsible for making the shapes that guards must tell apart, from a few words or from a whole
//! document. It must never refuse for want of a port: a full box gets another splitter.

use serde::Deserialize;
use serde_json::{Value, json};

use super::documents::{Moment, is_id, set, text};
use super::reservation::{self, Refusal};
use super::state::World;

/// The project, box and splitter that a planting takes when it names none.
pub(super) const PROJECT: &str = "62bc9b89a17d2b0030bddc0c";
pub(super) const BOX: &str = "5da62201493d9c00066655b8";

/// The user of the documentation: the creator of planted elements unless another is named.
const CREATOR: &str = "teste_integracao";
const CREATOR_ID: &str = "628f8c3269a79101db8b407b";

/// What to plant; everything has a default, and `document` overrules the rest.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Planting {
    /// Absent: a property without a customer.
    pub(super) code: Option<String>,
    pub(super) name: Option<String>,
    pub(super) address: Option<String>,
    pub(super) implanted: Value,
    pub(super) certified: Value,
    pub(super) project: Option<String>,
    #[serde(rename = "box")]
    pub(super) parent_box: Option<String>,
    pub(super) potency_read: Value,
    /// Members that replace those of the empty ONU.
    pub(super) onu: Value,
    /// The building, for an apartment.
    pub(super) parent: Option<String>,
    pub(super) created_at: Option<String>,
    pub(super) enter_date: Option<String>,
    /// Stays before the present one.
    pub(super) history: Vec<Value>,
    pub(super) creator: Option<String>,
    /// A raw document that is stored as it is.
    pub(super) document: Value,
}

/// The ids of the planted elements; `client` is absent for a property without one.
#[derive(Debug)]
pub(super) struct Planted {
    pub(super) property: String,
    pub(super) client: Option<String>,
}

/// The creator that OZmap notes for a user of that name.
pub(super) fn creator(username: &str) -> Value {
    json!({"id": user_id(username), "name": username, "username": username})
}

/// The id of the user of that name: that of the documentation, else one that is the same every time.
pub(super) fn user_id(username: &str) -> String {
    if username == CREATOR {
        return CREATOR_ID.to_owned();
    }
    // FNV-1a, by its published constants.
    let hash = username
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("628f8c32{hash:016x}")
}

/// Plants a reservation, without the check that its code is unused.
pub(super) fn plant(
    world: &mut World,
    planting: &Planting,
    now: Moment,
) -> Result<Planted, Refusal> {
    if planting.document.is_object() {
        return Ok(plant_document(world, &planting.document, now));
    }
    let at_box = planting
        .parent_box
        .clone()
        .unwrap_or_else(|| BOX.to_owned());
    let creator = creator(planting.creator.as_deref().unwrap_or(CREATOR));
    let property = match &planting.parent {
        Some(building) => reservation::create(world, &apartment(planting, building), &creator, now),
        None => {
            grow(world, &at_box, now);
            reservation::create(world, &house(planting, &at_box), &creator, now)
        }
    }?;
    let client = plant_client(world, planting, now);
    if let Some(client) = &client {
        world.link_client(&property, client, now);
    }
    age(world, &property, planting);
    Ok(Planted { property, client })
}

/// Plants a customer without a property; needs a code.
pub(super) fn plant_client(world: &mut World, planting: &Planting, now: Moment) -> Option<String> {
    let code = planting.code.as_deref()?;
    let creator = creator(planting.creator.as_deref().unwrap_or(CREATOR));
    let id = world.ids.next(now.timestamp);
    let client = client(planting, &id, code, &creator, now);
    world.clients.insert(id.clone(), client);
    Some(id)
}

/// The same customer again, as if another user had deleted the reservation and created it again.
pub(super) fn replant(world: &mut World, raw: &Value, now: Moment) -> Result<Planted, Refusal> {
    if let Some(id) = text(raw, "/_id") {
        world.delete_property(id);
    }
    let member = |pointer| text(raw, pointer).map(str::to_owned);
    let planting = Planting {
        code: member("/client/code"),
        name: member("/client/name"),
        address: member("/address"),
        project: member("/project"),
        parent_box: member("/box").filter(|id| world.boxes.contains_key(id)),
        ..Planting::default()
    };
    plant(world, &planting, now)
}

fn house(planting: &Planting, at_box: &str) -> Value {
    json!({
        "project": planting.project,
        "box": at_box,
        "address": planting.address.as_deref().unwrap_or("R. Delminda Silveira, 900 - Florianópolis"),
        "observation": "Reserva de Porta",
        "potencyRead": planting.potency_read,
        "pole": "5da62201493d9c00066655b1",
        "drop_poles": ["5da62201493d9c00066655b1"],
        "auto_connect": true,
    })
}

/// An apartment has no place and no pole of its own, and its box is the building.
fn apartment(planting: &Planting, building: &str) -> Value {
    json!({
        "project": planting.project.as_deref().unwrap_or(PROJECT),
        "box": building,
        "parent": building,
        "coords": null,
        "address": planting.address.as_deref().unwrap_or("Apto 101"),
        "potencyRead": planting.potency_read,
    })
}

fn client(planting: &Planting, id: &str, code: &str, creator: &Value, now: Moment) -> Value {
    let flag = |value: &Value| {
        if value.is_null() {
            json!(false)
        } else {
            value.clone()
        }
    };
    let mut onu = json!({"user_PPPoE": "", "serial_number": "", "mac_address": ""});
    for (name, value) in planting.onu.as_object().into_iter().flatten() {
        set(&mut onu, name, value.clone());
    }
    json!({
        "_id": id, "kind": "ftth", "code": code,
        "name": planting.name.as_deref().unwrap_or("Ana Souza"),
        "observation": "Reserva do Novo Cliente",
        "implanted": flag(&planting.implanted), "certified": flag(&planting.certified),
        "status": 0, "tags": [], "onu": onu, "creatorData": creator,
        "createdAt": now.iso(), "updatedAt": now.iso(), "__v": 0,
    })
}

/// Gives a planted property the past that was asked for.
fn age(world: &mut World, id: &str, planting: &Planting) {
    world.properties.change(id, |property| {
        if let Some(created_at) = &planting.created_at {
            set(property, "createdAt", json!(created_at));
        }
        let Some(Value::Array(stays)) = property.pointer_mut("/history/clients") else {
            return;
        };
        let enter_date = planting.enter_date.as_ref();
        let enter_date = enter_date.or(planting.created_at.as_ref());
        if let (Some(stay), Some(enter_date)) = (stays.last_mut(), enter_date) {
            set(stay, "enter_date", json!(enter_date));
        }
        stays.splice(0..0, planting.history.iter().cloned());
    });
}

/// Adds a splitter to a box that has no free port.
fn grow(world: &mut World, at_box: &str, now: Moment) {
    let drop_splitters = || {
        world
            .splitters
            .values()
            .filter(|splitter| splitter["isDrop"] == true)
            .filter(|splitter| text(splitter, "/parent") == Some(at_box))
    };
    if drop_splitters().any(|splitter| reservation::free_ports(splitter) > 0) {
        return;
    }
    let name = format!("Splitter {}", drop_splitters().count() + 1);
    let id = world.ids.next(now.timestamp);
    let grown = splitter(&id, at_box, &name, 8);
    world.splitters.insert(id, grown);
}

/// A serving splitter with all its ports free.
pub(super) fn splitter(id: &str, parent: &str, name: &str, outputs: usize) -> Value {
    let ports: Vec<Value> = (1..=outputs)
        .map(|number| json!({"port": number, "blocked": false}))
        .collect();
    json!({
        "_id": id, "kind": "Splitter", "name": name, "parent": parent, "isDrop": true,
        "implanted": true, "ratio": {"input": 1, "output": outputs},
        "connectables": {"input": [null], "output": vec![Value::Null; outputs]},
        "ports": ports, "__v": 0,
    })
}

/// Stores a document as it is; only a client with an id moves to the clients, where reads find it.
fn plant_document(world: &mut World, document: &Value, now: Moment) -> Planted {
    let mut document = document.clone();
    let id = match text(&document, "/_id").or_else(|| text(&document, "/id")) {
        Some(id) => id.to_owned(),
        None => world.ids.next(now.timestamp),
    };
    let client = text(&document, "/client/_id")
        .filter(|id| is_id(id))
        .map(str::to_owned);
    if let Some(client) = &client {
        world
            .clients
            .insert(client.clone(), document["client"].clone());
        set(&mut document, "client", json!(client));
    }
    for connection in document["connections"].as_array().into_iter().flatten() {
        if let Some(output) = world.output(connection) {
            *output = connection["fiber"].clone();
        }
    }
    if let Some(drop) = text(&document, "/drop") {
        let cable = json!({
            "_id": drop, "kind": "Cable", "isDrop": true, "project": document["project"],
            "poles": [{"id": document["pole"]}], "__v": 0,
        });
        world.cables.insert(drop.to_owned(), cable);
    }
    world.properties.insert(id.clone(), document);
    Planted {
        property: id,
        client,
    }
}
