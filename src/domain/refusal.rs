//! Why the guard keeps a property. The rules themselves are in `guard` and must never be here.

use super::id_enum::id_enum;

id_enum! {
    /// Why the guard keeps a property, in the order in which it applies the rules.
    ///
    /// The ids are stable: the journal, logs and metrics have them.
    pub enum Refusal {
        /// More than one property has this code.
        SeveralProperties = "several_properties",
        /// The document cannot be parsed, or a member that decides occurs in it twice.
        UnreadableDocument = "unreadable_document",
        /// No usable id.
        BadId = "bad_id",
        /// A customer has the code, but no property has it.
        ClientWithoutProperty = "client_without_property",
        /// The property or the client is of an unknown kind.
        UnknownKind = "unknown_kind",
        /// There is no customer on the property.
        NoClient = "no_client",
        /// The customer could not be read.
        UnreadableClient = "unreadable_client",
        /// The customer has another code than the one asked for.
        OtherCode = "other_code",
        /// OZmap does not say whether the customer is installed.
        InstalledUnknown = "installed_unknown",
        /// The customer is installed.
        Installed = "installed",
        /// OZmap marks the property or the client as deleted already.
        MarkedDeleted = "marked_deleted",
        /// Created after the request to cancel it, so the request cannot have meant it.
        ReservedLater = "reserved_later",
        /// There are traces of an installation.
        InstallEvidence = "install_evidence",
        /// A unit inside a building.
        BuildingUnit = "building_unit",
        /// The property is older than the reservation, or its age cannot be read.
        PreexistingProperty = "preexisting_property",
        /// Created by a user that the operator did not list.
        OtherCreator = "other_creator",
    }
}
