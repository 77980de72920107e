//! What OZmap said about a reservation: typed where it decides, raw where it is kept.
//!
//! Nothing here judges. A member that is missing, null or unreadable stays visibly so, because the guard must be
//! able to tell "no" from "cannot tell".

use std::fmt;

use crate::clock::Moment;

/// A member of an OZmap document, as it was found.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Field<T> {
    /// The document has no such member.
    #[default]
    Missing,
    /// The member is `null`.
    Null,
    /// The member has a value of the expected type.
    Value(T),
    /// The member is there, but not of a type that we can read.
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

    /// The same member with its value turned into something else.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Self::Missing => Field::Missing,
            Self::Null => Field::Null,
            Self::Value(value) => Field::Value(change(value)),
            Self::Unreadable => Field::Unreadable,
        }
    }
}

/// The id of a property or client: 24 lower-case hexadecimal digits, which OZmap never uses twice.
///
/// An empty or short id in a DELETE path would address the whole collection, so there is no way to make one.
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

/// What stands in a property's `client` member.
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

/// The customer of a property, as far as it decides.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Client {
    /// The reservation code, as OZmap holds it.
    pub code: Field<String>,
    /// Whether the customer is installed. Never to be mistaken for `connections[].implanted`, which is the splitter's.
    pub implanted: Field<bool>,
    /// `ftth` on the wire.
    pub kind: Field<String>,
    /// The customer's full name.
    pub name: Field<String>,
    /// Whether an installer certified the line.
    pub certified: Field<bool>,
    /// The modem's serial number, MAC address and PPPoE user: any text in one of them means that someone installed it.
    pub onu: Field<[Field<String>; 3]>,
    /// When the client was created, ISO 8601.
    pub created_at: Field<String>,
    /// When it was deleted, if OZmap keeps deleted clients.
    pub deleted_at: Field<String>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("implanted", &self.implanted)
            .finish_non_exhaustive()
    }
}

/// One line of a property's `history.clients`: who lived there and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupancy {
    /// When the customer came, ISO 8601.
    pub enter_date: Field<String>,
    /// When the customer left.
    pub exit_date: Field<String>,
}

/// A property as OZmap described it, with the bytes that it was read from.
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
    /// Who lived here.
    pub history: Field<Vec<Occupancy>>,
    /// The user name of who created it.
    pub creator: Field<String>,
    /// The id of that user.
    pub creator_id: Field<String>,
    /// When it was created, ISO 8601.
    pub created_at: Field<String>,
    /// When it was deleted, if OZmap keeps deleted properties.
    pub deleted_at: Field<String>,
    /// Its street address.
    pub address: Field<String>,
    /// The document's JSON, byte for byte: the tombstone that an undo is made from.
    pub raw: String,
}

impl Property {
    /// The customer's document, when it was populated.
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

/// Why a document could not even be read as a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentError {
    /// Not a JSON object, or a deciding member stands in it twice.
    NotADocument,
    /// No `_id` or `id`, one that is not 24 hexadecimal digits, or two that differ.
    BadId,
    /// Only a client has the code: there is no property.
    ClientWithoutProperty,
}

/// A row of an answer: a property, or a document that cannot be read.
pub type Row = Result<Property, DocumentError>;

/// What OZmap showed, and when: the guard decides on this and on nothing older.
#[derive(Clone, Debug)]
pub struct LookupResult {
    /// Every row of the answer.
    pub rows: Vec<Row>,
    /// When the question was sent; their age counts from here, so a slow answer is an old one.
    pub read_at: Moment,
}
