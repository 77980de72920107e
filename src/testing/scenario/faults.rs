//! The faults of calls of OZmap, in the syntax of the simulator.

use crate::testing::rng::Rng;

/// Faults of any call.
const TROUBLES: &[&str] = &[
    "status=400",
    "status=403",
    "status=409",
    "status=429",
    "status=429,7",
    "status=500",
    "status=502",
    "status=503",
    "html_404",
    "express_404",
    "html_200",
    "redirect=302",
    "error_string_200",
    "empty_200",
    "reset_before",
    "reset_after",
    "timeout_before",
    "timeout_after",
    "delay_ms=1500",
    "delay_ms=9000",
];

/// Faults of a response body.
const BODIES: &[&str] = &["drip=5", "truncated", "truncated_close", "huge"];

/// Faults of a lookup by code.
const LOOKS: &[&str] = &[
    "client_null",
    "client_string",
    "implanted_missing",
    "implanted_string",
    "duplicate_keys",
    "id_missing",
    "two_rows",
    "wrong_code",
    "implant_after",
    "rereserve_after",
];

/// Faults of a lookup by id.
const GETS: &[&str] = &[
    "client_null",
    "client_string",
    "implanted_missing",
    "implanted_string",
    "duplicate_keys",
    "id_missing",
    "wrong_code",
    "implant_after",
    "rereserve_after",
];

/// Lookups in which OZmap once reports an absence that is not true, in every form of an absence
/// that the settings accept.
const WRONG_ONCE: &[&str] = &[
    "lookup:nothing",
    "lookup:nothing=not_found",
    "lookup:nothing=no_content",
    "lookup:nothing=null",
    "lookup:nothing=unprocessable",
    "lookup:nothing=empty",
    "lookup:nothing=empty_object",
    "get:nothing",
    "get:nothing=no_content",
    "get:nothing=null",
    "filter:nothing",
];

/// Faults of a deletion. A late deletion takes effect before the record settles, as the settings
/// promise.
const DELETIONS: &[&str] = &[
    "status=404",
    "delayed_delete_ms=900",
    "delayed_delete_ms=15000",
    "delayed_delete_ms=60000",
    "stale_ms=2500",
    "ignored_delete",
    "status=401",
];

/// An OZmap that once gives a wrong answer. This is dangerous where a deletion had no effect and
/// another user has changed the code.
pub(super) fn wrong_once(rng: &Rng) -> Vec<String> {
    match rng.number(0..=3) {
        0 => vec![
            "lookup:rename_after*1".to_owned(),
            "delete:ignored_delete*1".to_owned(),
            "get:nothing*1".to_owned(),
        ],
        1 => vec![
            "delete:ignored_delete*1".to_owned(),
            "get:nothing*1".to_owned(),
        ],
        _ => {
            let look = rng.pick(WRONG_ONCE).copied().unwrap_or_default();
            vec![format!("{look}*1+{}", rng.number(0..=3))]
        }
    }
}

/// One fault of any kind.
pub(super) fn fault(rng: &Rng) -> String {
    let pick = |lists: &[&[&'static str]]| {
        let list = rng.pick(lists).copied().unwrap_or_default();
        rng.pick(list).copied().unwrap_or_default()
    };
    let (route, kind) = match rng.number(0..=9) {
        0..=3 => ("delete", pick(&[DELETIONS, TROUBLES])),
        4..=6 => ("lookup", pick(&[LOOKS, TROUBLES, BODIES])),
        7 | 8 => ("get", pick(&[GETS, TROUBLES, BODIES])),
        _ => ("any", pick(&[TROUBLES])),
    };
    let skip = rng.number(0..=2);
    let times = if rng.one_in(8) { 50 } else { rng.number(1..=3) };
    format!("{route}:{kind}*{times}+{skip}")
}
