//! Decides whether a property may be deleted: a flat, ordered list of refusals. The first rule that
//! objects decides.
//!
//! The guard is pure: it uses no clock, no network and no journal. Only the guard creates a
//! [`Deletable`], and every deletion needs one. It refuses what it cannot read. It must never look
//! at `connections[].implanted`: that is the splitter's state, and it is `true` for a reservation
//! too.
//!
//! No other code can create a `Deletable`:
//! ```compile_fail,E0451
//! # use ozmap_cancel::{domain::Property, clock::Moment, guard::Deletable};
//! # fn forge(property: Property) -> Deletable {
//! Deletable { property, read_at: Moment::now() }
//! # }
//! ```
//! Other code can read one that the guard created:
//! ```
//! # use ozmap_cancel::guard::Deletable;
//! # fn read(deletable: &Deletable) -> &str {
//! deletable.property().id.as_str()
//! # }
//! ```

use jiff::Timestamp;

use crate::clock::Moment;
pub use crate::domain::Refusal;
use crate::domain::{
    Client, ClientField, DocumentError, Field, FirstName, LookupResult, Outcome, Property,
    ReservationCode,
};

/// How much older than its customer a property may be and still count as created with the
/// reservation.
///
/// A genuine reservation creates both in one call, 2 to 4 seconds apart at most.
const BORN_TOGETHER_MS: i64 = 10 * 60 * 1000;

/// How far the clocks of OZmap and of the journal may differ before a reservation counts as made
/// after the request.
const CLOCKS_APART_MS: i64 = 10 * 60 * 1000;

/// The request that the guard judges.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The reservation code.
    pub code: &'a ReservationCode,
    /// When the request was accepted (journal's clock, ms since 1970); `None` for a lookup, which
    /// accepts nothing.
    pub at_ms: Option<i64>,
    /// The user that the OZmap API key belongs to, by id or user name, if the key names one.
    pub key_user: Option<&'a str>,
}

impl<'a> From<&'a ReservationCode> for Asked<'a> {
    fn from(code: &'a ReservationCode) -> Self {
        Self {
            code,
            at_ms: None,
            key_user: None,
        }
    }
}

/// The operator's settings for the rules that the operator may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The outcome for an installed customer, who is never deleted either way.
    pub installed: OnInstalled,
    /// Signs of an earlier installation here: optical power, modem data, certification.
    pub install_evidence: Check,
    /// A unit inside a building that is drawn in OZmap.
    pub building_unit: Check,
    /// A property that existed before this reservation.
    pub preexisting_property: Check,
    /// Only properties created by these OZmap users may be deleted. An empty list allows every
    /// user; [`SELF`] means the API key's own user.
    pub only_created_by: Vec<String>,
}

/// Stands in a list of users for the user that the OZmap API key belongs to.
pub const SELF: &str = "self";

/// The error message when the operator configured [`SELF`] and the key names no user.
pub const NAMELESS_KEY: &str = "policy.only_created_by has \"self\", and ozmap.api_key does not say whose it is: nothing is deleted for it. Write the user name instead, as OZmap shows it";

impl Policy {
    /// Whether the policy depends on the user that the API key belongs to.
    #[must_use]
    pub fn is_for_the_key_alone(&self) -> bool {
        self.only_created_by.iter().any(|name| name == SELF)
    }
}

/// The outcome for an installed customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnInstalled {
    /// `installed`.
    Refuse,
    /// `review`.
    Review,
}

/// Whether the guard applies a rule that depends on the provider's habits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The rule refuses, and the outcome is `review`.
    Review,
    /// The rule is not applied.
    Ignore,
}

impl Refusal {
    /// The outcome that the customer is told.
    #[must_use]
    pub const fn outcome(self, policy: &Policy) -> Outcome {
        match (self, policy.installed) {
            (Self::Installed, OnInstalled::Refuse) => Outcome::Installed,
            _ => Outcome::Review,
        }
    }
}

/// A property that may be deleted, as OZmap showed it at one moment.
#[derive(Clone, Debug)]
pub struct Deletable {
    property: Property,
    read_at: Moment,
}

impl Deletable {
    /// The property as it was read.
    #[must_use]
    pub fn property(&self) -> &Property {
        &self.property
    }

    /// When the property was read; a deletion must follow within seconds.
    #[must_use]
    pub fn read_at(&self) -> Moment {
        self.read_at
    }
}

/// The guard's decision about a lookup result.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// OZmap shows nothing under this code.
    Absent,
    /// The property is kept; nothing is deleted.
    Keep(Refusal),
    /// The property may be deleted.
    Delete(Box<Deletable>),
}

/// Judges the rows that OZmap showed for one code.
#[must_use]
pub fn judge<'a>(sighting: &LookupResult, asked: impl Into<Asked<'a>>, policy: &Policy) -> Verdict {
    let property = match sighting.rows.as_slice() {
        [] => return Verdict::Absent,
        [Ok(property)] => property,
        [Err(DocumentError::NotADocument)] => return Verdict::Keep(Refusal::UnreadableDocument),
        [Err(DocumentError::BadId)] => return Verdict::Keep(Refusal::BadId),
        [Err(DocumentError::ClientWithoutProperty)] => {
            return Verdict::Keep(Refusal::ClientWithoutProperty);
        }
        [_, _, ..] => return Verdict::Keep(Refusal::SeveralProperties),
    };
    match refusal(property, asked.into(), policy) {
        Some(refusal) => Verdict::Keep(refusal),
        None => Verdict::Delete(Box::new(Deletable {
            property: property.clone(),
            read_at: sighting.read_at,
        })),
    }
}

/// The first rule that objects to deleting this property.
fn refusal(property: &Property, asked: Asked<'_>, policy: &Policy) -> Option<Refusal> {
    if !is_kind(&property.kind, &["property"]) {
        return Some(Refusal::UnknownKind);
    }
    let client = match &property.client {
        ClientField::Document(client) => client,
        ClientField::Missing | ClientField::Null => return Some(Refusal::NoClient),
        // The lookup resolves a reference before the guard runs; it could not resolve this one.
        ClientField::Reference(_) | ClientField::Unreadable => {
            return Some(Refusal::UnreadableClient);
        }
    };
    if !is_kind(&client.kind, &["ftth", "ftthclient"]) {
        return Some(Refusal::UnknownKind);
    }
    if !client.code.value().is_some_and(|held| asked.code.is(held)) {
        return Some(Refusal::OtherCode);
    }
    match client.implanted {
        Field::Value(false) => {}
        Field::Value(true) => return Some(Refusal::Installed),
        Field::Missing | Field::Null | Field::Unreadable => return Some(Refusal::InstalledUnknown),
    }
    if !is_absent(&property.deleted_at) || !is_absent(&client.deleted_at) {
        return Some(Refusal::MarkedDeleted);
    }
    if is_later(&property.created_at, asked) || is_later(&client.created_at, asked) {
        return Some(Refusal::ReservedLater);
    }
    if policy.install_evidence == Check::Review && has_install_evidence(property, client) {
        return Some(Refusal::InstallEvidence);
    }
    if policy.building_unit == Check::Review && !is_absent(&property.parent) {
        return Some(Refusal::BuildingUnit);
    }
    if policy.preexisting_property == Check::Review && !is_born_with_client(property, client) {
        return Some(Refusal::PreexistingProperty);
    }
    if !policy.only_created_by.is_empty() && !is_by_a_listed_user(property, asked, policy) {
        return Some(Refusal::OtherCreator);
    }
    None
}

/// Whether a user on the operator's list created the property.
fn is_by_a_listed_user(property: &Property, asked: Asked<'_>, policy: &Policy) -> bool {
    let is = |field: &Field<String>, name: &str| field.value().is_some_and(|found| found == name);
    let is_the_keys = |user: &str| is(&property.creator, user) || is(&property.creator_id, user);
    let mut names = policy.only_created_by.iter();
    names.any(|name| match name.as_str() {
        SELF => asked.key_user.is_some_and(is_the_keys),
        name => is(&property.creator, name),
    })
}

/// A missing kind contradicts nothing; a stated kind must be a known one.
fn is_kind(kind: &Field<String>, known: &[&str]) -> bool {
    match kind {
        Field::Missing | Field::Null => true,
        Field::Value(kind) => known.iter().any(|known| kind.eq_ignore_ascii_case(known)),
        Field::Unreadable => false,
    }
}

fn is_absent<T>(field: &Field<T>) -> bool {
    matches!(field, Field::Missing | Field::Null)
}

/// `implanted: false` does not prove that the customer was never installed: other OZmap products
/// reset it to `false`.
fn has_install_evidence(property: &Property, client: &Client) -> bool {
    let certified = match client.certified {
        Field::Missing | Field::Null | Field::Value(false) => false,
        Field::Value(true) | Field::Unreadable => true,
    };
    let modem = match &client.onu {
        Field::Missing | Field::Null => false,
        Field::Unreadable => true,
        Field::Value(texts) => texts.iter().any(|text| match text {
            Field::Missing | Field::Null => false,
            Field::Value(text) => !text.trim().is_empty(),
            Field::Unreadable => true,
        }),
    };
    certified || modem || !is_absent(&property.potency_read)
}

/// A genuine reservation creates the property and its customer together, and the property has no
/// earlier residents.
///
/// A missing date is no evidence; a stated date must be readable.
fn is_born_with_client(property: &Property, client: &Client) -> bool {
    let residences = match &property.history {
        Field::Missing | Field::Null => &[][..],
        Field::Value(residences) => residences,
        Field::Unreadable => return false,
    };
    let entered = match residences {
        [] => &client.created_at,
        [only] if is_absent(&only.exit_date) && !is_absent(&only.enter_date) => &only.enter_date,
        [only] if is_absent(&only.exit_date) => &client.created_at,
        _ => return false,
    };
    if is_absent(&property.created_at) || is_absent(entered) {
        return true;
    }
    match (instant(&property.created_at), instant(entered)) {
        (Some(created), Some(entered)) => {
            entered.as_millisecond() - created.as_millisecond() <= BORN_TOGETHER_MS
        }
        _ => false,
    }
}

fn instant(field: &Field<String>) -> Option<Timestamp> {
    field.value().and_then(|text| text.parse().ok())
}

/// Whether something was created after its cancellation was requested. The lookup of a delayed
/// request sees the present state, which may be a new reservation that an agent made for the same
/// customer.
///
/// [`is_born_with_client`] handles a date that is missing or unreadable.
fn is_later(created_at: &Field<String>, asked: Asked<'_>) -> bool {
    match (asked.at_ms, instant(created_at)) {
        (Some(asked_at_ms), Some(created)) => {
            created.as_millisecond() > asked_at_ms.saturating_add(CLOCKS_APART_MS)
        }
        (None, _) | (_, None) => false,
    }
}

/// The customer's first name, if the property's record has a readable one.
///
/// Only the record of exactly this code may supply a name, so that a reply never contains another
/// customer's name.
#[must_use]
pub fn first_name(property: &Property, code: &ReservationCode) -> Option<FirstName> {
    let client = property.client()?;
    if !client.code.value().is_some_and(|held| code.is(held)) {
        return None;
    }
    client.name.value().and_then(|name| FirstName::of(name))
}
