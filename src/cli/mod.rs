//! The command line, one file per command, and what they share: output, the runtime, signals.
//!
//! - `serve`        runs the service; `service` wires its parts, `reload` handles SIGHUP
//! - `demo/`        the simulator, the service and a scripted conversation (`demo/script`)
//! - `simulate`     the OZmap simulator alone
//! - `check`        reports configuration problems; reads only
//! - `healthcheck`  asks a running service whether it is ready
//! - `channels/`    `list`, `show`, `test` (`channels/capture` reads the request) and `try`
//!   (`channels/try_out`)
//! - `journal`      `list`, `show` and `backup`
//! - `listener`     whether the listen address is usable
//! - `holds`        warnings about settings that stop deletions
//! - `http_client`  one HTTP exchange with a listener of this machine
//! - `temp_dir`     a temporary directory that is removed at the end
//!
//! Results go to stdout, everything else to stderr. No command takes a secret as an argument.

pub(crate) mod channels;
pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod healthcheck;
mod holds;
mod http_client;
pub(crate) mod journal;
mod listener;
mod reload;
pub(crate) mod serve;
mod service;
pub(crate) mod simulate;
mod temp_dir;

use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

/// An error as it is printed at the terminal, with its causes.
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

/// How a command ended.
pub(crate) type Done = Result<ExitCode, Problem>;

/// Prints an error. A closed stderr is ignored.
pub(crate) fn complain(problem: &Problem) {
    for line in problem.0.lines() {
        drop(writeln!(io::stderr(), "ozmap-cancel: {line}"));
    }
}

/// Prints a result. A closed pipe (`| head`) is not an error.
fn tell(text: &str) -> Result<(), Problem> {
    match writeln!(io::stdout(), "{text}").and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Runs an asynchronous command.
fn block_on(work: impl Future<Output = Done>) -> Done {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(work);
    // A DNS look-up blocks a thread and cannot be interrupted; it must not delay the exit.
    runtime.shutdown_background();
    done
}

/// Cancels the token on SIGTERM or Ctrl+C.
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
