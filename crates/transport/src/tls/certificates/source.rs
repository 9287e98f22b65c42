//! Where a certificate is read from, at start and at each check.

use std::{
    future::{Future, ready},
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use crate::tls::{
    certificates::{
        fingerprint::Fingerprint,
        loaded::{self, Loaded},
    },
    error::CertificateError,
    files,
};

/// A place that has a chain and its key, in PEM.
pub(in crate::tls) trait CertificateSource: Send + Sync + 'static {
    /// Reads both. `now` is the time since the Unix epoch, for a source that renews.
    ///
    /// # Errors
    ///
    /// One of them cannot be read. The server keeps the certificate that it has.
    fn read(&self, now: Duration) -> Result<CertificateFiles, CertificateError>;

    /// Returns whether a later read may give something else. Default: yes.
    fn may_change(&self) -> bool {
        true
    }

    /// Returns the hosts of the certificate that is ordered. Default: nothing is ordered.
    fn ordered_names(&self) -> &[String] {
        &[]
    }

    /// Orders a new certificate if one is due, and stores it where `read` finds it. Reports its
    /// failures itself. Default: does nothing.
    fn order_if_due(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(ready(()))
    }

    /// Returns the certificate that responds to the challenge of an authority for a host (RFC
    /// 8737), while an order is in progress. Default: none.
    fn challenge_certificate(&self, _host: &str) -> Option<Arc<CertifiedKey>> {
        None
    }
}

/// Two PEM files that another program renews.
pub(in crate::tls) struct PemFiles {
    pub(in crate::tls) chain: PathBuf,
    pub(in crate::tls) key: PathBuf,
}

impl CertificateSource for PemFiles {
    fn read(&self, _now: Duration) -> Result<CertificateFiles, CertificateError> {
        CertificateFiles::read(self.chain.clone(), &self.key)
    }
}

/// Bytes from the application. They were parsed once, and never change.
pub(in crate::tls) struct Memory;

impl CertificateSource for Memory {
    fn read(&self, _now: Duration) -> Result<CertificateFiles, CertificateError> {
        Ok(CertificateFiles {
            path: PathBuf::new(),
            key_path: PathBuf::new(),
            chain: Zeroizing::default(),
            key: Zeroizing::default(),
            clock_skew: Duration::ZERO,
        })
    }

    fn may_change(&self) -> bool {
        false
    }
}

/// The bytes of a chain and its key, wiped when dropped.
pub(in crate::tls) struct CertificateFiles {
    path: PathBuf,
    /// For the error that it holds no key.
    key_path: PathBuf,
    chain: Zeroizing<Vec<u8>>,
    key: Zeroizing<Vec<u8>>,
    /// How far the clock of the authority may be ahead.
    clock_skew: Duration,
}

impl CertificateFiles {
    /// Reads both files.
    ///
    /// # Errors
    ///
    /// One of them cannot be read.
    pub(in crate::tls) fn read(chain: PathBuf, key: &Path) -> Result<Self, CertificateError> {
        Ok(Self {
            chain: files::read(&chain)?,
            key: files::read(key)?,
            path: chain,
            key_path: key.to_owned(),
            clock_skew: Duration::ZERO,
        })
    }

    /// Accepts a certificate that becomes valid within this time: the clock of the authority may be
    /// ahead. Default: none.
    #[cfg(feature = "acme")]
    pub(in crate::tls) fn with_clock_skew(mut self, clock_skew: Duration) -> Self {
        self.clock_skew = clock_skew;
        self
    }

    /// Returns a digest of both files, to detect changes.
    pub(in crate::tls) fn fingerprint(&self) -> Fingerprint {
        let both = Zeroizing::new([self.chain.as_slice(), b"|", &self.key].concat());
        Fingerprint::of(&both)
    }

    /// Parses the files, and checks that the certificate is valid now.
    pub(in crate::tls) fn load(&self, now: Duration) -> Result<Loaded, CertificateError> {
        let loaded = Loaded::parse(&self.path, &self.chain, &self.key)
            .map_err(|error| loaded::in_key_file(error, &self.key_path))?;
        let now = now.max(loaded.not_before.min(now + self.clock_skew));
        loaded.valid_at(&self.path, now)
    }
}
