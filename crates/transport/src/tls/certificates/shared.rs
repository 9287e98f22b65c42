//! What the clones of a certificate share, and what rustls asks for each handshake.
//!
//! A handshake reads one pointer and never a file. Files are read by a thread or by a reload; a
//! certificate that cannot be used is reported, and the one before stays in force.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use palisade_core::SharedClock;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::{fingerprint::Fingerprint, loaded::Loaded, source::CertificateSource};
use crate::tls::error::CertificateError;

/// The state that clones share.
pub(super) struct Shared {
    /// Where the certificate is read from.
    source: RwLock<Arc<dyn CertificateSource>>,
    /// Decides whether a certificate is valid now.
    clock: SharedClock,
    /// The certificate for new connections. `None` until an authority has issued the first one.
    current: RwLock<Option<Arc<Loaded>>>,
    /// What was read at the last check.
    seen: Mutex<Seen>,
}

/// Digests of what was read.
#[derive(Clone, Copy)]
struct Seen {
    /// The files in force. `None` until an authority has issued the first certificate.
    used: Option<Fingerprint>,
    /// Those that could not be used at the last check. They are reported once, and tried again at each check: a
    /// certificate may not be valid yet.
    refused: Option<Fingerprint>,
}

impl Seen {
    /// What was read is in force.
    fn using(used: Fingerprint) -> Self {
        Self {
            used: Some(used),
            refused: None,
        }
    }
}

impl Shared {
    /// `seen` is the fingerprint of what was read, or of the reason why nothing could be.
    pub(super) fn new(
        source: Arc<dyn CertificateSource>,
        clock: SharedClock,
        loaded: Option<Loaded>,
        seen: Fingerprint,
    ) -> Self {
        let seen = match loaded {
            Some(_) => Seen::using(seen),
            None => Seen {
                used: None,
                refused: Some(seen),
            },
        };
        Self {
            source: RwLock::new(source),
            clock,
            current: RwLock::new(loaded.map(Arc::new)),
            seen: Mutex::new(seen),
        }
    }

    /// Returns the certificate for new connections.
    pub(super) fn current(&self) -> Option<Arc<Loaded>> {
        // The lock protects one pointer, which is valid after any panic.
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns where the certificate is read from now.
    pub(super) fn source(&self) -> Arc<dyn CertificateSource> {
        Arc::clone(&self.source.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Also keeps two refreshes from running at once.
    fn lock_seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a certificate, and returns the fingerprint of the one before.
    fn show(&self, loaded: Option<Arc<Loaded>>) -> Fingerprint {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, loaded);
        fingerprint_of(before.as_deref())
    }

    /// Takes the source and the certificate of another state. Returns the certificate if it is
    /// another than before.
    pub(super) fn replace(&self, other: &Self) -> Option<Arc<Loaded>> {
        // One lock at a time: two values may replace each other.
        let (source, loaded) = (other.source(), other.current());
        let others = *other.lock_seen();
        let mut seen = self.lock_seen();
        *seen = others;
        *self.source.write().unwrap_or_else(PoisonError::into_inner) = source;
        let before = self.show(loaded.clone());
        drop(seen);
        loaded.filter(|loaded| before != loaded.fingerprint)
    }

    /// Reads the source again. Returns the new certificate if it changed.
    ///
    /// # Errors
    ///
    /// The files cannot be read, or hold no usable certificate. The same files are reported once, and tried again at
    /// each check.
    pub(super) fn refresh(&self) -> Result<Option<Arc<Loaded>>, CertificateError> {
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
        if seen.used == Some(found) {
            seen.refused = None;
            return Ok(None);
        }
        match read.and_then(|read| read.load(now)) {
            Ok(loaded) => {
                *seen = Seen::using(found);
                let loaded = Arc::new(loaded);
                let before = self.show(Some(Arc::clone(&loaded)));
                Ok((before != loaded.fingerprint).then_some(loaded))
            }
            Err(_) if seen.refused == Some(found) => Ok(None),
            Err(error) => {
                seen.refused = Some(found);
                Err(error)
            }
        }
    }
}

/// Returns the fingerprint of a certificate, or the digest of no bytes.
pub(super) fn fingerprint_of(loaded: Option<&Loaded>) -> Fingerprint {
    loaded.map_or_else(|| Fingerprint::of(&[]), |loaded| loaded.fingerprint)
}

/// Gives each handshake the current certificate.
pub(super) struct Resolver(pub(super) Arc<Shared>);

impl ResolvesServerCert for Resolver {
    /// Without a certificate the handshake fails: there is none before an authority has issued the
    /// first.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.current()?.key))
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}
