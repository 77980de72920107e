//! The invariants after the soak test, checked against OZmap's own records and the journal's rows.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::plan::{Behind, Plan};
use super::replies::{Heard, differs};
use crate::cancel::asking;
use crate::support::{Ozmap, Service};

/// The findings.
#[derive(Debug, Default)]
pub struct End {
    /// Accepted requests without a recorded outcome.
    pub lost: Vec<String>,
    /// Recorded outcomes that are not true.
    pub lies: Vec<String>,
    /// Deletions that were not allowed, or that were carried out twice.
    pub wrong: Vec<String>,
    /// Cancellations that need review, because OZmap confirmed their DELETE twice without effect.
    pub handed_over: usize,
    /// The properties that OZmap deleted.
    pub deleted: usize,
    /// The DELETEs that it received.
    pub sent: usize,
}

impl End {
    pub async fn of(ozmap: &Ozmap, plan: &Plan, heard: &Heard, rows: &[Value]) -> Self {
        let mut end = Self::default();
        end.count_the_lost(heard, rows);
        end.compare_each_code(ozmap, plan, rows).await;
        end.go_through_the_deletions(ozmap, plan).await;
        end
    }

    fn count_the_lost(&mut self, heard: &Heard, rows: &[Value]) {
        let ended: HashSet<&str> = rows
            .iter()
            .filter(|row| row["state"] == "done" && row["outcome"].is_string())
            .filter_map(|row| row["protocol"].as_str())
            .collect();
        for (message, protocol) in heard.promised() {
            if !ended.contains(protocol.as_str()) {
                self.lost
                    .push(format!("{message}: promised {protocol}, never ended"));
            }
        }
        let forgotten = rows
            .iter()
            .filter(|row| row["outcome"] == "unknown" && row["needs_human"] != 1);
        self.lost
            .extend(forgotten.map(|row| format!("left to nobody: {row}")));
        let open = rows.iter().filter(|row| row["state"] != "done");
        self.lost
            .extend(open.map(|row| format!("accepted, never ended: {row}")));
    }

    async fn compare_each_code(&mut self, ozmap: &Ozmap, plan: &Plan, rows: &[Value]) {
        let mut outcomes: HashMap<&str, Vec<&str>> = HashMap::new();
        for row in rows {
            let code = row["code"].as_str().unwrap();
            let outcome = row["outcome"].as_str().unwrap_or_default();
            outcomes.entry(code).or_default().push(outcome);
        }
        for code in &plan.codes {
            let held = ozmap.holds(&code.text).await;
            let mut outcomes = outcomes.remove(code.text.as_str()).unwrap_or_default();
            let all = outcomes.len();
            // `unknown` says nothing about the property.
            outcomes.retain(|outcome| code.behind != Behind::Reservation || *outcome != "unknown");
            self.handed_over += all - outcomes.len();
            let (is_asked, is_gone) = (!outcomes.is_empty(), held.is_empty());
            let only = |one: &str| outcomes.iter().all(|outcome| *outcome == one);
            let is_true = match code.behind {
                Behind::Customer => only("installed") && held.len() == code.made().len(),
                Behind::Two => only("review") && held.len() == code.made().len(),
                Behind::Nothing => only("not_found"),
                // One cancels; later ones find nothing.
                Behind::Reservation => {
                    let (first, later) = outcomes.split_first().unzip();
                    let after = later.unwrap_or_default();
                    first.is_none_or(|first| *first == "cancelled")
                        && after.iter().all(|later| *later == "already_cancelled")
                        && (!is_asked || is_gone)
                        && (is_asked || held.len() == code.made().len())
                }
            };
            if !is_true {
                let found = held.len();
                self.lies
                    .push(format!("{code:?}: {outcomes:?}, {found} held"));
            }
        }
        for (code, outcomes) in outcomes {
            self.lies
                .push(format!("nobody asked for {code}: {outcomes:?}"));
        }
    }

    async fn go_through_the_deletions(&mut self, ozmap: &Ozmap, plan: &Plan) {
        let codes = plan.codes.iter();
        let allowed: HashSet<&str> = codes
            .filter(|code| code.behind == Behind::Reservation)
            .flat_map(|code| code.made().iter().map(String::as_str))
            .collect();
        let audit = ozmap.get("/__sim/audit").await;
        let mut gone = HashSet::new();
        for entry in audit.as_array().unwrap() {
            if entry["method"] != "DELETE" {
                continue;
            }
            self.sent += 1;
            let target = entry["target"].as_str().unwrap();
            let is_wrong = !allowed.contains(target) || entry["implanted_at_delete"] == json!(true);
            let is_applied = entry["applied"] == json!(true);
            if is_wrong || (is_applied && !gone.insert(target.to_owned())) {
                self.wrong.push(entry.to_string());
            }
        }
        self.deleted = gone.len();
    }
}

/// Sends every webhook with a final reply once more to each service, and returns the replies that
/// differ.
pub async fn told_otherwise(services: &[Service], plan: &Plan, heard: &Heard) -> Vec<String> {
    let told = heard.told();
    let mut changed = Vec::new();
    for webhook in &plan.webhooks {
        let Some(before) = told.get(&webhook.message) else {
            continue;
        };
        let body = asking(&plan.code(webhook).text, &webhook.message);
        for service in services {
            let after = service.ask(&body).await.json();
            changed.extend(differs(&webhook.message, before, &after));
        }
    }
    changed
}
