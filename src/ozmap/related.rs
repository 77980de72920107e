//! The ids related to a property: its client, its code as OZmap held it, and the splitter output
//! that it used.
//!
//! Read from the snapshot taken before the deletion. They must never decide about a deletion.

use serde::Deserialize;
use serde_json::Value;

use super::session::Session;
use crate::domain::PropertyId;

/// One output of a splitter, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The splitter's id.
    pub splitter: PropertyId,
    /// The number of the output.
    pub number: usize,
}

/// Whether an output is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortState {
    /// Nothing is connected to it.
    Free,
    /// Something is connected to it.
    Taken,
}

/// The ids by which OZmap can still be asked about a deleted property.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelatedIds {
    /// Its client, which OZmap deletes with it.
    pub client: Option<PropertyId>,
    /// Its code, byte for byte as OZmap held it.
    pub code: Option<String>,
    /// The splitter output that it used.
    pub port: Option<Port>,
}

impl RelatedIds {
    /// Reads them from a property's JSON and leaves out what cannot be read.
    #[must_use]
    pub fn of(raw: &str) -> Self {
        #[derive(Deserialize)]
        struct Document {
            #[serde(default)]
            client: Value,
            #[serde(default)]
            connections: Value,
        }
        let Ok(Document {
            client,
            connections,
        }) = serde_json::from_str(raw)
        else {
            return Self::default();
        };
        let id = |value: &Value| value.as_str().and_then(PropertyId::parse);
        let code = client["code"].as_str().map(str::to_owned);
        let client = id(&client)
            .or_else(|| id(&client["_id"]))
            .or_else(|| id(&client["id"]));
        let number = connections[0]["port"]
            .as_u64()
            .and_then(|port| usize::try_from(port).ok());
        let port = id(&connections[0]["id"])
            .zip(number.filter(|number| *number > 0))
            .map(|(splitter, number)| Port { splitter, number });
        Self { client, code, port }
    }
}

impl Session<'_> {
    /// Whether an output of a splitter is free; `None` when this OZmap does not say.
    pub async fn port_state(&self, port: &Port) -> Option<PortState> {
        let url = self.ozmap.base.splitter(&port.splitter);
        let reply = self.get_optional(url).await.ok()??;
        let splitter: Value = serde_json::from_slice(&reply.body).ok()?;
        let is_it = [&splitter["id"], &splitter["_id"]]
            .into_iter()
            .any(|id| id.as_str() == Some(port.splitter.as_str()));
        let output = splitter["connectables"]["output"].as_array()?;
        let output = output.get(port.number.checked_sub(1)?).filter(|_| is_it)?;
        Some(if output.is_null() {
            PortState::Free
        } else {
            PortState::Taken
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_related_ids_of_a_property_are_read_if_they_are_readable() {
        const CLIENT: &str = "62d194b46c9401002392c701";
        const SPLITTER: &str = "5da6220df003e8132800001e";
        let of = |raw: String| {
            let related = RelatedIds::of(&raw);
            (
                related.client.map(|id| id.as_str().to_owned()),
                related.port.map(|port| port.number),
            )
        };
        let client = Some(CLIENT.to_owned());
        let port = format!(r#"[{{"id":"{SPLITTER}","port":4}}]"#);
        let raw = format!(r#"{{"client":{{"_id":"{CLIENT}"}},"connections":{port}}}"#);
        assert_eq!(of(raw), (client.clone(), Some(4)));
        let raw = format!(r#"{{"client":"{CLIENT}","connections":[]}}"#);
        assert_eq!(of(raw), (client, None));
        for raw in [
            "",
            "[]",
            "{}",
            r#"{"client":{"id":"x"},"connections":[{"id":"x","port":1}]}"#,
            r#"{"client":null,"connections":{"0":{}}}"#,
            r#"{"connections":[{"id":"5da6220df003e8132800001e","port":0}]}"#,
            r#"{"connections":[{"id":"5da6220df003e8132800001e","port":-1}]}"#,
        ] {
            assert_eq!(of(raw.to_owned()), (None, None), "{raw}");
        }
    }
}
