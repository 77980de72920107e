//! What must be true of a scenario, whatever happened in it. Each rule is a promise to a customer
//! or to an operator.
//!
//! - `replies`: what callers were answered
//! - `deletions`: what was sent to OZmap and what became of it
//!
//! What must be true of each commit is in `audit`.

mod deletions;
mod replies;

use super::harness::Harness;
use super::scenario::{Ending, Scenario};

/// Every promise that was broken, as sentences.
pub(crate) fn broken(harness: &Harness, scenario: &Scenario) -> Vec<String> {
    let mut broken = harness.database.broken();
    replies::check(harness, scenario, &mut broken);
    deletions::check(harness, scenario, &mut broken);
    everything_ends(harness, &mut broken);
    nothing_expires(harness, scenario, &mut broken);
    one_at_a_time(harness, &mut broken);
    broken
}

/// One code has one cancellation at a time.
fn one_at_a_time(harness: &Harness, broken: &mut Vec<String>) {
    let rows = harness.database.rows(
        "SELECT a.protocol, b.protocol FROM op a JOIN op b ON a.code = b.code AND a.dry_run = b.dry_run AND a.id < b.id \
         WHERE a.done_at > b.created_at AND b.done_at > a.created_at",
    );
    for row in rows.unwrap_or_default() {
        broken.push(format!("two cancellations of one code at a time: {row:?}"));
    }
}

/// What was accepted ends.
fn everything_ends(harness: &Harness, broken: &mut Vec<String>) {
    let rows = harness
        .database
        .rows("SELECT id, state, reason FROM op WHERE state <> 'done'");
    match rows {
        Ok(rows) => broken.extend(rows.iter().map(|row| format!("never ended: {row:?}"))),
        Err(error) => broken.push(format!("the journal cannot be read: {error}")),
    }
}

/// Long before the deadline all is well again: what gave up because of time was kept from OZmap by
/// the service.
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
