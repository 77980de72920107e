//! What must be true of a schedule, whatever happened in it. Each sentence is a promise to somebody.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use super::story::{Story, TROUBLE_MS, What};
use super::world::{Told, World, code, lock};
use crate::cancel::Declined;
use crate::domain::Outcome;
use ozmap_simulator::in_process::RENAMED;

/// The longest that a DELETE leaves after the guard read: what happens in this gap nobody can see.
const GAP: Duration = Duration::from_millis(20_100);

/// Every promise that was broken, as sentences.
pub(crate) fn broken(world: &World, story: &Story) -> Vec<String> {
    let told = lock(&world.told).clone();
    let mut broken = Vec::new();
    cancelled_is_gone(&told, &mut broken);
    no_is_no(world, &told, &mut broken);
    the_same_again(&told, &mut broken);
    declined_is_nothing(world, story, &told, &mut broken);
    everything_ends(world, &mut broken);
    nothing_ends_for_want_of_time(world, &mut broken);
    only_what_was_asked(world, story, &mut broken);
    nobody_installed(world, story, &mut broken);
    what_is_told_is_written(world, &told, &mut broken);
    every_delete_is_covered(world, &mut broken);
    one_at_a_time(world, &mut broken);
    broken
}

/// A final word is on the disk before it is told, and stays there.
fn what_is_told_is_written(world: &World, told: &[Told], broken: &mut Vec<String>) {
    let rows = world
        .book
        .rows("SELECT protocol, outcome FROM op")
        .unwrap_or_default();
    for told in told {
        let (Ok((outcome, _)), Some(protocol)) = (&told.answer, &told.protocol) else {
            continue;
        };
        if !outcome.is_final() {
            continue;
        }
        let outcome = outcome.id().to_owned();
        if told.written.as_ref() != Some(&outcome) {
            broken.push(format!("told before it was written down: {told:?}"));
        }
        if !rows.contains(&vec![protocol.clone(), outcome]) {
            broken.push(format!("told, and written down otherwise later: {told:?}"));
        }
    }
}

/// I5: a DELETE leaves only under a lease, after its target was written down, soon after the guard looked. A process
/// that stood still after its last check cannot be held to that.
fn every_delete_is_covered(world: &World, broken: &mut Vec<String>) {
    for sent in world.sent.all() {
        if !sent.stood_still && !sent.is_covered {
            broken.push(format!("a DELETE without a lease or a target: {sent:?}"));
        }
        if !sent.stood_still && sent.since_asked > GAP {
            broken.push(format!("a DELETE long after the guard looked: {sent:?}"));
        }
    }
}

/// I5: one code has one cancellation at a time.
fn one_at_a_time(world: &World, broken: &mut Vec<String>) {
    let rows = world.book.rows(
        "SELECT a.protocol, b.protocol FROM op a JOIN op b ON a.code = b.code AND a.dry_run = b.dry_run AND a.id < b.id \
         WHERE a.done_at > b.created_at AND b.done_at > a.created_at",
    );
    for row in rows.unwrap_or_default() {
        broken.push(format!("two cancellations of one code at a time: {row:?}"));
    }
}

/// I1: `cancelled` is told only when OZmap does not hold the target any more.
fn cancelled_is_gone(told: &[Told], broken: &mut Vec<String>) {
    for told in told {
        if matches!(&told.answer, Ok((Outcome::Cancelled, _)))
            && !matches!(told.target, Some((_, false)))
        {
            broken.push(format!("told cancelled while it is there: {told:?}"));
        }
    }
}

/// I7: who was told no is never deleted, neither before nor after.
fn no_is_no(world: &World, told: &[Told], broken: &mut Vec<String>) {
    let deleted: HashSet<String> = world
        .memory
        .deletions()
        .into_iter()
        .map(|row| row.property)
        .collect();
    for told in told {
        let Ok((outcome, _)) = &told.answer else {
            continue;
        };
        let is_no = match outcome {
            Outcome::NotFound | Outcome::Installed | Outcome::Review | Outcome::Expired => true,
            Outcome::Cancelled
            | Outcome::AlreadyCancelled
            | Outcome::InvalidCode
            | Outcome::TooManyAttempts
            | Outcome::WouldCancel
            | Outcome::Found
            | Outcome::Unknown
            | Outcome::Pending => false,
        };
        let target = told.target.as_ref().map(|(id, _)| id);
        if is_no && target.is_some_and(|id| deleted.contains(id)) {
            broken.push(format!("told no, and it was deleted: {told:?}"));
        }
        if *outcome == Outcome::AlreadyCancelled && told.is_held {
            broken.push(format!(
                "told already cancelled while it is there: {told:?}"
            ));
        }
    }
}

/// I4: a webhook that heard a final word hears the same again.
fn the_same_again(told: &[Told], broken: &mut Vec<String>) {
    let mut last: BTreeMap<u64, (Duration, Outcome)> = BTreeMap::new();
    for told in told {
        let Ok((outcome, _)) = &told.answer else {
            continue;
        };
        // Whoever asked before that word was told, of another process with a slow journal, may hear that it goes on.
        let is_excused = |at: Duration| told.asked < at && !outcome.is_final();
        if let Some((at, before)) = last.get(&told.webhook)
            && before != outcome
            && !is_excused(*at)
        {
            broken.push(format!("told {before} and then {outcome}: {told:?}"));
        }
        if outcome.is_final() {
            last.entry(told.webhook).or_insert((told.at, *outcome));
        }
    }
}

/// Who was told that nothing was accepted, and nobody else asked, has nothing deleted.
fn declined_is_nothing(world: &World, story: &Story, told: &[Told], broken: &mut Vec<String>) {
    let asked = |number: usize| {
        let asks = story
            .happenings
            .iter()
            .filter(|happening| matches!(happening.what, What::Ask { code, .. } if code == number));
        asks.count()
    };
    for number in 0..story.codes {
        // Later all is well again, and who asks then is not declined.
        let heard: Vec<&Told> = told
            .iter()
            .filter(|told| told.code == number && told.at < Duration::from_millis(TROUBLE_MS))
            .collect();
        let is_declined =
            |told: &&Told| matches!(told.answer, Err(Declined::Journal | Declined::Busy));
        let all_declined = heard.len() == asked(number) && heard.iter().all(is_declined);
        let first_deletion = world.sent.all().into_iter().find(|sent| {
            let deleted = world.memory.deletions();
            deleted
                .iter()
                .any(|row| row.property == sent.property && row.code == code(number))
        });
        let is_early = first_deletion
            .is_some_and(|sent| sent.at < world.began + Duration::from_millis(TROUBLE_MS));
        if all_declined && is_early {
            broken.push(format!(
                "everybody was told no for code {number}, and it was deleted"
            ));
        }
    }
}

/// I3: what was accepted ends.
fn everything_ends(world: &World, broken: &mut Vec<String>) {
    match world
        .book
        .rows("SELECT id, state, reason FROM op WHERE state <> 'done'")
    {
        Ok(rows) => broken.extend(rows.iter().map(|row| format!("never ended: {row:?}"))),
        Err(error) => broken.push(format!("the journal cannot be read: {error}")),
    }
}

/// Long before the deadline all is well again: whoever gave up because of time was kept from OZmap by us.
fn nothing_ends_for_want_of_time(world: &World, broken: &mut Vec<String>) {
    let rows = world.book.rows(
        "SELECT id, outcome, reason FROM op WHERE outcome IN ('expired', 'unknown') AND done_at >= deadline_at",
    );
    match rows {
        Ok(rows) => broken.extend(rows.iter().map(|row| format!("given up: {row:?}"))),
        Err(error) => broken.push(format!("the journal cannot be read: {error}")),
    }
}

/// I2: only properties of codes that were asked for, each once, each the target of its cancellation.
fn only_what_was_asked(world: &World, story: &Story, broken: &mut Vec<String>) {
    let codes: Vec<String> = (0..story.codes).map(code).collect();
    let targets: HashSet<String> = match world
        .book
        .rows("SELECT property_id FROM op WHERE property_id IS NOT NULL")
    {
        Ok(rows) => rows.into_iter().flatten().collect(),
        Err(_) => HashSet::new(),
    };
    let mut seen = HashSet::new();
    for row in world.memory.deletions() {
        // Somebody gave the customer another code between the look and the deletion; nothing can see that.
        let was_called = row.code.strip_suffix(RENAMED).unwrap_or(&row.code);
        if !codes.iter().any(|code| code == was_called)
            || !targets.contains(&row.property)
            || !seen.insert(row.property.clone())
        {
            broken.push(format!("deleted what it should not: {row:?}"));
        }
    }
}

/// I2: no customer is deleted who was installed when the guard looked. A process that stood still between its last
/// check and the DELETE cannot be held to that; nothing can, without a conditional DELETE.
fn nobody_installed(world: &World, story: &Story, broken: &mut Vec<String>) {
    let stood_still = |happening: &super::story::Happening| match &happening.what {
        What::Freeze { .. } => true,
        // These install somebody in the gap on purpose, or let a DELETE arrive late.
        What::Fault(fault) => [
            "implant_after",
            "delayed_delete",
            "delay_ms",
            "timeout_after",
        ]
        .iter()
        .any(|kind| fault.contains(kind)),
        What::Ask { .. }
        | What::Install { .. }
        | What::ReserveAgain { .. }
        | What::Kill { .. }
        | What::BookAway { .. }
        | What::Panic { .. } => false,
    };
    if story.happenings.iter().any(stood_still) {
        return;
    }
    for row in world
        .memory
        .deletions()
        .into_iter()
        .filter(|row| row.was_installed)
    {
        let sent = world.sent.all();
        let last = sent.iter().rev().find(|sent| sent.property == row.property);
        let installed = lock(&world.installed).iter().map(|(_, at)| *at).min();
        if let (Some(sent), Some(installed)) = (last, installed)
            && sent.at.saturating_duration_since(installed) > GAP
        {
            broken.push(format!("an installed customer was deleted: {row:?}"));
        }
    }
}
