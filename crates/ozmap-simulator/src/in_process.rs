//! The simulator without a network, for schedules under simulated time.
//!
//! Connections are pipes, so that no byte depends on the machine's clock. What can be asked of it
//! is asked at once,
//! between two steps of everybody else.

use std::sync::Arc;

use serde_json::Value;
use tokio::io::{DuplexStream, duplex};

use super::documents::text;
use super::options::Options;
use super::plant::{self, Planting};
use super::shared::Shared;
pub use super::state::RENAMED;
use super::wire;

/// More than any answer has that is not meant to be too large.
const PIPE_BYTES: usize = 64 * 1024;

impl wire::Line for DuplexStream {
    // A pipe that is dropped says nothing more; that is as abrupt as it gets.
    fn reset(&self) {}
}

/// A simulator that is reached through pipes.
#[derive(Clone)]
pub struct InProcess {
    shared: Arc<Shared>,
}

/// A deletion that took effect.
#[derive(Clone, Debug)]
pub struct Deletion {
    /// The id of the property.
    pub property: String,
    /// The code under which it was reserved.
    pub code: String,
    /// Whether its client was installed when it was deleted.
    pub was_installed: bool,
}

impl InProcess {
    /// A simulator with its seed, no faults and no delays.
    pub fn new() -> Option<Self> {
        let shared = Arc::new(Shared::new(Options::default()).ok()?);
        Some(Self { shared })
    }

    /// A new connection. The other end is served as long as the test's runtime lives.
    pub fn connect(&self) -> DuplexStream {
        let (near, far) = duplex(PIPE_BYTES);
        self.shared
            .tasks
            .spawn(wire::serve(far, self.shared.clone()));
        near
    }

    /// Adds a fault, written as on the command line; false when the text is not a fault.
    pub fn fault(&self, written: &str) -> bool {
        written
            .parse()
            .map(|fault| self.shared.state().plan.add(vec![fault]))
            .is_ok()
    }

    /// Takes all faults back; what they did stays done.
    pub fn heal(&self) {
        self.shared.state().plan.clear();
    }

    /// Reserves; returns the property's id.
    pub fn reserve(&self, code: &str) -> Option<String> {
        let planting = Planting {
            code: Some(code.to_owned()),
            ..Planting::default()
        };
        let world = &mut self.shared.state().world;
        let planted = plant::plant(world, &planting, self.shared.now()).ok()?;
        Some(planted.property)
    }

    /// A technician installs the customer who has this code.
    pub fn install(&self, code: &str) {
        let world = &mut self.shared.state().world;
        for id in ids(world.by_code(code)) {
            world.implant(&id, self.shared.now());
        }
    }

    /// Another user deletes the reservation of this code and creates it again.
    pub fn reserve_again(&self, code: &str) -> Option<String> {
        let world = &mut self.shared.state().world;
        let raw = world.by_code(code).into_iter().next()?;
        let planted = plant::replant(world, &raw, self.shared.now()).ok()?;
        Some(planted.property)
    }

    /// Which properties a fault had installed, and when, in milliseconds since 1970 on the
    /// simulator's clock.
    pub fn installed_by_faults(&self) -> Vec<(String, i64)> {
        let audit = self.shared.state().records.audit_json();
        let rows = audit.as_array().cloned().unwrap_or_default();
        rows.iter()
            .filter(|row| row["fault"] == "implant_after" && row["method"] == "FAULT")
            .filter_map(|row| Some((text(row, "/target")?.to_owned(), row["at_ms"].as_i64()?)))
            .collect()
    }

    /// What time it is at the simulated provider, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.shared.now().unix_ms()
    }

    /// The ids of the properties that the world really holds under a code.
    pub fn held(&self, code: &str) -> Vec<String> {
        ids(self.shared.state().world.by_code(code))
    }

    /// Whether a property is really there.
    pub fn holds(&self, id: &str) -> bool {
        self.shared.state().world.properties.contains_key(id)
    }

    /// How many calls there were so far.
    pub fn calls(&self) -> u64 {
        let calls = self.shared.state().records.calls_json();
        calls["total"].as_u64().unwrap_or_default()
    }

    /// The deletions that were asked for by a DELETE and took effect.
    pub fn deletions(&self) -> Vec<Deletion> {
        let audit = self.shared.state().records.audit_json();
        let rows = audit.as_array().cloned().unwrap_or_default();
        let applied = |row: &&Value| row["method"] == "DELETE" && row["applied"] == true;
        rows.iter().filter(applied).map(deletion).collect()
    }
}

fn ids(raws: Vec<Value>) -> Vec<String> {
    raws.iter()
        .filter_map(|raw| text(raw, "/_id").map(str::to_owned))
        .collect()
}

fn deletion(row: &Value) -> Deletion {
    Deletion {
        property: text(row, "/target").unwrap_or_default().to_owned(),
        code: text(row, "/code").unwrap_or_default().to_owned(),
        was_installed: row["implanted_at_delete"] == true,
    }
}
