//! A certificate chain and its key, parsed and checked.

use std::{path::Path, sync::Arc, time::Duration};

use rustls::{
    crypto::aws_lc_rs::sign::any_supported_type,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};

use crate::tls::{certificates::fingerprint::Fingerprint, error::CertificateError, names};

/// A chain and a key that are ready for handshakes.
#[derive(Debug)]
pub(in crate::tls) struct Loaded {
    /// The chain and its key.
    pub(in crate::tls) key: Arc<CertifiedKey>,
    /// The SHA-256 of the first certificate.
    pub(in crate::tls) fingerprint: Fingerprint,
    /// Start of its validity, since the Unix epoch.
    pub(in crate::tls) not_before: Duration,
    /// End of its validity, since the Unix epoch.
    pub(in crate::tls) not_after: Duration,
    /// The hosts and addresses that the certificate names.
    pub(in crate::tls) names: Vec<String>,
}

impl Loaded {
    /// Reads a chain and a key in PEM. `path` names the chain in errors.
    ///
    /// # Errors
    ///
    /// The PEM is not valid, the key type is not supported, or the key is of another
    /// certificate.
    pub(in crate::tls) fn parse(
        path: &Path,
        chain: &[u8],
        key: &[u8],
    ) -> Result<Self, CertificateError> {
        let certificates = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>();
        let certificates = certificates
            .ok()
            .filter(|certificates| !certificates.is_empty())
            .ok_or_else(|| CertificateError::unreadable(path, CHAIN))?;
        let key = PrivateKeyDer::from_pem_slice(key)
            .ok()
            .and_then(|key| any_supported_type(&key).ok())
            .ok_or_else(|| CertificateError::unreadable(path, KEY))?;
        let leaf = certificates.first().map(AsRef::as_ref).unwrap_or_default();
        let (not_before, not_after) =
            validity(leaf).ok_or_else(|| CertificateError::unreadable(path, CHAIN))?;
        let fingerprint = Fingerprint::of(leaf);
        let names = x509_parser::parse_x509_certificate(leaf);
        let names = names.map_or_else(|_| Vec::new(), |(_, parsed)| names::of(&parsed));
        let key = CertifiedKey::new(certificates, key);
        key.keys_match().map_err(|_| mismatch(path, &key))?;
        Ok(Self {
            key: Arc::new(key),
            fingerprint,
            not_before,
            not_after,
            names,
        })
    }

    /// Checks that the certificate is valid at this time.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Expired`] if it is not.
    pub(in crate::tls) fn valid_at(
        self,
        path: &Path,
        now: Duration,
    ) -> Result<Self, CertificateError> {
        if (self.not_before..self.not_after).contains(&now) {
            return Ok(self);
        }
        Err(CertificateError::Expired { path: path.into() })
    }
}

/// Names the file of the key in an error that says that there is no key.
pub(super) fn in_key_file(error: CertificateError, key: &Path) -> CertificateError {
    match error {
        CertificateError::Unreadable { expected: KEY, .. } => {
            CertificateError::unreadable(key, KEY)
        }
        error => error,
    }
}

/// Distinguishes a chain in the wrong order from a key of another certificate.
fn mismatch(path: &Path, key: &CertifiedKey) -> CertificateError {
    let path = path.into();
    let is_of_another = key.cert.iter().skip(1).any(|certificate| {
        let chain = vec![certificate.clone()];
        CertifiedKey::new(chain, Arc::clone(&key.key))
            .keys_match()
            .is_ok()
    });
    if is_of_another {
        CertificateError::ChainOrder { path }
    } else {
        CertificateError::Mismatch { path }
    }
}

const CHAIN: &str = "a certificate chain in PEM (`-----BEGIN CERTIFICATE-----`)";
const KEY: &str = "a private key in PEM (RSA, ECDSA or Ed25519, without password)";

/// Returns the times between which a certificate is valid, since the epoch.
pub(in crate::tls) fn validity(certificate: &[u8]) -> Option<(Duration, Duration)> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let seconds = |time: i64| Duration::from_secs(u64::try_from(time).unwrap_or_default());
    let validity = parsed.validity();
    Some((
        seconds(validity.not_before.timestamp()),
        seconds(validity.not_after.timestamp()),
    ))
}
