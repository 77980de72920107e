//! Events that are dangerous only together, and that chance alone would hardly ever combine.

use std::time::Duration;

use super::{Ending, Event, Key, RulesOf, Scenario, Webhook, Wish};
use crate::testing::points::Point;
use crate::testing::rng::Rng;

/// The faults of a DELETE without effect.
const UNCLEAR: [&str; 4] = ["status=500", "reset_before", "timeout_before", "status=503"];

/// Every coincidence.
const ALL: [fn(&Rng, &mut Scenario); 24] = [
    late_deletion,
    missing_route,
    outage,
    frozen_worker,
    gateway,
    gateway_for_a_moment,
    two_lies,
    gone_by_one_lie,
    gone_by_two_lies,
    text_for_a_confirmation,
    installed_between,
    second_between,
    reserved_much_later,
    slow_reading,
    suspended,
    dry_run_in_between,
    dry_run_before,
    reserved_while_deleting,
    reserved_during_the_last_look,
    settled_during_a_look,
    never_well,
    late_commit,
    slow_acceptance,
    another_customers_document,
];

/// Adds one of the coincidences.
pub(super) fn draw(rng: &Rng, scenario: &mut Scenario) {
    if let Some(coincidence) = rng.pick(&ALL) {
        coincidence(rng, scenario);
    }
}

fn fault(scenario: &mut Scenario, fault: impl Into<String>) {
    scenario.at(Duration::ZERO, Event::Fault(fault.into()));
}

fn unclear(rng: &Rng) -> &'static str {
    rng.pick(&UNCLEAR).copied().unwrap_or("status=500")
}

/// Gives the first code exactly one reservation.
fn there(scenario: &mut Scenario) {
    if let Some(copies) = scenario.copies.first_mut() {
        *copies = 1;
    }
}

/// Another customer's request for the first code.
fn another(scenario: &mut Scenario) -> Event {
    scenario.webhooks.push(Webhook {
        code: 0,
        key: Key::Own,
        wish: Wish::Cancel,
    });
    Event::Ask {
        webhook: scenario.webhooks.len() - 1,
    }
}

/// The customer is installed after the guard's lookup, and only the late deletion can still delete
/// them.
fn late_deletion(rng: &Rng, scenario: &mut Scenario) {
    fault(scenario, "lookup:implant_after*1");
    let late = rng.number(1_000..=80_000);
    fault(scenario, format!("delete:delayed_delete_ms={late}*1"));
}

/// A missing route reports every document as absent.
fn missing_route(rng: &Rng, scenario: &mut Scenario) {
    fault(scenario, "delete:ignored_delete*1");
    if rng.one_in(2) {
        // The list of properties is wrong at the same time.
        fault(scenario, "get:status=404*4");
        fault(scenario, "filter:nothing*2");
    } else {
        fault(scenario, format!("get:status=404*{}", rng.number(1..=3)));
    }
}

/// OZmap fails on every call until all faults end.
fn outage(rng: &Rng, scenario: &mut Scenario) {
    let kinds = [
        "status=503",
        "status=401",
        "reset_before",
        "html_200",
        "html_404",
    ];
    let kind = rng.pick(&kinds).copied().unwrap_or_default();
    fault(scenario, format!("any:{kind}*5000"));
}

/// A worker is frozen for longer than its lease.
fn frozen_worker(rng: &Rng, scenario: &mut Scenario) {
    let points = [
        Point::LookUpAnswered,
        Point::IntentWritten,
        Point::DeleteAnswered,
        Point::GetAnswered,
    ];
    let point = rng.pick(&points).copied().unwrap_or(Point::IntentWritten);
    for process in 0..scenario.processes {
        let time = rng.millis(31_000..=70_000);
        let event = Event::Freeze { process, time };
        scenario.after(point, rng.number(1..=2), 0, event);
    }
}

/// A gateway in front of OZmap answers every call with a JSON 404.
fn gateway(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    fault(scenario, "any:status=404");
    scenario.at(rng.millis(20_000..=90_000), Event::Heal);
}

/// The same for a few calls: the gateway recovers before the key is probed.
fn gateway_for_a_moment(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    let skip = rng.number(0..=1);
    fault(scenario, format!("lookup:status=404*2+{skip}"));
    fault(scenario, format!("filter:status=404*{}", rng.number(1..=3)));
}

/// The lookup by code and the list of clients are wrong at the same time, once.
fn two_lies(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    fault(scenario, format!("lookup:nothing*1+{}", rng.number(0..=1)));
    fault(scenario, "filter:nothing*1");
}

/// A deletion has neither an effect nor a clear answer, and OZmap then gives one wrong answer by id
/// and one by code.
fn gone_by_one_lie(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    fault(scenario, format!("delete:{}*1", unclear(rng)));
    fault(scenario, "get:nothing*1");
    fault(scenario, "lookup:nothing*1+1");
}

/// The same with two wrong answers by id, while the code leads to nothing because another user
/// changed it.
fn gone_by_two_lies(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    fault(scenario, "lookup:rename_after*1");
    fault(scenario, format!("delete:{}*1", unclear(rng)));
    fault(scenario, format!("get:nothing*{}", rng.number(1..=2)));
}

/// A success with a text as its body is no confirmation.
fn text_for_a_confirmation(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    fault(
        scenario,
        format!("delete:error_string_200*{}", rng.number(1..=3)),
    );
}

/// The customer is installed between a deletion without effect and the next one.
fn installed_between(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    fault(
        scenario,
        format!("delete:{}*{}", unclear(rng), rng.number(1..=3)),
    );
    let nth = rng.number(1..=2);
    let event = Event::Install { code: 0 };
    scenario.after(Point::DeleteSent, nth, rng.number(0..=300), event);
}

/// Another reservation of the same code appears between the two deletions.
fn second_between(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    fault(
        scenario,
        format!("delete:{}*{}", unclear(rng), rng.number(1..=3)),
    );
    let event = Event::Reserve { code: 0 };
    scenario.after(Point::DeleteSent, 1, rng.number(0..=300), event);
}

/// A request waits until its customer has made a new reservation.
fn reserved_much_later(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    fault(scenario, "any:status=503");
    let again = rng.millis(670_000..=900_000);
    scenario.at(again, Event::ReserveAgain { code: 0 });
    scenario.well_at = again + Duration::from_secs(10);
}

/// OZmap and the journal are both slow, so that a reading is old when it is used.
fn slow_reading(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    fault(
        scenario,
        format!("any:delay_ms={}", rng.number(6_000..=7_300)),
    );
    fault(scenario, "lookup:client_string");
    let event = Event::JournalSlow {
        time: Duration::from_secs(60),
        ms: rng.number(3_000..=7_000),
    };
    scenario.after(Point::LookUpSent, 1, 0, event);
    scenario.at(rng.millis(60_000..=100_000), Event::Heal);
}

/// The machine is suspended between a reading and its use.
fn suspended(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    scenario.processes = 1;
    let points = [Point::LookUpAnswered, Point::IntentWritten];
    let point = rng.pick(&points).copied().unwrap_or(Point::IntentWritten);
    let time = rng.millis(22_000..=60_000);
    scenario.after(point, 1, 0, Event::Suspend { time });
}

fn forbidding(rng: &Rng, scenario: &mut Scenario, point: Point) {
    let rules = if rng.one_in(2) {
        RulesOf::DryRun
    } else {
        RulesOf::Pause
    };
    for process in 0..scenario.processes {
        let event = Event::Kill {
            process,
            back_after: rng.millis(0..=2_000),
            rules,
        };
        scenario.after(point, 1, rng.number(0..=500), event);
    }
}

/// The operator starts a dry run or a pause between a deletion without effect and the next one.
fn dry_run_in_between(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    fault(
        scenario,
        format!("delete:{}*{}", unclear(rng), rng.number(1..=3)),
    );
    forbidding(rng, scenario, Point::DeleteSent);
}

/// The same, before the first deletion.
fn dry_run_before(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    fault(scenario, format!("lookup:status=503*{}", rng.number(1..=2)));
    forbidding(rng, scenario, Point::Accepted);
}

/// Another user makes a new reservation of the code while the old one is deleted, and its customer
/// sends a request.
fn reserved_while_deleting(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    let event = another(scenario);
    if rng.one_in(2) {
        fault(scenario, format!("delete:{}*1", unclear(rng)));
        scenario.after(Point::DeleteSent, 1, 0, Event::ReserveAgain { code: 0 });
        scenario.after(Point::DeleteSent, 1, rng.number(5..=2_000), event);
    } else {
        scenario.after(Point::DeleteAnswered, 1, 0, Event::Reserve { code: 0 });
        scenario.after(Point::DeleteAnswered, 1, rng.number(1..=300), event);
    }
}

/// Another user makes a new reservation and its customer sends a request, after OZmap's last answer
/// and before the outcome is written.
fn reserved_during_the_last_look(rng: &Rng, scenario: &mut Scenario) {
    if rng.one_in(2) {
        if let Some(copies) = scenario.copies.first_mut() {
            *copies = 0;
        }
    } else {
        there(scenario);
    }
    let event = another(scenario);
    let nth = rng.number(2..=9);
    let slow = Event::JournalSlow {
        time: Duration::from_secs(20),
        ms: rng.number(200..=1_500),
    };
    scenario.after(Point::ReadAnswered, nth, 0, slow);
    scenario.after(Point::ReadAnswered, nth, 0, Event::Reserve { code: 0 });
    scenario.after(Point::ReadAnswered, nth, 1, event);
}

/// A recheck begins just before a late deletion takes effect, and its answer arrives just after the
/// settlement.
fn settled_during_a_look(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    scenario.processes = 1;
    scenario.settle_ms = 20_000;
    fault(scenario, "lookup:implant_after*1");
    fault(scenario, "delete:delayed_delete_ms=19500*1");
    let event = Event::Freeze {
        process: 0,
        time: rng.millis(19_500..=22_500),
    };
    // The first lookup precedes the deletion.
    let nth = rng.number(2..=3);
    scenario.after(Point::LookUpAnswered, nth, 0, event);
}

/// OZmap never recovers.
fn never_well(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    scenario.ending = Ending::NeverWell;
    let kinds = [
        "status=503",
        "html_200",
        "status=404",
        "timeout_before",
        "status=500",
    ];
    let kind = rng.pick(&kinds).copied().unwrap_or_default();
    let event = Event::Fault(format!("any:{kind}"));
    match rng.number(0..=2) {
        0 => scenario.at(Duration::ZERO, event),
        1 => scenario.after(Point::LookUpAnswered, 1, 0, event),
        _ => scenario.after(Point::DeleteSent, 1, 0, event),
    }
}

/// A worker learns late that its intent was committed.
fn late_commit(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    for process in 0..scenario.processes {
        let event = Event::Freeze {
            process,
            time: rng.millis(10_500..=18_500),
        };
        scenario.after(Point::IntentWritten, 1, 0, event);
    }
}

/// The journal is so slow that the service declines requests.
fn slow_acceptance(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    let event = Event::JournalSlow {
        time: rng.millis(20_000..=60_000),
        ms: rng.number(3_000..=9_000),
    };
    scenario.at(Duration::ZERO, event);
}

/// OZmap answers a lookup with the document of another customer.
fn another_customers_document(rng: &Rng, scenario: &mut Scenario) {
    there(scenario);
    fault(scenario, format!("lookup:wrong_code*{}", rng.number(1..=3)));
}
