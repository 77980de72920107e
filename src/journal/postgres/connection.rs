//! One connection to PostgreSQL, used from a thread that may block.
//!
//! Every exchange has a timeout, because a frozen server still acknowledges packets. It must never
//! repeat the server's details about rows, which are personal data.

use std::error::Error as _;
use std::future::Future;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Row, SimpleQueryMessage, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::values::{borrowed, owned};
use crate::journal::error::Error;
use crate::journal::store::Value;
use crate::journal::url::{CONNECT_WITHIN, Server};

/// The timeout of one exchange; longer than the server's own limits, which keep the connection
/// usable.
const EXCHANGE_WITHIN: Duration = Duration::from_secs(5);

/// The server's own limits, for this connection.
const LIMITS: &str = "SET statement_timeout = 3000; SET lock_timeout = 1000; \
     SET idle_in_transaction_session_timeout = 5000; SET default_transaction_isolation = 'read committed'";

/// Why an exchange failed. The difference is whether the connection can still be used.
pub(super) enum Trouble {
    /// The server refused this statement.
    Refused(SqlState, String),
    /// The connection is gone; the last statement may have been executed.
    Lost(String),
}

/// What a failure means for the journal.
pub(super) fn told(trouble: Trouble) -> Error {
    match trouble {
        // Two replicas wrote the same at the same moment, or deadlocked, and the database chose
        // one.
        Trouble::Refused(code, _)
            if code == SqlState::UNIQUE_VIOLATION || code == SqlState::T_R_DEADLOCK_DETECTED =>
        {
            Error::Raced
        }
        Trouble::Refused(code, text) => Error::Unavailable(format!("{text} ({})", code.code())),
        Trouble::Lost(text) => Error::Unavailable(text),
    }
}

/// A connection and the runtime that drives it.
pub(super) struct Connection {
    client: Client,
    // An option, so that `drop` can end it by value.
    runtime: Option<Runtime>,
}

impl Connection {
    /// Connects, or fails within a timeout.
    pub(super) fn open(server: &Server) -> Result<Self, Trouble> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Trouble::Lost(error.to_string()))?;
        let tls = MakeRustlsConnect::new(rustls::ClientConfig::clone(&server.tls));
        let connected =
            runtime.block_on(async { timeout(CONNECT_WITHIN, connect(server, tls)).await });
        let connected = connected
            .unwrap_or_else(|_| Err(Trouble::Lost("the database does not answer".to_owned())));
        let client = match connected {
            Ok(client) => client,
            Err(trouble) => {
                // A pending name lookup must not block the caller.
                runtime.shutdown_background();
                return Err(trouble);
            }
        };
        let mut connection = Self {
            client,
            runtime: Some(runtime),
        };
        connection.run(LIMITS)?;
        Ok(connection)
    }

    /// Runs commands that have no parameters.
    pub(super) fn run(&mut self, commands: &str) -> Result<(), Trouble> {
        self.run_within(commands, EXCHANGE_WITHIN)
    }

    /// The same for commands that may take longer than usual.
    pub(super) fn run_within(&mut self, commands: &str, limit: Duration) -> Result<(), Trouble> {
        self.exchange_within(limit, |client| client.batch_execute(commands))
    }

    /// Asks for the first row, as texts.
    pub(super) fn ask(&mut self, question: &str) -> Result<Vec<String>, Trouble> {
        let answer = self.exchange(|client| client.simple_query(question))?;
        let row = answer.iter().find_map(|message| {
            if let SimpleQueryMessage::Row(row) = message {
                return Some(row);
            }
            None
        });
        Ok(row.map_or_else(Vec::new, |row| {
            (0..row.len())
                .map(|at| row.get(at).unwrap_or_default().to_owned())
                .collect()
        }))
    }

    /// Runs a statement in one exchange, unprepared: a new connection has nothing to restore.
    pub(super) fn execute(&mut self, text: &str, parameters: &[Value]) -> Result<u64, Trouble> {
        let parameters = owned(parameters);
        let parameters = borrowed(&parameters);
        self.exchange(|client| client.execute_typed(text, &parameters))
    }

    /// The same, for its rows.
    pub(super) fn query(&mut self, text: &str, parameters: &[Value]) -> Result<Vec<Row>, Trouble> {
        let parameters = owned(parameters);
        let parameters = borrowed(&parameters);
        self.exchange(|client| client.query_typed(text, &parameters))
    }

    fn exchange<'a, T, F>(&'a self, ask: impl FnOnce(&'a Client) -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, tokio_postgres::Error>>,
    {
        self.exchange_within(EXCHANGE_WITHIN, ask)
    }

    fn exchange_within<'a, T, F>(
        &'a self,
        limit: Duration,
        ask: impl FnOnce(&'a Client) -> F,
    ) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, tokio_postgres::Error>>,
    {
        let Some(runtime) = &self.runtime else {
            return Err(Trouble::Lost("the connection has ended".to_owned()));
        };
        let asked = ask(&self.client);
        match runtime.block_on(async { timeout(limit, asked).await }) {
            Ok(answer) => answer.map_err(|error| trouble(&error)),
            Err(_) => Err(Trouble::Lost(
                "the database does not answer in time".to_owned(),
            )),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn connect<T>(server: &Server, tls: T) -> Result<Client, Trouble>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let connected = server.config.connect(tls).await;
    let (client, wire) = connected.map_err(|error| trouble(&error))?;
    // On the connection's own runtime, which ends with it. Its errors reach the callers that wait
    // for answers.
    tokio::runtime::Handle::current().spawn(async move { drop(wire.await) });
    Ok(client)
}

/// Only the server's message, because the details of an error show the row.
fn trouble(error: &tokio_postgres::Error) -> Trouble {
    if let Some(said) = error.as_db_error() {
        let text = said.message().to_owned();
        return match said.parsed_severity() {
            Some(Severity::Error) => Trouble::Refused(said.code().clone(), text),
            _ => Trouble::Lost(format!("{text} ({})", said.code().code())),
        };
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    Trouble::Lost(text)
}
