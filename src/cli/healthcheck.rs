//! `healthcheck`: asks a running service whether it is ready.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use ozmap_cancel::config::{self, Sources};

use super::http_client::{Request, exchange};
use super::listener::reachable;
use super::{Done, block_on, tell};

/// Shorter than the usual timeout of container platforms.
const TIMEOUT: Duration = Duration::from_millis(2_500);

/// Which service to ask.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The address of the service; by default server.listen of the configuration
    #[arg(long, value_name = "ADDRESS:PORT")]
    address: Option<SocketAddr>,
}

pub(crate) fn run(arguments: &Arguments, sources: &Sources) -> Done {
    let address = match arguments.address {
        Some(address) => address,
        None => config::listen(sources)?,
    };
    block_on(async move {
        let request = Request::get("/health/ready");
        let (status, body) = exchange(reachable(address), &request, TIMEOUT).await?;
        tell(body.trim())?;
        Ok(if status == 200 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    })
}
