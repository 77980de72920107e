//! Decides whether a property may be deleted: a flat list of refusals, in order, the first that objects wins.
//!
//! Pure: no clock, no network, no journal. It alone makes a [`Deletable`], and there is no other way to a deletion.
//! What it cannot read it refuses. It must never look at `connections[].implanted`: that is the splitter's state,
//! and it is `true` for a reservation too.
//!
//! A `Deletable` cannot be made elsewhere:
//! ```compile_fail,E0451
//! # use ozmap_cancel::{domain::Property, clock::Moment, guard::Deletable};
//! # fn forge(property: Property) -> Deletable {
//! Deletable { property, read_at: Moment::now() }
//! # }
//! ```
//! while what the guard made can be read:
//! ```
//! # use ozmap_cancel::guard::Deletable;
//! # fn read(deletable: &Deletable) -> &str {
//! deletable.property().id.as_str()
//! # }
//! ```

use jiff::Timestamp;

use crate::clock::Moment;
use crate::domain::{
    Client, ClientField, DocumentError, Field, FirstName, LookupResult, Outcome, Property,
    ReservationCode,
};

/// How much older than its customer a property may be and still count as born with the reservation.
///
/// A genuine reservation creates both in one call, 2 to 4 seconds apart at most.
const BORN_TOGETHER_MS: i64 = 10 * 60 * 1000;

/// How far the clocks of OZmap and of the journal may be apart before a reservation counts as made after the request.
const CLOCKS_APART_MS: i64 = 10 * 60 * 1000;

/// What somebody asked for, and when.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The reservation code.
    pub code: &'a ReservationCode,
    /// When it was promised (journal's clock, ms since 1970); `None` when nothing was, and it is only being looked at.
    pub at_ms: Option<i64>,
    /// Whom OZmap's key belongs to, by id or user name, if it says so.
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

/// What the operator allows beyond the rules that cannot be switched off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What an installed customer hears; never deleted either way.
    pub installed: OnInstalled,
    /// Signs that someone was installed here once: optical power, modem data, certification.
    pub install_evidence: Check,
    /// A unit inside a drawn building.
    pub building_unit: Check,
    /// A property that was there before this reservation.
    pub preexisting_property: Check,
    /// Only properties created by these OZmap users may be deleted; empty means any, [`SELF`] the key's own.
    pub only_created_by: Vec<String>,
}

/// The word for the OZmap user that the key belongs to.
pub const SELF: &str = "self";

/// What is wrong when [`SELF`] is asked for and the key names no user.
pub const NAMELESS_KEY: &str = "policy.only_created_by has \"self\", and ozmap.api_key does not say whose it is: nothing is deleted for it. Write the user name instead, as OZmap shows it";

impl Policy {
    /// Whether it rests on whom the key belongs to.
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

/// Whether a rule that depends on the provider's habits is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// It refuses, and a person looks.
    Review,
    /// It is not looked at.
    Ignore,
}

/// Why a property is kept. The ids are stable: they stand in the journal, in logs and in metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// More than one property has this code.
    SeveralProperties,
    /// The document is not one, or a deciding member stands in it twice.
    UnreadableDocument,
    /// No usable id.
    BadId,
    /// A customer has the code, and no property.
    ClientWithoutProperty,
    /// The property or the client is of a kind that we do not know.
    UnknownKind,
    /// There is no customer on the property.
    NoClient,
    /// The customer could not be read.
    UnreadableClient,
    /// The customer has another code than the one asked for.
    OtherCode,
    /// It cannot be told whether the customer is installed.
    InstalledUnknown,
    /// The customer is installed.
    Installed,
    /// OZmap marks the property or the client as deleted already.
    MarkedDeleted,
    /// Made after the request that would cancel it: nobody asked for that.
    ReservedLater,
    /// Something shows that an installer was here.
    InstallEvidence,
    /// A unit inside a building.
    BuildingUnit,
    /// The property is older than the reservation, or its age cannot be read.
    PreexistingProperty,
    /// Created by somebody that the operator did not list.
    OtherCreator,
}

impl Refusal {
    /// Every refusal, in the order in which the rules are applied.
    pub const ALL: [Self; 16] = [
        Self::SeveralProperties,
        Self::UnreadableDocument,
        Self::BadId,
        Self::ClientWithoutProperty,
        Self::UnknownKind,
        Self::NoClient,
        Self::UnreadableClient,
        Self::OtherCode,
        Self::InstalledUnknown,
        Self::Installed,
        Self::MarkedDeleted,
        Self::ReservedLater,
        Self::InstallEvidence,
        Self::BuildingUnit,
        Self::PreexistingProperty,
        Self::OtherCreator,
    ];

    /// The stable id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::SeveralProperties => "several_properties",
            Self::UnreadableDocument => "unreadable_document",
            Self::BadId => "bad_id",
            Self::UnknownKind => "unknown_kind",
            Self::NoClient => "no_client",
            Self::UnreadableClient => "unreadable_client",
            Self::OtherCode => "other_code",
            Self::ClientWithoutProperty => "client_without_property",
            Self::InstalledUnknown => "installed_unknown",
            Self::Installed => "installed",
            Self::MarkedDeleted => "marked_deleted",
            Self::ReservedLater => "reserved_later",
            Self::InstallEvidence => "install_evidence",
            Self::BuildingUnit => "building_unit",
            Self::PreexistingProperty => "preexisting_property",
            Self::OtherCreator => "other_creator",
        }
    }

    /// What the customer is told.
    #[must_use]
    pub const fn outcome(self, policy: &Policy) -> Outcome {
        match (self, policy.installed) {
            (Self::Installed, OnInstalled::Refuse) => Outcome::Installed,
            _ => Outcome::Review,
        }
    }
}

/// A property that may be deleted, as it was read at one moment.
#[derive(Clone, Debug)]
pub struct Deletable {
    property: Property,
    read_at: Moment,
}

impl Deletable {
    /// What was read.
    #[must_use]
    pub fn property(&self) -> &Property {
        &self.property
    }

    /// When it was read; a deletion must follow within seconds.
    #[must_use]
    pub fn read_at(&self) -> Moment {
        self.read_at
    }
}

/// What the guard says of a sighting.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// There is nothing with this code.
    Absent,
    /// It stays; nothing is deleted.
    Keep(Refusal),
    /// It may be deleted.
    Delete(Box<Deletable>),
}

/// Judges what OZmap showed for one code.
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
        // A reference is resolved before judging; one that is left could not be.
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

/// Whether one of the users whom the operator listed created a property.
fn is_by_a_listed_user(property: &Property, asked: Asked<'_>, policy: &Policy) -> bool {
    let is = |field: &Field<String>, name: &str| field.value().is_some_and(|found| found == name);
    let is_the_keys = |user: &str| is(&property.creator, user) || is(&property.creator_id, user);
    let mut names = policy.only_created_by.iter();
    names.any(|name| match name.as_str() {
        SELF => asked.key_user.is_some_and(is_the_keys),
        name => is(&property.creator, name),
    })
}

/// A kind that is not stated contradicts nothing; one that is stated must be known.
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

/// `implanted: false` does not prove that nobody was ever installed: other OZmap products flip it back.
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

/// In a genuine reservation property and customer are born together, and nobody lived there before.
///
/// A date that is not stated is no evidence; one that is stated must be readable.
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

/// Whether something was made after it was asked to be cancelled: a request that waited meets what is there now, and
/// that may be what an agent made for the same customer since.
///
/// A date that is not stated, or cannot be read, is the matter of [`is_born_with_client`].
fn is_later(created_at: &Field<String>, asked: Asked<'_>) -> bool {
    match (asked.at_ms, instant(created_at)) {
        (Some(asked_at_ms), Some(created)) => {
            created.as_millisecond() > asked_at_ms.saturating_add(CLOCKS_APART_MS)
        }
        (None, _) | (_, None) => false,
    }
}

/// What to call the customer of a property, if its name can be read.
///
/// A stranger's name is never read out: only the record of this very code may greet.
#[must_use]
pub fn first_name(property: &Property, code: &ReservationCode) -> Option<FirstName> {
    let client = property.client()?;
    if !client.code.value().is_some_and(|held| code.is(held)) {
        return None;
    }
    client.name.value().and_then(|name| FirstName::of(name))
}
