//! `healthcheck`: asks a running service whether it is ready.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use ozmap_cancel::config::{self, Sources};

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

/// A listener on every address is asked on the loopback one.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V4(_) | IpAddr::V6(_) => listen.ip(),
    };
    SocketAddr::new(ip, listen.port())
}
