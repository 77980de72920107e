//! The address to listen on: whether this machine has it and it is free, and what to do when not.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use super::loopback::{Ask, exchange};

/// The time that whoever has the address gets to say what it is.
const WITHIN: Duration = Duration::from_secs(1);

/// What would come of listening on an address.
pub(super) enum Examined {
    Free,
    /// A service of this kind listens there already.
    Ours,
    Problem(String),
}

/// Looks whether the address could be listened on, and leaves it as it was.
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
    let answer = exchange(reachable(address), &Ask::get("/health/live"), WITHIN).await;
    answer.is_ok_and(|(status, body)| status == 200 && body.contains(r#""status":"alive""#))
}

/// Why an address cannot be listened on, and what to write.
pub(super) fn problem(address: SocketAddr, error: &io::Error) -> String {
    const KNOWN: [(io::ErrorKind, &str); 3] = [
        (
            io::ErrorKind::AddrInUse,
            "another program listens there: stop it, or write another port as server.listen",
        ),
        (
            io::ErrorKind::AddrNotAvailable,
            "this machine does not have that address: write one of its own, or 0.0.0.0, as server.listen",
        ),
        (
            io::ErrorKind::PermissionDenied,
            "a port below 1024 is for root: write a higher one as server.listen, and let a proxy have that one",
        ),
    ];
    let known = KNOWN.iter().find(|(kind, _)| *kind == error.kind());
    let advice = known.map_or("write another address as server.listen", |(_, advice)| {
        advice
    });
    format!("cannot listen on {address}: {error}; {advice}")
}

/// A listener on every address is asked on the loopback one.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V4(_) | IpAddr::V6(_) => listen.ip(),
    };
    SocketAddr::new(ip, listen.port())
}
