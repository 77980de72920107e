//! The DELETEs that left for OZmap: only of a requested reservation, under a lease, and soon after
//! a lookup that allowed it.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::testing::harness::{Harness, lock};
use crate::testing::ozmap::{Seen, Sent};
use crate::testing::scenario::{Event, Key, RulesOf, Scenario, Wish};
use crate::testing::service::{DELETE, GUARD_AGE, code};
use ozmap_simulator::in_process::RENAMED;

/// How much later than the guard's clock the wire may record the lookup.
const SLACK: Duration = Duration::from_millis(100);

/// How much later than its request a reservation may seem to be created, because two clocks date
/// them.
const CLOCKS_APART_MS: i64 = 602_000;

const HOUR_MS: u128 = 3_600_000;

pub(super) fn check(harness: &Harness, scenario: &Scenario, broken: &mut Vec<String>) {
    only_what_was_asked(harness, scenario, broken);
    within_the_budget(harness, scenario, broken);
    let installed = installed(harness);
    let looks = Looks::of(scenario);
    let created = created(harness);
    for sent in harness.sent.all() {
        if sent.is_forbidden {
            broken.push(format!(
                "a DELETE from a process that must not delete: {sent:?}"
            ));
        }
        covered(&sent, broken);
        soon_after_a_look(&sent, broken);
        made_later(&sent, &created, broken);
        if let Some(seen) = &sent.seen {
            not_installed(&sent, seen, &installed, looks, broken);
            the_only_one(&sent, seen, looks, broken);
        }
    }
}

/// Whether every lookup of a code by a process belongs to the cancellation that deletes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looks {
    OfTheDeletion,
    OfOthersToo,
}

impl Looks {
    /// A dry run and a request without a key look up the code beside a deletion.
    fn of(scenario: &Scenario) -> Self {
        let is_other = |asked: &crate::testing::scenario::Webhook| {
            asked.key == Key::Missing || asked.wish == Wish::DryRun
        };
        let is_dry = scenario.events.iter().any(|scheduled| {
            matches!(&scheduled.event, Event::Kill { rules, .. } if *rules != RulesOf::Work)
        });
        if is_dry || scenario.webhooks.iter().any(is_other) {
            Self::OfOthersToo
        } else {
            Self::OfTheDeletion
        }
    }

    /// The time since which the lookup must have seen it.
    fn since(self, sent: &Sent, seen: &Seen) -> Option<Instant> {
        match self {
            Self::OfTheDeletion => Some(seen.at),
            Self::OfOthersToo => sent.at.checked_sub(GUARD_AGE + SLACK),
        }
    }
}

/// A DELETE leaves only after its target was written, and under a lease that outlasts the call.
fn covered(sent: &Sent, broken: &mut Vec<String>) {
    if sent.stood_still {
        return;
    }
    match sent.covered_for {
        None => broken.push(format!("a DELETE without a lease or a target: {sent:?}")),
        // After a suspension the machine counts its lease on another clock than the journal.
        Some(left) if left < DELETE && sent.slept.is_zero() => {
            broken.push(format!("a DELETE whose lease ends too soon: {sent:?}"));
        }
        Some(_) => {}
    }
}

fn soon_after_a_look(sent: &Sent, broken: &mut Vec<String>) {
    let age = sent
        .seen
        .as_ref()
        .map(|seen| (sent.at - seen.at) + (sent.slept - seen.slept));
    if !sent.stood_still && age.is_none_or(|age| age > GUARD_AGE + SLACK) {
        broken.push(format!("a DELETE long after the guard's lookup: {sent:?}"));
    }
}

/// The properties that an event installed, and when.
fn installed(harness: &Harness) -> Vec<(String, Instant)> {
    let mut installed = lock(&harness.installed).clone();
    for (id, at_ms) in harness.simulator.installed_by_faults() {
        let since = (at_ms - harness.simulator_began_ms).unsigned_abs();
        installed.push((id, harness.began + Duration::from_millis(since)));
    }
    installed
}

/// A customer who was installed at the time of the guard's lookup is never deleted.
fn not_installed(
    sent: &Sent,
    seen: &Seen,
    installed: &[(String, Instant)],
    looks: Looks,
    broken: &mut Vec<String>,
) {
    let since = looks.since(sent, seen);
    let is_installed = |(id, at): &(String, Instant)| {
        *id == sent.property && since.is_some_and(|since| *at + SLACK / 20 < since)
    };
    if installed.iter().any(is_installed) {
        broken.push(format!("a DELETE of an installed customer: {sent:?}"));
    }
}

/// A property that was one of several at the time of the guard's lookup is never deleted.
fn the_only_one(sent: &Sent, seen: &Seen, looks: Looks, broken: &mut Vec<String>) {
    if looks == Looks::OfTheDeletion && seen.held.len() > 1 {
        broken.push(format!("a DELETE of one of several: {sent:?}"));
    }
}

/// The time at which each cancellation was accepted, by its target.
fn created(harness: &Harness) -> BTreeMap<String, i64> {
    let rows = harness
        .database
        .rows("SELECT property_id, created_at FROM op WHERE delete_sent > 0");
    let rows = rows.unwrap_or_default().into_iter();
    rows.filter_map(|row| match row.as_slice() {
        [property, created] => Some((property.clone(), created.parse().ok()?)),
        _ => None,
    })
    .collect()
}

/// A reservation created long after the request is not its target. An id begins with its creation
/// time.
fn made_later(sent: &Sent, created: &BTreeMap<String, i64>, broken: &mut Vec<String>) {
    let made_s = sent.property.get(..8);
    let made_s = made_s.and_then(|hex| i64::from_str_radix(hex, 16).ok());
    let asked_ms = created.get(&sent.property);
    if let (Some(made_s), Some(asked_ms)) = (made_s, asked_ms)
        && made_s * 1_000 > asked_ms + CLOCKS_APART_MS
    {
        broken.push(format!(
            "a DELETE of a reservation made much later: {sent:?}"
        ));
    }
}

/// The number of deletions in an hour stays within the operator's limit.
fn within_the_budget(harness: &Harness, scenario: &Scenario, broken: &mut Vec<String>) {
    let (mut first, mut hours) = (HashSet::new(), BTreeMap::new());
    for sent in harness.sent.all() {
        if first.insert(sent.property.clone()) {
            let began = u128::from(harness.database.began_ms().unsigned_abs());
            let at = began + (sent.at - harness.began + sent.slept).as_millis();
            *hours.entry(at / HOUR_MS).or_insert(0_u32) += 1;
        }
    }
    if hours
        .values()
        .any(|sent| *sent > scenario.deletes_per_hour_max)
    {
        broken.push(format!("more deletions in an hour than allowed: {hours:?}"));
    }
}

/// Only properties of requested codes are deleted, each once, each the target of its cancellation.
fn only_what_was_asked(harness: &Harness, scenario: &Scenario, broken: &mut Vec<String>) {
    let codes: Vec<String> = (0..scenario.copies.len()).map(code).collect();
    let targets: HashSet<String> = match harness
        .database
        .rows("SELECT property_id FROM op WHERE property_id IS NOT NULL")
    {
        Ok(rows) => rows.into_iter().flatten().collect(),
        Err(_) => HashSet::new(),
    };
    let mut seen = HashSet::new();
    for row in harness.simulator.deletions() {
        // Another user changed the customer's code between the lookup and the deletion; the service
        // cannot see that.
        let was_called = row.code.strip_suffix(RENAMED).unwrap_or(&row.code);
        if !codes.iter().any(|code| code == was_called)
            || !targets.contains(&row.property)
            || !seen.insert(row.property.clone())
        {
            broken.push(format!("deleted an unrequested property: {row:?}"));
        }
    }
}
