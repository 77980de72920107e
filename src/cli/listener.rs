//! Checks the listen address before the service needs it, and says what to write when it cannot be
//! used.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use super::http_client::{Request, exchange};

/// How long the program that uses the address may take to identify itself.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Whether an address can be listened on.
pub(super) enum Examined {
    Free,
    /// Another ozmap-cancel listens there.
    Ours,
    Problem(String),
}

/// Checks the address and leaves it as it was.
pub(super) async fn examine(address: SocketAddr) -> Examined {
    match TcpListener::bind(address) {
        Ok(_) => Examined::Free,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_ours(address).await => {
            Examined::Ours
        }
        Err(error) => Examined::Problem(problem(address, &error)),
    }
}

async fn is_ours(address: SocketAddr) -> bool {
    let live = Request::get("/health/live");
    let response = exchange(reachable(address), &live, TIMEOUT).await;
    response.is_ok_and(|(status, body)| status == 200 && body.contains(r#""status":"alive""#))
}

/// Why an address cannot be listened on, and what to write instead.
pub(super) fn problem(address: SocketAddr, error: &io::Error) -> String {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the kinds of the standard library are not exhaustive"
    )]
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program uses this port: stop it, or choose another port for server.listen"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have that address: write one of its own, or 0.0.0.0, as server.listen"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need root: choose a higher one for server.listen, and put a proxy in front"
        }
        _ => "write another address as server.listen",
    };
    format!("cannot listen on {address}: {error}; {advice}")
}

/// The address to call for a listener on all addresses: the loopback one.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V4(_) | IpAddr::V6(_) => listen.ip(),
    };
    SocketAddr::new(ip, listen.port())
}
