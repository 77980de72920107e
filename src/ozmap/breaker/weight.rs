//! How much one trouble says about OZmap. It knows nothing of what came before.

use crate::ozmap::trouble::FailureKind;

/// What a trouble says about the calls to come.
pub(super) enum Weight {
    /// It is about this one answer; OZmap is there.
    OneOnly,
    /// Something else than OZmap answered, or this one may not be seen: about this one, unless a probe meets it too.
    Odd,
    /// OZmap itself failed.
    All,
    /// OZmap asks for fewer.
    Throttle,
    /// Nothing will be answered until a person does something.
    Key,
}

pub(super) fn weight(kind: FailureKind) -> Weight {
    match kind {
        FailureKind::Connect
        | FailureKind::Tls
        | FailureKind::Timeout
        | FailureKind::Lost
        | FailureKind::Server => Weight::All,
        FailureKind::Redirect | FailureKind::Html | FailureKind::Forbidden => Weight::Odd,
        FailureKind::Throttled => Weight::Throttle,
        FailureKind::Unauthorized => Weight::Key,
        FailureKind::Shape | FailureKind::Size | FailureKind::Status | FailureKind::Stale => {
            Weight::OneOnly
        }
    }
}

/// Whether a probe that met it shows that somebody is there who may only lack what the probe asked for.
pub(super) fn is_an_answer(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Html | FailureKind::Forbidden | FailureKind::Redirect => true,
        FailureKind::Connect
        | FailureKind::Tls
        | FailureKind::Timeout
        | FailureKind::Lost
        | FailureKind::Unauthorized
        | FailureKind::Throttled
        | FailureKind::Server
        | FailureKind::Shape
        | FailureKind::Size
        | FailureKind::Status
        | FailureKind::Stale => false,
    }
}
