//! The command line of the simulator, shared by its own binary and by `ozmap-cancel simulate`.
//!
//! It must never listen on an address that the operator did not name: `/__sim/*` needs no key.

use std::io::{self, Write};
use std::net::SocketAddr;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{Error, Fault, Options, Quirk, Quirks, Simulator};

/// Options of the simulator.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:9994")]
    listen: SocketAddr,
    /// A fault to begin with, like `delete:reset_after*1` or `lookup:status=503*3`; may be given more than once
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Fault>,
    /// How it behaves where OZmap is not documented, like `unknown_code=not_found`; may be given more than once
    #[arg(long = "quirk", value_name = "NAME=VALUE")]
    quirks: Vec<Quirk>,
}

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Two values for one quirk.
    #[error("{0}")]
    Quirks(String),
    /// The simulator could not start.
    #[error(transparent)]
    Start(#[from] Error),
    /// Standard output or the signal handler is unusable.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs the simulator until `stop`, and prints first how to talk to it.
pub async fn run(arguments: Arguments, stop: CancellationToken) -> Result<(), CommandError> {
    let options = Options {
        faults: arguments.faults,
        quirks: Quirks::default()
            .with(&arguments.quirks)
            .map_err(CommandError::Quirks)?,
        ..Options::default()
    };
    let simulator = Simulator::bind(arguments.listen, options).await?;
    print(&introduction(simulator.address()))?;
    simulator.serve(stop).await;
    Ok(())
}

/// Cancels `stop` at SIGTERM or SIGINT.
pub async fn stop_on_signal(stop: CancellationToken) -> io::Result<()> {
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

fn introduction(address: SocketAddr) -> String {
    format!(
        "OZmap simulator on http://{address}, key `simulator-key`\n\
         What is in it:      curl http://{address}/__sim/properties\n\
         What it was asked:  curl http://{address}/__sim/audit\n\
         Break something:    curl http://{address}/__sim/faults -d '\"delete:reset_after*1\"'\n\
         Behave otherwise:   curl http://{address}/__sim/quirks -d '{{\"unknown_code\":\"not_found\"}}'\n\
         Start over:         curl -X POST http://{address}/__sim/reset\n"
    )
}

/// A reader that has gone (`| head`) is no error.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
