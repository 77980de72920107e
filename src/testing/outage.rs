//! OZmap is away for an hour: what comes meanwhile waits, hardly anybody asks OZmap, and all is done soon after.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::dice::Dice;
use super::story::Story;
use super::truth;
use super::world::{TIMES, World, lock};
use crate::domain::Outcome;
use crate::journal::Times;

/// How many ask within the hour, each for another code.
const CODES: usize = 60;

/// How soon after its return everything is done; usually within a minute.
const DONE_WITHIN: Duration = Duration::from_secs(90);

/// An hour without OZmap, and what comes after it.
async fn hour_without_ozmap(fault: &str, seed: u64) -> Result<(u64, Duration), String> {
    let story = Story {
        processes: 1,
        codes: CODES,
        happenings: Vec::new(),
    };
    // Given up after a day, as it is by default.
    let times = Times {
        deadline_ms: 86_400_000,
        ..TIMES
    };
    let world = World::with(&story, &Dice::new(seed), times).ok_or("no world")?;
    if !world.memory.fault(fault) {
        return Err(format!("no fault: {fault}"));
    }
    let (began, before) = (Instant::now(), world.memory.calls());
    for (webhook, number) in (1..).zip(0..CODES) {
        // The journal is late now and then; whoever hears that nothing was accepted asks again.
        for _ in 0..3 {
            Arc::clone(&world).ask(number, webhook).await;
            if lock(&world.told)
                .last()
                .is_some_and(|told| told.answer.is_ok())
            {
                break;
            }
        }
        sleep(Duration::from_secs(60).saturating_sub(Duration::from_secs(4))).await;
    }
    let (calls, away) = (world.memory.calls() - before, began.elapsed());
    if away < Duration::from_secs(3_500) {
        return Err(format!("no hour: {away:?}"));
    }
    let is_pending = |answer: &Result<_, _>| matches!(answer, Ok((Outcome::Pending, _)));
    let told = lock(&world.told).clone();
    let accepted: Vec<_> = told.iter().filter(|told| told.answer.is_ok()).collect();
    if accepted.len() != CODES || !accepted.iter().all(|told| is_pending(&told.answer)) {
        return Err(format!("not everybody was told pending: {told:#?}"));
    }
    world.memory.heal();
    let healed = Instant::now();
    while world.active() > 0 {
        if healed.elapsed() > Duration::from_secs(3_600) {
            return Err(format!("{} never ended", world.active()));
        }
        sleep(Duration::from_secs(1)).await;
    }
    let took = healed.elapsed();
    let broken = truth::broken(&world, &story);
    let deleted = world.memory.deletions().len();
    match broken.is_empty() && deleted == CODES {
        true => Ok((calls, took)),
        false => Err(format!("{deleted} deleted; {broken:#?}")),
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "the figures of the test")]
fn an_hour_without_ozmap_costs_nothing_but_waiting() {
    for fault in ["any:reset_before", "any:status=503"] {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .ok();
        let hour = runtime.map(|runtime| runtime.block_on(hour_without_ozmap(fault, 1)));
        let Some(Ok((calls, took))) = &hour else {
            unreachable!("{fault}: {hour:?}")
        };
        eprintln!("{fault}: {CODES} waited, {calls} calls in the hour, done {took:?} after it");
        assert!(
            *calls <= 3_600,
            "{fault}: more than a call in a second: {calls}"
        );
        assert!(*took <= DONE_WITHIN, "{fault}: {took:?}");
    }
}
