//! The certificate of a server, and its renewal while the server runs.

mod builder;
mod by_name;
mod challenge_handshake;
mod shared;
mod loaded;
mod source;
mod fingerprint;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use palisade_core::SharedClock;
use rustls::{server::ResolvesServerCert, sign::CertifiedKey};

use self::shared::{Resolver, Shared, fingerprint_of};
pub use self::{builder::CertificatesBuilder, fingerprint::Fingerprint};
pub(crate) use self::{
    by_name::ByName,
    challenge_handshake::{CHALLENGE_PROTOCOL, Challenges, is_challenge},
};
pub(in crate::tls) use self::{
    loaded::{Loaded, validity},
    source::{CertificateFiles, CertificateSource},
};
use crate::tls::{error::CertificateError, names};

/// The certificate chain and key of a server. Clones share them, and change together.
///
/// A running server checks the files every 30 seconds, so a renewal needs no restart. Unusable
/// new files keep the old certificate, and are reported once as [`CertificateEvent::Refused`]. They are
/// tried again at each check, so a certificate that is not valid yet is used when it is.
///
/// The chain starts with the certificate of the server, then the one that signed it, and so on.
/// Keys are RSA, ECDSA or Ed25519, in PEM, without password.
///
/// Give it to [`ServerBuilder::tls`](crate::server::ServerBuilder::tls).
///
/// ```no_run
/// use palisade_transport::server::Certificates;
///
/// let certificates = Certificates::from_pem_files("/etc/tls/chain.pem", "/etc/tls/key.pem")?
///     .on_change(|event| println!("{event:?}"));
/// println!("valid for {:?}", certificates.names());
/// # Ok::<(), palisade_transport::server::CertificateError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Certificates {
    inner: Arc<Shared>,
    observer: Arc<dyn Fn(&CertificateEvent) + Send + Sync>,
}

/// A change of the certificate of a running server. See [`Certificates::on_change`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CertificateEvent {
    /// The files changed to something that cannot be used. The old certificate is kept.
    Refused {
        /// Why, in one line for the operator.
        problem: Box<str>,
    },
    /// New connections get a new certificate. Open connections are not affected.
    Replaced {
        /// The new one.
        fingerprint: Fingerprint,
        /// When it expires, since the Unix epoch.
        expires: Duration,
    },
}

impl Certificates {
    /// Reads a chain and a key from two PEM files, and reads them again when they change.
    ///
    /// A warning is logged if others than the owner can read the key.
    ///
    /// # Errors
    ///
    /// As [`CertificatesBuilder::open`].
    pub fn from_pem_files(
        chain: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, CertificateError> {
        Self::builder(chain, key).open()
    }

    /// Uses a chain and a key in PEM from memory. They never change.
    ///
    /// # Errors
    ///
    /// As [`CertificatesBuilder::open`].
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Certificates;
    ///
    /// # let made = rcgen::generate_simple_self_signed(["tts.example.com".to_owned()]).unwrap();
    /// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    /// let certificates = Certificates::from_pem(chain.as_bytes(), key.as_bytes())?;
    /// assert!(certificates.covers("tts.example.com"));
    /// # Ok::<(), palisade_transport::server::CertificateError>(())
    /// ```
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        Self::pem_builder(chain, key).open()
    }

    /// Starts to configure how the two PEM files of a chain and a key are read.
    pub fn builder(chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> CertificatesBuilder {
        CertificatesBuilder::of_files(chain.into(), key.into())
    }

    /// Starts to configure how a chain and a key in PEM from memory are checked.
    pub fn pem_builder(chain: &[u8], key: &[u8]) -> CertificatesBuilder {
        CertificatesBuilder::of_memory(chain, key)
    }

    /// Calls a function when the certificate changes, or a new one cannot be used; for the
    /// audit trail.
    ///
    /// Default: none; changes are logged in any case.
    pub fn on_change(
        mut self,
        observer: impl Fn(&CertificateEvent) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Returns the fingerprint of the current certificate. While there is
    /// [none](Self::is_pending), it is the digest of no bytes.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        fingerprint_of(self.inner.current().as_deref())
    }

    /// Returns when the current certificate expires, since the Unix epoch. Zero while there is
    /// [none](Self::is_pending).
    #[must_use]
    pub fn expires(&self) -> Duration {
        self.inner
            .current()
            .map_or(Duration::ZERO, |current| current.not_after)
    }

    /// Returns the hosts and addresses that the certificate is valid for. While there is
    /// [none](Self::is_pending), those that it is ordered for.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self.inner.current() {
            Some(current) => current.names.clone(),
            None => self.inner.source().ordered_names().to_vec(),
        }
    }

    /// Returns whether there is no certificate yet: an authority has to issue the first one.
    ///
    /// Until then all TLS handshakes are refused, except those of the authority.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.inner.current().is_none()
    }

    /// Returns whether the certificate is valid for a host, an address, or a pattern
    /// (`*.example.com`).
    ///
    /// A wildcard in the certificate matches one label (RFC 6125, section 6.4.3).
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Certificates;
    ///
    /// # let made = rcgen::generate_simple_self_signed(["*.example.com".to_owned()]).unwrap();
    /// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    /// let certificates = Certificates::from_pem(chain.as_bytes(), key.as_bytes())?;
    /// assert!(certificates.covers("tts.example.com"));
    /// assert!(!certificates.covers("a.b.example.com"));
    /// # Ok::<(), palisade_transport::server::CertificateError>(())
    /// ```
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        self.names().iter().any(|name| names::covers(name, host))
    }

    /// Uses the certificate and the files of another value from now on.
    ///
    /// For a new configuration that names other files. Clones change too.
    pub fn replace(&self, other: &Self) {
        if let Some(changed) = self.inner.replace(&other.inner) {
            self.report(&changed);
        }
    }

    /// Checks the files now. Returns whether there is a new certificate.
    ///
    /// A running server calls it every 30 seconds.
    ///
    /// # Errors
    ///
    /// The new files cannot be used. The old certificate is kept.
    pub fn refresh(&self) -> Result<bool, CertificateError> {
        let refreshed = self.inner.refresh();
        match &refreshed {
            Ok(None) => return Ok(false),
            Ok(Some(loaded)) => self.report(loaded),
            Err(error) => {
                tracing::warn!(%error, "the certificate's files changed and cannot be used; the old one stays");
                (self.observer)(&CertificateEvent::Refused {
                    problem: error.to_string().into(),
                });
            }
        }
        refreshed.map(|_| true)
    }

    /// Logs and reports a new certificate.
    fn report(&self, loaded: &Loaded) {
        tracing::info!(fingerprint = %loaded.fingerprint, "new certificate");
        (self.observer)(&CertificateEvent::Replaced {
            fingerprint: loaded.fingerprint,
            expires: loaded.not_after,
        });
    }

    /// Returns whether the source orders certificates while the server runs.
    pub(in crate::tls) fn orders(&self) -> bool {
        !self.inner.source().ordered_names().is_empty()
    }

    /// Orders a new certificate if one is due, where the source orders certificates.
    pub(in crate::tls) async fn order_if_due(&self) {
        self.inner.source().order_if_due().await;
    }

    /// Returns the certificate that responds to the challenge of an authority for a host.
    fn challenge_certificate(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        self.inner.source().challenge_certificate(host)
    }

    /// Returns what rustls asks for the certificate of a handshake.
    pub(super) fn resolver(&self) -> Arc<dyn ResolvesServerCert> {
        Arc::new(Resolver(Arc::clone(&self.inner)))
    }

    /// Reads a source for the first time.
    pub(in crate::tls) fn open(
        source: impl CertificateSource,
        clock: SharedClock,
    ) -> Result<Self, CertificateError> {
        let read = source.read(clock.unix_time())?;
        let seen = read.fingerprint();
        let loaded = read.load(clock.unix_time())?;
        Ok(Self::holding(source, clock, Some(loaded), seen))
    }

    /// Like [`open`](Self::open), for a source that orders its first certificate while the server
    /// runs. A certificate that is missing, damaged or expired is pending.
    ///
    /// # Errors
    ///
    /// It is there and cannot be read.
    #[cfg(feature = "acme")]
    pub(in crate::tls) fn open_or_wait(
        source: impl CertificateSource,
        clock: SharedClock,
    ) -> Result<Self, CertificateError> {
        let now = clock.unix_time();
        let (loaded, seen) = match source.read(now) {
            Ok(read) => (read.load(now), read.fingerprint()),
            Err(error) if error.is_missing_file() => {
                let seen = Fingerprint::of(error.to_string().as_bytes());
                return Ok(Self::holding(source, clock, None, seen));
            }
            Err(error) => return Err(error),
        };
        let loaded = loaded.inspect_err(|error| {
            tracing::warn!(%error, "the cached certificate cannot be used; a new one is ordered");
        });
        Ok(Self::holding(source, clock, loaded.ok(), seen))
    }

    fn holding(
        source: impl CertificateSource,
        clock: SharedClock,
        loaded: Option<Loaded>,
        seen: Fingerprint,
    ) -> Self {
        Self {
            inner: Arc::new(Shared::new(Arc::new(source), clock, loaded, seen)),
            observer: Arc::new(|_| {}),
        }
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates")
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}
