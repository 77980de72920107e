//! The table of routes: which call a method and a path name.
//!
//! Responsible for recognising calls and sorting them into the groups that faults are meant for. It
//! must never answer one: that is in the endpoints.

use super::faults::Group;
use super::request::Request;

/// The prefix of the API.
pub(super) const PREFIX: &str = "/api/v2";

/// One call of the API, with what its path holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Authenticated,
    Login,
    Lookup(String),
    Property(Resource),
    Client(Resource),
    Cable(Resource),
    Disconnect(String),
    Splitter(Resource),
    Box(Resource),
    Project(Resource),
    Prospect(Resource),
    Viability,
    User(String),
    Unknown,
}

/// The operations on elements of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    List,
    Create,
    Update,
    Read(String),
    Patch(String),
    Delete(String),
}

impl Route {
    pub(super) fn of(request: &Request) -> Route {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let ["api", "v2", path @ ..] = segments.as_slice() else {
            return Route::Unknown;
        };
        let method = request.method.as_str();
        match (method, path) {
            ("GET", ["authenticated"]) => Route::Authenticated,
            ("POST", ["users", "login"]) => Route::Login,
            ("GET", ["properties", "client", code]) => Route::Lookup((*code).to_owned()),
            ("POST", ["cables", id, "fibers", "disconnect"]) => Route::Disconnect((*id).to_owned()),
            ("GET", ["ftth-viability", "radius"]) => Route::Viability,
            ("GET", ["users", id]) => Route::User((*id).to_owned()),
            (_, [collection, rest @ ..]) => match Resource::of(method, rest) {
                Some(resource) => Route::with(collection, resource),
                None => Route::Unknown,
            },
            (_, []) => Route::Unknown,
        }
    }

    /// Only the routes that the simulator has; a box, for example, cannot be deleted.
    fn with(collection: &str, resource: Resource) -> Route {
        let reads = matches!(resource, Resource::List | Resource::Read(_));
        match collection {
            "properties" => Route::Property(resource),
            "ftth-clients" => Route::Client(resource),
            "cables" if matches!(resource, Resource::Read(_) | Resource::Delete(_)) => {
                Route::Cable(resource)
            }
            // A drop is a cable.
            "drops" if matches!(resource, Resource::Read(_)) => Route::Cable(resource),
            "splitters" if reads => Route::Splitter(resource),
            "boxes" if reads => Route::Box(resource),
            "projects" if reads => Route::Project(resource),
            "prospects" if reads || resource == Resource::Create => Route::Prospect(resource),
            _ => Route::Unknown,
        }
    }

    pub(super) fn group(&self) -> Group {
        match self {
            Route::Lookup(_) => Group::Lookup,
            Route::Authenticated | Route::Project(_) => Group::Probe,
            Route::Property(resource) => match resource {
                Resource::List => Group::Filter,
                Resource::Read(_) => Group::Get,
                Resource::Create => Group::Create,
                Resource::Update | Resource::Patch(_) => Group::Patch,
                Resource::Delete(_) => Group::Delete,
            },
            Route::Client(resource) => match resource {
                Resource::List => Group::Filter,
                Resource::Read(_) => Group::Other,
                Resource::Create => Group::Create,
                Resource::Update | Resource::Patch(_) => Group::Patch,
                Resource::Delete(_) => Group::Delete,
            },
            Route::Cable(Resource::Delete(_)) => Group::Delete,
            Route::Prospect(Resource::Create) => Group::Create,
            Route::Cable(_)
            | Route::Prospect(_)
            | Route::Login
            | Route::Disconnect(_)
            | Route::Splitter(_)
            | Route::Box(_)
            | Route::Viability
            | Route::User(_)
            | Route::Unknown => Group::Other,
        }
    }

    /// Whether the call is meant to change the inventory.
    pub(super) fn is_write(&self) -> bool {
        match self {
            Route::Property(resource)
            | Route::Client(resource)
            | Route::Cable(resource)
            | Route::Splitter(resource)
            | Route::Box(resource)
            | Route::Project(resource)
            | Route::Prospect(resource) => !matches!(resource, Resource::List | Resource::Read(_)),
            Route::Disconnect(_) => true,
            Route::Authenticated
            | Route::Login
            | Route::Lookup(_)
            | Route::Viability
            | Route::User(_)
            | Route::Unknown => false,
        }
    }

    /// The collection that the call lists, if it does.
    pub(super) fn list(&self) -> Option<&'static str> {
        match self {
            Route::Property(Resource::List) => Some("properties"),
            Route::Client(Resource::List) => Some("ftth-clients"),
            Route::Cable(Resource::List) => Some("cables"),
            Route::Splitter(Resource::List) => Some("splitters"),
            Route::Box(Resource::List) => Some("boxes"),
            Route::Project(Resource::List) => Some("projects"),
            Route::Prospect(Resource::List) => Some("prospects"),
            Route::Property(_)
            | Route::Client(_)
            | Route::Cable(_)
            | Route::Splitter(_)
            | Route::Box(_)
            | Route::Project(_)
            | Route::Prospect(_)
            | Route::Authenticated
            | Route::Login
            | Route::Lookup(_)
            | Route::Disconnect(_)
            | Route::Viability
            | Route::User(_)
            | Route::Unknown => None,
        }
    }

    /// The id in the path, if the call is about one element.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Route::Property(resource)
            | Route::Client(resource)
            | Route::Cable(resource)
            | Route::Splitter(resource)
            | Route::Box(resource)
            | Route::Project(resource)
            | Route::Prospect(resource) => resource.id(),
            Route::Disconnect(id) | Route::User(id) => Some(id),
            Route::Authenticated
            | Route::Login
            | Route::Lookup(_)
            | Route::Viability
            | Route::Unknown => None,
        }
    }
}

impl Resource {
    fn of(method: &str, rest: &[&str]) -> Option<Resource> {
        match (method, rest) {
            ("GET", []) => Some(Resource::List),
            ("POST", []) => Some(Resource::Create),
            ("POST", ["batch-update"]) => Some(Resource::Update),
            ("GET", [id]) => Some(Resource::Read((*id).to_owned())),
            ("PATCH", [id]) => Some(Resource::Patch((*id).to_owned())),
            ("DELETE", [id]) => Some(Resource::Delete((*id).to_owned())),
            _ => None,
        }
    }

    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Resource::Read(id) | Resource::Patch(id) | Resource::Delete(id) => Some(id),
            Resource::List | Resource::Create | Resource::Update => None,
        }
    }
}
