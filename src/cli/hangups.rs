//! SIGHUP: the key of OZmap is read again, and nothing else of the configuration.
//!
//! It must never end or hold up the service: whatever is wrong with what is read, the old key stays.

use std::convert::Infallible;
use std::io;

use ozmap_cancel::cancel::Cancellations;
use ozmap_cancel::config::{Config, Sources};
use ozmap_cancel::ozmap::KeyTaken;

/// The signals that a terminal or an operator sends for it; from the first of them on none ends the process.
pub(super) struct Hangups {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Hangups {
    #[cfg(unix)]
    pub(super) fn heard() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let signal = signal(SignalKind::hangup())?;
        Ok(Self { signal })
    }

    #[cfg(not(unix))]
    pub(super) fn heard() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        if self.signal.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        std::future::pending::<()>().await;
    }

    /// Takes the key of OZmap at each of them. Everything else needs a start.
    pub(super) async fn take_new_keys(
        mut self,
        sources: &Sources,
        cancellations: &Cancellations,
    ) -> Infallible {
        loop {
            self.next().await;
            let sources = sources.clone();
            // Files are read, which may take its time.
            let read = tokio::task::spawn_blocking(move || Config::load(&sources)).await;
            match read {
                Ok(Ok(config)) => match cancellations.take_key(&config.ozmap.api_key).await {
                    Ok(KeyTaken::New) => {
                        tracing::info!("OZmap is shown the key that was read again");
                    }
                    Ok(KeyTaken::Same) => tracing::warn!(
                        "the key of OZmap that was read again is the old one; nothing changes. A new one can only come from \
                         ozmap.api_key_file or a configuration file"
                    ),
                    Err(error) => tracing::error!("the old key of OZmap stays: {error}"),
                },
                Ok(Err(error)) => {
                    let problems = error.problems().join("; ");
                    tracing::error!("the old key of OZmap stays: {problems}");
                }
                Err(_) => tracing::error!(
                    "the old key of OZmap stays: the configuration could not be read again"
                ),
            }
        }
    }
}
