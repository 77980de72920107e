//! The rules for every commit of the journal. They are checked at the moment of the commit, against
//! the simulated OZmap.
//!
//! The audit compares each row with its previous version. It must never repeat the service's own
//! arithmetic: the simulator tells whether a reservation exists, and the log of the wire tells
//! which calls were sent.

use std::collections::BTreeMap;
use std::time::Duration;

use ozmap_simulator::in_process::InProcess;
use tokio::time::Instant;

use super::ozmap::SentLog;
use super::points::{Point, Points};
use crate::journal::Error;
use crate::journal::seam::{self, Store};

/// One row of `op`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Op {
    state: String,
    outcome: Option<String>,
    property: Option<String>,
    deletes_sent: i64,
    fence: i64,
    owner: Option<String>,
    lease_until: i64,
    code: String,
    dry_run: i64,
}

/// The last known version of a row.
struct Known {
    op: Op,
    /// The properties under its code when the request was accepted.
    held: Vec<String>,
    /// When its last intent was written, and how long the machine had slept until then.
    intent: Option<(Instant, Duration)>,
}

/// Watches the commits of one scenario.
pub(crate) struct Audit {
    simulator: InProcess,
    sent: SentLog,
    points: Points,
    settle: Duration,
    known: BTreeMap<String, Known>,
    broken: Vec<String>,
}

const OPS: &str = "SELECT id, state, outcome, property_id, delete_sent, fence, lease_owner, lease_until, code, dry_run, {NOW} AS now_ms FROM op";

impl Audit {
    pub(crate) fn new(simulator: InProcess, sent: SentLog, points: Points, settle_ms: i64) -> Self {
        Self {
            simulator,
            sent,
            points,
            settle: Duration::from_millis(settle_ms.unsigned_abs()),
            known: BTreeMap::new(),
            broken: Vec::new(),
        }
    }

    /// Every rule that a commit broke.
    pub(crate) fn broken(&self) -> &[String] {
        &self.broken
    }

    /// Checks the rows after a commit of `actor`. The start of a process has no actor.
    pub(crate) fn look(
        &mut self,
        store: &mut dyn Store,
        actor: Option<&str>,
        slept: Duration,
    ) -> Result<(), Error> {
        for row in store.query(OPS, &[])? {
            let (id, now_ms) = (row.text("id")?.to_owned(), row.integer("now_ms")?);
            let op = read(&row)?;
            match self.known.remove(&id) {
                None => self.accepted(id, op),
                Some(known) => self.changed(id, known, op, actor, now_ms, slept),
            }
        }
        Ok(())
    }

    fn accepted(&mut self, id: String, op: Op) {
        if op.state != "done" {
            let is_rival = |known: &Known| {
                known.op.state != "done"
                    && known.op.code == op.code
                    && known.op.dry_run == op.dry_run
            };
            if self.known.values().any(is_rival) {
                self.broken
                    .push(format!("two active cancellations of one code: {op:?}"));
            }
            self.points.pass(Point::Accepted);
        }
        let held = self.simulator.held(&op.code);
        let intent = None;
        self.known.insert(id, Known { op, held, intent });
    }

    fn changed(
        &mut self,
        id: String,
        mut known: Known,
        op: Op,
        actor: Option<&str>,
        now_ms: i64,
        slept: Duration,
    ) {
        let before = std::mem::replace(&mut known.op, op.clone());
        if before != op {
            self.rules(&before, &op, actor, now_ms);
            if op.deletes_sent > before.deletes_sent {
                known.intent = Some((Instant::now(), slept));
                self.points.pass(Point::IntentWritten);
            }
            if op.state == "acked" && before.state != "acked" {
                self.acked(&op);
                self.points.pass(Point::AckWritten);
            }
            if op.state == "done" && before.state != "done" {
                self.ended(&known, slept);
                self.points.pass(Point::DoneWritten);
            }
        }
        self.known.insert(id, known);
    }

    fn rules(&mut self, before: &Op, op: &Op, actor: Option<&str>, now_ms: i64) {
        let mut refuse = |why: &str| self.broken.push(format!("{why}: {before:?} became {op:?}"));
        let is_leased = before.owner.is_some() && before.lease_until > now_ms;
        if before.state == "done" {
            refuse("an ended cancellation changed");
        }
        if before.property.is_some() && op.property != before.property {
            refuse("a cancellation changed its target");
        }
        if op.fence > before.fence && is_leased {
            refuse("a lease was taken from the process that holds it");
        }
        let is_decided = op.deletes_sent > before.deletes_sent || op.outcome != before.outcome;
        let is_own = is_leased && actor == before.owner.as_deref();
        if is_decided && !is_own {
            refuse("a process wrote without the lease");
        }
        if op.deletes_sent > before.deletes_sent && op.dry_run == 1 {
            refuse("a dry run intends a deletion");
        }
    }

    /// The state `acked` means that OZmap confirmed the deletion.
    fn acked(&mut self, op: &Op) {
        let is_confirmed = |sent: &super::ozmap::Sent| {
            Some(&sent.property) == op.property.as_ref() && sent.is_confirmed
        };
        if !self.sent.all().iter().any(is_confirmed) {
            self.broken.push(format!(
                "acknowledged, and OZmap never confirmed it: {op:?}"
            ));
        }
    }

    fn ended(&mut self, known: &Known, slept: Duration) {
        let op = &known.op;
        let outcome = op.outcome.as_deref().unwrap_or_default();
        let property = op.property.clone().unwrap_or_default();
        let sent: Vec<_> = self.sent.all();
        let sent: Vec<_> = sent
            .iter()
            .filter(|sent| sent.property == property)
            .collect();
        let mut refuse = |why: &str| self.broken.push(format!("{why}: {op:?}"));
        match outcome {
            "cancelled" if self.simulator.holds(&property) => {
                refuse("ended as cancelled while OZmap holds it");
            }
            "not_found" | "already_cancelled" => {
                let now = self.simulator.held(&op.code);
                if known.held.iter().any(|id| now.contains(id)) {
                    refuse("ended as absent, and OZmap held it all the time");
                }
            }
            "expired" if !sent.is_empty() => refuse("ended as expired after a DELETE was sent"),
            _ => {}
        }
        let is_refused = op.deletes_sent == 1 && sent.iter().all(|sent| sent.is_refused);
        if outcome != "cancelled"
            && !is_refused
            && let Some((at, slept_before)) = known.intent
            && at.elapsed() + (slept - slept_before) < self.settle
        {
            refuse("ended without a deletion while a DELETE may still take effect");
        }
    }
}

fn read(row: &seam::Row) -> Result<Op, Error> {
    let text = |column| row.text_or_null(column).map(|text| text.map(str::to_owned));
    Ok(Op {
        state: row.text("state")?.to_owned(),
        outcome: text("outcome")?,
        property: text("property_id")?,
        deletes_sent: row.integer("delete_sent")?,
        fence: row.integer("fence")?,
        owner: text("lease_owner")?,
        lease_until: row.integer("lease_until")?,
        code: row.text("code")?.to_owned(),
        dry_run: row.integer("dry_run")?,
    })
}
