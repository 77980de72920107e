//! Documents that are not what they should be.
//!
//! Responsible for changing the documents in an answer as a fault asks. It must never change the
//! world: the next call shows the truth again. A document that lacks what a fault changes stays as
//! it is.

use serde_json::{Value, json};

use super::answer::{Answer, JSON, Payload};
use super::documents::{set, text};
use super::kinds::Tamper;

/// The project of the second row of `two_rows`.
const OTHER_PROJECT: &str = "62bc9b89a17d2b0030bddcff";

/// Marks a value that plain JSON cannot hold: a duplicate member.
const TWICE: &str = "\u{1}twice";

/// Changes the answer; `stranger` is the document of another customer, for `wrong_code`.
pub(super) fn tamper(answer: &mut Answer, tamper: Tamper, stranger: Option<Value>) {
    let Payload::Json(document) = &mut answer.payload else {
        return;
    };
    match tamper {
        Tamper::WrongCode => replace_rows(document, stranger),
        Tamper::TwoRows => double_rows(document),
        Tamper::DuplicateKeys => {
            for row in rows(document) {
                edit_client(row, |client| set(client, "implanted", json!(TWICE)));
            }
            let text = document.to_string().replace(
                &format!("\"implanted\":{}", json!(TWICE)),
                "\"implanted\":true,\"implanted\":false",
            );
            answer.payload = Payload::Text {
                content_type: JSON,
                text,
            };
        }
        Tamper::ClientNull
        | Tamper::ClientString
        | Tamper::ClientMissing
        | Tamper::ImplantedMissing
        | Tamper::ImplantedString
        | Tamper::IdMissing
        | Tamper::IdShort
        | Tamper::OtherCase => {
            for row in rows(document) {
                edit(row, tamper);
            }
        }
    }
}

/// One document, changed in place.
fn edit(row: &mut Value, tamper: Tamper) {
    match tamper {
        Tamper::ClientNull => set(row, "client", Value::Null),
        Tamper::ClientString => {
            let id = text(row, "/client/_id").or_else(|| text(row, "/client/id"));
            if let Some(id) = id.map(str::to_owned) {
                set(row, "client", json!(id));
            }
        }
        Tamper::ClientMissing => remove(row, "client"),
        Tamper::ImplantedMissing => edit_client(row, |client| remove(client, "implanted")),
        Tamper::ImplantedString => edit_client(row, |client| {
            let word = client["implanted"].to_string();
            set(client, "implanted", json!(word));
        }),
        Tamper::IdMissing => {
            remove(row, "_id");
            remove(row, "id");
        }
        Tamper::IdShort => {
            for name in ["_id", "id"] {
                if let Some(short) = row[name].as_str().and_then(|id| id.get(..12)) {
                    let short = json!(short);
                    set(row, name, short);
                }
            }
        }
        Tamper::OtherCase => edit_client(row, |client| {
            if let Some(code) = text(client, "/code").map(other_case) {
                set(client, "code", json!(code));
            }
        }),
        Tamper::WrongCode | Tamper::TwoRows | Tamper::DuplicateKeys => {}
    }
}

/// The documents in an answer: of a list, of an envelope, or the only one.
fn rows(document: &mut Value) -> Vec<&mut Value> {
    if document.is_object() && document.get("rows").is_none() {
        return vec![document];
    }
    list(document)
        .map(|rows| rows.iter_mut().collect())
        .unwrap_or_default()
}

/// The rows of a list or of an envelope.
fn list(document: &mut Value) -> Option<&mut Vec<Value>> {
    match document {
        Value::Array(rows) => Some(rows),
        Value::Object(envelope) => envelope.get_mut("rows").and_then(Value::as_array_mut),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn replace_rows(document: &mut Value, stranger: Option<Value>) {
    let stranger = stranger.unwrap_or(Value::Null);
    match document {
        Value::Object(envelope) if envelope.contains_key("rows") => {
            envelope.insert("rows".to_owned(), json!([stranger]));
        }
        Value::Object(_) => *document = stranger,
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            *document = json!([stranger]);
        }
    }
}

/// Puts a second row beside the first: the same customer in another project.
fn double_rows(document: &mut Value) {
    let Some(list) = list(document) else {
        return;
    };
    if let Some(mut second) = list.first().cloned() {
        for name in ["_id", "id"] {
            if let Some(id) = second[name].as_str().map(neighbour) {
                set(&mut second, name, json!(id));
            }
        }
        set(&mut second, "project", json!(OTHER_PROJECT));
        list.push(second);
    }
}

/// Another id of the same length.
fn neighbour(id: &str) -> String {
    let last = if id.ends_with('0') { '1' } else { '0' };
    let mut other: String = id
        .chars()
        .take(id.chars().count().saturating_sub(1))
        .collect();
    other.push(last);
    other
}

/// The code in capitals, or in small letters if it was in capitals already.
fn other_case(code: &str) -> String {
    let upper = code.to_uppercase();
    if upper == code {
        code.to_lowercase()
    } else {
        upper
    }
}

/// The customer of a property document, or the document itself if it is a customer's.
fn edit_client(row: &mut Value, change: impl FnOnce(&mut Value)) {
    if row["client"].is_object() {
        change(&mut row["client"]);
    } else if row["kind"] == "ftth" {
        change(row);
    }
}

fn remove(document: &mut Value, name: &str) {
    if let Some(object) = document.as_object_mut() {
        object.remove(name);
    }
}
