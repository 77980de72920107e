//! The log of the simulator: every call, every attempted change, and the calls that are held.
//!
//! Responsible for the truth that tests assert on, in the order in which calls began. It must never
//! influence an answer. Times are Unix milliseconds.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use serde_json::{Value, json};

/// How many rows a record keeps; the oldest go first, the counts stay right.
const ROWS_MAX: usize = 100_000;

/// One API call.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Call {
    pub(super) seq: u64,
    pub(super) method: String,
    pub(super) route: &'static str,
    pub(super) path: String,
    /// Absent while the call runs, and if it never got an answer.
    pub(super) status: Option<u16>,
    pub(super) fault: Value,
    pub(super) began_ms: i64,
    pub(super) ended_ms: Option<i64>,
}

/// One requested change, applied or not.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Change {
    pub(super) seq: u64,
    /// `FAULT` for a change that a fault made in another user's name.
    pub(super) method: String,
    pub(super) route: &'static str,
    pub(super) path: String,
    pub(super) target: Option<String>,
    pub(super) code: Option<String>,
    pub(super) user: Option<String>,
    pub(super) fault: Value,
    pub(super) applied: bool,
    /// The customer's flag when the deletion was decided; absent for anything but a DELETE and for
    /// a target without a readable flag.
    pub(super) implanted_at_delete: Option<bool>,
    pub(super) began_ms: i64,
    /// When it was applied or refused; absent until then.
    pub(super) at_ms: Option<i64>,
    pub(super) ended_ms: Option<i64>,
}

/// A call that waits to be released.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Held {
    pub(super) seq: u64,
    pub(super) method: String,
    pub(super) route: &'static str,
    pub(super) path: String,
    /// `hold_before` or `hold_after`.
    pub(super) fault: &'static str,
}

/// Rows by their sequence number, which a reset does not take back.
#[derive(Debug)]
pub(super) struct Rows<T> {
    rows: VecDeque<(u64, T)>,
}

impl<T> Default for Rows<T> {
    fn default() -> Rows<T> {
        Rows {
            rows: VecDeque::new(),
        }
    }
}

impl<T: Serialize> Rows<T> {
    fn push(&mut self, seq: u64, row: T) {
        if self.rows.len() == ROWS_MAX {
            self.rows.pop_front();
        }
        self.rows.push_back((seq, row));
    }

    /// The row, unless it was cleared or has become too old.
    fn get_mut(&mut self, seq: u64) -> Option<&mut T> {
        let at = self.rows.binary_search_by_key(&seq, |(seq, _)| *seq).ok()?;
        self.rows.get_mut(at).map(|(_, row)| row)
    }

    fn to_json(&self) -> Value {
        self.rows.iter().map(|(_, row)| json!(row)).collect()
    }
}

#[derive(Debug, Default)]
pub(super) struct Records {
    made: u64,
    calls: Rows<Call>,
    counts: BTreeMap<&'static str, u64>,
    changes: Rows<Change>,
    held: BTreeMap<u64, Held>,
}

impl Records {
    /// The next sequence number; a call and its change share one.
    pub(super) fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    pub(super) fn begin(&mut self, call: Call) {
        *self.counts.entry(call.route).or_default() += 1;
        self.calls.push(call.seq, call);
    }

    pub(super) fn begin_change(&mut self, change: Change) {
        self.changes.push(change.seq, change);
    }

    pub(super) fn change(&mut self, seq: u64) -> Option<&mut Change> {
        self.changes.get_mut(seq)
    }

    /// Notes the end of a call, once.
    pub(super) fn end(&mut self, seq: u64, status: Option<u16>, at_ms: i64) {
        self.held.remove(&seq);
        if let Some(call) = self.calls.get_mut(seq) {
            call.status = status;
            call.ended_ms = Some(at_ms);
        }
        if let Some(change) = self.changes.get_mut(seq) {
            change.ended_ms = Some(at_ms);
        }
    }

    pub(super) fn hold(&mut self, held: Held) {
        self.held.insert(held.seq, held);
    }

    /// Forgets the waiting calls and says how many there were.
    pub(super) fn release(&mut self) -> usize {
        std::mem::take(&mut self.held).len()
    }

    /// Forgets everything but the sequence and the calls that wait.
    pub(super) fn clear(&mut self) {
        self.calls = Rows::default();
        self.counts.clear();
        self.changes = Rows::default();
    }

    pub(super) fn calls_json(&self) -> Value {
        json!({
            "total": self.counts.values().sum::<u64>(),
            "counts": self.counts,
            "calls": self.calls.to_json(),
        })
    }

    pub(super) fn audit_json(&self) -> Value {
        self.changes.to_json()
    }

    pub(super) fn held_json(&self) -> Value {
        self.held.values().map(|held| json!(held)).collect()
    }
}
