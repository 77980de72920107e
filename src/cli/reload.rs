//! SIGHUP reloads the OZmap key, and nothing else of the configuration.
//!
//! It must never end or delay the service: if the configuration cannot be read, the old key stays
//! in use.

use std::convert::Infallible;
use std::io;

use ozmap_cancel::cancel::Cancellations;
use ozmap_cancel::config::{Config, Sources};
use ozmap_cancel::ozmap::KeyTaken;

/// Receives SIGHUP. Once installed, the signal no longer ends the process.
pub(super) struct SighupListener {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl SighupListener {
    #[cfg(unix)]
    pub(super) fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let signal = signal(SignalKind::hangup())?;
        Ok(Self { signal })
    }

    #[cfg(not(unix))]
    pub(super) fn install() -> io::Result<Self> {
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

    /// Reloads the OZmap key at every signal. Every other setting needs a restart.
    pub(super) async fn reload_keys(
        mut self,
        sources: &Sources,
        cancellations: &Cancellations,
    ) -> Infallible {
        loop {
            self.next().await;
            let sources = sources.clone();
            // Reading files blocks.
            let read = tokio::task::spawn_blocking(move || Config::load(&sources)).await;
            match read {
                Ok(Ok(config)) => match cancellations.take_key(&config.ozmap.api_key).await {
                    Ok(KeyTaken::New) => {
                        tracing::info!("OZmap key reloaded; the next call uses the new one");
                    }
                    Ok(KeyTaken::Same) => tracing::warn!(
                        "OZmap key not changed: the configuration still has the old one. A running service \
                         can read a new key only from ozmap.api_key_file or a configuration file"
                    ),
                    Err(error) => {
                        tracing::error!(
                            "OZmap key not reloaded, the old one stays in use: {error}"
                        );
                    }
                },
                Ok(Err(error)) => {
                    let problems = error.problems().join("; ");
                    tracing::error!("OZmap key not reloaded, the old one stays in use: {problems}");
                }
                Err(_) => tracing::error!(
                    "OZmap key not reloaded, the old one stays in use: reading the configuration failed"
                ),
            }
        }
    }
}
