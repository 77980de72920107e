//! The wiring: a configuration becomes a running service.

use std::net::SocketAddr;
use std::sync::Arc;

use ozmap_cancel::cancel::Cancellations;
use ozmap_cancel::config::Config;
use ozmap_cancel::http::{App, Server, Stopped};
use ozmap_cancel::journal::Journal;
use ozmap_cancel::ozmap::Ozmap;
use ozmap_cancel::replies::Replies;
use tokio_util::sync::CancellationToken;

use super::{Problem, held, listen};

/// A service that is bound and about to serve.
pub(super) struct Service {
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
        let server = Server::bind(config.listen, app)
            .await
            .map_err(|error| Problem::new(listen::problem(config.listen, &error)))?;
        for warning in held_back(&cancellations).await {
            tracing::warn!("{warning}");
        }
        // Not before the address is ours: another instance may be at work.
        cancellations.start();
        Ok(Self {
            server,
            cancellations,
        })
    }

    /// Who works on cancellations.
    pub(super) fn cancellations(&self) -> Arc<Cancellations> {
        self.cancellations.clone()
    }

    /// Where it listens.
    pub(super) fn address(&self) -> Result<SocketAddr, Problem> {
        Ok(self.server.address()?)
    }

    /// Serves until `stop`, and says how the stop ended.
    pub(super) async fn serve(self, stop: CancellationToken) -> Stopped {
        self.server.serve(stop).await
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
