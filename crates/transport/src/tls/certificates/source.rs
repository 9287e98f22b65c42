//! Where a certificate is read from, at start and at each check.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use zeroize::Zeroizing;

use crate::tls::{
    certificates::{fingerprint::Fingerprint, loaded::Loaded},
    error::CertificateError,
    files,
};

/// A place that has a chain and its key, in PEM.
pub(in crate::tls) trait CertificateSource: Send + Sync + 'static {
    /// Reads both. `now` is the time since the Unix epoch, for a source that renews.
    ///
    /// # Errors
    /// One of them cannot be read. The server keeps the certificate that it has.
    fn read(&self, now: Duration) -> Result<CertificateFiles, CertificateError>;

    /// Returns whether a later read may give something else. Default: yes.
    fn may_change(&self) -> bool {
        true
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
            chain: Zeroizing::default(),
            key: Zeroizing::default(),
        })
    }

    fn may_change(&self) -> bool {
        false
    }
}

/// The bytes of a chain and its key, wiped when dropped.
pub(in crate::tls) struct CertificateFiles {
    path: PathBuf,
    chain: Zeroizing<Vec<u8>>,
    key: Zeroizing<Vec<u8>>,
}

impl CertificateFiles {
    /// Reads both files.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub(in crate::tls) fn read(chain: PathBuf, key: &Path) -> Result<Self, CertificateError> {
        Ok(Self {
            chain: files::read(&chain)?,
            key: files::read(key)?,
            path: chain,
        })
    }

    /// Returns a digest of both files, to detect changes.
    pub(in crate::tls) fn fingerprint(&self) -> Fingerprint {
        let both = Zeroizing::new([self.chain.as_slice(), b"|", &self.key].concat());
        Fingerprint::of(&both)
    }

    /// Parses the files, and checks that the certificate is valid now.
    pub(in crate::tls) fn load(&self, now: Duration) -> Result<Loaded, CertificateError> {
        Loaded::parse(&self.path, &self.chain, &self.key)?.valid_at(&self.path, now)
    }
}
