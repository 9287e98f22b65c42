//! The choices of a certificate: where it is read from, and by which clock it is valid.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use palisade_core::{SharedClock, SystemClock};
use zeroize::Zeroizing;

use super::{
    Certificates,
    fingerprint::Fingerprint,
    loaded::Loaded,
    source::{Memory, PemFiles},
};
use crate::tls::{error::CertificateError, files};

/// Configures [`Certificates`]. Made by [`Certificates::builder`] and
/// [`Certificates::pem_builder`].
///
/// Default: the system clock.
///
/// ```
/// use std::time::Duration;
/// use palisade_core::ManualClock;
/// use palisade_transport::server::{CertificateError, Certificates};
///
/// # let made = rcgen::generate_simple_self_signed(["tts.example.com".to_owned()]).unwrap();
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// // A test of what happens after the certificate has expired.
/// let year_4200 = ManualClock::new(Duration::from_secs(2230 * 31_556_952));
/// let expired = Certificates::pem_builder(chain.as_bytes(), key.as_bytes())
///     .clock(year_4200.shared())
///     .open();
/// assert!(expired.is_err());
/// ```
///
/// From files, which are read again after a renewal:
///
/// ```
/// use palisade_transport::server::Certificates;
///
/// # let folder = tempfile::tempdir()?;
/// # let made = rcgen::generate_simple_self_signed(["tts.example.com".to_owned()])?;
/// # let (chain, key) = (folder.path().join("fullchain.pem"), folder.path().join("privkey.pem"));
/// # std::fs::write(&chain, made.cert.pem())?;
/// # std::fs::write(&key, made.signing_key.serialize_pem())?;
/// # use std::os::unix::fs::PermissionsExt;
/// # std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600))?;
/// let certificates = Certificates::builder(&chain, &key).open()?;
/// # let _ = certificates;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct CertificatesBuilder {
    pem: Pem,
    clock: SharedClock,
}

/// Where the chain and the key are.
enum Pem {
    /// In two files that are read again when they change.
    Files { chain: PathBuf, key: PathBuf },
    /// In memory.
    Memory {
        chain: Box<[u8]>,
        key: Zeroizing<Vec<u8>>,
    },
}

impl CertificatesBuilder {
    pub(super) fn of_files(chain: PathBuf, key: PathBuf) -> Self {
        Self::of(Pem::Files { chain, key })
    }

    pub(super) fn of_memory(chain: &[u8], key: &[u8]) -> Self {
        Self::of(Pem::Memory {
            chain: chain.into(),
            key: Zeroizing::new(key.to_vec()),
        })
    }

    fn of(pem: Pem) -> Self {
        Self {
            pem,
            clock: SystemClock::shared(),
        }
    }

    /// Sets the clock that decides whether a certificate is valid. Default: the system clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Reads the chain and the key.
    ///
    /// # Errors
    ///
    /// They cannot be read, the key is of another certificate, or the certificate is not valid
    /// today.
    pub fn open(self) -> Result<Certificates, CertificateError> {
        match self.pem {
            Pem::Files { chain, key } => {
                if files::is_open(&key).unwrap_or(false) {
                    tracing::warn!(number = "PAL0015", key = %key.display(), "others than its owner can read this key");
                }
                Certificates::open(PemFiles { chain, key }, self.clock)
            }
            Pem::Memory { chain, key } => {
                let path = Path::new("certificate");
                let loaded = Loaded::parse(path, &chain, &key)?;
                let loaded = loaded.valid_at(path, self.clock.unix_time())?;
                let seen = Fingerprint::of(&[]);
                Ok(Certificates::holding(
                    Memory,
                    self.clock,
                    Some(loaded),
                    seen,
                ))
            }
        }
    }
}

/// Shows where a certificate is, and never a key.
impl fmt::Debug for CertificatesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("CertificatesBuilder");
        if let Pem::Files { chain, key } = &self.pem {
            shown.field("chain", chain).field("key", key);
        }
        shown.finish_non_exhaustive()
    }
}
