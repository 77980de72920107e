//! The vocabulary of stored documents: ids, times, and the two styles in which OZmap shows them.
//!
//! OZmap is a document store, and so is the simulator: every element is a JSON object with a raw
//! `_id`. Everything here is pure; nothing may know of the world or of a request.

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::time::Instant;

/// The moment of a call, taken once so that one call sees one time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) instant: Instant,
    pub(super) timestamp: Timestamp,
}

impl Moment {
    /// The wall clock as it is now; only for a beginning, later moments are counted from one.
    pub(super) fn now() -> Moment {
        Moment {
            instant: Instant::now(),
            timestamp: Timestamp::now(),
        }
    }

    /// The moment that has come since this one, by the clock that also counts the waits: under simulated time it goes
    /// with the time of the test.
    pub(super) fn passed(&self) -> Moment {
        let instant = Instant::now();
        let passed = instant.saturating_duration_since(self.instant);
        let timestamp = self.timestamp.checked_add(passed);
        Moment {
            instant,
            timestamp: timestamp.unwrap_or(self.timestamp),
        }
    }

    /// The form that OZmap writes: milliseconds and a `Z`.
    pub(super) fn iso(&self) -> String {
        iso(self.timestamp)
    }

    pub(super) fn unix_ms(&self) -> i64 {
        self.timestamp.as_millisecond()
    }
}

pub(super) fn iso(timestamp: Timestamp) -> String {
    format!("{timestamp:.3}")
}

/// Makes ids of the form that MongoDB has: the second, then something unique.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids {
    made: u64,
}

impl Ids {
    pub(super) fn next(&mut self, at: Timestamp) -> String {
        self.made += 1;
        format!("{:08x}5eed{:012x}", at.as_second() & 0xffff_ffff, self.made)
    }
}

/// Whether MongoDB would accept it as an id.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The string at a JSON pointer.
pub(super) fn text<'a>(document: &'a Value, pointer: &str) -> Option<&'a str> {
    document.pointer(pointer).and_then(Value::as_str)
}

/// The flag at a JSON pointer, if it is one.
pub(super) fn flag(document: &Value, pointer: &str) -> Option<bool> {
    document.pointer(pointer).and_then(Value::as_bool)
}

/// Sets a member of an object; anything else stays as it is.
pub(super) fn set(document: &mut Value, name: &str, value: Value) {
    if let Some(object) = document.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

/// The style of the generic routes: `id` instead of `_id`, and no `__v`.
pub(super) fn generic(raw: &Value) -> Value {
    let Some(object) = raw.as_object() else {
        return raw.clone();
    };
    let mut shown: Map<String, Value> = object.clone();
    shown.remove("__v");
    if let Some(id) = shown.remove("_id") {
        shown.insert("id".to_owned(), id);
    }
    if let Some(client @ Value::Object(_)) = object.get("client") {
        shown.insert("client".to_owned(), generic(client));
    }
    Value::Object(shown)
}

/// The generic style of an element with a place: `lat` and `lng` beside `coords`, `null` inside a
/// building.
pub(super) fn generic_with_place(raw: &Value) -> Value {
    let mut shown = generic(raw);
    let ordinate = |pointer| raw.pointer(pointer).cloned().unwrap_or(Value::Null);
    set(&mut shown, "lng", ordinate("/coords/0"));
    set(&mut shown, "lat", ordinate("/coords/1"));
    shown
}
