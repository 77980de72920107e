//! What can go wrong with a call, told apart by one question only: may OZmap have acted?
//!
//! Nothing here may ever hold an address, a code, a key or a body.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;

/// Whether OZmap may have acted on a call that gave no usable answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acted {
    /// It cannot have.
    No,
    /// It may have, or may still.
    Maybe,
}

/// What went wrong with a call; the ids are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// No connection was made.
    Connect,
    /// The server's certificate is not trusted, or TLS failed.
    Tls,
    /// No whole answer in time.
    Timeout,
    /// The connection was lost before the whole answer came.
    Lost,
    /// 401: the key is not accepted.
    Unauthorized,
    /// 403: the key lacks a right, or the project.
    Forbidden,
    /// 429.
    RateLimited,
    /// 5xx.
    Server,
    /// 3xx: the address is wrong.
    Redirect,
    /// A page for people.
    Html,
    /// Not of a shape that OZmap documents.
    Shape,
    /// Too large.
    Size,
    /// Any other status.
    Status,
    /// The DELETE was not sent, because what allowed it had become too old.
    Stale,
}

impl FailureKind {
    /// The stable id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Connect => "ozmap_connect",
            Self::Tls => "ozmap_tls",
            Self::Timeout => "ozmap_timeout",
            Self::Lost => "ozmap_lost",
            Self::Unauthorized => "ozmap_unauthorized",
            Self::Forbidden => "ozmap_forbidden",
            Self::RateLimited => "ozmap_throttled",
            Self::Server => "ozmap_server_error",
            Self::Redirect => "ozmap_redirect",
            Self::Html => "ozmap_html",
            Self::Shape => "ozmap_shape",
            Self::Size => "ozmap_size",
            Self::Status => "ozmap_status",
            Self::Stale => "guard_stale",
        }
    }
}

impl FailureKind {
    /// What happened, for a log.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Connect => "OZmap cannot be reached",
            Self::Tls => "OZmap's certificate is not trusted, or TLS failed",
            Self::Timeout => "OZmap did not answer in time",
            Self::Lost => "the connection to OZmap was lost",
            Self::Unauthorized => "OZmap refuses the key",
            Self::Forbidden => "OZmap denies this key what was asked for",
            Self::RateLimited => "OZmap asks for fewer requests",
            Self::Server => "OZmap failed",
            Self::Redirect => "OZmap's address leads elsewhere",
            Self::Html => "a page answered instead of OZmap's interface",
            Self::Shape | Self::Size | Self::Status => "OZmap's answer cannot be used",
            Self::Stale => "what OZmap showed is too old",
        }
    }

    /// Whether it was met before anything was asked, so that no reservation is to blame.
    #[must_use]
    pub const fn is_before_any_request(self) -> bool {
        match self {
            Self::Connect | Self::Tls => true,
            Self::Timeout
            | Self::Lost
            | Self::Unauthorized
            | Self::Forbidden
            | Self::RateLimited
            | Self::Server
            | Self::Redirect
            | Self::Html
            | Self::Shape
            | Self::Size
            | Self::Status
            | Self::Stale => false,
        }
    }

    /// Whether OZmap itself answered, with whatever.
    #[must_use]
    pub const fn is_response(self) -> bool {
        match self {
            Self::Unauthorized
            | Self::Forbidden
            | Self::RateLimited
            | Self::Server
            | Self::Shape
            | Self::Size
            | Self::Status => true,
            Self::Connect
            | Self::Tls
            | Self::Timeout
            | Self::Lost
            | Self::Redirect
            | Self::Html
            | Self::Stale => false,
        }
    }
}

/// A call that gave no usable answer. It never holds an address, a code, a key or a body.
#[derive(Clone, Debug)]
pub struct Error {
    /// Whether OZmap may have acted.
    pub acted: Acted,
    /// What went wrong.
    pub kind: FailureKind,
    /// How long OZmap asks to be left alone.
    pub retry_after: Option<Duration>,
    status: Option<StatusCode>,
    detail: String,
}

impl Error {
    pub(crate) fn not_acted(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self {
            acted: Acted::No,
            kind,
            retry_after: None,
            status: None,
            detail: detail.into(),
        }
    }

    pub(crate) fn maybe(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self {
            acted: Acted::Maybe,
            ..Self::not_acted(kind, detail)
        }
    }

    /// A definite refusal was not acted on; a server's own failure may have been.
    pub(super) fn answered(
        kind: FailureKind,
        status: StatusCode,
        retry_after: Option<Duration>,
    ) -> Self {
        let acted = if status.is_client_error() {
            Acted::No
        } else {
            Acted::Maybe
        };
        Self {
            acted,
            retry_after,
            status: Some(status),
            ..Self::not_acted(kind, format!("status {}", status.as_u16()))
        }
    }

    /// Whether OZmap understood the call and refuses it, so that the same call again would be refused again.
    ///
    /// What concerns the key, the moment or the amount has a trouble of its own, or may pass: 404, 408, 409, 425.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        let may_pass = |status: StatusCode| matches!(status.as_u16(), 404 | 408 | 409 | 425);
        let refused = |status: StatusCode| status.is_client_error() && !may_pass(status);
        self.kind == FailureKind::Status && self.status.is_some_and(refused)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.id(), self.detail)
    }
}
