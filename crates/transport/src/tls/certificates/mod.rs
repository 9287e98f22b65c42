//! The certificate of a server, and its renewal while the server runs.

mod watch;
mod by_name;
mod challenge_handshake;
mod loaded;
mod source;
mod fingerprint;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use palisade_core::{SharedClock, SystemClock};
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

pub use self::fingerprint::Fingerprint;
use self::source::{Memory, PemFiles};
pub(crate) use self::{
    by_name::ByName, challenge_handshake::CHALLENGE_PROTOCOL, watch::keep_all_fresh,
};
pub(in crate::tls) use self::{
    loaded::{Loaded, validity},
    source::{CertificateFiles, CertificateSource},
};
use crate::tls::{error::CertificateError, files, names};

/// The certificate chain and key of a server. Clones share them, and change together.
///
/// A running server checks the files every 30 seconds, so a renewal needs no restart. Unusable
/// new files keep the old certificate, and are reported once as [`CertificateEvent::Refused`].
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
    inner: Arc<Inner>,
    observer: Arc<dyn Fn(&CertificateEvent) + Send + Sync>,
}

/// The state that clones share.
struct Inner {
    /// Where the certificate is read from.
    source: RwLock<Arc<dyn CertificateSource>>,
    clock: SharedClock,
    /// The certificate for new connections. `None` until an authority has issued the first one.
    current: RwLock<Option<Arc<Loaded>>>,
    /// A digest of the files at the last check, also of unusable ones: each is reported once.
    seen: Mutex<Fingerprint>,
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
    /// A file cannot be read, the key is of another certificate, or the certificate is not
    /// valid today.
    pub fn from_pem_files(
        chain: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, CertificateError> {
        Self::from_pem_files_with_clock(chain, key, SystemClock::shared())
    }

    /// Like [`from_pem_files`](Self::from_pem_files), with another clock. Default: the system
    /// clock.
    ///
    /// # Errors
    /// As [`from_pem_files`](Self::from_pem_files).
    pub fn from_pem_files_with_clock(
        chain: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
        clock: SharedClock,
    ) -> Result<Self, CertificateError> {
        let (chain, key) = (chain.into(), key.into());
        if files::is_open(&key).unwrap_or(false) {
            tracing::warn!(key = %key.display(), "others than its owner can read this key");
        }
        Self::open(PemFiles { chain, key }, clock)
    }

    /// Uses a chain and a key in PEM from memory. They never change.
    ///
    /// # Errors
    /// They cannot be read, the key is of another certificate, or the certificate is not valid
    /// today.
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
        let path = Path::new("certificate");
        let clock = SystemClock::shared();
        let loaded = Loaded::parse(path, chain, key)?.valid_at(path, clock.unix_time())?;
        let seen = Fingerprint::of(&[]);
        Ok(Self::holding(Memory, clock, Some(loaded), seen))
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
        // One lock at a time: two values may replace each other.
        let (source, loaded) = (other.inner.source(), other.inner.current());
        let others = *other.inner.lock_seen();
        let mut seen = self.inner.lock_seen();
        *seen = others;
        *self
            .inner
            .source
            .write()
            .unwrap_or_else(PoisonError::into_inner) = source;
        let before = self.inner.show(loaded.clone());
        drop(seen);
        let changed = loaded.filter(|loaded| before != loaded.fingerprint);
        changed.iter().for_each(|loaded| self.report(loaded));
    }

    /// Checks the files now. Returns whether there is a new certificate.
    ///
    /// A running server calls it every 30 seconds.
    ///
    /// # Errors
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
        let inner = Inner {
            source: RwLock::new(Arc::new(source)),
            clock,
            current: RwLock::new(loaded.map(Arc::new)),
            seen: Mutex::new(seen),
        };
        Self {
            inner: Arc::new(inner),
            observer: Arc::new(|_| {}),
        }
    }
}

impl Inner {
    /// Returns the certificate for new connections.
    fn current(&self) -> Option<Arc<Loaded>> {
        // The lock protects one pointer, which is valid after any panic.
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn source(&self) -> Arc<dyn CertificateSource> {
        Arc::clone(&self.source.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn lock_seen(&self) -> MutexGuard<'_, Fingerprint> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a certificate, and returns the fingerprint of the one before.
    fn show(&self, loaded: Option<Arc<Loaded>>) -> Fingerprint {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, loaded);
        fingerprint_of(before.as_deref())
    }

    /// Reads the source again. Returns the new certificate if it changed.
    fn refresh(&self) -> Result<Option<Arc<Loaded>>, CertificateError> {
        let now = self.clock.unix_time();
        let mut seen = self.lock_seen();
        let source = self.source();
        if !source.may_change() {
            return Ok(None);
        }
        let read = source.read(now);
        // A file that went away is reported once as well.
        let found = match &read {
            Ok(read) => read.fingerprint(),
            Err(error) => Fingerprint::of(error.to_string().as_bytes()),
        };
        if *seen == found {
            return Ok(None);
        }
        *seen = found;
        let loaded = Arc::new(read?.load(now)?);
        let before = self.show(Some(Arc::clone(&loaded)));
        Ok((before != loaded.fingerprint).then_some(loaded))
    }
}

/// Returns the fingerprint of a certificate, or the digest of no bytes.
fn fingerprint_of(loaded: Option<&Loaded>) -> Fingerprint {
    loaded.map_or_else(|| Fingerprint::of(&[]), |loaded| loaded.fingerprint)
}

/// Gives each handshake the current certificate.
struct Resolver(Arc<Inner>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.current()?.key))
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates")
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}
