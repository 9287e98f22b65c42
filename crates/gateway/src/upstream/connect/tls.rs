//! TLS to an upstream: whom the gateway trusts, and how it identifies itself.
//!
//! The certificate of the server is always verified; there is no option to leave that out. A private
//! authority is named as `ca`, and then no other is trusted. Versions are 1.2 and 1.3. One protocol is
//! offered by ALPN, the one that will be spoken, so that no server chooses another.
//!
//! | standard | what is done |
//! |---|---|
//! | RFC 8446, RFC 5246 | TLS 1.3 and 1.2, with the safe suites of `rustls` |
//! | RFC 7301 | ALPN offers `h2` or `http/1.1`, never both |
//! | RFC 9525 | the certificate must have the name of the upstream, or `server_name` |
//! | RFC 5280 | the chain must end at a trusted authority |
//!
//! All files are read at the start and at a reload, and not between. A section with TLS is always read
//! again at a reload, since a file may have changed.

use std::{
    error::Error,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use http::uri::Authority;
use palisade::core::BoxError;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Socket;

/// What the operator says about TLS to an upstream.
///
/// Default: the authorities of the system, the host of the address, and no certificate of the gateway.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct TlsOptions {
    /// Certificates of the authorities, PEM. `None`: those of the system.
    pub(crate) ca: Option<PathBuf>,
    /// The name in the server's certificate. `None`: the host of the address.
    pub(crate) name: Option<String>,
    /// Chain and key with which the gateway identifies itself, PEM.
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
}

/// Why TLS to an upstream cannot be configured.
///
/// It stops a start or a reload. It becomes an error of the configuration with the line of `url` and a
/// remedy.
#[derive(Debug)]
pub(crate) enum TlsClientError {
    /// A file cannot be read, or holds nothing usable.
    File(PathBuf, String),
    /// The server name is neither a DNS name nor an address.
    Name(String),
    /// The system has no certificates of authorities.
    NoRoots,
    /// The client certificate does not fit its key.
    ///
    /// Also if the key is of a kind that cannot sign.
    Identity(PathBuf, String),
}

impl fmt::Display for TlsClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, problem) => write!(f, "{}: {problem}", path.display()),
            Self::Name(name) => write!(f, "`{name}` is no name for a certificate"),
            Self::NoRoots => f.write_str("the system has no certificates of authorities"),
            Self::Identity(path, problem) => {
                write!(
                    f,
                    "{}: the certificate cannot be used: {problem}",
                    path.display()
                )
            }
        }
    }
}

impl Error for TlsClientError {}

/// Does TLS handshakes with one upstream. Clones share the configuration and its sessions.
#[derive(Clone)]
pub(crate) struct TlsClient {
    /// Holds the configuration, and the tickets for a shorter second handshake.
    connector: TlsConnector,
    /// The name to verify, which is also sent as SNI unless it is an address (RFC 6066 section 3).
    name: ServerName<'static>,
    /// Whether only HTTP/2 is offered.
    is_http2: bool,
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsClient")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl TlsClient {
    /// Reads the certificates. One protocol is offered by ALPN, the one that will be spoken.
    ///
    /// `authority` is host and port of the address. Brackets around an IPv6 address are removed first.
    ///
    /// # Errors
    ///
    /// A file cannot be used, or no authority is trusted.
    pub(crate) fn new(
        options: &TlsOptions,
        authority: &Authority,
        is_http2: bool,
    ) -> Result<Self, TlsClientError> {
        let host = options.name.as_deref().unwrap_or_else(|| authority.host());
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| TlsClientError::Name(host.to_owned()))?;
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| TlsClientError::NoRoots)? // The provider has suites for both versions.
            .with_root_certificates(read_roots(options.ca.as_deref())?);
        let mut config = match &options.certificate {
            Some((chain, key)) => config
                .with_client_auth_cert(read_certificates(chain)?, private_key(key)?)
                .map_err(|error| TlsClientError::Identity(chain.clone(), error.to_string()))?,
            None => config.with_no_client_auth(),
        };
        let protocol: &[u8] = if is_http2 { b"h2" } else { b"http/1.1" };
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            name,
            is_http2,
        })
    }

    /// Does a handshake.
    ///
    /// The handshake has no bound on time of its own. It is part of the time for the connection.
    ///
    /// # Errors
    ///
    /// The handshake fails, or the server does not speak HTTP/2 where that was demanded.
    pub(super) async fn connect(&self, stream: TcpStream) -> Result<Socket, BoxError> {
        let stream = self.connector.connect(self.name.clone(), stream).await?;
        let chose_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        if self.is_http2 && !chose_http2 {
            let problem = "the server does not offer HTTP/2 in the TLS handshake (ALPN)";
            return Err(io::Error::other(problem).into());
        }
        Ok(Socket::new(stream, chose_http2))
    }
}

/// Reads the authorities of a file, or those of the system. Certificates of the system that cannot be
/// parsed are left out; one of a file is an error, since the operator named it.
///
/// # Errors
///
/// A certificate of the file is broken, or the system has none at all.
fn read_roots(file: Option<&Path>) -> Result<RootCertStore, TlsClientError> {
    let mut roots = RootCertStore::empty();
    let Some(file) = file else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return match roots.is_empty() {
            true => Err(TlsClientError::NoRoots),
            false => Ok(roots),
        };
    };
    for certificate in read_certificates(file)? {
        let added = roots.add(certificate);
        added.map_err(|error| TlsClientError::File(file.to_owned(), error.to_string()))?;
    }
    Ok(roots)
}

/// Reads at least one certificate.
///
/// # Errors
///
/// The file cannot be read, is no PEM, or has no certificate in it.
fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsClientError> {
    let broken = |problem: String| TlsClientError::File(path.to_owned(), problem);
    let read = CertificateDer::pem_file_iter(path).map_err(|error| broken(error.to_string()))?;
    let read: Vec<_> = read
        .collect::<Result<_, _>>()
        .map_err(|error| broken(error.to_string()))?;
    match read.is_empty() {
        true => Err(broken("it holds no certificate".to_owned())),
        false => Ok(read),
    }
}

/// Reads a private key.
///
/// PKCS #8, PKCS #1 and SEC 1 are accepted. Other parts of the file, such as certificates, are skipped.
///
/// # Errors
///
/// The file cannot be read or has no key. The error never has a part of the key.
fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsClientError> {
    PrivateKeyDer::from_pem_file(path)
        .map_err(|error| TlsClientError::File(path.to_owned(), error.to_string()))
}
