//! Which certificates the client trusts; the key must never reach another server.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use ozmap_cancel::ozmap::{
    Acted, Error, FailureKind, Ozmap, PlainHttp, SetupError, Trust, parse_pin,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{SupportedProtocolVersion, version};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::ozmap::rig::settings;
use crate::support::Launch;

/// The certificate and the key of a server.
struct Identity {
    der: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Identity {
    /// Self-signed, like `openssl req -x509` makes it: its own authority.
    fn by_hand(names: &[&str]) -> Self {
        let mut params = params(names);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self::self_signed(&params)
    }

    fn self_signed(params: &CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            der: certificate.der().clone(),
            pem: certificate.pem(),
            key,
        }
    }

    fn signed_by(params: &CertificateParams, authority: &CertifiedIssuer<'_, KeyPair>) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, authority).unwrap();
        Self {
            der: certificate.der().clone(),
            pem: certificate.pem(),
            key,
        }
    }

    fn fingerprint(&self) -> String {
        hex::encode(Sha256::digest(self.der.as_ref()))
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    CertificateParams::new(names).unwrap()
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = params(&[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A TLS server that answers everything with `{}` and counts the requests.
struct Server {
    port: u16,
    requests: Arc<AtomicUsize>,
    _stop: DropGuard,
}

impl Server {
    async fn new(identity: &Identity) -> Self {
        Self::showing(&identity.der, &identity.key, rustls::DEFAULT_VERSIONS).await
    }

    /// A server that presents a certificate and signs with a key, which may belong to another
    /// certificate.
    async fn showing(
        certificate: &CertificateDer<'static>,
        key: &KeyPair,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
        let shown = CertifiedKey::new(vec![certificate.clone()], key);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::new(0));
        let (stop, counted) = (CancellationToken::new(), requests.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, counted) = (acceptor.clone(), counted.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut head = [0; 4096];
                    while stream.read(&mut head).await.is_ok_and(|read| read > 0) {
                        counted.fetch_add(1, SeqCst);
                        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
                        drop(stream.write_all(answer).await);
                    }
                });
            }
        }));
        Self {
            port,
            requests,
            _stop: stop.drop_guard(),
        }
    }

    fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    async fn probe(&self, trust: Trust) -> Result<(), Error> {
        let mut settings = settings(&self.url());
        settings.trust = trust;
        let ozmap = Ozmap::new(settings).unwrap();
        ozmap.probe().await
    }

    /// Asserts that the server is not trusted, and returns the message for the operator.
    async fn refused(&self, trust: Trust) -> String {
        let error = self.probe(trust).await.unwrap_err();
        assert_eq!(
            (error.kind, error.acted),
            (FailureKind::Tls, Acted::No),
            "{error}"
        );
        assert_eq!(self.requests.load(SeqCst), 0, "a stranger was told the key");
        error.to_string()
    }

    async fn believed(&self, trust: Trust) {
        self.probe(trust).await.unwrap();
        assert_eq!(self.requests.load(SeqCst), 1);
    }
}

fn ca(pem: &str) -> Trust {
    Trust {
        ca_pem: Some(pem.as_bytes().to_vec()),
        pin_sha256: None,
    }
}

fn pin(fingerprint: &str) -> Trust {
    Trust {
        ca_pem: None,
        pin_sha256: Some(parse_pin(fingerprint).unwrap()),
    }
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused_with_the_pin_that_would_allow_it() {
    for identity in [
        Identity::by_hand(&["127.0.0.1"]),
        Identity::self_signed(&params(&["127.0.0.1"])),
    ] {
        let server = Server::new(&identity).await;
        let told = server.refused(Trust::default()).await;
        let hint = format!("ozmap.tls_pin_sha256 = \"{}\"", identity.fingerprint());
        assert!(told.contains(&hint), "{told}");
    }
}

#[tokio::test]
async fn the_certificate_in_the_file_is_trusted_though_it_is_its_own_authority() {
    for identity in [
        Identity::by_hand(&["127.0.0.1"]),
        Identity::self_signed(&params(&["127.0.0.1"])),
    ] {
        let server = Server::new(&identity).await;
        server.believed(ca(&identity.pem)).await;
    }
}

#[tokio::test]
async fn another_certificate_than_the_one_in_the_file_is_refused() {
    let (named, shown) = (
        Identity::by_hand(&["127.0.0.1"]),
        Identity::by_hand(&["127.0.0.1"]),
    );
    let server = Server::new(&shown).await;
    server.refused(ca(&named.pem)).await;
}

#[tokio::test]
async fn a_certificate_of_the_providers_own_authority_is_trusted() {
    let authority = authority();
    let identity = Identity::signed_by(&params(&["127.0.0.1"]), &authority);
    let server = Server::new(&identity).await;
    let told = server.refused(Trust::default()).await;
    assert!(told.contains(&identity.fingerprint()), "{told}");
    server.believed(ca(&authority.pem())).await;
    let several = format!("{}\n{}", Identity::by_hand(&["x"]).pem, authority.pem());
    let again = Server::new(&identity).await;
    again.believed(ca(&several)).await;
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let authority = authority();
    let identity = Identity::signed_by(&params(&["ozmap.example", "127.0.0.2"]), &authority);
    let server = Server::new(&identity).await;
    server.refused(ca(&authority.pem())).await;
}

#[tokio::test]
async fn a_certificate_that_has_expired_or_is_not_valid_yet_is_refused() {
    let authority = authority();
    for (from, until) in [(2019, 2020), (2090, 2091)] {
        let mut params = params(&["127.0.0.1"]);
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let identity = Identity::signed_by(&params, &authority);
        let server = Server::new(&identity).await;
        server.refused(ca(&authority.pem())).await;
    }
}

#[tokio::test]
async fn a_pinned_certificate_is_trusted_and_no_other() {
    let authority = authority();
    let identity = Identity::by_hand(&["another.host"]);
    Server::new(&identity)
        .await
        .believed(pin(&identity.fingerprint()))
        .await;

    let other = Identity::signed_by(&params(&["127.0.0.1"]), &authority);
    let server = Server::new(&other).await;
    let told = server.refused(pin(&identity.fingerprint())).await;
    assert!(told.contains(&other.fingerprint()), "{told}");
    // Not even if its authority is trusted, or if the file contains it.
    for pem in [authority.pem(), other.pem.clone()] {
        let both = Trust {
            ca_pem: Some(pem.into_bytes()),
            ..pin(&identity.fingerprint())
        };
        server.refused(both).await;
    }
}

#[tokio::test]
async fn a_server_with_a_known_certificate_and_another_key_is_refused() {
    let identity = Identity::by_hand(&["127.0.0.1"]);
    let stranger = KeyPair::generate().unwrap();
    for version in [&version::TLS13, &version::TLS12] {
        for trust in [pin(&identity.fingerprint()), ca(&identity.pem)] {
            let thief = Server::showing(&identity.der, &stranger, &[version]).await;
            thief.refused(trust.clone()).await;
            let owner = Server::showing(&identity.der, &identity.key, &[version]).await;
            owner.believed(trust).await;
        }
    }
}

#[test]
fn a_pin_is_read_as_tools_print_it() {
    let plain = "0123456789abcdef".repeat(4);
    let bytes = parse_pin(&plain).unwrap();
    assert_eq!((bytes[0], bytes[7], bytes[31]), (0x01, 0xef, 0xef));
    let colons: Vec<&str> = (0..32).map(|at| &plain[at * 2..at * 2 + 2]).collect();
    assert_eq!(parse_pin(&colons.join(":")), Some(bytes));
    assert_eq!(parse_pin(&plain.to_uppercase()), Some(bytes));
    for bad in [
        "",
        "ab",
        &plain[1..],
        &format!("{plain}00"),
        &plain.replace('a', "g"),
        "é",
    ] {
        assert_eq!(parse_pin(bad), None, "{bad}");
    }
}

#[test]
fn a_file_without_a_certificate_is_an_error() {
    let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let key = KeyPair::generate().unwrap().serialize_pem();
    for file in [
        "",
        "certificate",
        "-----BEGIN CERTIFICATE-----\n",
        bad,
        &key,
    ] {
        let mut settings = settings("https://127.0.0.1:1");
        settings.trust = ca(file);
        let error = Ozmap::new(settings).err().expect(file);
        assert!(error.to_string().contains("ozmap.tls_ca_file"), "{error}");
    }
}

#[test]
fn plain_http_to_another_machine_needs_allow_http() {
    for url in [
        "http://10.0.0.1:9994",
        "http://ozmap.example",
        "http://localhost.example",
    ] {
        let refused = Ozmap::new(settings(url)).err().unwrap();
        assert!(matches!(refused, SetupError::Base(_)), "{refused}");
        assert!(
            refused.to_string().contains("ozmap.allow_http"),
            "{refused}"
        );
        let mut allowed = settings(url);
        allowed.plain_http = PlainHttp::Allowed;
        assert!(Ozmap::new(allowed).is_ok());
    }
}

/// What `check` prints for an address and more settings.
fn check(url: &str, more: &[(&str, &str)]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let journal = format!("sqlite:{}", folder.path().join("journal.db").display());
    let mut launch = Launch::new(url, &journal);
    for (name, value) in more {
        launch = launch.set(name, value);
    }
    let output = launch.run(&["check"]);
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_prints_the_pin_and_accepts_what_it_printed() {
    let identity = Identity::by_hand(&["127.0.0.1"]);
    let server = Server::new(&identity).await;
    let url = server.url();
    let (exit, printed) = check(&url, &[]);
    assert_eq!(exit, Some(1), "{printed}");
    let hint = format!("ozmap.tls_pin_sha256 = \"{}\"", identity.fingerprint());
    assert!(printed.contains(&hint), "{printed}");

    let (exit, printed) = check(&url, &[("OZMAP__TLS_PIN_SHA256", &identity.fingerprint())]);
    assert_eq!(exit, Some(0), "{printed}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ozmap.pem");
    std::fs::write(&file, &identity.pem).unwrap();
    let (exit, printed) = check(&url, &[("OZMAP__TLS_CA_FILE", file.to_str().unwrap())]);
    assert_eq!(exit, Some(0), "{printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_refuses_plain_http() {
    let (exit, printed) = check("http://192.0.2.1:9994", &[]);
    assert_eq!(exit, Some(1), "{printed}");
    assert!(printed.contains("ozmap.allow_http"), "{printed}");
}
