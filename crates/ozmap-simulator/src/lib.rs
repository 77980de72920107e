//! OZmap in memory: the part of its API v2 that a cancellation touches, with a world behind it.
//!
//! The simulator is the other side in every test and in the demo. It keeps properties, clients,
//! drops and splitter ports as the real server does, so that deleting a property takes its client
//! and frees its port, and it can be told to go wrong at the worst moment. It must never be
//! reachable by strangers, because `/__sim/*` needs no key. It shares no code with a client of
//! OZmap: a mistake that both share is one that no test can find.
//!
//! The files, in the order in which a call passes them:
//! - `wire`, `shared`       connections, and the state behind one lock that they share
//! - `request`, `routes`    which call it is
//! - `exchange`             when a fault acts
//! - `act`, `access`        applies the call under the lock, for a user with its role
//! - `endpoints`, `clients`, `inventory`, `reservation`   what each call does to the world
//! - `query`, `filter`      lists: which rows, in which order
//! - `answer`, `tamper`     the answer, and documents that lie
//! - `records`              the audit
//!
//! The world and its behaviour:
//! - `state`, `indexed`, `documents`   the elements
//! - `seed`, `plant`        fill the world
//! - `faults`, `kinds`, `plan`   what goes wrong, and when
//! - `quirks`, `habits`     how the undocumented points behave
//! - `control`              `/__sim/*`
//! - `options`, `command`   set-up and command line
//! - `in_process`           reaches the simulator through pipes, without a network
//!
//! Where the public material about OZmap is silent, the simulator takes the likeliest answer and
//! makes it a [`Quirks`] switch; texts that no source shows are marked as invented.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

mod access;
mod act;
mod answer;
mod clients;
pub mod command;
mod control;
mod documents;
mod endpoints;
mod exchange;
mod faults;
mod filter;
mod habits;
pub mod in_process;
mod indexed;
mod inventory;
mod kinds;
mod options;
mod plan;
mod plant;
mod query;
mod quirks;
mod records;
mod request;
mod reservation;
mod routes;
mod seed;
mod shared;
mod state;
mod tamper;
mod wire;

pub use faults::{Fault, FaultError};
pub use options::{Key, Latency, Options, Role};
pub use quirks::{
    Authenticated, ClientById, ClientMembers, DeleteAnswer, Deletes, DuplicateCode, ErrorBody,
    Filters, MalformedId, Pagination, Quirk, Quirks, Root, SubDocuments, UnknownCode, Users,
};

/// A simulator that listens but does not answer yet: that is [`Simulator::serve`].
#[derive(Debug)]
pub struct Simulator {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<shared::Shared>,
}

/// Why a simulator could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
    /// The seed set contradicts itself, which is a mistake in this module.
    #[error("the seed set cannot be planted: {reason}")]
    Seed {
        /// The refusal.
        reason: String,
    },
}

impl Simulator {
    /// Listens on an address, with port 0 on one that is free, and seeds the world.
    pub async fn bind(listen: SocketAddr, options: Options) -> Result<Simulator, Error> {
        let failed = |source| Error::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let shared = shared::Shared::new(options).map_err(|refusal| Error::Seed {
            reason: format!("{refusal:?}"),
        })?;
        Ok(Simulator {
            listener,
            address,
            shared: Arc::new(shared),
        })
    }

    /// Where it listens, with the port that it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers calls until `stop`, then drops every connection and returns.
    pub async fn serve(self, stop: CancellationToken) {
        let Simulator {
            listener, shared, ..
        } = self;
        // Connections end even if this future is dropped instead of stopped.
        let _stopped = shared.stop.clone().drop_guard();
        tokio::select! {
            () = wire::accept(listener, Arc::clone(&shared)) => {}
            () = stop.cancelled() => {}
        }
        shared.stop.cancel();
        shared.tasks.close();
        shared.tasks.wait().await;
    }
}
