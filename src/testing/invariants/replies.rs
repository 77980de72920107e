//! The answers to the callers: true, durable, in time, and the same when repeated.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use crate::cancel::Declined;
use crate::domain::Outcome;
use crate::testing::harness::{Answered, Harness, Reply, lock};
use crate::testing::scenario::{Ending, Key, Scenario};
use crate::testing::service::DUPLICATE_WINDOW_S;

/// The latest time of an answer: the caller's deadline, and a moment for a commit in progress.
const IN_TIME: Duration = Duration::from_millis(4_200);

/// The time in which a repeated request without a key certainly counts as the same one.
const WINDOW: Duration = Duration::from_secs(DUPLICATE_WINDOW_S as u64 - 10);

pub(super) fn check(harness: &Harness, scenario: &Scenario, broken: &mut Vec<String>) {
    let replies = lock(&harness.replies).clone();
    for reply in &replies {
        cancelled_is_gone(reply, broken);
        of_its_own(reply, broken);
        in_time(reply, broken);
    }
    no_is_no(harness, &replies, broken);
    the_same_again(harness, scenario, &replies, broken);
    what_is_told_is_written(harness, &replies, broken);
    declined_is_nothing(harness, &replies, broken);
    answered_at_the_end(scenario, &replies, broken);
}

/// The caller gets `cancelled` only when OZmap no longer holds the target.
fn cancelled_is_gone(reply: &Reply, broken: &mut Vec<String>) {
    if matches!(reply.answer, Answered::With(Outcome::Cancelled))
        && !matches!(reply.target, Some((_, false)))
    {
        broken.push(format!("told cancelled while OZmap holds it: {reply:?}"));
    }
}

/// A caller whose reservation existed from its first request to its answer is not told that it is
/// gone.
fn of_its_own(reply: &Reply, broken: &mut Vec<String>) {
    let is_absent = match &reply.answer {
        Answered::With(outcome) => matches!(
            outcome,
            Outcome::Cancelled | Outcome::NotFound | Outcome::AlreadyCancelled
        ),
        Answered::Declined(_) | Answered::Killed | Answered::TooLate => false,
    };
    if is_absent && reply.held_first.iter().any(|id| reply.held.contains(id)) {
        broken.push(format!(
            "told that it is gone while OZmap holds it: {reply:?}"
        ));
    }
}

/// A caller is answered before its platform hangs up.
fn in_time(reply: &Reply, broken: &mut Vec<String>) {
    let is_late = match &reply.answer {
        Answered::With(_) | Answered::Declined(_) => reply.at - reply.asked > IN_TIME,
        Answered::TooLate => true,
        Answered::Killed => false,
    };
    if is_late {
        broken.push(format!("answered too late: {reply:?}"));
    }
}

/// After a negative answer the target is never deleted, and it was not deleted before.
fn no_is_no(harness: &Harness, replies: &[Reply], broken: &mut Vec<String>) {
    let deleted = harness.simulator.deletions();
    let deleted: HashSet<String> = deleted.into_iter().map(|row| row.property).collect();
    let targets = harness
        .database
        .rows("SELECT property_id FROM op WHERE property_id IS NOT NULL");
    let targets = targets.unwrap_or_default();
    for reply in replies {
        let Answered::With(outcome) = &reply.answer else {
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
        let target = reply.target.as_ref().map(|(id, _)| id);
        let is_deleted = |id: &String| {
            // A later request for the same reservation may delete what an earlier one left for
            // review.
            let its = targets.iter().filter(|row| row.first() == Some(id));
            deleted.contains(id) && its.count() == 1
        };
        if is_no && target.is_some_and(is_deleted) {
            broken.push(format!("deleted despite a negative answer: {reply:?}"));
        }
    }
}

/// A webhook that got a final outcome gets the same one again. Without a key this holds only for
/// `cancelled`, within the duplicate window, and while OZmap can confirm the absence.
fn the_same_again(
    harness: &Harness,
    scenario: &Scenario,
    replies: &[Reply],
    broken: &mut Vec<String>,
) {
    let (ended, again) = (ended_at(harness), *lock(&harness.asked_again_at));
    let mut first: BTreeMap<usize, &Reply> = BTreeMap::new();
    for reply in replies {
        let Answered::With(outcome) = &reply.answer else {
            continue;
        };
        if let Some(before) = first.get(&reply.webhook)
            && let Answered::With(told) = &before.answer
            && told != outcome
        {
            // A request that was in progress when the other one was answered may still get
            // `pending`.
            let is_excused = reply.asked < before.at && !outcome.is_final();
            let key = scenario.webhooks.get(reply.webhook).map(|asked| asked.key);
            let binds = match key {
                Some(Key::Own) | None => true,
                Some(Key::Missing) => {
                    let done = before
                        .protocol
                        .as_ref()
                        .and_then(|number| ended.get(number));
                    scenario.ending == Ending::AllIsWell
                        && *told == Outcome::Cancelled
                        && again.is_some_and(|again| reply.asked >= again)
                        && done.is_some_and(|done| reply.at < *done + WINDOW)
                        && reply.held.is_empty()
                        && (reply.target.is_none() || reply.target == before.target)
                }
            };
            if binds && !is_excused {
                broken.push(format!("told {told} and then {outcome}: {reply:?}"));
            }
        }
        if outcome.is_final() {
            first.entry(reply.webhook).or_insert(reply);
        }
    }
}

/// The time at which each cancellation ended, by its protocol number.
fn ended_at(harness: &Harness) -> BTreeMap<String, Duration> {
    let rows = harness
        .database
        .rows("SELECT protocol, done_at FROM op WHERE state = 'done'");
    let rows = rows.unwrap_or_default().into_iter();
    rows.filter_map(|row| {
        let [protocol, done_at] = row.as_slice() else {
            return None;
        };
        let ms = done_at.parse::<i64>().ok()? - harness.database.began_ms();
        Some((protocol.clone(), Duration::from_millis(ms.unsigned_abs())))
    })
    .collect()
}

/// A final outcome is durable before the caller gets it, and it never changes.
fn what_is_told_is_written(harness: &Harness, replies: &[Reply], broken: &mut Vec<String>) {
    let rows = harness
        .database
        .rows("SELECT protocol, outcome FROM op")
        .unwrap_or_default();
    for reply in replies {
        let (Answered::With(outcome), Some(protocol)) = (&reply.answer, &reply.protocol) else {
            continue;
        };
        if !outcome.is_final() {
            continue;
        }
        let outcome = outcome.id().to_owned();
        if reply.written.as_ref() != Some(&outcome) {
            broken.push(format!("told before it was durable: {reply:?}"));
        }
        if !rows.contains(&vec![protocol.clone(), outcome]) {
            broken.push(format!("told, and changed in the journal later: {reply:?}"));
        }
    }
}

/// Nothing is deleted for callers whose requests were all declined.
fn declined_is_nothing(harness: &Harness, replies: &[Reply], broken: &mut Vec<String>) {
    let rows = harness.database.rows(
        "SELECT o.property_id, d.dedupe_key, d.conversation FROM op o JOIN delivery d ON d.op_id = o.id WHERE o.delete_sent > 0",
    );
    let rows = rows.unwrap_or_default();
    for sent in harness.sent.all() {
        let webhooks: Vec<usize> = rows
            .iter()
            .filter(|row| row.first() == Some(&sent.property))
            .filter_map(|row| row.iter().rev().find_map(|text| number_in(text)))
            .collect();
        let at = sent.at - harness.began;
        let mut before = replies
            .iter()
            .filter(|reply| webhooks.contains(&reply.webhook) && reply.asked <= at)
            .peekable();
        let is_declined = |reply: &Reply| {
            matches!(
                reply.answer,
                Answered::Declined(Declined::Journal | Declined::Busy | Declined::Stopping)
            )
        };
        if before.peek().is_some() && before.all(is_declined) {
            broken.push(format!(
                "every caller was told that nothing was accepted, and a DELETE was sent: {sent:?}"
            ));
        }
    }
}

/// The number of a webhook, read from its key or its conversation.
fn number_in(text: &str) -> Option<usize> {
    let (before, number) = text.rsplit_once('-')?;
    let is_ours = before.ends_with("webhook") || before.ends_with("conversation");
    number.parse().ok().filter(|_| is_ours)
}

/// Once all faults are over, a repeated request gets an outcome.
fn answered_at_the_end(scenario: &Scenario, replies: &[Reply], broken: &mut Vec<String>) {
    for webhook in 0..scenario.webhooks.len() {
        let last = replies.iter().rev().find(|reply| reply.webhook == webhook);
        if let Some(reply) = last
            && !matches!(reply.answer, Answered::With(_))
        {
            broken.push(format!("a repeated request without an outcome: {reply:?}"));
        }
    }
}
