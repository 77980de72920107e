//! How a call can fail, and whether OZmap may have acted on it.
//!
//! An error must never contain a URL, a code, a key or a body.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;

use crate::domain::Reason;

/// Whether OZmap may have acted on a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acted {
    /// It did not act.
    No,
    /// It may have acted, or may still act.
    Maybe,
}

/// How a call failed; the ids are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// No connection was made.
    Connect,
    /// The server's certificate is not trusted, or TLS failed.
    Tls,
    /// No complete response in time.
    Timeout,
    /// The connection was lost before the response was complete.
    Lost,
    /// 401: OZmap rejects the key.
    Unauthorized,
    /// 403: the key lacks a right, or access to the project.
    Forbidden,
    /// 429.
    RateLimited,
    /// 5xx.
    Server,
    /// 3xx: the configured address is wrong.
    Redirect,
    /// An HTML page instead of the API.
    Html,
    /// A response of a shape that OZmap does not document.
    Shape,
    /// A response that is too large.
    Size,
    /// Any other status.
    Status,
    /// The DELETE was not sent because the guard's reading was too old.
    Stale,
}

impl FailureKind {
    /// The stable id, which is that of the reason.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.reason().id()
    }

    /// The reason that a record gets for it.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Connect => Reason::OzmapConnect,
            Self::Tls => Reason::OzmapTls,
            Self::Timeout => Reason::OzmapTimeout,
            Self::Lost => Reason::OzmapLost,
            Self::Unauthorized => Reason::OzmapUnauthorized,
            Self::Forbidden => Reason::OzmapForbidden,
            Self::RateLimited => Reason::OzmapThrottled,
            Self::Server => Reason::OzmapServerError,
            Self::Redirect => Reason::OzmapRedirect,
            Self::Html => Reason::OzmapHtml,
            Self::Shape => Reason::OzmapShape,
            Self::Size => Reason::OzmapSize,
            Self::Status => Reason::OzmapStatus,
            Self::Stale => Reason::GuardStale,
        }
    }

    /// A description for a log.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Connect => "OZmap cannot be reached",
            Self::Tls => "OZmap's certificate is not trusted, or TLS failed",
            Self::Timeout => "OZmap did not answer in time",
            Self::Lost => "the connection to OZmap was lost",
            Self::Unauthorized => "OZmap refuses the key",
            Self::Forbidden => "OZmap denies access (403)",
            Self::RateLimited => "rate limited by OZmap",
            Self::Server => "OZmap failed with a server error",
            Self::Redirect => "OZmap's address redirects elsewhere",
            Self::Html => "a page answered instead of OZmap's interface",
            Self::Shape | Self::Size | Self::Status => "OZmap's answer cannot be used",
            Self::Stale => "the reading is too old",
        }
    }

    /// Whether the call failed before OZmap was told a reservation, so that no reservation can be
    /// the cause.
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

    /// Whether OZmap itself responded, whatever it said.
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

/// A failed call. It never contains a URL, a code, a key or a body.
#[derive(Clone, Debug)]
pub struct Error {
    /// Whether OZmap may have acted.
    pub acted: Acted,
    /// How it failed.
    pub kind: FailureKind,
    /// How long OZmap asks to wait.
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

    /// OZmap did not act on a call that it refused (4xx); it may have acted on one that failed
    /// otherwise.
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

    /// Whether OZmap understood the call and refuses it, so that a retry would be refused again.
    ///
    /// Not so for failures with a kind of their own (the key, the rate), and for statuses that may
    /// pass: 404, 408, 409, 425.
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
