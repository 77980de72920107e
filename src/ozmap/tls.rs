//! Which certificates are trusted: those of public authorities, of the provider's own authority, or
//! one pinned certificate.
//!
//! It must never accept just any certificate. A self-signed certificate from `openssl req -x509` is
//! its own authority and not a valid server certificate; it is accepted only if the operator
//! configured exactly that certificate.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};

/// What is trusted besides, or instead of, the public authorities.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// PEM certificates of the provider's own authority, or of the OZmap server.
    pub ca_pem: Option<Vec<u8>>,
    /// SHA-256 of the server's certificate (DER). If it is set, only that certificate is trusted.
    pub pin_sha256: Option<[u8; 32]>,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file holds no certificate.
    #[error(
        "the certificate file holds no PEM certificate; it must have a block that begins with -----BEGIN CERTIFICATE-----"
    )]
    NoCertificate,
    /// An unusable certificate.
    #[error("a certificate in the file cannot be used: {0}")]
    BadCertificate(String),
    /// The TLS library failed.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// Parses a pin as tools print it: 64 hexadecimal digits, with or without colons.
#[must_use]
pub fn parse_pin(text: &str) -> Option<[u8; 32]> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    hex::decode(digits).ok()?.try_into().ok()
}

/// The TLS side of every connection to OZmap.
pub(super) fn client_config(trust: &Trust) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new(trust, provider.clone())?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

#[derive(Debug)]
struct Verifier {
    authorities: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
    named: Vec<CertificateDer<'static>>,
    pin: Option<[u8; 32]>,
}

impl Verifier {
    fn new(trust: &Trust, provider: Arc<CryptoProvider>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let named = trust
            .ca_pem
            .as_deref()
            .map(certificates)
            .transpose()?
            .unwrap_or_default();
        for certificate in &named {
            roots
                .add(certificate.clone())
                .map_err(|error| TlsError::BadCertificate(error.to_string()))?;
        }
        let authorities =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .build()
                .map_err(|error| TlsError::Setup(error.to_string()))?;
        Ok(Self {
            authorities,
            provider,
            named,
            pin: trust.pin_sha256,
        })
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(TlsError::NoCertificate),
        Ok(found) => Ok(found),
        Err(error) => Err(TlsError::BadCertificate(error.to_string())),
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let fingerprint: [u8; 32] = Sha256::digest(end_entity.as_ref()).into();
        if let Some(pin) = self.pin {
            return if pin == fingerprint {
                Ok(ServerCertVerified::assertion())
            } else {
                Err(refused(&fingerprint, "it is not the pinned one"))
            };
        }
        // The handshake's signature, which is verified below in any case, proves the possession of
        // the key.
        if self
            .named
            .iter()
            .any(|named| named.as_ref() == end_entity.as_ref())
        {
            return Ok(ServerCertVerified::assertion());
        }
        self.authorities
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .map_err(|error| refused(&fingerprint, &error.to_string()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Tells the operator which certificate was presented, and what to configure if it is the right
/// one.
fn refused(fingerprint: &[u8; 32], why: &str) -> rustls::Error {
    let hex = hex::encode(fingerprint);
    rustls::Error::General(format!(
        "the server's certificate is not trusted ({why}); if it is your OZmap's, set ozmap.tls_pin_sha256 = \"{hex}\""
    ))
}
