//! The rules for a whole scenario, whatever its events. Each rule is a promise to a customer or to
//! an operator.
//!
//! - `replies`: the answers to the callers
//! - `deletions`: the DELETEs that left for OZmap, and their effect
//!
//! The rules for each commit are in `audit`.

mod deletions;
mod replies;

use super::harness::Harness;
use super::scenario::{Ending, Scenario};

/// The broken promises, as sentences.
pub(crate) fn broken(harness: &Harness, scenario: &Scenario) -> Vec<String> {
    let mut broken = harness.database.broken();
    replies::check(harness, scenario, &mut broken);
    deletions::check(harness, scenario, &mut broken);
    everything_ends(harness, &mut broken);
    nothing_expires(harness, scenario, &mut broken);
    one_at_a_time(harness, &mut broken);
    broken
}

/// A code has one cancellation at a time.
fn one_at_a_time(harness: &Harness, broken: &mut Vec<String>) {
    let rows = harness.database.rows(
        "SELECT a.protocol, b.protocol FROM op a JOIN op b ON a.code = b.code AND a.dry_run = b.dry_run AND a.id < b.id \
         WHERE a.done_at > b.created_at AND b.done_at > a.created_at",
    );
    for row in rows.unwrap_or_default() {
        broken.push(format!("two cancellations of one code at a time: {row:?}"));
    }
}

/// Every accepted cancellation ends.
fn everything_ends(harness: &Harness, broken: &mut Vec<String>) {
    let rows = harness
        .database
        .rows("SELECT id, state, reason FROM op WHERE state <> 'done'");
    match rows {
        Ok(rows) => broken.extend(rows.iter().map(|row| format!("never ended: {row:?}"))),
        Err(error) => broken.push(format!("the journal cannot be read: {error}")),
    }
}

/// All faults end long before the deadline, so a cancellation that reached it was kept from OZmap
/// by the service itself.
fn nothing_expires(harness: &Harness, scenario: &Scenario, broken: &mut Vec<String>) {
    if scenario.ending == Ending::NeverWell || scenario.deletes_per_hour_max == 1 {
        return;
    }
    let rows = harness.database.rows(
        "SELECT id, outcome, reason FROM op WHERE outcome IN ('expired', 'unknown') AND done_at >= deadline_at",
    );
    match rows {
        Ok(rows) => broken.extend(rows.iter().map(|row| format!("given up: {row:?}"))),
        Err(error) => broken.push(format!("the journal cannot be read: {error}")),
    }
}
