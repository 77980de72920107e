//! One file for each verb, and what they share: how they speak, and how they wait for a signal.

pub(crate) mod channels;
pub(crate) mod check;
pub(crate) mod demo;
mod folder;
mod hangups;
pub(crate) mod healthcheck;
mod held;
pub(crate) mod journal;
mod listen;
mod loopback;
pub(crate) mod serve;
mod service;
pub(crate) mod simulate;
mod transcript;
mod try_out;

use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

/// What went wrong, as the person at the terminal reads it.
pub(crate) struct Problem(String);

impl<E: std::error::Error> From<E> for Problem {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Self(text)
    }
}

impl Problem {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// How a verb ended.
pub(crate) type Done = Result<ExitCode, Problem>;

/// Says what went wrong. When stderr is gone there is nobody to say it to.
pub(crate) fn complain(problem: &Problem) {
    for line in problem.0.lines() {
        drop(writeln!(io::stderr(), "ozmap-cancel: {line}"));
    }
}

/// Writes a result. A reader that has gone (`| head`) is no error.
fn tell(text: &str) -> Result<(), Problem> {
    match writeln!(io::stdout(), "{text}").and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Runs a verb that waits.
fn block_on(work: impl Future<Output = Done>) -> Done {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(work);
    // A name that is being looked up cannot be interrupted, and must not hold up a stop.
    runtime.shutdown_background();
    done
}

/// Cancels a token when the system or the person at the terminal asks for a stop.
async fn on_signal(stop: CancellationToken) -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    stop.cancel();
    Ok(())
}
