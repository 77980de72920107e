//! The wiring: a configuration becomes a running service.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ozmap_cancel::cancel::Cancellations;
use ozmap_cancel::config::Config;
use ozmap_cancel::http::{App, Server, Stopped};
use ozmap_cancel::journal::Journal;
use ozmap_cancel::ozmap::Ozmap;
use ozmap_cancel::replies::Replies;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Problem;

/// How often OZmap is asked whether the key still works, when nobody else asked it anything.
const PROBE: Duration = Duration::from_secs(30);

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
        let cancellations = Cancellations::start(journal, ozmap, config.policy, config.rules);
        let app = App::new(
            config.channels,
            cancellations.clone(),
            replies,
            config.locale,
            config.limits,
        );
        let server = Server::bind(config.listen, app).await.map_err(|error| {
            Problem::new(format!("cannot listen on {}: {error}", config.listen))
        })?;
        Ok(Self {
            server,
            cancellations,
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> Result<SocketAddr, Problem> {
        Ok(self.server.address()?)
    }

    /// Serves until `stop`, and says how the stop ended.
    pub(super) async fn serve(self, stop: CancellationToken) -> Stopped {
        let cancellations = self.cancellations;
        tokio::select! {
            stopped = self.server.serve(stop) => stopped,
            never = probe(&cancellations) => match never {},
        }
    }
}

/// Keeps what the health page says of OZmap fresh, without touching any reservation.
async fn probe(cancellations: &Cancellations) -> std::convert::Infallible {
    loop {
        if let Err(error) = cancellations.ozmap().slot().await.probe().await {
            tracing::warn!("OZmap does not confirm the key: {error}");
        }
        sleep(PROBE).await;
    }
}
