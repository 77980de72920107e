//! The wiring: a configuration becomes a running service.

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

use super::{Problem, held, listen};

/// How long the journal may take to be closed; it is sound without that, only not in one file.
const CLOSE: Duration = Duration::from_secs(5);

/// A service that is bound and about to serve.
pub(super) struct Service {
    app: Arc<App>,
    server: Server,
    cancellations: Arc<Cancellations>,
}

impl Service {
    /// Opens the journal, takes up what an earlier run left, and binds the listener.
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
            .map_err(|error| Problem::new(listen::problem(config.listen, &error)))?;
        for warning in held_back(&cancellations).await {
            tracing::warn!("{warning}");
        }
        // Not before the address is ours: another instance may be at work.
        cancellations.start();
        Ok(Self {
            app,
            server,
            cancellations,
        })
    }

    /// What its handlers have, for a customer who is played at the terminal.
    pub(super) fn app(&self) -> Arc<App> {
        self.app.clone()
    }

    /// Who works on cancellations.
    pub(super) fn cancellations(&self) -> Arc<Cancellations> {
        self.cancellations.clone()
    }

    /// Where it listens.
    pub(super) fn address(&self) -> Result<SocketAddr, Problem> {
        Ok(self.server.address()?)
    }

    /// Serves until `stop`, closes the journal, and says how the stop ended.
    pub(super) async fn serve(self, stop: CancellationToken) -> Stopped {
        let stopped = self.server.serve(stop).await;
        let journal = self.cancellations.journal();
        match timeout(CLOSE, journal.close()).await {
            Ok(Ok(())) => {
                tracing::info!("the journal is closed; all of it is in {}", journal.place())
            }
            Ok(Err(error)) => tracing::error!(
                "the journal could not be closed properly; keep every file beside {} for the next start: {error}",
                journal.place()
            ),
            Err(_) => tracing::error!(
                "the journal could not be closed in time; keep every file beside {} for the next start",
                journal.place()
            ),
        }
        stopped
    }
}

/// What the settings and the journal hold back. A journal that cannot be read is told by other words.
async fn held_back(cancellations: &Cancellations) -> Vec<String> {
    let held = held::Held {
        paused: cancellations.is_paused(),
        dry_run: cancellations.is_dry_run(),
        deletes_left: match cancellations.journal().stats().await {
            Ok(stats) => Some(cancellations.deletes_left(stats.deletes_this_hour)),
            Err(_) => None,
        },
    };
    held.warnings()
}
