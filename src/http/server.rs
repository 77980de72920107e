//! The accept loop: connections within their limits, and a stop that loses nothing and ends in
//! time.
//!
//! It does not use `axum::serve`, which has no timeout for the head of a request: a stop could wait
//! for one for ever.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::routes::router;
use super::{App, Limits};

/// The backoff after a failed accept: the process has no file descriptors left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// How many connections the system queues while the service accepts none; it may allow fewer.
const BACKLOG: u32 = 1024;

/// A listener that is bound and does not accept yet.
pub struct Server {
    listener: TcpListener,
    app: Arc<App>,
    router: Router,
}

/// How a stop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every request was answered; every cancellation ended or was handed over.
    Drained,
    /// The timeout passed; the next start resumes what is left.
    TimeOver,
}

impl Server {
    /// Binds the listener.
    ///
    /// # Errors
    /// When the address is in use or not this machine's.
    pub async fn bind(address: SocketAddr, app: Arc<App>) -> io::Result<Self> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // A restart must not wait for the connections of the last run to leave TIME_WAIT.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let router = router(app.clone());
        Ok(Self {
            listener,
            app,
            router,
        })
    }

    /// The address that it listens on, with the port that the system chose for port 0.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`, announces it, then drains: accepts no new connection, answers running
    /// requests, lets the workers end or hand over, and closes what is still open after the
    /// timeout.
    pub async fn serve(self, stop: CancellationToken) -> Stopped {
        let connections = TaskTracker::new();
        let (leaving, closing) = (CancellationToken::new(), CancellationToken::new());
        let announced = async {
            stop.cancelled().await;
            // A load balancer sees it in /health/ready and stops sending; until then every request
            // is accepted.
            self.app.draining.cancel();
            sleep(self.app.limits.stop_notice).await;
            leaving.cancel();
        };
        tokio::join!(announced, self.accept(&leaving, &connections, &closing));
        drop(self.listener);
        let deadline = Instant::now() + self.app.limits.drain;
        tracing::info!(
            "draining: {} connections, {} requests in flight",
            connections.len(),
            self.app.cancellations.in_flight()
        );
        connections.close();
        let drained = timeout_at(deadline, async {
            tokio::join!(connections.wait(), self.app.cancellations.stop());
        });
        let stopped = match drained.await {
            Ok(()) => Stopped::Drained,
            Err(_) => Stopped::TimeOver,
        };
        closing.cancel();
        stopped
    }

    async fn accept(
        &self,
        leaving: &CancellationToken,
        connections: &TaskTracker,
        closing: &CancellationToken,
    ) {
        let permits = Arc::new(Semaphore::new(self.app.limits.connections_max));
        loop {
            let accepted = tokio::select! {
                () = leaving.cancelled() => return,
                accepted = accept_one(&self.listener, &permits) => accepted,
            };
            match accepted {
                Ok((stream, permit)) => {
                    let connection = serve_connection(
                        stream,
                        self.router.clone(),
                        self.app.limits,
                        closing.clone(),
                        leaving.clone(),
                    );
                    connections.spawn(async move {
                        connection.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(
                        "failed to accept a connection, retrying in {} ms: {error}",
                        ACCEPT_RETRY.as_millis()
                    );
                    sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }
}

/// Accepts within the limit of connections; others wait in the system's queue, which refuses them
/// when it is full.
async fn accept_one(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, Option<OwnedSemaphorePermit>)> {
    let permit = permits.clone().acquire_owned().await.ok();
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

async fn serve_connection(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    closing: CancellationToken,
    leaving: CancellationToken,
) {
    // Answers are small; Nagle's algorithm would only delay them.
    drop(stream.set_nodelay(true));
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // A caller may close its side and still wait for the answer.
        .half_close(true)
        .header_read_timeout(limits.head)
        .max_buf_size(limits.head_bytes_max)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let mut graceful = false;
    loop {
        tokio::select! {
            // An error is the caller's: it disconnected, was too slow or sent no HTTP.
            _ = connection.as_mut() => return,
            () = leaving.cancelled(), if !graceful => {
                graceful = true;
                connection.as_mut().graceful_shutdown();
            }
            () = closing.cancelled() => return,
        }
    }
}
