//! Where the journal is: a file of its own, or a server that several processes share.
//!
//! It decides which connections may carry passwords and personal data, and it must never show a
//! password.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::error::Error;

/// The timeout of a connection attempt.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// A connection is closed after this time without an acknowledgement from the peer.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// Whether a connection without TLS may leave this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlaintextPolicy {
    /// Only to a server on this machine.
    #[default]
    LoopbackOnly,
    /// Anywhere; the operator trusts the network.
    Allowed,
}

/// How a server is reached, in addition to its address.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// The provider's own certificate authority, in addition to the public ones.
    pub ca_pem: Option<Vec<u8>>,
    /// Whether it may be reached without TLS.
    pub plain: PlaintextPolicy,
    /// The requirements for the disk of an embedded journal.
    pub disk: DiskRules,
}

/// The requirements for the disk of an embedded journal.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskRules {
    /// Whether it may be a network disk.
    pub network: NetworkDisk,
    /// Nothing new is accepted while fewer bytes than this are free, so that running cancellations
    /// can still be written.
    pub free_bytes_min: u64,
}

/// Whether the file of an embedded journal may lie on a network file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetworkDisk {
    /// It is refused at the start.
    #[default]
    Refused,
    /// The operator knows that locks and syncs are reliable there.
    Allowed,
}

/// Where the journal is.
#[derive(Clone)]
pub struct JournalUrl(pub(super) Backend);

#[derive(Clone)]
pub(super) enum Backend {
    File(PathBuf, DiskRules),
    Server(Box<Server>),
}

/// A PostgreSQL server and its TLS settings.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) config: tokio_postgres::Config,
    pub(super) tls: Arc<rustls::ClientConfig>,
}

impl JournalUrl {
    /// Reads `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    ///
    /// # Errors
    /// [`Error::Open`] when it is neither, or when it would send personal data unencrypted to
    /// another machine.
    pub fn parse(url: &str, link: &ConnectOptions) -> Result<Self, Error> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return server(url, link).map(|server| Self(Backend::Server(Box::new(server))));
        }
        let path = url
            .strip_prefix("sqlite://")
            .or_else(|| url.strip_prefix("sqlite:"));
        match path {
            // A URL behind `sqlite:` would be printed as a path, with its password.
            Some(path) if !path.is_empty() && !path.contains("://") => {
                Ok(Self(Backend::File(PathBuf::from(path), link.disk)))
            }
            _ => Err(Error::Open(
                "journal.url must look like sqlite:data/journal.db or postgres://user:password@host:5432/database"
                    .to_owned(),
            )),
        }
    }

    /// The kind of store, as the health page names it.
    #[must_use]
    pub fn store(&self) -> &'static str {
        match self.0 {
            Backend::File(..) => "sqlite",
            Backend::Server(_) => "postgres",
        }
    }
}

/// The path or the server; no user and no password.
impl fmt::Display for JournalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Backend::File(path, _) => path.display().fmt(f),
            Backend::Server(server) => {
                let hosts: Vec<String> = server.config.get_hosts().iter().map(named).collect();
                let database = server.config.get_dbname().unwrap_or("its usual database");
                write!(f, "PostgreSQL on {}, {database}", hosts.join(", "))
            }
        }
    }
}

impl fmt::Debug for JournalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn named(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    }
}

/// The driver takes everything up to the first `@` as user and password. With a second `@`, or one
/// in the query, a part of the password would be taken as the host, and be shown.
fn check_credentials(url: &str) -> Result<(), Error> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    match rest.split_once('@') {
        Some((before, after)) if after.contains('@') || before.contains('?') => Err(Error::Open(
            "journal.url holds an @ that does not end user and password; write each @ of a user, a password or a \
             parameter as %40 (likewise # as %23, / as %2F, : as %3A, ? as %3F and % as %25)"
                .to_owned(),
        )),
        Some(_) | None => Ok(()),
    }
}

fn server(url: &str, link: &ConnectOptions) -> Result<Server, Error> {
    check_credentials(url)?;
    // The driver's own message may repeat a part of the URL, and with it the password.
    let mut config: tokio_postgres::Config = url.parse().map_err(|_| {
        Error::Open(
            "journal.url is not an address of PostgreSQL; write postgres://user:password@host:5432/database, \
             with % escapes in user and password (@ is %40, # is %23, / is %2F, : is %3A, ? is %3F), and \
             sslmode=disable, prefer or require"
                .to_owned(),
        )
    })?;
    if config.get_hosts().is_empty() {
        return Err(Error::Open(
            "journal.url names no host; write postgres://user:password@host:5432/database"
                .to_owned(),
        ));
    }
    let mode = match (url.contains("sslmode="), is_on_this_machine(&config)) {
        (true, _) => config.get_ssl_mode(),
        (false, true) => SslMode::Disable,
        (false, false) => SslMode::Require,
    };
    if mode != SslMode::Require
        && link.plain == PlaintextPolicy::LoopbackOnly
        && !is_on_this_machine(&config)
    {
        return Err(Error::Open(
            "journal.url would send passwords and names unencrypted to another machine; write sslmode=require, \
             or set journal.allow_plain = true on a network that you trust"
                .to_owned(),
        ));
    }
    config
        .ssl_mode(mode)
        .connect_timeout(CONNECT_WITHIN)
        .tcp_user_timeout(SILENCE_MAX)
        .keepalives_idle(SILENCE_MAX);
    if config.get_hosts().len() > 1 {
        // Of several servers only the primary is used, for reading too: a standby lags.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    if config.get_application_name().is_none() {
        config.application_name("ozmap-cancel");
    }
    Ok(Server {
        config,
        tls: Arc::new(tls(link)?),
    })
}

fn is_on_this_machine(config: &tokio_postgres::Config) -> bool {
    let is_local = |host: &Host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    config.get_hosts().iter().all(is_local)
        && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// The public authorities and the provider's own; a certificate is always verified.
fn tls(link: &ConnectOptions) -> Result<rustls::ClientConfig, Error> {
    let bad = |what: &str| Error::Open(format!("journal.tls_ca_file {what}"));
    let mut roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(pem) = &link.ca_pem {
        let found: Result<Vec<CertificateDer<'static>>, _> =
            CertificateDer::pem_slice_iter(pem).collect();
        let found = found.map_err(|_| bad("is not a PEM file"))?;
        if found.is_empty() {
            return Err(bad("holds no certificate"));
        }
        for certificate in found {
            roots
                .add(certificate)
                .map_err(|_| bad("holds a certificate that cannot be an authority"))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Open(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
#[expect(clippy::panic, clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Result<JournalUrl, Error> {
        JournalUrl::parse(url, &ConnectOptions::default())
    }

    fn mode(url: &str) -> SslMode {
        match parsed(url).map(|place| place.0) {
            Ok(Backend::Server(server)) => server.config.get_ssl_mode(),
            other => panic!("{url}: {:?}", other.err()),
        }
    }

    #[test]
    fn another_machine_is_only_reached_with_tls() {
        assert_eq!(mode("postgres://a:b@db.example.com/x"), SslMode::Require);
        assert_eq!(mode("postgres://a:b@127.0.0.1/x"), SslMode::Disable);
        assert_eq!(mode("postgresql://a@localhost/x"), SslMode::Disable);
        assert_eq!(
            mode("postgres://a@localhost/x?sslmode=require"),
            SslMode::Require
        );
        for url in [
            "postgres://a:b@db.example.com/x?sslmode=disable",
            "postgres://a:b@10.0.0.5/x?sslmode=prefer",
            "postgres://a:b@localhost,db.example.com/x?sslmode=prefer",
            "postgres://a:b@localhost/x?hostaddr=10.0.0.5&sslmode=disable",
        ] {
            let refused = parsed(url).unwrap_err().to_string();
            assert!(refused.contains("allow_plain"), "{url}: {refused}");
            let trusted = ConnectOptions {
                plain: PlaintextPolicy::Allowed,
                ..ConnectOptions::default()
            };
            assert!(JournalUrl::parse(url, &trusted).is_ok(), "{url}");
        }
    }

    #[test]
    fn of_several_servers_only_the_one_that_can_be_written_will_do() {
        let several = |url: &str| match parsed(url).map(|place| place.0) {
            Ok(Backend::Server(server)) => server.config.get_target_session_attrs(),
            other => panic!("{url}: {:?}", other.err()),
        };
        for url in [
            "postgres://a:b@one.example.com,two.example.com/x",
            "postgres://a:b@one.example.com:5432,two.example.com:5433/x",
            // Not even if the address asks for less.
            "postgres://a:b@one.example.com,two.example.com/x?target_session_attrs=any",
        ] {
            assert_eq!(several(url), TargetSessionAttrs::ReadWrite, "{url}");
        }
    }

    #[test]
    fn no_word_of_it_shows_the_password() {
        let place = parsed("postgres://chef:canary@db.example.com:6543/book").unwrap();
        let said = format!("{place} {place:?}");
        assert_eq!(
            said,
            "PostgreSQL on db.example.com, book PostgreSQL on db.example.com, book"
        );
        for url in [
            "postgres://chef:canary@db.example.com/x?sslmode=canary",
            "postgres://chef:canary@db.example.com:port/x",
            "postgres://chef:canary@/x",
            "postgres://chef:can%ary@db.example.com/x",
            "postgres://db.example.com/x?password=canary&canary=canary",
            "mysql://chef:canary@db.example.com/x",
            "postgres://chef:se@canary@db.example.com/x",
            "postgres://chef:se@canary:1@db.example.com/x",
            "postgres://chef:se/canary@db.example.com/x",
            "postgres://chef:se?canary@db.example.com/x",
            "postgres://chef:se#canary@db.example.com/x",
            "postgres://chef:se:canary@db.example.com/x",
            "postgres://db.example.com/x?password=se@canary",
            "postgres://chef@db.example.com/x?password=se@canary",
            "postgres://chef:canary",
            "sqlite:postgres://chef:canary@db.example.com/x",
        ] {
            let said = match parsed(url) {
                Ok(place) => format!("{place} {place:?}"),
                Err(error) => error.to_string(),
            };
            assert!(!said.contains("canary"), "{url}: {said}");
        }
    }

    #[test]
    fn an_at_sign_that_is_not_escaped_is_refused_with_its_escape() {
        for url in [
            "postgres://u:Secr@tPass@db.example.com/x",
            "postgres://u@x:p@db.example.com/x",
            "postgresql://u:p@db.example.com/x?options=a@b",
        ] {
            let said = parsed(url).unwrap_err().to_string();
            assert!(said.contains("%40"), "{url}: {said}");
            assert!(!said.contains("tPass"), "{said}");
        }
        let escaped = parsed("postgres://u:Secr%40tPass@db.example.com/x").unwrap();
        assert_eq!(escaped.to_string(), "PostgreSQL on db.example.com, x");
    }
}
