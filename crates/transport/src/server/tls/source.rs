//! Where a certificate comes from.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use zeroize::Zeroizing;

use super::{CertificateError, DevAuthority, Fingerprint, files, loaded::Loaded};

/// Where a certificate comes from, again and again.
pub(super) enum Source {
    Development(DevAuthority),
    Files { chain: PathBuf, key: PathBuf },
    Memory,
}

/// The bytes of both files.
pub(super) struct Read {
    path: PathBuf,
    chain: Zeroizing<Vec<u8>>,
    key: Zeroizing<Vec<u8>>,
}

impl Source {
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

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let both = Zeroizing::new([self.chain.as_slice(), b"|", &self.key].concat());
        Fingerprint::of(&both)
    }

    pub(super) fn load(&self, now: Duration) -> Result<Loaded, CertificateError> {
        Loaded::parse(&self.path, &self.chain, &self.key)?.valid_at(&self.path, now)
    }
}
