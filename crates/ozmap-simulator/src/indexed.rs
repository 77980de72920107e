//! Elements of one kind by id, and by what one of their members says.
//!
//! Responsible for finding them without looking at all of them: a long storm asks thousands of times among thousands. It
//! must never show an element under anything but what its member says now.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::state::Collection;

#[derive(Clone, Debug)]
pub(super) struct Indexed {
    member: &'static str,
    elements: Collection,
    ids: BTreeMap<String, BTreeSet<String>>,
}

impl Indexed {
    /// An empty collection, indexed by this member.
    pub(super) fn by(member: &'static str) -> Indexed {
        Indexed {
            member,
            elements: Collection::new(),
            ids: BTreeMap::new(),
        }
    }

    pub(super) fn get(&self, id: &str) -> Option<&Value> {
        self.elements.get(id)
    }

    pub(super) fn contains_key(&self, id: &str) -> bool {
        self.elements.contains_key(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.elements.iter()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Value> {
        self.elements.values()
    }

    /// Those whose member is this text, or a document with this code, in the order in which they were made.
    pub(super) fn found_by(&self, text: &str) -> impl Iterator<Item = (&String, &Value)> {
        let ids = self.ids.get(text).into_iter().flatten();
        ids.filter_map(|id| self.elements.get_key_value(id))
    }

    pub(super) fn insert(&mut self, id: String, element: Value) {
        self.remove(&id);
        if let Some(text) = said_by(&element, self.member) {
            let ids = self.ids.entry(text.to_owned()).or_default();
            ids.insert(id.clone());
        }
        self.elements.insert(id, element);
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Value> {
        let element = self.elements.remove(id)?;
        if let Some(text) = said_by(&element, self.member)
            && let Some(ids) = self.ids.get_mut(text)
        {
            ids.remove(id);
            if ids.is_empty() {
                self.ids.remove(text);
            }
        }
        Some(element)
    }

    /// Changes an element in place; `None` if the id is unknown.
    pub(super) fn change<T>(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Value) -> T,
    ) -> Option<T> {
        let mut element = self.remove(id)?;
        let changed = change(&mut element);
        self.insert(id.to_owned(), element);
        Some(changed)
    }
}

fn said_by<'a>(element: &'a Value, member: &str) -> Option<&'a str> {
    match element.get(member)? {
        Value::String(text) => Some(text),
        Value::Object(document) => document.get("code")?.as_str(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Indexed;

    fn ids(indexed: &Indexed, text: &str) -> Vec<String> {
        indexed.found_by(text).map(|(id, _)| id.clone()).collect()
    }

    #[test]
    fn what_changes_is_found_by_what_it_says_now_and_by_nothing_else() {
        let mut indexed = Indexed::by("client");
        indexed.insert("2".to_owned(), json!({"client": "a"}));
        indexed.insert("1".to_owned(), json!({"client": "a"}));
        indexed.insert("3".to_owned(), json!({"client": {"code": "a"}}));
        indexed.insert("4".to_owned(), json!({"client": null}));
        assert_eq!(ids(&indexed, "a"), ["1", "2", "3"]);
        indexed.change("2", |element| element["client"] = json!("b"));
        indexed.insert("3".to_owned(), json!({"client": "b"}));
        assert_eq!(ids(&indexed, "a"), ["1"]);
        assert_eq!(ids(&indexed, "b"), ["2", "3"]);
        assert_eq!(indexed.remove("1"), Some(json!({"client": "a"})));
        assert_eq!(ids(&indexed, "a"), [""; 0]);
        assert_eq!(indexed.change("1", Value::take), None);
        assert_eq!(indexed.values().count(), 3);
    }
}
