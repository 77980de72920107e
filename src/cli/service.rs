//! Wires the parts: makes a running service from a configuration.

use std::net::SocketAddr;
use std::sync::Arc;

use ozmap_cancel::cancel::Cancellations;
use ozmap_cancel::config::Config;
use ozmap_cancel::http::{App, Server, Stopped};
use ozmap_cancel::journal::Journal;
use ozmap_cancel::ozmap::Ozmap;
use ozmap_cancel::replies::Replies;
use tokio::time::{Duration, timeout};
use tokio_util::sync::CancellationToken;

use super::holds::DeletionHolds;
use super::{Problem, listener};

/// How long closing the journal may take. Without a clean close it is still intact, but spread over
/// several files.
const CLOSE: Duration = Duration::from_secs(5);

/// A service that is bound to its address and not serving yet.
pub(super) struct Service {
    app: Arc<App>,
    server: Server,
    cancellations: Arc<Cancellations>,
}

impl Service {
    /// Opens the journal, binds the listener and starts recovery.
    pub(super) async fn start(config: Config) -> Result<Self, Problem> {
        let replies = Replies::load(&config.replies_directory, config.time_zone.clone())?;
        let ozmap = Ozmap::new(config.ozmap)?;
        let journal = Journal::open(&config.journal, config.times)?;
        let cancellations = Cancellations::new(journal, ozmap, config.policy, config.rules);
        let app = App::new(
            config.channels,
            cancellations.clone(),
            replies,
            config.locale,
            config.limits,
        );
        let server = Server::bind(config.listen, app.clone())
            .await
            .map_err(|error| Problem::new(listener::problem(config.listen, &error)))?;
        for warning in deletion_holds(&cancellations).await.warnings() {
            tracing::warn!("{warning}");
        }
        // Only once the address is bound: another instance may be running.
        cancellations.start();
        Ok(Self {
            app,
            server,
            cancellations,
        })
    }

    /// The handlers' state, for `channels try`, which calls them without a network.
    pub(super) fn app(&self) -> Arc<App> {
        self.app.clone()
    }

    /// The cancellation workers.
    pub(super) fn cancellations(&self) -> Arc<Cancellations> {
        self.cancellations.clone()
    }

    /// The address that it listens on.
    pub(super) fn address(&self) -> Result<SocketAddr, Problem> {
        Ok(self.server.address()?)
    }

    /// Serves until `stop`, then closes the journal; returns whether all work was finished.
    pub(super) async fn serve(self, stop: CancellationToken) -> Stopped {
        let stopped = self.server.serve(stop).await;
        let journal = self.cancellations.journal();
        match timeout(CLOSE, journal.close()).await {
            Ok(Ok(())) => {
                tracing::info!("journal closed; all data is in {}", journal.place())
            }
            Ok(Err(error)) => tracing::error!(
                "journal not closed cleanly; keep all files next to {} for the next start: {error}",
                journal.place()
            ),
            Err(_) => tracing::error!(
                "journal not closed in time; keep all files next to {} for the next start",
                journal.place()
            ),
        }
        stopped
    }
}

/// What stops deletions now. When the journal cannot be read, its own error is logged elsewhere.
async fn deletion_holds(cancellations: &Cancellations) -> DeletionHolds {
    DeletionHolds {
        paused: cancellations.is_paused(),
        dry_run: cancellations.is_dry_run(),
        deletes_left: match cancellations.journal().stats().await {
            Ok(stats) => Some(cancellations.deletes_left(stats.deletes_this_hour)),
            Err(_) => None,
        },
    }
}
