//! A certificate authority for development, created when a server first starts.

mod description;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use palisade_core::{SharedClock, SystemClock};
use rcgen::{Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use zeroize::Zeroizing;

use self::description::{ca_params, leaf_params};
use crate::tls::{
    certificates::{
        CertificateFiles, CertificateSource, Certificates, Fingerprint, Loaded, validity,
    },
    error::CertificateError,
    files, names as certificate_names,
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
    /// The folder cannot be written, a file has other contents, or others can read the key.
    pub fn open_or_create(folder: impl AsRef<Path>) -> Result<Self, CertificateError> {
        Self::open_or_create_with_clock(folder, SystemClock::shared())
    }

    /// Like [`open_or_create`](Self::open_or_create), with another clock. Default: the system
    /// clock.
    ///
    /// # Errors
    /// As [`open_or_create`](Self::open_or_create).
    pub fn open_or_create_with_clock(
        folder: impl AsRef<Path>,
        clock: SharedClock,
    ) -> Result<Self, CertificateError> {
        Self::open_or_create_for::<&str>(folder, clock, [])
    }

    /// Like [`open_or_create`](Self::open_or_create), for more hosts.
    ///
    /// Hosts are `voice.example`, `*.voice.example` or `10.0.0.5`; a port is ignored. An
    /// authority that may not sign for one of them, or has expired, is created again with the
    /// same key. Clients then have to trust it again, and a warning is logged.
    ///
    /// # Errors
    /// As [`open_or_create`](Self::open_or_create); or a host is not valid.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_core::SystemClock;
    /// use palisade_transport::server::DevAuthority;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let hosts = ["voice.example", "*.voice.example", "10.0.0.5"];
    /// let authority = DevAuthority::open_or_create_for(folder.path(), SystemClock::shared(), hosts)?;
    /// assert!(authority.certificates()?.covers("a.voice.example"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_or_create_for<H: AsRef<str>>(
        folder: impl AsRef<Path>,
        clock: SharedClock,
        hosts: impl IntoIterator<Item = H>,
    ) -> Result<Self, CertificateError> {
        let folder = folder.as_ref();
        let names = names_of(hosts);
        files::make_folder(folder)?;
        let key = open_or_create_key(&folder.join("ca.key"))?;
        let now = clock.unix_time();
        let certificate = open_or_create_ca(&folder.join("ca.pem"), &key, &names, now)?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key)
            .map_err(|error| CertificateError::make(&error))?;
        Ok(Self {
            inner: Arc::new(Inner {
                folder: folder.to_owned(),
                clock,
                certificate,
                issuer,
                names,
            }),
        })
    }

    /// Returns a certificate for the hosts, signed by the authority.
    ///
    /// The server renews it 30 days before it expires.
    ///
    /// # Errors
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

/// Reads the key of the authority, or creates it.
fn open_or_create_key(path: &Path) -> Result<KeyPair, CertificateError> {
    if files::read_if_there(path)?.is_none() {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256);
        let key = key.map_err(|error| CertificateError::make(&error))?;
        let pem = Zeroizing::new(key.serialize_pem());
        // Of two processes that start at once, both go on with the key of the first.
        files::write_first(path, pem.as_bytes(), true)?;
    }
    if files::is_open(path)? {
        return Err(CertificateError::Open { path: path.into() });
    }
    let pem = files::read(path)?;
    let key = str::from_utf8(&pem)
        .ok()
        .and_then(|pem| KeyPair::from_pem(pem).ok());
    key.ok_or_else(|| CertificateError::unreadable(path, "a private key in PEM"))
}

/// Reads the certificate of the authority, or creates it. An expired or too narrow one is
/// replaced.
fn open_or_create_ca(
    path: &Path,
    key: &KeyPair,
    names: &[String],
    now: Duration,
) -> Result<CertificateDer<'static>, CertificateError> {
    if files::read_if_there(path)?.is_none() {
        files::write_first(path, make_ca(key, names, now)?.as_bytes(), false)?;
    }
    let certificate = read_ca(path, key)?;
    let is_valid = validity(&certificate).is_some_and(|(from, to)| (from..to).contains(&now));
    if is_valid && may_sign_for(&certificate, names) {
        return Ok(certificate);
    }
    tracing::warn!(authority = %path.display(), "the development authority was made anew: clients have to trust it again");
    files::write(path, make_ca(key, names, now)?.as_bytes(), false)?;
    read_ca(path, key)
}

/// Returns whether the name constraints of an authority include all names.
fn may_sign_for(authority: &CertificateDer<'_>, names: &[String]) -> bool {
    x509_parser::parse_x509_certificate(authority).is_ok_and(|(_, authority)| {
        names
            .iter()
            .all(|name| certificate_names::permits(&authority, name))
    })
}

/// Creates the certificate of the authority, in PEM.
fn make_ca(key: &KeyPair, names: &[String], now: Duration) -> Result<String, CertificateError> {
    let made = ca_params(names, now).and_then(|params| params.self_signed(key));
    made.map(|made| made.pem())
        .map_err(|error| CertificateError::make(&error))
}

/// Reads the certificate of the authority, and checks that it has this key.
fn read_ca(path: &Path, key: &KeyPair) -> Result<CertificateDer<'static>, CertificateError> {
    let certificate = CertificateDer::from_pem_slice(&files::read(path)?).ok();
    certificate
        .filter(|certificate| is_of(certificate, key))
        .ok_or_else(|| CertificateError::unreadable(path, "the certificate of `ca.key`"))
}

/// Returns whether a certificate has this public key.
fn is_of(certificate: &CertificateDer<'_>, key: &KeyPair) -> bool {
    x509_parser::parse_x509_certificate(certificate).is_ok_and(|(_, parsed)| {
        parsed.public_key().subject_public_key.data.as_ref() == key.public_key_raw()
    })
}

/// The names of this machine, and those of some hosts without their ports, once each.
fn names_of<H: AsRef<str>>(hosts: impl IntoIterator<Item = H>) -> Vec<String> {
    let mut names = ["localhost", "127.0.0.1", "::1"]
        .map(str::to_owned)
        .to_vec();
    for host in hosts {
        let host = host.as_ref().to_ascii_lowercase();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => name,
            _ => &host,
        };
        let name = name
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

impl fmt::Debug for DevAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevAuthority")
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}
