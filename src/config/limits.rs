//! What a caller may take, and the times that must not contradict each other.

use std::time::Duration;

use super::{Problems, Settings};
use crate::http::Limits;
use crate::ozmap::SEND_MS_MAX;

pub(super) fn limits(settings: &Settings) -> Limits {
    let server = &settings.server;
    Limits {
        body_bytes_max: server.body_bytes_max,
        // The library cannot work with less.
        head_bytes_max: server.head_bytes_max.max(8_192),
        head: Duration::from_millis(server.head_ms_max),
        body: Duration::from_millis(server.body_ms_max),
        connections_max: server.connections_max.max(1),
        stop_notice: Duration::from_millis(server.stop_notice_ms),
        drain: Duration::from_millis(server.drain_ms_max),
    }
}

/// A time that only just holds: what OZmap does with the very last bytes of a deletion is then not waited for.
pub(super) fn tight_times(settings: &Settings) -> Option<String> {
    let (settle_ms, delete_ms) = (settings.journal.settle_ms, settings.ozmap.delete_ms);
    let enough = delete_ms + SEND_MS_MAX;
    (settle_ms < enough).then(|| {
        format!(
            "journal.settle_ms = {settle_ms} is short: a deletion may leave {SEND_MS_MAX} ms late and then take ozmap.delete_ms = {delete_ms}; write at least {enough}, or a customer may be told no too early"
        )
    })
}

/// Times that contradict each other would make a promise that cannot be kept.
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
            "journal.settle_ms = {} is shorter than ozmap.delete_ms = {}: a deletion could take effect after the customer was told no; write at least {}",
            journal.settle_ms, ozmap.delete_ms, ozmap.delete_ms
        )));
    }
    if settings.policy.deletes_per_hour_max == 0 {
        let zero = "policy.deletes_per_hour_max = 0 would hold everything; write a number above 0, or set policy.paused = true";
        problems.require(Err(zero.to_owned()));
    }
    for (key, value) in [
        ("ozmap.connect_ms", ozmap.connect_ms),
        ("ozmap.lookup_ms", ozmap.lookup_ms),
        ("ozmap.delete_ms", ozmap.delete_ms),
        ("journal.give_up_s", journal.give_up_s),
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
