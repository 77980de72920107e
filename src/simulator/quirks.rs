//! The points on which OZmap is undocumented, each a switch with the likeliest answer as default.
//!
//! Responsible for naming the alternatives and for their JSON form at `/__sim/quirks`. It must
//! never decide anything else: what a switch does is written where the answer is made.

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

/// How this OZmap behaves where the public documentation is silent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// What the lookup by code answers when nobody has the code.
    pub unknown_code: UnknownCode,
    /// What a successful DELETE of a property answers.
    pub delete_answer: DeleteAnswer,
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
}

/// The answer of the lookup when nobody has the code.
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
    /// 500 with a cast error that nobody caught.
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
