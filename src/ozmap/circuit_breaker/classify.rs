//! Classifies one failure by its meaning for later calls. It must never depend on earlier calls.

use crate::ozmap::error::FailureKind;

/// The meaning of a failure for later calls.
pub(super) enum FailureClass {
    /// Only this response is unusable; OZmap is up.
    ThisAnswer,
    /// Another server may have responded, or OZmap hides this reservation: it concerns this
    /// reservation alone, unless a probe fails in the same way.
    Suspicious,
    /// OZmap itself failed.
    Service,
    /// OZmap asks for fewer calls.
    RateLimited,
    /// No call will succeed until the operator acts.
    KeyRejected,
}

pub(super) fn classify(kind: FailureKind) -> FailureClass {
    match kind {
        FailureKind::Connect
        | FailureKind::Tls
        | FailureKind::Timeout
        | FailureKind::Lost
        | FailureKind::Server => FailureClass::Service,
        FailureKind::Redirect | FailureKind::Html | FailureKind::Forbidden => {
            FailureClass::Suspicious
        }
        FailureKind::RateLimited => FailureClass::RateLimited,
        FailureKind::Unauthorized => FailureClass::KeyRejected,
        FailureKind::Shape | FailureKind::Size | FailureKind::Status | FailureKind::Stale => {
            FailureClass::ThisAnswer
        }
    }
}

/// Whether a probe that failed so reached a server that may not be OZmap, or that lacks only what
/// the probe asked for.
pub(super) fn may_be_another_server(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Html | FailureKind::Forbidden | FailureKind::Redirect => true,
        FailureKind::Connect
        | FailureKind::Tls
        | FailureKind::Timeout
        | FailureKind::Lost
        | FailureKind::Unauthorized
        | FailureKind::RateLimited
        | FailureKind::Server
        | FailureKind::Shape
        | FailureKind::Size
        | FailureKind::Status
        | FailureKind::Stale => false,
    }
}
