//! Reads OZmap's JSON into the typed values on which the guard decides.
//!
//! It reads structs and must never decide on a map, in which the last of two `implanted` members
//! would win. A member of a wrong type becomes [`Field::Unreadable`]; it neither fails the whole
//! response nor is it skipped.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::domain::{
    Client, ClientField, DocumentError, Field, Occupancy, Property, PropertyId, Row,
};

/// A document as it came, unread.
pub(super) type Raw = Box<RawValue>;

/// The shape of a response.
#[derive(Debug)]
pub(super) enum Shape {
    /// An array, or the `rows` of an envelope.
    Rows(Vec<Box<RawValue>>),
    /// `null`.
    Null,
    /// `{}`.
    EmptyObject,
    /// Any other object: one document.
    Document(Box<RawValue>),
    /// JSON of any other shape.
    Other,
}

/// The envelope of the list routes.
#[derive(Deserialize)]
struct Envelope {
    rows: Vec<Box<RawValue>>,
    total: Option<u64>,
    #[serde(rename = "hasNextPage", default)]
    has_next_page: Field<bool>,
}

impl Envelope {
    /// Whether every row is in the response; a greater `total` or a next page means that some are
    /// missing.
    fn is_whole(&self) -> bool {
        self.total
            .is_none_or(|total| total <= self.rows.len() as u64)
            && matches!(
                self.has_next_page,
                Field::Missing | Field::Null | Field::Value(false)
            )
    }
}

/// The shape of a body; `None` when it is not JSON.
pub(super) fn shape(body: &[u8]) -> Option<Shape> {
    let text = std::str::from_utf8(body).ok()?;
    let raw: Box<RawValue> = serde_json::from_str(text).ok()?;
    let shape = match raw.get().trim_start().as_bytes().first() {
        Some(b'[') => serde_json::from_str(raw.get()).map_or(Shape::Other, Shape::Rows),
        Some(b'n') => Shape::Null,
        Some(b'{') => object(&raw),
        _ => Shape::Other,
    };
    Some(shape)
}

/// The properties in the response to a lookup; `None` when it is not a complete list.
///
/// A client that is given by its id alone is not fetched, so the guard refuses such a row.
#[must_use]
pub fn read_list(body: &[u8]) -> Option<Vec<Row>> {
    match shape(body)? {
        Shape::Rows(rows) => Some(rows.iter().map(|raw| property(raw)).collect()),
        Shape::Null | Shape::EmptyObject | Shape::Document(_) | Shape::Other => None,
    }
}

/// Whether a body is a list, complete or not.
pub(super) fn is_list(body: &[u8]) -> bool {
    matches!(shape(body), Some(Shape::Rows(_))) || serde_json::from_slice::<Envelope>(body).is_ok()
}

/// The rows of a complete list that states their number.
pub(super) fn counted_rows(body: &[u8]) -> Option<Vec<Box<RawValue>>> {
    let envelope: Envelope = serde_json::from_slice(body).ok()?;
    (envelope.total.is_some() && envelope.is_whole()).then_some(envelope.rows)
}

fn object(raw: &RawValue) -> Shape {
    match serde_json::from_str::<Envelope>(raw.get()) {
        Ok(envelope) if envelope.is_whole() => return Shape::Rows(envelope.rows),
        Ok(_) => return Shape::Other,
        Err(_) => {}
    }
    match serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(raw.get()) {
        Ok(members) if members.is_empty() => Shape::EmptyObject,
        // An unreadable envelope is not a document.
        Ok(members) if members.contains_key("rows") => Shape::Other,
        Ok(_) => Shape::Document(raw.to_owned()),
        Err(_) => Shape::Other,
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(match raw.get() {
            "null" => Self::Null,
            text => serde_json::from_str(text).map_or(Self::Unreadable, Self::Value),
        })
    }
}

/// A struct read from a JSON object only. By itself serde also reads an array, member by member in
/// the order of the declaration.
struct Object<T>(T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if !raw.get().starts_with('{') {
            return Err(D::Error::custom("not an object"));
        }
        serde_json::from_str(raw.get())
            .map(Self)
            .map_err(D::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PropertyDocument {
    #[serde(rename = "_id", default)]
    underscore_id: Field<String>,
    #[serde(default)]
    id: Field<String>,
    #[serde(default)]
    kind: Field<String>,
    #[serde(default)]
    client: Field<Box<RawValue>>,
    #[serde(default)]
    parent: Field<Box<RawValue>>,
    #[serde(default)]
    potency_read: Field<Box<RawValue>>,
    #[serde(default)]
    history: Field<Object<HistoryDocument>>,
    #[serde(default)]
    creator_data: Field<Object<CreatorDocument>>,
    #[serde(default)]
    created_at: Field<String>,
    #[serde(default)]
    deleted_at: Field<String>,
    #[serde(default)]
    address: Field<String>,
}

#[derive(Deserialize)]
struct HistoryDocument {
    #[serde(default)]
    clients: Field<Vec<Object<ResidenceDocument>>>,
}

#[derive(Deserialize)]
struct ResidenceDocument {
    #[serde(default)]
    enter_date: Field<String>,
    #[serde(default)]
    exit_date: Field<String>,
}

#[derive(Deserialize)]
struct CreatorDocument {
    #[serde(rename = "_id", default)]
    underscore_id: Field<String>,
    #[serde(default)]
    id: Field<String>,
    #[serde(default)]
    username: Field<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientDocument {
    #[serde(rename = "_id", default)]
    underscore_id: Field<String>,
    #[serde(default)]
    id: Field<String>,
    #[serde(default)]
    code: Field<String>,
    #[serde(default)]
    implanted: Field<bool>,
    #[serde(default)]
    kind: Field<String>,
    #[serde(default)]
    name: Field<String>,
    #[serde(default)]
    certified: Field<bool>,
    #[serde(default)]
    onu: Field<Object<OnuDocument>>,
    #[serde(default)]
    created_at: Field<String>,
    #[serde(default)]
    deleted_at: Field<String>,
}

#[derive(Deserialize)]
struct OnuDocument {
    #[serde(rename = "user_PPPoE", default)]
    user_pppoe: Field<String>,
    #[serde(default)]
    serial_number: Field<String>,
    #[serde(default)]
    mac_address: Field<String>,
}

/// Reads one row as a property.
pub(super) fn property(raw: &RawValue) -> Row {
    let Object(document): Object<PropertyDocument> =
        serde_json::from_str(raw.get()).map_err(|_| DocumentError::NotADocument)?;
    let id = one_id(&document.underscore_id, &document.id).ok_or(DocumentError::BadId)?;
    let (creator, creator_id) = creator(document.creator_data);
    Ok(Property {
        id,
        kind: document.kind,
        client: client_field(document.client),
        parent: document.parent.map(drop),
        potency_read: document.potency_read.map(drop),
        history: history(document.history),
        creator,
        creator_id,
        created_at: document.created_at,
        deleted_at: document.deleted_at,
        address: document.address,
        raw: raw.get().to_owned(),
    })
}

/// The name and the id of the user who created a property.
fn creator(field: Field<Object<CreatorDocument>>) -> (Field<String>, Field<String>) {
    match field {
        Field::Value(Object(creator)) => {
            let id = match creator.id {
                Field::Missing => creator.underscore_id,
                id @ (Field::Null | Field::Value(_) | Field::Unreadable) => id,
            };
            (creator.username, id)
        }
        Field::Missing => (Field::Missing, Field::Missing),
        Field::Null => (Field::Null, Field::Null),
        Field::Unreadable => (Field::Unreadable, Field::Unreadable),
    }
}

/// `_id` or `id`; if both are present they must be equal.
fn one_id(underscore_id: &Field<String>, id: &Field<String>) -> Option<PropertyId> {
    let text = match (underscore_id, id) {
        (Field::Value(one), Field::Value(other)) if one == other => one,
        (Field::Value(one), Field::Missing) | (Field::Missing, Field::Value(one)) => one,
        _ => return None,
    };
    PropertyId::parse(text)
}

fn history(field: Field<Object<HistoryDocument>>) -> Field<Vec<Occupancy>> {
    let clients = match field {
        Field::Value(Object(history)) => history.clients,
        Field::Missing => return Field::Missing,
        Field::Null => return Field::Null,
        Field::Unreadable => return Field::Unreadable,
    };
    clients.map(|residences| {
        let residence = |Object(document): Object<ResidenceDocument>| Occupancy {
            enter_date: document.enter_date,
            exit_date: document.exit_date,
        };
        residences.into_iter().map(residence).collect()
    })
}

fn client_field(field: Field<Box<RawValue>>) -> ClientField {
    let raw = match field {
        Field::Missing => return ClientField::Missing,
        Field::Null => return ClientField::Null,
        Field::Unreadable => return ClientField::Unreadable,
        Field::Value(raw) => raw,
    };
    if let Ok(id) = serde_json::from_str::<String>(raw.get()) {
        return ClientField::Reference(id);
    }
    client(&raw).map_or(ClientField::Unreadable, |client| {
        ClientField::Document(Box::new(client))
    })
}

/// Reads a document as a client.
fn client(raw: &RawValue) -> Option<Client> {
    let Object(document): Object<ClientDocument> = serde_json::from_str(raw.get()).ok()?;
    Some(Client {
        code: document.code,
        implanted: document.implanted,
        kind: document.kind,
        name: document.name,
        certified: document.certified,
        onu: document
            .onu
            .map(|Object(onu)| [onu.user_pppoe, onu.serial_number, onu.mac_address]),
        created_at: document.created_at,
        deleted_at: document.deleted_at,
    })
}

/// The id and the code of a client, if both are readable.
pub(super) fn client_key(raw: &RawValue) -> Option<(PropertyId, String)> {
    let Object(document): Object<ClientDocument> = serde_json::from_str(raw.get()).ok()?;
    let id = one_id(&document.underscore_id, &document.id)?;
    Some((id, document.code.value()?.clone()))
}

/// The id of a client, and its deletion date if the document states one.
pub(super) fn client_state(body: &[u8]) -> Option<(PropertyId, Field<String>)> {
    let Object(document): Object<ClientDocument> = serde_json::from_slice(body).ok()?;
    let id = one_id(&document.underscore_id, &document.id)?;
    Some((id, document.deleted_at))
}

/// The property with its client's id replaced by the client's document; all other members keep
/// their bytes.
pub(super) fn populate(property: &Property, client_raw: &RawValue) -> Option<Box<RawValue>> {
    let mut members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&property.raw).ok()?;
    members.insert("client".to_owned(), client_raw.to_owned());
    serde_json::value::to_raw_value(&members).ok()
}
