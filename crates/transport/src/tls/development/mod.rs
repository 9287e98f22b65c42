//! A certificate authority for development, created when a server first starts.

mod builder;
mod authority;
mod description;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use palisade_core::SharedClock;
use rcgen::{Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

pub use self::builder::DevAuthorityBuilder;
use self::description::leaf_params;
use crate::tls::{
    certificates::{CertificateFiles, CertificateSource, Certificates, Fingerprint, Loaded},
    error::CertificateError,
    files,
};

/// How long before its end a server certificate is replaced.
const LEAF_RENEWAL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A self-signed certificate authority for development.
///
/// It signs for `localhost`, `127.0.0.1`, `::1` and the hosts that it is opened for. By name
/// constraints (RFC 5280, section 4.2.1.10) it cannot sign for other hosts, so a client that
/// trusts it takes little risk. Keys are ECDSA P-256. The authority is valid for 10 years, its
/// server certificates for 89 days.
///
/// | file in the folder | contents | mode |
/// |---|---|---|
/// | `ca.pem` | certificate for clients to trust | 0644 |
/// | `ca.key` | key of the authority | 0600 |
/// | `server.pem` | certificate of the server | 0644 |
/// | `server.key` | key of the server | 0600 |
///
/// A folder that is created gets mode 0700.
///
/// For production use [`Certificates::from_pem_files`].
///
/// # Examples
///
/// ```
/// use palisade_transport::server::{DevAuthority, Server};
///
/// let folder = tempfile::tempdir()?;
/// let authority = DevAuthority::open_or_create(folder.path())?;
/// println!("curl --cacert {}", authority.certificate_path().display());
/// let server = Server::builder()
///     .listen("127.0.0.1:0".parse()?)
///     .tls(authority.certificates()?)
///     .build()?;
/// # drop(server);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// For a second name that points to this machine, in a team that shares one authority:
///
/// ```
/// use palisade_transport::server::DevAuthority;
///
/// let folder = tempfile::tempdir()?;
/// let authority = DevAuthority::builder(folder.path()).hosts(["notes.localhost"]).open_or_create()?;
/// // What the others compare before they trust `ca.pem`.
/// println!("{}", authority.fingerprint());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct DevAuthority {
    inner: Arc<Inner>,
}

/// The state that clones share.
struct Inner {
    folder: PathBuf,
    clock: SharedClock,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    /// The hosts and addresses of the server certificate.
    names: Vec<String>,
}

impl DevAuthority {
    /// Opens the authority in a folder, and creates folder and authority if they do not exist.
    ///
    /// # Errors
    ///
    /// As [`DevAuthorityBuilder::open_or_create`].
    pub fn open_or_create(folder: impl AsRef<Path>) -> Result<Self, CertificateError> {
        Self::builder(folder.as_ref()).open_or_create()
    }

    /// Starts to configure the authority in a folder: its hosts and its clock.
    pub fn builder(folder: impl Into<PathBuf>) -> DevAuthorityBuilder {
        DevAuthorityBuilder::new(folder.into())
    }

    /// Returns a certificate for the hosts, signed by the authority.
    ///
    /// The server renews it 30 days before it expires.
    ///
    /// # Errors
    ///
    /// It cannot be created or written.
    pub fn certificates(&self) -> Result<Certificates, CertificateError> {
        Certificates::open(self.clone(), Arc::clone(&self.inner.clock))
    }

    /// Returns the fingerprint of the authority. Compare it before you trust the certificate.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.inner.certificate)
    }

    /// Returns the path of the certificate that clients have to trust (`curl --cacert`).
    #[must_use]
    pub fn certificate_path(&self) -> PathBuf {
        self.inner.folder.join("ca.pem")
    }

    fn leaf_path(&self) -> PathBuf {
        self.inner.folder.join("server.pem")
    }

    fn leaf_key_path(&self) -> PathBuf {
        self.inner.folder.join("server.key")
    }

    /// Issues a new certificate if there is none, it is unusable, or it expires within 30 days.
    fn renew_if_due(&self, now: Duration) -> Result<(), CertificateError> {
        let chain = files::read_if_there(&self.leaf_path())?;
        let key = files::read_if_there(&self.leaf_key_path())?;
        let usable = chain.zip(key).is_some_and(|(chain, key)| {
            Loaded::parse(&self.leaf_path(), &chain, &key).is_ok_and(|leaf| {
                leaf.not_before <= now
                    && now + LEAF_RENEWAL < leaf.not_after
                    && self
                        .inner
                        .names
                        .iter()
                        .all(|name| leaf.names.contains(name))
                    && self.has_signed(&leaf)
            })
        });
        if usable { Ok(()) } else { self.issue(now) }
    }

    /// Returns whether this authority signed a certificate.
    fn has_signed(&self, leaf: &Loaded) -> bool {
        let authority = x509_parser::parse_x509_certificate(&self.inner.certificate);
        let leaf = leaf
            .key
            .cert
            .first()
            .map(|leaf| x509_parser::parse_x509_certificate(leaf));
        let (Ok((_, authority)), Some(Ok((_, leaf)))) = (authority, leaf) else {
            return false;
        };
        leaf.verify_signature(Some(authority.public_key())).is_ok()
    }

    /// Creates a key and a certificate, and writes both.
    fn issue(&self, now: Duration) -> Result<(), CertificateError> {
        let make = |error: rcgen::Error| CertificateError::make(&error);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(make)?;
        let params = leaf_params(&self.inner.names, now).map_err(make)?;
        let leaf = params.signed_by(&key, &self.inner.issuer).map_err(make)?;
        // Between the two writes the pair does not match; a reader then keeps the old one.
        let pem = Zeroizing::new(key.serialize_pem());
        files::write(&self.leaf_key_path(), pem.as_bytes(), true)?;
        files::write(&self.leaf_path(), leaf.pem().as_bytes(), false)
    }
}

impl CertificateSource for DevAuthority {
    fn read(&self, now: Duration) -> Result<CertificateFiles, CertificateError> {
        self.renew_if_due(now)?;
        CertificateFiles::read(self.leaf_path(), &self.leaf_key_path())
    }
}

impl fmt::Debug for DevAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevAuthority")
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}
