//! `healthcheck`: asks a running service whether it is ready.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use ozmap_cancel::config::{self, Sources};

use super::listen::reachable;
use super::loopback::{Ask, exchange};
use super::{Done, block_on, tell};

/// Shorter than the patience of container platforms.
const WITHIN: Duration = Duration::from_millis(2_500);

/// Whom to ask.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where the service listens; by default the configured address
    #[arg(long, value_name = "ADDRESS:PORT")]
    address: Option<SocketAddr>,
}

pub(crate) fn run(arguments: &Arguments, sources: &Sources) -> Done {
    let address = match arguments.address {
        Some(address) => address,
        None => config::listen(sources)?,
    };
    block_on(async move {
        let (status, body) =
            exchange(reachable(address), &Ask::get("/health/ready"), WITHIN).await?;
        tell(body.trim())?;
        Ok(if status == 200 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    })
}
