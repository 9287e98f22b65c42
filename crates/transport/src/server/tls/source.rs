//! Where a certificate is read from.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use zeroize::Zeroizing;

use super::{CertificateError, DevAuthority, Fingerprint, files, loaded::Loaded};

/// Where a certificate is read from, at start and at each check.
pub(super) enum Source {
    /// An authority for development, which renews the certificate when it is due.
    Development(DevAuthority),
    /// Two PEM files that another program renews.
    Files { chain: PathBuf, key: PathBuf },
    /// Bytes from the application, which never change.
    Memory,
}

/// The bytes of both files, wiped when dropped.
pub(super) struct Read {
    path: PathBuf,
    chain: Zeroizing<Vec<u8>>,
    key: Zeroizing<Vec<u8>>,
}

impl Source {
    /// Reads both files. An authority for development renews the certificate first, if it is
    /// due.
    pub(super) fn read(&self, now: Duration) -> Result<Read, CertificateError> {
        match self {
            Self::Development(authority) => {
                authority.renew_if_due(now)?;
                Read::from(authority.leaf_path(), &authority.leaf_key_path())
            }
            Self::Files { chain, key } => Read::from(chain.clone(), key),
            Self::Memory => Ok(Read {
                path: PathBuf::new(),
                chain: Zeroizing::default(),
                key: Zeroizing::default(),
            }),
        }
    }
}

impl Read {
    fn from(chain: PathBuf, key: &Path) -> Result<Self, CertificateError> {
        Ok(Self {
            chain: files::read(&chain)?,
            key: files::read(key)?,
            path: chain,
        })
    }

    /// Returns a digest of both files, to detect changes.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let both = Zeroizing::new([self.chain.as_slice(), b"|", &self.key].concat());
        Fingerprint::of(&both)
    }

    /// Parses the files, and checks that the certificate is valid now.
    pub(super) fn load(&self, now: Duration) -> Result<Loaded, CertificateError> {
        Loaded::parse(&self.path, &self.chain, &self.key)?.valid_at(&self.path, now)
    }
}
