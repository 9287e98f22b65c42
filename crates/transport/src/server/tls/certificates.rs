//! The certificate that a server shows, and how it changes while the server runs.

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

use super::{
    CertificateError, DevAuthority, Fingerprint, files, loaded::Loaded, names, source::Source,
};

/// The certificate that a server shows. Clones show the same one, and change together.
#[derive(Clone)]
#[must_use]
pub struct Certificates {
    inner: Arc<Inner>,
    observer: Arc<dyn Fn(&CertificateEvent) + Send + Sync>,
}

struct Inner {
    source: RwLock<Arc<Source>>,
    clock: SharedClock,
    current: RwLock<Arc<Loaded>>,
    /// The files as they were last looked at, also when they could not be used: one report each.
    seen: Mutex<Fingerprint>,
}

/// Something happened to the certificate of a running server.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CertificateEvent {
    /// The files changed to something that cannot be used. The old certificate stays.
    Refused {
        /// Why, in one line for the operator.
        problem: Box<str>,
    },
    /// New connections get a new certificate.
    Replaced {
        /// The new one.
        fingerprint: Fingerprint,
        /// When it expires, since the Unix epoch.
        expires: Duration,
    },
}

impl Certificates {
    /// Reads a chain and a key from two PEM files, and looks for new ones while the server runs:
    /// whatever renews the certificate need not tell the server.
    ///
    /// # Errors
    /// A file cannot be read, the two do not belong together, or the certificate is not valid today.
    pub fn from_pem_files(
        chain: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, CertificateError> {
        Self::from_pem_files_with_clock(chain, key, SystemClock::shared())
    }

    /// Does the same by another clock.
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
        Self::open(Source::Files { chain, key }, clock)
    }

    /// Takes a chain and a key in PEM from memory. They never change.
    ///
    /// # Errors
    /// They cannot be read, do not belong together, or are not valid today.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let path = Path::new("certificate");
        let clock = SystemClock::shared();
        let loaded = Loaded::parse(path, chain, key)?.valid_at(path, clock.unix_time())?;
        Ok(Self::holding(
            Source::Memory,
            clock,
            loaded,
            Fingerprint::of(&[]),
        ))
    }

    pub(super) fn of_authority(
        authority: DevAuthority,
        clock: SharedClock,
    ) -> Result<Self, CertificateError> {
        Self::open(Source::Development(authority), clock)
    }

    /// Calls this whenever the certificate changes, or should have and could not; for the audit trail.
    pub fn on_change(
        mut self,
        observer: impl Fn(&CertificateEvent) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Returns the fingerprint of the certificate that is shown now.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.inner.current().fingerprint
    }

    /// Returns when the certificate that is shown now expires, since the Unix epoch.
    #[must_use]
    pub fn expires(&self) -> Duration {
        self.inner.current().not_after
    }

    /// Returns the hosts and addresses that the certificate names, as they stand in it.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.inner.current().names.clone()
    }

    /// Tells whether the certificate names a host, an address, or a pattern such as `*.example.com`.
    /// A wildcard of the certificate stands for one label (RFC 6125, 6.4.3).
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        let current = self.inner.current();
        current.names.iter().any(|name| names::covers(name, host))
    }

    /// Shows the certificate of another value from now on, and follows the files that it follows.
    /// For a new configuration that names other files.
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
        let before = self.inner.show(Arc::clone(&loaded));
        drop(seen);
        if before != loaded.fingerprint {
            self.report(&loaded);
        }
    }

    /// Looks at the files now; the server does it twice a minute by itself. A broken new file keeps
    /// the old certificate. Tells whether there is a new one.
    ///
    /// # Errors
    /// What is there now cannot be used.
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

    fn report(&self, loaded: &Loaded) {
        tracing::info!(fingerprint = %loaded.fingerprint, "new certificate");
        (self.observer)(&CertificateEvent::Replaced {
            fingerprint: loaded.fingerprint,
            expires: loaded.not_after,
        });
    }

    pub(super) fn resolver(&self) -> Arc<dyn ResolvesServerCert> {
        Arc::new(Resolver(Arc::clone(&self.inner)))
    }

    fn open(source: Source, clock: SharedClock) -> Result<Self, CertificateError> {
        let read = source.read(clock.unix_time())?;
        let seen = read.fingerprint();
        let loaded = read.load(clock.unix_time())?;
        Ok(Self::holding(source, clock, loaded, seen))
    }

    fn holding(source: Source, clock: SharedClock, loaded: Loaded, seen: Fingerprint) -> Self {
        let inner = Inner {
            source: RwLock::new(Arc::new(source)),
            clock,
            current: RwLock::new(Arc::new(loaded)),
            seen: Mutex::new(seen),
        };
        Self {
            inner: Arc::new(inner),
            observer: Arc::new(|_| {}),
        }
    }
}

impl Inner {
    fn current(&self) -> Arc<Loaded> {
        // The lock holds one pointer, which is whole whatever panicked.
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn source(&self) -> Arc<Source> {
        Arc::clone(&self.source.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn lock_seen(&self) -> MutexGuard<'_, Fingerprint> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a certificate, and returns the fingerprint of the one before.
    fn show(&self, loaded: Arc<Loaded>) -> Fingerprint {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, loaded).fingerprint
    }

    fn refresh(&self) -> Result<Option<Arc<Loaded>>, CertificateError> {
        let now = self.clock.unix_time();
        let mut seen = self.lock_seen();
        let source = self.source();
        if let Source::Memory = *source {
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
        let before = self.show(Arc::clone(&loaded));
        Ok((before != loaded.fingerprint).then_some(loaded))
    }
}

/// Answers each handshake with what is current.
struct Resolver(Arc<Inner>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.current().key))
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
