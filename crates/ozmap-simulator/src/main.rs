//! The simulator alone: `cargo run -p ozmap-simulator`.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use ozmap_simulator::command::{self, Arguments, CommandError};
use tokio_util::sync::CancellationToken;

/// OZmap in memory, with faults. Never let strangers reach it: `/__sim/*` needs no key.
#[derive(Parser)]
#[command(name = "ozmap-simulator", version)]
struct CommandLine {
    #[command(flatten)]
    arguments: Arguments,
}

fn main() -> ExitCode {
    match run(CommandLine::parse().arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without stderr there is no other place for the message.
            drop(writeln!(io::stderr(), "ozmap-simulator: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let signalled = command::stop_on_signal(stop.clone());
        tokio::select! {
            served = command::run(arguments, stop.clone()) => served,
            // The signal only asks: the simulator ends its connections first.
            Err(error) = signalled => Err(error.into()),
        }
    })
}
