//! The points on which OZmap is undocumented, each a switch with the likeliest answer as default.
//!
//! Responsible for naming the alternatives and for their JSON form at `/__sim/quirks`. It must
//! never decide anything else: each switch is read where the answer is made.

use std::str::FromStr;

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How this OZmap behaves where the public documentation is silent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// The answer of the lookup by code when no customer has the code.
    pub unknown_code: UnknownCode,
    /// What it answers when a client has the code and no property; absent: as for an unknown one.
    pub code_without_property: Option<UnknownCode>,
    /// The answer of a successful DELETE of a property.
    pub delete_answer: DeleteAnswer,
    /// Whether a DELETE of a property is carried out.
    pub deletes: Deletes,
    /// How the text of an error is sent.
    pub errors: ErrorBody,
    /// What becomes of the filter of a list.
    pub filters: Filters,
    /// What an id that is not 24 hexadecimal digits gets.
    pub malformed_id: MalformedId,
    /// The status of "this code is already used in this project".
    pub duplicate_code: DuplicateCode,
    /// Whether lists say that there are more pages.
    pub pagination: Pagination,
    /// How `GET /properties/{id}` shows the client.
    pub client_by_id: ClientById,
    /// Whether `GET /authenticated` still exists.
    pub authenticated: Authenticated,
    /// Whether the documents inside a document have ids of their own.
    pub sub_documents: SubDocuments,
    /// Whether a client is shown with all its members.
    pub client_members: ClientMembers,
    /// What `GET /users/{id}` answers about the key's own user.
    pub users: Users,
    /// What `GET /` answers.
    pub root: Root,
}

/// One point and how it behaves, written `NAME=VALUE` as in the JSON of `/__sim/quirks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quirk {
    name: String,
    value: Value,
}

impl FromStr for Quirk {
    type Err = String;

    fn from_str(written: &str) -> Result<Quirk, String> {
        let (name, value) = written.split_once('=').ok_or_else(|| {
            format!(
                "`{written}` has no value; write NAME=VALUE, for example unknown_code=not_found"
            )
        })?;
        let value = match value.parse::<u16>() {
            Ok(status) => json!(status),
            Err(_) => json!(value),
        };
        let quirk = Quirk {
            name: name.to_owned(),
            value,
        };
        Quirks::default().with(std::slice::from_ref(&quirk))?;
        Ok(quirk)
    }
}

impl Quirks {
    /// The same with these points changed.
    ///
    /// # Errors
    /// A sentence about a point or a value that does not exist.
    pub fn with(&self, quirks: &[Quirk]) -> Result<Quirks, String> {
        let changes = quirks.iter().cloned();
        self.changed(changes.map(|quirk| (quirk.name, quirk.value)).collect())
            .map_err(|error| error.to_string())
    }

    /// The same with the points that a JSON object names changed.
    pub(super) fn changed(&self, changes: Map<String, Value>) -> Result<Quirks, serde_json::Error> {
        let mut quirks = json!(self);
        if let Some(quirks) = quirks.as_object_mut() {
            quirks.extend(changes);
        }
        Quirks::deserialize(quirks)
    }
}

/// The answer of the lookup when no customer has the code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownCode {
    /// 200 with `[]`.
    #[default]
    EmptyArray,
    /// 404 with a JSON string.
    NotFound,
    /// 200 with `null`.
    Null,
    /// 200 without a body.
    Empty,
    /// 204.
    NoContent,
    /// 422 with a JSON string.
    Unprocessable,
    /// 200 with `{}`.
    EmptyObject,
}

impl UnknownCode {
    pub(super) const ALL: [UnknownCode; 7] = [
        UnknownCode::EmptyArray,
        UnknownCode::NotFound,
        UnknownCode::Null,
        UnknownCode::Empty,
        UnknownCode::NoContent,
        UnknownCode::Unprocessable,
        UnknownCode::EmptyObject,
    ];

    /// The word for it, as in JSON.
    pub(super) fn name(self) -> String {
        json!(self).as_str().unwrap_or_default().to_owned()
    }

    pub(super) fn named(name: &str) -> Option<UnknownCode> {
        UnknownCode::ALL
            .into_iter()
            .find(|known| known.name() == name)
    }
}

/// The answer of a DELETE that worked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeleteAnswer {
    /// 204, as every other write.
    #[default]
    NoContent,
    /// 200 without a body.
    Empty,
    /// 200 with `{}`.
    Object,
    /// 200 with the document that was deleted.
    Document,
}

/// Whether OZmap carries out permitted deletions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deletes {
    /// It does.
    #[default]
    CarriedOut,
    /// 422 with a sentence, and nothing happens.
    Unprocessable,
}

/// The body of an error whose text OZmap wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    /// A bare JSON string.
    #[default]
    JsonString,
    /// Plain text that is labelled `text/html`, as Express 4 labels `send("text")`.
    TextAsHtml,
    /// `{"message": …}`.
    Message,
}

/// The filter of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filters {
    /// Every row matches it.
    #[default]
    Obeyed,
    /// What it says of a member inside a member, as `client.code`, is ignored.
    RootOnly,
    /// It is ignored: the first of very many strangers come.
    Ignored,
}

/// Documents inside a document: the ONU and the router of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubDocuments {
    /// They have no ids.
    #[default]
    WithoutIds,
    /// They have ids, other ones at every read.
    NewIds,
}

/// The members of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientMembers {
    /// All.
    #[default]
    All,
    /// No name, and `null` for its observation.
    Sparse,
}

/// The key's own user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Users {
    /// The user.
    #[default]
    Shown,
    /// 403.
    Forbidden,
    /// 404: there is no such route.
    Missing,
}

/// The root of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Root {
    /// 200 with the page of OZmap itself.
    #[default]
    Page,
    /// 404.
    Missing,
}

/// The status for an id that cannot be one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub enum MalformedId {
    /// 404, as for an unknown id.
    #[default]
    NotFound,
    /// 400 with a cast error.
    BadRequest,
    /// 500 with an uncaught cast error.
    ServerError,
}

/// The status for a code that its project already has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub enum DuplicateCode {
    /// 400.
    #[default]
    BadRequest,
    /// 409.
    Conflict,
    /// 422.
    Unprocessable,
    /// 500.
    ServerError,
}

/// The envelope of lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pagination {
    /// With `hasNextPage` and an opaque `nextUrl`.
    #[default]
    Modern,
    /// Without both, as servers before July 2025.
    Legacy,
    /// With a `nextUrl` that names the id of the last row, on the last page too.
    LastSeenId,
}

/// The client inside a property that was read by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientById {
    /// The whole client.
    #[default]
    Populated,
    /// Its id as a string.
    Id,
}

/// The route that older clients probe a key with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authenticated {
    /// It answers 200 with `{}`.
    #[default]
    Present,
    /// It is gone: 404, whatever the key.
    Missing,
}

impl From<MalformedId> for StatusCode {
    fn from(quirk: MalformedId) -> StatusCode {
        match quirk {
            MalformedId::NotFound => StatusCode::NOT_FOUND,
            MalformedId::BadRequest => StatusCode::BAD_REQUEST,
            MalformedId::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<MalformedId> for u16 {
    fn from(quirk: MalformedId) -> u16 {
        StatusCode::from(quirk).as_u16()
    }
}

impl TryFrom<u16> for MalformedId {
    type Error = String;

    fn try_from(status: u16) -> Result<MalformedId, String> {
        match status {
            404 => Ok(MalformedId::NotFound),
            400 => Ok(MalformedId::BadRequest),
            500 => Ok(MalformedId::ServerError),
            _ => Err(format!(
                "malformed_id cannot be {status}; write 404, 400 or 500"
            )),
        }
    }
}

impl From<DuplicateCode> for StatusCode {
    fn from(quirk: DuplicateCode) -> StatusCode {
        match quirk {
            DuplicateCode::BadRequest => StatusCode::BAD_REQUEST,
            DuplicateCode::Conflict => StatusCode::CONFLICT,
            DuplicateCode::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            DuplicateCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<DuplicateCode> for u16 {
    fn from(quirk: DuplicateCode) -> u16 {
        StatusCode::from(quirk).as_u16()
    }
}

impl TryFrom<u16> for DuplicateCode {
    type Error = String;

    fn try_from(status: u16) -> Result<DuplicateCode, String> {
        match status {
            400 => Ok(DuplicateCode::BadRequest),
            409 => Ok(DuplicateCode::Conflict),
            422 => Ok(DuplicateCode::Unprocessable),
            500 => Ok(DuplicateCode::ServerError),
            _ => Err(format!(
                "duplicate_code cannot be {status}; write 400, 409, 422 or 500"
            )),
        }
    }
}
