//! An authority as the source of a server's certificates.

use std::{pin::Pin, sync::Arc, time::Duration};

use rustls::sign::CertifiedKey;

use super::{Acme, CLOCK_SKEW};
use crate::tls::{
    certificates::{CertificateFiles, CertificateSource},
    error::CertificateError,
};

impl CertificateSource for Acme {
    fn read(&self, _now: Duration) -> Result<CertificateFiles, CertificateError> {
        let path = self.inner.cache.certificate_path();
        let files = CertificateFiles::read(path.clone(), &path)?;
        Ok(files.with_clock_skew(CLOCK_SKEW))
    }

    fn ordered_names(&self) -> &[String] {
        &self.inner.domains
    }

    fn order_if_due(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        // It reports errors itself.
        Box::pin(async { drop(self.renew_if_due().await) })
    }

    fn challenge_certificate(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        self.inner.challenges.certificate(host)
    }
}

/// Answers challenges, and has no certificate.
pub(super) struct ChallengesOnly(pub(super) Acme);

impl CertificateSource for ChallengesOnly {
    fn read(&self, _now: Duration) -> Result<CertificateFiles, CertificateError> {
        let missing = std::io::ErrorKind::NotFound.into();
        Err(CertificateError::file(
            std::path::Path::new("certificate"),
            missing,
        ))
    }

    fn ordered_names(&self) -> &[String] {
        &self.0.inner.domains
    }

    fn challenge_certificate(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        self.0.inner.challenges.certificate(host)
    }
}
