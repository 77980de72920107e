//! What this OZmap does to every document that it shows, and to the text of every error.
//!
//! Responsible for the switches that concern all routes alike. It must never change the world, nor a document on its way
//! in: only answers pass here.

use serde_json::{Value, json};

use super::answer::{Answer, HTML, PLAIN, Payload};
use super::documents::{Ids, Moment, set};
use super::quirks::{ClientMembers, ErrorBody, Quirks, SubDocuments};

/// The documents inside a client that have ids of their own, where they have any.
const SUB_DOCUMENTS: [&str; 2] = ["onu", "cpe"];

/// Shows the documents of an answer as this OZmap shows them.
pub(super) fn show(answer: &mut Answer, quirks: &Quirks, ids: &mut Ids, now: Moment) {
    if let (true, Payload::Json(document)) = (answer.status.is_success(), &mut answer.payload) {
        walk(document, quirks, ids, now);
    }
}

fn walk(value: &mut Value, quirks: &Quirks, ids: &mut Ids, now: Moment) {
    match value {
        Value::Array(items) => {
            for item in items {
                walk(item, quirks, ids, now);
            }
        }
        Value::Object(_) => {
            if value["kind"] == "ftth" {
                edit(value, quirks, ids, now);
            }
            if let Value::Object(members) = value {
                for (_, member) in members {
                    walk(member, quirks, ids, now);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// One client, in the style of its route.
fn edit(client: &mut Value, quirks: &Quirks, ids: &mut Ids, now: Moment) {
    match quirks.client_members {
        ClientMembers::All => {}
        ClientMembers::Sparse => {
            set(client, "observation", Value::Null);
            if let Some(client) = client.as_object_mut() {
                client.remove("name");
            }
        }
    }
    match quirks.sub_documents {
        SubDocuments::WithoutIds => {}
        SubDocuments::NewIds => {
            let is_raw = client.get("_id").is_some();
            for name in SUB_DOCUMENTS {
                if client[name].is_object() {
                    let id = json!(ids.next(now.timestamp));
                    set(&mut client[name], if is_raw { "_id" } else { "id" }, id);
                }
            }
        }
    }
}

/// Sends the text of an error as this OZmap sends it. The texts of a gateway or a missing route are not OZmap's.
pub(super) fn word(answer: &mut Answer, errors: ErrorBody) {
    if answer.status.is_success() || answer.status.is_redirection() {
        return;
    }
    match (errors, &mut answer.payload) {
        (ErrorBody::JsonString, _) | (_, Payload::Empty) => {}
        (ErrorBody::TextAsHtml, Payload::Json(Value::String(text))) => {
            answer.payload = Payload::Text {
                content_type: HTML,
                text: std::mem::take(text),
            };
        }
        (ErrorBody::TextAsHtml, Payload::Text { content_type, .. }) => {
            if *content_type == PLAIN {
                *content_type = HTML;
            }
        }
        (ErrorBody::Message, Payload::Json(document)) => {
            if document.is_string() {
                *document = json!({"message": document.take()});
            }
        }
        (ErrorBody::TextAsHtml, Payload::Json(_)) | (ErrorBody::Message, Payload::Text { .. }) => {}
    }
}
