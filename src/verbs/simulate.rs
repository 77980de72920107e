//! `simulate`: the OZmap simulator alone.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use ozmap_cancel::simulator::{Fault, Options, Quirk, Quirks, Simulator};
use tokio_util::sync::CancellationToken;

use super::{Done, Problem, block_on, on_signal, tell};

/// What the simulator does.
#[derive(Args)]
pub(crate) struct Arguments {
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

pub(crate) fn run(arguments: Arguments) -> Done {
    block_on(async move {
        let options = Options {
            faults: arguments.faults,
            quirks: Quirks::default()
                .with(&arguments.quirks)
                .map_err(Problem::new)?,
            ..Options::default()
        };
        let simulator = Simulator::bind(arguments.listen, options).await?;
        let address = simulator.address();
        tell(&format!(
            "OZmap simulator on http://{address}, key `simulator-key`\n\
             What is in it:      curl http://{address}/__sim/properties\n\
             What it was asked:  curl http://{address}/__sim/audit\n\
             Break something:    curl http://{address}/__sim/faults -d '\"delete:reset_after*1\"'\n\
             Behave otherwise:   curl http://{address}/__sim/quirks -d '{{\"unknown_code\":\"not_found\"}}'\n\
             Begin anew:         curl -X POST http://{address}/__sim/reset"
        ))?;
        let stop = CancellationToken::new();
        let (signalled, ()) = tokio::join!(on_signal(stop.clone()), simulator.serve(stop.clone()));
        signalled?;
        Ok(ExitCode::SUCCESS)
    })
}
