//! A journal that several replicas share: only the behaviour that an embedded one cannot show. The
//! rest of the suite runs on PostgreSQL unchanged, see `support::store`.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use self::proxy::Proxy;
use crate::cancel::{
    CODE, PROPERTY, SHORT, asking, assert_deleted_only, assert_is_true, calls_of, each, holds,
    named, try_ask_of,
};
use crate::support::postgres::{Server, Session, Sync, shared};
use crate::support::{Launch, Ozmap, Reply, Service, eventually, skipped};

mod commits;
mod proxy;
mod refused;
mod replicas;
mod rows;
mod server;
mod silence;
mod under_way;
mod upgrade;

/// What a skipped test needs.
pub const NEEDS: &str = "PostgreSQL";

/// Some replicas on one journal.
pub struct Replicas {
    pub ozmap: Ozmap,
    pub services: Vec<Service>,
    pub journal: Session,
    pub folder: TempDir,
}

/// One replica behind a proxy.
async fn behind(server: &Server, settings: &[(&str, &str)]) -> (Replicas, Proxy) {
    let proxy = Proxy::to(server.port()).await;
    let folder = tempfile::tempdir().unwrap();
    let seen = server.place(folder.path().file_name().unwrap().to_str().unwrap());
    let used = seen.replace(
        &format!(":{}/", server.port()),
        &format!(":{}/", proxy.port()),
    );
    let replicas = Replicas::at(&seen, &used, folder, 1, settings).await;
    (replicas, proxy)
}

/// The kind of a refusal.
fn problem(reply: &Reply) -> String {
    let kind = reply.json()["type"].as_str().unwrap().to_owned();
    kind.trim_start_matches("urn:ozmap-cancel:problem:")
        .to_owned()
}

/// The rows of a table of a journal as JSON.
fn rows_of(journal: &Session, table: &str, order: &str) -> Vec<Value> {
    let rows = format!("SELECT row_to_json(t) FROM (SELECT * FROM {table} ORDER BY {order}) t");
    journal.run(&rows)
}

/// The cancellations of a journal, oldest first.
pub fn cancellations_of(journal: &Session) -> Vec<Value> {
    rows_of(journal, "op", "created_at, id")
}

impl Replicas {
    /// Starts `count` replicas on a new journal of a server.
    pub async fn on(server: &Server, count: usize, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = server.place(folder.path().file_name().unwrap().to_str().unwrap());
        Self::at(&url, &url, folder, count, settings).await
    }

    /// The same, where the replicas use another address for the journal than the test.
    async fn at(
        seen: &str,
        used: &str,
        folder: TempDir,
        count: usize,
        settings: &[(&str, &str)],
    ) -> Self {
        let ozmap = Ozmap::start().await;
        let mut launch = Launch::new(&ozmap.url(), used);
        for (name, value) in settings {
            launch = launch.set(name, value);
        }
        // They start at once, so that they also create the tables at once.
        let starting = (0..count).map(|_| {
            let launch = launch.clone();
            tokio::spawn(async move { launch.start().await })
        });
        let starting: Vec<_> = starting.collect();
        let mut services = Vec::new();
        for service in starting {
            services.push(service.await.unwrap());
        }
        Self {
            ozmap,
            services,
            journal: Session::open(seen),
            folder,
        }
    }

    /// The rows of a table as JSON.
    fn rows(&self, table: &str, order: &str) -> Vec<Value> {
        rows_of(&self.journal, table, order)
    }

    fn cancellations(&self) -> Vec<Value> {
        cancellations_of(&self.journal)
    }

    fn events(&self) -> Vec<String> {
        let events = self.rows("op_event", "at_ms, seq");
        events
            .iter()
            .map(|event| event["kind"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Sends a request to one replica in a separate task.
    fn asking(
        &self,
        replica: usize,
        body: Value,
    ) -> tokio::task::JoinHandle<std::io::Result<Reply>> {
        tokio::spawn(try_ask_of(self.services[replica].address(), body))
    }

    /// Waits until everything that was accepted has ended.
    async fn ended(&self) -> Vec<Value> {
        eventually("every accepted cancellation to end", || async {
            let rows = self.cancellations();
            rows.iter()
                .all(|row| row["state"] == "done")
                .then_some(rows)
        })
        .await
    }
}
