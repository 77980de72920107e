//! `simulate`: runs the OZmap simulator alone.

use std::process::ExitCode;

use ozmap_simulator::command::{self, Arguments};
use tokio_util::sync::CancellationToken;

use super::{Done, block_on, on_signal};

pub(crate) fn run(arguments: Arguments) -> Done {
    block_on(async move {
        let stop = CancellationToken::new();
        tokio::select! {
            served = command::run(arguments, stop.clone()) => served?,
            // The signal only cancels the token: the simulator closes its connections first.
            Err(error) = on_signal(stop.clone()) => return Err(error.into()),
        }
        Ok(ExitCode::SUCCESS)
    })
}
