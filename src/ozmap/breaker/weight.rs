//! How much one trouble says about OZmap. It knows nothing of what came before.

use crate::ozmap::trouble::Trouble;

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

pub(super) fn weight(trouble: Trouble) -> Weight {
    match trouble {
        Trouble::Connect | Trouble::Tls | Trouble::Timeout | Trouble::Lost | Trouble::Server => {
            Weight::All
        }
        Trouble::Redirect | Trouble::Html | Trouble::Forbidden => Weight::Odd,
        Trouble::Throttled => Weight::Throttle,
        Trouble::Unauthorized => Weight::Key,
        Trouble::Shape | Trouble::Size | Trouble::Status | Trouble::Stale => Weight::OneOnly,
    }
}

/// Whether a probe that met it shows that somebody is there who may only lack what the probe asked for.
pub(super) fn is_an_answer(trouble: Trouble) -> bool {
    match trouble {
        Trouble::Html | Trouble::Forbidden | Trouble::Redirect => true,
        Trouble::Connect
        | Trouble::Tls
        | Trouble::Timeout
        | Trouble::Lost
        | Trouble::Unauthorized
        | Trouble::Throttled
        | Trouble::Server
        | Trouble::Shape
        | Trouble::Size
        | Trouble::Status
        | Trouble::Stale => false,
    }
}
