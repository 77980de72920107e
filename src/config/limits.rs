//! The limits of the HTTP server, and the timeouts that must not contradict each other.
//!
//! It must never accept a lease or a settle time that is shorter than a deletion.

use std::time::Duration;

use super::{Problems, Settings};
use crate::http::Limits;
use crate::ozmap::SEND_MS_MAX;

pub(super) fn limits(settings: &Settings) -> Limits {
    let server = &settings.server;
    Limits {
        body_bytes_max: server.body_bytes_max,
        // The minimum of the HTTP library.
        head_bytes_max: server.head_bytes_max.max(8_192),
        head: Duration::from_millis(server.head_ms_max),
        body: Duration::from_millis(server.body_ms_max),
        connections_max: server.connections_max.max(1),
        stop_notice: Duration::from_millis(server.stop_notice_ms),
        drain: Duration::from_millis(server.drain_ms_max),
    }
}

/// Warnings about timeouts that are just long enough.
pub(super) fn tight_times(settings: &Settings) -> Vec<String> {
    let (journal, ozmap) = (&settings.journal, &settings.ozmap);
    let mut warnings = Vec::new();
    // A deletion may be sent as late as the guard's reading is valid, and then takes up to its
    // timeout.
    let late = journal.guard_age_ms_max.saturating_add(SEND_MS_MAX);
    let enough = ozmap.delete_ms.saturating_add(late);
    if journal.settle_ms < enough {
        warnings.push(format!(
            "journal.settle_ms = {} is short: a deletion may be sent {late} ms after the look-up (journal.guard_age_ms_max and {SEND_MS_MAX} ms) and then take ozmap.delete_ms = {}; write at least {enough}, or a customer may be told too early that nothing was cancelled",
            journal.settle_ms, ozmap.delete_ms
        ));
    }
    let readings = readings_ms(settings);
    if journal.guard_age_ms_max < readings {
        warnings.push(format!(
            "journal.guard_age_ms_max = {} is short: the two calls of a look-up may take ozmap.lookup_ms = {} each, which is too long for a deletion; write at least {readings}, or at most {} for ozmap.lookup_ms",
            journal.guard_age_ms_max,
            ozmap.lookup_ms,
            journal.guard_age_ms_max.saturating_sub(READING_MARGIN_MS) / 2
        ));
    }
    warnings
}

/// The margin of a look-up beside OZmap's own time.
const READING_MARGIN_MS: u64 = 1_000;

/// The longest that a look-up may take: the call by code, and the call for its client where that is
/// separate.
fn readings_ms(settings: &Settings) -> u64 {
    let lookup_ms = settings.ozmap.lookup_ms;
    lookup_ms
        .saturating_mul(2)
        .saturating_add(READING_MARGIN_MS)
}

/// Rejects timeouts that contradict each other.
pub(super) fn check_times(settings: &Settings, problems: &mut Problems) {
    let (journal, ozmap) = (&settings.journal, &settings.ozmap);
    let lease_min = ozmap.delete_ms + SEND_MS_MAX;
    if journal.lease_ms < lease_min {
        problems.require(Err(format!(
            "journal.lease_ms = {} is too short for ozmap.delete_ms = {}; write at least {lease_min}",
            journal.lease_ms, ozmap.delete_ms
        )));
    }
    if journal.settle_ms < ozmap.delete_ms {
        problems.require(Err(format!(
            "journal.settle_ms = {} is shorter than ozmap.delete_ms = {}: a deletion could take effect after the customer was told that nothing was cancelled; write at least {}",
            journal.settle_ms, ozmap.delete_ms, ozmap.delete_ms
        )));
    }
    if settings.policy.deletes_per_hour_max == 0 {
        let zero = "policy.deletes_per_hour_max = 0 would stop all deletions; write a number above 0, or set policy.paused = true";
        problems.require(Err(zero.to_owned()));
    }
    for (key, value) in [
        ("ozmap.connect_ms", ozmap.connect_ms),
        ("ozmap.lookup_ms", ozmap.lookup_ms),
        ("ozmap.delete_ms", ozmap.delete_ms),
        ("journal.give_up_s", journal.give_up_s),
        ("journal.guard_age_ms_max", journal.guard_age_ms_max),
        ("server.head_ms_max", settings.server.head_ms_max),
        ("server.body_ms_max", settings.server.body_ms_max),
        (
            "policy.codes_per_conversation_max",
            u64::from(settings.policy.codes_per_conversation_max),
        ),
        ("server.in_flight_max", settings.server.in_flight_max as u64),
    ] {
        if value == 0 {
            problems.require(Err(format!("{key} = 0; write a number above 0")));
        }
    }
}
