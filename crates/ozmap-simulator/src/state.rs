//! The world: every element that this OZmap knows, and what removing or changing one does to the
//! others.
//!
//! Responsible for the consistency of properties, clients, drops and splitter ports. It must never
//! know of requests, keys or faults: the caller has already decided. Creating is in
//! `reservation`, the first elements are in `seed`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::documents::{Ids, Moment, set, text};
use super::indexed::Indexed;

/// Elements of one kind by id, hence in the order in which they were made.
pub(super) type Collection = BTreeMap<String, Value>;

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) projects: Collection,
    pub(super) boxes: Collection,
    pub(super) splitters: Collection,
    /// Properties hold their client by id, except documents that were planted with another shape.
    pub(super) properties: Indexed,
    pub(super) clients: Indexed,
    pub(super) cables: Collection,
    pub(super) prospects: Collection,
    pub(super) ids: Ids,
    ghosts: Vec<Ghost>,
}

impl Default for World {
    fn default() -> World {
        World {
            projects: Collection::new(),
            boxes: Collection::new(),
            splitters: Collection::new(),
            properties: Indexed::by("client"),
            clients: Indexed::by("code"),
            cables: Collection::new(),
            prospects: Collection::new(),
            ids: Ids::default(),
            ghosts: Vec::new(),
        }
    }
}

/// A deleted property that reads still show, as a stale replica would.
#[derive(Clone, Debug)]
struct Ghost {
    raw: Value,
    until: Instant,
}

/// The suffix of a renamed code.
pub const RENAMED: &str = "-renamed";

/// Members of a client that a PATCH may set.
const CLIENT_FIELDS: &[&str] = &[
    "code",
    "name",
    "observation",
    "implanted",
    "certified",
    "status",
    "onu",
    "cpe",
    "tags",
    "external_id",
];

/// Members of a property that a PATCH may set and that touch nothing else.
const PROPERTY_FIELDS: &[&str] = &[
    "address",
    "box",
    "pole",
    "observation",
    "potencyRead",
    "tags",
    "coords",
    "external_id",
];

impl World {
    /// The property as the lookup by code shows it, its client in place of the client's id.
    pub(super) fn raw(&self, property: &Value) -> Value {
        let mut raw = property.clone();
        if let Some(client) = text(property, "/client").and_then(|id| self.clients.get(id)) {
            set(&mut raw, "client", client.clone());
        }
        raw
    }

    /// The code of the customer at this property.
    pub(super) fn code_of<'a>(&'a self, property: &'a Value) -> Option<&'a str> {
        let client = self.client_of(property)?;
        client.get("code").and_then(Value::as_str)
    }

    pub(super) fn client_of<'a>(&'a self, property: &'a Value) -> Option<&'a Value> {
        let client = property.get("client")?;
        match client.as_str() {
            Some(id) => self.clients.get(id),
            None => client.is_object().then_some(client),
        }
    }

    /// Every property that holds the client with this id.
    pub(super) fn homes_with<'a>(&'a self, client: &'a str) -> impl Iterator<Item = &'a Value> {
        let found = self.properties.found_by(client).map(|(_, home)| home);
        found.filter(move |property| text(property, "/client") == Some(client))
    }

    /// Every property whose client has exactly this code, in the order in which they were made.
    pub(super) fn homes_of(&self, code: &str) -> impl Iterator<Item = &Value> {
        let clients = self.clients.found_by(code);
        let with_id = clients.flat_map(|(id, _)| self.properties.found_by(id));
        // And those that hold their client themselves.
        let homes = with_id.chain(self.properties.found_by(code));
        homes
            .collect::<BTreeMap<_, _>>()
            .into_values()
            .filter(move |property| self.code_of(property) == Some(code))
    }

    /// The same, raw.
    pub(super) fn by_code(&self, code: &str) -> Vec<Value> {
        self.homes_of(code)
            .map(|property| self.raw(property))
            .collect()
    }

    /// Like `by_code`, plus the elements that a stale replica still shows.
    pub(super) fn lookup(&self, code: &str, now: Instant) -> Vec<Value> {
        let mut rows = self.by_code(code);
        rows.extend(
            self.ghosts(now)
                .filter(|raw| text(raw, "/client/code") == Some(code))
                .cloned(),
        );
        rows
    }

    /// One property, raw, even if only a stale replica still shows it.
    pub(super) fn read(&self, id: &str, now: Instant) -> Option<Value> {
        match self.properties.get(id) {
            Some(property) => Some(self.raw(property)),
            None => self
                .ghosts(now)
                .find(|raw| text(raw, "/_id") == Some(id))
                .cloned(),
        }
    }

    /// Every property, raw, with those that a stale replica still shows; with a client's id all that may hold that one.
    pub(super) fn list(&self, client: Option<&str>, now: Instant) -> Vec<Value> {
        let found: Vec<&Value> = match client {
            Some(client) => self.homes_with(client).collect(),
            None => self.properties.values().collect(),
        };
        let raw = found.into_iter().map(|property| self.raw(property));
        raw.chain(self.ghosts(now).cloned()).collect()
    }

    /// Lets reads show a property that is gone from the world until then.
    pub(super) fn haunt(&mut self, raw: Value, until: Instant) {
        self.ghosts.push(Ghost { raw, until });
    }

    fn ghosts(&self, now: Instant) -> impl Iterator<Item = &Value> {
        self.ghosts
            .iter()
            .filter(move |ghost| now < ghost.until)
            .map(|ghost| &ghost.raw)
            .filter(|raw| text(raw, "/_id").is_none_or(|id| !self.properties.contains_key(id)))
    }

    /// Removes the property, its client (unless another property has the same one) and its drop,
    /// and frees its port. `false` if there is no such property.
    pub(super) fn delete_property(&mut self, id: &str) -> bool {
        let Some(property) = self.properties.remove(id) else {
            return false;
        };
        self.free_port(&property);
        if let Some(drop) = text(&property, "/drop") {
            self.cables.remove(drop);
        }
        if let Some(client) = text(&property, "/client") {
            let is_shared = self.homes_with(client).next().is_some();
            if !is_shared {
                self.clients.remove(client);
            }
        }
        true
    }

    /// Removes the client and leaves its properties, which keep their ports.
    pub(super) fn delete_client(&mut self, id: &str, now: Moment) -> bool {
        if self.clients.remove(id).is_none() {
            return false;
        }
        let homes: Vec<String> = self
            .properties
            .found_by(id)
            .map(|(id, _)| id.clone())
            .collect();
        for home in homes {
            self.properties.change(&home, |property| {
                if text(property, "/client") == Some(id) {
                    vacate(property, &now.iso());
                }
            });
        }
        true
    }

    /// Frees the port of the property that this drop serves; the property stays at its box.
    pub(super) fn disconnect(&mut self, drop: &str) -> bool {
        if !self.cables.contains_key(drop) {
            return false;
        }
        for id in self.properties_at(drop) {
            self.release(&id);
        }
        true
    }

    /// Removes the drop: the property leaves its port and its box.
    pub(super) fn delete_cable(&mut self, drop: &str) -> bool {
        if !self.disconnect(drop) {
            return false;
        }
        self.cables.remove(drop);
        for id in self.properties_at(drop) {
            self.properties.change(&id, |property| {
                set(property, "drop", Value::Null);
                set(property, "box", Value::Null);
            });
        }
        true
    }

    pub(super) fn properties_at(&self, drop: &str) -> Vec<String> {
        self.properties
            .iter()
            .filter(|(_, property)| text(property, "/drop") == Some(drop))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Frees the port of a property that stays.
    pub(super) fn release(&mut self, property: &str) {
        let Some(mut held) = self.properties.remove(property) else {
            return;
        };
        self.free_port(&held);
        set(&mut held, "connections", json!([]));
        self.properties.insert(property.to_owned(), held);
    }

    fn free_port(&mut self, property: &Value) {
        for connection in property["connections"].as_array().into_iter().flatten() {
            if let Some(output) = self.output(connection) {
                *output = Value::Null;
            }
        }
    }

    /// The place in a splitter's map that a connection takes.
    pub(super) fn output(&mut self, connection: &Value) -> Option<&mut Value> {
        let splitter = self.splitters.get_mut(text(connection, "/id")?)?;
        let index = connection["port"].as_u64()?.checked_sub(1)?;
        splitter.pointer_mut(&format!("/connectables/output/{index}"))
    }

    /// Changes the plain members of a property.
    pub(super) fn patch_property(&mut self, id: &str, changes: &Map<String, Value>, now: Moment) {
        self.properties.change(id, |property| {
            assign(property, changes, PROPERTY_FIELDS, now);
            if let (Some(lng), Some(lat)) = (changes.get("lng"), changes.get("lat")) {
                set(property, "coords", json!([lng, lat]));
            }
        });
    }

    /// Takes the customer out of a property; the client itself stays.
    pub(super) fn unlink_client(&mut self, property: &str, now: Moment) {
        self.properties
            .change(property, |property| vacate(property, &now.iso()));
    }

    /// Puts a customer into a property and notes it in the property's history.
    pub(super) fn link_client(&mut self, property: &str, client: &str, now: Moment) {
        let code = self
            .clients
            .get(client)
            .map_or(Value::Null, |client| client["code"].clone());
        let entry = json!({"id": client, "code": code, "enter_date": now.iso(), "exit_date": null});
        self.properties.change(property, |property| {
            vacate(property, &now.iso());
            set(property, "client", json!(client));
            match property.pointer_mut("/history/clients") {
                Some(Value::Array(entries)) => entries.push(entry),
                Some(_) | None => set(property, "history", json!({"clients": [entry]})),
            }
        });
    }

    pub(super) fn patch_client(&mut self, id: &str, changes: &Map<String, Value>, now: Moment) {
        self.clients
            .change(id, |client| assign(client, changes, CLIENT_FIELDS, now));
    }

    /// Gives the customer of a property another code, as a user of OZmap's own pages does.
    pub(super) fn rename(&mut self, property: &str, now: Moment) -> bool {
        let Some(client) = self
            .properties
            .get(property)
            .and_then(|held| text(held, "/client"))
        else {
            return false;
        };
        let client = client.to_owned();
        let renamed = self.clients.change(&client, |client| {
            let code = text(client, "/code").unwrap_or_default();
            let code = json!(format!("{code}{RENAMED}"));
            set(client, "code", code);
            set(client, "updatedAt", json!(now.iso()));
        });
        renamed.is_some()
    }

    /// Marks the customer as installed, wherever the property keeps it.
    pub(super) fn implant(&mut self, property: &str, now: Moment) -> bool {
        let mark = |client: &mut Value| {
            set(client, "implanted", json!(true));
            set(client, "updatedAt", json!(now.iso()));
        };
        let Some(held) = self.properties.get(property) else {
            return false;
        };
        let marked = match &held["client"] {
            Value::String(id) => {
                let id = id.clone();
                self.clients.change(&id, mark)
            }
            Value::Object(_) => self
                .properties
                .change(property, |property| mark(&mut property["client"])),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
        };
        marked.is_some()
    }
}

/// Ends the open stay in the property's history and empties it.
fn vacate(property: &mut Value, at: &str) {
    if let Some(Value::Array(entries)) = property.pointer_mut("/history/clients") {
        for entry in entries
            .iter_mut()
            .filter(|entry| entry["exit_date"].is_null())
        {
            set(entry, "exit_date", json!(at));
        }
    }
    set(property, "client", Value::Null);
    set(property, "updatedAt", json!(at));
}

fn assign(document: &mut Value, changes: &Map<String, Value>, fields: &[&str], now: Moment) {
    for (name, value) in changes {
        if fields.contains(&name.as_str()) {
            set(document, name, value.clone());
        }
    }
    set(document, "updatedAt", json!(now.iso()));
}
