//! Of all answers that OZmap may give, only the exact shape of a reservation that is safe to delete passes the guard.
//!
//! The rules stand here a second time, over untyped JSON and without looking at how the service reads it; the two must
//! agree on every answer.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ozmap_cancel::clock::Moment;
use ozmap_cancel::domain::{LookupResult, ReservationCode};
use ozmap_cancel::guard::{self, Check, OnInstalled, Policy, Verdict};
use ozmap_cancel::ozmap;
use serde_json::Value;
use serde_json::value::RawValue;

/// The code that is asked for.
pub const CODE: &str = "123|123";

/// The bytes as the answer to a look-up of [`CODE`].
pub fn check(bytes: &[u8]) {
    let judged = judged(bytes);
    assert_eq!(
        judged == "delete",
        may_be_deleted(bytes),
        "{judged}: {}",
        String::from_utf8_lossy(bytes)
    );
    if judged == "absent" {
        // "Not found" must be said by OZmap, not read into something that is broken.
        let value: Value = serde_json::from_slice(bytes).unwrap();
        let rows = value.get("rows").unwrap_or(&value);
        assert_eq!(rows.as_array().map(Vec::len), Some(0), "{value}");
    }
}

/// The guard's verdict on an answer, as one word.
pub fn judged(bytes: &[u8]) -> &'static str {
    let Some(rows) = ozmap::read_list(bytes) else {
        return "unreadable";
    };
    let code = ReservationCode::parse(CODE).unwrap();
    let policy = Policy {
        installed: OnInstalled::Refuse,
        install_evidence: Check::Review,
        building_unit: Check::Review,
        preexisting_property: Check::Review,
        only_created_by: Vec::new(),
    };
    let sighting = LookupResult {
        rows,
        read_at: Moment::now(),
    };
    match guard::judge(&sighting, &code, &policy) {
        Verdict::Absent => "absent",
        Verdict::Keep(refusal) => refusal.id(),
        Verdict::Delete(target) => {
            assert_eq!(target.property().id.as_str().len(), 24);
            "delete"
        }
    }
}

/// The members of a JSON object, each in its own text; empty for any other value.
struct Object(Vec<(String, Box<RawValue>)>);

/// A member: missing, or its text. A name that stands twice is `Twice`, which nothing may be read from.
enum Member<'a> {
    Missing,
    Text(&'a str),
    Twice,
}

impl<'de> serde::Deserialize<'de> for Object {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> serde::de::Visitor<'de> for Reader {
            type Value = Object;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Object, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl Object {
    fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    fn get(&self, name: &str) -> Member<'_> {
        let mut found = self.0.iter().filter(|(member, _)| member == name);
        match (found.next(), found.next()) {
            (None, _) => Member::Missing,
            (Some((_, raw)), None) => Member::Text(raw.get()),
            (Some(_), Some(_)) => Member::Twice,
        }
    }

    /// Whether a member is missing, `null`, or something that fits.
    fn is_nothing_or(&self, name: &str, fits: impl Fn(&str) -> bool) -> bool {
        match self.get(name) {
            Member::Missing | Member::Text("null") => true,
            Member::Text(text) => fits(text),
            Member::Twice => false,
        }
    }

    fn is_nothing(&self, name: &str) -> bool {
        self.is_nothing_or(name, |_| false)
    }

    fn string(&self, name: &str) -> Option<String> {
        match self.get(name) {
            Member::Text(text) => serde_json::from_str(text).ok(),
            Member::Missing | Member::Twice => None,
        }
    }

    /// Whether none of these names is duplicated; for names that are read but do not decide.
    fn has_no_twins(&self, names: &[&str]) -> bool {
        names
            .iter()
            .all(|name| !matches!(self.get(name), Member::Twice))
    }

    fn is_of_kind(&self, kinds: &[&str]) -> bool {
        self.is_nothing_or("kind", |text| {
            serde_json::from_str::<String>(text)
                .is_ok_and(|kind| kinds.contains(&kind.to_ascii_lowercase().as_str()))
        })
    }

    /// The ids that stand there: exactly one, or the same twice.
    fn has_an_id(&self) -> bool {
        let is_id = |text: &String| {
            text.len() == 24 && text.bytes().all(|b| b"0123456789abcdef".contains(&b))
        };
        match (self.get("_id"), self.get("id")) {
            (Member::Text(_), Member::Missing) => self.string("_id").is_some_and(|id| is_id(&id)),
            (Member::Missing, Member::Text(_)) => self.string("id").is_some_and(|id| is_id(&id)),
            (Member::Text(_), Member::Text(_)) => {
                let id = self.string("_id");
                id.as_ref().is_some_and(is_id) && id == self.string("id")
            }
            _ => false,
        }
    }
}

/// The rules a second time.
fn may_be_deleted(bytes: &[u8]) -> bool {
    let Some(row) = std::str::from_utf8(bytes).ok().and_then(the_only_row) else {
        return false;
    };
    let Some(property) = Object::read(&row) else {
        return false;
    };
    let Some(client) = (match property.get("client") {
        Member::Text(text) => Object::read(text),
        Member::Missing | Member::Twice => None,
    }) else {
        return false;
    };
    property.has_an_id()
        && property.is_of_kind(&["property"])
        && property.is_nothing("deletedAt")
        && property.is_nothing("parent")
        && property.is_nothing("potencyRead")
        && property.has_no_twins(&["address", "creatorData", "createdAt"])
        && client.has_no_twins(&["_id", "id", "name", "createdAt"])
        && client.is_of_kind(&["ftth", "ftthclient"])
        && client.string("code").as_deref() == Some(CODE)
        && matches!(client.get("implanted"), Member::Text("false"))
        && client.is_nothing("deletedAt")
        && client.is_nothing_or("certified", |text| text == "false")
        && client.is_nothing_or("onu", is_no_modem)
        && was_born_with(&property, &client)
}

/// The one row of a list, or of an envelope that shows all there is.
fn the_only_row(text: &str) -> Option<String> {
    let list = if text.trim_start().starts_with('[') {
        text.to_owned()
    } else {
        let envelope = Object::read(text)?;
        let Member::Text(rows) = envelope.get("rows") else {
            return None;
        };
        let is_all = envelope.is_nothing_or("total", |text| {
            serde_json::from_str::<u64>(text).is_ok_and(|total| total <= 1)
        });
        let is_last = envelope.is_nothing_or("hasNextPage", |text| text == "false");
        if !is_all || !is_last {
            return None;
        }
        rows.to_owned()
    };
    let rows: Vec<Box<RawValue>> = serde_json::from_str(&list).ok()?;
    match rows.as_slice() {
        [row] => Some(row.get().to_owned()),
        _ => None,
    }
}

fn is_no_modem(text: &str) -> bool {
    let is_blank = |text: &str| {
        serde_json::from_str::<String>(text).is_ok_and(|value| value.trim().is_empty())
    };
    Object::read(text).is_some_and(|onu| {
        ["user_PPPoE", "serial_number", "mac_address"]
            .iter()
            .all(|name| onu.is_nothing_or(name, is_blank))
    })
}

/// The property had no earlier customer and is not older than its customer.
fn was_born_with(property: &Object, client: &Object) -> bool {
    let mut entered = client.get("createdAt");
    let history = match property.get("history") {
        Member::Missing | Member::Text("null") => None,
        Member::Text(text) => match Object::read(text) {
            Some(history) => Some(history),
            None => return false,
        },
        Member::Twice => return false,
    };
    let residence = match history.as_ref().map(|history| history.get("clients")) {
        None | Some(Member::Missing | Member::Text("null")) => None,
        Some(Member::Twice) => return false,
        Some(Member::Text(text)) => match serde_json::from_str::<Vec<Box<RawValue>>>(text) {
            Err(_) => return false,
            Ok(rows) => match rows.as_slice() {
                [] => None,
                [row] => match Object::read(row.get()) {
                    Some(residence) => Some(residence),
                    None => return false,
                },
                _ => return false,
            },
        },
    };
    if let Some(residence) = &residence {
        if !residence.is_nothing("exit_date") {
            return false;
        }
        match residence.get("enter_date") {
            Member::Missing | Member::Text("null") => {}
            // Two dates are broken, whatever they would be compared with.
            Member::Twice => return false,
            date @ Member::Text(_) => entered = date,
        }
    }
    is_close(&property.get("createdAt"), &entered)
}

fn is_close(created: &Member<'_>, entered: &Member<'_>) -> bool {
    let is_unsaid = |date: &Member<'_>| matches!(date, Member::Missing | Member::Text("null"));
    if is_unsaid(created) || is_unsaid(entered) {
        return true;
    }
    let instant = |date: &Member<'_>| match date {
        Member::Text(text) => serde_json::from_str::<String>(text)
            .ok()?
            .parse::<Timestamp>()
            .ok(),
        Member::Missing | Member::Twice => None,
    };
    match (instant(created), instant(entered)) {
        (Some(created), Some(entered)) => {
            entered.as_millisecond() - created.as_millisecond() <= 600_000
        }
        _ => false,
    }
}

/// Every change of one thing in a document: each member gone, or with each of some values in its place.
pub fn one_change(document: &Value) -> Vec<(String, Value)> {
    let mut places = BTreeMap::new();
    collect("", document, &mut places);
    let values = [
        "null",
        "true",
        "false",
        "0",
        "1",
        "\"\"",
        "\" \"",
        "\"x\"",
        "[]",
        "{}",
        "\"123|123\"",
        "[null]",
        "\"property\"",
        "\"Property\"",
        "\"2020-01-01T00:00:00Z\"",
        "\"false\"",
    ];
    let mut changed = Vec::new();
    for pointer in places.keys() {
        let mut without = document.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match without.pointer_mut(parent) {
            Some(Value::Object(members)) => drop(members.remove(name)),
            Some(Value::Array(items)) => drop(items.remove(name.parse().unwrap())),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => {
                continue;
            }
        }
        changed.push((format!("{pointer} is gone"), without));
        for value in values {
            let mut with = document.clone();
            *with.pointer_mut(pointer).unwrap() = serde_json::from_str(value).unwrap();
            changed.push((format!("{pointer} = {value}"), with));
        }
    }
    changed
}

fn collect(at: &str, value: &Value, places: &mut BTreeMap<String, ()>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (format!("{at}/{name}"), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, value)| (format!("{at}/{index}"), value))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (pointer, value) in below {
        places.insert(pointer.clone(), ());
        collect(&pointer, value, places);
    }
}
