//! OZmap's description of a reservation: typed where a decision needs it, raw where it is only
//! stored.
//!
//! This file must never judge. It keeps a missing, null or unreadable member as such, because the
//! guard must distinguish "no" from "unknown".

use std::fmt;

use crate::clock::Moment;

/// A member of an OZmap document, as the service found it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Field<T> {
    /// The document has no such member.
    #[default]
    Missing,
    /// The member is `null`.
    Null,
    /// The member has a value of the expected type.
    Value(T),
    /// The member has a value of an unexpected type.
    Unreadable,
}

impl<T> Field<T> {
    /// The value, if it could be read.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Missing | Self::Null | Self::Unreadable => None,
        }
    }

    /// The same member with its value converted.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Self::Missing => Field::Missing,
            Self::Null => Field::Null,
            Self::Value(value) => Field::Value(change(value)),
            Self::Unreadable => Field::Unreadable,
        }
    }
}

/// The id of a property or client: 24 lower-case hexadecimal digits. OZmap never reuses one.
///
/// An empty or short id in a DELETE path would address the whole collection, so no code can
/// construct one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PropertyId(String);

impl PropertyId {
    /// Accepts exactly `^[0-9a-f]{24}$`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 24 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(text.to_owned()))
    }

    /// The 24 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PropertyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PropertyId({})", self.0)
    }
}

/// The content of a property's `client` member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientField {
    /// No such member.
    Missing,
    /// `null`: a property without a customer, which still may hold a port.
    Null,
    /// Only the client's id; the document was not populated.
    Reference(String),
    /// The client's document.
    Document(Box<Client>),
    /// Something else.
    Unreadable,
}

/// The customer of a property, with the members that a decision needs.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Client {
    /// The reservation code, as OZmap holds it.
    pub code: Field<String>,
    /// Whether the customer is installed. Not the same as `connections[].implanted`, which is the
    /// splitter's state.
    pub implanted: Field<bool>,
    /// `ftth` on the wire.
    pub kind: Field<String>,
    /// The customer's full name.
    pub name: Field<String>,
    /// Whether an installer certified the line.
    pub certified: Field<bool>,
    /// The modem's serial number, MAC address and PPPoE user: any text in one of them is evidence
    /// of an installation.
    pub onu: Field<[Field<String>; 3]>,
    /// When the client was created, ISO 8601.
    pub created_at: Field<String>,
    /// When the client was deleted, if OZmap keeps deleted clients.
    pub deleted_at: Field<String>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("implanted", &self.implanted)
            .finish_non_exhaustive()
    }
}

/// One entry of a property's `history.clients`: the period of one resident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupancy {
    /// When the customer moved in, ISO 8601.
    pub enter_date: Field<String>,
    /// When the customer moved out.
    pub exit_date: Field<String>,
}

/// A property as OZmap described it, with the bytes of the document.
#[derive(Clone, PartialEq, Eq)]
pub struct Property {
    /// Its id.
    pub id: PropertyId,
    /// `Property` on the wire.
    pub kind: Field<String>,
    /// Its customer.
    pub client: ClientField,
    /// The building that this unit is in; only its presence counts.
    pub parent: Field<()>,
    /// The optical power that an installer read; only its presence counts.
    pub potency_read: Field<()>,
    /// The residents of the property.
    pub history: Field<Vec<Occupancy>>,
    /// The user name of its creator.
    pub creator: Field<String>,
    /// The user id of its creator.
    pub creator_id: Field<String>,
    /// When the property was created, ISO 8601.
    pub created_at: Field<String>,
    /// When the property was deleted, if OZmap keeps deleted properties.
    pub deleted_at: Field<String>,
    /// Its street address.
    pub address: Field<String>,
    /// The document's JSON, byte for byte: the tombstone that an undo needs.
    pub raw: String,
}

impl Property {
    /// The customer's document, if OZmap populated it.
    #[must_use]
    pub fn client(&self) -> Option<&Client> {
        match &self.client {
            ClientField::Document(client) => Some(client),
            ClientField::Missing
            | ClientField::Null
            | ClientField::Reference(_)
            | ClientField::Unreadable => None,
        }
    }
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Property")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Why a document could not be read as a property at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentError {
    /// Not a JSON object, or a member that decides occurs in it twice.
    NotADocument,
    /// No `_id` or `id`, an id that is not 24 hexadecimal digits, or two ids that differ.
    BadId,
    /// Only a client has the code: there is no property.
    ClientWithoutProperty,
}

/// One row of an answer: a property, or a document that cannot be read.
pub type Row = Result<Property, DocumentError>;

/// OZmap's answer and the time of the question: the guard decides on this and on nothing older.
#[derive(Clone, Debug)]
pub struct LookupResult {
    /// Every row of the answer.
    pub rows: Vec<Row>,
    /// When the question was sent. The age of the rows counts from here, so a slow answer counts as
    /// an old one.
    pub read_at: Moment,
}
