//! TLS of the check: handshakes that accept every certificate, and the verification apart.
//!
//! The check must also describe services whose certificate is wrong. So the handshake takes any chain
//! (its signatures are verified), and [`TlsSettings::is_trusted`] says what a usual client would say. A key is
//! sent only where that is yes: see `probe::credentials`.
//!
//! Cipher suites and groups are those of `aws-lc-rs`, the provider of the library. Client
//! certificates are not sent. Sessions are not resumed, and revocation is not checked.

use std::{sync::Arc, time::Duration};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
    version::{TLS12, TLS13},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::Problem;
use crate::failure::Failure;

/// What a handshake offers.
///
/// Each also sends the server name, if the host is a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Offer {
    /// TLS 1.2 and 1.3, HTTP/1.1: for requests.
    Http1,
    /// TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1: what a browser offers.
    Http2,
    /// TLS 1.2 alone.
    Tls12,
}

/// What a handshake came to.
#[derive(Clone, Debug)]
pub(crate) struct Handshake {
    /// Whether it is TLS 1.3.
    pub(crate) is_tls13: bool,
    /// Whether HTTP/2 was chosen.
    pub(crate) is_http2: bool,
    /// The certificates, the server's own first.
    pub(crate) chain: Vec<CertificateDer<'static>>,
}

/// Providers, roots and the settings of handshakes.
///
/// Made once; a handshake borrows it.
pub(crate) struct TlsSettings {
    provider: Arc<CryptoProvider>,
    /// Authorities of the system and of `--ca`. May be empty in a small container: no certificate
    /// is trusted then, and the report says so.
    roots: RootCertStore,
}

impl TlsSettings {
    /// Uses the roots of the system, and those of a PEM file.
    ///
    /// Fails if the file cannot be read or has no certificate.
    ///
    /// Certificates of the system that cannot be parsed are skipped.
    ///
    /// # Errors
    ///
    /// Fails if the file of `--ca` cannot be read, is not PEM, or has no certificate of an
    /// authority.
    pub(crate) fn new(authority: Option<&std::path::Path>) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(file) = authority {
            let problem =
                |problem: String| Failure::new(format_args!("{}: {problem}", file.display()));
            let certificates = CertificateDer::pem_file_iter(file)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| problem(error.to_string()))?;
            let (added, _) = roots.add_parsable_certificates(certificates);
            if added == 0 {
                return Err(problem("no certificate of an authority in PEM".to_owned()));
            }
        }
        Ok(Self {
            provider: Arc::new(aws_lc_rs::default_provider()),
            roots,
        })
    }

    /// Makes a handshake over a connection.
    ///
    /// # Errors
    ///
    /// [`Problem::Tls`] with the words of the TLS library, such as a version that the server does
    /// not have.
    pub(super) async fn handshake(
        &self,
        stream: TcpStream,
        host: &str,
        offer: Offer,
    ) -> Result<(Handshake, TlsStream<TcpStream>), Problem> {
        let failed = |error: &dyn std::error::Error| Problem::Tls(error.to_string());
        let config = self.client_config(offer).map_err(|error| failed(&error))?;
        let name = server_name(host).ok_or_else(|| Problem::Tls("not a host name".to_owned()))?;
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, stream).await;
        let stream = stream.map_err(|error| failed(&error))?;
        let (_, session) = stream.get_ref();
        let chain = session.peer_certificates().unwrap_or_default();
        let handshake = Handshake {
            is_tls13: session.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3),
            is_http2: session.alpn_protocol() == Some(b"h2"),
            chain: chain.iter().map(|one| one.clone().into_owned()).collect(),
        };
        Ok((handshake, stream))
    }

    /// Makes the settings of one handshake.
    ///
    /// # Errors
    ///
    /// The cryptography library has no suite for the version.
    fn client_config(&self, offer: Offer) -> Result<ClientConfig, rustls::Error> {
        let both: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
        let versions = if offer == Offer::Tls12 {
            &[&TLS12]
        } else {
            both
        };
        let verifier = AcceptEverything(self.provider.clone());
        let mut config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(versions)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = match offer {
            Offer::Http2 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Offer::Http1 | Offer::Tls12 => vec![b"http/1.1".to_vec()],
        };
        // Every handshake of a check must show the certificate.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(config)
    }

    /// Whether the chain leads to a trusted authority, at a time since 1970. The name is not looked at.
    ///
    /// The error is in words for a person.
    ///
    /// # Errors
    ///
    /// The reason, such as an unknown issuer. An empty store of authorities is a reason of its own,
    /// with the remedy.
    pub(crate) fn is_trusted(
        &self,
        chain: &[CertificateDer<'static>],
        at: Duration,
    ) -> Result<(), String> {
        let Some((own, intermediates)) = chain.split_first() else {
            return Err("no certificate".to_owned());
        };
        if self.roots.is_empty() {
            return Err("this machine has no trusted authorities; name one with --ca".to_owned());
        }
        let parsed = ParsedCertificate::try_from(own).map_err(|error| error.to_string())?;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.roots,
            intermediates,
            UnixTime::since_unix_epoch(at),
            self.provider.signature_verification_algorithms.all,
        )
        .map_err(|error| error.to_string())
    }
}

/// Whether the certificate is for the host.
///
/// False also if the certificate or the host cannot be parsed.
pub(crate) fn is_for(own: &CertificateDer<'static>, host: &str) -> bool {
    let parsed = ParsedCertificate::try_from(own).ok();
    let name = server_name(host);
    parsed
        .zip(name)
        .is_some_and(|(parsed, name)| verify_server_name(&parsed, &name).is_ok())
}

/// `None` if it is neither a DNS name nor an IP address.
fn server_name(host: &str) -> Option<ServerName<'static>> {
    ServerName::try_from(host.to_owned()).ok()
}

/// Takes every certificate. The signatures of the handshake are verified, so the server has the key of
/// the certificate that it shows.
///
/// Used in a check only, whose task is to describe wrong certificates. The decision about a key is
/// made with [`TlsSettings::is_trusted`] instead.
#[derive(Debug)]
struct AcceptEverything(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptEverything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
