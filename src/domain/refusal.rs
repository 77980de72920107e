//! Why a property is kept. The rules themselves are in `guard`.

use super::id_enum::id_enum;

id_enum! {
    /// Why a property is kept, in the order in which the rules are applied.
    ///
    /// The ids are stable: they are in the journal, in logs and in metrics.
    pub enum Refusal {
        /// More than one property has this code.
        SeveralProperties = "several_properties",
        /// The document cannot be parsed, or a member that decides occurs in it twice.
        UnreadableDocument = "unreadable_document",
        /// No usable id.
        BadId = "bad_id",
        /// A customer has the code, and no property.
        ClientWithoutProperty = "client_without_property",
        /// The property or the client is of an unknown kind.
        UnknownKind = "unknown_kind",
        /// There is no customer on the property.
        NoClient = "no_client",
        /// The customer could not be read.
        UnreadableClient = "unreadable_client",
        /// The customer has another code than the one asked for.
        OtherCode = "other_code",
        /// It cannot be told whether the customer is installed.
        InstalledUnknown = "installed_unknown",
        /// The customer is installed.
        Installed = "installed",
        /// OZmap marks the property or the client as deleted already.
        MarkedDeleted = "marked_deleted",
        /// Made after the request that would cancel it, so the request cannot have meant it.
        ReservedLater = "reserved_later",
        /// There are traces of an installation.
        InstallEvidence = "install_evidence",
        /// A unit inside a building.
        BuildingUnit = "building_unit",
        /// The property is older than the reservation, or its age cannot be read.
        PreexistingProperty = "preexisting_property",
        /// Created by a user whom the operator did not list.
        OtherCreator = "other_creator",
    }
}
