//! The simulated OZmap of a test: its controls and its state.

use std::net::{Ipv4Addr, SocketAddr};

use ozmap_simulator::{Options, Simulator};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::sync::DropGuard;

use super::http::send;
use super::{KEY, eventually};

/// A simulator in this process; it ends with the test.
pub struct Ozmap {
    address: SocketAddr,
    _stop: DropGuard,
}

impl Ozmap {
    /// A simulator with its seed.
    pub async fn start() -> Self {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// Like `start`, on the address that a service is configured with.
    pub async fn start_at(address: SocketAddr) -> Self {
        let simulator = Simulator::bind(address, Options::default()).await.unwrap();
        let address = simulator.address();
        let stop = CancellationToken::new();
        tokio::spawn(simulator.serve(stop.clone()));
        Self {
            address,
            _stop: stop.drop_guard(),
        }
    }

    /// The base URL for the service.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reads one of the simulator's control pages.
    pub async fn get(&self, path: &str) -> Value {
        send(self.address, "GET", path, &[], b"")
            .await
            .unwrap()
            .json()
    }

    /// Sends a control request; the test fails if the simulator refuses it.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let reply = send(
            self.address,
            "POST",
            path,
            &[("Content-Type", "application/json")],
            body.to_string().as_bytes(),
        )
        .await
        .unwrap();
        assert!(
            reply.status < 300,
            "the simulator refused {path}: {reply:?}"
        );
        serde_json::from_str(&reply.body).unwrap_or(Value::Null)
    }

    /// Sets a fault in the syntax of the command line, like `delete:reset_after*1`.
    pub async fn fault(&self, fault: &str) {
        self.post("/__sim/faults", &json!(fault)).await;
    }

    /// Removes all faults.
    pub async fn heal(&self) {
        send(self.address, "DELETE", "/__sim/faults", &[], b"")
            .await
            .unwrap();
    }

    /// Adds a reservation; the given members override those of a plain one.
    pub async fn reserve(&self, reservation: Value) -> Value {
        self.post("/__sim/properties", &reservation).await
    }

    /// Deletes a property as a user of OZmap's own pages does.
    pub async fn remove(&self, property: &str) {
        let path = format!("/api/v2/properties/{property}");
        let removed = send(
            self.address,
            "DELETE",
            &path,
            &[("Authorization", KEY)],
            b"",
        )
        .await;
        assert!(removed.unwrap().status < 300);
    }

    /// The properties that the simulator really holds under a code.
    pub async fn holds(&self, code: &str) -> Vec<Value> {
        let code: String = code.bytes().map(|b| format!("%{b:02X}")).collect();
        self.get(&format!("/__sim/properties?code={code}"))
            .await
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// The deletions of properties that the simulator carried out.
    pub async fn deletions(&self) -> Vec<Value> {
        let audit = self.get("/__sim/audit").await;
        let applied = |entry: &&Value| entry["method"] == "DELETE" && entry["applied"] == true;
        audit
            .as_array()
            .unwrap()
            .iter()
            .filter(applied)
            .cloned()
            .collect()
    }

    /// Every call of OZmap's interface, in order.
    pub async fn calls(&self) -> Vec<Value> {
        let calls = self.get("/__sim/calls").await;
        calls["calls"]
            .as_array()
            .or(calls.as_array())
            .cloned()
            .unwrap_or_default()
    }

    /// The methods and paths of the calls about reservations, in order, without the probe of the
    /// API key.
    pub async fn asked(&self) -> Vec<String> {
        let about_reservations = |call: &&Value| call["route"] != "probe";
        self.calls()
            .await
            .iter()
            .filter(about_reservations)
            .map(|call| {
                format!(
                    "{} {}",
                    call["method"].as_str().unwrap_or_default(),
                    call["path"].as_str().unwrap_or_default()
                )
            })
            .collect()
    }

    /// Waits until a call is held by a `hold_before` or `hold_after` fault.
    pub async fn held(&self) {
        eventually("a held call", || async {
            let held = self.get("/__sim/held").await;
            let count = held
                .as_array()
                .map(Vec::len)
                .or_else(|| held["held"].as_array().map(Vec::len))
                .unwrap_or(0);
            (count > 0).then_some(())
        })
        .await;
    }

    /// Releases the held calls.
    pub async fn release(&self) {
        self.post("/__sim/release", &json!({})).await;
    }
}
